"""The nodes of an lmdeploy proxy: what they work on, how fast they were, which do not answer. lmdeck balances nothing
itself."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import ClassVar, Protocol

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.widgets import Static

from tui.config.action import Place
from tui.i18n import N_, _
from tui.i18n.problems import explain
from tui.launch.nodes import ProxyNode, node_error, read_nodes
from tui.launch.show import fill
from tui.model.problem import Problem, ProblemError
from tui.screens.bindings import bindings_for
from tui.screens.room import while_shown
from tui.widgets.cell_rows import Row, cut, folded, pad, right
from tui.widgets.keyline import PlaceLine
from tui.widgets.literal import literal, one_line
from tui.widgets.row_view import RowView

EVERY = 5.0
"""Seconds between two looks while the screen is shown."""
_NODE_SECONDS = 5.0
_ROLES = {"hybrid": N_("hybrid"), "prefill": N_("prefill"), "decode": N_("decode")}


class ProxyTalk(Protocol):
    """What the screen asks of a proxy. Every call may raise ProblemError."""

    async def status(self) -> str:
        """The text of GET /nodes/status."""
        ...

    async def remove(self, url: str) -> str:
        """What the proxy says about taking a node out of its list."""
        ...

    async def ask(self, url: str, within: float) -> float:
        """Ask a node itself whether it is alive; seconds until its answer."""
        ...


@dataclass(slots=True)
class NodesState:
    """Everything shown. ``asked`` is what nodes themselves said: seconds, or the problem."""

    nodes: tuple[ProxyNode, ...] | None = None
    problem: Problem | None = None
    lately: Problem | None = None
    asked: dict[str, float | Problem] = field(default_factory=dict[str, "float | Problem"])


class NodesView(RowView):
    """A row with figures and a row with models for each node."""

    def __init__(self, state: NodesState, *, id: str | None = None) -> None:  # noqa: A002 (Textual's name)
        super().__init__(id=id)
        self.state = state

    def make_rows(self, width: int) -> list[Row]:
        state = self.state
        rows: list[Row] = []
        for problem in (state.lately, state.problem):
            if problem is not None:
                rows += [*folded(one_line(explain(problem).text, 600), width, "error"), Row()]
        if state.nodes is None:
            rows.append(Row(((_("Asking the proxy …") if state.problem is None else "", "muted"),)))
        elif not state.nodes:
            text = _("No node is registered. Start servers with --proxy-url and this address.")
            rows += folded(text, width, "warning")
        for node in state.nodes or ():
            rows += _node_rows(node, state.asked.get(node.url), width)
        return rows


def _node_rows(node: ProxyNode, asked: float | Problem | None, width: int) -> list[Row]:
    latency = "–" if node.latency is None else f"{node.latency:.2f} s"
    mark, style = (
        ("·", "muted") if asked is None else ("✗", "error") if isinstance(asked, Problem) else ("●", "success")
    )
    figures = [
        (mark + " ", style),
        (pad(one_line(node.url, 80), 34), "bold"),
        (right(fill(N_("{count} unfinished"), count=node.unfinished), 15), ""),
        (right(latency, 10), ""),
        ("  " + _(_ROLES.get(node.role, node.role)), "muted"),
    ]
    models = ", ".join(one_line(name, 100) for name in node.models) or "–"
    rows = [Row(cut(figures, width), node.url), Row(cut([("    " + models, "muted")], width), node.url)]
    if isinstance(asked, Problem):
        rows += [
            replace(row, key=node.url) for row in folded("    " + one_line(explain(asked).text, 400), width, "error")
        ]
    elif asked is not None:
        text = fill(N_("answers after {milliseconds} ms"), milliseconds=round(asked * 1000))
        rows.append(Row(cut([("    " + text, "success")], width), node.url))
    return rows


class NodesScreen(Screen[None]):
    """Enter asks a node itself; Del takes one out of the proxy's list. ``lately`` is the proxy's error in the chat."""

    CSS_PATH = "../styles/launch.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings_for(Place.NODES),
        Binding("escape", "back", show=False, id="nodes.back"),
    ]

    def __init__(
        self,
        talk: ProxyTalk,
        address: str,
        lately: Problem | None = None,
        *,
        every: float | None = None,
        eats: frozenset[str] = frozenset(),
    ) -> None:
        super().__init__()
        self.state = NodesState(lately=lately)
        self.view = NodesView(self.state, id="nodes-view")
        self._talk, self._address = talk, address
        self._every = EVERY if every is None else every
        self._eats = eats
        self._said = Static(id="room-note", markup=False)

    def compose(self) -> ComposeResult:
        yield Static(literal(self._title), id="room-title", markup=False)
        yield self.view
        yield self._said
        yield PlaceLine(Place.NODES, N_("Esc back   Enter ask the node itself"), eats=self._eats, id="room-keys")

    @property
    def _title(self) -> str:
        return _("Nodes of the proxy {address}").replace("{address}", one_line(self._address, 100))

    def retranslate(self) -> None:
        self.query_one("#room-title", Static).update(literal(self._title))

    def on_mount(self) -> None:
        self.view.focus()
        self._keep_looking()

    @work(group="look", exclusive=True)
    async def _keep_looking(self) -> None:
        await while_shown(self, self._look, self._every)

    async def _look(self) -> None:
        try:
            text = await self._talk.status()
            problem = node_error(text)
            if problem is not None:
                raise ProblemError(problem)
            self.state.nodes, self.state.problem = read_nodes(text), None
        except ProblemError as error:
            self.state.problem = error.problem
        self.view.rebuild()

    @on(RowView.Chosen, "#nodes-view")
    def _chosen(self, event: RowView.Chosen) -> None:
        self._ask(event.row.key)

    @work(group="ask")
    async def _ask(self, url: str) -> None:
        try:
            self.state.asked[url] = await self._talk.ask(url, _NODE_SECONDS)
        except ProblemError as error:
            self.state.asked[url] = error.problem
        self.view.rebuild()

    @work(group="dialog", exclusive=True)
    async def action_remove(self) -> None:
        """Take the chosen node out of the list; its server goes on."""
        from tui.screens.confirm import ConfirmScreen

        url = self.view.chosen
        if not url:
            return
        question = _("Take {url} out of the proxy's list? Its server goes on.").replace("{url}", one_line(url, 100))
        if not await self.app.push_screen_wait(ConfirmScreen(question)):
            return
        try:
            said = await self._talk.remove(url)
        except ProblemError as error:
            said = explain(error.problem).text
        self._said.update(literal(one_line(said, 300)))
        await self._look()

    def action_back(self) -> None:
        self.dismiss(None)
