"""A column that scrolls: by the wheel, the scroll bar, keys, a selection dragged over its edge."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.widget import Widget

from tui.widgets.column import Column
from tui.widgets.sheet import Place

if TYPE_CHECKING:
    from textual.scrollbar import ScrollDown, ScrollTo, ScrollUp


class ScrollingColumn(Column, can_focus=False):
    """Whatever moves the view tells the state machine that decides about following."""

    def scroll_rows(self, rows: int) -> None:
        """The user moves the view by so many rows, down when positive."""
        if not rows or not self._fit():
            return
        if self.follows.sticks:
            self.sheet.go_to_end()
        self.sheet.scroll(rows)
        self._scrolled(upwards=rows < 0)

    def _scrolled(self, *, upwards: bool) -> None:
        below = self.sheet.rows_below(10)
        self.follows.scrolled(below, upwards=upwards)
        self._tell()
        self.show()

    def show_place(self, place: Place) -> None:
        """Move the view so that it begins at a place."""
        if self._fit():
            self.sheet.show(place)
            self._scrolled(upwards=True)

    def move_view(self, where: str) -> None:
        """Scroll by a page (``page_up``, ``page_down``) or to an end (``home``, ``end``)."""
        page = max(1, self.size.height - 2)
        if where == "end":
            self.follow()
        elif where == "home":
            self.show_place(Place(0, 0))
        else:
            self.scroll_rows(-page if where == "page_up" else page)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Textual moved us: the wheel, the scroll bar, a selection dragged over the edge."""
        if self._fitted is None or self._fitted[0] != self.size:
            return  # a resize that is not handled yet, nobody scrolled
        rows = round(new_value) - round(old_value)
        if abs(rows) <= 2 * self.size.height:
            fraction = new_value - round(new_value)
            self.scroll_rows(rows)
            if fraction:
                self.set_reactive(Widget.scroll_y, self.sheet.y + fraction)
        elif self._fit():
            self.sheet.jump(round(new_value))
            self._scrolled(upwards=rows < 0)

    def on_scroll_to(self, event: ScrollTo) -> None:
        """The scroll bar is dragged."""
        event.prevent_default()
        event.stop()
        if event.y is not None:
            self.scroll_to(y=event.y, animate=False)

    def on_scroll_up(self, event: ScrollUp) -> None:
        event.prevent_default()
        event.stop()
        self.move_view("page_up")

    def on_scroll_down(self, event: ScrollDown) -> None:
        event.prevent_default()
        event.stop()
        self.move_view("page_down")
