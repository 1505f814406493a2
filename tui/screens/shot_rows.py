"""From messages to rows of a picture: the transcript's own parts, laid out for the picture's width."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from tui.markdown.ink import Page, Row
from tui.model.message import Message
from tui.screens.feed import TurnFeed
from tui.screens.shot_colours import Colours
from tui.shot.cells import Run
from tui.widgets.parts import PartView, ReasoningView
from tui.widgets.tool_call import ToolCallView

if TYPE_CHECKING:
    from tui.model.events import TurnFigures

GridRow = tuple[Run, ...]
INDENT = 1  # cells left of the text, as in the transcript


class _Collector:
    """Takes what a transcript would show."""

    def __init__(self) -> None:
        self.parts: list[PartView] = []

    def replace(self, parts: Sequence[PartView]) -> None:
        self.parts = list(parts)


def parts_of(
    messages: Sequence[Message], figures: Mapping[str, TurnFigures], *, thoughts: bool, details: bool
) -> list[PartView]:
    """The parts of a branch. ``thoughts`` and ``details`` of tool calls are unfolded or not."""
    collector = _Collector()
    TurnFeed(cast("Any", collector)).show(messages, figures)  # it asks no more of a transcript here than replace()
    for part in collector.parts:
        if isinstance(part, ReasoningView):
            part.open = thoughts
        elif isinstance(part, ToolCallView):
            part.open = details
    return collector.parts


def turns_of(messages: Sequence[Message]) -> list[list[Message]]:
    """The messages by turns: each begins with what the user said."""
    turns: list[list[Message]] = []
    for message in messages:
        if message.role == "system":
            continue
        if message.role == "user" or not turns:
            turns.append([])
        turns[-1].append(message)
    return turns


def rows_of(parts: Sequence[PartView], width: int, colours: Colours) -> list[GridRow]:
    """All rows of some parts, with the gaps between them; code in its colours."""
    page = Page(max(width - INDENT, 8))
    rows: list[GridRow] = []
    for part in parts:
        shown = part.rows(page)
        jobs = list(part.highlights())
        for job in jobs:
            while not job.step(1.0):
                pass
            part.painted(job)
        if jobs:
            shown = part.rows(page)
        rows += [()] * part.GAP
        rows += [grid_row(row, page, part.TONE, colours) for row in shown]
    return rows


def grid_row(row: Row, page: Page, tone: str, colours: Colours) -> GridRow:
    """A row of text as runs of a grid."""
    palette = colours.palette(tone)
    runs = [Run(" " * INDENT, colours.canvas)]
    runs += [Run(run.text, colours.ink(palette.style(run.style))) for run in row.runs]
    if row.fill:
        used = sum(page.cells(run.text) for run in row.runs)
        runs.append(Run(" " * max(page.width - used, 0), colours.ink(palette.style(row.fill))))
    return tuple(runs)
