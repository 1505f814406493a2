"""What the markup parser reads from and writes to.

A grammar is written as generators over :class:`Input`: each of them yields when it needs more of the answer, so that
it reads as if the whole text were there and gives the same result however it arrives.
"""

from __future__ import annotations

import json
import re
from collections.abc import Generator, Mapping
from functools import cache
from typing import Any, cast

from tui.lmdeploy.tool_markup_json import ValueScanner
from tui.model.delta import ToolCallDelta
from tui.model.events import TextDelta

Piece = TextDelta | ToolCallDelta
Stops = tuple[str, ...]


@cache
def _pattern(words: Stops) -> re.Pattern[str]:
    # Longest first: of two words that begin at the same place the longer one counts.
    return re.compile("|".join(re.escape(word) for word in sorted(words, key=len, reverse=True)))


@cache
def _longest(words: Stops) -> int:
    return max(len(word) for word in words)


@cache
def _beginnings(words: Stops) -> re.Pattern[str]:
    """Finds what may be the beginning of one of the words at the end of a text."""
    parts = {re.escape(word[:size]) for word in words for size in range(1, len(word))}
    return re.compile(f"(?:{'|'.join(sorted(parts, key=len, reverse=True))})\\Z") if parts else re.compile(r"(?!)")


def _overlap(text: str, words: Stops) -> int:
    """How many characters at the end of ``text`` may be the beginning of one of the words."""
    match = _beginnings(words).search(text, max(0, len(text) - _longest(words) + 1))
    return len(match[0]) if match else 0


class Input:
    """The answer as far as it came, read from the front."""

    def __init__(self) -> None:
        self._buffer = ""
        self._closed = False
        self._raw: list[str] | None = None

    def add(self, text: str) -> None:
        self._buffer += text

    def close(self) -> None:
        self._closed = True

    @property
    def at_end(self) -> bool:
        return self._closed and not self._buffer

    # What was read since ``remember`` can be given back, until ``commit``.

    def remember(self) -> None:
        self._raw = []

    def commit(self) -> None:
        self._raw = None

    def give_back(self) -> None:
        if self._raw is not None:
            self._buffer = "".join(self._raw) + self._buffer
        self._raw = None

    def _take(self, count: int) -> str:
        text, self._buffer = self._buffer[:count], self._buffer[count:]
        if self._raw is not None:
            self._raw.append(text)
        return text

    def _more(self) -> Generator[None, None, bool]:
        """Wait for more; False when nothing more comes."""
        if self._closed:
            return False
        before = len(self._buffer)
        while len(self._buffer) == before and not self._closed:
            yield
        return True

    def peek(self) -> Generator[None, None, str]:
        """The next character, empty at the end."""
        while not self._buffer and (yield from self._more()):
            pass
        return self._buffer[:1]

    def space(self) -> Generator[None, None, str]:
        """Take white space."""
        taken: list[str] = []
        while True:
            stripped = self._buffer.lstrip()
            taken.append(self._take(len(self._buffer) - len(stripped)))
            if self._buffer or not (yield from self._more()):
                return "".join(taken)

    def one_of(self, words: Stops, *, take: bool = True) -> Generator[None, None, str]:
        """The word that comes next, empty when none of them does."""
        while True:
            # A longer word may still be coming whose beginning is a shorter one.
            waiting = any(word.startswith(self._buffer) and word != self._buffer for word in words)
            if not waiting or not (yield from self._more()):
                break
        match = _pattern(words).match(self._buffer)
        if match is None:
            return ""
        return self._take(match.end()) if take else match[0]

    def text_until(self, words: Stops) -> Generator[None, None, tuple[str, str]]:
        """Text before one of the words, as much as is there, and the word (taken) when it was reached."""
        match = _pattern(words).search(self._buffer)
        if match is None:
            sure = len(self._buffer) - (0 if self._closed else _overlap(self._buffer, words))
            if sure == 0 and (yield from self._more()):
                return "", ""
            return self._take(sure), ""
        text = self._take(match.start())
        return text, self._take(match.end() - match.start())

    def until(self, words: Stops, limit: int | None = None) -> Generator[None, None, tuple[str, str]]:
        """Everything before one of the words, and the word (taken); the word is empty when none came, or none within
        ``limit`` characters."""
        parts: list[str] = []
        size = 0
        while True:
            text, word = yield from self.text_until(words)
            parts.append(text)
            size += len(text)
            if limit is not None and size > limit:
                return "".join(parts), ""
            if word or self.at_end:
                return "".join(parts), word

    def value(self, scanner: ValueScanner) -> Generator[None, None, str]:
        """A piece of a JSON value, as much as is there; empty when ``scanner`` is done or nothing more comes."""
        while not scanner.done:
            if piece := self._take(scanner.feed(self._buffer)):
                return piece
            if scanner.done or not (yield from self._more()):
                break
        return ""


class Out:
    """Where the parser's pieces go; ``index`` is that of the next call."""

    def __init__(self, schemas: Mapping[str, Mapping[str, Any]], index: int) -> None:
        self.schemas = schemas
        self.index = index
        self._pieces: list[Piece] = []

    def text(self, text: str) -> None:
        self._pieces.append(TextDelta(text))

    def start(self, name: str, call_id: str = "") -> int:
        """A call begins; returns its index."""
        self._pieces.append(ToolCallDelta(self.index, call_id, name))
        self.index += 1
        return self.index - 1

    def arguments(self, index: int, text: str) -> None:
        if text:
            self._pieces.append(ToolCallDelta(index, arguments=text))

    def take(self) -> list[Piece]:
        pieces, self._pieces = self._pieces, []
        return pieces


class ArgumentWriter:
    """Arguments that the model wrote one by one, as the text of a JSON object."""

    def __init__(self, out: Out, name: str, call_id: str = "") -> None:
        properties = out.schemas.get(name, {}).get("properties")
        self._properties: Mapping[str, Any] = properties if isinstance(properties, Mapping) else {}
        self._out = out
        self._index = out.start(name, call_id)
        self._count = 0

    def add(self, key: str, text: str) -> None:
        """An argument whose value has the type that the tool's schema gives it."""
        self.add_value(key, typed(text, self._properties.get(key)))

    def add_value(self, key: str, value: object) -> None:
        before = ", " if self._count else "{"
        self._count += 1
        written = json.dumps(value, ensure_ascii=False)
        self._out.arguments(self._index, f"{before}{json.dumps(key, ensure_ascii=False)}: {written}")

    def close(self) -> None:
        self._out.arguments(self._index, "}" if self._count else "{}")


_PYTHON = {"True": True, "False": False, "None": None}


def typed(text: str, schema: object) -> object:
    """A value written as plain text, as what its schema says it is: text stays text where the schema allows only
    that, everything else is read as JSON (or as Python's True, False, None) where it is some."""
    kinds = _kinds(schema)
    if kinds == {"string"}:
        return text
    if text.strip() in _PYTHON:
        return _PYTHON[text.strip()]
    value = json_or_text(text)
    if kinds <= {"string", "null"} and kinds and value is not None:
        return text
    return value


def json_or_text(text: str) -> object:
    """The JSON value in a text, or the text."""
    try:
        return json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return text


def _refuse(constant: str) -> object:
    raise ValueError(constant)


def _kinds(schema: object) -> set[str]:
    """The JSON types that a schema names, at its top and in its alternatives; empty when it names none."""
    if not isinstance(schema, Mapping):
        return set()
    fields = cast("Mapping[str, object]", schema)
    kind = fields.get("type")
    kinds = {str(item) for item in cast("list[object]", kind)} if isinstance(kind, list) else set[str]()
    if isinstance(kind, str):
        kinds.add(kind)
    for key in ("anyOf", "oneOf"):
        alternatives = fields.get(key)
        if isinstance(alternatives, list):
            kinds = kinds.union(*(_kinds(item) for item in cast("list[object]", alternatives)))
    return kinds
