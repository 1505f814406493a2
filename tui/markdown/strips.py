"""Rows → strips: the only place where rows meet Textual's drawing."""

from __future__ import annotations

from collections.abc import Sequence

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from tui.markdown.ink import Page, Row
from tui.markdown.palette import Palette

Overlay = tuple[int, int, Style | str]
"""Characters ``start`` to ``end`` (-1: the row's end) of a row, and what is laid over them: a style or a name."""


def row_strip(row: Row, page: Page, palette: Palette, overlays: Sequence[Overlay] = ()) -> Strip:
    """The full-width strip of ``row``."""
    style = palette.style
    segments = [Segment(run.text, style(run.style)) for run in row.runs]
    for start, end, over in overlays:
        segments = _overlaid(segments, start, end, over, palette)
    used = sum([page.cells(run.text) for run in row.runs])
    if used < page.width:
        segments.append(Segment(" " * (page.width - used), style(row.fill)))
    # The length is given, not measured: with wide ambiguous characters the terminal's count differs from Rich's.
    return Strip(segments, max(used, page.width))


def _overlaid(segments: list[Segment], start: int, end: int, over: Style | str, palette: Palette) -> list[Segment]:
    """``segments`` with the characters ``start`` to ``end`` in another style."""
    result: list[Segment] = []
    position = 0
    for segment in segments:
        text, style = segment.text, segment.style or palette.base
        low = max(0, start - position)
        high = len(text) if end == -1 else min(len(text), end - position)
        position += len(text)
        if low >= high:
            result.append(segment)
            continue
        changed = palette.over(style, over) if isinstance(over, str) else style + over
        if low:
            result.append(Segment(text[:low], style))
        result.append(Segment(text[low:high], changed))
        if high < len(text):
            result.append(Segment(text[high:], style))
    return result
