"""The scroll bar of a column, which Textual draws and knows nothing about."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, Any, cast

from textual.geometry import Size
from textual.widget import Widget

if TYPE_CHECKING:
    from tui.widgets.column import Column

_SECONDS = 2.0  # how often it is put right while text grows


class BarKeeper:
    """Tells Textual how long the sheet is and where we are. Causes no layout."""

    def __init__(self, column: Column) -> None:
        self._column = column
        self._put_right = 0.0

    def put_right(self, *, at_once: bool) -> None:
        """``at_once``, or every two seconds, which is enough while the view follows text that grows."""
        column = self._column
        now = monotonic()
        if not at_once and column.follows.sticks and now < self._put_right + _SECONDS:
            return
        self._put_right = now
        total, y = column.sheet.total, column.sheet.y
        for reactive, value in (
            (Widget.virtual_size, Size(column.size.width, total)),
            (Widget.scroll_y, float(y)),
            (Widget.scroll_target_y, float(y)),
        ):
            column.set_reactive(cast("Any", reactive), value)
        bar = column.vertical_scrollbar
        bar.window_virtual_size, bar.window_size, bar.position = total, column.size.height, y
