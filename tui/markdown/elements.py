"""What blocks are made of, each laid out into rows by itself: lines of text, code, rules, gaps.

An element keeps the rows of the page it was last laid out for; an element that can grow (code, a table, a long
paragraph) keeps what is settled and lays out only its end again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from tui.markdown.clean import clean_line
from tui.markdown.ink import Margin, Page, Row, Run, RunCutter, plain
from tui.markdown.wrap import fold, wrap

TAB = 4


class Element(Protocol):
    """A piece of a block."""

    def rows(self, page: Page) -> list[Row]:
        """The rows on ``page``; the caller may keep the list but not change it."""
        ...

    def forget(self) -> None:
        """Drop cached rows (they are kept by the layout)."""
        ...


class TextElement:
    """One line of the text (a paragraph, a heading, one line of either), wrapped."""

    __slots__ = ("_cached", "_page", "margin", "runs")

    def __init__(self, margin: Margin, runs: Sequence[Run]) -> None:
        self.margin = margin
        self.runs = tuple(runs)
        self._page: Page | None = None
        self._cached: list[Row] = []

    def rows(self, page: Page) -> list[Row]:
        if self._page != page:
            self._cached = wrapped_rows(self.runs, self.margin, page)
            self._page = page
        return self._cached

    def forget(self) -> None:
        self._page, self._cached = None, []


def wrapped_rows(runs: Sequence[Run], margin: Margin, page: Page) -> list[Row]:
    """``runs`` wrapped beside ``margin``."""
    first, room = page.fit(margin.first)
    text = plain(runs)
    spans = wrap(text, room, page.wide_ambiguous)
    if len(spans) == 1:
        body = runs if spans[0] == (0, len(text)) else RunCutter(runs).take(*spans[0])
        return [Row((*first, *body), None, _size(first), margin.copy)]
    rest, _ = page.fit(margin.rest)
    cutter = RunCutter(runs)
    size, rest_size = _size(first), _size(rest)
    rows = [Row((*first, *cutter.take(*spans[0])), None, size, margin.copy)]
    before = spans[0][1]
    for start, end in spans[1:]:
        rows.append(Row((*rest, *cutter.take(start, end)), text[before:start], rest_size, margin.copy_rest))
        before = end
    return rows


def _size(runs: Sequence[Run]) -> int:
    return sum(len(run.text) for run in runs)


class CodeElement:
    """A code block. While its end has not come it is plain; ``paint`` gives it colours."""

    def __init__(self, margin: Margin, language: str, lines: Sequence[str], *, closed: bool) -> None:
        self.margin = margin
        self.language = language
        self.closed = closed
        self._lines = list(lines)
        self._open_lines: Sequence[str] = ()
        self._painted: list[list[Run]] | None = None
        self._page: Page | None = None
        self._settled: list[Row] = []
        self._settled_lines = 0

    @property
    def code(self) -> str:
        """The code as it was written, without its fence."""
        return "\n".join([*self._lines, *self._open_lines])

    @property
    def painted(self) -> bool:
        return self._painted is not None

    def grow(self, lines: Sequence[str]) -> None:
        """Add complete lines at the end."""
        self._lines.extend(lines)
        self._open_lines = ()

    def set_open_lines(self, lines: Sequence[str]) -> None:
        """Show ``lines``, which may still change, as the last ones."""
        self._open_lines = lines

    def paint(self, lines: list[list[Run]]) -> None:
        """Show ``lines`` (runs of the same text) instead of plain ones."""
        if len(lines) == len(self._lines):
            self._painted = lines
            self.forget()

    def rows(self, page: Page) -> list[Row]:
        if self._page != page:
            self.forget()
            self._page = page
            if self.language:
                self._settled.append(self._label(page))
        for index in range(self._settled_lines, len(self._lines)):
            painted = self._painted[index] if self._painted is not None else None
            self._settled.extend(self._line_rows(self._lines[index], painted, page, first=index == 0))
        self._settled_lines = len(self._lines)
        rows = self._settled
        for index, line in enumerate(self._open_lines or (() if self._lines or self.language else ("",))):
            rows = rows + self._line_rows(line, None, page, first=not self._lines and index == 0)
        return rows

    def forget(self) -> None:
        self._page, self._settled, self._settled_lines = None, [], 0

    def _label(self, page: Page) -> Row:
        margin, room = page.fit(self.margin.first)
        start, end = fold(f" {self.language}", room, page.wide_ambiguous)[0]
        label = Run(f" {self.language}"[start:end], "code-label")
        return Row((*margin, label), lead=_size(margin), drawn=True, fill="code-block")

    def _line_rows(self, line: str, painted: list[Run] | None, page: Page, *, first: bool) -> list[Row]:
        margin, room = page.fit(self.margin.first if first and not self.language else self.margin.rest)
        runs = painted if painted is not None else [Run(shown_code(line), "code-block")]
        text = plain(runs)
        lead = (*margin, Run(" ", "code-block")) if room > 3 else margin
        size = _size(lead)
        cutter = RunCutter(runs)
        rows: list[Row] = []
        for start, end in fold(text, room - 1 if room > 3 else room, page.wide_ambiguous):
            joint = "" if rows else None
            rows.append(Row((*lead, *cutter.take(start, end)), joint, size, "", fill="code-block"))
        return rows


def shown_code(line: str) -> str:
    """A line of code as it is shown: cleaned, tabs expanded."""
    return clean_line(line).expandtabs(TAB)


class RuleElement:
    """A horizontal rule over the whole width."""

    __slots__ = ("margin",)

    def __init__(self, margin: Margin) -> None:
        self.margin = margin

    def rows(self, page: Page) -> list[Row]:
        margin, room = page.fit(self.margin.first)
        return [Row((*margin, Run(page.drawn("─") * room, "rule")), lead=_size(margin), copy=f"{self.margin.copy}---")]

    def forget(self) -> None:
        pass


class GapElement:
    """An empty row inside a container."""

    __slots__ = ("margin",)

    def __init__(self, margin: Margin) -> None:
        self.margin = margin

    def rows(self, page: Page) -> list[Row]:
        margin, _ = page.fit(self.margin.rest)
        return [Row(margin, lead=_size(margin), lead_copy=self.margin.copy_rest.rstrip())]

    def forget(self) -> None:
        pass
