"""The start-up timeline: context → weights → kv cache → warm-up, with the moment and the size of each phase.

The log says when a phase began, samples say what it took; without a log the phases are read off the samples: a ramp
(weights), then the one large step (the kv region), then small steps (warm-up)."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from tui.lmdeploy.log import StageChange
from tui.model.launch import LaunchPhase, LaunchStage

_MEASURED = (LaunchStage.CONTEXT, LaunchStage.WEIGHTS, LaunchStage.KV_CACHE, LaunchStage.WARM_UP)
_SETTLE = 0.06


@dataclass(frozen=True, slots=True)
class MemoryPoint:
    """What the server held on one card at a moment: seconds since its start, bytes."""

    at: float
    used: int


def timeline(stages: Sequence[StageChange], points: Sequence[MemoryPoint]) -> tuple[LaunchPhase, ...]:
    """Every phase the log named, with what memory grew by until the next one began."""
    times = [point.at for point in points]
    phases: list[LaunchPhase] = []
    for index, change in enumerate(stages):
        end = stages[index + 1].at if index + 1 < len(stages) else None
        size = None
        if points and change.stage in _MEASURED and end is not None:
            size = _used(times, points, end) - _used(times, points, change.at)
        phases.append(LaunchPhase(change.stage, change.at, size=size))
    return tuple(phases)


def _used(times: Sequence[float], points: Sequence[MemoryPoint], at: float) -> int:
    """The last sample up to ``at``; samples are a little older than the lines they belong to."""
    index = bisect_right(times, at + _SETTLE) - 1
    return points[index].used if index >= 0 else 0
