"""A widget that shows rows: scrolls, repaints only rows that changed, and lets rows with a key be chosen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tui.widgets.cell_rows import Row

STYLES = ("weights", "kv", "other", "free", "muted", "bold", "warning", "error", "accent", "success", "cursor")


class RowView(ScrollView, can_focus=True):
    """Rows from top to bottom. With the focus, ↑ and ↓ walk over the rows that have a key and Enter chooses one; a
    click chooses too. Subclasses give the rows for a width (``make_rows``)."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {f"rows--{name}" for name in STYLES}
    DEFAULT_CSS = """
    RowView { height: 1fr; width: 1fr; overflow-x: hidden; scrollbar-size-vertical: 1; scrollbar-gutter: stable; }
    RowView > .rows--weights { color: $vram-weights; }
    RowView > .rows--kv { color: $vram-kv; }
    RowView > .rows--other { color: $vram-other; }
    RowView > .rows--free { color: $vram-free; }
    RowView > .rows--muted { color: $text-muted; }
    RowView > .rows--bold { text-style: bold; }
    RowView > .rows--warning { color: $text-warning; }
    RowView > .rows--error { color: $text-error; }
    RowView > .rows--accent { color: $text-accent; }
    RowView > .rows--success { color: $text-success; }
    RowView > .rows--cursor { text-style: reverse; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "walk(-1)", show=False, id="rows.up"),
        Binding("down", "walk(1)", show=False, id="rows.down"),
        Binding("enter", "choose", show=False, id="rows.choose"),
    ]

    class Chosen(Message):
        """A row that has a key was chosen."""

        def __init__(self, view: RowView, row: Row) -> None:
            super().__init__()
            self.view, self.row = view, row

        @property
        def control(self) -> RowView:
            return self.view

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 (Textual's name)
        super().__init__(id=id, classes=classes)
        self.rows: list[Row] = []
        self.cursor = -1

    @property
    def chosen(self) -> str:
        """The key of the row with the cursor, "" without one."""
        return self.rows[self.cursor].key if 0 <= self.cursor < len(self.rows) else ""

    def make_rows(self, width: int) -> Sequence[Row]:
        """The rows at this width."""
        raise NotImplementedError

    def rebuild(self) -> None:
        """Make the rows anew and repaint those that changed. No layout pass: the widget keeps its size."""
        width = self.scrollable_content_region.width
        if width <= 0:
            return
        before, self.rows = self.rows, list(self.make_rows(width))
        self._keep_cursor(before)
        if len(before) != len(self.rows):
            self.virtual_size = Size(width, len(self.rows))
        top = self.scroll_offset.y
        for number in range(max(len(before), len(self.rows))):
            old = before[number] if number < len(before) else None
            new = self.rows[number] if number < len(self.rows) else None
            if old != new and 0 <= number - top < self.size.height:
                self.refresh(Region(0, number - top, self.size.width, 1))
        if self.has_focus:
            self._begin_walk()

    def _keep_cursor(self, before: Sequence[Row]) -> None:
        """The cursor stays on what it was on, wherever that is now; rows that came in above must not change what Enter
        chooses."""
        if not 0 <= self.cursor < len(before):
            self.cursor = -1
            return
        old = before[self.cursor]
        same = [number for number, row in enumerate(self.rows) if (row.key, row.card) == (old.key, old.card)]
        moved = next(iter(same), -1) if self.cursor not in same else self.cursor
        if moved != self.cursor:
            self.refresh()
        self.cursor = moved if old.key else -1

    def retranslate(self) -> None:
        self.rebuild()
        self.refresh()

    def on_resize(self) -> None:
        self._appear()

    def on_show(self) -> None:
        self._appear()

    def _appear(self) -> None:
        """There is room now, or another room: while the widget was hidden nothing was built."""
        self.rebuild()
        self.refresh()

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self.refresh()

    def render_line(self, y: int) -> Strip:
        number = y + self.scroll_offset.y
        width, base = self.size.width, self.rich_style
        if number >= len(self.rows):
            return Strip.blank(width, base)
        row = self.rows[number]
        over = self.get_component_rich_style("rows--cursor", partial=True) if self._marked(number) else Style.null()
        segments = [Segment(text, self._style(name) + over) for text, name in row.pieces]
        return Strip(segments, row.cells).adjust_cell_length(width, base + over)

    def _marked(self, number: int) -> bool:
        return number == self.cursor and self.has_focus

    def _style(self, name: str) -> Style:
        if not name:
            return self.rich_style
        return self.get_component_rich_style(f"rows--{name}")

    # choosing

    def action_walk(self, step: int) -> None:
        """To the next row that can be chosen; without one, scroll."""
        places = self._places()
        if self.cursor < 0:
            following = places[:1] if step > 0 else places[-1:]
        else:
            following = [place for place in places if (place > self.cursor) == (step > 0) and place != self.cursor]
            following = following[:1] if step > 0 else following[-1:]
        if not following:
            self.scroll_relative(y=step, animate=False)
            return
        self.cursor = following[0]
        self.scroll_to_region(Region(0, self.cursor, 1, 1), animate=False)
        self.refresh()

    def _places(self) -> list[int]:
        """The rows to walk over: the first of neighbours that tell about the same thing."""
        found: list[int] = []
        for number, row in enumerate(self.rows):
            before = self.rows[number - 1] if number else Row()
            if row.key and (row.key, row.card) != (before.key, before.card):
                found.append(number)
        return found

    def reveal(self) -> None:
        """Scroll so far that the row with the cursor is seen."""
        if self.cursor >= 0:
            self.call_after_refresh(self.scroll_to_region, Region(0, self.cursor, 1, 1), animate=False)

    def action_choose(self) -> None:
        if self.chosen:
            self.post_message(self.Chosen(self, self.rows[self.cursor]))

    def on_click(self, event: events.Click) -> None:
        number = event.y + self.scroll_offset.y
        if 0 <= number < len(self.rows) and self.rows[number].key:
            event.stop()
            self.cursor = number
            self.refresh()
            self.post_message(self.Chosen(self, self.rows[number]))

    def on_focus(self) -> None:
        self._begin_walk()
        self.refresh()

    def _begin_walk(self) -> None:
        if self.cursor < 0 and (places := self._places()):
            self.cursor = places[0]
            self.refresh()

    def on_blur(self) -> None:
        self.refresh()
