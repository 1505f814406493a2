"""From a question to a plan: lmdeploy's own order of allocations, calculated.

1. weights and "other before" are loaded; 2. the kv region is sized from what is free then (TurboMind: ratio × free;
PyTorch: ratio × (free − reserve − states), whole blocks); 3. "other after" follows (reference §5.3, §5.4)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from tui.lmdeploy.checkpoint import weights_per_card
from tui.lmdeploy.kv import (
    TURBOMIND_POLICIES,
    block_bytes,
    blocks_in_region,
    bytes_per_token,
    default_max_batch,
    pytorch_reserve,
    state_bytes,
)
from tui.lmdeploy.overhead import Load, after_kv, before_kv
from tui.lmdeploy.versions import BASELINE, BLOCK_COUNT_UNTIL, OBJECT_CACHE, Version
from tui.model.plan import Plan, PlanInput
from tui.model.problem import Problem, ProblemError
from tui.planner.calibration import Correction, Measurement, correct
from tui.planner.explain import explain_plan
from tui.planner.measured import MEASUREMENTS
from tui.planner.warnings import warn

CARD_SIZES_GIB = (6, 8, 10, 11, 12, 16, 20, 22, 24, 32, 40, 48, 64, 80, 94, 96, 141, 180)
IMAGE_ACTIVATIONS = 1 << 30
"""A vision tower's activations for one image (an allowance, not measured)."""
_RESERVE_SHARE = 0.015
_LARGEST_RESERVE = 0.6 * (1 << 30)


@dataclass(frozen=True, slots=True)
class _Basis:
    """What does not depend on the ratio; ``late`` are weights loaded after the kv region was sized (vision)."""

    load: Load
    correction: Correction
    version: Version
    free: int
    before: int
    late: int
    block: int
    state: int
    reserve: int

    @property
    def sized(self) -> int:
        """Free memory when the kv region is sized."""
        return self.free - (self.load.weights - self.late) - self.before


def plan(question: PlanInput, own: Iterable[Measurement] = (), shipped: Iterable[Measurement] = MEASUREMENTS) -> Plan:
    """Where memory would go. Raises ProblemError for a question that has no answer (``plan.…``)."""
    basis = _basis(question, check(question), [*shipped, *own])
    load = basis.load
    region = _region(question, basis)
    blocks = blocks_in_region(region, basis.block, basis.version, question.engine)
    after = _after(question, basis, blocks)
    left = basis.free - load.weights - basis.before - region - after
    tokens = _tokens(question, basis, region, blocks)
    answer = Plan(
        weights=load.weights,
        kv_cache=region,
        other_before=basis.before,
        other_after=after,
        margin=basis.correction.margin,
        free_before=basis.free,
        free_when_sized=basis.sized,
        free_after=left,
        block=basis.block,
        bytes_per_token=bytes_per_token(question.config, question.quant_policy, question.tp),
        blocks=blocks,
        tokens=tokens,
        sessions=round(tokens / load.session_len, 2),
        session_len=load.session_len,
        max_batch=load.max_batch,
        reserve=basis.reserve,
        state=basis.state,
        fits=left >= 0 and basis.sized > 0 and blocks > 2,
    )
    answer = replace(answer, explanations=explain_plan(question, answer))
    return replace(answer, warnings=warn(question, answer, basis.correction.known, basis.version))


def largest_ratio(
    question: PlanInput, leave: int, own: Iterable[Measurement] = (), shipped: Iterable[Measurement] = MEASUREMENTS
) -> float | None:
    """The largest ratio in steps of 0.01 that leaves ``leave`` bytes free after the start; None when none does."""
    known = [*shipped, *own]
    low, high = 0, 99
    while low < high:
        middle = (low + high + 1) // 2
        answer = plan(replace(question, ratio=middle / 100), shipped=known)
        if answer.free_after >= leave and answer.sized_for_cache:
            low = middle
        else:
            high = middle - 1
    return low / 100 if low else None


def smallest_card(
    question: PlanInput, own: Iterable[Measurement] = (), shipped: Iterable[Measurement] = MEASUREMENTS
) -> int | None:
    """The smallest usual card size (GiB) on which this fits with at least one full-length conversation."""
    known = [*shipped, *own]
    for size in CARD_SIZES_GIB:
        answer = plan(replace(question, total=size << 30, free=None), shipped=known)
        if answer.fits and answer.tokens >= answer.session_len:
            return size
    return None


def check(question: PlanInput) -> Version:
    """The question's lmdeploy release. Raises ProblemError for what lmdeploy itself would refuse."""
    version = Version.parse(question.version) if question.version else BASELINE
    if version is None:
        raise ProblemError(Problem("plan.version", {"version": question.version}))
    turbomind = question.engine == "turbomind"
    if turbomind and question.quant_policy not in TURBOMIND_POLICIES:
        raise ProblemError(Problem("plan.policy", {"policy": question.quant_policy}))
    blocks = turbomind and version < BLOCK_COUNT_UNTIL and question.ratio >= 1 and question.ratio == int(question.ratio)
    if not (0 < question.ratio < 1 or blocks):
        raise ProblemError(Problem("plan.ratio", {"ratio": question.ratio}))
    tp, heads = question.tp, question.config.heads
    if tp < 1 or tp & (tp - 1) or tp > heads:
        raise ProblemError(Problem("plan.tp", {"tp": tp, "heads": heads}))
    if question.free is not None and question.free > question.total * 1.05:  # sizes are often given rounded
        raise ProblemError(Problem("plan.free"))
    return version


def load_of(question: PlanInput, version: Version) -> Load:
    """What "other" depends on, for a question."""
    return Load(
        engine=question.engine,
        version=version,
        config=question.config,
        checkpoint=question.checkpoint,
        weights=weights_per_card(question.config, question.checkpoint, question.tp),
        gpu_name=question.gpu_name,
        tp=question.tp,
        session_len=question.session_len or question.config.max_position or 2048,
        max_batch=question.max_batch or default_max_batch(question.gpu_name, version),
        max_prefill=question.max_prefill,
        eager=question.eager,
    )


def _basis(question: PlanInput, version: Version, measurements: list[Measurement]) -> _Basis:
    load = load_of(question, version)
    correction = correct(load, measurements)
    state = state_bytes(question.config.linear_attention, question.tp, question.config.element_bytes)
    pytorch = question.engine == "pytorch"
    late = question.checkpoint.vision if not pytorch and version >= OBJECT_CACHE else 0
    return _Basis(
        load=load,
        correction=correction,
        version=version,
        free=_free(question),
        before=max(before_kv(load) + correction.before, 0),
        late=late,
        block=block_bytes(question.config, question.quant_policy, question.tp, question.block_tokens),
        state=state,
        reserve=pytorch_reserve(question.config, load.max_batch, load.max_prefill, version) if pytorch else 0,
    )


def _free(question: PlanInput) -> int:
    """Free memory before the start: as given, else the card less what drivers usually keep for themselves."""
    if question.free is not None:
        return question.free
    return question.total - round(min(question.total * _RESERVE_SHARE, _LARGEST_RESERVE))


def _region(question: PlanInput, basis: _Basis) -> int:
    """Bytes reserved for the kv cache on one card."""
    states = 0
    if question.engine == "pytorch":
        states = (basis.load.max_batch + 2) * basis.state
        if question.num_gpu_blocks:
            return question.num_gpu_blocks * basis.block + states
        room = int((basis.sized - basis.reserve - states) * question.ratio)
        return max(room, 0) // basis.block * basis.block + (states if room > 0 else 0)
    if question.ratio >= 1:
        return int(question.ratio) * basis.block
    region = max(int(basis.sized * question.ratio), 0)
    if basis.version < OBJECT_CACHE:
        return region // basis.block * basis.block
    return region


def _tokens(question: PlanInput, basis: _Basis, region: int, blocks: int) -> int:
    """Tokens the cache holds. Hybrid models also keep one state a sequence in the region (TurboMind)."""
    if basis.state:
        load = basis.load
        if question.engine == "pytorch":
            spent = (load.max_batch + 2) * basis.state
        else:
            spent = basis.state * (1 if basis.version >= OBJECT_CACHE else load.max_batch)
        blocks = blocks_in_region(region - spent, basis.block, basis.version, question.engine)
    return blocks * question.block_tokens


def _after(question: PlanInput, basis: _Basis, blocks: int) -> int:
    calculated = after_kv(replace(basis.load, blocks=blocks)) + basis.correction.after
    images = IMAGE_ACTIVATIONS if question.checkpoint.vision else 0
    return max(calculated, 0) + images
