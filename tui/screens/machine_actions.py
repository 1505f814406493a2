"""What the app does with machines over ssh: their screens, the connection of the open server, ports for browsers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import work

from tui.app_options import AppOptions
from tui.i18n import _
from tui.model.problem import ProblemError
from tui.screens.app_connect import ConnectSide

if TYPE_CHECKING:
    from tui.hosts.remote import RemoteHost


class MachineActions(ConnectSide):
    """Mixed into the app."""

    def _host(self) -> RemoteHost | None:
        """The machine of the open server; says so where there is none."""
        workspace = self.chat.workspace
        host = workspace.host if workspace is not None else None
        if host is None:
            self.hint(_("The open server is not behind ssh."))
        return host

    def _may_leave(self, kind: type[object]) -> bool:
        """Whether a screen of this kind can come up: not twice, and never over a question of ssh."""
        from tui.screens.questions import Comparing

        return not any(isinstance(screen, (kind, Comparing)) for screen in self.screen_stack)

    # screens

    def action_connections(self) -> None:
        from tui.screens.connections import ConnectionsScreen

        if self._may_leave(ConnectionsScreen):
            self._connections()

    @work(group="machines-screen", exclusive=True)
    async def _connections(self) -> None:
        from tui.screens.connections import ConnectionsScreen

        screen = ConnectionsScreen(self.machines, self.ask_port, eats=self._terminal.eats, keymap=self.keys_of_user)
        await self._go_to(await self.push_screen_wait(screen))

    def action_fleet(self) -> None:
        from tui.screens.fleet import FleetScreen

        if self._may_leave(FleetScreen):
            self._fleet()

    @work(group="machines-screen", exclusive=True)
    async def _fleet(self) -> None:
        from tui.screens.fleet import FleetScreen

        await self._go_to(await self.push_screen_wait(FleetScreen(self.machines)))

    async def _go_to(self, address: str | None) -> None:
        """Open the chat on a server, unless it is the one that is open."""
        from tui.screens.confirm import ConfirmScreen

        workspace = self.chat.workspace
        if address is None or (workspace is not None and workspace.address == address.removeprefix("http://")):
            return
        question = _("A reply is running. Stop it and connect elsewhere? What has arrived is kept.")
        if self.chat.busy and not await self.push_screen_wait(ConfirmScreen(question)):
            return
        far = address.startswith("ssh:")
        self._connected(
            AppOptions(
                ssh=address if far else "", url="" if far else address,
                store=self._options.store, mouse=self._options.mouse,
            )
        )  # fmt: skip

    # the connection of the open server

    @work(group="connection", exclusive=True)
    async def action_reconnect(self) -> None:
        """Connect again at once; a connection that is up is ended first."""
        workspace = self.chat.workspace
        host = workspace.host if workspace is not None else None
        if host is not None and host.link.is_up:
            await host.link.disconnect()
        if workspace is not None and workspace.link is not None:
            workspace.link.retry()
            self.hint(_("Connecting again …"))

    @work(group="connection", exclusive=True)
    async def action_disconnect(self) -> None:
        if (host := self._host()) is not None:
            await host.link.disconnect()
            self.hint(_("Disconnected from {host}. What runs there goes on.").format(host=host.name))

    # ports

    @work(group="connection", exclusive=True)
    async def action_forward_port(self) -> None:
        """What is open, to be closed; or one more."""
        from tui.hosts.overview import opened_ports
        from tui.screens.pick import PickScreen

        if (host := self._host()) is None:
            return
        ports = opened_ports(host)
        if ports:
            rows = [
                _("Close 127.0.0.1:{here}, which leads to port {there}").format(here=one.local_port, there=one.port)
                for one in ports
            ]
            question = _("Ports of {host} on this machine").format(host=host.name)
            chosen = await self.push_screen_wait(PickScreen(question, [*rows, _("Open another port …")]))
            if chosen is None:
                return
            if chosen < len(ports):
                await host.close_port(ports[chosen].port)
                self.hint(_("127.0.0.1:{here} is closed.").format(here=ports[chosen].local_port))
                return
        if text := await self.ask_port(host):
            self.hint(text)

    async def ask_port(self, host: RemoteHost) -> str:
        """Ask which port of a machine to open on this one; what came of it, empty when nothing was said."""
        from tui.screens.ask import AskScreen

        question = _("Which port of {host} shall 127.0.0.1 lead to?").format(host=host.name)
        hint = _("A port, such as 23333; or HERE:THERE for another number on this machine.")
        text = await self.push_screen_wait(AskScreen(question, str(host.target.server_port), hint=hint))
        return await open_port(host, text) if text and text.strip() else ""

    async def forward_words(self, text: str) -> str:
        """``/forward PORT``; what came of it."""
        host = self._host()
        return await open_port(host, text) if host is not None else ""


async def open_port(host: RemoteHost, text: str) -> str:
    """Open ``THERE`` or ``HERE:THERE`` of a machine on 127.0.0.1; the address, or why not."""
    from tui.ssh.target import parse_port

    here, _colon, there = text.strip().rpartition(":")
    try:
        port = parse_port(there.strip())
        forward = await host.open_port(port, parse_port(here.strip()) if here else None)
    except ProblemError as error:
        from tui.i18n.problems import explain

        return explain(error.problem).text
    return _("http://127.0.0.1:{here} leads to port {there} of {host}.").format(
        here=forward.local_port, there=port, host=host.name
    )
