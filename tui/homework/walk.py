"""The walk through the tasks: which step is next, judged by what there is and not by what was pressed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from pathlib import PurePosixPath

from tui.homework.assignment import Assignment, Step
from tui.homework.checking import Happened, State, Tick, answers_to, check, judge
from tui.homework.progress import Progress
from tui.i18n import N_, _


class StepState(Enum):
    """A step is to be done, is done, or was left out."""

    OPEN = "open"
    DONE = "done"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Around:
    """What is around the walk at this moment: what ``happened`` in the open conversation, whether a server answers,
    and the model folders that were found (their paths)."""

    happened: Happened = field(default_factory=Happened)
    answers: bool = False
    models: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class WalkStep:
    """A step of a task at its place, with its state."""

    assignment: Assignment
    place: int
    step: Step
    state: StepState = StepState.OPEN

    @property
    def key(self) -> str:
        return f"{self.assignment.id}/{self.place}"

    @property
    def title(self) -> str:
        """What to do, in a few words; model names are foreign text."""
        text = _(_TITLES[self.step.kind])
        values = {"quantise": "quantising", "start": "serving"}
        part = getattr(self.assignment, values.get(self.step.kind, ""), None)
        model = name_of(part.model) if part is not None else ""
        return text.replace("{model}", model).replace("{text}", self.step.text)


_TITLES: Mapping[str, str] = {
    "quantise": N_("Quantise {model}"),
    "start": N_("Start {model}"),
    "prompt": N_("Ask “{text}”"),
    "picture": N_("Make the picture"),
}


def name_of(model: str) -> str:
    """The last part of a path or of a hub's name."""
    return PurePosixPath(model.rstrip("/")).name or model


def find_model(wanted: str, models: Iterable[str]) -> str | None:
    """The folder of a model among those found: the same path, else the same last part."""
    known = list(models)
    same = [path for path in known if path.rstrip("/") == wanted.rstrip("/")]
    named = [path for path in known if name_of(path) == name_of(wanted)]
    return next(iter((*same, *named)), None)


def steps_of(assignments: Sequence[Assignment], progress: Progress, around: Around) -> tuple[WalkStep, ...]:
    """All steps with their states. ``around.happened`` counts for a task unless it was begun in another conversation,
    whose doings are kept as done."""
    found: list[WalkStep] = []
    for assignment in assignments:
        kept = progress.of(assignment.id)
        mine = replace(around, happened=replace(around.happened, pictures=kept.pictures))
        for place, step in enumerate(assignment.steps):
            state = StepState.OPEN
            if place in kept.done or _DONE[step.kind](assignment, step, mine):
                state = StepState.DONE
            elif place in kept.skipped:
                state = StepState.SKIPPED
            found.append(WalkStep(assignment, place, step, state))
    return tuple(found)


def next_step(steps: Sequence[WalkStep]) -> WalkStep | None:
    """The first step that is to be done; one whose later steps of the same task are done is passed over."""
    for at, step in enumerate(steps):
        rest = [later for later in steps[at + 1 :] if later.assignment.id == step.assignment.id]
        passed = step.step.kind in ("quantise", "start") and any(later.state is StepState.DONE for later in rest)
        if step.state is StepState.OPEN and not passed:
            return step
    return None


def _is_quantised(assignment: Assignment, _step: Step, around: Around) -> bool:
    """The quantised model lies there, or is being served."""
    if assignment.quantising is not None and find_model(assignment.quantising.folder, around.models) is not None:
        return True
    return _is_served(assignment, _step, around)


def _is_served(assignment: Assignment, _step: Step, around: Around) -> bool:
    """A server answers, and what is known of it fits the task."""
    kinds = ("weights", "kv-cache", "model")
    wanted = [requirement for requirement in assignment.requirements if requirement.kind in kinds]
    now = replace(around.happened, messages=(), turns=())
    states = [judge(requirement, now).state for requirement in wanted]
    if not around.answers or State.MISSING in states:
        return False
    return State.MET in states or not states


def _is_asked(_assignment: Assignment, step: Step, around: Around) -> bool:
    answers = answers_to(step.text, around.happened.messages)
    return any(answer.complete and answer.text.strip() for answer in answers)


def _is_pictured(_assignment: Assignment, _step: Step, around: Around) -> bool:
    return bool(around.happened.pictures)


_DONE: Mapping[str, Callable[[Assignment, Step, Around], bool]] = {
    "quantise": _is_quantised, "start": _is_served, "prompt": _is_asked, "picture": _is_pictured,
}  # fmt: skip


def ticks_of(assignment: Assignment, progress: Progress, around: Around) -> tuple[Tick, ...]:
    """The requirements of a task, judged with the pictures that were made for it."""
    pictures = progress.of(assignment.id).pictures
    return check(assignment, replace(around.happened, pictures=pictures))


@dataclass(frozen=True, slots=True)
class WalkView:
    """Everything the walk shows. ``ticks`` are by task; ``next`` is the step to do, None when all is done."""

    assignments: tuple[Assignment, ...] = ()
    steps: tuple[WalkStep, ...] = ()
    ticks: Mapping[str, tuple[Tick, ...]] = field(default_factory=dict[str, tuple[Tick, ...]])
    next: WalkStep | None = None
    simulated: bool = False

    @property
    def current(self) -> Assignment | None:
        """The task of the next step; the last task when all is done."""
        if self.next is not None:
            return self.next.assignment
        return self.assignments[-1] if self.assignments else None

    @property
    def done(self) -> int:
        return sum(1 for step in self.steps if step.state is not StepState.OPEN)


def view_of(
    assignments: Sequence[Assignment], progress: Progress, around: Around, others: Mapping[str, Happened] | None = None
) -> WalkView:
    """The walk at this moment. ``others`` is what happened in conversations that are not open, by task."""
    steps = steps_of(assignments, progress, around)
    known = others or {}
    ticks = {
        one.id: ticks_of(one, progress, replace(around, happened=known.get(one.id, around.happened)))
        for one in assignments
    }
    return WalkView(tuple(assignments), steps, ticks, next_step(steps), around.happened.simulated)


def remember(view: WalkView, progress: Progress) -> Progress:
    """The progress with every step that is done now: it stays done when another server or conversation is opened.
    Pictures are remembered by their files."""
    for one in view.assignments:
        done = {step.place for step in view.steps if step.assignment.id == one.id and step.state is StepState.DONE}
        done -= {place for place, step in enumerate(one.steps) if step.kind == "picture"}
        if not done <= progress.of(one.id).done:
            progress = progress.with_task(one.id, done=progress.of(one.id).done | done)
    return progress
