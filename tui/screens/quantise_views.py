"""What the quantise screen shows: what it will make, the progress by stage, cards, and what it made."""

from __future__ import annotations

import shlex
from collections import deque
from dataclasses import dataclass, field

from tui.i18n import N_, _
from tui.i18n.figures import gib
from tui.i18n.problems import explain
from tui.launch.quantise import QuantisePrepared, gained
from tui.launch.quantise_cli import STAGE_NAMES, clock, report_text
from tui.launch.show import fill
from tui.launch.starting import Spawned
from tui.lmdeploy.awq import quantised
from tui.lmdeploy.checkpoint import weights_per_card
from tui.model.launch import (
    Diagnosis,
    LaunchLines,
    LaunchQuestion,
    QuantiseEvent,
    QuantiseProgress,
    QuantiseReport,
    QuantiseStage,
)
from tui.model.problem import Problem
from tui.screens.launch_views import card_rows, question_rows
from tui.widgets.cell_rows import Row, cut, folded, pad, right
from tui.widgets.literal import one_line
from tui.widgets.row_view import RowView

_BAR = 30
_ORDER = tuple(QuantiseStage)


@dataclass(slots=True)
class QuantiseState:
    """Everything shown; the screen changes it and lets the view redraw. ``known`` are the quantisations of this
    machine that go on or ended, the newest first."""

    prepared: QuantisePrepared | None = None
    problem: Problem | None = None
    checking: bool = True
    known: tuple[Spawned, ...] = ()
    started: bool = False
    model: str = ""
    progress: QuantiseProgress | None = None
    reached: dict[QuantiseStage, float] = field(default_factory=dict[QuantiseStage, float])
    question: str = ""
    cards: list[Diagnosis] = field(default_factory=list[Diagnosis])
    lines: deque[str] = field(default_factory=lambda: deque[str](maxlen=6))
    report: QuantiseReport | None = None
    lost: Problem | None = None

    def begin(self, model: str) -> None:
        """A quantisation begins, or is shown again: forget the one before."""
        self.started, self.model, self.problem, self.lost = True, model, None, None
        self.progress, self.question, self.report = None, "", None
        self.reached, self.cards = {}, []
        self.lines.clear()

    def take(self, event: QuantiseEvent) -> None:
        match event:
            case QuantiseProgress():
                self.progress = event
                self.reached.setdefault(event.stage, event.at)
            case LaunchLines(_at, lines):
                self.lines.extend(lines)
                self.question = ""
            case LaunchQuestion(_at, text):
                self.question = text
            case Diagnosis():
                self.cards.append(event)
            case QuantiseReport():
                self.report = event


class QuantiseView(RowView):
    """The rows of a :class:`QuantiseState`; a row with a key is a button."""

    def __init__(self, state: QuantiseState, *, id: str | None = None) -> None:  # noqa: A002 (Textual's name)
        super().__init__(id=id)
        self.state = state

    def make_rows(self, width: int) -> list[Row]:
        state = self.state
        rows = _progress_rows(state, width) if state.started else _plan_rows(state, width)
        rows += card_rows(state.cards, width)
        if state.known and not state.started:
            rows += [Row(), Row(((_("quantisations on this machine"), "muted"),))]
            rows += [_known_row(entry, width) for entry in state.known]
        return rows


def _button(text: str, key: str, width: int) -> Row:
    return Row(cut([(f"  [{one_line(text, 200)}]", "accent")], width), key)


def _plan_rows(state: QuantiseState, width: int) -> list[Row]:
    """What it will make and need."""
    rows: list[Row] = []
    if state.problem is not None:
        rows += folded(one_line(explain(state.problem).text, 800), width, "error")
        free = str(state.problem.data.get("free", ""))
        if state.problem.code == "quantise.work-dir":
            rows += (
                [_button(fill(N_("Use {folder}"), folder=free.rsplit("/", 1)[-1]), "use-free", width)] if free else []
            )
            rows.append(_button(_("Write into it even so"), "overwrite", width))
        return rows
    prepared = state.prepared
    if prepared is None:
        text = _("Looking at the machine …") if state.checking else _("Name a 16-bit model, or press F2.")
        return [Row(((text, "muted"),))]
    version = str(prepared.version) if prepared.version else "?"
    rows.append(Row(cut([("lmdeploy ", "muted"), (version, "bold")], width)))
    rows += _sizes(prepared, width)
    rows.append(Row(cut([(pad(_("work folder"), 14), "muted"), (one_line(prepared.work_dir, 300), "")], width)))
    needed = fill(
        N_("{after} GiB are needed there, {free} GiB are free"),
        after=gib(prepared.disk_after),
        free=gib(prepared.disk_free),
    )
    rows.append(Row(cut([(pad(_("disk"), 14), "muted"), (needed, "")], width)))
    for notice in prepared.notices:
        rows += folded(one_line(explain(notice).text, 600), width, "warning")
    rows += [Row(), Row(((_("command"), "muted"),))]
    return rows + folded(one_line(shlex.join(prepared.argv), 2000), width, "accent")


def _sizes(prepared: QuantisePrepared, width: int) -> list[Row]:
    """What is gained: on the card, and in tokens."""
    before = weights_per_card(prepared.config, prepared.checkpoint)
    after = weights_per_card(*quantised(prepared.config, prepared.checkpoint, prepared.group))
    figures = [(_("weights"), f"{right(gib(before), 8)} → {gib(after)} GiB", "weights")]
    tokens = gained(prepared)
    if tokens[0] is not None and tokens[1] is not None:
        text = fill(N_("{before} → {after} tokens"), before=f"{tokens[0]:,}", after=f"{tokens[1]:,}")
        figures.append((_("kv cache"), "  " + text, "kv"))
    return [Row(cut([(pad(label, 14), style), (text, "")], width)) for label, text, style in figures]


def _progress_rows(state: QuantiseState, width: int) -> list[Row]:
    """Stage by stage, the bar over all of them, the last lines; then the report."""
    rows = [Row(cut([(one_line(state.model, 200), "bold")], width))]
    progress = state.progress
    rows += [_stage_row(stage, state, width) for stage in _ORDER[:-1]]
    if progress is not None and state.report is None:
        cells = min(_BAR, max(width - 22, 8))
        filled = round(progress.fraction * cells)
        left = "" if progress.left is None else "  " + fill(N_("{time} left"), time=clock(progress.left))
        bar = [("█" * filled, "accent"), ("·" * (cells - filled), "free"), (f" {progress.fraction:4.0%}{left}", "bold")]
        rows += [Row(), Row(cut(bar, width))]
    if state.question:
        rows += [Row(), *question_rows(state.question, width)]
    if state.report is not None:
        rows += [Row(), *_report_rows(state.report, width)]
    elif state.lost is not None:
        rows += [Row(), *folded(one_line(explain(state.lost).text, 600), width, "error")]
        rows.append(_button(_("Look again"), "again", width))
    elif not any(card.fatal for card in state.cards):
        rows += [Row(), *(Row(cut([(one_line(line, 300), "muted")], width)) for line in state.lines)]
    return rows


def _stage_row(stage: QuantiseStage, state: QuantiseState, width: int) -> Row:
    progress = state.progress
    at = state.reached.get(stage)
    now = progress.stage if progress is not None else QuantiseStage.LOADING
    if stage is now:
        mark, style = "▸", "accent"
    elif _ORDER.index(stage) < _ORDER.index(now):
        mark, style = "✓", "success"
    else:
        mark, style = "·", "muted"
    counted = f"  {progress.done}/{progress.of}" if progress is not None and stage is now and progress.of else ""
    when = "" if at is None else f"{at:7.1f} s"
    return Row(
        cut(
            [
                (mark + " ", style),
                (pad(_(STAGE_NAMES[stage]), min(26, max(width - 22, 12))), ""),
                (when + counted, "muted"),
            ],
            width,
        )
    )


def _report_rows(report: QuantiseReport, width: int) -> list[Row]:
    rows = [row for line in report_text(report).splitlines() for row in folded(one_line(line, 400), width, "success")]
    return [*rows, _button(_("Start it"), "start-it", width)]


def _known_row(entry: Spawned, width: int) -> Row:
    name = str(entry.notes.get("model", "")).rstrip("/").rsplit("/", 1)[-1]
    end, style = (_("runs"), "success") if entry.running else (_("ended"), "muted")
    pieces = [("  ", ""), (pad(end, 10), style), (one_line(name, 100) + "  ", "bold")]
    return Row(
        cut([*pieces, (one_line(str(entry.notes.get("work_dir", "")), 200), "muted")], width), f"known-{entry.id}"
    )
