"""Joins a sample with what is known of a server: where every byte of a card went, and where each figure comes from.

The parts add up exactly: weights + kv cache + other + other processes + driver reserve + free = total. A part that is
unknown is None and its bytes are inside ``other``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from tui.gpu.knowledge import Knowledge
from tui.i18n import N_
from tui.model.gpu import GpuReading, GpuSample
from tui.model.memory import Figure, MemoryBreakdown, Source

UNKNOWN = Figure(None, Source.UNKNOWN)
REST = N_("The rest of the server's memory: CUDA context, buffers, graphs, what loading left behind.")
REST_WITH_FOREIGN = N_("Process ids are hidden here, so memory of other processes is in this figure.")
REST_WITH_UNKNOWN = N_("Weights and kv cache are in this figure, because the model is not known.")
BEFORE_LAUNCH = N_("What was used before the server was started.")
LISTED = N_("The driver's list of processes.")
RESERVED = N_("What the driver keeps for itself.")


@dataclass(frozen=True, slots=True)
class _Use:
    """What processes hold on a card."""

    server: int
    foreign: Figure
    mixed: bool
    unlisted: int = 0


def break_down(reading: GpuReading, known: Knowledge, now: float = 0.0) -> tuple[MemoryBreakdown, ...]:
    """The split of every card the server uses (all cards when that is not known). ``now`` dates the metrics."""
    return tuple(
        _card(sample, known, reading.time, now) for sample in reading.samples if _concerns(sample, known, reading)
    )


def _concerns(sample: GpuSample, known: Knowledge, reading: GpuReading) -> bool:
    if known.cards is not None:
        return sample.index in known.cards[: max(known.tp, 1)]
    holders = [card for card in reading.samples if _server_bytes(card, known)]
    if holders:
        return sample in holders
    return len(reading.samples) <= known.tp or sample.index < known.tp


def _card(sample: GpuSample, known: Knowledge, time: float, now: float) -> MemoryBreakdown:
    if sample.total is None or sample.used is None:
        return _unreadable(sample, time)
    total = sample.total
    used = min(sample.used, total)  # a driver whose figures do not add up must not make parts negative
    sample = replace(sample, used=used, reserved=_at_most(sample.reserved, total - used))
    use = _use(sample, known)
    reserve = (sample.reserved or 0) + use.unlisted
    free = total - used - (sample.reserved or 0)
    weights, kv, other = _split(sample, known, use, free)
    known_reserve = sample.reserved is not None or use.unlisted > 0
    return MemoryBreakdown(
        card=sample.index,
        name=sample.name,
        total=Figure(total, Source.MEASURED),
        weights=weights,
        kv_cache=kv,
        other=other,
        other_processes=use.foreign,
        driver_reserve=Figure(reserve, Source.MEASURED, explanation=RESERVED) if known_reserve else UNKNOWN,
        free=Figure(free, Source.MEASURED),
        occupancy=known.occupancy(kv.bytes, now),
        other_includes_foreign=use.mixed,
        time=time,
    )


def _at_most(size: int | None, limit: int) -> int | None:
    return None if size is None else min(size, limit)


def _unreadable(sample: GpuSample, time: float) -> MemoryBreakdown:
    reason = sample.errors.get("memory") or sample.errors.get("card") or ""
    total = UNKNOWN if sample.total is None else Figure(sample.total, Source.MEASURED)
    nothing = Figure(None, Source.UNKNOWN, explanation=reason)
    return MemoryBreakdown(
        sample.index, sample.name, total, nothing, nothing, nothing, nothing, nothing, nothing, time=time
    )


def _server_bytes(sample: GpuSample, known: Knowledge) -> int | None:
    """What the server's processes hold on a card by the driver's list; None when the list does not tell."""
    listed = [entry.used for entry in sample.processes or () if entry.pid in known.pids]
    sizes = [used for used in listed if used is not None]
    return sum(sizes) if sizes and len(sizes) == len(listed) else None


def _use(sample: GpuSample, known: Knowledge) -> _Use:
    used = sample.used or 0
    server = _server_bytes(sample, known)
    if server is not None:
        return _listed(sample, known, min(server, used))
    before = known.baseline.get(sample.index)
    if before is not None:
        foreign = min(before, used)
        return _Use(used - foreign, Figure(foreign, Source.MEASURED, explanation=BEFORE_LAUNCH), mixed=False)
    return _Use(used, UNKNOWN, mixed=True)


def _listed(sample: GpuSample, known: Knowledge, server: int) -> _Use:
    """With a readable list: the others' sum, and what no process claims (the reserve in NVML v1, some MiB in v2)."""
    used = sample.used or 0
    others = [entry.used for entry in sample.processes or () if entry.pid not in known.pids]
    if any(size is None for size in others):
        return _Use(server, Figure(used - server, Source.MEASURED, explanation=LISTED), mixed=False)
    foreign = min(sum(size or 0 for size in others), used - server)
    return _Use(
        server, Figure(foreign, Source.MEASURED, explanation=LISTED), mixed=False, unlisted=used - server - foreign
    )


def _split(sample: GpuSample, known: Knowledge, use: _Use, free: int) -> tuple[Figure, Figure, Figure]:
    """Weights, kv cache and the rest of the server's bytes; while it starts, never more than it has taken so far."""
    weights = known.weights()
    kv = known.kv_region(use.server, free, sample.name)
    loaded = None if weights.bytes is None else min(weights.bytes, use.server)
    left = use.server - (loaded or 0)
    region = None if kv.bytes is None else min(kv.bytes, left)
    rest = left - (region or 0)
    explanation = REST_WITH_FOREIGN if use.mixed else REST_WITH_UNKNOWN if loaded is None else REST
    source = Source.ESTIMATED if kv.margin else Source.MEASURED  # a difference is as sure as its parts
    other = Figure(rest, source, kv.margin, explanation)
    return replace(weights, bytes=loaded), replace(kv, bytes=region), other
