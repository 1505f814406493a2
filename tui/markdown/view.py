"""The widget: one Markdown text, drawn row by row (Textual's line API), whatever its length.

It repaints only the rows that changed, asks for one layout per flush and only when its height changed, and never adds
or removes a widget.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from rich.style import Style
from textual import events
from textual.geometry import Region, Size
from textual.message import Message
from textual.selection import Selection
from textual.strip import Strip
from textual.widget import Widget

from tui.markdown.highlight import HighlightJob
from tui.markdown.ink import Link, Page, Row
from tui.markdown.layout import CodePlace
from tui.markdown.palette import Palette
from tui.markdown.reply import AT_ONCE, Reply
from tui.markdown.search import Match
from tui.markdown.strips import Overlay, blank_strip, row_strip

_STRIPS_KEPT = 500
_SLICE = 0.004
_PAUSE = 0.012


class MarkdownView(Widget):
    """A part of a message. Feed it text, flush it at the rate of the screen, finish it when the text is complete."""

    DEFAULT_CSS = """
    MarkdownView { height: auto; width: 1fr; }
    """

    @dataclass
    class LinkClicked(Message):
        """A link was clicked. Nothing is opened here: whoever handles it shows the address first."""

        view: MarkdownView
        link: Link

        @property
        def control(self) -> MarkdownView:
            return self.view

    @dataclass
    class LinkHovered(Message):
        """The mouse came over a link, or left it (None)."""

        view: MarkdownView
        link: Link | None

        @property
        def control(self) -> MarkdownView:
            return self.view

    def __init__(
        self,
        text: str = "",
        *,
        wide_ambiguous: bool = False,
        reply: Reply | None = None,
        id: str | None = None,  # noqa: A002 (Textual's own name)
        classes: str | None = None,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self.reply = reply or Reply(text, Page(80, wide_ambiguous))
        self._wide_ambiguous = wide_ambiguous
        self._strips: dict[int, Strip] = {}
        self._palette_made: Palette | None = None
        self._selection_style: Style | None = None
        self._marks: dict[int, list[Overlay]] = {}
        self._painting = False
        self._hovered: Link | None = None
        self._jobs: deque[HighlightJob] = deque()
        self._working = False
        self._flushing = False
        self.changed_from_row: int | None = None
        """The first row the last ``flush`` or ``finish`` changed; None when it changed nothing."""

    # -- text --------------------------------------------------------------------------------------------------------

    @property
    def source(self) -> str:
        """The cleaned Markdown, as far as it was flushed."""
        return self.reply.document.source

    @property
    def rows(self) -> Sequence[Row]:
        """The rows at the current width."""
        return self.reply.rows

    def feed(self, text: str) -> None:
        """Add text; cheap, nothing is rendered before ``flush``."""
        self.reply.document.feed(text)

    def flush(self) -> bool:
        """Render what was fed and repaint the rows that changed; False when nothing did. Of much text at once only the
        beginning is rendered now, the rest by itself in the next frames."""
        if not self.reply.waiting:
            self.changed_from_row = None
            return False
        before = len(self.reply.rows)
        changed = self.reply.flush(AT_ONCE if self.is_mounted else None)
        if self.reply.waiting and not self._flushing:
            self._flushing = True
            self.set_timer(_PAUSE, self._flush_rest)
        return self._show_change(changed, before)

    def _flush_rest(self) -> None:
        self._flushing = False
        self.flush()

    def finish(self, text: str | None = None) -> None:
        """The text is complete; ``text`` is the stored whole, rendered instead where it differs from what was fed."""
        before = len(self.reply.rows)
        self._show_change(self.reply.finish(text), before)
        self._start_highlighting()

    def _show_change(self, changed: int | None, before: int) -> bool:
        self.changed_from_row = changed
        if changed is None:
            return False
        for row in [row for row in self._strips if row >= changed]:
            del self._strips[row]
        count = len(self.reply.rows)
        if self.is_mounted:
            dirty = Region(0, changed, self.size.width, max(count, before) - changed)
            self.refresh(*([dirty] if dirty.height else []), repaint=bool(dirty.height), layout=count != before)
        self._start_highlighting()
        return True

    def row_count(self, width: int) -> int:
        """Rows at ``width`` cells, exact before any layout."""
        return self.reply.row_count(Page(width, self._wide_ambiguous))

    def codes(self) -> list[CodePlace]:
        """Code blocks and the rows they stand on; ``.code.code`` is the text to copy."""
        return self.reply.codes()

    def links(self) -> list[Link]:
        """All links, from top to bottom."""
        return self.reply.links()

    # -- search ------------------------------------------------------------------------------------------------------

    def find(self, needle: str) -> list[Match]:
        """Places of ``needle``, without regard to case."""
        return self.reply.find(needle)

    def mark(self, matches: Sequence[Match], current: int | None = None) -> None:
        """Highlight ``matches`` (those of ``find``), the one with index ``current`` more; () takes all away."""
        touched = set(self._marks)
        self._marks = {}
        for index, match in enumerate(matches):
            name = "match-current" if index == current else "match"
            for stretch in match:
                self._marks.setdefault(stretch.row, []).append((stretch.start, stretch.end, name))
        self._repaint_rows(touched | set(self._marks))

    def _repaint_rows(self, rows: set[int]) -> None:
        for row in rows:
            self._strips.pop(row, None)
        if self.is_mounted and rows:
            self.refresh(*(Region(0, row, self.size.width, 1) for row in rows))

    # -- selection ---------------------------------------------------------------------------------------------------

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """The selected text without the breaks of wrapping."""
        start, end = self._places(selection)
        return self.reply.text(start, end), "\n"

    def selected_markdown(self, selection: Selection) -> str:
        """The original Markdown of the blocks that the selection touches."""
        return self.reply.markdown(*self._places(selection))

    @staticmethod
    def _places(selection: Selection) -> tuple[tuple[int, int], tuple[int, int] | None]:
        start = (selection.start.y, selection.start.x) if selection.start else (0, 0)
        return start, (selection.end.y, selection.end.x) if selection.end else None

    def selection_updated(self, selection: Selection | None) -> None:
        self._strips.clear()
        self._selection_style = None
        super().selection_updated(selection)

    # -- layout and drawing ------------------------------------------------------------------------------------------

    def get_content_width(self, container: Size, viewport: Size) -> int:  # noqa: ARG002 (Textual's signature)
        return container.width

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:  # noqa: ARG002 (Textual's)
        return self.row_count(width) if width > 0 else 0

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._palette_made = None
        self._selection_style = None
        self._strips.clear()

    def render_lines(self, crop: Region) -> list[Strip]:
        self._painting = True
        try:
            return super().render_lines(crop)
        finally:
            self._painting = False

    def render_line(self, y: int) -> Strip:
        """The strip of a row. Positions for the mouse are only added when it is not asked for painting: they cost
        more than the drawing."""
        page = Page(self.size.width, self._wide_ambiguous)
        if page != self.reply.page:
            self.reply.page = page
            self._strips.clear()
        rows = self.reply.rows
        if y >= len(rows):
            return blank_strip(page, self._palette)
        strip = self._strips.get(y)
        if strip is None:
            if len(self._strips) >= _STRIPS_KEPT:
                self._strips.clear()
            strip = self._strips[y] = row_strip(rows[y], page, self._palette, self._overlays(y))
        return strip if self._painting else strip.apply_offsets(0, y)

    def _overlays(self, y: int) -> list[Overlay]:
        overlays = list(self._marks.get(y, ()))
        if (selection := self.text_selection) is not None and (span := selection.get_span(y)) is not None:
            if self._selection_style is None:
                self._selection_style = self.screen.get_component_rich_style("screen--selection")
            overlays.append((*span, self._selection_style))
        return overlays

    @property
    def _palette(self) -> Palette:
        if self._palette_made is None:
            self._palette_made = Palette(self.app.theme_variables, self.rich_style)
        return self._palette_made

    # -- colours for code --------------------------------------------------------------------------------------------

    def on_mount(self) -> None:
        self._start_highlighting()

    def _start_highlighting(self) -> None:
        """Give closed code blocks their colours, a few milliseconds at a time."""
        if not self.is_mounted or self._working:
            return
        self._jobs.extend(self.reply.highlights())
        if self._jobs:
            self._working = True
            self.set_timer(_PAUSE, self._highlight)

    def _highlight(self) -> None:
        job = self._jobs[0]
        if job.step(_SLICE):
            self._jobs.popleft()
            if job.element.painted and (span := self.reply.layout.repaint(job.element)) is not None:
                self._repaint_rows(set(range(*span)))
        if self._jobs:
            self.set_timer(_PAUSE, self._highlight)
        else:
            self._working = False

    # -- the mouse ---------------------------------------------------------------------------------------------------

    def on_click(self, event: events.Click) -> None:
        if event.chain == 1 and not self.text_selection and (link := self._link_under(event)) is not None:
            event.stop()
            self.post_message(self.LinkClicked(self, link))

    def on_mouse_move(self, event: events.MouseMove) -> None:
        self._hover(self._link_under(event))

    def on_leave(self) -> None:
        self._hover(None)

    def _link_under(self, event: events.MouseEvent) -> Link | None:
        offset = event.get_content_offset(self)
        return self.reply.link_at(offset.y, offset.x) if offset is not None else None

    def _hover(self, link: Link | None) -> None:
        if link is not self._hovered:
            self._hovered = link
            self.post_message(self.LinkHovered(self, link))
