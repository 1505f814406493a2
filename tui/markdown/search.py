"""Finding text in rows: across the breaks of wrapping, never across the ends of lines."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from tui.markdown.ink import Row


class Stretch(NamedTuple):
    """Characters ``start`` to ``end`` of a row."""

    row: int
    start: int
    end: int


Match = tuple[Stretch, ...]
"""One place where the text was found: one stretch, or several where wrapping cut it."""


def find(rows: Sequence[Row], needle: str, *, match_case: bool = False) -> list[Match]:
    """All places of ``needle`` in ``rows``, from top to bottom, without overlaps."""
    if not needle:
        return []
    pattern = re.compile(re.escape(needle), 0 if match_case else re.IGNORECASE)
    matches: list[Match] = []
    first = 0
    for index in range(1, len(rows) + 1):
        if index == len(rows) or rows[index].joint is None:
            _find_in_line(rows, first, index, pattern, matches)
            first = index
    return matches


def _find_in_line(rows: Sequence[Row], first: int, end: int, pattern: re.Pattern[str], matches: list[Match]) -> None:
    if end - first == 1:
        row = rows[first]
        matches.extend(
            (Stretch(first, match.start(), match.end()),)
            for match in pattern.finditer(row.text, row.lead)
            if match.end() > match.start()
        )
        return
    pieces: list[str] = []
    places: list[tuple[int, int, int]] = []  # where a row's text begins and ends in the line; the row
    position = 0
    for index in range(first, end):
        row = rows[index]
        joint = row.joint or ""
        text = row.text[row.lead :]
        pieces += (joint, text)
        position += len(joint)
        places.append((position, position + len(text), index))
        position += len(text)
    for match in pattern.finditer("".join(pieces)):
        stretches = tuple(
            Stretch(
                index, max(match.start(), low) - low + rows[index].lead, min(match.end(), high) - low + rows[index].lead
            )
            for low, high, index in places
            if match.start() < high and match.end() > low
        )
        if stretches:
            matches.append(stretches)
