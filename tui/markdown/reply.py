"""One Markdown text as a view needs it, without Textual: a document, its layouts, links, code, search, copying."""

from __future__ import annotations

from collections.abc import Iterator

from tui.markdown.copying import Place, selected_text
from tui.markdown.document import Document
from tui.markdown.elements import CodeElement
from tui.markdown.highlight import HighlightJob, wants_colours
from tui.markdown.ink import Link, Page, Row
from tui.markdown.layout import CodePlace, Layout
from tui.markdown.search import Match, find

_LAYOUTS = 2
"""Widths that are kept laid out: Textual asks for two when a scroll bar comes or goes."""
AT_ONCE = 1500
"""Characters to flush in one step of an event loop: some milliseconds. More only comes at once from a server that
answers in one piece."""


class Reply:
    """A text that may grow, and its rows for the current page."""

    def __init__(self, text: str = "", page: Page | None = None) -> None:
        self.document = Document(text)
        self.document.flush()
        self._layouts: dict[Page, Layout] = {}
        self.page = page or Page(80)
        self._plain_codes: list[CodeElement] = []  # of closed blocks, as far as they may get colours
        self._looked_at = (0, 0)  # the document's generation, and how many of its blocks that list knows

    @property
    def layout(self) -> Layout:
        """The layout for the current page, up to date with the document."""
        return self._layout(self.page)

    @property
    def rows(self) -> list[Row]:
        return self.layout.rows

    def row_count(self, page: Page) -> int:
        """How many rows the text takes on ``page``."""
        return len(self._layout(page).rows)

    def flush(self, limit: int | None = None) -> int | None:
        """Render what was fed to the document, at most ``limit`` characters of it (the rest stays ``waiting``: flush
        again soon); the first changed row of the current page, None for none."""
        layout = self.layout
        self.document.flush(limit)
        return self._changed(layout)

    @property
    def waiting(self) -> bool:
        """Is there text that was fed and not rendered yet?"""
        return self.document.waiting

    def finish(self, text: str | None = None) -> int | None:
        """The text is complete (``Document.finish``); the first changed row, None for none."""
        layout = self.layout
        self.document.finish(text)
        return self._changed(layout)

    def _changed(self, layout: Layout) -> int | None:
        self._layouts = {self.page: layout}
        return layout.update()

    def _layout(self, page: Page) -> Layout:
        layout = self._layouts.get(page)
        if layout is None:
            while len(self._layouts) >= _LAYOUTS:
                self._layouts.pop(next(key for key in self._layouts if key != self.page or len(self._layouts) == 1))
            layout = self._layouts[page] = Layout(self.document, page)
        return layout

    def codes(self) -> list[CodePlace]:
        """All code blocks with their rows."""
        return list(self.layout.codes())

    def links(self) -> list[Link]:
        """All links, from top to bottom."""
        links: list[Link] = []
        for row in self.rows:
            for run in row.runs:
                if run.link is not None and (not links or links[-1] is not run.link):
                    links.append(run.link)
        return links

    def link_at(self, row: int, column: int) -> Link | None:
        """The link under a cell (columns are cells here: a mouse's)."""
        if not 0 <= row < len(self.rows):
            return None
        for run in self.rows[row].runs:
            column -= self.page.cells(run.text)
            if column < 0:
                return run.link
        return None

    def find(self, needle: str, *, match_case: bool = False) -> list[Match]:
        """Places of ``needle`` in the rows."""
        return find(self.rows, needle, match_case=match_case)

    def text(self, start: Place = (0, 0), end: Place | None = None) -> str:
        """The text from ``start`` to ``end`` as it is copied."""
        return selected_text(self.rows, start, end)

    def markdown(self, start: Place = (0, 0), end: Place | None = None) -> str:
        """The original Markdown of the blocks from ``start`` to ``end``."""
        last = len(self.rows) - 1 if end is None else min(end[0], len(self.rows) - 1)
        return self.layout.source_of(start[0], last)

    def highlights(self) -> Iterator[HighlightJob]:
        """Jobs for code blocks that could have colours and have none; an unfinished block has none to get."""
        document = self.document
        generation, known = self._looked_at
        if generation != document.generation or known > len(document.blocks):
            self._plain_codes, known = [], 0
        codes = [code for block in document.blocks[known:] for code in block.codes()]
        self._looked_at = (document.generation, len(document.blocks))
        self._plain_codes = [code for code in self._plain_codes if not code.painted]
        self._plain_codes += [code for code in codes if wants_colours(code)]
        for code in self._plain_codes:
            yield HighlightJob(code)
        for block in document.tail:
            for code in block.codes():
                if code.closed and wants_colours(code):
                    yield HighlightJob(code)
