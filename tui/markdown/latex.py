"""LaTeX mathematics → Unicode that can be read in a terminal: ``\\frac{1}{2}x^2`` → ``1/2 x²``.

Nothing is lost: a formula with anything we do not know is not converted at all (``readable`` gives None and the caller
shows the source).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

from tui.markdown.latex_tables import (
    ACCENTS,
    DOUBLE_STRUCK,
    FONTS,
    GRIDS,
    IGNORED,
    LAID_OUT,
    NAMES,
    SPACES,
    SUBSCRIPT,
    SUPERSCRIPT,
    SYMBOLS,
    TEXT,
)

_TOKEN = re.compile(r"\\(?:[A-Za-z]+\*?|.|$)|[{}^_&]|\s+|[^\\{}^_&\s]", re.DOTALL)
_SIMPLE = re.compile(r"[^\W_]+(?:[⁰-₎²³¹′]+)?|[^\W\d_][⁰-₎²³¹ᵢⱼₖₙₘ]*", re.UNICODE)
_DEPTH = 30


class _UnknownError(Exception):
    """The formula holds something we cannot show faithfully."""


@lru_cache(maxsize=512)
def readable(source: str) -> str | None:
    """``source`` (without its delimiters) as text; several lines where it has several. None: show the source."""
    if len(source) > 4000:
        return None
    try:
        text = _Reader(source).all()
    except _UnknownError:
        return None
    lines = [re.sub(r"[ \t]{2,}", lambda gap: gap[0][:4], line.strip()) for line in text.split("\n")]
    return "\n".join(line for line in lines if line)


class _Reader:
    """A recursive reader over the formula's tokens."""

    def __init__(self, source: str) -> None:
        self._tokens: list[str] = _TOKEN.findall(source)
        self._position = 0
        self._depth = 0

    def all(self) -> str:
        text = self._sequence(frozenset())
        if self._position < len(self._tokens):
            raise _UnknownError
        return text

    def _peek(self) -> str:
        return self._tokens[self._position] if self._position < len(self._tokens) else ""

    def _next(self) -> str:
        if self._position >= len(self._tokens):
            raise _UnknownError
        self._position += 1
        return self._tokens[self._position - 1]

    def _sequence(self, ends: frozenset[str]) -> str:
        self._depth += 1
        if self._depth > _DEPTH:
            raise _UnknownError
        parts: list[str] = []
        while (sign := self._peek()) and sign not in ends:
            if sign == "}":
                raise _UnknownError
            self._position += 1
            self._append(parts, sign)
        self._depth -= 1
        return "".join(parts)

    def _append(self, parts: list[str], sign: str) -> None:
        if sign in ("^", "_"):
            parts.append(self._script(sign))
        elif sign == "&":
            parts.append(" ")
        elif sign.isspace():
            if parts and not parts[-1].endswith((" ", "\n")):
                parts.append(" ")
        else:
            text = self._unit(sign)
            if parts and text and self._needs_gap(parts[-1], text, sign):
                parts.append(" ")
            parts.append(text)

    @staticmethod
    def _needs_gap(before: str, text: str, sign: str) -> bool:
        """Names such as sin stand apart from letters around them, as do fractions from factors."""
        letters = before[-1:].isalnum() and text[:1].isalnum()
        return letters and (sign[1:] in NAMES or sign in ("\\frac", "\\dfrac", "\\tfrac") or before in NAMES
                            or "/" in before)  # fmt: skip

    def _unit(self, sign: str) -> str:
        if sign == "{":
            text = self._sequence(frozenset("}"))
            self._next()
            return text
        if sign.startswith("\\"):
            return self._command(sign[1:])
        return "′" if sign == "'" else sign

    def _argument(self) -> str:
        """The next group or single sign."""
        while self._peek().isspace():
            self._position += 1
        sign = self._next()
        if sign in ("}", "^", "_", "&"):
            raise _UnknownError
        return self._unit(sign)

    def _raw_group(self) -> str:
        """The next group's own text, for \\text and names of environments."""
        while self._peek().isspace():
            self._position += 1
        if self._next() != "{":
            raise _UnknownError
        parts: list[str] = []
        depth = 1
        while True:
            sign = self._next()
            depth += (sign == "{") - (sign == "}")
            if depth == 0:
                return "".join(parts)
            if sign.startswith("\\"):
                if (plain := SYMBOLS.get(sign[1:], SPACES.get(sign[1:]))) is None:
                    raise _UnknownError
                sign = plain
            if sign not in ("{", "}"):
                parts.append(sign)

    def _command(self, name: str) -> str:
        if (text := _PLAIN.get(name)) is not None:
            return text
        if name in IGNORED:
            return self._ignored(name)
        if (special := _COMMANDS.get(name)) is not None:
            return special(self)
        if name in TEXT:
            return self._raw_group()
        if name in FONTS:
            return self._argument()
        if name in ACCENTS:
            return self._accent(ACCENTS[name])
        raise _UnknownError

    def _ignored(self, name: str) -> str:
        if name in ("left", "right") and self._peek() == ".":
            self._position += 1
        return ""

    def _accent(self, mark: str) -> str:
        text = self._argument()
        if not text or len(text) > 3:
            raise _UnknownError
        return "".join(char + mark for char in text)

    def fraction(self) -> str:
        return f"{_grouped(self._argument())}/{_grouped(self._argument())}"

    def binomial(self) -> str:
        return f"C({self._argument()}, {self._argument()})"

    def root(self) -> str:
        index = ""
        if self._peek() == "[":
            self._next()
            index = self._sequence(frozenset("]"))
            self._next()
        root = {"": "√", "3": "∛", "4": "∜"}.get(index)
        if root is None:
            root = _scripted(index, SUPERSCRIPT, "") + "√"
        inside = self._argument()
        return root + (inside if len(inside) == 1 else f"({inside})")

    def double_struck(self) -> str:
        text = self._argument()
        try:
            return "".join(DOUBLE_STRUCK[char] for char in text)
        except KeyError:
            return text

    def negated(self) -> str:
        text = self._argument()
        return {"=": "≠", "∈": "∉", "⊂": "⊄", "≡": "≢"}.get(text) or text + "\u0338"

    def stacked(self) -> str:
        over, base = self._argument(), self._argument()
        return base + _scripted(over, SUPERSCRIPT, "^")

    def brace(self) -> str:
        text = self._argument()
        if self._peek() in ("_", "^"):
            self._next()
            return f"{text} [{self._argument()}]"
        return text

    def tag(self) -> str:
        return f"  ({self._raw_group()})"

    def modulo(self) -> str:
        return f" (mod {self._argument()})"

    def environment(self) -> str:
        name = self._raw_group()
        if name not in LAID_OUT and name not in GRIDS:
            raise _UnknownError
        if name == "alignedat":
            self._raw_group()
        body = self._sequence(frozenset(("\\end",)))
        self._next()
        if self._raw_group() != name:
            raise _UnknownError
        if name in LAID_OUT:
            return body
        opening, closing = GRIDS[name]
        rows = "; ".join(" ".join(row.split()) for row in body.split("\n") if row.strip())
        return f"{opening}{rows}{closing}"

    def _script(self, mark: str) -> str:
        text = self._argument().strip()
        return _scripted(text, SUPERSCRIPT if mark == "^" else SUBSCRIPT, mark)


_PLAIN: dict[str, str] = {
    **SYMBOLS,
    **SPACES,
    **{name: name for name in NAMES},
    "\\": "\n",
    "newline": "\n",
    "cr": "\n",
}
_COMMANDS: dict[str, Callable[[_Reader], str]] = {
    "frac": _Reader.fraction,
    "dfrac": _Reader.fraction,
    "tfrac": _Reader.fraction,
    "cfrac": _Reader.fraction,
    "binom": _Reader.binomial,
    "sqrt": _Reader.root,
    "mathbb": _Reader.double_struck,
    "not": _Reader.negated,
    "overset": _Reader.stacked,
    "underbrace": _Reader.brace,
    "overbrace": _Reader.brace,
    "begin": _Reader.environment,
    "tag": _Reader.tag,
    "pmod": _Reader.modulo,
}


def _grouped(text: str) -> str:
    return text if _SIMPLE.fullmatch(text) else f"({text})"


def _scripted(text: str, table: dict[str, str], mark: str) -> str:
    """``text`` raised or lowered; spelt with the mark where Unicode lacks a character."""
    tight = text.replace(" ", "")
    if tight and all(char in table for char in tight):
        return "".join(table[char] for char in tight)
    return f"{mark}{text}" if len(text) == 1 else f"{mark}({text})"
