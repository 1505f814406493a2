"""Where a card's memory went. All sizes in bytes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Source(Enum):
    """Where a figure comes from, best first; every figure on screen shows it."""

    MEASURED = "measured"
    SERVER_LOG = "server log"
    CHECKPOINT = "checkpoint"
    METRICS = "metrics"
    COMMAND_LINE = "command line"
    ESTIMATED = "estimated"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Figure:
    """A size with its source. ``bytes`` is None when unknown (never shown as 0); ``margin`` is ± bytes."""

    bytes: int | None
    source: Source
    margin: int = 0
    explanation: str = ""


@dataclass(frozen=True, slots=True)
class KvOccupancy:
    """How much of the reserved kv cache is in use: a fraction 0…1 with the age of the sample in seconds."""

    fraction: float
    source: Source
    age: float = 0.0
    tokens: int | None = None
    capacity_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class MemoryBreakdown:
    """The split of one card. Known parts add up to ``total``:
    weights + kv_cache + other + other_processes + driver_reserve + free = total."""

    card: int
    name: str
    total: Figure
    weights: Figure
    kv_cache: Figure
    other: Figure
    other_processes: Figure
    driver_reserve: Figure
    free: Figure
    occupancy: KvOccupancy | None = None
    other_includes_foreign: bool = False
    time: float = 0.0
