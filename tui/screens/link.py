"""Before a link is opened: its whole address, and what can be done with it."""

from __future__ import annotations

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widgets import Button, Static

from tui.i18n import _
from tui.screens.dialog import Dialog, heading
from tui.widgets.literal import literal


class LinkScreen(Dialog[str]):
    """Answers ``open``, ``copy`` or nothing. Only web addresses are offered to be opened, and only where a browser on
    this machine would be the user's own."""

    def __init__(self, address: str, *, openable: bool) -> None:
        super().__init__()
        self._address, self._openable = address, openable

    def compose(self) -> ComposeResult:
        with Vertical(classes="box"):
            yield heading(_("The link leads to"))
            yield Static(literal(self._address), classes="command", markup=False)
            with Horizontal(classes="buttons"):
                yield Button(_("Copy the address"), id="copy")
                if self._openable:
                    yield Button(_("Open in the browser"), id="open")
                yield Button(_("Close"), id="close", variant="primary")

    def on_mount(self) -> None:
        self.query_one("#close", Button).focus()

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        self.dismiss(event.button.id if event.button.id != "close" else None)
