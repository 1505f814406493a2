"""What the memory monitor shows: the newest breakdown of every card, how it got there, and what cannot be known."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from tui.model.launch import LaunchPhase
from tui.model.memory import KvOccupancy, MemoryBreakdown
from tui.model.problem import Problem


class Attention(Enum):
    """How closely memory is watched: not at all, once in a while, or as fast as it is worth (4 Hz)."""

    HIDDEN = 0
    SHOWN = 1
    FOCUSED = 2


@dataclass(frozen=True, slots=True)
class CardState:
    """One card: its split, and how busy, warm and hungry it is (percent, °C, W; None when it was not said)."""

    breakdown: MemoryBreakdown
    utilisation: int | None = None
    temperature: int | None = None
    power: float | None = None

    @property
    def used(self) -> int | None:
        """Everything that is not free, in bytes; None when the card did not say."""
        total, free = self.breakdown.total.bytes, self.breakdown.free.bytes
        return None if total is None or free is None else total - free


@dataclass(frozen=True, slots=True)
class HistoryPoint:
    """One second: the fraction of the first card's memory and of the kv cache in use (0…1), tokens a second. None
    where it was not known."""

    memory: float | None = None
    kv: float | None = None
    rate: float | None = None


@dataclass(frozen=True, slots=True)
class MemoryState:
    """All that is known at ``time`` (UTC seconds). ``source`` says where the memory figures come from and ``raw`` is
    that tool's own line (see :class:`tui.model.gpu.GpuReading`). ``occupancy`` is the cache's, also when no card can be
    seen. ``starting`` is the phase of a server that is loading. ``problems`` say what cannot be known and what to do.
    ``history`` has one point a second, oldest first."""

    time: float = 0.0
    cards: tuple[CardState, ...] = ()
    source: str = "none"
    raw: str = ""
    model: str = ""
    occupancy: KvOccupancy | None = None
    running: int | None = None
    waiting: int | None = None
    tokens_per_second: float | None = None
    starting: LaunchPhase | None = None
    timeline: tuple[LaunchPhase, ...] = ()
    problems: tuple[Problem, ...] = ()
    history: tuple[HistoryPoint, ...] = ()

    @property
    def simulated(self) -> bool:
        return self.source == "simulated"
