"""A column of parts, drawn row by row by one widget, whatever their number.

Only what is in view is laid out and drawn. Text that grows is flushed at the rate of the screen and only while it is in
view; a frame repaints the rows that changed and never causes a layout. Rows are known by part and row, not by their
distance from the top, so selections and highlights stay where they are when something above changes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING, ClassVar, Protocol, TypeVar, cast, runtime_checkable

from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.widget import Widget

from tui.markdown.ink import Page
from tui.markdown.strips import Overlay
from tui.widgets.colouring import PAUSE, Colouring
from tui.widgets.following import Following
from tui.widgets.narrow import NARROW
from tui.widgets.part_ink import COMPONENTS, PADDING, PartInk, with_offsets
from tui.widgets.scroll_bar import BarKeeper
from tui.widgets.selecting import number
from tui.widgets.sheet import Place, Sheet, changed_rows, first_index

if TYPE_CHECKING:
    from textual.filter import LineFilter
    from textual.selection import Selection
    from textual.timer import Timer

    from tui.widgets.part import PartView

P = TypeVar("P", bound="PartView")

_STRIPS_KEPT = 120  # of one part: a few screens; a strip is some 5 kB
_LAID_OUT = 60  # parts that stay laid out


@runtime_checkable
class _PaintsRows(Protocol):
    """An app that can write rows without Textual's compositor."""

    def paint_rows(self, widget: Widget, first: int, strips: Sequence[Strip]) -> bool: ...


class Column(ScrollView, can_focus=False):
    """Draws :class:`PartView` parts and scrolls them."""

    COMPONENT_CLASSES: ClassVar[set[str]] = COMPONENTS
    DEFAULT_CSS = """
    Column { overflow-x: hidden; overflow-y: scroll; }
    Column > .transcript--selected { background: $panel; }
    Column > .transcript--muted { color: $text-muted; }
    Column > .transcript--warning { color: $text-warning; }
    """

    @dataclass
    class FollowChanged(Message):
        """``following`` is False while the user reads further up; ``news`` counts parts that arrived since."""

        following: bool
        news: int

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 (Textual's name)
        super().__init__(id=id)
        self.seconds_per_frame = 1 / 15
        self._wide_ambiguous = False
        self.sheet: Sheet[PartView] = Sheet()
        self.follows = Following()
        self._ink = PartInk(self)
        self._colouring = Colouring(lambda work: self.set_timer(PAUSE, work), self.repaint)
        self._next_key = 1
        self._shown: list[Place] = []
        self._fitted: tuple[Size, Page] | None = None
        self._waiting: dict[int, PartView] = {}
        self._laid_out: dict[int, PartView] = {}
        self._timer: Timer | None = None
        self._due = float("inf")
        self._last_frame = 0.0
        self._painted_at = 0.0
        self._unpainted: dict[int, int] = {}  # parts that changed since, and their first new row
        self._bar = BarKeeper(self)
        self._grows = False  # whether the last frame took in text that is still being written
        self._told = (True, 0)

    # parts

    @property
    def following(self) -> bool:
        """Whether the view stays at the end."""
        return self.follows.sticks

    def part_views(self) -> list[PartView]:
        """All parts in order."""
        return self.sheet.items

    def parts(self, kind: type[P]) -> list[P]:
        """All parts of one kind in order."""
        return [part for part in self.sheet.items if isinstance(part, kind)]

    def add(self, part: PartView) -> None:
        """Append a part; the view follows if it was at the end."""
        part.key, self._next_key = self._next_key, self._next_key + 1
        part.host = self
        self.sheet.insert(len(self.sheet.items), part)
        self.follows.arrived(int(part.NEWS))
        self._tell()
        self.part_changed(part)

    def swap(self, old: Sequence[PartView], new: PartView | None = None) -> None:
        """Take parts away and put another one where the first of them was."""
        for place, part in enumerate(old):
            index = self._index(part)
            if index is None:
                continue
            part.host = None
            self.sheet.remove(index)
            if place == 0 and new is not None:
                new.key, new.host = part.key, self
                self.sheet.insert(index, new)
        self.show(everything=True)

    def replace(self, parts: Sequence[PartView]) -> None:
        """Show other parts instead, from the end. What lmdeck said outside any message stays, above them."""
        kept = [part for part in self.sheet.items if not part.message_id]
        for part in self.sheet.items:
            part.host = None
        every = [*kept, *parts]
        for key, part in enumerate(every, 1):
            part.key, part.host = key, self
        self._next_key = len(every) + 1
        self._waiting.clear()
        self._laid_out.clear()
        self._colouring.forget()
        self.sheet.replace(every)
        if self.is_attached:
            self.screen.clear_selection()
        self.follow()
        self.refresh()

    def part_changed(self, part: PartView, delay: float | None = None, *, grew: bool = False) -> None:
        """Draw a part again with the next frame (the first one comes at once), or in ``delay`` seconds. ``grew``: it
        has more text, which the user may want to know."""
        if grew:
            self.follows.arrived()
        self._waiting[part.key] = part
        if delay is None and self._due <= self._last_frame + self.seconds_per_frame:
            return  # a frame is coming
        if not self.is_attached:
            return  # the app is ending
        now = monotonic()
        due = max(now, self._last_frame + self.seconds_per_frame) if delay is None else now + delay
        if due <= now and self._fitted is not None:
            self._frame()
        elif due < self._due:
            if self._timer is not None:
                self._timer.stop()
            self._due = due
            self._timer = self.set_timer(max(0.001, due - now), self._frame)

    def _index(self, part: PartView) -> int | None:
        items = self.sheet.items
        return first_index(items, lambda item: item is part, len(items) - 1, -1)

    # frames

    def _frame(self) -> None:
        """Take in what arrived for parts in view, and repaint what changed."""
        if self._timer is not None:
            self._timer.stop()
            self._timer = None
        self._due = float("inf")
        self._last_frame = monotonic()
        waiting, self._waiting = self._waiting, {}
        last = self._shown[-1].item if self._shown else -1
        changed, hurry = self._unpainted, False
        self._grows = any(part.growing for part in waiting.values())
        for part in waiting.values():
            index = self._index(part)
            if index is None:
                continue
            if not self.follows.sticks and index > last and len(self._shown) >= self.sheet.view:
                self._waiting[part.key] = part  # out of sight: taken in when it comes into view
                continue
            row = part.flush()
            if row is not None:
                self.sheet.changed(index, above=part.grew_above)
                part.grew_above = False
                changed[index] = min(row + part.GAP if row else 0, changed.get(index, 1 << 60))
            hurry = hurry or part.hurries
        self._tell()
        if changed and not (hurry and self._last_frame < self._painted_at + self.seconds_per_frame):
            self.show(changed)

    def show(self, changed: dict[int, int] | None = None, *, everything: bool = False) -> None:
        """Put the view right and repaint the rows that are others now; ``changed``: parts and their first new row."""
        if not self._fit():
            return
        before = self._shown
        self._take_in_view()
        now = self._shown
        dirty = self._unpainted | (changed or {})
        self._unpainted, self._painted_at = {}, self._last_frame
        if self.follows.framed():
            self._tell()
        self._bar.put_right(at_once=everything or not changed or not self._grows)
        if everything:
            self.refresh()
        elif rows := changed_rows(before, now, dirty):
            self._paint(*rows)
        self._tidy(changed)

    def _paint(self, first: int, last: int) -> None:
        """Bring rows to the terminal, by the short way where there is one."""
        app: object = cast("object", self.app)  # whose return type Textual leaves open
        strips = [self._strip(y) for y in range(first, last + 1)]
        if isinstance(app, _PaintsRows) and app.paint_rows(self, first, strips):
            return
        self.refresh(Region(0, first, self.size.width, last - first + 1))

    def _take_in_view(self) -> None:
        """Find the rows in view. Text that grew out of sight and comes into view now is taken in first."""
        while True:
            if self.follows.sticks:
                self.sheet.go_to_end()
            else:
                self.sheet.settle()
            self._shown = self.sheet.lines()
            if not self._waiting or not self._shown:
                return
            first, last = self._shown[0].item, self._shown[-1].item
            seen = [part for part in self.sheet.items[first : last + 1] if part.key in self._waiting]
            if not seen:
                return
            for part in seen:
                del self._waiting[part.key]
                if part.flush() is not None and (index := self._index(part)) is not None:
                    self.sheet.changed(index)

    def _fit(self) -> bool:
        """Lay the sheet out for the widget's size; False while it has none."""
        size = self.size
        width = size.width - self.scrollbar_size_vertical - 2 * PADDING
        if width <= 0 or size.height <= 0 or not self.is_attached:
            return False
        page = Page(width, self._wide_ambiguous)
        if self._fitted != (size, page):
            self._fitted = (size, page)
            if page != self.sheet.page:
                for part in self._laid_out.values():
                    part.strips.clear()
            self.sheet.resize(page, size.height)
        return True

    def _tidy(self, changed: dict[int, int] | None) -> None:
        """Colour the code in view, and drop what was made for parts that are long out of view."""
        if not self._shown:
            return
        items = self.sheet.items
        shown = range(self._shown[0].item, self._shown[-1].item + 1)
        first, last = items[shown[0]].key, items[shown[-1]].key
        for part in self._laid_out.values():
            if part.strips and not first <= part.key <= last:
                part.strips.clear()
        for index in shown:
            part = items[index]
            if changed is None or index in changed:
                self._colouring.look_at(part)
                if (work := part.develop(self.sheet.page)) is not None:
                    self.run_worker(work, group="develop")
            self._laid_out.pop(part.key, None)
            self._laid_out[part.key] = part
        while len(self._laid_out) > _LAID_OUT:
            self._laid_out.pop(next(iter(self._laid_out))).forget()

    def repaint(self, part: PartView, rows: range) -> None:
        """Rows of a part have other colours now."""
        index = self._index(part)
        dirty = [y for y, place in enumerate(self._shown) if place.item == index and place.row - part.GAP in rows]
        if dirty:
            self._paint(dirty[0], dirty[-1])

    # following and scrolling

    def follow(self) -> None:
        """Go to the end and stay there."""
        self.follows.go_to_end()
        self._tell()
        self.show()

    def _tell(self) -> None:
        state = (self.follows.sticks, max(self.follows.news, int(self.follows.grown)))
        if state != self._told:
            self._told = state
            self.post_message(self.FollowChanged(*state))

    def on_resize(self) -> None:
        self.show(everything=True)

    @property
    def wide_ambiguous(self) -> bool:
        """Whether characters of ambiguous width take two cells."""
        return self._wide_ambiguous

    @wide_ambiguous.setter
    def wide_ambiguous(self, wide: bool) -> None:
        if wide != self._wide_ambiguous:
            self._wide_ambiguous = wide
            self.show(everything=True)

    def get_line_filters(self) -> Sequence[LineFilter]:
        return [each for each in super().get_line_filters() if each is not NARROW]

    # drawing

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._ink.forget()
        self.forget_strips()

    def forget_strips(self) -> None:
        """Everything has to be drawn again; the rows stay what they are."""
        for part in self._laid_out.values():
            part.strips.clear()

    def selection_updated(self, selection: Selection | None) -> None:
        self.forget_strips()
        super().selection_updated(selection)

    def render_lines(self, crop: Region) -> list[Strip]:
        """Strips for painting: without Textual's cache of styled lines, because ours are complete and kept."""
        if self._fitted is None or self._fitted[0] != self.size:
            self.show()
        strips = [self._strip(y) for y in range(crop.y, crop.bottom)]
        if crop.x or crop.width != self.size.width:
            return [strip.crop(crop.x, crop.right) for strip in strips]
        return strips

    def render_line(self, y: int) -> Strip:
        """A strip that knows which characters it shows; Textual asks for it under the mouse."""
        if not self._shown:
            return self._strip(y)
        place = self._shown[min(y, len(self._shown) - 1)]
        part = self.sheet.items[place.item]
        return with_offsets(self._strip(y), number(part, place.row - part.GAP))

    def _strip(self, y: int) -> Strip:
        if not 0 <= y < len(self._shown):
            return self._ink.blank(self._strip_width)
        index, row = self._shown[y]
        part = self.sheet.items[index]
        row -= part.GAP
        strip = part.strips.get(row)
        if strip is None:
            if len(part.strips) >= _STRIPS_KEPT:
                part.strips.clear()
            strip = part.strips[row] = self._drawn(part, row)
        return strip

    @property
    def _strip_width(self) -> int:
        return self.size.width - self.scrollbar_size_vertical

    def _drawn(self, part: PartView, row: int) -> Strip:
        rows = part.rows(self.sheet.page)
        width = self._strip_width
        if not 0 <= row < len(rows):
            return self._ink.blank(width)
        return self._ink.strip(rows[row], self.sheet.page, self._look_of(part), self._overlays(part, row), width)

    def _look_of(self, part: PartView) -> tuple[str, bool]:
        """The tone of a part and whether it is marked."""
        return part.TONE, False

    def _overlays(self, part: PartView, row: int) -> list[Overlay]:
        """What is laid over a row: the selection."""
        selection = self.text_selection
        if selection is None or (span := selection.get_span(number(part, row))) is None:
            return []
        return [(max(0, span[0]), span[1], self._ink.selection)] if span[0] != span[1] else []
