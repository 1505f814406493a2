"""What is in a picture and where: heading, memory beside or above the turns, evidence, footer. Needs no running app."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rich.cells import cell_len

from tui.i18n import _
from tui.model.memory import MemoryBreakdown
from tui.model.message import Message
from tui.model.monitor import CardState, MemoryState
from tui.screens.shot_colours import PRINT_THEME, Colours, find_theme
from tui.screens.shot_facts import ShotFacts, footer_items
from tui.screens.shot_rows import INDENT, GridRow, parts_of, rows_of, turns_of
from tui.shot.cells import Grid, Run
from tui.shot.pages import paginate, rows_of_page
from tui.widgets.cell_rows import Row, cut, folded
from tui.widgets.literal import one_line

if TYPE_CHECKING:
    from tui.model.events import TurnFigures

PANEL = 42
"""Cells of the memory panel beside the turns, as in the app."""
_BESIDE = 100  # cells that a picture needs for that
_NARROWEST, _WIDEST = 40, 400
_NOT_LONG = 70  # rows of a picture that has the panel beside the turns; in longer ones that column would stay empty


@dataclass(frozen=True, slots=True)
class ShotContent:
    """``messages`` of the chosen turns with their ``figures`` (by ``Message.turn``); ``cards``: the split of their
    moment; ``memory``: everything the panel shows now, where it is the present that is shown. ``evidence``: who said
    something, and the line, verbatim."""

    messages: Sequence[Message]
    title: str = ""
    figures: Mapping[str, TurnFigures] = field(default_factory=dict[str, "TurnFigures"])
    cards: Sequence[MemoryBreakdown] = ()
    memory: MemoryState | None = None
    evidence: Sequence[tuple[str, str]] = ()
    facts: ShotFacts = field(default_factory=ShotFacts)


@dataclass(frozen=True, slots=True)
class ShotLook:
    """How a picture looks. ``width`` in cells; ``scale`` 1 or 2; ``thoughts`` and ``details`` of calls unfolded;
    ``outlines``: an SVG's letters are shapes."""

    width: int = 120
    theme: str = PRINT_THEME
    scale: int = 2
    system_fonts: bool = False
    panel: bool = True
    footer: bool = True
    thoughts: bool = False
    details: bool = True
    outlines: bool = False


def compose(content: ShotContent, look: ShotLook) -> tuple[Grid, ...]:
    """The pages of the picture. May take seconds for a long conversation: call it in a thread.

    Raises ProblemError("shot.bad_theme")."""
    return _Composer(content, look).pages()


class _Composer:
    def __init__(self, content: ShotContent, look: ShotLook) -> None:
        self.content = content
        self.look = look
        self.width = min(max(look.width, _NARROWEST), _WIDEST)
        self.colours = Colours(find_theme(look.theme))

    def pages(self) -> tuple[Grid, ...]:
        beside = self.look.panel and self._state() is not None and self.width >= _BESIDE
        blocks = self._blocks(self.width - PANEL - 2 if beside else self.width)
        rows = sum(len(block) for block in blocks)
        most = rows_of_page(self.look.scale)
        panel = self._panel(PANEL - 1) if beside else []
        foot, head = self._foot(), self._head()
        if beside and max(rows, len(panel)) + len(head) + len(foot) <= min(most, _NOT_LONG):
            pages = [[*head, *self._side_by_side([row for block in blocks for row in block], panel), *foot]]
        else:
            above = self._panel(self.width - 2) if self.look.panel else []
            if above:
                head += [*[self._indented(row) for row in above], self._rule()]
            if beside:
                blocks = self._blocks(self.width)
            pages = paginate(head, blocks, foot, most - 1)
        count = len(pages)
        return tuple(self._grid(page, number, count) for number, page in enumerate(pages, 1))

    def _grid(self, rows: Sequence[GridRow], number: int, count: int) -> Grid:
        if count > 1:
            text = _("page {number} of {count}").format(number=number, count=count)
            rows = [*rows, self._text(text.rjust(self.width - INDENT), "muted")]
        canvas = self.colours.canvas
        return Grid(self.width, tuple(rows), canvas.foreground, canvas.background)

    # the turns

    def _blocks(self, width: int) -> list[list[GridRow]]:
        """The rows of each turn."""
        look = self.look
        return [
            rows_of(
                parts_of(turn, self.content.figures, thoughts=look.thoughts, details=look.details), width, self.colours
            )
            for turn in turns_of(self.content.messages)
        ]

    # the memory

    def _state(self) -> MemoryState | None:
        """What the panel shows: the present, or what is kept with the turn."""
        content = self.content
        if content.memory is not None:
            return content.memory
        if not content.cards:
            return None
        occupancy = content.cards[0].occupancy
        return MemoryState(
            time=content.cards[0].time,
            cards=tuple(CardState(card) for card in content.cards),
            source="simulated" if content.facts.simulated else "kept",
            occupancy=occupancy,
        )

    def _panel(self, width: int) -> list[GridRow]:
        from tui.widgets.memory_rows import panel_rows

        state = self._state()
        rows = list(panel_rows(state, width)) if state is not None else []
        while rows and not rows[-1].text.strip():
            rows.pop()
        return [self._row(row) for row in rows]

    def _side_by_side(self, left: Sequence[GridRow], right: Sequence[GridRow]) -> list[GridRow]:
        width = self.width - PANEL - 2
        line = self.colours.panel("muted")
        rows: list[GridRow] = []
        right = [(), *right]
        for number in range(max(len(left), len(right))):
            here = left[number] if number < len(left) else ()
            there = right[number] if number < len(right) else ()
            used = sum(cell_len(run.text) for run in here)
            gap = Run(" " * max(width - used, 0), self.colours.canvas)
            rows.append((*here, gap, Run("│", line), Run(" ", self.colours.canvas), *there))
        return rows

    # above and below

    def _head(self) -> list[GridRow]:
        if not self.content.title:
            return [()]
        title = Run(" " + one_line(self.content.title, self.width - 2), self.colours.panel("bold"))
        return [(), (title,), self._rule()]

    def _foot(self) -> list[GridRow]:
        rows = [row for who, line in self.content.evidence for row in self._evidence(who, line)]
        if self.look.footer:
            rows += [self._text(text, "muted") for text in self._footer_lines()]
        return [(), self._rule(), *rows, ()] if rows else [()]

    def _evidence(self, who: str, line: str) -> list[GridRow]:
        label = self._text(one_line(who, 80), "muted")
        lines = folded(line, self.width - 2 * INDENT - 2, indent="  ")
        return [label, *[self._indented(self._row(row)) for row in lines]]

    def _footer_lines(self) -> list[str]:
        """The facts, as many on a row as fit."""
        lines: list[str] = []
        room = self.width - 2 * INDENT
        for item in footer_items(self.content.facts):
            joined = f"{lines[-1]} · {item}" if lines else item
            if lines and cell_len(joined) <= room:
                lines[-1] = joined
            else:
                lines.append(item)
        return lines

    def _text(self, text: str, style: str) -> GridRow:
        pieces = cut([(text, style)], self.width - INDENT)
        return self._indented(self._row(Row(pieces)))

    def _row(self, row: Row) -> GridRow:
        return tuple(Run(text, self.colours.panel(style)) for text, style in row.pieces)

    def _indented(self, row: GridRow) -> GridRow:
        return (Run(" " * INDENT, self.colours.canvas), *row)

    def _rule(self) -> GridRow:
        return (Run("─" * self.width, self.colours.panel("muted")),)
