"""Rows of parts → strips over the whole width of the transcript, in the colours of the theme."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from tui.markdown.ink import Page, Row
from tui.markdown.palette import Palette
from tui.markdown.strips import Overlay, row_strip

if TYPE_CHECKING:
    from textual.widget import Widget

COMPONENTS = {"transcript--selected", "transcript--muted", "transcript--warning"}
PADDING = 1  # cells left and right of the text


class PartInk:
    """Makes strips; made anew when the theme changes. ``owner`` has the component classes above."""

    def __init__(self, owner: Widget) -> None:
        self._owner = owner
        self._palettes: dict[tuple[str, bool], Palette] = {}
        self._selection: Style | None = None
        self._blank: Strip | None = None

    def forget(self) -> None:
        """The theme or the widget's style has changed."""
        self._palettes.clear()
        self._selection = self._blank = None

    @property
    def selection(self) -> Style:
        """What is laid over selected text."""
        if self._selection is None:
            self._selection = self._owner.screen.get_component_rich_style("screen--selection")
        return self._selection

    def strip(self, row: Row, page: Page, look: tuple[str, bool], overlays: Sequence[Overlay], width: int) -> Strip:
        """A row, ``width`` cells wide. ``look``: the tone of the part, and whether its message is selected."""
        palette = self._palette(look)
        inner = row_strip(row, page, palette, overlays)
        # A mark as well: in the terminal's own colours there is no background to tell it by.
        mark = ("|" if page.wide_ambiguous else "▎") if look[1] else " "
        left = Segment(mark * PADDING, palette.base)
        right = Segment(" " * max(0, width - PADDING - inner.cell_length), palette.base)
        return self._filtered(Strip([left, *inner, right], PADDING + inner.cell_length + len(right.text)))

    def blank(self, width: int) -> Strip:
        """A row without text."""
        if self._blank is None or self._blank.cell_length != width:
            self._blank = self._filtered(Strip([Segment(" " * width, self._palette(("", False)).base)], width))
        return self._blank

    def _filtered(self, strip: Strip) -> Strip:
        background = self._owner.background_colors[1]
        for line_filter in self._owner.get_line_filters():
            strip = strip.apply_filter(line_filter, background)
        return strip

    def _palette(self, look: tuple[str, bool]) -> Palette:
        palette = self._palettes.get(look)
        if palette is None:
            tone, selected = look
            owner = self._owner
            base = owner.get_component_rich_style(f"transcript--{tone}") if tone else owner.rich_style
            if selected:
                base += Style(bgcolor=owner.get_component_rich_style("transcript--selected").bgcolor)
            palette = self._palettes[look] = Palette(owner.app.theme_variables, base)
        return palette


def with_offsets(strip: Strip, y: int) -> Strip:
    """A strip whose cells know which character of which row they show: what Textual needs to select text."""
    first, *others = strip
    start = Segment(first.text, (first.style or Style()) + Style.from_meta({"offset": (0, y)}))
    return Strip.join([Strip([start], PADDING), Strip(others).apply_offsets(0, y)])
