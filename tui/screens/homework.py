"""The homework walk: the course's tasks step by step. Enter does the chosen step, and the walk comes back after it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from tui.config.action import Place
from tui.homework.walk import WalkStep, WalkView
from tui.i18n import N_, _
from tui.model.problem import Problem
from tui.screens.bindings import bindings_for
from tui.screens.homework_rows import HomeworkView
from tui.widgets.keyline import PlaceLine
from tui.widgets.row_view import RowView

_EVERY = 0.5
"""Seconds between two looks at the server and the conversation while the walk is shown: both go on behind it."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What is to be done: a step, leaving it out (or taking that back), the report, beginning a task anew."""

    what: Literal["do", "skip", "report", "again"]
    step: WalkStep | None = None


class HomeworkScreen(Screen[Choice | None]):
    """Answers with what to do, None when it was left. ``look`` gives the state at this moment; ``said`` is what came of
    the step before; ``eats`` and ``keymap`` are for the key line."""

    CSS_PATH = "../styles/homework.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings_for(Place.HOMEWORK),
        Binding("escape", "leave", show=False, id="homework.leave"),
    ]

    def __init__(
        self,
        look: Callable[[], WalkView],
        said: str = "",
        problems: tuple[Problem, ...] = (),
        *,
        eats: frozenset[str] = frozenset(),
        keymap: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__()
        self._look = look
        self._eats, self._keymap = eats, keymap
        self._view = look()
        self.rows_view = HomeworkView(self._view, said, problems, id="homework-rows")

    def compose(self) -> ComposeResult:
        yield Static(Content(self._headline()), id="homework-title", markup=False)
        yield self.rows_view
        lead = N_("↑ ↓ choose   Enter does it   Esc back to the chat")
        yield PlaceLine(Place.HOMEWORK, lead, eats=self._eats, keymap=self._keymap, id="homework-keys")

    def on_mount(self) -> None:
        self.rows_view.focus()
        self.call_after_refresh(self.rows_view.to_next)
        self.set_interval(_EVERY, self._look_again)

    def _headline(self) -> str:
        text = _("Homework: {done} of {count} steps")
        return text.format(done=self._view.done, count=len(self._view.steps))

    def _look_again(self) -> None:
        view = self._look()
        if self.is_current and view != self._view:
            self._view = view
            self.query_one("#homework-title", Static).update(Content(self._headline()))
            self.rows_view.show_walk(view)

    @on(RowView.Chosen)
    def _chosen(self, event: RowView.Chosen) -> None:
        event.stop()
        step = self.rows_view.chosen_step
        if step is not None:
            self.dismiss(Choice("do", step))

    def action_skip(self) -> None:
        """Leave the chosen step out, or take that back."""
        if (step := self.rows_view.chosen_step) is not None:
            self.dismiss(Choice("skip", step))

    def action_report(self) -> None:
        self.dismiss(Choice("report"))

    def action_again(self) -> None:
        """Forget how far the chosen task is; its files stay."""
        if (step := self.rows_view.chosen_step) is not None:
            self.dismiss(Choice("again", step))

    def action_leave(self) -> None:
        self.dismiss(None)

    def retranslate(self) -> None:
        """Set all texts again in the present language."""
        self.query_one("#homework-title", Static).update(Content(self._headline()))
        self.rows_view.retranslate()
        self.query_one(PlaceLine).refresh()
