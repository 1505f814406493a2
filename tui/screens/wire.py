"""The request behind an answer as commands that can be run, and the answer piece by piece."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Button, Static

from tui.i18n import _
from tui.screens.dialog import Dialog, heading, note
from tui.widgets.literal import literal, one_line

if TYPE_CHECKING:
    from tui.chat.wire import WireDelta, WireView

_SHOWN = 20_000
_MOST_DELTAS = 500
_WIDEST = 100


class WireScreen(Dialog[str]):
    """Answers with the text to copy."""

    def __init__(self, view: WireView) -> None:
        super().__init__()
        self._view = view
        self._texts = {"python": view.python, "curl": view.curl, "deltas": "\n".join(_rows(view.deltas))}
        self.shown = "python"

    def compose(self) -> ComposeResult:
        with Vertical(classes="box"):
            yield heading(_("The request behind this answer"))
            with Horizontal(classes="buttons"):
                yield Button("Python", id="python", compact=True)
                yield Button("curl", id="curl", compact=True)
                yield Button(_("What came back"), id="deltas", compact=True)
            with VerticalScroll(classes="scroll"):
                yield Static(Content(""), markup=False, id="text")
            yield note(self._about())
            with Horizontal(classes="buttons"):
                yield Button(_("Close"), id="close")
                yield Button(_("Copy"), id="copy", variant="primary")

    def on_mount(self) -> None:
        self._show("python")
        self.query_one("#python", Button).focus()

    def _about(self) -> str:
        if self._view.parsed_by == "server":
            return _("The server read the tool calls out of the model's text.")
        if self._view.parsed_by == "lmdeck":
            return _("lmdeck read the tool calls out of the model's text.")
        return _("There are no tool calls in this turn.")

    def _show(self, which: str) -> None:
        self.shown = which
        text = self._texts[which]
        if len(text) > _SHOWN:
            rest = _("… {count} more characters").format(count=f"{len(text) - _SHOWN:,}")
            text = f"{text[:_SHOWN]}\n{rest}"
        self.query_one("#text", Static).update(literal(text))

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        event.stop()
        which = event.button.id or ""
        if which in self._texts:
            self._show(which)
        else:
            self.dismiss(self._texts[self.shown] if which == "copy" else None)


def _rows(deltas: Iterable[WireDelta]) -> Iterable[str]:
    """Round, seconds, kind and text, one piece a row; later ones are counted only."""
    left_out = 0
    for place, delta in enumerate(deltas):
        if place < _MOST_DELTAS:
            yield f"{delta.round}  {delta.seconds:8.3f} s  {delta.kind:<9}  {one_line(delta.text, _WIDEST)}"
        else:
            left_out += 1
    if left_out:
        yield _("… {count} more pieces").format(count=f"{left_out:,}")
