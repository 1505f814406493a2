"""Tools: the registry, checks of arguments, and the built-in arithmetic."""
