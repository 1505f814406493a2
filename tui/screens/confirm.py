"""A yes-or-no question."""

from __future__ import annotations

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widgets import Button

from tui.i18n import _
from tui.screens.dialog import Dialog, heading


class ConfirmScreen(Dialog[bool]):
    """True for yes; Esc and "No" are the safe way out."""

    def __init__(self, question: str) -> None:
        super().__init__()
        self._question = question

    def compose(self) -> ComposeResult:
        with Vertical(classes="box"):
            yield heading(self._question)
            with Horizontal(classes="buttons"):
                yield Button(_("No"), id="no")
                yield Button(_("Yes"), id="yes", variant="warning")

    def on_mount(self) -> None:
        self.query_one("#no", Button).focus()

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        self.dismiss(event.button.id == "yes")
