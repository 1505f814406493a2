"""What the planner shows: a plan with what is compared with it, and the table of runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tui.i18n import _
from tui.i18n.problems import explain
from tui.model.plan import Run
from tui.model.problem import Problem
from tui.widgets.cell_rows import Row, cut, folded
from tui.widgets.literal import one_line
from tui.widgets.memory_rows import bar
from tui.widgets.plan_rows import Planned, Sizes, compare_rows, plan_rows, run_rows, sizes_of
from tui.widgets.row_view import RowView


@dataclass(frozen=True, slots=True)
class Shown:
    """A plan, or why there is none; another plan to compare with; predicted and measured sizes of a server."""

    planned: Planned | None = None
    title: str = ""
    problem: Problem | None = None
    beside: Planned | None = None
    measured: tuple[Sizes, Sizes] | None = None


class PlanView(RowView):
    """A plan as rows; figures with a formula can be chosen."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 (Textual's name)
        super().__init__(id=id)
        self._content = Shown()

    def show(self, content: Shown) -> None:
        self._content = content
        self.rebuild()

    def make_rows(self, width: int) -> Sequence[Row]:
        content = self._content
        rows: list[Row] = []
        if content.title:
            rows.append(Row(cut([(content.title, "accent")], width)))
        if content.problem is not None:
            rows += folded(one_line(explain(content.problem).text, 600), width, "warning")
        if content.planned is not None:
            planned = plan_rows(content.planned, width)
            rows += planned[:_BEFORE_COMPARISON]
            rows += self._comparison(content.planned, content.beside, width)
            rows += planned[_BEFORE_COMPARISON:]
        if content.measured is not None:
            predicted, seen = content.measured
            rows += compare_rows(_("the server that runs: predicted and measured"), predicted, seen, width)
        return rows

    def _comparison(self, planned: Planned, beside: Planned | None, width: int) -> list[Row]:
        if beside is None:
            return []
        rows = [Row(), Row(cut([(_("kept") + ": " + one_line(beside.question.checkpoint.name, 60), "muted")], width))]
        rows.append(Row(bar(beside.picture, width)))
        kept, this = sizes_of(_("kept"), beside.plan), sizes_of(_("this"), planned.plan)
        return [*rows, *compare_rows(_("kept and this plan"), kept, this, width), Row()]


_BEFORE_COMPARISON = 7  # the title, the picture and the figures come first


class RunsView(RowView):
    """The table of runs; the chosen run is what changes are counted from."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 (Textual's name)
        super().__init__(id=id)
        self._runs: tuple[Run, ...] = ()
        self._base: Run | None = None

    def show(self, runs: tuple[Run, ...], base: Run | None) -> None:
        self._runs, self._base = runs, base
        self.rebuild()

    def make_rows(self, width: int) -> Sequence[Row]:
        return run_rows(self._runs, self._base, width)
