"""Settings, profiles, paths and keys."""
