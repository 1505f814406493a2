"""The servers of a machine: open one in the chat, watch one that starts, read a log, stop, switch, remove what is
left."""

from __future__ import annotations

import asyncio
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from tui.config.action import Place
from tui.i18n import N_, _
from tui.i18n.figures import gib
from tui.launch.servers import may_stop, servers, stop
from tui.launch.show import fill, stop_line
from tui.launch.starting import Spawned, spawned
from tui.launch.wish import ServeWish
from tui.model.launch import ServerEntry
from tui.model.problem import ProblemError
from tui.screens.bindings import bindings_for
from tui.screens.room import Landing, Room, Site, landing_on, while_shown
from tui.screens.servers_view import ServersState, ServersView
from tui.widgets.literal import one_line
from tui.widgets.row_view import RowView

EVERY = 3.0
"""Seconds between two looks while the list is shown: uptime and memory change."""


class ServersScreen(Room):
    """Enter opens a server in the chat, or watches one that does not answer yet."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings_for(Place.SERVERS),
        Binding("escape", "back", show=False, id="servers.back"),
    ]

    def __init__(self, site: Site, every: float | None = None) -> None:
        super().__init__(site)
        self.state = ServersState()
        self.view = ServersView(self.state, id="servers-view")
        self._every = EVERY if every is None else every

    def compose(self) -> ComposeResult:
        yield from self.first_line()
        yield self.view
        yield from self.last_lines(Place.SERVERS)

    @property
    def title_text(self) -> str:
        return self.headline(_("Servers on this machine"), _("Servers on {machine}"))

    def on_mount(self) -> None:
        self.view.focus()
        self._keep_looking()

    # ── what is there ────────────────────────────────────────────────────────────────────────────────────────────────

    @work(group="look", exclusive=True)
    async def _keep_looking(self) -> None:
        await while_shown(self, self._look, self._every)

    async def _look(self) -> None:
        state = self.state
        try:
            found, known = await asyncio.gather(servers(self.machine), spawned(self.machine))
        except ProblemError as error:
            state.problem = error.problem
        else:
            state.problem = None
            state.servers = found
            state.quantisations = tuple(one for one in reversed(known) if one.kind == "quantise")
            state.ended = tuple(one for one in reversed(known) if one.kind != "quantise" and not one.running)
        state.looking = False
        self.view.rebuild()

    # ── choosing ─────────────────────────────────────────────────────────────────────────────────────────────────────

    @on(RowView.Chosen, "#servers-view")
    def _row_chosen(self, event: RowView.Chosen) -> None:
        entry, other = self.state.server(event.row.key), self.state.spawned(event.row.key)
        if entry is not None and entry.listening is not False:
            self.dismiss(landing_on(entry))
        elif entry is not None:
            self._watch(entry)
        elif other is not None and other.kind == "quantise":
            self._go_to_quantisation(other)
        elif other is not None:
            self._launch(ServeWish(tuple(map(str, other.notes.get("words") or ()))))

    @work(group="room", exclusive=True)
    async def _watch(self, entry: ServerEntry) -> None:
        """One that lmdeck started is watched to its end; anybody else's can only be waited for."""
        from tui.screens.launch import LaunchScreen

        begun = next((one for one in await spawned(self.machine) if one.id == entry.id), None) if entry.id else None
        if begun is None:
            self.note(_("It does not answer yet, and its log is not lmdeck's to read."))
            return
        self._end(await self.app.push_screen_wait(LaunchScreen(self.site, follows=begun)))

    @work(group="room", exclusive=True)
    async def _go_to_quantisation(self, entry: Spawned) -> None:
        from tui.screens.quantise import QuantiseScreen

        self._end(await self.app.push_screen_wait(QuantiseScreen(self.site, follows=entry)))

    @work(group="room", exclusive=True)
    async def _launch(self, wish: ServeWish | None = None, replaces: ServerEntry | None = None) -> None:
        from tui.screens.launch import LaunchScreen

        self._end(await self.app.push_screen_wait(LaunchScreen(self.site, wish, replaces=replaces)))

    def _end(self, landing: Landing | None) -> None:
        if landing is not None:
            self.dismiss(landing)

    def action_start(self) -> None:
        """Another server."""
        from tui.screens.launch import LaunchScreen

        if any(isinstance(screen, LaunchScreen) for screen in self.app.screen_stack):
            self.dismiss(None)
        else:
            self._launch()

    def action_switch(self) -> None:
        """Another model in place of the chosen server."""
        entry = self.state.server(self.view.chosen)
        if entry is None or not entry.mine:
            self.note(_("Choose a server of yours: only those can give way to another model."))
        else:
            self._launch(ServeWish(entry.words), entry)

    def action_log(self) -> None:
        from tui.screens.logs import LogScreen

        key = self.view.chosen
        entry, other = self.state.server(key), self.state.spawned(key)
        log, name = (entry.log, entry.name) if entry else (other.log, other.id) if other else ("", "")
        if log:
            self.app.push_screen(LogScreen(self.site, log, name))
        else:
            self.note(_("Only the logs of what lmdeck started can be read here."))

    # ── stopping and removing ────────────────────────────────────────────────────────────────────────────────────────

    @work(group="stop", exclusive=True)
    async def action_stop(self) -> None:
        """Stop the chosen server, ours after a yes, anybody else's only when its name is typed; or remove what one
        that has ended has left."""
        entry, other = self.state.server(self.view.chosen), self.state.spawned(self.view.chosen)
        try:
            if entry is not None and await self._allowed(entry):
                await self._stop(entry)
            elif other is not None and other.running:
                await self._stop_quantisation(other)
            elif other is not None and await self._sure(_("Remove the log and notes of {name}?"), other.id):
                await self.machine.order("forget", id=other.id)
        except ProblemError as error:
            self.complain(error.problem)
        await self._look()

    async def _stop(self, entry: ServerEntry) -> None:
        held = "–" if entry.memory is None else gib(entry.memory)
        first = fill(N_("Stopping {name}, which holds {held} GiB …"), name=one_line(entry.name, 100), held=held)
        self.state.stops = [first]
        self.view.rebuild()
        async for step in stop(self.machine, entry):
            self.state.stops.append(stop_line(step))
            self.view.rebuild()

    async def _stop_quantisation(self, entry: Spawned) -> None:
        name = str(entry.notes.get("model", "") or entry.id).rstrip("/").rsplit("/", 1)[-1]
        if await self._sure(_("Stop the quantisation of {name}? What it has done is lost."), name):
            await self.machine.order("stop", id=entry.id, signal="TERM")

    async def _sure(self, question: str, name: str) -> bool:
        from tui.screens.confirm import ConfirmScreen

        return bool(await self.app.push_screen_wait(ConfirmScreen(question.replace("{name}", one_line(name, 100)))))

    async def _allowed(self, entry: ServerEntry) -> bool:
        from tui.screens.ask import AskScreen

        if entry.mine:
            return await self._sure(_("Stop {name}?"), entry.name)
        question = _("{name} belongs to {user}. Type its name to stop it.")
        question = question.replace("{name}", one_line(entry.name, 100))
        typed = await self.app.push_screen_wait(AskScreen(question.replace("{user}", one_line(entry.user, 40) or "?")))
        if typed is not None and not may_stop(entry, typed):
            self.note(_("That is not its name; nothing was stopped."))
        return typed is not None and may_stop(entry, typed)
