"""The bundled font: where it is, and which characters it has."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from unicodedata import category

FAMILY = "lmdeck Mono"
FALLBACKS = ("Sarasa Mono SC", "JetBrains Mono", "Noto Sans Mono CJK SC", "Source Han Mono SC", "monospace")
"""Fonts that a viewer of an SVG may have instead; every wide character is placed by itself, so any will do."""

EXTRA_FAMILY = "Noto Sans CJK SC"
_EXTRA, _EXTRA_FILE, _EXTRA_FACE = "manimgx_fonts_cjk", "NotoSansCJK-VF.otf.ttc", 2  # Simplified Chinese
_SELECTORS = frozenset((0xFE0E, 0xFE0F))  # of text or picture: there is one form only


def font_path() -> Path:
    """The font file; made by ``scripts/make_font.py``, licensed under the OFL (``OFL.txt`` beside it)."""
    return Path(__file__).parent / "fonts" / "lmdeck-mono.ttf"


def has_glyphs(cluster: str) -> bool:
    """Whether the bundled font draws a cluster: a character, with marks at most. Sequences that make one picture of
    several (flags, families, skin colours) would leave their place."""
    known = characters()
    shown = [one for one in cluster if ord(one) not in _SELECTORS] or [" "]
    first, others = shown[0], shown[1:]
    return ord(first) in known and all(ord(one) in known and category(one) in ("Mn", "Me") for one in others)


@cache
def characters() -> frozenset[int]:
    """The code points that the bundled font has a glyph for."""
    return _characters(font_path().read_bytes(), 0)


# The extra ``cjk``: Korean and rare Han.


@cache
def extra_path() -> Path | None:
    """The font of the extra, where it is installed."""
    found = find_spec(_EXTRA)
    if found is None or not found.submodule_search_locations:
        return None
    path = Path(found.submodule_search_locations[0]) / _EXTRA_FILE
    return path if path.is_file() else None


def extra_has_glyphs(cluster: str) -> bool:
    """Whether the font of the extra draws every character of a cluster."""
    known = _extra_characters()
    return bool(known) and all(ord(one) in known for one in cluster)


@cache
def _extra_characters() -> frozenset[int]:
    path = extra_path()
    return frozenset() if path is None else _characters(path.read_bytes(), _EXTRA_FACE)


# Reading a font file.


def _characters(data: bytes, face: int) -> frozenset[int]:
    """The code points that a font, or a face of a collection, has a glyph for."""
    found: set[int] = set()
    for first, last, _glyph in cmap_groups(data, face):
        found.update(range(first, last + 1))
    return frozenset(found)


def cmap_groups(data: bytes, face: int) -> Iterator[tuple[int, int, int]]:
    """The groups of the ``cmap`` table (format 12): first and last code point, number of the first one's glyph."""
    table = table_offset(data, b"cmap", _start(data, face))
    count = struct.unpack_from(">H", data, table + 2)[0]
    for number in range(count):
        start = table + struct.unpack_from(">I", data, table + 4 + 8 * number + 4)[0]
        if struct.unpack_from(">H", data, start)[0] == 12:
            yield from struct.iter_unpack(">III", _groups(data, start))


def _start(data: bytes, face: int) -> int:
    """Where a face begins in the file."""
    if data[:4] != b"ttcf":
        return 0
    count = struct.unpack_from(">I", data, 8)[0]
    return struct.unpack_from(">I", data, 12 + 4 * min(face, count - 1))[0]


def table_offset(data: bytes, name: bytes, start: int = 0) -> int:
    """The offset of a table of the font that begins at ``start``."""
    for number in range(struct.unpack_from(">H", data, start + 4)[0]):
        tag, _sum, offset, _length = struct.unpack_from(">4sIII", data, start + 12 + 16 * number)
        if tag == name:
            return offset
    raise ValueError(name)


def _groups(data: bytes, start: int) -> bytes:
    count = struct.unpack_from(">I", data, start + 12)[0]
    return data[start + 16 : start + 16 + 12 * count]
