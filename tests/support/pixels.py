"""Looking at pictures in tests: PNGs of 8 bits a channel as rows of colours."""

from __future__ import annotations

import hashlib
import struct
import zlib
from dataclasses import dataclass


@dataclass(frozen=True)
class Pixels:
    """``rows[y][x]`` is a colour of three values, 0…255."""

    rows: list[list[tuple[int, int, int]]]

    @property
    def size(self) -> tuple[int, int]:
        return len(self.rows[0]), len(self.rows)

    def dark_columns(self, top: int, bottom: int) -> list[int]:
        """Columns with a pixel darker than middle grey between two rows."""
        part = self.rows[top:bottom]
        return [x for x in range(self.size[0]) if any(sum(row[x]) < 384 for row in part)]


def read_png(data: bytes) -> Pixels:
    """An RGB or RGBA image, 8 bits, not interlaced."""
    width, height, depth, kind, _pack, _filters, interlaced = struct.unpack_from(">IIBBBBB", data, 16)
    assert (depth, interlaced) == (8, 0)
    channels = {2: 3, 6: 4}[kind]
    raw = _unpacked(data)
    stride = width * channels
    assert len(raw) == (stride + 1) * height
    above, rows = bytearray(stride), []
    for start in range(0, len(raw), stride + 1):
        line = bytearray(raw[start + 1 : start + 1 + stride])
        for at in range(stride):
            left = line[at - channels] if at >= channels else 0
            corner = above[at - channels] if at >= channels else 0
            line[at] = (line[at] + _predicted(raw[start], left, above[at], corner)) & 255
        above = line
        rows.append([tuple(line[at : at + 3]) for at in range(0, stride, channels)])
    return Pixels(rows)


def pixel_hash(data: bytes) -> str:
    """SHA-256 of size and pixel rows as they are filtered, without the compression around them."""
    return hashlib.sha256(data[16:26] + _unpacked(data)).hexdigest()


def _unpacked(data: bytes) -> bytes:
    packed, place = b"", 8
    while place < len(data):
        length, name = struct.unpack_from(">I4s", data, place)
        assert zlib.crc32(data[place + 4 : place + 8 + length]) == struct.unpack_from(">I", data, place + 8 + length)[0]
        packed += data[place + 8 : place + 8 + length] if name == b"IDAT" else b""
        place += length + 12
    return zlib.decompress(packed)


def _predicted(kind: int, left: int, up: int, corner: int) -> int:
    if kind == 4:
        guess = left + up - corner
        return min((left, up, corner), key=lambda value: abs(guess - value))
    return (0, left, up, (left + up) // 2)[kind]


def differences(one: Pixels, other: Pixels) -> list[int]:
    """The largest difference of a channel, for each pixel."""
    assert one.size == other.size
    return [
        max(abs(here - there) for here, there in zip(*pair, strict=True))
        for rows in zip(one.rows, other.rows, strict=True)
        for pair in zip(*rows, strict=True)
    ]
