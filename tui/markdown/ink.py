"""What text becomes before it is drawn: runs with symbolic styles, links, rows, and the page they are laid out for.

Styles are names joined by spaces (``"strong link"``); only ``palette`` knows colours, so rows are the same in every
theme and are cached without it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from tui.markdown.cells import width


@dataclass(frozen=True, slots=True)
class Link:
    """An address (cleaned, as it will be opened and shown) and the text it stands under."""

    address: str
    text: str = ""

    @property
    def openable(self) -> bool:
        """Only web addresses are ever opened."""
        return self.address.lower().startswith(("http://", "https://"))


class Run(NamedTuple):
    """Text of one style. ``style``: names joined by spaces."""

    text: str
    style: str = ""
    link: Link | None = None


class Row(NamedTuple):
    """One row of the screen.

    ``lead`` characters at its start are decoration (markers, indents, bars); copying gives ``lead_copy`` for them when
    the row begins a line. ``joint`` is the text that wrapping took away between this row and the one above, None when
    a line ends there. ``copy`` replaces the whole row when it is copied among others; ``drawn`` rows are not copied.
    ``fill`` styles the cells after the text.
    """

    runs: tuple[Run, ...]
    joint: str | None = None
    lead: int = 0
    lead_copy: str = ""
    copy: str | None = None
    drawn: bool = False
    fill: str = ""

    @property
    def text(self) -> str:
        return "".join([run.text for run in self.runs])


BLANK = Row(())


class Margin(NamedTuple):
    """What stands before the text of an element: on its first row, on the others, and what copying gives for both.
    Margins are our own glyphs, one cell each."""

    first: tuple[Run, ...] = ()
    rest: tuple[Run, ...] = ()
    copy: str = ""
    copy_rest: str = ""

    def plus(self, first: Run, rest: Run, copy: str, copy_rest: str) -> Margin:
        """This margin with another container inside it."""
        return Margin((*self.first, first), (*self.rest, rest), self.copy + copy, self.copy_rest + copy_rest)

    def after_first(self) -> Margin:
        """The margin of what follows the first element of a container."""
        return Margin(self.rest, self.rest, self.copy_rest, self.copy_rest)


LEAST_TEXT = 8
"""Cells that a margin leaves to the text on pages wide enough for both."""


_ASCII = str.maketrans("•◦▪▌│─┼☐☑", "*o-||-+_x")


class Page(NamedTuple):
    """What a layout depends on: the width in cells and how ambiguous characters count."""

    width: int
    wide_ambiguous: bool = False

    def cells(self, text: str) -> int:
        return width(text, self.wide_ambiguous)

    def drawn(self, text: str) -> str:
        """Our own glyphs as they are drawn here: ASCII where lines and bullets might take two cells."""
        return text.translate(_ASCII) if self.wide_ambiguous else text

    def fit(self, margin: tuple[Run, ...]) -> tuple[tuple[Run, ...], int]:
        """``margin`` cut so that text has room beside it, and the cells left."""
        size = sum(len(run.text) for run in margin)
        allowed = max(0, self.width - min(self.width, LEAST_TEXT))
        if size > allowed:
            margin, size = tuple(slice_runs(margin, 0, allowed)), allowed
        if self.wide_ambiguous:
            margin = tuple([Run(self.drawn(run.text), run.style, run.link) for run in margin])
        return margin, max(2, self.width - size)


def slice_runs(runs: Sequence[Run], start: int, end: int) -> list[Run]:
    """The characters ``start`` to ``end`` of ``runs``."""
    taken: list[Run] = []
    position = 0
    for run in runs:
        if position >= end:
            break
        after = position + len(run.text)
        if after > start:
            text = run.text[max(0, start - position) : end - position]
            if text:
                taken.append(run if len(text) == len(run.text) else Run(text, run.style, run.link))
        position = after
    return taken


class RunCutter:
    """Cuts one sequence of runs at rising positions, in one pass over them."""

    def __init__(self, runs: Iterable[Run]) -> None:
        self._runs = iter(runs)
        self._run: Run | None = next(self._runs, None)
        self._position = 0

    def take(self, start: int, end: int) -> list[Run]:
        """Characters ``start`` to ``end``; ``start`` must not lie before an earlier ``end``."""
        taken: list[Run] = []
        while self._run is not None and self._position < end:
            text, style, link = self._run
            after = self._position + len(text)
            if after > start:
                low, high = max(0, start - self._position), end - self._position
                if low == 0 and high >= len(text):
                    taken.append(self._run)
                else:
                    taken.append(Run(text[low:high], style, link))
            if after > end:
                break
            self._position = after
            self._run = next(self._runs, None)
        return taken


def join_runs(runs: Iterable[Run]) -> list[Run]:
    """``runs`` with neighbours of one style and link made one, empty ones left out."""
    joined: list[Run] = []
    for run in runs:
        if not run.text:
            continue
        if joined and joined[-1].style == run.style and joined[-1].link is run.link:
            joined[-1] = Run(joined[-1].text + run.text, run.style, run.link)
        else:
            joined.append(run)
    return joined


def plain(runs: Iterable[Run]) -> str:
    return "".join([run.text for run in runs])
