"""Pure functions behind the memory monitor: findings and samples → what is shown, and why it is what it is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from tui.gpu.breakdown import break_down
from tui.gpu.knowledge import Knowledge
from tui.gpu.timeline import MemoryPoint, timeline
from tui.hosts.findings import Findings
from tui.lmdeploy.kv import pytorch_reserve
from tui.lmdeploy.versions import BASELINE, Version
from tui.model.gpu import GpuReading, GpuSample
from tui.model.launch import LaunchPhase, LaunchStage
from tui.model.memory import MemoryBreakdown
from tui.model.monitor import CardState, HistoryPoint, MemoryState
from tui.model.plan import PlanInput
from tui.model.server import ServerFacts, ServerMetrics


def version_of(found: Findings, facts: ServerFacts) -> Version:
    """The server's release: as found on its machine, else the newest that fits what it answers."""
    if found.version is not None:
        return found.version
    newest = Version.parse(facts.version_band[1]) if facts.version_band else None
    return newest or BASELINE


def knowledge(found: Findings, facts: ServerFacts, metrics: ServerMetrics | None) -> Knowledge:
    """What the breakdown wants to know of the server."""
    return Knowledge(
        config=found.config,
        checkpoint=found.checkpoint,
        facts=found.facts,
        command=found.command,
        pids=found.pids,
        baseline=found.baseline,
        cards=found.cards,
        metrics=metrics,
        version=version_of(found, facts),
    )


@dataclass(frozen=True, slots=True)
class Card:
    """The card a question is about; bytes. ``free`` is what was free before the server started, None: not known."""

    total: int
    free: int | None = None
    name: str = ""


def question_about(found: Findings, facts: ServerFacts, card: Card) -> PlanInput | None:
    """The question whose answer would have predicted this server; None when the model is not known."""
    if found.config is None or found.checkpoint is None:
        return None
    known = knowledge(found, facts, None)
    command, said = found.command, found.facts
    engine = known.engine if found.kind != "told" or facts.engine == "unknown" else facts.engine
    return PlanInput(
        config=found.config,
        checkpoint=found.checkpoint,
        total=card.total,
        free=card.free,
        gpu_name=card.name,
        engine=engine,
        version=str(version_of(found, facts)),
        ratio=command.ratio if command else 0.8,
        quant_policy=known.policy,
        tp=known.tp,
        session_len=(said.session_len if said else None) or (command.count("session_len", 0) if command else 0) or None,
        max_batch=(said.max_batch if said else None) or (command.count("max_batch_size", 0) if command else 0) or None,
        max_prefill=(said.max_prefill if said else None) or 8192,
        block_tokens=known.block_tokens,
        eager=command.flag("eager_mode") if command else False,
        num_gpu_blocks=command.count("num_gpu_blocks", 0) if command else 0,
    )


def server_bytes(card: MemoryBreakdown) -> int | None:
    """What the server holds on a card; None when other processes cannot be told from it or a figure is missing."""
    if card.other_includes_foreign or card.other.bytes is None:
        return None
    return card.other.bytes + (card.weights.bytes or 0) + (card.kv_cache.bytes or 0)


def free_before(found: Findings, card: MemoryBreakdown) -> int | None:
    """What was free on a card before the server started: as recorded, else what would be free without it."""
    if found.free_before is not None:
        return found.free_before
    held = server_bytes(card)
    return None if held is None or card.free.bytes is None else card.free.bytes + held


def phase_of(found: Findings, healthy: bool, now: float) -> LaunchPhase | None:
    """What a server that is loading does; None for one that is ready or not there. ``now`` is UTC seconds."""
    if found.kind not in ("process", "demo") or healthy:
        return None
    at = max(now - found.started, 0.0) if found.started is not None else 0.0
    if found.facts is None:
        return LaunchPhase(LaunchStage.STARTING, at)
    if found.facts.stage in (LaunchStage.READY, LaunchStage.STOPPING):
        return None
    return LaunchPhase(found.facts.stage, at, found.facts.fraction)


def start_line(found: Findings, points: list[MemoryPoint], card: MemoryBreakdown | None) -> tuple[LaunchPhase, ...]:
    """The phases of the start. The log's own figures come first – what was gone when the kv region was sized, the
    region, and what the server holds beyond – because that phase is shorter than the time between two samples."""
    phases = timeline(found.stages, points)
    if found.facts is None:
        return phases
    context = next((phase.size for phase in phases if phase.stage is LaunchStage.CONTEXT), None)
    region = found.facts.kv_region(found.config)
    before = free_before(found, card) if card is not None else None
    sized = _sized(found, region)
    loaded = None if before is None or sized is None else before - sized
    held = server_bytes(card) if card is not None else None
    rest = None if held is None or region is None or loaded is None else held - region - loaded
    weights = None if loaded is None else loaded - (context or 0)
    sizes = {LaunchStage.WEIGHTS: weights, LaunchStage.KV_CACHE: region, LaunchStage.WARM_UP: rest}
    known = {stage: size for stage, size in sizes.items() if size is not None}
    return tuple(replace(phase, size=known.get(phase.stage, phase.size)) for phase in phases)


def _sized(found: Findings, region: int | None) -> int | None:
    """What was free when the kv region was sized: as the log says, else from the region (PyTorch)."""
    facts, command, config = found.facts, found.command, found.config
    if facts is None or facts.free_before_kv is not None or region is None or command is None or config is None:
        return facts.free_before_kv if facts is not None else None
    if facts.max_batch is None or facts.max_prefill is None or not 0 < command.ratio < 1:
        return None
    reserve = pytorch_reserve(config, facts.max_batch, facts.max_prefill, found.version or BASELINE)
    return round(region / command.ratio) + reserve


def used_by_card(samples: tuple[GpuSample, ...]) -> dict[int, int]:
    return {sample.index: sample.used for sample in samples if sample.used is not None}


def card_states(reading: GpuReading, split: Iterable[MemoryBreakdown]) -> tuple[CardState, ...]:
    """Each card's split with its load."""
    samples = {sample.index: sample for sample in reading.samples}
    return tuple(
        CardState(card, samples[card.card].utilisation, samples[card.card].temperature, samples[card.card].power)
        for card in split
    )


def state_of(reading: GpuReading) -> MemoryState:
    """What a reading alone says, when nothing is known of any server."""
    cards = card_states(reading, break_down(reading, Knowledge()))
    problems = (reading.problem,) if reading.problem is not None else ()
    return MemoryState(reading.time, cards, reading.source, reading.raw, problems=problems)


def point_of(state: MemoryState) -> HistoryPoint:
    """A state as a point of the history; the first card stands for all."""
    first = state.cards[0] if state.cards else None
    memory = None
    if first is not None and first.used is not None and first.breakdown.total.bytes:
        memory = first.used / first.breakdown.total.bytes
    kv = state.occupancy.fraction if state.occupancy is not None else None
    return HistoryPoint(memory, kv, state.tokens_per_second)
