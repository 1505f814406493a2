"""Markdown of others inside our own: it keeps its look, but holds no HTML, loads no picture, and ends where it ends."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from tui.export.clean import clean, one_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from markdown_it import MarkdownIt
    from markdown_it.token import Token

_SPECIAL = re.compile(r"([\\`*_\[\]<>|~&#!$])")
_AUTOLINK = re.compile(r"<(?:https?://|mailto:)[^\s<>]*>")
_TAG = re.compile(r"<(?=[A-Za-z/!?])")
_MARKED = re.compile(r"[<`~#]|!\[")  # without any of these there is nothing to do
_HARMFUL = re.compile(r"<|!\[")
_FENCE = re.compile(r"```|~~~")
_MEANS = re.compile(r"[\\`<]|!\[")
_TICKS = re.compile(r"`+")
_HEADING = re.compile(r"(?<![#\\])#{1,6}(?=[ \t]|$)")
_DEEPEST = 6


@cache
def parser(*, html: bool) -> MarkdownIt:
    """CommonMark with tables and strikethrough. Takes 20 ms the first time."""
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark", {"html": html}).enable(["table", "strikethrough"])


def inline(text: str, most: int = 200) -> str:
    """Foreign text inside a line of Markdown: one line, nothing in it means anything."""
    return _SPECIAL.sub(r"\\\1", one_line(text, most))


def code(text: str) -> str:
    """Foreign text as a code span that it cannot leave."""
    line = one_line(text, 1000) or " "
    fence = "`" * (_longest(line) + 1)
    pad = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{fence}{pad}{line}{pad}{fence}"


def fenced(text: str, language: str = "") -> str:
    """A code block that its content cannot end."""
    text = clean(text)
    fence = "`" * max(3, _longest(text) + 1)
    return f"{fence}{language}\n{text}\n{fence}"


def _longest(text: str) -> int:
    return max((len(run) for run in _TICKS.findall(text)), default=0)


def neutral(source: str, lower: int = 2) -> str:
    """Markdown that a model or a user wrote, to stand inside ours: its headings are ``lower`` levels lower, tags are
    shown as text, pictures are not loaded, a code block that was left open is closed."""
    text = clean(source).strip("\n")
    if not text.strip():
        return ""
    if not _MARKED.search(text):
        return text
    html = parser(html=True)
    tokens = html.parse(text)
    lines = text.split("\n")
    _lower_headings(lines, tokens, lower)
    result = _escaped(lines, _code_lines(tokens))
    # Code spans that end elsewhere than they seem to: everything is escaped.
    if _HARMFUL.search(result) and _is_dangerous(html.parse(result)):
        result = result.replace("<", "&lt;").replace("![", "!\\[")
    return result + (_closing(html, result) if _FENCE.search(result) else "")


def quoted(markdown: str) -> str:
    """Markdown as a quotation."""
    return "\n".join(f"> {line}".rstrip() for line in markdown.split("\n"))


def _code_lines(tokens: Iterable[Token]) -> set[int]:
    found: set[int] = set()
    for token in tokens:
        if token.type in ("fence", "code_block") and token.map is not None:
            found.update(range(*token.map))
    return found


def _lower_headings(lines: list[str], tokens: Iterable[Token], lower: int) -> None:
    for token in tokens:
        if token.type == "heading_open" and token.markup.startswith("#") and token.map is not None:
            level = min(len(token.markup) + lower, _DEEPEST)
            lines[token.map[0]] = _HEADING.sub("#" * level, lines[token.map[0]], count=1)


def _escaped(lines: Sequence[str], verbatim: set[int]) -> str:
    """The lines with tags and pictures made harmless outside of code; a paragraph is looked at as a whole, because code
    spans cross lines."""
    out: list[str] = []
    paragraph: list[str] = []
    for number, line in enumerate(lines):
        if number in verbatim or not line.strip():
            if paragraph:
                out.append(_escape_paragraph("\n".join(paragraph)))
                paragraph.clear()
            out.append(line)
        else:
            paragraph.append(line)
    if paragraph:
        out.append(_escape_paragraph("\n".join(paragraph)))
    return "\n".join(out)


def _escape_paragraph(text: str) -> str:
    out: list[str] = []
    at = 0
    while (found := _MEANS.search(text, at)) is not None:
        out.append(text[at : found.start()])
        piece, at = _piece(text, found.start())
        out.append(piece)
    return "".join([*out, text[at:]])


def _piece(text: str, at: int) -> tuple[str, int]:
    """What stands at a place, made harmless, and the place behind it."""
    char = text[at]
    if char == "\\" and at + 1 < len(text):
        following = text[at + 1]
        return (char, at + 1) if following in "<!" else (char + following, at + 2)
    if char == "`":
        ticks = _TICKS.match(text, at)
        run = ticks[0] if ticks else char
        end = _matching(text, at + len(run), run)
        return text[at:end], end
    if char == "<":
        link = _AUTOLINK.match(text, at)
        if link is not None:
            return link[0], link.end()
        return ("&lt;" if _TAG.match(text, at) else char), at + 1
    return ("!\\[", at + 2) if char == "!" else (char, at + 1)


def _matching(text: str, at: int, run: str) -> int:
    """Behind the run of backticks that ends this one; behind the run itself when none does."""
    for ticks in _TICKS.finditer(text, at):
        if len(ticks[0]) == len(run):
            return ticks.end()
    return at


def _is_dangerous(tokens: Iterable[Token]) -> bool:
    return any(
        token.type in ("html_block", "html_inline", "image") or _is_dangerous(token.children or ()) for token in tokens
    )


def _closing(html: MarkdownIt, text: str) -> str:
    """What closes a code block that was left open; empty when none is."""
    tokens = html.parse(text + "\n\nend")
    last = tokens[-1] if tokens else None
    if last is None or last.type != "fence":
        return ""
    return "\n" + last.markup
