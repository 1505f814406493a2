"""Rows of styled text, measured in cells: what memory bars, legends and plans are drawn with. No Textual in here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len, set_cell_size

from tui.markdown.wrap import wrap

Piece = tuple[str, str]
"""A text and the name of its style (see :mod:`tui.widgets.row_view`); "" is the plain one."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row. ``key`` names what it tells about ("" where there is nothing to explain), ``card`` the card it is of."""

    pieces: tuple[Piece, ...] = ()
    key: str = ""
    card: int = 0

    @property
    def text(self) -> str:
        return "".join(text for text, _style in self.pieces)

    @property
    def cells(self) -> int:
        return cell_len(self.text)


def pad(text: str, cells: int) -> str:
    """``text`` in exactly so many cells, cut with ``…`` when it is longer."""
    if cell_len(text) <= cells:
        return text + " " * (cells - cell_len(text))
    return set_cell_size(text, max(cells - 1, 0)) + "…" if cells else ""


def right(text: str, cells: int) -> str:
    """``text`` at the right of so many cells; longer text stays whole, because a figure must not lose digits."""
    return " " * max(cells - cell_len(text), 0) + text


def cut(pieces: Sequence[Piece], cells: int) -> tuple[Piece, ...]:
    """The pieces as far as they fit into so many cells."""
    kept: list[Piece] = []
    left = cells
    for text, style in pieces:
        if left <= 0:
            break
        shown = text if cell_len(text) <= left else pad(text, left)
        kept.append((shown, style))
        left -= cell_len(shown)
    return tuple(kept)


def folded(text: str, cells: int, style: str = "", indent: str = "") -> list[Row]:
    """A sentence on as many rows as it needs, later ones behind ``indent``."""
    width = max(cells - cell_len(indent), 4)
    if not text:
        return []
    return [Row(((indent + text[start:end], style),)) for start, end in wrap(text, width)]


def shares(sizes: Sequence[int], total: int, cells: int) -> list[int]:
    """Cells for each size so that they add up to ``cells`` for sizes that add up to ``total``.

    Cumulative sums are rounded, not single parts; what is not zero gets at least one cell, taken from the largest."""
    if total <= 0 or cells <= 0:
        return [0 for _ in sizes]
    found: list[int] = []
    done = at = 0
    for size in sizes:
        done += size
        end = min(max(round(done / total * cells), at), cells)
        found.append(end - at)
        at = end
    for index, size in enumerate(sizes):
        largest = max(range(len(found)), key=found.__getitem__)
        if size > 0 and not found[index] and found[largest] > 1:
            found[largest] -= 1
            found[index] = 1
    return found


_BLOCKS = "▁▂▃▄▅▆▇█"


def spark(values: Sequence[float | None], cells: int) -> str:
    """The newest values, 0…1, as blocks on a fixed scale; unknown ones are blank, which 0 is not."""
    shown = values[-cells:]
    blocks = "".join(" " if value is None else _BLOCKS[min(int(max(value, 0.0) * 8), 7)] for value in shown)
    return " " * (cells - len(shown)) + blocks


def round_up(value: float) -> int:
    """The next step of 1-2-5 that is not smaller: the end of a scale that seldom changes."""
    step = 1
    while True:
        for factor in (1, 2, 5):
            if factor * step >= value:
                return factor * step
        step *= 10
