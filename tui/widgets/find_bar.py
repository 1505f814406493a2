"""The row in which one types what to find in the conversation."""

from __future__ import annotations

from dataclasses import dataclass

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, Static

from tui.i18n import _


class FindBar(Horizontal):
    """Says what is looked for and where to go; the screen does it and tells how many there are."""

    DEFAULT_CSS = """
    FindBar { height: 1; width: 1fr; background: $panel; display: none; padding: 0 1; }
    FindBar Input { width: 1fr; height: 1; border: none; padding: 0; background: $panel; }
    FindBar Static { width: auto; height: 1; }
    """
    BINDINGS: list[BindingType] = [  # noqa: RUF012 (Textual reads it as a plain list)
        Binding("enter,down", "step(1)", show=False, id="find.next", priority=True),
        Binding("up", "step(-1)", show=False, id="find.previous", priority=True),
        Binding("escape", "close", show=False, id="find.close", priority=True),
    ]

    @dataclass
    class Changed(Message):
        """Something else is looked for; "" for nothing."""

        needle: str

    @dataclass
    class Step(Message):
        """To the next place (1) or the one before (-1)."""

        direction: int

    class Closed(Message):
        """The search is over."""

    def compose(self) -> ComposeResult:
        yield Static(_("Find: "), id="find-label", markup=False)
        yield Input(id="find-text", compact=True)
        yield Static(id="find-count", markup=False)

    def on_mount(self) -> None:
        self.query_one(Input).cursor_blink = False

    def open(self) -> None:
        """Show the row and take the focus."""
        self.display = True
        field = self.query_one(Input)
        field.focus()
        field.action_select_all()
        self.post_message(self.Changed(field.value))

    def show_count(self, place: int, count: int) -> None:
        """How many parts of the conversation have it, and which one is in view."""
        if not self.query_one(Input).value:
            text = ""
        elif not count:
            text = _("not found")
        else:
            text = _("{place} of {count} · Enter or ↓ next · ↑ before · Esc ends").format(place=place, count=count)
        self.query_one("#find-count", Static).update(Content(text))

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        event.stop()
        self.post_message(self.Changed(event.value))

    def action_step(self, direction: int) -> None:
        self.post_message(self.Step(direction))

    def action_close(self) -> None:
        self.display = False
        self.post_message(self.Closed())

    def retranslate(self) -> None:
        """The language has changed."""
        self.query_one("#find-label", Static).update(Content(_("Find: ")))
