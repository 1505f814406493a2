"""The planner's desk: what a form says → a plan, what would fit, and the command that starts it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from tui.lmdeploy.conversion import Target, as_format
from tui.lmdeploy.kv import TURBOMIND_POLICIES, blocks_in_region
from tui.lmdeploy.versions import BASELINE, Version
from tui.model.checkpoint import Checkpoint, ModelConfig
from tui.model.plan import Plan, PlanInput
from tui.model.problem import Problem, ProblemError
from tui.planner.calibration import Measurement
from tui.planner.cli import parse_size
from tui.planner.command import serve_command
from tui.planner.planning import largest_ratio, plan, smallest_card

Model = tuple[ModelConfig, Checkpoint]


@dataclass(frozen=True, slots=True)
class Wish:
    """What the form says. ``model`` is a folder or a name; ``card``, ``free`` and ``leave`` are sizes as typed
    (``free`` may be empty); None for ``session_len`` and ``max_batch`` leaves them to lmdeploy."""

    model: str = "internlm2_5-7b-chat"
    weights: Target = "stored"
    card: str = "24GiB"
    free: str = ""
    gpu_name: str = ""
    engine: str = "turbomind"
    version: str = "0.18"
    ratio: float = 0.8
    policy: int = 0
    tp: int = 1
    session_len: int | None = None
    max_batch: int | None = None
    leave: str = "2GiB"


@dataclass(frozen=True, slots=True)
class Answer:
    """The plan for a wish, or the problem that keeps it from having one. ``largest`` is the largest ratio that leaves
    what was wished for (None: none does), ``card`` the smallest usual card in GiB it fits on (None: no single card),
    ``command`` the words that start it."""

    wish: Wish
    question: PlanInput | None = None
    plan: Plan | None = None
    largest: float | None = None
    card: int | None = None
    command: tuple[str, ...] = ()
    problem: Problem | None = None


def ask(wish: Wish, model: Model, own: Sequence[Measurement] = ()) -> Answer:
    """Everything the planner shows about a wish. Never raises; takes some milliseconds."""
    try:
        question = question_of(wish, model)
        answer = plan(question, own)
        model_name, notes = _to_be_made(wish, model[1], question.checkpoint)
        answer = replace(answer, warnings=(*notes, *answer.warnings))
        leave = parse_size(wish.leave) if wish.leave.strip() else 0
        return Answer(
            wish=wish,
            question=question,
            plan=answer,
            largest=largest_ratio(question, leave, own),
            card=smallest_card(question, own),
            command=serve_command(model_name, question),
        )
    except ProblemError as error:
        return Answer(wish, problem=error.problem)


def _to_be_made(wish: Wish, stored: Checkpoint, planned: Checkpoint) -> tuple[str, tuple[Problem, ...]]:
    """The model's name on the command line; weights that have to be quantised first get another one, and a notice."""
    if stored.weight_format == planned.weight_format or wish.weights != "w4a16":
        return wish.model, ()
    folder = wish.model.rstrip("/") + "-w4a16-4bit"
    return folder, (Problem("plan.quantise-first", {"model": wish.model, "folder": folder}),)


def question_of(wish: Wish, model: Model) -> PlanInput:
    """The question a wish stands for. Raises ProblemError (``plan.size``)."""
    config, checkpoint = as_format(*model, wish.weights)
    return PlanInput(
        config=config,
        checkpoint=checkpoint,
        total=parse_size(wish.card),
        free=parse_size(wish.free) if wish.free.strip() else None,
        gpu_name=wish.gpu_name,
        engine=wish.engine,
        version=wish.version,
        ratio=wish.ratio,
        quant_policy=wish.policy,
        tp=wish.tp,
        session_len=wish.session_len,
        max_batch=wish.max_batch,
    )


def tokens_in(question: PlanInput, answer: Plan, region: int) -> int:
    """How many tokens a kv region of so many bytes holds on a server like the planned one."""
    version = Version.parse(question.version) or BASELINE
    return blocks_in_region(region, answer.block, version, question.engine) * question.block_tokens


def wish_of(question: PlanInput, model: str) -> Wish:
    """The wish that asks this question again, for a server that runs; ``model`` is its folder or name."""
    free = "" if question.free is None else f"{question.free / (1 << 30):.2f}GiB"
    return Wish(
        model=model,
        card=f"{question.total / (1 << 30):g}GiB",
        free=free,
        gpu_name=question.gpu_name,
        engine=question.engine,
        version=".".join(question.version.split(".")[:2]),
        ratio=round(question.ratio, 2) if question.ratio < 1 else 0.8,
        policy=question.quant_policy,
        tp=question.tp,
        session_len=question.session_len,
        max_batch=question.max_batch,
    )


def changed(wish: Wish, **changes: object) -> Wish:
    """The wish with some fields replaced; what the other engine does not know falls back to its default."""
    fresh = replace(wish, **changes)  # pyright: ignore[reportArgumentType] (fields by name)
    if fresh.engine == "turbomind" and fresh.policy not in TURBOMIND_POLICIES:
        fresh = replace(fresh, policy=0)
    return fresh
