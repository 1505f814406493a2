"""For terminals that draw characters of ambiguous width in two cells: everything outside the transcript counts them as
one, so they are drawn as ASCII there."""

from __future__ import annotations

from functools import cache

from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

from tui.markdown.cells import ambiguous

_LIKE = {
    '"': "“”",
    "'": "‘’",
    ".": "…·•‥",
    "-": "—–―─━",
    "|": "‖│┃║▉▊▋▌▍▎▏▕",
    "+": "┌┐└┘├┤┬┴┼╭╮╯╰",
    "=": "═▃▄▅≡",
    "#": "█▆▇◆■▣▓",
    "%": "▒",
    "_": "▁▂",
    ">": "→⇒▶▷",
    "<": "←◀◁",
    "^": "↑▲△",
    "v": "↓▼▽",
    "*": "●★☆※",
    "o": "○◎◇□°",
    "x": "×",
    "/": "÷",
}
_TABLE = str.maketrans({character: like for like, characters in _LIKE.items() for character in characters})


@cache
def _drawn(character: str) -> str:
    like = character.translate(_TABLE)
    return like if like.isascii() else "?"


class NarrowGlyphs(LineFilter):
    """Replaces characters of ambiguous width by ASCII ones of the same meaning where there are any."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:  # noqa: ARG002 (Textual's signature)
        pattern = ambiguous()
        if not any(not segment.text.isascii() and pattern.search(segment.text) for segment in segments):
            return segments
        return [
            Segment(pattern.sub(lambda found: _drawn(found[0]), text), style, control)
            for text, style, control in segments
        ]


NARROW = NarrowGlyphs()
"""The one instance: strips cache what a filter made by the filter object."""
