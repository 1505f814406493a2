"""The way of a server's start, phase by phase."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from tui.model.problem import Problem


class LaunchStage(Enum):
    """What a starting server is doing. The port opens only after the warm-up."""

    STARTING = "starting"
    DOWNLOADING = "downloading"
    CONTEXT = "context"
    WEIGHTS = "weights"
    KV_CACHE = "kv-cache"
    WARM_UP = "warm-up"
    READY = "ready"
    STOPPING = "stopping"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class LaunchPhase:
    """One step of a start. ``at`` is seconds since the start; ``fraction`` 0…1 where the server says; ``size`` is what
    the phase took on one card, in bytes, where samples show it."""

    stage: LaunchStage
    at: float
    fraction: float | None = None
    size: int | None = None
    problem: Problem | None = None
