"""A long column of items of unknown height, and the part of it that is in view. Plain Python, no Textual.

Only what is in view is ever measured; everything else counts with an estimate. The view is held by an item and a row in
it, never by a distance from the beginning: when an estimate above it is corrected, nothing on screen moves.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from itertools import accumulate
from typing import Generic, NamedTuple, Protocol, TypeVar

from tui.markdown.ink import Page


class Item(Protocol):
    """Something with rows. Heights are at least 1."""

    def height(self, page: Page) -> int:
        """How many rows it takes on ``page``, exactly; may lay it out."""
        ...

    def estimate(self, page: Page) -> int:
        """About how many, without laying it out."""
        ...

    def line_of(self, page: Page, row: int) -> tuple[int, int]:
        """What stands on a row, as a place that is the same on every page."""
        ...

    def row_of(self, page: Page, line: tuple[int, int]) -> int:
        """The row on which such a place stands."""
        ...


T = TypeVar("T", bound=Item)


class Place(NamedTuple):
    """An item (its index) and a row in it."""

    item: int
    row: int


class Stack(Generic[T]):
    """Items from top to bottom and what is known of their heights; ``top`` is the place that has to stay in view."""

    def __init__(self) -> None:
        self.items: list[T] = []
        self.page: Page = Page(0)
        self.view = 0
        self.top = Place(0, 0)
        self._heights: list[int] = []
        self._exact: list[bool] = []
        self._starts: list[int] = []  # rows above each item; right for the first _known of them
        self._known = 0

    # items

    def replace(self, items: Iterable[T]) -> None:
        """Other items instead."""
        self.items = list(items)
        self.top = Place(0, 0)
        self._estimate_all()

    def insert(self, index: int, item: T) -> None:
        """Put an item before the one at ``index``; what is in view stays."""
        self.items.insert(index, item)
        self._heights.insert(index, item.estimate(self.page))
        self._exact.insert(index, False)
        self._starts.insert(index, 0)
        self._known = min(self._known, index)
        if index <= self.top.item and len(self.items) > 1 and index < len(self.items) - 1:
            self.top = Place(self.top.item + 1, self.top.row)

    def remove(self, index: int) -> None:
        for column in (self.items, self._heights, self._exact, self._starts):
            del column[index]
        self._known = min(self._known, index)
        if index < self.top.item:
            self.top = Place(self.top.item - 1, self.top.row)
        elif index == self.top.item:
            self.top = Place(min(index, max(0, len(self.items) - 1)), 0)

    def changed(self, index: int, *, above: bool = False) -> None:
        """The item may have another height now. Its first rows stay in view if they are; ``above``: its last ones."""
        before = self._heights[index]
        self._exact[index] = False
        if index == self.top.item:
            height = self.measure(index)
            row = self.top.row + (height - before if above else 0)
            self.top = Place(index, min(max(row, 0), height - 1))

    def resize(self, page: Page, view: int) -> None:
        """Another page or another height of the window; what stands on the first row stays there."""
        if page != self.page:
            place: tuple[int, int] | None = None
            if self.items and self.page.width:
                place = self.items[self.top.item].line_of(self.page, self.top.row)
            self.page = page
            self._estimate_all()
            if place is not None:
                self.top = Place(self.top.item, self.items[self.top.item].row_of(page, place))
        self.view = view

    def _estimate_all(self) -> None:
        page = self.page
        self._heights = [item.estimate(page) for item in self.items]
        self._exact = [False] * len(self.items)
        self._starts = [0] * len(self.items)
        self._known = 0

    # heights

    def measure(self, index: int) -> int:
        """The exact height of an item."""
        if not self._exact[index]:
            height = self.items[index].height(self.page)
            self._exact[index] = True
            if height != self._heights[index]:
                self._heights[index] = height
                self._known = min(self._known, index + 1)
        return self._heights[index]

    def start(self, index: int) -> int:
        """Rows above an item, as far as they are known."""
        known = self._known
        if index >= known:
            first = self._starts[known - 1] + self._heights[known - 1] if known else 0
            starts = accumulate(self._heights[known:index], initial=first)
            self._starts[known : index + 1] = starts
            self._known = index + 1
        return self._starts[index]

    @property
    def total(self) -> int:
        """All rows, as far as they are known."""
        return self.start(len(self.items) - 1) + self._heights[-1] if self.items else 0


class Sheet(Stack[T]):
    """A stack seen through a window of ``view`` rows whose first row is ``top``."""

    @property
    def y(self) -> int:
        """Rows above the view, as far as they are known."""
        return self.start(self.top.item) + self.top.row if self.items else 0

    def end(self) -> Place:
        """Where the view begins when it shows the last row."""
        left = self.view
        for index in range(len(self.items) - 1, -1, -1):
            height = self.measure(index)
            if height >= left:
                return Place(index, height - left)
            left -= height
        return Place(0, 0)

    def lines(self) -> list[Place]:
        """The places in view from top to bottom; fewer than ``view`` when there are no more rows."""
        found: list[Place] = []
        index, row = self.top
        while len(found) < self.view and index < len(self.items):
            height = self.measure(index)
            last = min(height, row + self.view - len(found))
            found.extend(Place(index, at) for at in range(row, last))
            index, row = index + 1, 0
        return found

    def scroll(self, rows: int) -> None:
        """Move the view down by so many rows (up when negative), not past either end."""
        self.top = self._settled(Place(self.top.item, self.top.row + rows))

    def jump(self, y: int) -> None:
        """Move the view to about ``y`` rows below the beginning."""
        if not self.items:
            return
        self.start(len(self.items) - 1)
        index = max(0, bisect_right(self._starts, y) - 1)
        row = min(max(0, y - self._starts[index]), self.measure(index) - 1)
        self.top = self._settled(Place(index, row))

    def show(self, place: Place) -> None:
        """Move the view so that it begins at ``place``, or as near as the end allows."""
        self.top = self._settled(place)

    def go_to_end(self) -> None:
        self.top = self.end()

    def settle(self) -> None:
        """Put the view right after items changed."""
        self.top = self._settled(self.top)

    def rows_below(self, most: int) -> int:
        """Rows between the view's last row and the end, at most ``most``."""
        end, top = self.end(), self.top
        rows = -top.row
        for index in range(top.item, end.item):
            rows += self.measure(index)
            if rows > most:
                return most
        return max(0, min(rows + end.row, most))

    def _settled(self, place: Place) -> Place:
        if not self.items:
            return Place(0, 0)
        index, row = place
        while row < 0 and index > 0:
            index -= 1
            row += self.measure(index)
        row = max(row, 0)
        while index < len(self.items) - 1 and row >= (height := self.measure(index)):
            row -= height
            index += 1
        return min(Place(index, row), self.end())


def first_index(items: Sequence[T], wanted: Callable[[T], bool], start: int, step: int) -> int | None:
    """The index of the first wanted item from ``start`` on, in steps of ``step`` (1 or -1)."""
    index = start
    while 0 <= index < len(items):
        if wanted(items[index]):
            return index
        index += step
    return None


def changed_rows(before: list[Place], now: list[Place], changed: dict[int, int]) -> tuple[int, int] | None:
    """The first and the last row on screen that show something else; ``changed``: parts and their first new row."""
    dirty: list[int] = []
    for y in range(max(len(before), len(now))):
        place = now[y] if y < len(now) else None
        old = before[y] if y < len(before) else None
        if place != old or (place is not None and place.row >= changed.get(place.item, 1 << 60)):
            dirty.append(y)
    return (dirty[0], dirty[-1]) if dirty else None
