"""Selections over parts: every row has a number of its own that stays the same whatever happens above it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual.geometry import Offset
from textual.selection import Selection

from tui.markdown.copying import selected_text
from tui.markdown.ink import Page

if TYPE_CHECKING:
    from tui.widgets.part import PartView

_ROWS = 10_000_000  # more rows than any part has


def number(part: PartView, row: int) -> int:
    """The number of a row (below the gap) of a part; it rises from top to bottom."""
    return part.key * _ROWS + max(0, row)


def chosen_text(parts: Sequence[PartView], page: Page, selection: Selection) -> str:
    """The selected text, as it was before wrapping."""
    pieces: list[str] = []
    for part in parts:
        span = _span(part, selection)
        if span is None:
            continue
        if selection.start is None and selection.end is None:
            text = part.source  # all of it: nothing has to be laid out
        else:
            text = selected_text(part.rows(page), *span)
        if pieces and text:
            pieces.append("\n\n" if part.GAP else "\n")
        pieces.append(text)
    return "".join(pieces)


def touched(parts: Sequence[PartView], selection: Selection) -> list[tuple[PartView, int, int | None]]:
    """The parts that a selection touches, with the first and the last row (None: to the end)."""
    found: list[tuple[PartView, int, int | None]] = []
    for part in parts:
        span = _span(part, selection)
        if span is not None:
            found.append((part, span[0][0], None if span[1] is None else span[1][0]))
    return found


def _span(part: PartView, selection: Selection) -> tuple[tuple[int, int], tuple[int, int] | None] | None:
    """What a selection takes of one part, in rows and characters; None for nothing."""
    low, high = number(part, 0), number(part, _ROWS - 1)
    start, end = selection
    if (start is not None and start.y > high) or (end is not None and end.y < low):
        return None
    first = (0, 0) if start is None or start.y < low else (start.y - low, max(0, start.x))
    last = None if end is None or end.y > high else (end.y - low, max(0, end.x))
    return (first, last) if last is None or first < last else None


def around(text: str, column: int) -> tuple[int, int]:
    """The word at a character: letters and digits of one kind, or the one character."""
    if not 0 <= column < len(text) or not text[column].isalnum():
        return column, column + 1
    plain = text[column].isascii()
    start = end = column
    while start > 0 and text[start - 1].isalnum() and text[start - 1].isascii() == plain:
        start -= 1
    while end < len(text) and text[end].isalnum() and text[end].isascii() == plain:
        end += 1
    return start, end


def stretch(part: PartView, row: int, start: int, end: int) -> Selection:
    """Some characters of one row."""
    y = number(part, row)
    return Selection(Offset(start, y), Offset(end, y))


def whole(part: PartView, page: Page) -> Selection:
    """All of a part."""
    rows = part.rows(page)
    last = max(0, len(rows) - 1)
    return Selection(Offset(0, number(part, 0)), Offset(len(rows[last].text) if rows else 0, number(part, last)))
