"""A plan as a card's breakdown, so that it is drawn like a measured one."""

from __future__ import annotations

from tui.model.memory import Figure, MemoryBreakdown, Source
from tui.model.plan import Plan, PlanInput


def picture(question: PlanInput, plan: Plan) -> MemoryBreakdown:
    """One card as the plan says it will be; every figure but the weights is an estimate with the plan's margin. What
    was taken before the start belongs to other processes where the free memory was given, else to the driver."""
    taken = Figure(question.total - plan.free_before, Source.ESTIMATED)
    nobody = Figure(None, Source.UNKNOWN)
    return MemoryBreakdown(
        card=0,
        name=question.gpu_name,
        total=Figure(question.total, Source.ESTIMATED),
        weights=Figure(plan.weights, Source.CHECKPOINT),
        kv_cache=Figure(plan.kv_cache, Source.ESTIMATED, plan.margin),
        other=Figure(plan.other, Source.ESTIMATED, plan.margin),
        other_processes=taken if question.free is not None else nobody,
        driver_reserve=taken if question.free is None else nobody,
        free=Figure(max(plan.free_after, 0), Source.ESTIMATED, plan.margin),
    )
