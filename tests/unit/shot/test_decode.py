"""Undoing PNG's filters."""

from __future__ import annotations

import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.shot.pictures import grid
from tui.shot.decode import SIGNATURE, first_channel
from tui.shot.png import to_png


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def encoded(rows: list[bytes], width: int, kinds: list[int]) -> bytes:
    """RGBA rows with a filter each."""
    packed, above = b"", bytes(width * 4)
    for line, kind in zip(rows, kinds, strict=True):
        out = bytearray([kind])
        for at, value in enumerate(line):
            left = line[at - 4] if at >= 4 else 0
            corner = above[at - 4] if at >= 4 else 0
            guess = left + above[at] - corner
            paeth = min((left, above[at], corner), key=lambda one: abs(guess - one))
            out.append((value - (0, left, above[at], (left + above[at]) // 2, paeth)[kind]) & 255)
        packed += bytes(out)
        above = line
    header = struct.pack(">IIBBBBB", width, len(rows), 8, 6, 0, 0, 0)
    data = zlib.compress(packed)
    parts = (b"IHDR", header), (b"IDAT", data[:7]), (b"IDAT", data[7:]), (b"IEND", b"")
    return SIGNATURE + b"".join(chunk(kind, data) for kind, data in parts)


@given(st.data(), st.integers(1, 9), st.integers(1, 7))
def test_any_filters_give_the_channel_back(data: st.DataObject, width: int, height: int) -> None:
    rows = [data.draw(st.binary(min_size=width * 4, max_size=width * 4)) for _ in range(height)]
    kinds = [data.draw(st.integers(0, 4)) for _ in range(height)]
    assert first_channel(encoded(rows, width, kinds)) == [row[::4] for row in rows]


def test_other_kinds_of_png_are_refused() -> None:
    with pytest.raises(ValueError, match="RGBA"):
        first_channel(to_png(grid("a"), scale=1))
