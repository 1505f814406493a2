"""Selections → text, as it was before wrapping: rows that wrapping made are joined again, decoration becomes Markdown
marks (``•`` → ``-``, bars → ``>``), tables become Markdown tables."""

from __future__ import annotations

from collections.abc import Sequence

from tui.markdown.ink import Row

Place = tuple[int, int]
"""A row and a character in it."""


def selected_text(rows: Sequence[Row], start: Place, end: Place | None) -> str:
    """The text from ``start`` to ``end`` (exclusive; None: to the last row's end).

    Inside one row exactly the characters shown; over several rows, lines without the breaks of wrapping."""
    if not rows or start[0] >= len(rows):
        return ""
    last = len(rows) - 1 if end is None else min(end[0], len(rows) - 1)
    end_column = None if end is None or end[0] > last else end[1]
    if start[0] == last:
        return _one_row(rows[last], start[1], end_column)
    parts: list[str] = []
    for index in range(start[0], last + 1):
        row = rows[index]
        if row.drawn:
            continue
        low = start[1] if index == start[0] else 0
        high = end_column if index == last else None
        if index > start[0] and parts:
            parts.append("\n" if row.joint is None else row.joint)
        if row.copy is not None:
            if high is None or high > 0:
                parts.append(row.copy)
        else:
            parts.append(_cut(row, low, high, begins=row.joint is None))
    return "".join(parts)


def _one_row(row: Row, low: int, high: int | None) -> str:
    if low == 0 and (high is None or high >= len(row.text)):
        if row.copy is not None:
            return row.copy
        return _cut(row, 0, None, begins=row.joint is None)
    return row.text[low:high].rstrip() if row.copy is not None else row.text[max(low, row.lead) : high]


def _cut(row: Row, low: int, high: int | None, *, begins: bool) -> str:
    """Characters ``low`` to ``high`` of a row; its decoration as Markdown when the row begins a line."""
    text = row.text
    lead = row.lead_copy if begins and low == 0 and (high is None or high > 0) else ""
    return lead + text[max(low, row.lead) : high]
