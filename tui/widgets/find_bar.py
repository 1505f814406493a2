"""The row in which one types what to find in the conversation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from tui.i18n import _

if TYPE_CHECKING:
    from textual.widgets import Input


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

    @property
    def _field(self) -> Input | None:
        from textual.widgets import Input

        return next(iter(self.query(Input)), None)

    async def open(self) -> None:
        """Show the row and take the focus. What is in it is made the first time: most conversations are never searched,
        and the first frame need not wait for it."""
        field = self._field
        if field is None:
            from textual.widgets import Input

            field = Input(id="find-text", compact=True)
            field.cursor_blink = False
            label = Static(_("Find: "), id="find-label", markup=False)
            await self.mount_all([label, field, Static(id="find-count", markup=False)])
        self.display = True
        field.focus()
        field.action_select_all()
        self.post_message(self.Changed(field.value))

    def show_count(self, place: int, count: int) -> None:
        """How many parts of the conversation have it, and which one is in view."""
        field = self._field
        if field is None:
            return
        if not field.value:
            text = ""
        elif not count:
            text = _("not found")
        else:
            text = _("{place} of {count} · Enter or ↓ next · ↑ before · Esc ends").format(place=place, count=count)
        self.query_one("#find-count", Static).update(Content(text))

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self.post_message(self.Changed(event.value))

    def action_step(self, direction: int) -> None:
        self.post_message(self.Step(direction))

    def action_close(self) -> None:
        self.display = False
        self.post_message(self.Closed())

    def retranslate(self) -> None:
        """The language has changed."""
        if self._field is not None:
            self.query_one("#find-label", Static).update(Content(_("Find: ")))
