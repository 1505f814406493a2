"""A long paragraph while it grows: its beginning is settled where no later character can change what it means.

That is the case when every mark in it (emphasis, code, brackets, mathematics) has found its partner and the cut lies
between words: the rules of inline Markdown read from the left, so what is complete stays. The row the cut lies in is
filled again from its beginning.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from tui.markdown import blocks as build
from tui.markdown.elements import Element, TextElement, wrapped_rows
from tui.markdown.grow import Growing, Part
from tui.markdown.ink import Margin, Page, Row, Run, join_runs, plain, slice_runs
from tui.markdown.inline import inline_lines
from tui.markdown.lazy import lazy
from tui.markdown.wrap import IDEOGRAPHS, wrap

if TYPE_CHECKING:
    from markdown_it import MarkdownIt

    from tui.markdown.document import Block

LONG_LINE = 1200
"""Characters of an unfinished paragraph above which its beginning is settled."""
KEPT = 300
"""Characters at its end that are not settled."""

_SAFE_START = re.compile(r"(?!```|~~~|\$\$)[^\[\\|]")
_WIDE_LETTER = f"(?![\u3000-\u303f\uff00-\uffef])[{IDEOGRAPHS}]"
_CUT = lazy(f"(?<=[A-Za-z])(?= [A-Za-z])|(?<={_WIDE_LETTER})(?={_WIDE_LETTER})")
_MARKS = "*_~`[]<$\\|"
# A mark that may still open something. What a space follows opens no emphasis, nor does an underscore inside a word.
_UNPAIRED = re.compile(r"[*~](?!\s)|(?<!\w)_(?!\s)|[`\[\]$]")
_OPEN_ADDRESS = re.compile(r"<[^\s<>]*\Z")
_TRIES = 4


class LongText:
    """One line of text with a settled beginning."""

    def __init__(self) -> None:
        self._runs: list[Run] = []
        self._open: Sequence[Run] = ()
        self._page: Page | None = None
        self._rows: list[Row] = []
        self._carry: list[Run] = []  # what the row not yet settled begins with
        self._joint: str | None = None
        self._shown: list[Row] | None = None

    @property
    def last(self) -> str:
        """The last settled character."""
        return self._runs[-1].text[-1] if self._runs else ""

    def grow(self, runs: Sequence[Run]) -> None:
        """Settle more text."""
        _extend(self._runs, runs)
        _extend(self._carry, runs)
        self._shown = None

    def set_open(self, runs: Sequence[Run]) -> None:
        """Show ``runs`` behind what is settled."""
        self._open = runs
        self._shown = None

    def close(self) -> None:
        """What is shown is all there is."""
        self.grow(self._open)
        self._open = ()

    def all_runs(self) -> list[Run]:
        return join_runs([*self._runs, *self._open])

    def rows(self, page: Page) -> list[Row]:
        if page != self._page:
            self.forget()
            self._page = page
        if self._shown is None:
            self._shown = self._made(page)
        return self._shown

    def _made(self, page: Page) -> list[Row]:
        text = plain(self._carry)
        _, room = page.fit(())
        spans = wrap(text, room, page.wide_ambiguous)
        if len(spans) > 1:
            settled = wrapped_rows(self._carry, Margin(), page)
            self._rows.append(settled[0]._replace(joint=self._joint))
            self._rows.extend(settled[1:-1])
            start = spans[-1][0]
            self._joint = text[spans[-2][1] : start]
            self._carry = slice_runs(self._carry, start, len(text))
        rest = wrapped_rows(join_runs([*self._carry, *self._open]), Margin(), page)
        return [*self._rows, rest[0]._replace(joint=self._joint), *rest[1:]]

    def forget(self) -> None:
        self._page, self._rows, self._carry, self._joint = None, [], list(self._runs), None
        self._shown = None


def _extend(line: list[Run], runs: Sequence[Run]) -> None:
    """Add ``runs`` to a line whose runs are joined."""
    line[-1:] = join_runs([*line[-1:], *runs])


class GrowingParagraph(Growing):
    """A paragraph with a settled beginning. The character before the cut is its head: what follows a letter is never
    the beginning of a block."""

    def __init__(self, part: Part, block: Block) -> None:
        super().__init__(part, block)
        self._last_line = LongText()
        self._show_lines([])

    @property
    def head(self) -> str:  # pyright: ignore[reportIncompatibleVariableOverride] # computed here, constant elsewhere
        return self._last_line.last

    def settle(self, text: str, parser: MarkdownIt, env: dict[str, object]) -> str:
        """Settle as much of ``text``, the rest of the paragraph, as is final; returns what remains."""
        while len(text) > 2 * KEPT:
            cut, lines = self._first_lines(text, parser, env)
            if not cut:
                break
            self.source += text[:cut]
            for index, line in enumerate(lines):
                if index:
                    self._next_line()
                self._last_line.grow(line)
            text = text[cut:]
        return text

    def _first_lines(self, text: str, parser: MarkdownIt, env: dict[str, object]) -> tuple[int, list[list[Run]]]:
        """A place where ``text`` may be cut, and the lines before it; 0 for none. Where a mark has no partner, the
        cut goes before it."""
        before = min(len(text) - KEPT, 4 * KEPT)
        for _ in range(_TRIES):
            cut = _last_cut(text, before)
            if cut <= 0:
                break
            if (lines := self._lines_of(text[:cut], parser, env)) is not None:
                return cut, lines
            before = max(text.rfind(mark, 0, cut) for mark in _MARKS)
        return 0, []

    def _lines_of(self, text: str, parser: MarkdownIt, env: dict[str, object]) -> list[list[Run]] | None:
        """The lines of ``text``; None when a mark in it may still find its partner."""
        if "\\" in text or "|" in text.rpartition("\n")[2] or "\n\n" in text or _OPEN_ADDRESS.search(text):
            return None
        sections = list(build.sections(parser.parse(self.head + text, dict(env))))
        if len(sections) != 1 or sections[0][0].type != self._type:
            return None
        children = sections[0][1].children or []
        if any(token.type == "text" and _UNPAIRED.search(token.content) for token in children):
            return None
        return self._inline(sections[0])

    def _inline(self, section: build.Tokens) -> list[list[Run]]:
        """The lines of a paragraph parsed behind the head, without it."""
        children = section[1].children or []
        before = self.head
        if before and children:
            children[0].content = children[0].content[len(before) :]
        return inline_lines(children, before=before)

    def _next_line(self) -> None:
        self._last_line.set_open(())
        line = TextElement(Margin(), self._last_line.all_runs())
        self._last_line = LongText()
        self.block.elements[self.block.settled :] = [line, self._last_line]
        self.block.settled += 1

    def _show_lines(self, lines: Sequence[Sequence[Run]]) -> None:
        self._last_line.set_open(lines[0] if lines else ())
        others: list[Element] = [TextElement(Margin(), line) for line in lines[1:]]
        self.block.elements[self.block.settled :] = [self._last_line, *others]

    def add(self, part: Part, *, last: bool) -> int:
        if last:
            self._show_lines(self._inline(part.section))
            self._last_line.close()
            self.block.settled = len(self.block.elements)
        return build.first_line(part.section)

    def show(self, part: Part | None) -> None:
        self._show_lines(self._inline(part.section) if part else [])


def may_settle(section: build.Tokens, text: str) -> bool:
    """Is ``section``, which begins ``text``, a paragraph long enough, of which no later character can make a list, a
    table or another block?"""
    start = text.lstrip("\n")
    return (
        section[0].type == "paragraph_open"
        and len(start) > LONG_LINE
        and "|" not in start
        and _SAFE_START.match(start) is not None
    )


def _last_cut(text: str, before: int) -> int:
    """The last place up to ``before`` where the text may be cut; 0 for none."""
    last = 0
    for match in _CUT().finditer(text, max(0, before - 200), max(0, before)):
        last = match.end()
    return last
