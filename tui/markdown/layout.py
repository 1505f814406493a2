"""A document's rows for one page: closed blocks are laid out once, the tail again whenever it changes."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from typing import NamedTuple

from tui.markdown.document import Block, Document
from tui.markdown.elements import CodeElement
from tui.markdown.ink import BLANK, Page, Row

_CHUNK = 256


class CodePlace(NamedTuple):
    """A code block and where it stands: rows ``first`` to ``end`` (exclusive), its label included."""

    code: CodeElement
    first: int
    end: int


class Layout:
    """``rows`` of ``document`` on ``page``; call ``update`` after the document changed."""

    def __init__(self, document: Document, page: Page) -> None:
        self.document = document
        self.page = page
        self.rows: list[Row] = []
        self._starts: list[int] = []  # the first row of each block in document.all_blocks()
        self._laid: list[Block] = []  # closed blocks that are laid out for good, and the rows they end at
        self._ends: list[int] = []
        self._generation = -1
        self.update()

    def update(self) -> int | None:
        """Lay out what changed; returns the first row that is another than before or was not there (the number of
        rows when some only went away), None when nothing changed."""
        document = self.document
        others: dict[int, list[Row]] = {}
        if document.generation != self._generation:
            self._generation = document.generation
            others = self._take_back()
        base = self._ends[-1] if self._ends else 0
        before = self.rows[base:]
        del self.rows[base:]
        del self._starts[len(self._laid) :]
        for block in document.blocks[len(self._laid) :]:
            self._append(others.get(id(block)) or block.rows(self.page))
            block.forget()
            self._laid.append(block)
            self._ends.append(len(self.rows))
        for block in document.tail:
            self._append(block.rows(self.page))
        return self._first_difference(before, base)

    def _take_back(self) -> dict[int, list[Row]]:
        """Some closed blocks may be others now: lay out again from the first that is. Returns the rows of those below
        it, by the identity of their blocks, which live as long as the document or ``_laid`` has them."""
        pairs = zip(self._laid, self.document.blocks, strict=False)
        same = next((index for index, (mine, theirs) in enumerate(pairs) if mine is not theirs), len(self._laid))
        places = zip(self._laid[same:], self._starts[same:], self._ends[same:], strict=False)
        kept = set(map(id, self.document.blocks[same:]))
        rows = {id(block): self.rows[start:end] for block, start, end in places if id(block) in kept}
        del self._laid[same:], self._ends[same:]
        return rows

    def _append(self, rows: list[Row]) -> None:
        if rows and self.rows:
            self.rows.append(BLANK)
        self._starts.append(len(self.rows))
        self.rows.extend(rows)

    def _first_difference(self, before: list[Row], base: int) -> int | None:
        rows = self.rows
        count = min(len(before), len(rows) - base)
        first = 0
        while first + _CHUNK <= count and before[first : first + _CHUNK] == rows[base + first : base + first + _CHUNK]:
            first += _CHUNK  # rows that stayed are the same objects: a list finds that out many times faster
        for index in range(first, count):
            old, new = before[index], rows[base + index]
            if old is not new and old != new:
                return base + index
        return None if len(before) == len(rows) - base else base + count

    def repaint(self, code: CodeElement) -> tuple[int, int] | None:
        """A code block got its colours: replace its rows. Returns the rows ``first``, ``end`` that changed."""
        for index, block in enumerate(self.document.all_blocks()):
            if any(element is code for element in block.elements):
                block.forget()
                rows = block.rows(self.page)
                start = self._starts[index]
                self.rows[start : start + len(rows)] = rows
                if index < len(self._laid):
                    block.forget()
                return start, start + len(rows)
        return None

    def block_at(self, row: int) -> int | None:
        """The index (in ``document.all_blocks()``) of the block a row belongs to; a gap belongs to the block above."""
        index = bisect_right(self._starts, row) - 1
        return index if index >= 0 else None

    def source_of(self, first: int, last: int) -> str:
        """The Markdown source of the blocks that the rows ``first`` to ``last`` touch."""
        low, high = self.block_at(first), self.block_at(last)
        if low is None or high is None:
            return ""
        return "".join(block.source for block in self.document.all_blocks()[low : high + 1]).strip("\n")

    def codes(self) -> Iterator[CodePlace]:
        """All code blocks from top to bottom."""
        for index, block in enumerate(self.document.all_blocks()):
            row = self._starts[index]
            for element in block.elements:
                if isinstance(element, CodeElement):
                    first = row
                    row += len(element.rows(self.page))
                    element.forget()
                    yield CodePlace(element, first, row)
                else:
                    row += len(element.rows(self.page))
                    element.forget()
