"""The dataclasses everybody shares. Nothing here imports another room of the house."""
