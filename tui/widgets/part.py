"""What the transcript draws: a part of a conversation, which gives rows for a page and says when they changed.

A part is no widget. Thousands of parts cost little; only those in view are ever laid out.
"""

from __future__ import annotations

from collections.abc import Coroutine, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from textual.content import Content

from tui.markdown.ink import Link, Page, Row
from tui.widgets.part_rows import content_rows

if TYPE_CHECKING:
    from textual.strip import Strip

    from tui.markdown.highlight import HighlightJob
    from tui.markdown.layout import CodePlace


class Host(Protocol):
    """What a part needs of the transcript that shows it."""

    def part_changed(self, part: PartView, delay: float | None = None, *, grew: bool = False) -> None:
        """Draw the part again; ``delay``: in so many seconds, None: with the next frame. ``grew``: there is news."""
        ...


class Drawn:
    """Rows made from a ``picture`` for a page, and what the sheet asks of them."""

    GAP = 1  # empty rows above it

    def __init__(self) -> None:
        self._page: Page | None = None
        self._rows: Sequence[Row] = ()

    # what it looks like

    def picture(self) -> Content:
        """What the part looks like now."""
        return Content("")

    def rows(self, page: Page) -> Sequence[Row]:
        """Its rows on ``page``, without the gap above; the caller must not change them."""
        if page != self._page:
            self._rows, self._page = self.draw(page), page
        return self._rows

    def draw(self, page: Page) -> Sequence[Row]:
        """Make the rows."""
        return content_rows(self.picture(), page)

    # for the sheet

    def height(self, page: Page) -> int:
        return self.GAP + max(1, len(self.rows(page)))

    def estimate(self, page: Page) -> int:  # noqa: ARG002 (parts with text look at the width)
        return self.GAP + 1

    def line_of(self, page: Page, row: int) -> tuple[int, int]:
        """The line of text that a row belongs to, and the row within it."""
        rows = self.rows(page)[: max(0, row - self.GAP) + 1]
        lines = sum(1 for each in rows if each.joint is None)
        wrapped = 0
        for each in reversed(rows):
            if each.joint is None:
                break
            wrapped += 1
        return (-1, row) if row < self.GAP else (lines, wrapped)

    def row_of(self, page: Page, line: tuple[int, int]) -> int:
        if line[0] < 0:
            return line[1]
        lines = 0
        rows = self.rows(page)
        for index, row in enumerate(rows):
            lines += row.joint is None
            if lines == line[0]:
                wrapped = 0
                while wrapped < line[1] and index + 1 < len(rows) and rows[index + 1].joint is not None:
                    wrapped, index = wrapped + 1, index + 1  # noqa: PLW2901 (walks on within the line)
                return self.GAP + index
        return self.GAP + max(0, len(rows) - 1)


class PartView(Drawn):
    """Common to all parts: the message it belongs to, folding where it can fold, and rows made from ``picture``."""

    FOLDS = False
    NEWS = True  # counted when it arrives while the user reads further up
    SAID = False  # part of what somebody said: walking from message to message stops here
    TONE = ""  # the name of the colour of all its text

    def __init__(self, message_id: str, classes: str = "") -> None:
        super().__init__()
        self.message_id = message_id
        self.kind = classes
        self.open = False
        self.key = 0
        """Where it stands among all parts; given by the transcript, rising from top to bottom."""
        self.host: Host | None = None
        self.strips: dict[int, Strip] = {}
        """Rows that were drawn; the transcript's own."""
        self.growing = False
        """Whether more of it is being written."""
        self.hurries = False
        """Set while more of it is taken in at once: a frame for every step would only slow that down."""
        self.grew_above = False
        """Set when rows were added above those that were shown: the view holds on to the part's end, once."""

    @property
    def is_attached(self) -> bool:
        """Whether a transcript shows it."""
        return self.host is not None

    # how it changes

    def redraw(self) -> None:
        """What it looks like has changed."""
        self._page = None
        self.strips.clear()
        if self.host is not None:
            self.host.part_changed(self)

    def retranslate(self) -> None:
        self.redraw()

    def flush(self) -> int | None:
        """Take in what waits to be shown; the first row that changed, None for none."""
        self._page = None
        self.strips.clear()
        return 0

    def forget(self) -> None:
        """Drop what can be made again."""
        self._page, self._rows = None, ()
        self.strips.clear()

    def set_open(self, *, opened: bool) -> None:
        """Show or hide the details of a part that folds."""
        if self.FOLDS and opened != self.open:
            self.open = opened
            self.redraw()

    # what is in it

    @property
    def source(self) -> str:
        """Its text as it came: what search looks through and copying gives."""
        return self.picture().plain

    @property
    def searched(self) -> str:
        """What search looks through, whether it is folded or not."""
        return self.source

    def complete(self, page: Page) -> bool:  # noqa: ARG002 (long texts look at the page)
        """Make at once what is only sketched so far; True when its rows are others now."""
        return False

    def codes(self) -> list[CodePlace]:
        """Code blocks and their rows."""
        return []

    def link_at(self, row: int, column: int) -> Link | None:  # noqa: ARG002 (parts with Markdown have links)
        """The link under a cell."""
        return None

    def pressed_at(self, row: int, column: int) -> str:  # noqa: ARG002 (running tool calls can be cancelled)
        """The id of the tool call that a click on this cell cancels; empty for every other cell."""
        return ""

    def develop(self, page: Page) -> Coroutine[Any, Any, None] | None:  # noqa: ARG002 (pictures look at the page)
        """Work that is due now that it is in view, and that redraws it; None when there is none."""
        return None

    def highlights(self) -> Iterator[HighlightJob]:
        """Jobs that give code its colours."""
        return iter(())

    def painted(self, job: HighlightJob) -> range:  # noqa: ARG002 (parts with Markdown have code)
        """A job is done: the rows that have colours now."""
        return range(0)
