"""Characters that are drawn as shapes: box drawing, blocks, shades, quadrants, braille, and what has no glyph."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from tui.shot.boxes import Shape, box_shape, rectangle
from tui.shot.cells import CELL_HEIGHT, CELL_WIDTH

_HALF_X, _HALF_Y = CELL_WIDTH / 2, CELL_HEIGHT / 2
# U+2596…U+259F: which quarters are filled, from the upper left by rows.
_QUADRANTS = ("0010", "0001", "1000", "1011", "1001", "1110", "1101", "0100", "0110", "0111")
# The pattern of the shades: columns of a cell (first pixel, width), repeated seamlessly; rows are two pixels high.
_COLUMNS = ((0, 2), (2, 3), (5, 2), (7, 3))
_SHADES = {"░": (0,), "▒": (0, 3), "▓": (0, 1, 3)}


@cache
def shape_of(character: str) -> Shape | None:
    """The shape of a character of one cell, None for what is drawn as text."""
    if len(character) != 1:
        return None
    code = ord(character)
    if 0x2500 <= code <= 0x257F:
        return box_shape(character)
    if 0x2580 <= code <= 0x259F:
        return Shape("".join(_block(character, code)))
    if 0x2800 <= code <= 0x28FF:
        return Shape("".join(_braille(code - 0x2800)))
    return None


def missing_shape(cells: int) -> Shape:
    """The frame that stands for a character without a glyph."""
    return Shape(f"M1.5 3.5h{cells * CELL_WIDTH - 3}v17h{3 - cells * CELL_WIDTH}z", 1)


def _block(character: str, code: int) -> Iterator[str]:
    if character in _SHADES:
        yield from _shade(character)
    elif code == 0x2580:
        yield rectangle(0, 0, CELL_WIDTH, _HALF_Y)
    elif code <= 0x2588:
        height = CELL_HEIGHT * (code - 0x2580) / 8
        yield rectangle(0, CELL_HEIGHT - height, CELL_WIDTH, height)
    elif code <= 0x258F:
        yield rectangle(0, 0, CELL_WIDTH * (0x2590 - code) / 8, CELL_HEIGHT)
    elif code == 0x2590:
        yield rectangle(_HALF_X, 0, _HALF_X, CELL_HEIGHT)
    elif code == 0x2594:
        yield rectangle(0, 0, CELL_WIDTH, CELL_HEIGHT / 8)
    elif code == 0x2595:
        yield rectangle(CELL_WIDTH * 7 / 8, 0, CELL_WIDTH / 8, CELL_HEIGHT)
    else:
        for number, filled in enumerate(_QUADRANTS[code - 0x2596]):
            if filled == "1":
                yield rectangle(number % 2 * _HALF_X, number // 2 * _HALF_Y, _HALF_X, _HALF_Y)


def _shade(character: str) -> Iterator[str]:
    """Dots, not a lighter colour: shades are told apart in print and by eyes that see no colour."""
    for number in range(CELL_HEIGHT // 2):
        for column, (x, width) in enumerate(_COLUMNS):
            place = number % 2 * 2 + column % 2
            if place in _SHADES[character]:
                yield rectangle(x, number * 2, width, 2)


_DOTS = ((0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2), (0, 3), (1, 3))  # column and row of bits 0…7


def _braille(bits: int) -> Iterator[str]:
    for number, (column, row) in enumerate(_DOTS):
        if bits >> number & 1:
            yield rectangle(2 + column * 4, 2 + row * 6, 2, 2)
