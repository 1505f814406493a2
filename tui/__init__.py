"""lmdeck: a full-screen terminal app for LMDeploy."""

__version__ = "0.1.0"
