"""Block tokens → elements.

Rows between the blocks of a container follow the source: a blank line there is a blank row here. That keeps lists
as tight or loose as they were written, and it makes an item's look depend on nothing that comes later.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from tui.markdown.clean import clean_line
from tui.markdown.elements import CodeElement, Element, GapElement, RuleElement, TextElement
from tui.markdown.ink import Margin, Run
from tui.markdown.inline import inline_lines
from tui.markdown.latex import readable
from tui.markdown.parser import NESTING
from tui.markdown.table import Cell, TableElement

if TYPE_CHECKING:
    from markdown_it.token import Token

Tokens = Sequence["Token"]

LISTS = ("bullet_list_open", "ordered_list_open")
_BULLETS = "•◦▪"
_TASK = re.compile(r"\[([ xX])\](?:[ \t]+|$)")
_ALIGN = re.compile(r"text-align:(\w+)")
NO_MARGIN = Margin()


def sections(tokens: Tokens) -> Iterator[Tokens]:
    """``tokens`` cut into sibling blocks: each piece is one token or an opening one with all up to its closing one."""
    start = depth = 0
    for index, token in enumerate(tokens):
        depth += token.nesting
        if depth == 0:
            yield tokens[start : index + 1]
            start = index + 1


def first_line(section: Tokens) -> int:
    """The source line a block starts on."""
    return section[0].map[0] if section[0].map else 0


def first_number(opening: Token) -> int | None:
    """The number a list begins with; None for bullets."""
    return int(opening.attrs.get("start", 1)) if opening.type == "ordered_list_open" else None


def build(section: Tokens, lines: Sequence[str], before: str = "") -> list[Element]:
    """The elements of one top-level block. ``lines``: the source the tokens' line numbers refer to. ``before``: the
    character it continues after, when it is the rest of a paragraph."""
    return Builder(lines, before).block(section, NO_MARGIN, 0)


def container_children(section: Tokens) -> list[Tokens]:
    """The items of a list, the blocks of a quote."""
    return list(sections(section[1:-1]))


def blank_before(lines: Sequence[str], section: Tokens) -> bool:
    """Is the line above a block empty, but for the marks of quotes around it?"""
    line = first_line(section)
    return line > 0 and not lines[line - 1].strip(" \t>")


def quote_margin(margin: Margin) -> Margin:
    bar = Run("▌ ", "bar")
    return margin.plus(bar, bar, "> ", "> ")


def table_head(section: Tokens, margin: Margin = NO_MARGIN) -> TableElement:
    """An empty table with the header of ``section``."""
    return _table(section, margin)


def table_rows(section: Tokens) -> list[list[Cell]]:
    """The body rows of ``section``."""
    rows: list[list[Cell]] = []
    in_body = False
    for token in section:
        if token.type == "tbody_open":
            in_body = True
        elif in_body and token.type == "tr_open":
            rows.append([])
        elif in_body and token.type == "inline":
            rows[-1].append(Cell(inline_lines(token.children or [], breaks=True)))
    return rows


def _table(section: Tokens, margin: Margin) -> TableElement:
    header: list[Cell] = []
    aligns: list[str] = []
    for token in section:
        if token.type == "thead_close":
            break
        if token.type == "th_open":
            match = _ALIGN.search(str(token.attrs.get("style", "")))
            aligns.append(match[1] if match else "")
        elif token.type == "inline":
            header.append(Cell(inline_lines(token.children or [], "th", breaks=True)))
    return TableElement(margin, header, aligns)


def is_closed_fence(token: Token) -> bool:
    """Has a fence its closing line? The token covers one line more than its content then."""
    if token.map is None:
        return True
    return token.map[1] - token.map[0] - 1 - len(code_lines(token.content)) == 1


def code_lines(content: str) -> list[str]:
    lines = content.split("\n")
    if lines[-1] == "":
        lines.pop()
    return lines


def language_of(token: Token) -> str:
    words = clean_line(token.info).split()
    return words[0].strip("{}.").split(",")[0] if words else ""


class Builder:
    """Builds elements of tokens whose line numbers refer to ``lines``. ``depth`` counts the items around a block."""

    def __init__(self, lines: Sequence[str], before: str = "") -> None:
        self._lines = lines
        self._before = before

    def block(self, section: Tokens, margin: Margin, depth: int) -> list[Element]:
        """The elements of one block."""
        token = section[0]
        kind = token.type
        if kind in LISTS:
            return self.items(token, container_children(section), margin, depth, (first_number(token), 0, False))
        if kind == "blockquote_open":
            return self._container(section, quote_margin(margin), depth)
        if kind == "footnote_open":
            return self._footnote(section, margin, depth)
        if kind == "table_open":
            table = _table(section, margin)
            table.grow(table_rows(section))
            return [table]
        return self._leaf(section, margin)

    def _leaf(self, section: Tokens, margin: Margin) -> list[Element]:
        token = section[0]
        if token.type == "fence":
            code = CodeElement(margin, language_of(token), code_lines(token.content), closed=is_closed_fence(token))
            return [code]
        if token.type == "code_block":
            return [CodeElement(margin, "", code_lines(token.content), closed=True)]
        if token.type == "hr":
            return [RuleElement(margin)]
        if token.type == "math_block":
            return self._math(token, margin)
        style = token.tag if token.type == "heading_open" else ""
        inline = section[1] if len(section) > 1 else token
        return self._text(inline_lines(inline.children or [], style, before=self._before), margin)

    @staticmethod
    def _text(lines: list[list[Run]], margin: Margin) -> list[Element]:
        elements: list[Element] = []
        for line in lines:
            elements.append(TextElement(margin, line))
            margin = margin.after_first()
        return elements

    def siblings(self, children: Sequence[Tokens], margin: Margin, depth: int, *, gap: bool = False) -> list[Element]:
        """Blocks one after the other in a container; ``gap``: a blank row before the first."""
        elements: list[Element] = []
        for index, child in enumerate(children):
            if gap if index == 0 else blank_before(self._lines, child):
                elements.append(GapElement(margin.after_first()))
            elements.extend(self.block(child, margin, depth))
            margin = margin.after_first()
        return elements

    def items(
        self, opening: Token, items: Sequence[Tokens], margin: Margin, depth: int, place: tuple[int | None, int, bool]
    ) -> list[Element]:
        """The items of a list. ``place``: the first number (None: bullets), how many items came before, and whether
        a blank line did."""
        start, index, gap = place
        elements: list[Element] = []
        for offset, item in enumerate(items):
            if gap if offset == 0 else blank_before(self._lines, item):
                elements.append(GapElement(margin.after_first()))
            inner = self.item_margin(opening, item, None if start is None else start + index + offset, margin, depth)
            elements.extend(self._container(item, inner, depth + 1))
            margin = margin.after_first()
        return elements

    def item_margin(self, opening: Token, item: Tokens, number: int | None, margin: Margin, depth: int) -> Margin:
        """The margin inside an item, its marker included; a task's box is taken out of the item's text."""
        if number is None:
            marker, copy = _BULLETS[min(depth, len(_BULLETS) - 1)] + " ", "- "
        else:
            marker = copy = f"{number}{opening.markup} "
        if task := self._take_task(item):
            box = "☑ " if task in "xX" else "☐ "
            marker = box if number is None else marker + box
            copy = f"{copy}[{task}] "
        blanks = " " * len(marker)
        return margin.plus(Run(marker, "marker"), Run(blanks), copy, " " * len(copy))

    @staticmethod
    def _take_task(item: Tokens) -> str:
        """The letter of a task's box (a space when it is open), taken out of the item's text; "" for no task."""
        if len(item) > 3 and item[1].type == "paragraph_open" and (children := item[2].children):
            text = children[0]
            if text.type == "text" and (match := _TASK.match(text.content)):
                text.content = text.content[match.end() :]
                return match[1]
        return ""

    def _container(self, section: Tokens, margin: Margin, depth: int) -> list[Element]:
        children = container_children(section)
        if children:
            return self.siblings(children, margin, depth)
        token = section[0]
        if token.level >= NESTING - 3 and token.map:  # too deep to be parsed: show it as it stands
            deep = [clean_line(line).strip() for line in self._lines[token.map[0] : token.map[1]]]
            return self._text([[Run(line.replace("\t", " "))] for line in deep], margin)
        return [TextElement(margin, ())]

    def _footnote(self, section: Tokens, margin: Margin, depth: int) -> list[Element]:
        label = clean_line(str(section[0].meta.get("label", "")))
        marker = f"[{label}] " if label.isdecimal() else f"[^{label}] "
        inner = margin.plus(Run(marker, "footnote"), Run("    "), f"[^{label}]: ", "    ")
        return self._container(section, inner, depth)

    def _math(self, token: Token, margin: Margin) -> list[Element]:
        inner = margin.plus(Run("  "), Run("  "), "", "")
        source = token.content
        text = source
        if token.markup:
            formula, _, rest = source[2:].rpartition(token.markup)
            if (shown := readable(formula)) is not None:
                text = shown + rest
        return self._text([[Run(clean_line(line).replace("\t", "    "), "math")] for line in text.split("\n")], inner)
