"""The rows of the servers screen: what runs and whose it is, quantisations, what has ended and left its log."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

from tui.i18n import N_, _
from tui.i18n.figures import gib
from tui.i18n.problems import explain
from tui.launch.show import age_text, fill
from tui.launch.starting import Spawned
from tui.model.launch import ServerEntry
from tui.model.problem import Problem
from tui.widgets.cell_rows import Row, cut, folded, pad, right
from tui.widgets.dates import when
from tui.widgets.literal import one_line
from tui.widgets.row_view import RowView


@dataclass(slots=True)
class ServersState:
    """Everything shown; the screen changes it and lets the view redraw. ``ended`` and ``quantisations`` are what lmdeck
    started: their ``log`` names the folder that can be removed."""

    looking: bool = True
    problem: Problem | None = None
    servers: tuple[ServerEntry, ...] = ()
    quantisations: tuple[Spawned, ...] = ()
    ended: tuple[Spawned, ...] = ()
    stops: list[str] = field(default_factory=list[str])

    def server(self, key: str) -> ServerEntry | None:
        return next((one for one in self.servers if f"server-{one.pid}" == key), None)

    def spawned(self, key: str) -> Spawned | None:
        return next((one for one in (*self.quantisations, *self.ended) if f"spawned-{one.id}" == key), None)


class ServersView(RowView):
    """The rows of a :class:`ServersState`; every entry has a key."""

    def __init__(self, state: ServersState, *, id: str | None = None) -> None:  # noqa: A002 (Textual's name)
        super().__init__(id=id)
        self.state = state

    def make_rows(self, width: int) -> list[Row]:
        state = self.state
        rows = [Row(cut([(one_line(text, 400), "success")], width)) for text in state.stops]
        rows += [Row()] if rows else []
        if state.problem is not None:
            rows += folded(one_line(explain(state.problem).text, 800), width, "error")
        elif state.looking:
            rows.append(Row(((_("Looking at the machine …"), "muted"),)))
        elif not state.servers:
            rows.append(Row(((_("No lmdeploy server runs here."), "muted"),)))
        for entry in state.servers:
            rows += _server(entry, width)
        if state.quantisations:
            rows += [Row(), Row(((_("quantisations"), "bold"),))]
            rows += [row for entry in state.quantisations for row in _spawned(entry, width)]
        if state.ended:
            rows += [Row(), Row(((_("ended; their logs and notes are kept until they are removed"), "bold"),))]
            rows += [row for entry in state.ended for row in _spawned(entry, width)]
        return rows


def _server(entry: ServerEntry, width: int) -> list[Row]:
    """Two rows: the figures; where everything is."""
    key = f"server-{entry.pid}"
    whose = _("yours") if entry.mine else one_line(entry.user, 16) or "?"
    memory = "–" if entry.memory is None else f"{gib(entry.memory)} GiB"
    up = "–" if entry.age is None else age_text(entry.age)
    state, style = ("●", "success") if entry.listening else ("○", "warning")
    figures = [
        (state + " ", style),
        (pad(one_line(entry.name, 60), min(max(width - 60, 16), 40)), "bold"),
        (right(memory, 11), ""),
        (right(up, 9) + "  ", "muted"),
        (pad(one_line(entry.url.removeprefix("http://"), 60), 22) + "  ", "accent"),
        (whose, "success" if entry.mine else "warning"),
    ]
    cards = "" if entry.cards is None else _("card {cards}").replace("{cards}", ",".join(map(str, entry.cards)))
    starting = "" if entry.listening or entry.listening is None else _("does not answer yet")
    version = f"lmdeploy {entry.version}" if entry.version else ""
    process = _("process {pid}").replace("{pid}", str(entry.pid))
    facts = [starting, process, cards, version, entry.model, entry.log]
    detail = " · ".join(one_line(fact, 200) for fact in facts if fact)
    return [Row(cut(figures, width), key), Row(cut([("    " + detail, "muted")], width), key)]


def _spawned(entry: Spawned, width: int) -> list[Row]:
    """Two rows: what it was and how it ended; its log."""
    key = f"spawned-{entry.id}"
    name = str(entry.notes.get("model", "") or entry.id).rstrip("/").rsplit("/", 1)[-1]
    began = when(datetime.fromtimestamp(entry.started, UTC)) if entry.started else "–"
    if entry.running:
        end, style = _("runs"), "success"
    elif entry.code is None:
        end, style = _("ended"), "muted"
    else:
        end, style = fill(N_("ended with code {code}"), code=entry.code), "muted" if entry.code == 0 else "warning"
    first = [("  ", ""), (pad(one_line(name, 60), 34), ""), (" " + began + "  ", "muted"), (end, style)]
    return [Row(cut(first, width), key), Row(cut([("    " + one_line(entry.log, 300), "muted")], width), key)]
