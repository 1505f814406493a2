"""The bundled font: where it is, and which characters it has."""

from __future__ import annotations

import struct
from functools import cache
from pathlib import Path

FAMILY = "lmdeck Mono"
FALLBACKS = ("Sarasa Mono SC", "JetBrains Mono", "Noto Sans Mono CJK SC", "Source Han Mono SC", "monospace")
"""Fonts that a viewer of an SVG may have instead; every wide character is placed by itself, so any will do."""

_DRAWN_INVISIBLY = frozenset((0x200D, 0xFE0E, 0xFE0F))  # joiner and selectors inside a cluster


def font_path() -> Path:
    """The font file; made by ``scripts/make_font.py``, licensed under the OFL (``OFL.txt`` beside it)."""
    return Path(__file__).parent / "fonts" / "lmdeck-mono.ttf"


def has_glyphs(cluster: str) -> bool:
    """Whether the bundled font draws every character of a cluster."""
    known = characters()
    return all(ord(one) in known or ord(one) in _DRAWN_INVISIBLY for one in cluster)


@cache
def characters() -> frozenset[int]:
    """The code points that the font has a glyph for, from its ``cmap`` table (format 12)."""
    data = font_path().read_bytes()
    found: set[int] = set()
    table = _table(data, b"cmap")
    count = struct.unpack_from(">H", data, table + 2)[0]
    for number in range(count):
        start = table + struct.unpack_from(">I", data, table + 4 + 8 * number + 4)[0]
        if struct.unpack_from(">H", data, start)[0] == 12:
            for first, last, _glyph in struct.iter_unpack(">III", _groups(data, start)):
                found.update(range(first, last + 1))
    return frozenset(found)


def _table(data: bytes, name: bytes) -> int:
    """The offset of a table of the font."""
    for number in range(struct.unpack_from(">H", data, 4)[0]):
        tag, _sum, offset, _length = struct.unpack_from(">4sIII", data, 12 + 16 * number)
        if tag == name:
            return offset
    raise ValueError(name)


def _groups(data: bytes, start: int) -> bytes:
    count = struct.unpack_from(">I", data, start + 12)[0]
    return data[start + 16 : start + 16 + 12 * count]
