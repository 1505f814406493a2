"""A machine, this one or one over ssh."""
