"""Tables → rows: as wide as they need, shrunk with wrapped cells, or one record per row when too narrow for that."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from tui.markdown.elements import wrapped_rows
from tui.markdown.ink import BLANK, Margin, Page, Row, Run, RunCutter, plain
from tui.markdown.lazy import lazy
from tui.markdown.wrap import CLOSING, IDEOGRAPHS, wrap

_WORDS = lazy(f"[^\\s{IDEOGRAPHS}{CLOSING}]+")
_LEAST_CAP = 14
_SEPARATOR = " │ "
_STEADY = 3  # rows; in a longer table the row that is being written widens no column before it is complete


class Cell:
    """A cell's lines (``<br>`` makes several) and, for a page, how wide it wants and needs to be."""

    __slots__ = ("_least", "_natural", "_pieces", "_wide", "lines")

    def __init__(self, lines: list[list[Run]]) -> None:
        self.lines = lines
        self._wide: bool | None = None
        self._natural = self._least = 0
        self._pieces: tuple[int, list[tuple[list[Run], int]]] = (-1, [])

    @property
    def text(self) -> str:
        return " ".join(plain(line) for line in self.lines)

    def measure(self, page: Page) -> tuple[int, int]:
        """Cells without wrapping, and cells of the longest word (up to a cap)."""
        if self._wide != page.wide_ambiguous:
            texts = [plain(line) for line in self.lines]
            self._natural = max(map(page.cells, texts))
            words = [page.cells(word) for text in texts for word in _WORDS().findall(text)]
            self._least = min(max(words, default=2), _LEAST_CAP)
            self._wide, self._pieces = page.wide_ambiguous, (-1, [])
        return self._natural, self._least

    def pieces(self, width: int, page: Page) -> list[tuple[list[Run], int]]:
        """The cell wrapped to ``width``: runs and their cells, row by row."""
        if self._pieces[0] != width or self._wide != page.wide_ambiguous:
            self.measure(page)
            pieces: list[tuple[list[Run], int]] = []
            for line in self.lines:
                text = plain(line)
                cutter = RunCutter(line)
                for start, end in wrap(text, max(2, width), page.wide_ambiguous):
                    pieces.append((cutter.take(start, end), page.cells(text[start:end])))
            self._pieces = (width, pieces)
        return self._pieces[1]


class _Shape(NamedTuple):
    """Column widths and whether rows need lines between them; no widths: records."""

    widths: tuple[int, ...]
    ruled: bool


class TableElement:
    """A table that may grow by rows."""

    def __init__(self, margin: Margin, header: Sequence[Cell], aligns: Sequence[str]) -> None:
        self.margin = margin
        self.header = list(header)
        self.aligns = list(aligns)
        self._settled: list[Sequence[Cell]] = []
        self._open: list[Sequence[Cell]] = []
        self._page: Page | None = None
        self._shape: _Shape | None = None
        self._rows: list[Row] = []
        self._built = 0
        self._natural: list[int] = []
        self._least: list[int] = []
        self._measured = 0

    @property
    def row_count(self) -> int:
        """Body rows."""
        return len(self._settled) + len(self._open)

    def grow(self, rows: Sequence[Sequence[Cell]]) -> None:
        """Add complete rows at the end."""
        self._settled.extend(rows)
        self._open = []

    def set_open_rows(self, rows: Sequence[Sequence[Cell]]) -> None:
        """Show ``rows``, which may still change, as the last ones."""
        self._open = list(rows)

    def rows(self, page: Page) -> list[Row]:
        shape = self._current_shape(page)
        if page != self._page or shape != self._shape:
            self._page, self._shape = page, shape
            self._built = 0
            self._rows = self._head(page, shape)
        for index in range(self._built, len(self._settled)):
            self._rows.extend(self._body(self._settled[index], page, shape, first=index == 0))
        self._built = len(self._settled)
        if not self._open:
            return self._rows
        rows = list(self._rows)
        for index, row in enumerate(self._open):
            rows.extend(self._body(row, page, shape, first=self._built + index == 0))
        return rows

    def forget(self) -> None:
        self._page, self._shape, self._rows, self._built = None, None, [], 0

    def _current_shape(self, page: Page) -> _Shape:
        _, room = page.fit(self.margin.rest)
        if self._page is None or page.wide_ambiguous != self._page.wide_ambiguous:
            self._measured = 0
            self._natural, self._least = [1] * len(self.aligns), [1] * len(self.aligns)
            _widen(self._natural, self._least, self.header, page)
        for row in self._settled[self._measured :]:
            _widen(self._natural, self._least, row, page)
        self._measured = len(self._settled)
        natural, least = list(self._natural), list(self._least)
        for row in self._open if len(self._settled) <= _STEADY else ():
            _widen(natural, least, row, page)
        room -= len(_SEPARATOR) * (len(natural) - 1)
        if sum(natural) <= room:
            return _Shape(tuple(natural), ruled=False)
        return _Shape(_shrunk(natural, least, room), ruled=True)

    def _head(self, page: Page, shape: _Shape) -> list[Row]:
        if not shape.widths:
            return [] if self.row_count else self._record(self.header, page, first=True)
        rows = self._cells(self.header, page, shape, self.margin)
        marks = {"left": ":--", "center": ":-:", "right": "--:"}
        copy = f"{self.margin.copy_rest}| {' | '.join(marks.get(align, '---') for align in self.aligns)} |"
        rows.append(self._line("─┼─", page, shape)._replace(copy=copy, drawn=False))
        return rows

    def _body(self, row: Sequence[Cell], page: Page, shape: _Shape, *, first: bool) -> list[Row]:
        if not shape.widths:
            return self._record(row, page, first=first)
        rows = self._cells(row, page, shape, self.margin.after_first())
        if shape.ruled and not first:
            rows.insert(0, self._line("─┼─", page, shape))
        return rows

    def _line(self, cross: str, page: Page, shape: _Shape) -> Row:
        margin, _ = page.fit(self.margin.rest)
        line = cross.join("─" * width for width in shape.widths)
        return Row((*margin, Run(page.drawn(line), "border")), lead=sum(len(run.text) for run in margin), drawn=True)

    def _cells(self, cells: Sequence[Cell], page: Page, shape: _Shape, margin: Margin) -> list[Row]:
        lead, _ = page.fit(margin.first)
        columns = [cell.pieces(width, page) for cell, width in zip(cells, shape.widths, strict=True)]
        size = sum(len(run.text) for run in lead)
        rows: list[Row] = []
        for index in range(max(map(len, columns))):
            runs: list[Run] = list(lead)
            last = len(columns) - 1
            for column, (pieces, width) in enumerate(zip(columns, shape.widths, strict=True)):
                body, cells_used = pieces[index] if index < len(pieces) else ([], 0)
                left, right = _padding(self.aligns[column], width - cells_used)
                if left:
                    runs.append(Run(" " * left))
                runs.extend(body)
                if column < last:
                    runs.append(Run(" " * right + page.drawn(_SEPARATOR), "border"))
            rows.append(Row(tuple(runs), lead=size, drawn=index > 0))
            lead, _ = page.fit(margin.rest)
        copied = " | ".join(cell.text.replace("|", "\\|") for cell in cells)
        rows[0] = rows[0]._replace(copy=f"{margin.copy}| {copied} |")
        return rows

    def _record(self, row: Sequence[Cell], page: Page, *, first: bool) -> list[Row]:
        """One row of the table as lines of ``header: value``."""
        margin = self.margin if first else self.margin.after_first()
        rows: list[Row] = [] if first else [self._gap(page)]
        for name, cell in zip(self.header, row, strict=True):
            title = [run for line in name.lines for run in line]
            value = [[Run("")]] if cell is name else cell.lines
            for index, line in enumerate(value):
                lead = [*title, Run(": " if title and cell is not name else "", "th")] if index == 0 else [Run("  ")]
                rows.extend(wrapped_rows([*lead, *line], margin, page))
                margin = self.margin.after_first()
        return rows or [BLANK]

    def _gap(self, page: Page) -> Row:
        margin, _ = page.fit(self.margin.rest)
        return Row(margin, lead=sum(len(run.text) for run in margin))


def _widen(natural: list[int], least: list[int], row: Sequence[Cell], page: Page) -> None:
    for column, cell in enumerate(row):
        wants, needs = cell.measure(page)
        natural[column] = max(natural[column], wants)
        least[column] = max(least[column], needs)


def _shrunk(natural: Sequence[int], least: Sequence[int], room: int) -> tuple[int, ...]:
    """Widths that fit ``room``: the widest columns give way first, none below its longest word; () when impossible."""
    least = [min(need, want) for need, want in zip(least, natural, strict=True)]
    if sum(least) > room:
        return ()
    low, high = 1, max(natural)
    while low < high:
        cap = (low + high + 1) // 2
        if sum(max(need, min(want, cap)) for need, want in zip(least, natural, strict=True)) <= room:
            low = cap
        else:
            high = cap - 1
    widths = [max(need, min(want, low)) for need, want in zip(least, natural, strict=True)]
    spare = room - sum(widths)
    for column, want in enumerate(natural):
        if spare > 0 and widths[column] < want:
            widths[column] += 1
            spare -= 1
    return tuple(widths)


def _padding(align: str, spare: int) -> tuple[int, int]:
    if align == "right":
        return spare, 0
    if align == "center":
        return spare // 2, spare - spare // 2
    return 0, spare
