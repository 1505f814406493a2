"""On which line of a TOML document a key stands. ``tomllib`` tells no positions, and users want to know them.

The document must have been accepted by ``tomllib``; for one that was not, the lines may be wrong or missing.
"""

from __future__ import annotations

import re
import tomllib

Path = tuple[str, ...]

_QUOTED = {'"': re.compile(r'"(?:[^"\\]|\\.)*"'), "'": re.compile(r"'[^']*'")}
_LONG = {'"""': re.compile(r'"""(?:[^\\]|\\.)*?"{3,5}', re.DOTALL), "'''": re.compile(r"'''.*?'{3,5}", re.DOTALL)}
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_SPACE = re.compile(r"[ \t]*")
_EMPTY = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_PLAIN = re.compile(r"[^\"'\[\]{},#\n]+")


def key_lines(text: str) -> dict[Path, int]:
    """Dotted path of every table and key (not those inside inline tables) → line number, counted from 1.

    Elements of arrays of tables share the path; the first one counts."""
    return _Scanner(text).lines


class _Scanner:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self.lines: dict[Path, int] = {}
        self._newlines_before = 0
        self._counted = 0
        table: Path = ()
        while self._skip(_EMPTY) < len(text):
            begin = self._at
            if text[begin] == "[":
                self._at += 2 if text.startswith("[[", begin) else 1
                table = self._key()
                self._note(table, begin)
                self._to_line_end()
                continue
            key = self._key()
            if not key or not text.startswith("=", self._at):
                break
            self._note(table + key, begin)
            self._at += 1
            self._value()

    def _skip(self, pattern: re.Pattern[str]) -> int:
        match = pattern.match(self._text, self._at)
        self._at = match.end() if match else self._at
        return self._at

    def _note(self, path: Path, begin: int) -> None:
        self._newlines_before += self._text.count("\n", self._counted, begin)
        self._counted = begin
        for length in range(1, len(path) + 1):
            self.lines.setdefault(path[:length], self._newlines_before + 1)

    def _key(self) -> Path:
        """The dotted key here; afterwards the position is behind it and its spaces."""
        parts: list[str] = []
        while True:
            self._skip(_SPACE)
            begin = self._at
            quote = self._text[begin : begin + 1]
            self._skip(_QUOTED.get(quote, _BARE))
            word = self._text[begin : self._at]
            if not word:
                return ()
            parts.append(tomllib.loads(f"{word} = 0").popitem()[0] if quote in _QUOTED else word)
            self._skip(_SPACE)
            if not self._text.startswith(".", self._at):
                return tuple(parts)
            self._at += 1

    def _value(self) -> None:
        """Skip a value up to the end of its last line."""
        depth = 0
        text = self._text
        while self._at < len(text):
            here = text[self._at]
            if here in "\"'":
                long = _LONG.get(text[self._at : self._at + 3])
                begin = self._at
                self._at = max(self._skip(long or _QUOTED[here]), begin + 1)
                continue
            if here == "#":
                self._to_line_end()
                continue
            if here == "\n" and depth == 0:
                return
            depth += (here in "[{") - (here in "]}")
            begin = self._at
            self._at = max(self._skip(_PLAIN), begin + 1)

    def _to_line_end(self) -> None:
        end = self._text.find("\n", self._at)
        self._at = len(self._text) if end < 0 else end
