"""Why a figure is what it is: the formula with its numbers, the course's rule of thumb, and why the two differ."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Static

from tui.i18n import _
from tui.i18n.figures import gib, part_name, source_name
from tui.model.memory import Figure
from tui.model.plan import Explanation
from tui.planner.cli import say
from tui.screens.dialog import Dialog, heading, note
from tui.widgets.literal import literal, one_line
from tui.widgets.memory_rows import figure_of, occupancy_text

if TYPE_CHECKING:
    from tui.model.monitor import CardState
    from tui.screens.seam import MemoryWatch


@dataclass(frozen=True, slots=True)
class Page:
    """What the dialog shows: a title, the figure with its source, the explanation, a tool's own lines."""

    title: str
    figure: str = ""
    explanation: Explanation | None = None
    about: str = ""
    raw: str = ""


def explain_part(memory: MemoryWatch, key: str, card: int) -> Page | None:
    """The page for a part of a card as it is now; None when there is nothing to explain."""
    state = memory.state
    shown = next((entry for entry in state.cards if entry.breakdown.card == card), None)
    if shown is None:
        return None
    if key == "raw":
        return Page(_("The card's own line"), raw=state.raw)
    title = _("GPU {index}: {part}").format(index=card, part=part_title(key))
    raw = state.raw if key == "total" else ""
    return Page(title, _figure(shown, key), memory.explain(key, card), _about(shown, key), raw)


def part_title(key: str) -> str:
    """A part's name as it is shown."""
    if key == "tokens":
        return _("tokens")
    if key == "occupancy":
        return _("kv cache in use")
    if key == "total":
        return _("total")
    return part_name(key)


def _figure(card: CardState, key: str) -> str:
    split = card.breakdown
    if key == "occupancy":
        return occupancy_text(split.occupancy) if split.occupancy is not None else _("unknown")
    figure = figure_of(split, key)
    if figure.bytes is None:
        return _("unknown")
    values = {"size": gib(figure.bytes), "margin": gib(figure.margin), "source": source_name(figure.source)}
    text = _("{size} ± {margin} GiB ({source})") if figure.margin else _("{size} GiB ({source})")
    return text.format(**values)


def _about(card: CardState, key: str) -> str:
    if key == "occupancy":
        return _("lmdeploy refreshes this figure every 10 seconds.")
    figure: Figure = figure_of(card.breakdown, key)
    return _(figure.explanation) if figure.explanation else ""


class ExplainScreen(Dialog[None]):
    """A page to read."""

    def __init__(self, page: Page) -> None:
        super().__init__()
        self._page = page

    def compose(self) -> ComposeResult:
        page = self._page
        with Vertical(classes="box"):
            yield heading(page.title)
            with VerticalScroll(classes="scroll"):
                yield Static(Content("\n").join(self._lines()), markup=False)
            yield note(_("Esc closes"))

    def on_mount(self) -> None:
        self.query_one(VerticalScroll).focus()

    def _lines(self) -> list[Content]:
        page = self._page
        lines: list[Content] = []
        if page.figure:
            lines += [literal(page.figure, "bold")]
        if page.explanation is not None:
            lines += self._sentences(page.explanation)
        if page.about:
            lines += [Content(""), Content.styled(page.about, "$text-muted")]
        if page.raw:
            lines += [Content(""), Content.styled(_("What the tool itself printed:"), "$text-muted")]
            lines += [literal(one_line(line, 300)) for line in page.raw.splitlines()[:20]]
        return lines

    def _sentences(self, explanation: Explanation) -> list[Content]:
        lines = [Content(""), literal(say(explanation.formula))]
        if explanation.rule_of_thumb is not None:
            lines += [
                Content(""),
                Content.styled(_("The course's rule of thumb:"), "$text-muted"),
                literal(say(explanation.rule_of_thumb)),
            ]
        if explanation.difference is not None:
            lines += (
                [Content(""), Content.styled(_("Why it differs:"), "$text-muted")]
                if (explanation.rule_of_thumb is not None)
                else [Content("")]
            )
            lines.append(literal(say(explanation.difference)))
        return lines
