"""A picture's cells on the screen: what will be drawn, as far as a terminal can show it."""

from __future__ import annotations

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tui.shot.cells import Grid, Ink, clusters


class GridView(ScrollView, can_focus=True):
    """Shows the pages of a picture below each other; scrolls both ways."""

    DEFAULT_CSS = "GridView { scrollbar-size-vertical: 1; scrollbar-size-horizontal: 1; }"

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 (Textual's name)
        super().__init__(id=id)
        self._lines: list[tuple[Grid, int]] = []
        self._styles: dict[Ink, Style] = {}

    def show(self, pages: tuple[Grid, ...]) -> None:
        """Other pages."""
        self._lines = [(grid, number) for grid in pages for number in range(len(grid.rows))]
        self.virtual_size = Size(max((grid.width for grid in pages), default=0), len(self._lines))
        self.refresh()

    def render_line(self, y: int) -> Strip:
        x, number = self.scroll_offset.x, y + self.scroll_offset.y
        width = self.size.width
        if number >= len(self._lines):
            return Strip.blank(width, self.rich_style)
        grid, row = self._lines[number]
        canvas = Style(color=grid.foreground, bgcolor=grid.background)
        segments = [Segment(one.text, self._style(one.ink)) for one in clusters(grid.rows[row], grid.width)]
        whole = Strip(segments).adjust_cell_length(grid.width, canvas)
        return whole.crop(x, x + width).adjust_cell_length(width, self.rich_style)

    def _style(self, ink: Ink) -> Style:
        style = self._styles.get(ink)
        if style is None:
            style = self._styles[ink] = Style(
                color=ink.foreground,
                bgcolor=ink.background,
                bold=ink.bold,
                italic=ink.italic,
                underline=ink.underline,
                strike=ink.strike,
            )
        return style
