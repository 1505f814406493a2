"""What a picture is made of: rows of styled text, measured in cells, and the size of a cell in pixels."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import repeat
from typing import NamedTuple

CELL_WIDTH = 10
"""Pixels of a cell at scale 1."""
CELL_HEIGHT = 24
BASELINE = 18
"""Pixels from the top of a row to the line that letters stand on."""
FONT_SIZE = 50 / 3
"""Pixels of the em: the font's narrow glyphs, 600 of its 1,000 units wide, fill a cell exactly."""

# Control characters, halves of surrogate pairs, U+FFFE and U+FFFF: no SVG can hold them.
_IMPOSSIBLE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


class Ink(NamedTuple):
    """How text is drawn. Colours are ``#rrggbb``."""

    foreground: str
    background: str
    bold: bool = False
    italic: bool = False
    underline: bool = False
    strike: bool = False


class Run(NamedTuple):
    """Text of one ink."""

    text: str
    ink: Ink


@dataclass(frozen=True, slots=True)
class Grid:
    """A picture before it is drawn: ``width`` cells, rows of runs from the left. What a row leaves empty has the
    ``background``; what goes beyond the width is cut."""

    width: int
    rows: tuple[tuple[Run, ...], ...]
    foreground: str = "#000000"
    background: str = "#ffffff"

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels at scale 1."""
        return self.width * CELL_WIDTH, len(self.rows) * CELL_HEIGHT


class Cluster(NamedTuple):
    """What is drawn in one place: a character with what combines with it. ``column`` is its first cell."""

    text: str
    column: int
    cells: int
    ink: Ink


@dataclass(frozen=True, slots=True)
class Missing:
    """Characters without a glyph in the bundled font: how often they occur, and which, in order of appearance."""

    count: int = 0
    characters: tuple[str, ...] = ()

    def plus(self, other: Missing) -> Missing:
        """Both together."""
        return Missing(self.count + other.count, tuple(dict.fromkeys((*self.characters, *other.characters))))


def placed(grid: Grid) -> list[list[Cluster]]:
    """The clusters of every row."""
    return [list(clusters(row, grid.width)) for row in grid.rows]


def clusters(row: tuple[Run, ...], width: int) -> Iterator[Cluster]:
    """The clusters of a row as far as they lie inside ``width`` cells. Text of no width is left out."""
    column = 0
    for text, ink in row:
        for piece, cells in _pieces(text):
            if column + cells > width:
                return
            yield Cluster(piece, column, cells, ink)
            column += cells


def _pieces(text: str) -> Iterator[tuple[str, int]]:
    """Grapheme clusters and their cells."""
    if _IMPOSSIBLE.search(text):
        text = _IMPOSSIBLE.sub("\N{REPLACEMENT CHARACTER}", text)
    if text.isascii():
        yield from zip(text, repeat(1))
        return
    from rich.cells import split_graphemes

    spans, _cells = split_graphemes(text)
    for start, end, cells in spans:
        if cells:
            yield text[start:end], cells
