"""Code or a table that grows inside a list or a quote: its complete lines are final."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tui.markdown import blocks as build
from tui.markdown.elements import CodeElement
from tui.markdown.table import TableElement

if TYPE_CHECKING:
    from tui.markdown.ink import Margin


class OpenLeaf:
    """A block without blocks in it, whose beginning is settled. ``head``: the lines that stand for that beginning,
    counted from the content of what is around them."""

    LINES = 1
    """How many lines of it are its head."""

    element: CodeElement | TableElement

    def __init__(self, section: build.Tokens, head: Sequence[str]) -> None:
        self.head = head
        self._type = section[0].type
        self._markup = section[0].markup

    def matches(self, section: build.Tokens) -> bool:
        """Can ``section`` be the rest of it?"""
        return section[0].type == self._type and section[0].markup == self._markup

    def settle(self, section: build.Tokens) -> int:
        """Take over what is final. Returns the line on which the rest begins."""
        raise NotImplementedError

    def show(self, section: build.Tokens, *, final: bool) -> None:
        """Show the rest, which is all there will be when it is ``final``."""
        raise NotImplementedError


class OpenCode(OpenLeaf):
    """A fence. Blank lines at its end stay: they may be the gap before the next item as well."""

    def __init__(self, section: build.Tokens, head: Sequence[str], margin: Margin) -> None:
        super().__init__(section, head)
        self.element: CodeElement = CodeElement(margin, build.language_of(section[0]), (), closed=False)

    def settle(self, section: build.Tokens) -> int:
        lines = build.code_lines(section[0].content)
        while lines and not lines[-1].strip():
            lines.pop()
        self.element.grow(lines)
        return build.first_line(section) + 1 + len(lines)

    def show(self, section: build.Tokens, *, final: bool) -> None:
        lines = build.code_lines(section[0].content)
        if final:
            self.element.grow(lines)
            self.element.closed = build.is_closed_fence(section[0])
        else:
            self.element.set_open_lines(lines)


class OpenTable(OpenLeaf):
    """A table; its head is the header and the line below."""

    LINES = 2

    def __init__(self, section: build.Tokens, head: Sequence[str], margin: Margin) -> None:
        super().__init__(section, head)
        self.element: TableElement = build.table_head(section, margin)

    def settle(self, section: build.Tokens) -> int:
        self.element.grow(build.table_rows(section))
        return section[0].map[1] if section[0].map else 0

    def show(self, section: build.Tokens, *, final: bool) -> None:
        rows = build.table_rows(section)
        if final:
            self.element.grow(rows)
        else:
            self.element.set_open_rows(rows)


_LEAVES: dict[str, type[OpenCode | OpenTable]] = {"fence": OpenCode, "table_open": OpenTable}


def leaf_kind(section: build.Tokens, lines: Sequence[str]) -> type[OpenCode | OpenTable] | None:
    """How ``section`` settles its lines; None when it does not. Tabs in its head are left alone: their width depends
    on where they stand."""
    kind = _LEAVES.get(section[0].type)
    if kind is None:
        return None
    first = build.first_line(section)
    return None if any("\t" in line for line in lines[first : first + kind.LINES]) else kind
