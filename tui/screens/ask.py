"""One line of text to ask for: a title, a value, a key. A text that does not do is explained and stays."""

from __future__ import annotations

from collections.abc import Callable

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Button, Input, Static

from tui.i18n import _
from tui.screens.dialog import Dialog, heading, note
from tui.widgets.literal import literal

Check = Callable[[str], str]


def _anything(_text: str) -> str:
    return ""


class AskScreen(Dialog[str]):
    """Answers with the text. ``check`` says what is wrong with one, or nothing; ``secret`` hides what is typed."""

    def __init__(
        self, question: str, text: str = "", *, hint: str = "", check: Check = _anything, secret: bool = False
    ) -> None:
        super().__init__()
        self._question, self._text, self._hint, self._check, self._secret = question, text, hint, check, secret

    def compose(self) -> ComposeResult:
        with Vertical(classes="box"):
            yield heading(self._question)
            yield Input(self._text, compact=True, password=self._secret, id="answer")
            if self._hint:
                yield note(self._hint)
            yield Static(id="problem", classes="error", markup=False)
            with Horizontal(classes="buttons"):
                yield Button(_("Cancel"), id="cancel")
                yield Button(_("OK"), id="ok", variant="primary")

    def on_mount(self) -> None:
        self.query_one("#answer", Input).focus()

    @on(Input.Changed)
    def _typed(self) -> None:
        self.query_one("#problem", Static).update(Content(""))

    @on(Button.Pressed, "#cancel")
    def _cancelled(self) -> None:
        self.dismiss(None)

    @on(Button.Pressed, "#ok")
    @on(Input.Submitted)
    def _given(self) -> None:
        text = self.query_one("#answer", Input).value
        if fault := self._check(text):
            self.query_one("#problem", Static).update(literal(fault))
        else:
            self.dismiss(text)
