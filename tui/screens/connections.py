"""F10: the machines over ssh, each with where its connection stands, its servers, its cards and its ports."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from time import monotonic
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.widgets import Static

from tui.config.action import Place
from tui.hosts.overview import Inside, MachineEntry, all_machines, look_inside, read_places
from tui.hosts.remote import RemoteHost
from tui.i18n import N_, _
from tui.i18n.problems import explain
from tui.model.machine import MachineLine
from tui.model.problem import ProblemError
from tui.model.server import LinkPhase, LinkState
from tui.screens.bindings import bindings_for
from tui.widgets.cell_rows import Row, folded
from tui.widgets.form_rows import Caption
from tui.widgets.keyline import PlaceLine
from tui.widgets.literal import literal
from tui.widgets.machine_rows import machine_rows
from tui.widgets.row_view import RowView

if TYPE_CHECKING:
    from tui.hosts.machines import Machines
    from tui.model.broadcast import Subscription

LOOK_SECONDS = 5.0
"""Seconds between two looks at servers and cards while the list is shown."""

Forwarder = Callable[[RemoteHost], Awaitable[str]]
"""Asks which port of a machine to open here; answers with what came of it."""


class MachinesView(RowView):
    """The rows; without any machine, what to do."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 (Textual's name)
        super().__init__(id=id)
        self.lines: list[MachineLine] = []

    def make_rows(self, width: int) -> list[Row]:
        if self.lines:
            return machine_rows(self.lines, width, monotonic())
        text = _("No machine yet: neither in ~/.ssh/config nor in a profile. Ctrl+N connects one by its address.")
        return folded(text, width, "muted")


class ConnectionsScreen(Screen[str | None]):
    """Answers with the address of a server to open (``ssh://…``), None when it was left. ``forward`` opens a port.
    While another screen covers this one nothing is looked at."""

    CSS_PATH = "../styles/machines.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings_for(Place.CONNECTIONS),
        Binding("escape", "back", show=False, id="connections.back"),
    ]

    def __init__(
        self,
        machines: Machines,
        forward: Forwarder,
        *,
        eats: frozenset[str] = frozenset(),
        keymap: Mapping[str, str] | None = None,
        every: float = LOOK_SECONDS,
    ) -> None:
        super().__init__()
        self.view = MachinesView(id="machines-view")
        self._note = Static(id="machines-note", markup=False)
        self._machines, self._forward = machines, forward
        self._eats, self._keymap, self._every = eats, keymap, every
        self._entries: list[MachineEntry] = []
        self._inside: dict[RemoteHost, Inside] = {}
        self._looked: dict[RemoteHost, float] = {}
        self._changed = asyncio.Event()

    def compose(self) -> ComposeResult:
        yield Caption(N_("Connections"), id="machines-title")
        yield self.view
        yield self._note
        lead = N_("↑ ↓ choose · Enter connect or open · Esc back")
        yield PlaceLine(Place.CONNECTIONS, lead, eats=self._eats, keymap=self._keymap, id="machines-keys")

    def on_mount(self) -> None:
        self.view.focus()

    def on_screen_resume(self) -> None:
        self._look()

    def on_screen_suspend(self) -> None:
        self.workers.cancel_group(self, "look")

    # looking

    @work(group="look", exclusive=True)
    async def _look(self) -> None:
        """Show every change of a link at once, ages once a second; look into the connected machines now and then."""
        profiles, configured = await asyncio.to_thread(read_places)
        tasks: dict[RemoteHost, asyncio.Task[None]] = {}
        looks: dict[RemoteHost, asyncio.Task[None]] = {}
        try:
            while True:
                self._changed.clear()
                for host in self._machines.hosts:
                    if host not in tasks:
                        tasks[host] = asyncio.create_task(self._hear(host.link.subscribe()))
                    if self._is_due(host) and (host not in looks or looks[host].done()):
                        looks[host] = asyncio.create_task(self._look_into(host))
                self._entries = all_machines(self._machines.hosts, profiles, configured)
                self._show()
                try:
                    async with asyncio.timeout(1.0):
                        await self._changed.wait()
                except TimeoutError:
                    continue
        finally:
            for task in (*tasks.values(), *looks.values()):
                task.cancel()
            await asyncio.gather(*tasks.values(), *looks.values(), return_exceptions=True)

    def _is_due(self, host: RemoteHost) -> bool:
        if not host.link.is_up:
            self._inside.pop(host, None)
            self._looked.pop(host, None)
            return False
        return monotonic() - self._looked.get(host, float("-inf")) >= self._every

    async def _hear(self, states: Subscription[LinkState]) -> None:
        try:
            async for _state in states:
                self._changed.set()
        finally:
            states.close()

    async def _look_into(self, host: RemoteHost) -> None:
        self._looked[host] = monotonic()
        self._inside[host] = await look_inside(host)
        self._changed.set()

    def _show(self) -> None:
        self.view.lines = [entry.line(self._inside.get(entry.host) if entry.host else None) for entry in self._entries]
        self.view.rebuild()

    def _say(self, text: str) -> None:
        self._note.update(literal(text))

    # choosing

    @property
    def chosen(self) -> MachineEntry | None:
        """The machine that the cursor is on, or on a row of; the only one there is."""
        key = self.view.chosen
        return self._entry(key) if key else next(iter(self._entries), None)

    def _entry(self, row_key: str) -> MachineEntry | None:
        kind, _space, rest = row_key.partition(" ")
        key = rest if kind == "machine" else rest.partition(" ")[2]
        return next((entry for entry in self._entries if entry.key == key), None)

    @on(RowView.Chosen)
    def _row_chosen(self, event: RowView.Chosen) -> None:
        entry = self._entry(event.row.key)
        if entry is None:
            return
        kind, _space, rest = event.row.key.partition(" ")
        if kind == "server":
            self.dismiss(server_url(entry.name, int(rest.partition(" ")[0])))
        elif kind == "port" and entry.host is not None:
            self._close_port(entry.host, int(rest.partition(" ")[0]))
        elif entry.host is None or not entry.host.link.is_up:
            self._connect(entry)
        else:
            self._open_on(entry.host)

    @work(group="connect")
    async def _connect(self, entry: MachineEntry) -> None:
        self._say("")
        try:
            if entry.host is not None:
                entry.host.link.retry()
            else:
                await self._machines.open(entry.opens)
        except ProblemError as error:
            self._say(explain(error.problem).text)
        self._changed.set()

    @work(group="connect")
    async def _open_on(self, host: RemoteHost) -> None:
        """The one server of a machine, the one that is chosen, or the port that was said when none is seen."""
        from tui.screens.pick import PickScreen

        inside = self._inside.get(host) or await look_inside(host)
        ports = [server.port for server in inside.servers or () if server.listens]
        if len(ports) > 1:
            question = _("Which server on {host}?").format(host=host.name)
            chosen = await self.app.push_screen_wait(PickScreen(question, [str(port) for port in ports]))
            if chosen is None:
                return
            ports = [ports[chosen]]
        self.dismiss(server_url(host.name, ports[0] if ports else host.target.server_port))

    @work(group="connect")
    async def _close_port(self, host: RemoteHost, port: int) -> None:
        await host.close_port(port)
        self._changed.set()

    # actions

    @work(group="connect")
    async def action_reconnect(self) -> None:
        entry = self.chosen
        if entry is not None and entry.host is not None and entry.host.link.is_up:
            await entry.host.link.disconnect()
        if entry is not None:
            self._connect(entry)

    @work(group="connect")
    async def action_disconnect(self) -> None:
        """End a connection; a machine without one leaves the list."""
        entry = self.chosen
        if entry is None or entry.host is None:
            self._say(_("This machine is not connected."))
        elif entry.host.link.state.phase is LinkPhase.IDLE:
            await self._machines.remove(entry.host)
        else:
            await entry.host.link.disconnect()
        self._changed.set()

    @work(group="connect")
    async def action_forward(self) -> None:
        entry = self.chosen
        if entry is None or entry.host is None:
            self._say(_("Connect the machine first."))
            return
        self._say(await self._forward(entry.host))
        self._changed.set()

    @work(group="connect")
    async def action_add(self) -> None:
        from tui.screens.ask import AskScreen

        hint = _("ssh://user@host:port, a name from ~/.ssh/config, or a whole ssh line")
        text = await self.app.push_screen_wait(AskScreen(_("Which machine?"), hint=hint))
        if text and text.strip():
            self._connect(MachineEntry("", "", "open", text.strip()))

    def action_back(self) -> None:
        self.dismiss(None)


def server_url(login: str, port: int) -> str:
    """The address of a server on a machine's own loopback."""
    return f"ssh://{login}/127.0.0.1:{port}"
