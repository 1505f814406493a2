"""The gate for foreign text: nothing that leaves here can steer a terminal, hide, or turn the reading direction.

Control characters are shown (``␛``, ``␇``, ``⟦9B⟧``), bidirectional overrides are shown (``⟦RLO⟧``), line separators
become line ends, zero-width characters stay only where they belong to a visible cluster (emoji sequences, Indic and
Arabic joining), lone surrogates become U+FFFD. ``clean`` is idempotent, which makes the incremental form exact.
"""

from __future__ import annotations

from tui.markdown.lazy import lazy

_LINE_ENDS = "\x0b\x0c\x0d\x85\u2028\u2029"
_BIDI = {
    0x202A: "LRE", 0x202B: "RLE", 0x202C: "PDF", 0x202D: "LRO", 0x202E: "RLO",
    0x2066: "LRI", 0x2067: "RLI", 0x2068: "FSI", 0x2069: "PDI",
}  # fmt: skip
_DROPPED = [
    *(0x00AD, 0x034F, 0x061C, 0x180E, 0x200B, 0x200E, 0x200F, 0xFEFF, 0xE0001),
    *range(0x2060, 0x2066),
    *range(0x206A, 0x2070),
    *range(0xFFF9, 0xFFFC),
    *range(0x1D173, 0x1D17B),
]
_TABLE: dict[int, str | None] = {
    **{code: chr(0x2400 + code) for code in range(0x20) if chr(code) not in "\t\n"},
    0x7F: "\u2421",
    **{code: f"⟦{code:X}⟧" for code in range(0x80, 0xA0)},
    **{code: f"⟦{name}⟧" for code, name in _BIDI.items()},
    **dict.fromkeys(_DROPPED),
    **{ord(end): "\n" for end in _LINE_ENDS},
}
_MARKS = "\u0300-\u034e\u0350-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f"
_EMOJI = (
    "\u00a9\u00ae\u203c\u2049\u2122\u2139\u2190-\u21ff\u2300-\u23ff\u2600-\u27bf\u2934\u2935\u2b05-\u2b07\u2b1b\u2b1c\u2b50\u2b55"
    "\u3030\u303d\u3297\u3299\U0001f000-\U0001faff"
)
_JOINING = "\u0600-\u06ff\u0750-\u077f\u0900-\u0dff\ufb50-\ufdff\ufe70-\ufefc"
_SELECTORS = "\ufe00-\ufe0f\U000e0100-\U000e01ef"
_TAGS = "\U000e0020-\U000e007f"
_SPECIAL = lazy(f"[\u200c\u200d{_SELECTORS}{_TAGS}{_MARKS}]")
_JOINED_BEFORE = lazy(f"[{_EMOJI}{_JOINING}\ufe0f]")
_JOINED_AFTER = lazy(f"[{_EMOJI}{_JOINING}]")
_JOINING_LETTER = lazy(f"[{_JOINING}]")
_NO_BASE = lazy(f"[\\s{_SELECTORS}]")
_FLAG = lazy(f"\U0001f3f4[{_TAGS}]{{0,6}}\\Z")
_HEAP = lazy(f"[{_MARKS}]{{4}}\\Z")
_CONTROL_CLASS = "\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff"
_SUSPICIOUS = lazy(f"[{_CONTROL_CLASS}{''.join(map(chr, _DROPPED))}\u200c\u200d{_SELECTORS}{_MARKS}{_TAGS}]")
_SURROGATE = lazy("[\ud800-\udfff]")
_HELD = lazy(f"[\r\ud800-\udbff\u200c\u200d{''.join(map(chr, _DROPPED))}]+\\Z")
_CONTEXT = 32
"""Characters of what was given out that the next piece's cleaning looks back at."""


def clean(text: str) -> str:
    """``text`` made harmless; line ends are ``\\n``, tabs stay."""
    if not _SUSPICIOUS().search(text):
        return text
    if _SURROGATE().search(text):
        text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    text = text.replace("\r\n", "\n").translate(_TABLE)
    return _weeded(text) if _SPECIAL().search(text) else text


def _weeded(text: str) -> str:
    """``text`` without the marks and joiners that have no place in a visible cluster, judged from left to right."""
    kept: list[str] = []
    recent = ""
    position = 0
    for match in _SPECIAL().finditer(text):
        between = text[position : match.start()]
        recent = (recent + between)[-8:]
        position = match.end()
        kept.append(between)
        if _belongs(match[0], recent, text[position : position + 1]):
            kept.append(match[0])
            recent += match[0]
    kept.append(text[position:])
    return "".join(kept)


def _belongs(char: str, before: str, after: str) -> bool:
    """Has a mark or joiner its place between ``before`` and ``after``?"""
    previous = before[-1:]
    if char == "\u200d":  # joins emoji, or letters of joining scripts
        return bool(_JOINED_BEFORE().match(previous) and _JOINED_AFTER().match(after))
    if char == "\u200c":
        return bool(_JOINING_LETTER().match(previous) and _JOINING_LETTER().match(after))
    if "\ufe00" <= char <= "\ufe0f" or char >= "\U000e0100":  # one variation selector after a visible character
        return bool(previous) and not _NO_BASE().match(previous)
    if char >= "\U000e0020":  # tags belong to flags, which have at most seven
        return bool(_FLAG().search(before))
    return not _HEAP().search(before)  # heaps of accents draw over other lines


def clean_line(text: str) -> str:
    """``clean`` for what must stay on one line: line ends become spaces. Used again after parsing, because entities
    and percent-encodings can bring characters back."""
    if not _SUSPICIOUS().search(text) and "\n" not in text:
        return text
    return clean(text).replace("\n", " ")


class Cleaner:
    """``clean`` for text that arrives in pieces: any split gives what one piece gives.

    What cannot be judged yet (a carriage return, half a surrogate pair, a joiner) is held back until the next piece.
    """

    def __init__(self) -> None:
        self._held = ""
        self._seen = ""

    def push(self, piece: str) -> str:
        """The harmless form of ``piece``, less a held-back end."""
        text = self._held + piece
        self._held = ""
        if held := _HELD().search(text):
            self._held = held[0]
            text = text[: held.start()]
        return self._emit(text)

    def close(self) -> str:
        """What was still held back."""
        text, self._held = self._held, ""
        return self._emit(text)

    def _emit(self, text: str) -> str:
        if not text:
            return ""
        if _SUSPICIOUS().search(text):
            context = self._seen
            text = clean(context + text)[len(clean(context)) :]
        self._seen = (self._seen + text)[-_CONTEXT:]
        return text
