"""Following JSON while it is being written: where a value ends, without parsing it."""

from __future__ import annotations

import re

_IN_STRING = re.compile(r'["\\]')
_OUTSIDE = re.compile(r'["{}\[\]<]')
_SCALAR_END = re.compile(r"[\s,}\]<]")


class ValueScanner:
    """Finds the end of one JSON value that arrives in pieces. Feed it from the value's first character on.

    ``done`` when the value is complete, ``broken`` when markup (``<`` outside of a string, which JSON does not have)
    ends it early. ``kind`` is ``object`` (or an array), ``string`` or ``scalar``, "" while nothing came."""

    def __init__(self) -> None:
        self.done = False
        self.broken = False
        self.kind = ""
        self._depth = 0
        self._in_string = False
        self._escaped = False

    def feed(self, text: str) -> int:
        """How many characters of ``text`` belong to the value."""
        if not self.kind and text:
            self.kind = {"{": "object", "[": "object", '"': "string"}.get(text[0], "scalar")
        if self.kind == "scalar":
            return self._scalar(text)
        place = 0
        while place < len(text) and not self.done:
            place = self._string(text, place) if self._in_string else self._outside(text, place)
        return place

    def _scalar(self, text: str) -> int:
        match = _SCALAR_END.search(text)
        self.done = match is not None
        return match.start() if match else len(text)

    def _string(self, text: str, place: int) -> int:
        if self._escaped:
            self._escaped = False
            return place + 1
        match = _IN_STRING.search(text, place)
        if match is None:
            return len(text)
        if match[0] == "\\":
            self._escaped = True
        else:
            self._in_string = False
            self.done = self._depth == 0
        return match.end()

    def _outside(self, text: str, place: int) -> int:
        match = _OUTSIDE.search(text, place)
        if match is None:
            return len(text)
        mark = match[0]
        if mark == "<":
            self.done = self.broken = True
            return match.start()
        if mark == '"':
            self._in_string = True
        elif mark in "{[":
            self._depth += 1
        else:
            self._depth -= 1
            self.done = self._depth <= 0
        return match.end()
