"""The last gate before the terminal: no control character of any text leaves the app.

Cleaning what comes in is not enough: parsers make new characters (an autolink with ``%1b``), and a widget may be given
text by a way nobody thought of.
"""

from __future__ import annotations

import re

from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

_BAD = re.compile("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


class NoControls(LineFilter):
    """Replaces controls in the text of segments. One instance serves the whole app: strips cache by filter object."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:  # noqa: ARG002 (Textual's signature)
        if not any(_BAD.search(segment.text) for segment in segments):
            return segments
        return [Segment(_BAD.sub("\ufffd", text), style, control) for text, style, control in segments]
