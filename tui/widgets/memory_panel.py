"""The memory panel beside the conversation, and its one-line form for narrow terminals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message

from tui.widgets.lines import OneRow
from tui.widgets.row_view import RowView

if TYPE_CHECKING:
    from tui.model.monitor import MemoryState
    from tui.widgets.cell_rows import Row


class MemoryPanel(RowView):
    """Shows the newest state. Choosing a figure posts :class:`RowView.Chosen` with the part's name as key."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", show=False, id="memory.leave")]

    class Left(Message):
        """The user is done here."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 (Textual's name)
        super().__init__(id=id)
        self.state: MemoryState | None = None
        self._look: MemoryState | None = None

    def show_state(self, state: MemoryState) -> None:
        from tui.widgets.memory_rows import look

        self.state, before = state, self._look
        self._look = look(state)
        if before is None or self._look != before:
            self.rebuild()

    def action_leave(self) -> None:
        self.post_message(self.Left())

    def make_rows(self, width: int) -> Sequence[Row]:
        if self.state is None:
            return ()
        from tui.widgets.memory_rows import panel_rows

        return panel_rows(self.state, width)


class MemoryLine(OneRow):
    """The panel on one line; hidden while nothing is known. A click asks for the whole panel."""

    class Pressed(Message):
        """The whole panel is wanted."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 (Textual's name)
        super().__init__(id=id)
        self.state: MemoryState | None = None
        self.add_class("-none")
        self._shown: object = None

    def show_state(self, state: MemoryState) -> None:
        self.state = state
        self.set_class(not (state.cards or state.problems or state.occupancy), "-none")
        if not self.size.width:  # the panel is there instead; this line is rendered when it appears
            self._shown = None
        elif (pieces := self._pieces()) != self._shown:
            self._shown = pieces
            self.refresh()

    def _pieces(self) -> tuple[tuple[str, str], ...]:
        if self.state is None:
            return ()
        from tui.widgets.memory_rows import memory_line

        return memory_line(self.state, max(self.content_size.width, 1))

    def render(self) -> Content:
        def style(name: str) -> str:
            return _LINE_STYLES.get(name, "")

        return Content.assemble(*((text, style(name)) for text, name in self._pieces()))

    def on_click(self, event: events.Click) -> None:
        event.stop()
        self.post_message(self.Pressed())


_LINE_STYLES = {
    "weights": "$vram-weights", "kv": "$vram-kv", "other": "$vram-other", "free": "$vram-free", "bold": "bold",
    "muted": "$text-muted", "warning": "$text-warning", "accent": "$text-accent",
}  # fmt: skip
