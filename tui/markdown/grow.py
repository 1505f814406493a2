"""The last block while it grows: what of it is final, and how the rest is parsed without it.

For each kind: ``head`` is text put before the rest so that the parser sees the right block (a table's header, a
fence's opening line), and ``add`` takes over the parts that are final.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from tui.markdown import blocks as build
from tui.markdown.elements import CodeElement
from tui.markdown.table import TableElement

if TYPE_CHECKING:
    from tui.markdown.document import Block

LONG = 400
"""Characters of an unfinished block above which its complete parts are settled."""


class Part(NamedTuple):
    """One block's tokens and the source lines their line numbers refer to."""

    section: build.Tokens
    lines: Sequence[str]


class Growing:
    """A block whose beginning is settled."""

    head = ""

    def __init__(self, part: Part, block: Block) -> None:
        self.block = block
        self.source = ""
        """The source of what is settled."""
        self._type = part.section[0].type
        self._markup = part.section[0].markup

    def continued_by(self, sections: Sequence[build.Tokens]) -> bool:
        """Do ``sections``, parsed behind the head, go on with this block?"""
        return not sections or (sections[0][0].type == self._type and sections[0][0].markup == self._markup)

    def add(self, part: Part, *, last: bool) -> int:
        """Settle the final parts of ``part``, all of it when it is the ``last`` there is. Returns the line on
        which what is not settled begins."""
        raise NotImplementedError

    def show(self, part: Part | None) -> None:
        """Show the rest, ``part``, behind what is settled."""
        raise NotImplementedError


class GrowingList(Growing):
    """A list: items are final when the next one has begun."""

    def __init__(self, part: Part, block: Block) -> None:
        super().__init__(part, block)
        self._opening = part.section[:1]
        self._count = 0
        self._gap = False

    def add(self, part: Part, *, last: bool) -> int:
        items = build.container_children(part.section)
        final = items if last else items[:-1]
        elements = build.build_items(self._opening, part.lines, final, self._count, gap=self._gap)
        self.block.elements[self.block.settled :] = elements
        self.block.settled = len(self.block.elements)
        self._count += len(final)
        if final:
            self._gap = build.blank_before(part.lines, items[-1])
        return build.first_line(items[-1])

    def show(self, part: Part | None) -> None:
        items = build.container_children(part.section) if part else []
        self.block.elements[self.block.settled :] = build.build_items(
            self._opening, part.lines if part else (), items, self._count, gap=self._gap
        )


class GrowingQuote(Growing):
    """A quote: its blocks are final when the next one has begun."""

    def __init__(self, part: Part, block: Block) -> None:
        super().__init__(part, block)
        self._gap = False

    def add(self, part: Part, *, last: bool) -> int:
        children = build.container_children(part.section)
        final = children if last else children[:-1]
        self.block.elements[self.block.settled :] = build.build_quoted(part.lines, final, gap=self._gap)
        self.block.settled = len(self.block.elements)
        if final:
            self._gap = build.blank_before(part.lines, children[-1])
        return build.first_line(children[-1] if children else part.section)

    def show(self, part: Part | None) -> None:
        children = build.container_children(part.section) if part else []
        self.block.elements[self.block.settled :] = build.build_quoted(
            part.lines if part else (), children, gap=self._gap
        )


class GrowingTable(Growing):
    """A table: complete rows are final. Its header and the line below are the head."""

    def __init__(self, part: Part, block: Block) -> None:
        super().__init__(part, block)
        first = build.first_line(part.section)
        self._head_from = part.lines[first : first + 2]
        self._taken = False
        self._table: TableElement = build.table_head(part.section)
        block.elements[:] = [self._table]
        block.settled = 0

    @property
    def head(self) -> str:  # pyright: ignore[reportIncompatibleVariableOverride] # computed here, constant elsewhere
        return "\n".join([*self._head_from, ""]) if self._taken else ""

    def add(self, part: Part, *, last: bool) -> int:
        self._table.grow(build.table_rows(part.section))
        self._taken = True
        if last:
            self.block.settled = 1
        token = part.section[0]
        return token.map[1] if token.map else 0

    def show(self, part: Part | None) -> None:
        self._table.set_open_rows(build.table_rows(part.section) if part else [])


class GrowingFence(Growing):
    """An open fence: complete lines are final. Its opening line is the head."""

    def __init__(self, part: Part, block: Block) -> None:
        super().__init__(part, block)
        token = part.section[0]
        self._opening = part.lines[build.first_line(part.section)]
        self._taken = False
        self._code = CodeElement(build.NO_MARGIN, build.language_of(token), (), closed=False)
        block.elements[:] = [self._code]
        block.settled = 0

    @property
    def head(self) -> str:  # pyright: ignore[reportIncompatibleVariableOverride] # computed here, constant elsewhere
        return f"{self._opening}\n" if self._taken else ""

    def add(self, part: Part, *, last: bool) -> int:
        token = part.section[0]
        self._code.grow(build.code_lines(token.content))
        self._code.closed = build.is_closed_fence(token)
        self._taken = True
        if last:
            self.block.settled = 1
        return token.map[1] if token.map else 0

    def show(self, part: Part | None) -> None:
        rest = build.code_lines(part.section[0].content) if part else []
        self._code.set_open_line(rest[-1] if rest else None)
        if part and build.is_closed_fence(part.section[0]):
            self._code.set_open_line(None)


_KINDS: dict[str, type[Growing]] = {
    "bullet_list_open": GrowingList,
    "ordered_list_open": GrowingList,
    "blockquote_open": GrowingQuote,
    "table_open": GrowingTable,
    "fence": GrowingFence,
}


def growing_kind(section: build.Tokens, size: int) -> type[Growing] | None:
    """How an unfinished block of ``size`` characters settles its parts; None when it does not."""
    if size < LONG or (section[0].type == "blockquote_open" and len(section) == 2):
        return None
    return _KINDS.get(section[0].type)
