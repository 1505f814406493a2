"""Machines over ssh and the fleet as rows. Pure functions of what is in :mod:`tui.model.machine`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len

from tui.i18n import N_, _, ngettext
from tui.i18n.figures import gib
from tui.i18n.problems import explain
from tui.model.gpu import GpuSample
from tui.model.machine import FleetLine, MachineLine
from tui.model.problem import Problem
from tui.model.server import LinkPhase, LinkState
from tui.widgets import words
from tui.widgets.cell_rows import Piece, Row, cut, folded, pad, right
from tui.widgets.literal import one_line

_UP = (LinkPhase.HEALTHY, LinkPhase.DEGRADED)
_MARKS = {
    LinkPhase.HEALTHY: ("●", "success"),
    LinkPhase.DEGRADED: ("●", "warning"),
    LinkPhase.NEEDS_YOU: ("!", "error"),
    LinkPhase.IDLE: ("○", "muted"),
}
_ORIGINS = {"open": "", "profile": N_("profile {name}"), "config": N_("~/.ssh/config")}
INDENT = "  "


def machine_rows(lines: Sequence[MachineLine], width: int, now: float) -> list[Row]:
    """All machines. Keys: ``machine KEY``, ``server PORT KEY``, ``port PORT KEY``; ``now`` is monotonic."""
    rows: list[Row] = []
    for line in lines:
        rows += _machine(line, width, now)
    return rows


def _machine(line: MachineLine, width: int, now: float) -> list[Row]:
    mark, style = _MARKS.get(line.link.phase, ("◌", "warning"))
    known = line.origin == "open"
    told = words.chip(line.link, now) if known else _origin(line)
    head = (f"{mark} ", style), (one_line(line.name, 60), "bold"), ("   ", ""), (told, style if known else "muted")
    rows = [Row(cut(head, width), f"machine {line.key}")]
    if known:
        rows += _sentence(line, width)
    if line.link.phase in _UP:
        rows += _inside(line, width)
    for here, there in line.ports:
        text = _("127.0.0.1:{here} leads to its port {there} (Enter closes it)").format(here=here, there=there)
        rows.append(Row(cut([(f"{INDENT}⇄ {text}", "accent")], width), f"port {there} {line.key}"))
    return rows


def _origin(line: MachineLine) -> str:
    origin = _(_ORIGINS[line.origin]).format(name=one_line(line.detail, 40))
    return f"{origin} · {one_line(line.detail, 60)}" if line.origin == "config" and line.detail else origin


def _sentence(line: MachineLine, width: int) -> list[Row]:
    """What is going on and what to do next, where that is not just "connected"."""
    link = line.link
    if link.problem is not None:
        return folded(one_line(explain(link.problem).text, 400), width, "warning", INDENT)
    if link.phase is LinkPhase.IDLE:
        return folded(_("Not connected. Enter connects."), width, "muted", INDENT)
    if link.phase in _UP:
        return []
    return folded(one_line(_stage(link, line.name), 400), width, "muted", INDENT)


def _stage(link: LinkState, name: str) -> str:
    return explain(Problem(f"link.{link.phase.value}", {"url": name, "model": "?"})).text


def _inside(line: MachineLine, width: int) -> list[Row]:
    """The servers and the cards of a connected machine."""
    rows: list[Row] = []
    for server in line.servers or ():
        state = "" if server.listens else _("is loading its model")
        pieces: list[Piece] = [(f"{INDENT}{server.port:>5}  ", ""), (one_line(server.name or "?", 60), "accent")]
        rows.append(Row(cut([*pieces, (f"  {state}", "muted")], width), f"server {server.port} {line.key}"))
    if line.servers is not None and not line.servers:
        rows += folded(_("No lmdeploy server runs there."), width, "muted", INDENT)
    if line.no_cards is not None:
        rows += folded(one_line(explain(line.no_cards).sentence, 200), width, "muted", INDENT)
    elif line.cards:
        rows.append(Row(cut([(INDENT + _cards(line.cards), "")], width)))
    return rows


def _cards(cards: Sequence[GpuSample]) -> str:
    count = ngettext("{count} card", "{count} cards", len(cards)).format(count=len(cards))
    free = [card.free for card in cards if card.free is not None]
    total = [card.total for card in cards if card.total is not None]
    name = one_line(cards[0].name, 40)
    if not free or not total:
        return f"{count} · {name}"
    left = _("{free} of {total} GiB free").format(free=gib(sum(free)), total=gib(sum(total)))
    return f"{count} · {name} · {left}"


# the fleet


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the fleet: its heading, its cells, and how soon it gives way on a narrow screen."""

    title: str
    cells: int
    keeps: int
    at_right: bool = True


_COLUMNS = (
    Column(N_("machine"), 22, 9, at_right=False),
    Column(N_("port"), 5, 2),
    Column(N_("model"), 26, 8, at_right=False),
    Column(N_("kv used"), 7, 7),
    Column(N_("of GiB"), 6, 5),
    Column(N_("run/wait"), 8, 4),
    Column(N_("tok/s"), 5, 3),
    Column(N_("free GiB"), 8, 7),
)
_GAP = 2


_NAMES = (0, 2)  # what machine and model are called gives way first
_SHORTEST = 14


def columns_for(width: int) -> dict[int, int]:
    """The columns that fit, by number, with their cells: first the names become shorter, then whole columns go."""
    figures = [number for number in range(len(_COLUMNS)) if number not in _NAMES]
    while len(figures) > 1 and _needed(figures) + len(_NAMES) * (_SHORTEST + _GAP) > width:
        figures.remove(min(figures, key=lambda number: _COLUMNS[number].keeps))
    spare = max(width - _needed(figures) - len(_NAMES) * _GAP, 2 * len(_NAMES))
    machine = spare * 9 // 20
    sizes = {0: machine, 2: spare - machine, **{number: _COLUMNS[number].cells for number in figures}}
    return dict(sorted(sizes.items()))


def _needed(numbers: Sequence[int]) -> int:
    return sum(_COLUMNS[number].cells + _GAP for number in numbers) - _GAP


def fleet_rows(lines: Sequence[FleetLine], width: int, now: float) -> list[Row]:
    """A heading and one row a server. The key of a row is its line's."""
    sizes = columns_for(width)
    titles = [(_(_COLUMNS[number].title), "muted") for number in sizes]
    return [Row(_line(titles, sizes, width)), *(_server(line, sizes, width, now) for line in lines)]


def _server(line: FleetLine, sizes: dict[int, int], width: int, now: float) -> Row:
    trouble = line.link.phase is not LinkPhase.HEALTHY
    model = one_line(line.model, 60) or "?"
    if trouble and not line.model:
        model = words.chip(line.link, now)
    load = "" if line.running is None else f"{line.running}/{'?' if line.waiting is None else line.waiting}"
    cells: list[Piece] = [
        (one_line(line.host, 60) or _("this machine"), "bold"),
        (str(line.port) if line.port else "", ""),
        (model, "warning" if trouble else "accent"),
        ("?" if line.kv_used is None else f"{line.kv_used * 100:.1f} %", "kv"),
        (gib(line.kv_reserved) if line.kv_reserved is not None else "?", "kv"),
        (load or "?", ""),
        ("?" if line.rate is None else f"{line.rate:.0f}", ""),
        (gib(line.free), "free"),
    ]
    if not line.port:
        cells[3:] = [("", "")] * 5
    return Row(_line([cells[number] for number in sizes], sizes, width), line.key)


def _line(cells: Sequence[Piece], sizes: dict[int, int], width: int) -> tuple[Piece, ...]:
    pieces: list[Piece] = []
    for (text, style), (number, size) in zip(cells, sizes.items(), strict=True):
        at_right = _COLUMNS[number].at_right and cell_len(text) <= size
        pieces += [(right(text, size) if at_right else pad(text, size), style), (" " * _GAP, "")]
    return cut(pieces[:-1], width)
