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
        self._code.set_open_lines(() if part and build.is_closed_fence(part.section[0]) else rest[-1:])
