"""Reading back what resvg drew: one channel of an 8-bit RGBA PNG."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from itertools import accumulate

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_CHANNELS = 4


def first_channel(png: bytes) -> list[bytes]:
    """The first channel of an RGBA image, row by row. Filters work on each channel alone, so only this one is undone.
    Raises ValueError for other kinds of PNG."""
    width, _height, depth, kind, *_more = struct.unpack_from(">IIBBBBB", png, 16)
    if png[:8] != SIGNATURE or (depth, kind) != (8, 6):
        raise ValueError("not an 8-bit RGBA PNG")
    data = zlib.decompress(b"".join(_image_data(png)))
    stride = width * _CHANNELS + 1
    rows: list[bytes] = []
    above = bytes(width)
    for start in range(0, len(data), stride):
        line = data[start + 1 : start + stride : _CHANNELS]
        above = _UNDO[data[start]](line, above)
        rows.append(above)
    return rows


def _image_data(png: bytes) -> Iterator[bytes]:
    place = len(SIGNATURE)
    while place < len(png):
        length, kind = struct.unpack_from(">I4s", png, place)
        if kind == b"IDAT":
            yield png[place + 8 : place + 8 + length]
        place += length + 12


def _none(line: bytes, _above: bytes) -> bytes:
    return line


def _sub(line: bytes, _above: bytes) -> bytes:
    return bytes([value & 255 for value in accumulate(line)])


def _up(line: bytes, above: bytes) -> bytes:
    return bytes([(value + over) & 255 for value, over in zip(line, above, strict=True)])


def _average(line: bytes, above: bytes) -> bytes:
    left = 0
    found = bytearray()
    for value, over in zip(line, above, strict=True):
        left = (value + (left + over >> 1)) & 255
        found.append(left)
    return bytes(found)


def _paeth(line: bytes, above: bytes) -> bytes:
    left = corner = 0
    found = bytearray()
    for value, over in zip(line, above, strict=True):
        if over == corner:
            nearest = left
        elif left == corner:
            nearest = over
        elif (to_left := abs(over - corner)) <= (to_over := abs(left - corner)):
            nearest = left if to_left <= abs(left + over - 2 * corner) else corner
        else:
            nearest = over if to_over <= abs(left + over - 2 * corner) else corner
        left = (value + nearest) & 255
        corner = over
        found.append(left)
    return bytes(found)


_UNDO = (_none, _sub, _up, _average, _paeth)
