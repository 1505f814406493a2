"""The app's side of starting servers: the ways into those screens, the machine they are about, and where they end."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from textual import work

from tui.app_options import AppOptions
from tui.i18n import _
from tui.model.problem import Problem, ProblemError
from tui.screens.machine_actions import MachineActions

if TYPE_CHECKING:
    from tui.launch.machine import Machine
    from tui.launch.wish import ServeWish
    from tui.model.launch import ServerEntry
    from tui.screens.room import Landing, Room, Site
    from tui.screens.seam import Workspace

    MakeRoom = Callable[[Site], Room]


class LaunchSide(MachineActions):
    """Mixed into the app. All of it works on the machine that is connected, or on this one."""

    async def on_mount(self) -> None:
        self.chat.launch_plan = self.launch_words

    # the ways in

    def action_launch(self) -> None:
        self.launch_words(())

    def launch_words(self, words: Sequence[str]) -> None:
        """The form, filled with what follows ``serve api_server``, or with a whole command."""
        from tui.launch.wish import ServeWish

        self._launch(ServeWish.pasted(words) if words else None)

    async def model_folders(self) -> tuple[str, ...]:
        """The model folders of the machine that is connected, else of this one; none where it cannot be asked."""
        from tui.launch.machine import LocalMachine
        from tui.launch.models import list_models

        local = LocalMachine()
        try:
            found = await list_models(next(iter(self._far_machines()), local), self.live.settings.model_roots)
        except ProblemError:
            return ()
        finally:
            await local.aclose()
        return tuple(entry.path for entry in found if entry.problem is None)

    async def visit_launch(self, words: Sequence[str]) -> bool:
        """The form with these words, to its end. A server of ours that the chat is on gives way to the new one. True
        when the chat went to a server."""
        from tui.launch.wish import ServeWish
        from tui.screens.launch import LaunchScreen

        async with self._site() as site:
            if site is not None and not self._in_a_room():
                entry = await self._server_of_chat(site.machine)
                return await self._land_from(site, LaunchScreen(site, ServeWish.pasted(words), replaces=entry))
        return False

    async def visit_quantise(self, words: Sequence[str]) -> bool:
        """The form with what follows ``lite auto_awq``, to its end. True when the chat went to a server of what was
        made."""
        from tui.launch.wish import ServeWish
        from tui.screens.quantise import QuantiseScreen

        async with self._site() as site:
            if site is not None and not self._in_a_room():
                return await self._land_from(site, QuantiseScreen(site, ServeWish(tuple(words))))
        return False

    async def _land_from(self, site: Site, room: Room) -> bool:
        landing = await self.push_screen_wait(room)
        if landing is not None:
            await self._land(site.machine, landing)
        return landing is not None

    def _launch(self, wish: ServeWish | None, replaces: ServerEntry | None = None) -> None:
        from tui.screens.launch import LaunchScreen

        self._enter(lambda site: LaunchScreen(site, wish, replaces=replaces))

    def action_servers(self) -> None:
        """The servers of the machine."""
        from tui.screens.servers import ServersScreen

        self._enter(ServersScreen)

    def action_quantise(self) -> None:
        self.quantise_words(())

    def quantise_words(self, words: Sequence[str]) -> None:
        """The form, filled with what follows ``lite auto_awq``."""
        from tui.launch.wish import ServeWish
        from tui.screens.quantise import QuantiseScreen

        wish = ServeWish(tuple(words)) if words else None
        self._enter(lambda site: QuantiseScreen(site, wish))

    @work(group="nodes", exclusive=True)
    async def action_nodes(self) -> None:
        """The nodes of the proxy that the chat talks to."""
        from tui.screens.nodes import NodesScreen
        from tui.server.endpoint import Endpoint
        from tui.server.proxy import Proxy

        workspace = self.chat.workspace
        link = workspace.link if workspace is not None else None
        if workspace is None or not isinstance(link, Endpoint) or not link.facts.is_proxy:
            self.chat.hint(_("This server is no lmdeploy proxy, so it has no nodes."))
            return
        lately = _proxy_error(workspace)
        screen = NodesScreen(Proxy(link.client), workspace.address, lately, eats=self._terminal.eats)
        await self.push_screen_wait(screen)

    def action_switch_server(self) -> None:
        """Another model on the server of this chat."""
        if not self._in_a_room():
            self._switch()

    @work(group="launch", exclusive=True)
    async def _switch(self) -> None:
        from tui.launch.wish import ServeWish
        from tui.screens.launch import LaunchScreen

        workspace = self.chat.workspace
        async with self._site() as site:
            if site is None:
                return
            entry = await self._server_of_chat(site.machine)
            if workspace is None or entry is None:
                self.chat.hint(_("This server was not started by lmdeck, so it cannot give way to another model."))
                return
            await self._visit(site, LaunchScreen(site, ServeWish(entry.words), replaces=entry))

    async def _server_of_chat(self, machine: Machine) -> ServerEntry | None:
        """Ours that the chat is connected to; None when it is none of ours."""
        from tui.hosts.remote_machine import RemoteMachine
        from tui.launch.servers import servers

        workspace = self.chat.workspace
        host = workspace.host if workspace is not None else None
        if workspace is None or host is not (machine.host if isinstance(machine, RemoteMachine) else None):
            return None
        port = workspace.address.rpartition(":")[2]
        try:
            found = await servers(machine)
        except ProblemError as error:
            self.chat.tell(error.problem)
            return None
        return next((one for one in found if one.mine and one.running and str(one.port) == port), None)

    # the room, and what comes of it

    def _in_a_room(self) -> bool:
        from tui.screens.room import Room

        if any(isinstance(screen, Room) for screen in self.screen_stack):
            self.hint(_("Leave this screen first (Esc)."))
            return True
        return False

    def _enter(self, make: MakeRoom) -> None:
        if not self._in_a_room():
            self._visit_new(make)

    @work(group="launch", exclusive=True)
    async def _visit_new(self, make: MakeRoom) -> None:
        async with self._site() as site:
            if site is not None:
                await self._visit(site, make(site))

    async def _visit(self, site: Site, room: Room) -> None:
        if not await self._land_from(site, room) and not self.chat.is_open:
            self.action_connect()

    @asynccontextmanager
    async def _site(self) -> AsyncGenerator[Site | None]:
        """The machine to work on; where one is connected and this one too, the user chooses. None: nothing chosen."""
        from tui.launch.machine import LocalMachine
        from tui.launch.models import ROOTS
        from tui.screens.room import Site

        settings = self.live.settings
        local = LocalMachine()
        try:
            machine = await self._choose_machine(local)
            if machine is None:
                yield None
                return
            total = round(settings.gpu_total * 2**30) if settings.gpu_total and machine is local else None
            yield Site(
                machine, (*settings.model_roots, *ROOTS), settings.lmdeploy_path, total, eats=self._terminal.eats,
                keymap=self.keys_of_user,
            )  # fmt: skip
        finally:
            await local.aclose()

    async def _choose_machine(self, local: Machine) -> Machine | None:
        from tui.screens.pick import PickScreen

        far = self._far_machines()
        if not far:
            return local
        names = (*(machine.name for machine in far), _("this machine"))
        place = await self.push_screen_wait(PickScreen(_("On which machine?"), names))
        return None if place is None else (*far, local)[place]

    def _far_machines(self) -> list[Machine]:
        """The machines over ssh that are connected now."""
        from tui.hosts.remote_machine import RemoteMachine

        hosts = self._machines.hosts if self._machines is not None else ()
        return [RemoteMachine(host) for host in hosts if host.link.is_up]

    async def _land(self, machine: Machine, landing: Landing) -> None:
        """Open the chat on a server, with the conversation where the server takes another's place."""
        from tui.hosts.remote_machine import RemoteMachine
        from tui.screens.confirm import ConfirmScreen

        question = _("{url} is ready, but a reply is running. Stop it and go there? What has arrived is kept.")
        if self.chat.busy and not await self.push_screen_wait(ConfirmScreen(question.replace("{url}", landing.url))):
            self.chat.hint(_("The new server goes on: {url}").replace("{url}", landing.url))
            return
        options = AppOptions(
            store=self._options.store, mouse=self._options.mouse, api_key=landing.api_key,
            conversation=self._conversation(landing),
        )  # fmt: skip
        if isinstance(machine, RemoteMachine):
            options = replace(options, ssh=machine.url(landing.url), ssh_options=machine.options)
        else:
            options = replace(options, url=landing.url)
        self._connected(options)
        self.chat.hint(_("Connected to {url}.").replace("{url}", landing.url))

    def _conversation(self, landing: Landing) -> str:
        """The open conversation when it goes on: after a switch, and where its server is not there any more."""
        from tui.model.server import LinkPhase

        workspace = self.chat.workspace
        if workspace is None or workspace.session is None or not workspace.reading.messages:
            return ""
        gone = workspace.link is not None and workspace.link.link.phase is not LinkPhase.HEALTHY
        return workspace.session.conversation_id if landing.keeps or gone else ""


def _proxy_error(workspace: Workspace) -> Problem | None:
    """What the proxy said in place of the last answer, if that is how it ended."""
    last = next((one for one in reversed(workspace.reading.messages) if one.role == "assistant"), None)
    from tui.model.message import NoticePart

    problems = [part.problem for part in last.parts if isinstance(part, NoticePart)] if last is not None else []
    return next((one for one in reversed(problems) if one.code.startswith("server.proxy_")), None)
