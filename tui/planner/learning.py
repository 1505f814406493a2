"""From a server that is ready: what it teaches about "other", and the run for the table of runs."""

from __future__ import annotations

from dataclasses import dataclass, replace

from tui.lmdeploy.kv import blocks_in_region, bytes_per_token, pytorch_reserve
from tui.lmdeploy.log import LogFacts
from tui.lmdeploy.overhead import after_kv, before_kv
from tui.model.memory import Source
from tui.model.plan import Plan, PlanInput, Run
from tui.planner.calibration import Measurement, family_of
from tui.planner.planning import check, load_of


@dataclass(frozen=True, slots=True)
class Started:
    """A server that became ready, on one of its cards: its log, what was free before its start, and what its processes
    hold now (or what the card lost, when process ids are hidden). ``id`` and ``started`` (UTC seconds) name the run."""

    id: str
    started: float
    question: PlanInput
    facts: LogFacts
    free_before: int
    process: int


def halves(seen: Started) -> tuple[int, int, int, int] | None:
    """weights, kv cache, other before and other after as measured, in bytes; None when the log did not say enough."""
    question, facts = seen.question, seen.facts
    load = load_of(question, check(question))
    region = facts.kv_region(question.config)
    if region is None:
        return None
    sized = facts.free_before_kv
    if sized is None:
        if question.engine != "pytorch" or question.num_gpu_blocks:
            return None
        batch, prefill = facts.max_batch or load.max_batch, facts.max_prefill or load.max_prefill
        sized = round(region / question.ratio) + pytorch_reserve(question.config, batch, prefill, load.version)
    before = seen.free_before - sized - load.weights
    return load.weights, region, before, seen.process - load.weights - region - before


def learn(seen: Started) -> Measurement | None:
    """How far the formula was off on this start, for :class:`tui.planner.calibration.OwnMeasurements`."""
    parts = halves(seen)
    if parts is None:
        return None
    question = seen.question
    load = load_of(question, check(question))
    blocks = seen.facts.num_gpu_blocks or 0
    load = replace(load, blocks=blocks, max_batch=seen.facts.max_batch or load.max_batch)
    before, after = parts[2] - before_kv(load), parts[3] - after_kv(load)
    return Measurement(seen.id, question.gpu_name, family_of(load), before, after)


def run_of(seen: Started, predicted: Plan | None, flags: tuple[str, ...]) -> Run:
    """The run to keep: what was measured beside what was predicted."""
    question, parts = seen.question, halves(seen)
    weights, region, before, after = parts or (None, seen.facts.kv_region(question.config), None, None)
    load = load_of(question, check(question))
    tokens = None
    if region is not None:
        block = bytes_per_token(question.config, question.quant_policy, question.tp) * question.block_tokens
        tokens = blocks_in_region(region, block, load.version, question.engine) * question.block_tokens
    known = {"weights": Source.CHECKPOINT, "kv_cache": Source.SERVER_LOG, "total": Source.MEASURED}
    return Run(
        id=seen.id,
        started=seen.started,
        model=question.checkpoint.name,
        engine=question.engine,
        gpu_name=question.gpu_name,
        flags=flags,
        ratio=question.ratio,
        quant_policy=question.quant_policy,
        tp=question.tp,
        version=question.version,
        weight_format=question.checkpoint.weight_format,
        weights=load.weights if weights is None else weights,
        kv_cache=region,
        other_before=before,
        other_after=after,
        total=seen.process,
        tokens=tokens,
        predicted_total=predicted.total_used if predicted else None,
        predicted_kv=predicted.kv_cache if predicted else None,
        sources={name: source.value for name, source in known.items()},
    )
