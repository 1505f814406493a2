"""What a plan's reader should know, most important first."""

from __future__ import annotations

from tui.i18n.figures import gib
from tui.lmdeploy.versions import OBJECT_CACHE, Version
from tui.model.plan import Plan, PlanInput
from tui.model.problem import Problem

GIB = 1 << 30


def warn(question: PlanInput, plan: Plan, calibrated: bool, version: Version) -> tuple[Problem, ...]:
    """The notices for a plan."""
    found = [*_memory(question, plan), *_context(question, plan, version)]
    if question.checkpoint.vision:
        found.append(Problem("plan.vision", {"model": question.checkpoint.name}))
    found.extend(note for note in question.checkpoint.problems if note.code != "plan.vision")
    states = plan.state * (plan.max_batch + 2)
    if states > GIB:
        found.append(Problem("plan.states", {"size": gib(states), "batch": plan.max_batch}))
    if not calibrated:
        data = {"engine": question.engine, "version": str(version), "gpu": question.gpu_name or "?"}
        found.append(Problem("plan.uncalibrated", data))
    return tuple(found)


def _memory(question: PlanInput, plan: Plan) -> list[Problem]:
    if plan.weights > plan.free_before:
        return [Problem("plan.weights-do-not-fit")]
    if not plan.sized_for_cache:
        return [Problem("plan.no-kv")]
    if plan.free_after < 0:
        room = plan.free_when_sized - plan.other_after
        ratio = max(int(room * 100 / plan.free_when_sized) / 100 - 0.01, 0.01) if room > 0 else 0.01
        return [Problem("plan.out-of-memory", {"ratio": f"{ratio:.2f}"})]
    if plan.free_after < plan.margin:
        return [Problem("plan.tight")]
    wanted = 2 * GIB if question.tp > 1 or question.checkpoint.vision else GIB
    if question.engine == "turbomind" and plan.free_after < wanted // 2:
        return [Problem("plan.headroom", {"left": gib(plan.free_after)})]
    return []


def _context(question: PlanInput, plan: Plan, version: Version) -> list[Problem]:
    if not plan.sized_for_cache or plan.tokens >= plan.session_len:
        return []
    data = {"tokens": plan.tokens, "session_len": plan.session_len}
    if question.engine == "turbomind" and version < OBJECT_CACHE:
        return [Problem("plan.truncated-context", {**data, "version": str(version)})]
    return [Problem("plan.short-context", data)]
