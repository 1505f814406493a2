"""The ``lmdeck`` command."""

from __future__ import annotations

from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run lmdeck; returns the exit code."""
    raise NotImplementedError(arguments)
