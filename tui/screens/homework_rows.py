"""The rows of the homework walk: the steps of every task, and what the present task asks for."""

from __future__ import annotations

from collections.abc import Iterator

from tui.homework.assignment import Assignment
from tui.homework.checking import State, Tick, label
from tui.homework.walk import StepState, WalkStep, WalkView
from tui.i18n import _
from tui.i18n.problems import explain
from tui.model.problem import Problem
from tui.widgets.cell_rows import Row, cut, folded
from tui.widgets.literal import one_line
from tui.widgets.row_view import RowView

_STEP_MARKS = {StepState.DONE: ("✓", "success"), StepState.SKIPPED: ("–", "muted"), StepState.OPEN: (" ", "")}
_TICK_MARKS = {State.MET: ("✓", "success"), State.MISSING: ("✗", "warning"), State.UNKNOWN: ("?", "warning")}


class HomeworkView(RowView):
    """Steps can be chosen; the cursor begins at the next one."""

    def __init__(self, view: WalkView, said: str, problems: tuple[Problem, ...], *, id: str) -> None:  # noqa: A002 (Textual's name)
        super().__init__(id=id)
        self.walk, self.said, self.problems = view, said, problems

    @property
    def chosen_step(self) -> WalkStep | None:
        """The step with the cursor."""
        return next((step for step in self.walk.steps if step.key == self.chosen), None)

    def show_walk(self, view: WalkView) -> None:
        """Show another state; a cursor on the step that was next goes on to the one that is next now."""
        before, chosen = self.walk.next, self.chosen_step
        self.walk = view
        self.rebuild()
        if chosen is None or (before is not None and chosen.key == before.key):
            self.to_next()

    def to_next(self) -> None:
        """Put the cursor on the next step."""
        wanted = self.walk.next.key if self.walk.next is not None else ""
        places = [number for number, row in enumerate(self.rows) if row.key == wanted and wanted]
        if places and places[0] != self.cursor:
            self.cursor = places[0]
            self.refresh()

    def make_rows(self, width: int) -> list[Row]:
        return [
            *_sentences(self.said, self.problems, self.walk, width),
            *(row for one in self.walk.assignments for row in _task(one, self.walk, width)),
            *_ticks(self.walk, width),
        ]


def _sentences(said: str, problems: tuple[Problem, ...], view: WalkView, width: int) -> Iterator[Row]:
    """What is to be read first: what was just done, broken assignment files, that all this is simulated."""
    texts = [(said, "success"), *((explain(problem).text, "error") for problem in problems)]
    if view.simulated:
        texts.append((_("A simulated server answers: this shows the way, it is no homework."), "warning"))
    if view.steps and view.next is None:
        texts.append((_("Everything is done. r writes the report."), "success"))
    rows = [row for text, style in texts for row in folded(one_line(text, 800), width, style)]
    yield from rows
    if rows:
        yield Row()


def _task(assignment: Assignment, view: WalkView, width: int) -> Iterator[Row]:
    yield Row(cut([(one_line(assignment.title, 200), "bold")], width))
    present = view.current is not None and view.current.id == assignment.id
    if present and assignment.about:
        yield from folded(one_line(assignment.about, 600), width, "muted", "  ")
    first = next(at for at, step in enumerate(view.steps, 1) if step.assignment.id == assignment.id)
    for step in view.steps:
        if step.assignment.id == assignment.id:
            yield _step(step, first + step.place, view, width)
    yield Row()


def _step(step: WalkStep, number: int, view: WalkView, width: int) -> Row:
    mark, style = _STEP_MARKS[step.state]
    is_next = view.next is not None and view.next.key == step.key
    if is_next:
        mark, style = "▸", "accent"
    plain = "bold" if is_next else "muted" if step.state is StepState.SKIPPED else ""
    pieces = [(f" {mark} ", style), (f"{number}  ", "muted"), (one_line(step.title, 300), plain)]
    if step.state is StepState.SKIPPED:
        pieces.append(("  " + _("skipped"), "muted"))
    return Row(cut(pieces, width), step.key)


def _ticks(view: WalkView, width: int) -> Iterator[Row]:
    current = view.current
    if current is None:
        return
    yield Row(cut([(_("What the task asks for"), "bold")], width))
    for tick in view.ticks.get(current.id, ()):
        yield from _tick(tick, width)


def _tick(tick: Tick, width: int) -> Iterator[Row]:
    """The requirement and why it is met or not; a reason that is too long for the row stands below."""
    mark, style = _TICK_MARKS[tick.state]
    if not tick.requirement.required and not tick.is_met:
        style = "muted"
    reason = one_line(tick.reason, 300)
    row = Row(((f" {mark} ", style), (one_line(label(tick.requirement), 120), ""), ("  " + reason, "muted")))
    if row.cells <= width:
        yield row
    else:
        yield Row(cut(row.pieces[:2], width))
        yield from folded(reason, width, "muted", "     ")
