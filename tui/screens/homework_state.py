"""What the homework walk knows beside the open conversation, and the small changes to it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tui.homework.progress import load_progress
from tui.homework.reading import chosen
from tui.homework.walk import StepState

if TYPE_CHECKING:
    from tui.export.document import Document
    from tui.homework.assignment import Assignment
    from tui.homework.checking import Happened
    from tui.homework.progress import Progress
    from tui.homework.walk import WalkStep
    from tui.model.problem import Problem
    from tui.model.turn import TurnRecord
    from tui.screens.seam import ChatSession


@dataclass
class Walk:
    """What the walk knows beside the open conversation."""

    assignments: tuple[Assignment, ...]
    problems: tuple[Problem, ...]
    progress: Progress
    models: tuple[str, ...] = ()
    turns: tuple[TurnRecord, ...] = ()
    others: dict[str, Happened] = field(default_factory=dict[str, "Happened"])
    said: str = ""


def begin(tasks: str) -> Walk:
    """The tasks and how far they are. Reads files."""
    assignments, problems = chosen(tasks)
    return Walk(assignments, problems, load_progress())


def happened_in(document: Document) -> Happened:
    """What a kept conversation tells."""
    from tui.homework.checking import Happened

    return Happened(document.messages, document.turns, model=document.model)


def mark_done(walk: Walk, assignment: Assignment, kind: str) -> None:
    """Remember that the steps of a kind are done."""
    places = frozenset(place for place, step in enumerate(assignment.steps) if step.kind == kind)
    kept = walk.progress.of(assignment.id)
    walk.progress = walk.progress.with_task(assignment.id, done=kept.done | places, skipped=kept.skipped - places)


def skip(walk: Walk, step: WalkStep) -> None:
    """Leave a step out; one that was left out, or that was done by hand, is to be done again."""
    kept, place = walk.progress.of(step.assignment.id), frozenset({step.place})
    if step.state is StepState.OPEN:
        changed = walk.progress.with_task(step.assignment.id, skipped=kept.skipped | place)
    else:
        changed = walk.progress.with_task(step.assignment.id, skipped=kept.skipped - place, done=kept.done - place)
    walk.progress = changed


def offer_tools(session: ChatSession, assignment: Assignment) -> None:
    """A task that wants tools called has them offered, in this conversation."""
    wanted = {name for one in assignment.requirements for name in one.names}
    if session.tools_enabled is not None:
        session.tools_enabled = session.tools_enabled | wanted


async def flush(session: object) -> None:
    """Wait until the store has what the turn left."""
    flush = getattr(session, "flush", None)
    if flush is not None:
        await flush()
