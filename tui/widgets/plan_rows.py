"""Plans and runs as rows: the picture of a card, what fits, two plans side by side, the table of runs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.cells import cell_len

from tui.i18n import N_, _
from tui.i18n.figures import gib, part_name
from tui.i18n.problems import explain
from tui.model.memory import MemoryBreakdown, Source
from tui.model.plan import Plan, PlanInput, Run
from tui.widgets.cell_rows import Piece, Row, cut, folded, pad, right
from tui.widgets.literal import one_line
from tui.widgets.memory_rows import PARTS, bar, figure_of
from tui.widgets.words import thousands


@dataclass(frozen=True, slots=True)
class Planned:
    """A plan with its picture, and what else the planner says about it."""

    question: PlanInput
    plan: Plan
    picture: MemoryBreakdown
    largest: float | None = None
    leave: str = ""
    card: int | None = None
    command: str = ""


@dataclass(frozen=True, slots=True)
class Sizes:
    """The split of one server for a comparison, bytes; None is unknown. ``name`` heads its column."""

    name: str
    weights: int | None = None
    kv_cache: int | None = None
    other: int | None = None
    total: int | None = None
    tokens: int | None = None


def sizes_of(name: str, plan: Plan) -> Sizes:
    return Sizes(name, plan.weights, plan.kv_cache, plan.other, plan.total_used, plan.tokens)


# ── one plan ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def plan_rows(planned: Planned, width: int) -> list[Row]:
    """The picture, the figures with their formulas behind them, and the advice."""
    question, plan = planned.question, planned.plan
    title = f"{one_line(question.checkpoint.name, 60)} · {question.checkpoint.weight_format}"
    rows = [Row(cut([(title, "bold")], width)), Row(bar(planned.picture, width), "total")]
    rows += _figures(planned.picture, width)
    rows += _total(plan, width)
    rows.append(Row())
    rows += _capacity(plan, width)
    rows += _advice(planned, width)
    for warning in plan.warnings:
        rows.append(Row())
        rows += folded(one_line(explain(warning).text, 600), width, "warning")
    if planned.command:
        rows += [Row(), Row(((_("command"), "muted"),))]
        rows += folded(planned.command, width, "accent")
    return rows


def _figures(card: MemoryBreakdown, width: int) -> Iterator[Row]:
    label_cells = max(cell_len(part_name(part.name)) for part in PARTS) + 1
    for part in PARTS:
        figure = figure_of(card, part.name)
        if figure.bytes is None:
            continue
        source = _("checkpoint") if figure.source is Source.CHECKPOINT else _("calculated")
        size = right(gib(figure.bytes), max(label_cells + 7 - cell_len(part_name(part.name)), 5))
        pieces: list[Piece] = [(part.glyph + " ", part.style), (part_name(part.name), ""), (size, "bold")]
        yield Row(cut([*pieces, ("  " + source, "muted")], width), part.name if part.name in _EXPLAINED else "")


_EXPLAINED = ("weights", "kv_cache", "other")


def _total(plan: Plan, width: int) -> list[Row]:
    text = _("total {total} ± {margin} GiB").format(total=gib(plan.total_used), margin=gib(plan.margin))
    verdict = (_("It fits."), "success") if plan.fits else (_("It does not fit."), "error")
    pieces: list[Piece] = [(text, "bold"), ("  ", ""), verdict]
    return [Row(cut(pieces, width), "total")]


def _capacity(plan: Plan, width: int) -> list[Row]:
    tokens = _("{tokens} tokens in the kv cache").format(tokens=f"{plan.tokens:,}")
    sessions = _("{sessions} full conversations of {session_len} tokens").format(
        sessions=f"{plan.sessions:g}", session_len=f"{plan.session_len:,}"
    )
    return [Row(cut([(tokens, "")], width), "tokens"), Row(cut([(sessions, "")], width), "tokens")]


def _advice(planned: Planned, width: int) -> list[Row]:
    rows: list[Row] = []
    leave = one_line(planned.leave.strip() or "0", 20)
    if planned.largest is not None:
        text = _("largest ratio that leaves {leave}: {ratio}").format(leave=leave, ratio=f"{planned.largest:.2f}")
    else:
        text = _("no ratio leaves {leave}").format(leave=leave)
    rows.append(Row(cut([(text, "")], width), "largest" if planned.largest is not None else ""))
    if planned.card is not None:
        text = _("smallest card with room for one conversation: {size} GiB").format(size=planned.card)
        rows += folded(text, width)
    else:
        rows += folded(_("no single card of a usual size is enough"), width)
    return rows


# ── comparing ─────────────────────────────────────────────────────────────────────────────────────────────────────────

_COMPARED = (
    ("weights", N_("weights")),
    ("kv_cache", N_("kv cache")),
    ("other", N_("other")),
    ("total", N_("total")),
)


def compare_rows(title: str, left: Sizes, right_side: Sizes, width: int) -> list[Row]:
    """Two splits side by side with their difference (right − left), in GiB; unknown figures are question marks."""
    label_cells = max(cell_len(_(label)) for label in (*(label for _name, label in _COMPARED), N_("tokens"))) + 1
    column = max(min((width - label_cells) // 3, 12), 7)
    heads = (left.name, right_side.name, _("change"))
    rows = [Row(), Row(cut([(title, "bold")], width))]
    cells = "".join(right(pad(one_line(head, 40), min(cell_len(head), column - 1)), column) for head in heads)
    rows.append(Row(cut([(" " * label_cells + cells, "muted")], width)))
    for name, label in _COMPARED:
        mine, other = _size(left, name), _size(right_side, name)
        figures = (gib(mine), gib(other), signed_gib(mine, other))
        text = "".join(right(figure, column) for figure in figures)
        rows.append(Row(cut([(pad(_(label), label_cells), ""), (text, "bold" if name == "total" else "")], width)))
    if left.tokens is not None or right_side.tokens is not None:
        figures = _token_cells(left.tokens, right_side.tokens, column)
        text = "".join(right(figure, column) for figure in figures)
        rows.append(Row(cut([(pad(_("tokens"), label_cells), ""), (text, "")], width)))
    return rows


def _size(sizes: Sizes, name: str) -> int | None:
    value: int | None = getattr(sizes, name)
    return value


def signed_gib(before: int | None, after: int | None) -> str:
    if before is None or after is None:
        return "?"
    return f"{'+' if after >= before else '−'}{gib(abs(after - before))}"


def _count(value: int | None) -> str:
    return "?" if value is None else f"{value:,}" if value < 1_000_000 else f"{value // 1000:,}k"


def _token_cells(before: int | None, after: int | None, column: int) -> tuple[str, str, str]:
    """Both counts and their difference: exact where there is room, else in thousands."""
    exact = (_count(before), _count(after), _signed_count(before, after))
    if all(cell_len(cell) < column for cell in exact):
        return exact
    short = ["?" if value is None else thousands(value) for value in (before, after)]
    if before is None or after is None:
        return short[0], short[1], "?"
    return short[0], short[1], f"{'+' if after >= before else '−'}{thousands(abs(after - before))}"


def _signed_count(before: int | None, after: int | None) -> str:
    if before is None or after is None:
        return "?"
    return f"{'+' if after >= before else '−'}{_count(abs(after - before))}"


# ── runs ──────────────────────────────────────────────────────────────────────────────────────────────────────────────

_COLUMNS = (
    (N_("ratio"), 7),
    (N_("kv bits"), 8),
    (N_("weights"), 9),
    (N_("kv cache"), 9),
    (N_("other"), 8),
    (N_("total"), 8),
    (N_("change"), 9),
    (N_("tokens"), 10),
    (N_("predicted"), 11),
)
_POLICY_BITS = {0: "16", 4: "4", 8: "8", 16: "fp8", 17: "fp8", 42: "4/2"}


def run_rows(runs: Sequence[Run], base: Run | None, width: int) -> list[Row]:
    """The table of runs with the change of the total against ``base`` (the first run unless given). Columns that do not
    fit are left out from the right. A row's key is its run's id."""
    if not runs:
        text = _("No start was seen yet. Every server that lmdeck finds or starts becomes a line here.")
        return folded(text, width, "muted")
    start = base or runs[0]
    columns = list(_COLUMNS)
    while len(columns) > 3 and width - sum(cells for _name, cells in columns) < 22:
        columns.pop()
    name_cells = max(width - sum(cells for _name, cells in columns), 12)
    heads = "".join(right(_(name), cells) for name, cells in columns)
    rows = [Row(cut([(pad(_("model"), name_cells), "muted"), (heads, "muted")], width))]
    for number, run in enumerate(runs):
        name = f"{one_line(run.model, 60)} {run.weight_format}"
        cells = _run_cells(run, start)
        text = "".join(right(value, size) for value, (_name, size) in zip(cells, columns, strict=False))
        mark = "▸ " if run.id == start.id else "  "
        rows.append(Row(cut([(pad(mark + name, name_cells), ""), (text, "")], width), run.id, number))
    return rows


def _run_cells(run: Run, base: Run) -> tuple[str, ...]:
    return (
        f"{run.ratio:g}",
        _POLICY_BITS.get(run.quant_policy, str(run.quant_policy)),
        gib(run.weights),
        gib(run.kv_cache),
        gib(run.other),
        gib(run.total),
        "" if run.id == base.id else signed_gib(base.total, run.total),
        _count(run.tokens),
        gib(run.predicted_total),
    )
