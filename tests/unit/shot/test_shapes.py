"""Box drawing, blocks and braille as shapes."""

from __future__ import annotations

import re
import unicodedata

import pytest

from tests.support.pixels import Pixels, read_png
from tests.unit.shot.pictures import grid
from tui.shot.boxes import box_shape
from tui.shot.cells import CELL_HEIGHT, CELL_WIDTH
from tui.shot.png import to_png
from tui.shot.shapes import shape_of

BOXES = [chr(code) for code in range(0x2500, 0x2580)]
EDGES = {
    "UP": lambda x, y: y == 0,
    "DOWN": lambda x, y: y == CELL_HEIGHT - 1,
    "LEFT": lambda x, y: x == 0,
    "RIGHT": lambda x, y: x == CELL_WIDTH - 1,
}


def drawn(character: str) -> set[tuple[int, int]]:
    """The dark pixels of a character at scale 1."""
    pixels: Pixels = read_png(to_png(grid(character), scale=1))
    return {(x, y) for y, row in enumerate(pixels.rows) for x, colour in enumerate(row) if sum(colour) < 500}


# Dashes end before the edge, diagonals in a corner; double lines are open inside.
WHOLE = [one for one in BOXES if not re.search("DASH|DIAGONAL", unicodedata.name(one))]
SINGLE = [one for one in BOXES if not re.search("DASH|DOUBLE", unicodedata.name(one))]


@pytest.mark.parametrize("character", WHOLE)
def test_lines_reach_the_edges_that_their_name_says(character: str) -> None:
    name = unicodedata.name(character)
    words = name.replace("VERTICAL", "UP DOWN").replace("HORIZONTAL", "LEFT RIGHT").split()
    dark = drawn(character)
    for edge, at in EDGES.items():
        assert any(at(x, y) for x, y in dark) == (edge in words), f"{name}: {edge}"


def test_every_box_character_is_drawn() -> None:
    assert all(drawn(character) for character in BOXES)


@pytest.mark.parametrize("character", SINGLE)
def test_single_lines_are_one_piece(character: str) -> None:
    dark = drawn(character)
    reached, todo = set(), [next(iter(dark))]
    while todo:
        x, y = todo.pop()
        if (x, y) in dark and (x, y) not in reached:
            reached.add((x, y))
            todo += [(x + dx, y + dy) for dx in (-1, 0, 1) for dy in (-1, 0, 1)]
    assert reached == dark, unicodedata.name(character)


def test_double_corners_are_open_inside() -> None:
    dark = drawn("╬")
    assert (5, 12) not in dark
    assert {(3, 10), (7, 14), (3, 0), (0, 10), (9, 14), (7, 23)} <= dark
    assert (5, 12) not in drawn("╟")
    assert (5, 12) in drawn("╫")
    assert (3, 10) in drawn("╔")
    assert (7, 14) in drawn("╔")


def test_eighths_grow() -> None:
    heights = [len(drawn(chr(code))) for code in range(0x2581, 0x2589)]
    assert heights == [CELL_WIDTH * CELL_HEIGHT * eighth // 8 for eighth in range(1, 9)]
    widths = [shape_of(chr(code)) for code in range(0x258F, 0x2587, -1)]
    assert len(set(widths)) == 8


def test_shades_are_a_quarter_half_and_three_quarters() -> None:
    whole = CELL_WIDTH * CELL_HEIGHT
    assert [round(len(drawn(one)) / whole, 1) for one in "░▒▓█"] == [0.2, 0.5, 0.8, 1.0]
    assert drawn("▀") | drawn("▄") == drawn("▌") | drawn("▐") == drawn("█")


@pytest.mark.parametrize("code", range(0x2596, 0x25A0))
def test_quadrants_fill_what_their_name_says(code: int) -> None:
    name = unicodedata.name(chr(code)).removeprefix("QUADRANT ")
    quarters = {
        part: part in name.split(" AND ") for part in ("UPPER LEFT", "UPPER RIGHT", "LOWER LEFT", "LOWER RIGHT")
    }
    dark = drawn(chr(code))
    places = {"UPPER LEFT": (1, 1), "UPPER RIGHT": (8, 1), "LOWER LEFT": (1, 22), "LOWER RIGHT": (8, 22)}
    assert {part: place in dark for part, place in places.items()} == quarters


def test_edges_of_the_right_and_the_top() -> None:
    assert min(x for x, _y in drawn("▐")) == CELL_WIDTH // 2
    assert max(y for _x, y in drawn("▔")) == CELL_HEIGHT // 8 - 1
    assert min(x for x, _y in drawn("▕")) >= CELL_WIDTH - 2


def test_braille_has_a_dot_for_every_bit() -> None:
    for code in range(0x2800, 0x2900):
        shape = shape_of(chr(code))
        assert shape is not None
        assert len(re.findall("M", shape.path)) == (code - 0x2800).bit_count()


def test_letters_are_no_shapes() -> None:
    assert shape_of("a") is None
    assert shape_of("中") is None
    assert shape_of("ab") is None
    with pytest.raises(ValueError, match="a"):
        box_shape("a")
