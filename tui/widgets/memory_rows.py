"""The memory panel as rows: bar, legend, load, histories, start, notes. Pure functions of a :class:`MemoryState`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from rich.cells import cell_len

from tui.i18n import N_, _, ngettext
from tui.i18n.figures import gib, part_name, source_name
from tui.i18n.problems import explain
from tui.model.launch import LaunchPhase, LaunchStage
from tui.model.memory import Figure, KvOccupancy, MemoryBreakdown
from tui.model.monitor import CardState, HistoryPoint, MemoryState
from tui.widgets.cell_rows import Piece, Row, cut, folded, pad, right, round_up, shares, spark
from tui.widgets.literal import one_line
from tui.widgets.words import thousands

TELL = "tell"
"""The key of the row that offers to name model and card."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a card's memory: its field of the breakdown, glyph, style."""

    name: str
    glyph: str
    style: str


PARTS = (
    Part("weights", "█", "weights"),
    Part("kv_cache", "▒", "kv"),
    Part("other", "░", "other"),
    Part("other_processes", "x", "muted"),
    Part("driver_reserve", "-", "muted"),
    Part("free", "·", "free"),
)
OCCUPIED = "▓"
_OLD, _STEP = 15, 5
"""Seconds from which on the age of a figure is shown, and the steps of what time alone changes: an idle server is asked
every ten seconds, and its panel writes nothing."""
_HISTORY_CELLS = 60

STAGES = {
    LaunchStage.STARTING: N_("starting"),
    LaunchStage.DOWNLOADING: N_("downloading"),
    LaunchStage.CONTEXT: N_("CUDA context"),
    LaunchStage.WEIGHTS: N_("weights"),
    LaunchStage.KV_CACHE: N_("kv cache"),
    LaunchStage.WARM_UP: N_("warm-up"),
    LaunchStage.READY: N_("ready"),
    LaunchStage.STOPPING: N_("stopping"),
    LaunchStage.FAILED: N_("failed"),
}
_CAN_BE_TOLD = frozenset({"memory.remote", "memory.no-process", "memory.model-unknown", "memory.impossible"})


# ── the bar ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def figure_of(card: MemoryBreakdown, name: str) -> Figure:
    """A part's figure by its field's name."""
    figure: Figure = getattr(card, name)
    return figure


def bar(card: MemoryBreakdown, cells: int, occupancy: KvOccupancy | None = None) -> tuple[Piece, ...]:
    """The card as so many cells; what is occupied of the kv cache is denser. Empty when the card says nothing."""
    total = card.total.bytes
    known = [(part, figure_of(card, part.name).bytes) for part in PARTS]
    sizes = [(part, size) for part, size in known if size is not None]
    if not total or not sizes:
        return ()
    pieces: list[Piece] = []
    for (part, _size), count in zip(sizes, shares([size for _part, size in sizes], total, cells), strict=True):
        if part.name == "kv_cache" and occupancy is not None and count:
            full = min(max(round(occupancy.fraction * count), 1 if occupancy.fraction > 0 else 0), count)
            pieces += [(OCCUPIED * full, part.style), (part.glyph * (count - full), part.style)]
        else:
            pieces.append((part.glyph * count, part.style))
    return tuple(piece for piece in pieces if piece[0])


# ── the legend ────────────────────────────────────────────────────────────────────────────────────────────────────────


def legend(state: CardState, occupancy: KvOccupancy | None, width: int) -> Iterator[Row]:
    """A row for each part: glyph, label, size, margin, source. Unknown sizes are a question mark, never 0."""
    card = state.breakdown
    labels = {part.name: part_name(part.name, with_foreign=card.other_includes_foreign) for part in PARTS}
    label_cells = max(cell_len(label) for label in labels.values()) + 1
    for part in PARTS:
        figure, label = figure_of(card, part.name), labels[part.name]
        if part.name in ("other_processes", "driver_reserve") and not figure.bytes:
            continue  # said beside "other" where they cannot be told apart
        size = right(gib(figure.bytes), max(label_cells + 7 - cell_len(label), 5))
        margin = f" ±{gib(figure.margin)}" if figure.margin else ""
        source = source_name(figure.source) if part.name != "other" or figure.margin else _("the rest")
        pieces = [(part.glyph + " ", part.style), (label, ""), (size, "bold"), (margin, "muted"), ("  ", "")]
        yield Row(cut([*pieces, (source, "muted")], width), part.name, card.card)
        if part.name == "kv_cache":
            yield from _occupied(occupancy, width, card.card)


def _occupied(occupancy: KvOccupancy | None, width: int, card: int) -> Iterator[Row]:
    if occupancy is None:
        return
    yield Row(cut([("  ", ""), (occupancy_text(occupancy), "muted")], width), "occupancy", card)


def occupancy_text(occupancy: KvOccupancy) -> str:
    """``11 % · 37k of 333k tokens · 15 s ago``."""
    percent = f"{occupancy.fraction * 100:.0f}" if occupancy.fraction >= 0.1 else f"{occupancy.fraction * 100:.1f}"
    if occupancy.tokens is not None and occupancy.capacity_tokens is not None:
        tokens, capacity = thousands(occupancy.tokens), thousands(occupancy.capacity_tokens)
        full = _("{percent} % · {tokens} of {capacity} tokens")
        pieces = [full.format(percent=percent, tokens=tokens, capacity=capacity)]
    else:
        pieces = [_("{percent} % used").format(percent=percent)]
    if age := _age(occupancy):
        pieces.append(_("{seconds} s ago").format(seconds=age))
    return " · ".join(pieces)


def _age(occupancy: KvOccupancy) -> int:
    return int(occupancy.age // _STEP * _STEP) if occupancy.age >= _OLD else 0


# ── the panel ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def look(state: MemoryState) -> MemoryState:
    """What of a state can be seen: two states with the same look have the same rows, at every width."""
    cards = tuple(
        replace(card, breakdown=replace(card.breakdown, occupancy=_seen(card.breakdown.occupancy)))
        for card in state.cards
    )
    history = _settled(state.history)[-_HISTORY_CELLS:]
    return replace(state, time=0.0, raw="", cards=cards, occupancy=_seen(state.occupancy), history=history)


def _settled(history: Sequence[HistoryPoint]) -> Sequence[HistoryPoint]:
    """The history without the newest points that only repeat the one before, until there are five of them: while
    nothing happens the lines grow by steps, not every second."""
    same = next((at for at, point in enumerate(reversed(history)) if point != history[-1]), len(history))
    extra = same % _STEP if same >= _STEP else max(same - 1, 0)
    return history[: len(history) - extra]


def _seen(occupancy: KvOccupancy | None) -> KvOccupancy | None:
    return None if occupancy is None else replace(occupancy, age=float(_age(occupancy)))


def panel_rows(state: MemoryState, width: int) -> list[Row]:
    """All rows of the panel at this width."""
    rows: list[Row] = []
    for card in state.cards:
        rows += _card_rows(state, card, width)
    if not state.cards and state.occupancy is not None:
        rows.append(Row(cut([(_("kv cache") + "  ", "bold"), (occupancy_text(state.occupancy), "")], width)))
    rows += _histories(state.history, state.tokens_per_second, width)
    rows += _requests(state, width)
    rows += _start(state, width)
    rows += _notes(state, width)
    return rows


def _card_rows(state: MemoryState, card: CardState, width: int) -> Iterator[Row]:
    split = card.breakdown
    yield Row(cut(_heading(state, card), width), "total", split.card)
    occupancy = split.occupancy
    if drawn := bar(split, width, occupancy):
        yield Row(drawn, "total", split.card)
        yield from legend(card, occupancy, width)
    else:
        reason = split.weights.explanation or _("This card does not say how its memory is used.")
        yield from folded(one_line(reason, 200), width, "warning")
    if load := load_text(card):
        yield Row(cut([(load, "")], width))
    yield Row()


def _heading(state: MemoryState, card: CardState) -> list[Piece]:
    split = card.breakdown
    total = _("{size} GiB").format(size=gib(split.total.bytes))
    heading = [(_("GPU {index}").format(index=split.card) + "  ", "bold"), (total + "  ", "bold")]
    if state.simulated:
        heading.append((_("simulated") + "  ", "warning"))
    return [*heading, (one_line(split.name, 60), "muted")]


def load_text(card: CardState) -> str:
    """``37 % busy  45 °C  210 W``, as far as the card says it."""
    pieces: list[str] = []
    if card.utilisation is not None:
        pieces.append(_("{percent} % busy").format(percent=card.utilisation))
    if card.temperature is not None:
        pieces.append(f"{card.temperature} °C")
    if card.power is not None:
        pieces.append(f"{card.power:.0f} W")
    return "  ".join(pieces)


def _histories(history: Sequence[HistoryPoint], rate: float | None, width: int) -> Iterator[Row]:
    """Lines of the last seconds, on fixed scales: the whole card, the whole cache, a round number of tokens."""
    history = _settled(history)
    labels = (_("memory"), _("kv cache"), _("tok/s"))
    label_cells = max(cell_len(label) for label in labels) + 1
    cells = max(min(width - label_cells - 6, _HISTORY_CELLS), 4)
    rates = [point.rate for point in history]
    top = round_up(max((value for value in rates[-cells:] if value is not None), default=0.0) or 10)
    lines = (
        (labels[0], [point.memory for point in history], _percent(history[-1].memory if history else None), "weights"),
        (labels[1], [point.kv for point in history], _percent(history[-1].kv if history else None), "kv"),
        (labels[2], [None if value is None else value / top for value in rates], _number(rate), "accent"),
    )
    for label, values, now, style in lines:
        if any(value is not None for value in values[-cells:]):
            yield Row(((pad(label, label_cells), "muted"), (spark(values, cells), style), (right(now, 6), "")))


def _percent(value: float | None) -> str:
    return "?" if value is None else f"{value * 100:.0f} %"


def _number(value: float | None) -> str:
    return "?" if value is None else f"{value:.0f}"


def _requests(state: MemoryState, width: int) -> Iterator[Row]:
    if state.running is None and state.waiting is None:
        return
    running = _("running {count}").format(count="?" if state.running is None else state.running)
    waiting = _("waiting {count}").format(count="?" if state.waiting is None else state.waiting)
    yield Row(cut([(f"{running} · {waiting}", "")], width))


def _start(state: MemoryState, width: int) -> Iterator[Row]:
    """The phases of the server's start: when each began and what it took."""
    if state.starting is not None:
        yield Row(cut([(phase_text(state.starting), "warning")], width))
    if not state.timeline:
        return
    yield Row()
    yield Row(cut([(_("start of the server"), "muted")], width))
    for phase in state.timeline:
        size = "" if phase.size is None else _("{size} GiB").format(size=gib(phase.size))
        at = right(f"{phase.at:.1f} s", 9)
        yield Row(cut([(at + "  ", "muted"), (pad(_(STAGES[phase.stage]), 14), ""), (right(size, 10), "")], width))


def phase_text(phase: LaunchPhase) -> str:
    """What a server that loads is doing, with its progress where it tells."""
    stage = _(STAGES[phase.stage])
    seconds = f"{phase.at:.0f}"
    if phase.fraction is None:
        return _("the server is starting: {stage}, {seconds} s").format(stage=stage, seconds=seconds)
    percent = f"{phase.fraction * 100:.0f}"
    text = _("the server is starting: {stage} {percent} %, {seconds} s")
    return text.format(stage=stage, percent=percent, seconds=seconds)


def _notes(state: MemoryState, width: int) -> Iterator[Row]:
    """What cannot be known and what to do, and the slice tool's own line."""
    for problem in state.problems:
        yield Row()
        yield from folded(one_line(explain(problem).text, 600), width, "warning")
        if problem.code in _CAN_BE_TOLD:
            yield Row(cut([("▸ " + _("Name the model and the card …"), "accent")], width), TELL)
    if state.raw and state.source == "vgpu-smi":
        yield Row()
        for line in state.raw.splitlines()[:4]:
            yield Row(cut([(one_line(line, 200), "muted")], width), "raw")


# ── one line ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def memory_line(state: MemoryState, width: int) -> tuple[Piece, ...]:
    """Everything that matters most on one row: ``GPU 11.49/24 GiB  ██▒▒▒░···  w 1.44 kv 8.14 other 1.91``."""
    if state.starting is not None:
        return cut([(phase_text(state.starting), "warning")], width)
    if not state.cards:
        return cut(_line_without_cards(state), width)
    card, more = state.cards[0], len(state.cards) - 1
    split = card.breakdown
    used = _("GPU {used}/{total} GiB").format(used=gib(card.used), total=gib(split.total.bytes))
    parts = [] if split.weights.bytes is None else [_("w {size}").format(size=gib(split.weights.bytes))]
    if split.kv_cache.bytes is not None:
        parts.append(_("kv {size}").format(size=gib(split.kv_cache.bytes)))
    if split.other.bytes is not None and parts:
        parts.append(_("other {size}").format(size=gib(split.other.bytes)))
    others = ngettext("and {count} more card", "and {count} more cards", more).format(count=more) if more else ""
    texts: list[Piece] = [(_("simulated"), "warning")] if state.simulated else []
    texts += [(" ".join(parts), ""), (others, "muted"), (load_text(card), "muted")]
    occupied = (
        "" if split.occupancy is None else _("{percent} % used").format(percent=f"{split.occupancy.fraction * 100:.0f}")
    )
    texts.insert(-2, (occupied, ""))
    room = width - cell_len(used) - 2
    kept: list[Piece] = []
    for text, style in texts:
        if text and room - cell_len(text) - 2 >= 10:
            kept += [("  ", ""), (text, style)]
            room -= cell_len(text) + 2
    drawn = bar(split, max(min(room, 24), 4), split.occupancy)
    return cut([(used + "  ", "bold"), *drawn, *kept], width)


def _line_without_cards(state: MemoryState) -> list[Piece]:
    if state.occupancy is not None:
        text = _("kv cache {text}").format(text=occupancy_text(state.occupancy))
        return [(text, "")]
    problem = state.problems[0] if state.problems else None
    sentence = explain(problem).sentence if problem is not None else _("no figures yet")
    return [(_("GPU: {text}").format(text=one_line(sentence, 200)), "muted")]
