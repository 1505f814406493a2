"""A text exactly as it came, to read, select and copy."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import TextArea

from tui.i18n import _
from tui.markdown.clean import clean
from tui.screens.dialog import Dialog, heading, note


class RawScreen(Dialog[None]):
    """Shows a message's Markdown; control characters are made visible."""

    def __init__(self, title: str, text: str) -> None:
        super().__init__()
        self._heading, self._text = title, text

    def compose(self) -> ComposeResult:
        with Vertical(classes="box"):
            yield heading(self._heading)
            yield TextArea(clean(self._text), read_only=True, id="raw")
            yield note(_("Select with Shift and the arrow keys · Ctrl+C copies · Esc closes"))

    def on_mount(self) -> None:
        field = self.query_one(TextArea)
        field.cursor_blink = False
        field.focus()
