"""A document's rows for one page: closed blocks are laid out once, the tail again whenever it changes."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from typing import NamedTuple

from tui.markdown.document import Block, Document
from tui.markdown.elements import CodeElement
from tui.markdown.ink import BLANK, Page, Row


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
        self._closed = 0  # closed blocks that are laid out for good
        self._closed_rows = 0
        self._generation = -1
        self.update()

    def update(self) -> int | None:
        """Lay out what changed; returns the first row that is another than before or was not there (the number of
        rows when some only went away), None when nothing changed."""
        document = self.document
        if document.generation != self._generation:
            self._generation = document.generation
            self._closed = self._closed_rows = 0
        base = self._closed_rows
        before = self.rows[base:]
        del self.rows[base:]
        del self._starts[self._closed :]
        blocks = document.blocks
        for index in range(self._closed, len(blocks)):
            self._append(blocks[index])
            blocks[index].forget()
        self._closed, self._closed_rows = len(blocks), len(self.rows)
        for block in document.tail:
            self._append(block)
        return self._first_difference(before, base)

    def _append(self, block: Block) -> None:
        rows = block.rows(self.page)
        if rows and self.rows:
            self.rows.append(BLANK)
        self._starts.append(len(self.rows))
        self.rows.extend(rows)

    def _first_difference(self, before: list[Row], base: int) -> int | None:
        rows = self.rows
        count = min(len(before), len(rows) - base)
        for index in range(count):
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
                if index < self._closed:
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
