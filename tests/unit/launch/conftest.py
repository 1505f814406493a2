"""The fixtures of a machine to start things on."""

from __future__ import annotations

from tests.support.launching import FAST, fast, home, lmdeploy, machine, models, recording, slice_card

__all__ = ["FAST", "fast", "home", "lmdeploy", "machine", "models", "recording", "slice_card"]
