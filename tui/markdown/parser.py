"""markdown-it as we use it: CommonMark, tables, strikethrough, footnotes, mathematics; HTML stays text.

Our own rules are made for text that grows: whether a line belongs to a block is decided by complete lines and never
taken back later (display mathematics ends at a blank line at the latest; a footnote needs no definition).
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from markdown_it import MarkdownIt

if TYPE_CHECKING:
    from markdown_it.rules_block import StateBlock
    from markdown_it.rules_inline import StateInline
    from markdown_it.token import Token

NESTING = 32
"""Levels of containers that are parsed; what lies deeper is shown as text."""

_ESCAPED = {"(": "\\)", "[": "\\]"}
_MATH_FENCES = {"$$": "$$", "\\[": "\\]"}
_FOOTNOTE = re.compile(r"\[\^([^\]\s]+)\]:[ \t]*")
_FOOTNOTE_REFERENCE = re.compile(r"\[\^([^\]\s\[]+)\](?![(\[:])")
# Pandoc's rule: no white space inside the dollars, no digit after the closing one, so that prices stay prices.
_DOLLARS = re.compile(r"\$(?![\s$])((?:\\.|[^$\\])*?(?:\\.|[^\s$\\]))\$(?![\d$])", re.DOTALL)
_DOUBLE_DOLLARS = re.compile(r"\$\$((?:\\.|[^$\\])+)\$\$", re.DOTALL)


def make_parser() -> MarkdownIt:
    """A parser with our rules; it may be used again and again, with one ``env`` per document."""
    parser = MarkdownIt("commonmark", {"html": False, "maxNesting": NESTING})
    parser.enable(["table", "strikethrough"])
    parser.disable(["html_block", "html_inline"])
    parser.block.ruler.before("fence", "math_block", _math_block, {"alt": ["paragraph", "reference", "blockquote"]})
    parser.block.ruler.before("reference", "footnote", _footnote, {"alt": ["paragraph", "reference", "blockquote"]})
    parser.inline.ruler.before("escape", "math_inline", _math_inline)
    parser.inline.ruler.before("link", "footnote_reference", _footnote_reference)
    parser.inline.ruler.before("link", "plain_bracket", _plain_bracket)
    return parser


def _text_of(state: StateBlock, line: int) -> str:
    return state.src[state.bMarks[line] + state.tShift[line] : state.eMarks[line]]


def _math_block(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """``$$`` … ``$$`` and ``\\[`` … ``\\]`` on lines of their own; closed by the end mark, or cut by a blank line."""
    if state.is_code_block(start):
        return False
    first = _text_of(state, start)
    opening = first[:2]
    closing = _MATH_FENCES.get(opening)
    if closing is None:
        return False
    rest = first[len(opening) :].rstrip()
    closed_here = rest.find(closing)
    if (closed_here >= 0 and rest[closed_here + len(closing) :].strip(" \t.,;。，；")) or (
        opening == "\\[" and closed_here < 0 and rest
    ):
        return False
    if silent:
        return True
    line = start + 1
    lines = [first]
    closed = closed_here >= 0
    while not closed and line < end:
        if state.isEmpty(line) or state.sCount[line] < state.blkIndent:
            break
        lines.append(_text_of(state, line))
        line += 1
        closed = lines[-1].rstrip(" \t.,;。，；").endswith(closing)
    state.line = line
    token = state.push("math_block", "math", 0)
    token.block = True
    token.content = "\n".join(lines)
    token.markup = closing if closed else ""
    token.map = [start, line]
    return True


def _footnote(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """``[^label]: text`` with continuation lines indented by four, as a container where it stands."""
    if state.is_code_block(start):
        return False
    begin = state.bMarks[start] + state.tShift[start]
    match = _FOOTNOTE.match(state.src, begin, state.eMarks[start])
    if match is None:
        return False
    if silent:
        return True
    opened = state.push("footnote_open", "div", 1)
    opened.meta = {"label": match[1]}
    saved = (state.bMarks[start], state.tShift[start], state.sCount[start], state.blkIndent, state.parentType)
    state.bMarks[start] = match.end()
    state.tShift[start] = 0
    state.blkIndent += 4
    state.sCount[start] = state.blkIndent
    state.parentType = "footnote"
    if match.end() >= state.eMarks[start]:
        state.line = start + 1
        if start + 1 < end:
            state.md.block.tokenize(state, start + 1, end)
    else:
        state.md.block.tokenize(state, start, end)
    state.bMarks[start], state.tShift[start], state.sCount[start], state.blkIndent, state.parentType = saved
    opened.map = [start, state.line]
    state.push("footnote_close", "div", -1)
    return True


def _footnote_reference(state: StateInline, silent: bool) -> bool:
    if state.src[state.pos] != "[" or (match := _FOOTNOTE_REFERENCE.match(state.src, state.pos)) is None:
        return False
    if not silent:
        state.push("footnote_reference", "", 0).content = match[1]
    state.pos = match.end()
    return True


def _math_inline(state: StateInline, silent: bool) -> bool:
    source, start = state.src, state.pos
    char = source[start]
    if char == "$":
        match = _DOUBLE_DOLLARS.match(source, start) or _DOLLARS.match(source, start)
        if match is None:
            return False
        formula, end = match[1], match.end()
    elif char == "\\" and (closing := _ESCAPED.get(source[start + 1 : start + 2])):
        stop = source.find(closing, start + 2)
        if stop <= start + 2:
            return False
        formula, end = source[start + 2 : stop], stop + 2
    else:
        return False
    if not silent:
        token = state.push("math_inline", "math", 0)
        token.content = formula
        token.markup = source[start:end]
    state.pos = end
    return True


@lru_cache(maxsize=2)
def _last_place(source: str, mark: str) -> int:
    """Where ``mark`` stands last in ``source``; asked for each bracket of one text after the other."""
    return source.rfind(mark)


def _plain_bracket(state: StateInline, silent: bool) -> bool:
    """A bracket that cannot begin a link, taken as text at once: looking for its partner costs more than all the rest
    of a text full of brackets."""
    source, start = state.src, state.pos
    end = start + (2 if source.startswith("![", start) else 1)
    if source[end - 1] != "[" or _last_place(source, "]" if state.env.get("references") else "](") >= end:
        return False
    if not silent:
        state.pending += source[start:end]
    state.pos = end
    return True


def parse(parser: MarkdownIt, text: str, env: dict[str, Any]) -> list[Token]:
    """The block tokens of ``text``; definitions of references are added to ``env``."""
    return parser.parse(text, env)
