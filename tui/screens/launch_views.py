"""What the launch screen shows: the plan, the phases with the memory growing beside it, cards, servers, log lines."""

from __future__ import annotations

import shlex
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from tui.i18n import N_, _
from tui.i18n.figures import gib
from tui.i18n.problems import explain
from tui.launch.show import STAGE_NAMES, age_text, fill, stop_line
from tui.launch.wish import Prepared
from tui.model.launch import (
    Diagnosis,
    LaunchEvent,
    LaunchLines,
    LaunchMemory,
    LaunchPhase,
    LaunchQuestion,
    LaunchStage,
    NextStep,
    ServerEntry,
    StopStep,
)
from tui.model.problem import Problem
from tui.planner.cli import say
from tui.widgets.cell_rows import Row, cut, folded, pad, right, shares
from tui.widgets.literal import one_line
from tui.widgets.row_view import RowView

_STEPS = (
    LaunchStage.STARTING,
    LaunchStage.CONTEXT,
    LaunchStage.WEIGHTS,
    LaunchStage.KV_CACHE,
    LaunchStage.WARM_UP,
    LaunchStage.READY,
)
_BAR = 24


@dataclass(slots=True)
class LaunchState:
    """Everything shown; the screen changes it and lets the view redraw. ``named``: there is a model to plan;
    ``replaces`` is the server that a switch will stop, ``before`` the one that it has stopped."""

    prepared: Prepared | None = None
    problem: Problem | None = None
    checking: bool = True
    named: bool = False
    servers: tuple[ServerEntry, ...] = ()
    started: bool = False
    reached: dict[LaunchStage, tuple[float, int | None]] = field(
        default_factory=dict[LaunchStage, tuple[float, int | None]]
    )
    fraction: float | None = None
    memory: LaunchMemory | None = None
    question: str = ""
    cards: list[Diagnosis] = field(default_factory=list[Diagnosis])
    lines: deque[str] = field(default_factory=lambda: deque[str](maxlen=8))
    stops: list[str] = field(default_factory=list[str])
    replaces: ServerEntry | None = None
    before: ServerEntry | None = None

    def begin(self) -> None:
        """A start begins: forget the one before."""
        self.started, self.problem, self.fraction, self.memory, self.question = True, None, None, None, ""
        self.reached, self.cards, self.stops = {}, [], []
        self.lines.clear()

    def take(self, event: LaunchEvent | StopStep) -> None:
        match event:
            case StopStep():
                self.stops.append(stop_line(event))
            case LaunchPhase(stage, at, None, size, _problem):
                self.reached[stage] = (at, size)
                self.fraction = None
            case LaunchPhase(_stage, _at, fraction):
                self.fraction = fraction
            case LaunchMemory():
                self.memory = event
            case LaunchLines(_at, lines):
                self.lines.extend(lines)
                self.question = ""
            case LaunchQuestion(_at, text):
                self.question = text
            case Diagnosis():
                self.cards.append(event)

    def drop_card(self, step: NextStep) -> None:
        """Put the card away whose button this is."""
        self.cards = [card for card in self.cards if step not in card.steps]


class LaunchView(RowView):
    """The rows of a :class:`LaunchState`; a row with a key is a button."""

    def __init__(self, state: LaunchState, *, id: str | None = None) -> None:  # noqa: A002 (Textual's name)
        super().__init__(id=id)
        self.state = state

    def make_rows(self, width: int) -> list[Row]:
        state = self.state
        rows = _switch_rows(state, width)
        rows += _start_rows(state, width) if state.started else _plan_rows(state, width)
        rows += card_rows(state.cards, width)
        if state.before is not None and LaunchStage.FAILED in state.reached:
            text = fill(N_("Start {name} again"), name=one_line(state.before.name, 100))
            rows.append(Row(cut([(f"  [{text}]", "accent")], width), "before"))
        if state.servers and not state.started:
            rows += [Row(), Row(((_("servers on this machine"), "muted"),))]
            rows += [_server_row(entry, width) for entry in state.servers]
        return rows


def _switch_rows(state: LaunchState, width: int) -> list[Row]:
    """What happens to the server whose place is taken."""
    rows: list[Row] = []
    old = state.replaces
    if old is not None:
        held = "–" if old.memory is None else gib(old.memory)
        text = fill(
            N_("In place of {name} on port {port}, which gives {held} GiB back"),
            name=one_line(old.name, 100),
            port=old.port,
            held=held,
        )
        rows += folded(text, width, "accent")
    rows += [Row(cut([(text, "success")], width)) for text in state.stops]
    return [*rows, Row()] if rows else []


def _plan_rows(state: LaunchState, width: int) -> list[Row]:
    """The plan of what is written at the left."""
    if state.problem is not None:
        return folded(one_line(explain(state.problem).text, 800), width, "error")
    prepared = state.prepared
    if prepared is None:
        waiting = state.checking or state.named
        text = _("Looking at the machine …") if waiting else _("Name a model, or press F2.")
        return [Row(((text, "muted"),))]
    rows: list[Row] = []
    version = str(prepared.version) if prepared.version else "?"
    place = prepared.installation.program or prepared.installation.prefix if prepared.installation else "–"
    rows.append(Row(cut([("lmdeploy ", "muted"), (f"{version}  ", "bold"), (one_line(place, 200), "muted")], width)))
    for card in prepared.cards.samples:
        left = "–" if card.free is None else gib(card.free)
        name = one_line(card.name, 60)
        template = N_("GPU {index} {name}: {free} GiB free") if name else N_("GPU {index}: {free} GiB free")
        text = fill(template, index=card.index, name=name, free=left)
        rows.append(Row(cut([(text, "")], width)))
    plan = prepared.plan
    if plan is not None:
        sizes = (
            (_("weights"), plan.weights, "weights"),
            (_("kv cache"), plan.kv_cache, "kv"),
            (_("other"), plan.other, "other"),
            (_("total"), plan.total_used, "bold"),
        )
        rows.append(_bar(prepared, width))
        rows += [
            Row(cut([(pad(label, 10), style), (right(gib(size), 8) + " GiB", "")], width))
            for label, size, style in sizes
        ]
        rows += folded(say(plan.explanations["tokens"].formula), width, "muted")
        rows.append(Row(((_("It fits."), "success") if plan.fits else (_("It does not fit."), "error"),)))
        for warning in plan.warnings:
            rows += folded(one_line(explain(warning).text, 600), width, "warning")
    for notice in prepared.notices:
        rows += folded(one_line(explain(notice).text, 600), width, "warning")
    rows += [
        Row(),
        Row(((_("command"), "muted"),)),
        *folded(one_line(shlex.join(prepared.argv), 2000), width, "accent"),
    ]
    return rows


def _bar(prepared: Prepared, width: int) -> Row:
    """The card as it will be: what is used already, then the plan's parts."""
    card, plan = prepared.cards.smallest, prepared.plan
    if card is None or plan is None or not card.total:
        return Row()
    left = max(card.total - (card.used or 0) - plan.total_used, 0)
    sizes = (card.used or 0, plan.weights, plan.kv_cache, plan.other, left)
    drawn = zip(
        "▓█▒░·", ("muted", "weights", "kv", "other", "free"), shares(sizes, sum(sizes), min(width, 48)), strict=True
    )
    return Row(tuple((glyph * cells, style) for glyph, style, cells in drawn if cells))


def _start_rows(state: LaunchState, width: int) -> list[Row]:
    """The phases, the memory beside the plan, the last lines of the log."""
    rows: list[Row] = []
    now = list(state.reached)[-1] if state.reached else None
    for stage in _STEPS:
        reached = state.reached.get(stage)
        mark, style = ("·", "muted") if reached is None else ("▸", "accent") if stage is now else ("✓", "success")
        if stage is LaunchStage.READY and reached is not None:
            mark, style = "✓", "success"
        when = "" if reached is None else f"{reached[0]:6.1f} s"
        share = f" {state.fraction:.0%}" if stage is now and state.fraction is not None else ""
        rows.append(
            Row(cut([(mark + " ", style), (pad(_(STAGE_NAMES[stage]), 14), ""), (when + share, "muted")], width))
        )
    if LaunchStage.FAILED in state.reached:
        rows.append(Row((("✗ " + _(STAGE_NAMES[LaunchStage.FAILED]), "error"),)))
    rows += [Row(), *_memory_rows(state, width)]
    if state.question:
        rows += [Row(), *question_rows(state.question, width)]
    if not any(card.fatal for card in state.cards):  # a card brings the lines that matter
        rows += [Row(), *(Row(cut([(one_line(line, 300), "muted")], width)) for line in state.lines)]
    return rows


def _memory_rows(state: LaunchState, width: int) -> list[Row]:
    memory = state.memory
    if memory is None or memory.used is None:
        return []
    if memory.predicted is None:
        return [Row(cut([(fill(N_("{used} GiB"), used=gib(memory.used)), "bold")], width))]
    filled = min(round(memory.used / max(memory.predicted, 1) * _BAR), _BAR)
    text = fill(
        N_("{used} of {predicted} ± {margin} GiB"),
        used=gib(memory.used),
        predicted=gib(memory.predicted),
        margin=gib(memory.margin),
    )
    bar = [("█" * filled, "kv"), ("·" * (_BAR - filled), "free")]
    if width < _BAR + 32:
        return [Row(cut(bar, width)), Row(cut([(text, "bold")], width))]
    return [Row(cut([*bar, ("  " + text, "bold")], width))]


def question_rows(question: str, width: int) -> list[Row]:
    """What the program asks, and the answers; the harmless one is first."""
    return [
        *folded(one_line(question, 400), width, "warning"),
        Row((("  [n] " + _("no"), "accent"),), "answer-n"),
        Row((("  [y] " + _("yes"), "accent"),), "answer-y"),
    ]


def card_rows(cards: Sequence[Diagnosis], width: int) -> list[Row]:
    """The cards below each other; the key of a button's row is what :func:`card_step` takes."""
    return [row for number, card in enumerate(cards) for row in (Row(), *_card_rows(card, number, width))]


def card_step(cards: Sequence[Diagnosis], key: str) -> NextStep | None:
    """The button behind a row's key (``card-0-1``); None for the key of another row."""
    if not key.startswith("card-"):
        return None
    card, step = (int(part) for part in key.split("-")[1:])
    return cards[card].steps[step]


def _card_rows(card: Diagnosis, number: int, width: int) -> list[Row]:
    """What happened, why, what to do; a row for each button."""
    text = explain(card.problem)
    rows = folded(
        ("✗ " if card.fatal else "! ") + one_line(text.sentence, 600), width, "error" if card.fatal else "warning"
    )
    rows += folded(one_line(text.step, 600), width) if text.step else []
    for place, step in enumerate(card.steps):
        rows.append(
            Row(cut([("  [" + one_line(say(step.label), 200) + "]", "accent")], width), f"card-{number}-{place}")
        )
    return rows + [Row(cut([("    " + one_line(line, 300), "muted")], width)) for line in card.evidence]


def _server_row(entry: ServerEntry, width: int) -> Row:
    """Whose it is, where it answers, what it holds, for how long, and its model."""
    whose = _("yours") if entry.mine else one_line(entry.user, 16) or "?"
    memory = "–" if entry.memory is None else f"{gib(entry.memory)} GiB"
    age = "" if entry.age is None else age_text(entry.age)
    pieces = [
        (pad(whose, 8), "success" if entry.mine else "warning"),
        (pad(f":{entry.port}", 8), ""),
        (right(memory, 10), "bold"),
        (right(age, 8) + "  ", "muted"),
        (one_line(entry.name, 100), ""),
    ]
    return Row(cut(pieces, width), f"server-{entry.pid}")
