"""Glyphs of the bundled font as SVG path data, for pictures that have to look the same without any font.

The font's script writes simple outlines only: quadratic curves, no components, no instructions.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from functools import cache, lru_cache
from typing import NamedTuple

from tui.shot.font import cmap_groups, font_path, table_offset

UNITS = 1000
"""Font units of the em."""
_ON, _X_SHORT, _Y_SHORT, _REPEAT, _X_SAME, _Y_SAME = 1, 2, 4, 8, 16, 32


class Point(NamedTuple):
    """A point of an outline in font units, y upwards; those not ``on`` the curve pull it."""

    x: int
    y: int
    on: bool


@lru_cache(4096)
def outline(character: str) -> str:
    """The path of a character, y downwards, with the origin on the line it stands on; empty for blanks and for what the
    font lacks."""
    data = font_path().read_bytes() if not _File.data else _File.data
    _File.data = data
    start, end = _place(data, _glyphs().get(ord(character), 0))
    return "".join(_path(contour) for contour in _contours(data, start)) if start != end else ""


class _File:
    """The font, read once it is needed."""

    data = b""


@cache
def _glyphs() -> dict[int, int]:
    """Code point → number of its glyph."""
    data = font_path().read_bytes()
    return {
        code: glyph + code - first for first, last, glyph in cmap_groups(data, 0) for code in range(first, last + 1)
    }


def _place(data: bytes, glyph: int) -> tuple[int, int]:
    """Where a glyph's outline begins and ends in the file."""
    long = struct.unpack_from(">h", data, table_offset(data, b"head") + 50)[0]
    loca, glyf = table_offset(data, b"loca"), table_offset(data, b"glyf")
    if long:
        start, end = struct.unpack_from(">II", data, loca + 4 * glyph)
    else:
        start, end = (2 * half for half in struct.unpack_from(">HH", data, loca + 2 * glyph))
    return glyf + start, glyf + end


def _contours(data: bytes, start: int) -> Iterator[list[Point]]:
    count = struct.unpack_from(">h", data, start)[0]
    ends = struct.unpack_from(f">{count}H", data, start + 10)
    at = start + 10 + 2 * count
    at += 2 + struct.unpack_from(">H", data, at)[0]  # instructions
    flags, at = _flags(data, at, ends[-1] + 1)
    xs, at = _coordinates(data, at, flags, _X_SHORT, _X_SAME)
    ys, at = _coordinates(data, at, flags, _Y_SHORT, _Y_SAME)
    points = [Point(x, y, bool(flag & _ON)) for x, y, flag in zip(xs, ys, flags, strict=True)]
    first = 0
    for last in ends:
        yield points[first : last + 1]
        first = last + 1


def _flags(data: bytes, at: int, count: int) -> tuple[list[int], int]:
    flags: list[int] = []
    while len(flags) < count:
        flag = data[at]
        at += 1
        flags.append(flag)
        if flag & _REPEAT:
            flags += [flag] * data[at]
            at += 1
    return flags, at


def _coordinates(data: bytes, at: int, flags: Sequence[int], short: int, same: int) -> tuple[list[int], int]:
    """Running sums of one axis."""
    found: list[int] = []
    value = 0
    for flag in flags:
        if flag & short:
            value += data[at] if flag & same else -data[at]
            at += 1
        elif not flag & same:
            value += struct.unpack_from(">h", data, at)[0]
            at += 2
        found.append(value)
    return found, at


def _path(points: list[Point]) -> str:
    """A closed contour. Between two pulling points there is one on the curve, in their middle."""
    whole: list[tuple[float, float, bool]] = []
    for place, point in enumerate(points):
        before = points[place - 1]
        if not point.on and not before.on:
            whole.append(((point.x + before.x) / 2, (point.y + before.y) / 2, True))
        whole.append((point.x, point.y, point.on))
    begin = next(place for place, (_x, _y, on) in enumerate(whole) if on)
    whole = whole[begin:] + whole[: begin + 1]
    pieces = [f"M{whole[0][0]:g} {-whole[0][1]:g}"]
    pulled = ""
    for x, y, on in whole[1:]:
        if not on:
            pulled = f"Q{x:g} {-y:g} "
        else:
            pieces.append(f"{pulled or 'L'}{x:g} {-y:g}")
            pulled = ""
    return "".join(pieces) + "Z"
