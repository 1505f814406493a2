"""States of memory for tests of panels: one card as recorded for the course's homework, and variations of it."""

from __future__ import annotations

from typing import Any

from tui.model.memory import Figure, KvOccupancy, MemoryBreakdown, Source
from tui.model.monitor import CardState, HistoryPoint, MemoryState

GIB = 1 << 30
UNKNOWN = Figure(None, Source.UNKNOWN)


def breakdown(**changes: Any) -> MemoryBreakdown:
    """24 GiB: weights 1.44, kv 8.14, other 1.91, others 0.31, reserve 0.60, free the rest."""
    sizes = {"weights": 1.44, "kv_cache": 8.14, "other": 1.91, "other_processes": 0.31, "driver_reserve": 0.60}
    parts = {name: int(size * GIB) for name, size in sizes.items()}
    sources = {"weights": Source.CHECKPOINT, "kv_cache": Source.SERVER_LOG}
    figures: dict[str, Any] = {name: Figure(size, sources.get(name, Source.MEASURED)) for name, size in parts.items()}
    figures["free"] = Figure(24 * GIB - sum(parts.values()), Source.MEASURED)
    occupancy = KvOccupancy(0.11, Source.METRICS, 3.0, 36_630, 333_000)
    values = {"card": 0, "name": "NVIDIA A100", "total": Figure(24 * GIB, Source.MEASURED), "occupancy": occupancy}
    return MemoryBreakdown(**{**values, **figures, **changes})


def nothing_known(**changes: Any) -> MemoryBreakdown:
    """Only the card's own figures: the model is not known and process ids are hidden."""
    figures = {
        "weights": UNKNOWN,
        "kv_cache": UNKNOWN,
        "other": Figure(12 * GIB, Source.MEASURED),
        "other_processes": UNKNOWN,
        "driver_reserve": UNKNOWN,
        "free": Figure(12 * GIB, Source.MEASURED),
        "occupancy": None,
        "other_includes_foreign": True,
    }
    return breakdown(**{**figures, **changes})


def state(*cards: MemoryBreakdown, **changes: Any) -> MemoryState:
    shown = cards or (breakdown(),)
    points = tuple(HistoryPoint(0.5, 0.11, float(rate)) for rate in (0, 40, 142))
    values: dict[str, Any] = {
        "time": 1.0,
        "cards": tuple(CardState(card, 37, 45, 210.0) for card in shown),
        "source": "nvml",
        "occupancy": shown[0].occupancy,
        "running": 1,
        "waiting": 0,
        "tokens_per_second": 142.0,
        "history": points,
    }
    return MemoryState(**{**values, **changes})
