"""Foreign text for a file that others open: no control characters, no turned reading direction, no half characters."""

from __future__ import annotations

import re

_LINE_ENDS = "\x0b\x0c\x0d\x85\u2028\u2029"
_TABLE: dict[int, str] = {
    **{code: chr(0x2400 + code) for code in range(0x20) if code not in (0x09, 0x0A)},
    0x7F: "\u2421",
    **dict.fromkeys(range(0x80, 0xA0), "\ufffd"),
    **dict.fromkeys((*range(0x202A, 0x202F), *range(0x2066, 0x206A)), "\ufffd"),  # embeddings and overrides
    **{ord(end): "\n" for end in _LINE_ENDS},
}


def clean(text: str) -> str:
    """The text with line feeds as its only line ends; control characters become their pictures (``␛``), what turns the
    reading direction and lone surrogates become U+FFFD. Idempotent."""
    whole = text.replace("\r\n", "\n").encode("utf-8", "replace") if _is_halved(text) else None
    text = whole.decode() if whole is not None else text.replace("\r\n", "\n")
    return text.translate(_TABLE)


def _is_halved(text: str) -> bool:
    return re.search("[\ud800-\udfff]", text) is not None


def one_line(text: str, most: int = 200) -> str:
    """The text in one line, cut after ``most`` characters."""
    line = " ".join(clean(text).split())
    return line if len(line) <= most else line[: most - 1] + "…"
