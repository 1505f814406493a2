"""When to try again, and whether the machine slept."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass

SLEPT = 5.0
"""Seconds that the wall clock may run ahead of the monotonic one before that counts as a sleep."""


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds. ``pauses`` between automatic attempts, the last one repeated, each shortened by up to ``jitter`` of
    itself; ``stuck``: no progress while logging in and no question open; ``ping``: how often the round trip is
    measured; ``late``: an answer so overdue means degraded; ``lost``: and so overdue lost; ``look``: how often the port
    of a machine that was not there is tried during a pause."""

    pauses: tuple[float, ...] = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
    jitter: float = 0.25
    soon: float = 0.2
    connect: int = 15
    stuck: float = 45.0
    ping: float = 3.0
    late: float = 3.0
    lost: float = 10.0
    look: float = 1.0

    def pause(self, failures: int, chance: Callable[[], float] = random.random) -> float:
        """How long to wait after so many failures in a row; 0: the connection had been up."""
        if failures <= 0:
            return self.soon
        whole = self.pauses[min(failures, len(self.pauses)) - 1]
        return whole * (1.0 - self.jitter * chance())


class SleepWatch:
    """Notices that the machine slept: the wall clock went on, the monotonic clock did not."""

    def __init__(self, wall: Callable[[], float] = time.time, steady: Callable[[], float] = time.monotonic) -> None:
        self._wall, self._steady = wall, steady
        self._offset = wall() - steady()

    def woke(self) -> bool:
        """Whether it slept since the last call (or a clock was set ahead, which costs one needless look)."""
        offset = self._wall() - self._steady()
        slept = offset - self._offset > SLEPT
        self._offset = offset
        return slept
