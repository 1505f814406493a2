"""A list or a quote while it grows: items and blocks are final when the next one beside them has begun, on every level.

What is settled is left out of the text, and the parser is given the shape of what is still open instead: one line for
each open item, with its marker where it stood and a rule for its content (a rule ends with its line, so it changes
nothing below).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from tui.markdown import blocks as build
from tui.markdown import grow
from tui.markdown.elements import Element, GapElement
from tui.markdown.grow import Growing, Part
from tui.markdown.leaf import OpenLeaf, leaf_kind

if TYPE_CHECKING:
    from markdown_it.token import Token

    from tui.markdown.document import Block
    from tui.markdown.ink import Margin

_QUOTE, _ITEM = "blockquote_open", "list_item_open"
_CONTAINERS = (*build.LISTS, _QUOTE, _ITEM)
_MARKER = re.compile(r"( *)(\d+[.)]|[-+*])( *)(.*)")
_QUOTE_MARK = re.compile(r" *> ?")
_RULE = "___"


class _Open:
    """An open container: a quote, a list or an item, with what its next child needs to know."""

    def __init__(self, opening: Token, margin: Margin, depth: int) -> None:
        self.opening = opening
        self.margin = margin
        self.depth = depth
        self.marker = ""
        """Of an item: its line up to where its content begins, counted from the content of what is around it."""
        self._number = build.first_number(opening)
        self._count = 0
        self._gap = False

    @property
    def is_item(self) -> bool:
        return self.opening.type == _ITEM

    def matches(self, section: build.Tokens) -> bool:
        """Can ``section`` be the rest of this container?"""
        return section[0].type == self.opening.type and section[0].markup == self.opening.markup

    def children(self, section: build.Tokens) -> list[build.Tokens]:
        """The children in ``section``, the rest of this container, without the rule."""
        return build.container_children(section)[1 if self.is_item else 0 :]

    def pass_over(self, count: int, *, gap: bool) -> None:
        """``count`` children are done; ``gap``: is there a blank line before the next one?"""
        if count:
            self._count += count
            self._gap = gap
            self.margin = self.margin.after_first()

    def gap(self, lines: Sequence[str], child: build.Tokens, begin: int) -> bool:
        """Is there a blank line before ``child``, the next one? ``begin``: where the text that is left begins."""
        if build.first_line(child) <= begin or not self._count:
            return self._gap
        return build.blank_before(lines, child)

    def build(self, lines: Sequence[str], children: Sequence[build.Tokens], *, skip: int, gap: bool) -> list[Element]:
        """The elements of the next ``children``, after ``skip`` (0 or 1) that were built elsewhere."""
        builder = build.Builder(lines)
        margin = self.margin.after_first() if skip else self.margin
        if self.opening.type in build.LISTS:
            place = (self._number, self._count + skip, gap)
            return builder.items(self.opening, children, margin, self.depth, place)
        return builder.siblings(children, margin, self.depth, gap=gap)

    def enter(self, section: build.Tokens, lines: Sequence[str]) -> _Open:
        """The next child, which stays open."""
        opening, margin, depth = section[0], self.margin, self.depth
        if opening.type == _QUOTE:
            margin = build.quote_margin(margin)
        elif opening.type == _ITEM:
            number = None if self._number is None else self._number + self._count
            margin = build.Builder(lines).item_margin(self.opening, section, number, margin, depth)
            depth += 1
        return _Open(opening, margin, depth)


class GrowingNest(Growing):
    """A list or a quote."""

    def __init__(self, part: Part, block: Block) -> None:
        super().__init__(part, block)
        opening = part.section[0]
        margin = build.quote_margin(build.NO_MARGIN) if opening.type == _QUOTE else build.NO_MARGIN
        self._path = [_Open(opening, margin, 0)]
        """The open containers, from the outermost."""
        self._leaf: OpenLeaf | None = None
        """The open block in the innermost container, where its lines are settled: the last element."""
        self._head = ""
        self._head_lines = 0

    @property
    def head(self) -> str:  # pyright: ignore[reportIncompatibleVariableOverride] # computed here, constant elsewhere
        return self._head

    def continued_by(self, sections: Sequence[build.Tokens]) -> bool:
        if not sections:
            return True
        section = sections[0]
        for level, container in enumerate(self._path):
            if level:
                children = self._path[level - 1].children(section)
                if not children:
                    return False
                section = children[0]
            if not container.matches(section):
                return False
        if self._leaf is None:
            return True
        children = self._path[-1].children(section)
        return bool(children) and self._leaf.matches(children[0])

    def add(self, part: Part, *, last: bool) -> int:
        elements: list[Element] = []
        line = 0
        if last:
            elements = self._rest(0, part.section, part.lines, final=True)
        else:
            line = self._settle(0, part.section, part.lines, elements)
            self._head = "".join(self._head_of(level) for level, node in enumerate(self._path) if node.is_item)
            if self._leaf is not None:
                around = self._around(len(self._path))
                self._head += "".join(f"{around}{text}\n" for text in self._leaf.head)
            self._head_lines = self._head.count("\n")
        self.block.elements[self.block.settled :] = elements
        self.block.settled = len(self.block.elements) - (self._leaf is not None)
        return line

    def show(self, part: Part | None) -> None:
        self.block.elements[self.block.settled :] = self._rest(0, part.section, part.lines) if part else []

    def _rest(self, level: int, section: build.Tokens, lines: Sequence[str], *, final: bool = False) -> list[Element]:
        """The elements of ``section``, the rest of the open container on ``level``; ``final``: all there will be."""
        node = self._path[level]
        children = node.children(section)
        if not children:
            return []
        if level + 1 < len(self._path):
            elements = self._rest(level + 1, children[0], lines, final=final)
        elif self._leaf is not None:
            elements = self._leaf_shown(self._leaf, children[0], final=final)
        else:
            return node.build(lines, children, skip=0, gap=node.gap(lines, children[0], self._head_lines))
        if others := children[1:]:
            elements += node.build(lines, others, skip=1, gap=build.blank_before(lines, others[0]))
        return elements

    def _leaf_shown(self, leaf: OpenLeaf, section: build.Tokens, *, final: bool) -> list[Element]:
        leaf.show(section, final=final)
        if final:
            self._leaf = None
        return [leaf.element]

    def _settle(self, level: int, section: build.Tokens, lines: Sequence[str], done: list[Element]) -> int:
        """Add to ``done`` the elements of what is final in ``section``, the rest of the open container on ``level``.
        Returns the line on which what is not final begins."""
        node = self._path[level]
        children = node.children(section)
        if level + 1 < len(self._path):
            if len(children) == 1:
                return self._settle(level + 1, children[0], lines, done)
            done += self._rest(level + 1, children[0], lines, final=True)
            del self._path[level + 1 :]
            children, gap = self._pass_first(node, children, lines)
        elif self._leaf is not None:
            if len(children) == 1:
                done.append(self._leaf.element)
                return self._leaf.settle(children[0])
            done += self._leaf_shown(self._leaf, children[0], final=True)
            children, gap = self._pass_first(node, children, lines)
        elif children:
            gap = node.gap(lines, children[0], self._head_lines)
        else:
            return build.first_line(section)
        return self._settle_children(children, lines, done, gap=gap)

    @staticmethod
    def _pass_first(
        node: _Open, children: Sequence[build.Tokens], lines: Sequence[str]
    ) -> tuple[Sequence[build.Tokens], bool]:
        """The first child is done: the others, and whether a blank line stands before them."""
        gap = build.blank_before(lines, children[1])
        node.pass_over(1, gap=gap)
        return children[1:], gap

    def _settle_children(
        self, children: Sequence[build.Tokens], lines: Sequence[str], done: list[Element], *, gap: bool
    ) -> int:
        """``_settle`` for the next ``children`` of the innermost open container; ``gap`` as in ``_Open.build``."""
        node = self._path[-1]
        *final, last = children
        if final:
            done += node.build(lines, final, skip=0, gap=gap)
            gap = build.blank_before(lines, last)
            node.pass_over(len(final), gap=gap)
        if _size(lines, last) < grow.LONG:
            return build.first_line(last)
        if leaf_kind(last, lines) is not None:
            return self._open_leaf(last, lines, done, gap=gap)
        if not _divisible(last, lines):
            return build.first_line(last)
        while True:
            if gap:
                done.append(GapElement(node.margin.after_first()))
            node = self._enter(last, lines)
            *final, last = build.container_children(last)
            if final:
                return self._settle_children([*final, last], lines, done, gap=False)
            gap = False
            if last[0].type not in _CONTAINERS:  # on the line of its item's marker, maybe: it cannot be left out
                return self._open_leaf(last, lines, done, gap=False)

    def _open_leaf(self, section: build.Tokens, lines: Sequence[str], done: list[Element], *, gap: bool) -> int:
        """Settle lines of ``section``, the last child of the innermost open container, from now on."""
        kind, node, first = leaf_kind(section, lines), self._path[-1], build.first_line(section)
        if kind is None:
            return first
        if gap:
            done.append(GapElement(node.margin.after_first()))
        head = [line[self._position_in(line) :] for line in lines[first : first + kind.LINES]]
        self._leaf = kind(section, head, node.margin)
        done.append(self._leaf.element)
        return self._leaf.settle(section)

    def _enter(self, section: build.Tokens, lines: Sequence[str]) -> _Open:
        node = self._path[-1].enter(section, lines)
        if node.is_item:
            node.marker = self._marker_on(lines[build.first_line(section)])
        self._path.append(node)
        return node

    def _marker_on(self, line: str) -> str:
        """The marker of an item inside the open containers, on its ``line``."""
        match = _MARKER.match(line, self._position_in(line))
        if match is None:
            return ""
        indent, marker, blanks, text = match.groups()
        return f"{indent}{marker}{blanks if text and len(blanks) < 5 else ' '}"

    def _position_in(self, line: str) -> int:
        """Where the content of the innermost open container begins on ``line``."""
        position = 0
        for node in self._path:
            if node.opening.type == _QUOTE and (mark := _QUOTE_MARK.match(line, position)):
                position = mark.end()
            elif node.is_item:
                position += len(node.marker)
        return position

    def _around(self, level: int) -> str:
        """What stands on a line before the content of the container around ``level``."""
        return "".join(["> " if node.opening.type == _QUOTE else " " * len(node.marker) for node in self._path[:level]])

    def _head_of(self, level: int) -> str:
        """The line that stands for the open item on ``level``."""
        return f"{self._around(level)}{self._path[level].marker}{_RULE}\n"


def _divisible(section: build.Tokens, lines: Sequence[str]) -> bool:
    """Is something in ``section`` final, and can the rest be parsed without it? Tabs in front of an item's text are
    left alone: their width depends on where they stand."""
    if section[0].type not in _CONTAINERS or (section[0].type == _ITEM and "\t" in lines[build.first_line(section)]):
        return False
    children = build.container_children(section)
    return len(children) > 1 or (
        len(children) == 1 and (_divisible(children[0], lines) or leaf_kind(children[0], lines) is not None)
    )


def _size(lines: Sequence[str], section: build.Tokens) -> int:
    """Characters from where ``section`` begins to the end."""
    return sum(map(len, lines[build.first_line(section) :]))


_KINDS: dict[str, type[Growing]] = {
    "bullet_list_open": GrowingNest,
    "ordered_list_open": GrowingNest,
    "blockquote_open": GrowingNest,
    "table_open": grow.GrowingTable,
    "fence": grow.GrowingFence,
}


def growing_kind(section: build.Tokens, size: int) -> type[Growing] | None:
    """How an unfinished block of ``size`` characters settles its parts; None when it does not."""
    if size < grow.LONG or (section[0].type == "blockquote_open" and len(section) == 2):
        return None
    return _KINDS.get(section[0].type)
