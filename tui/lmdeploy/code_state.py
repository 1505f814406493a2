"""Whether a place in Markdown text lies inside code, decided while the text grows."""

from __future__ import annotations

import re

_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")


class CodeState:
    """Whether the end of the text fed so far lies inside a fenced code block or a code span."""

    def __init__(self) -> None:
        self._line: list[str] = []
        self._fence = ""

    def feed(self, text: str) -> None:
        first, *others = text.split("\n")
        self._line.append(first)
        for line in others:
            self._end_line("".join(self._line))
            self._line = [line]

    @property
    def inside(self) -> bool:
        line = "".join(self._line)
        return bool(self._fence) or line.count("`") % 2 == 1 or _FENCE.match(line) is not None

    def _end_line(self, line: str) -> None:
        match = _FENCE.match(line)
        if match is None:
            return
        marks = match[1]
        if not self._fence:
            self._fence = marks
        elif marks[0] == self._fence[0] and len(marks) >= len(self._fence) and not line[match.end() :].strip():
            self._fence = ""
