"""Box-drawing characters (U+2500…U+257F) as shapes, from their Unicode names.

Fonts disagree about them – in most Chinese ones they are two cells wide – so they are never drawn as text.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from tui.shot.cells import CELL_HEIGHT, CELL_WIDTH

_DIRECTIONS = {
    "UP": ("up",), "DOWN": ("down",), "LEFT": ("left",), "RIGHT": ("right",),
    "VERTICAL": ("up", "down"), "HORIZONTAL": ("left", "right"),
}  # fmt: skip
_WEIGHTS = {"LIGHT": 1, "SINGLE": 1, "HEAVY": 3, "DOUBLE": 2}
_DASHES = {"DOUBLE": 2, "TRIPLE": 3, "QUADRUPLE": 4}
_OPPOSITE = {"up": "down", "down": "up", "left": "right", "right": "left"}

# Where lines run across a cell, as (first pixel, thickness), by weight: light, double, heavy.
_ACROSS = {1: ((5, 1),), 2: ((3, 1), (7, 1)), 3: ((4, 3),)}
_ALONG = {1: ((12, 1),), 2: ((10, 1), (14, 1)), 3: ((11, 3),)}


class Shape(NamedTuple):
    """Path data in pixels of one cell (scale 1); ``stroke``: the line's thickness, 0 for a filled shape."""

    path: str
    stroke: float = 0.0


def rectangle(x: float, y: float, width: float, height: float) -> str:
    """Path data of a rectangle."""
    return f"M{x:g} {y:g}h{width:g}v{height:g}h{-width:g}z"


@cache
def box_shape(character: str) -> Shape:
    """The shape of a box-drawing character. Raises ValueError for any other."""
    name = unicodedata.name(character, "")
    if not name.startswith("BOX DRAWINGS "):
        raise ValueError(character)
    words = name.removeprefix("BOX DRAWINGS ")
    if " ARC " in words:
        return _arc(frozenset(words.split()))
    if "DIAGONAL" in words:
        return _diagonal(words)
    if dashed := re.match(r"(LIGHT|HEAVY) (DOUBLE|TRIPLE|QUADRUPLE) DASH (HORIZONTAL|VERTICAL)", words):
        return _dashes(_WEIGHTS[dashed[1]], _DASHES[dashed[2]], across=dashed[3] == "VERTICAL")
    return Shape("".join(_arms(_parsed(words))))


def _parsed(words: str) -> dict[str, int]:
    """Direction → weight: ``LIGHT DOWN AND RIGHT``, ``DOWN LIGHT AND RIGHT HEAVY``, ``LEFT DOWN HEAVY AND …``."""
    arms: dict[str, int] = {}
    weight = 0
    for phrase in words.split(" AND "):
        parts = phrase.split()
        weight = next((_WEIGHTS[word] for word in parts if word in _WEIGHTS), weight)
        for word in parts:
            arms.update(dict.fromkeys(_DIRECTIONS.get(word, ()), weight))
    return arms


def _arms(arms: dict[str, int]) -> Iterator[str]:
    for direction, weight in arms.items():
        upright = direction in ("up", "down")
        end = CELL_HEIGHT if upright else CELL_WIDTH
        for number, (at, thick) in enumerate((_ACROSS if upright else _ALONG)[weight]):
            inner = _inner(arms, direction, number)
            first, last = (0, inner) if direction in ("up", "left") else (inner, end)
            yield rectangle(at, first, thick, last - first) if upright else rectangle(first, at, last - first, thick)


def _inner(arms: dict[str, int], direction: str, number: int) -> int:
    """How far towards the centre a line of an arm reaches: pixels from the top or the left of the cell.

    Lines end where they meet the crossing ones: at the far one, or at the near one where a double line stays open.
    """
    upright = direction in ("up", "down")
    before, after = ("left", "right") if upright else ("up", "down")
    lines = _ALONG if upright else _ACROSS
    crossing = max(arms.get(before, 0), arms.get(after, 0))
    from_start = direction in ("up", "left")
    if not crossing:
        at, thick = lines[1][0]
        return at + thick if from_start else at
    first, last = lines[crossing][0], lines[crossing][-1]
    near, far = (first, last) if from_start else (last, first)
    chosen = far
    if crossing == 2:
        double = arms[direction] == 2
        side = before if number == 0 else after
        both = arms.get(before, 0) and arms.get(after, 0)
        alone = _OPPOSITE[direction] not in arms
        if (double and arms.get(side, 0)) or (not double and both and alone):
            chosen = near
    return chosen[0] + chosen[1] if from_start else chosen[0]


def _dashes(weight: int, count: int, *, across: bool) -> Shape:
    end = CELL_HEIGHT if across else CELL_WIDTH
    at, thick = (_ACROSS if across else _ALONG)[weight][0]
    step = end / count
    length = step * 0.6
    starts = [number * step + (step - length) / 2 for number in range(count)]
    if across:
        return Shape("".join(rectangle(at, start, thick, length) for start in starts))
    return Shape("".join(rectangle(start, at, length, thick) for start in starts))


def _arc(words: frozenset[str]) -> Shape:
    """A quarter of a ring between the middles of two edges, in line with the light lines."""
    x, y, radius = 5.5, 12.5, 4.5
    down, right = "DOWN" in words, "RIGHT" in words
    end_y = CELL_HEIGHT if down else 0
    end_x = CELL_WIDTH if right else 0
    bend_y = y + radius if down else y - radius
    bend_x = x + radius if right else x - radius
    path = f"M{x:g} {end_y:g}V{bend_y:g}Q{x:g} {y:g} {bend_x:g} {y:g}H{end_x:g}"
    return Shape(path, 1)


def _diagonal(words: str) -> Shape:
    rising = f"M0 {CELL_HEIGHT}L{CELL_WIDTH} 0"
    falling = f"M0 0L{CELL_WIDTH} {CELL_HEIGHT}"
    if "CROSS" in words:
        return Shape(rising + falling, 1)
    return Shape(rising if "UPPER RIGHT" in words else falling, 1)
