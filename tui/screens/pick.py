"""Choose one of a few lines."""

from __future__ import annotations

from collections.abc import Sequence

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from tui.i18n import _
from tui.screens.dialog import Dialog, heading, note
from tui.widgets.literal import literal, one_line


class PickScreen(Dialog[int]):
    """Answers with the index of the chosen line; ``choices`` may be foreign text."""

    def __init__(self, question: str, choices: Sequence[str], place: int = 0) -> None:
        super().__init__()
        self._question, self._choices, self._place = question, choices, place

    def compose(self) -> ComposeResult:
        with Vertical(classes="box"):
            yield heading(self._question)
            yield OptionList(*(Option(literal(one_line(choice, 200))) for choice in self._choices))
            yield note(_("↑ ↓ choose · Enter takes it · Esc closes"))

    def on_mount(self) -> None:
        options = self.query_one(OptionList)
        options.highlighted = self._place
        options.focus()

    @on(OptionList.OptionSelected)
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(event.option_index)
