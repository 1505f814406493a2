"""Code → runs with colours, by Pygments, in slices of a few milliseconds.

A language is required (guessing is slow and often wrong); code above ``LONGEST`` characters stays plain. Finished
results are kept, so that a conversation opened again is not highlighted again.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from functools import lru_cache
from time import perf_counter
from typing import TYPE_CHECKING, Any, ClassVar

from tui.markdown.elements import CodeElement, shown_code
from tui.markdown.ink import Run, join_runs

if TYPE_CHECKING:
    from pygments.lexer import Lexer

LONGEST = 20_000
_KEPT = 200_000  # characters of highlighted code that are kept
_NAMES = {
    "Comment": "comment", "Error": "error", "Keyword": "keyword", "Keyword.Constant": "constant",
    "Keyword.Type": "type", "Literal.Number": "number", "Literal.String": "string", "Name.Builtin": "builtin",
    "Name.Class": "class", "Name.Decorator": "decorator", "Name.Function": "function", "Name.Tag": "tag",
    "Name.Attribute": "attribute", "Name.Constant": "constant", "Name.Exception": "class", "Operator": "operator",
    "Operator.Word": "keyword", "Generic.Deleted": "deleted", "Generic.Inserted": "inserted",
    "Generic.Heading": "function", "Generic.Subheading": "function", "Generic.Prompt": "comment",
    "Generic.Strong": "type", "Name.Namespace": "class", "Name.Variable": "variable", "Literal.Date": "number",
}  # fmt: skip


class _Kept:
    """What is remembered between jobs."""

    lines: ClassVar[OrderedDict[tuple[str, str], list[list[Run]]]] = OrderedDict()
    size: ClassVar[int] = 0
    styles: ClassVar[dict[Any, str]] = {}


def wants_colours(code: CodeElement) -> bool:
    """Can ``code`` be highlighted, and is it not yet?"""
    return not code.painted and bool(code.language) and 0 < len(code.code) <= LONGEST


class HighlightJob:
    """Highlights one code block; call ``step`` until it is true, then the element is painted (or stays plain, when
    the language is unknown)."""

    def __init__(self, element: CodeElement) -> None:
        self.element = element
        self._key = ("", "")
        self._tokens: Iterator[tuple[Any, str]] | None = None
        self._lines: list[list[Run]] = [[]]

    def step(self, seconds: float = 0.004) -> bool:
        """Work for about ``seconds``; True when the job is done."""
        end = perf_counter() + seconds
        if self._tokens is None:
            self._key = (self.element.language.lower(), self.element.code)
            if (kept := _Kept.lines.get(self._key)) is not None:
                self.element.paint(kept)
                return True
            lexer = _lexer(self._key[0])
            if lexer is None:
                return True
            # Some lexers forget a last line without its end.
            self._tokens = iter(lexer.get_tokens(f"{self._key[1]}\n"))
        lines = self._lines
        for kind, text in self._tokens:
            style = _Kept.styles.get(kind) or _style_of(kind)
            first, *others = text.split("\n")
            lines[-1].append(Run(first, style))
            lines.extend([Run(other, style)] for other in others)
            if perf_counter() >= end:
                return False
        self._finish()
        return True

    def _finish(self) -> None:
        wanted = [shown_code(line) for line in self._key[1].split("\n")]
        lines = [_shown(join_runs(line)) for line in self._lines[: len(wanted)]]
        if ["".join(run.text for run in line) for line in lines] != wanted:
            return  # a lexer that changes the text cannot be trusted with it
        self.element.paint(lines)
        _keep(self._key, lines)


def _shown(line: list[Run]) -> list[Run]:
    """A highlighted line as code is shown: tabs expanded, cleaned."""
    text = "".join(run.text for run in line)
    if (shown := shown_code(text)) == text:
        return line
    runs: list[Run] = []
    before = after = ""
    for run in line:
        before += run.text
        grown = shown_code(before)
        runs.append(Run(grown[len(after) :], run.style))
        after = grown
    return runs if after == shown else [Run(shown, "code-block")]


def _keep(key: tuple[str, str], lines: list[list[Run]]) -> None:
    _Kept.lines[key] = lines
    _Kept.size += len(key[1])
    while _Kept.size > _KEPT and len(_Kept.lines) > 1:
        (_, code), _lines = _Kept.lines.popitem(last=False)
        _Kept.size -= len(code)


def _style_of(kind: Any) -> str:
    """``code-block`` and the name for a Pygments token type, or for the nearest type above it that has one."""
    parts = str(kind).split(".")[1:]
    style = "code-block"
    while parts:
        if name := _NAMES.get(".".join(parts)):
            style = f"code-block syntax-{name}"
            break
        parts.pop()
    _Kept.styles[kind] = style
    return style


@lru_cache(64)
def _lexer(language: str) -> Lexer | None:
    """The lexer for a name; finding one takes 5 ms."""
    from pygments.lexers import get_lexer_by_name  # pyright: ignore[reportUnknownVariableType] # untyped **options
    from pygments.util import ClassNotFound

    try:
        return get_lexer_by_name(language, stripnl=False, ensurenl=False)
    except ClassNotFound:
        return None
