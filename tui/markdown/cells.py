"""Widths in terminal cells (Rich's tables, which Textual draws by) and grapheme clusters.

A cluster is what a terminal draws in one place: a base with its combining marks, an emoji sequence, a flag. Rows never
end inside one.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache

from rich.cells import cell_len, get_character_cell_size

from tui.markdown.lazy import lazy

# Characters that are clusters by themselves, whatever stands beside them unless that is outside this class.
SIMPLE = (
    "\x20-\x7e\xa0-\xac\xae-\u02ff\u0370-\u0373\u0376-\u0377\u037b-\u037f\u0384-\u0482\u048a-\u052f"
    "\u2000-\u200a\u2010-\u2027\u2030-\u205e\u2070-\u20bf\u2100-\u218f\u2190-\u2319\u2500-\u25a9"
    "\u2e80-\u2fdf\u3000-\u3029\u3030-\u303e\u3041-\u3096\u309b-\u31ff\u3220-\u3247\u3250-\u4dbf\u4e00-\ua48c"
    "\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe4f\uff01-\uff9f\uffa1-\uffdc\U00020000-\U0003fffd"
)
_COMPLEX = lazy(f"[^{SIMPLE}]")
_REGIONAL = range(0x1F1E6, 0x1F200)
_SKIN = range(0x1F3FB, 0x1F400)


@cache
def ambiguous() -> re.Pattern[str]:
    """Characters that Rich counts as one cell and that terminals set for East Asian text draw in two. Built on first
    use: most users never need it."""
    chars = [
        re.escape(chr(code))
        for code in range(0xA1, 0x10000)
        if unicodedata.east_asian_width(chr(code)) == "A"
        and not 0xD800 <= code < 0xF900
        and get_character_cell_size(chr(code)) == 1
    ]
    return re.compile(f"[{''.join(chars)}]")


def width(text: str, wide_ambiguous: bool = False) -> int:
    """Cells that ``text`` (cleaned, without tabs) takes. With ``wide_ambiguous`` characters of ambiguous width count
    two, as in some terminals set up for Chinese."""
    if text.isascii():
        return len(text)
    cells = cell_len(text)
    if wide_ambiguous:
        cells += len(ambiguous().findall(text))
    return cells


def is_simple(text: str) -> bool:
    """True when every character of ``text`` is a cluster of its own."""
    return text.isascii() or not _COMPLEX().search(text)


def extends(char: str) -> bool:
    """True for characters that belong to the one before: marks, joiners, selectors, skin tones."""
    if char.isascii():
        return False
    return get_character_cell_size(char) == 0 or ord(char) in _SKIN or unicodedata.category(char) in {"Mn", "Me", "Mc"}


def cluster_ends(text: str) -> list[int]:
    """The index after each grapheme cluster of ``text``, in order; the last one is ``len(text)``."""
    if is_simple(text):
        return list(range(1, len(text) + 1))
    ends: list[int] = []
    flags = 0
    for index, char in enumerate(text):
        regional = ord(char) in _REGIONAL
        joined = index > 0 and (extends(char) or text[index - 1] == "\u200d" or (regional and flags % 2 == 1))
        flags = flags + 1 if regional else 0
        if joined and ends:
            ends[-1] = index + 1
        else:
            ends.append(index + 1)
    return ends
