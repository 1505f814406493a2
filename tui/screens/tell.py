"""A few sentences to read, with a command to copy."""

from __future__ import annotations

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widgets import Button, Static

from tui.i18n import _
from tui.screens.dialog import Dialog, heading
from tui.widgets.literal import literal


class TellScreen(Dialog[bool]):
    """Answers True when the command is to be copied."""

    def __init__(self, title: str, text: str, command: str = "") -> None:
        super().__init__()
        self._heading, self._text, self._command = title, text, command

    def compose(self) -> ComposeResult:
        with Vertical(classes="box"):
            yield heading(self._heading)
            yield Static(literal(self._text), classes="text", markup=False)
            if self._command:
                yield Static(literal(self._command), classes="command", markup=False)
            with Horizontal(classes="buttons"):
                if self._command:
                    yield Button(_("Copy the command"), id="copy")
                yield Button(_("Close"), id="close", variant="primary")

    def on_mount(self) -> None:
        self.query_one("#close", Button).focus()

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        self.dismiss(event.button.id == "copy")
