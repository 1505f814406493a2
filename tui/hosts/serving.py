"""The lmdeploy servers on another machine: which there are, and which one is meant."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, cast

from tui.gpu.found import server_from
from tui.hosts.remote_finder import Orders
from tui.hosts.tunnel import TunnelEndpoint
from tui.model.machine import ServerThere
from tui.model.problem import Problem, ProblemError

_LOOPBACK = ("127.0.0.1", "::1")


async def servers_there(order: Orders) -> tuple[ServerThere, ...]:
    """The servers whose processes the login may see, by port. Raises ProblemError."""
    listed = cast("list[Mapping[str, Any]]", (await order("servers")).get("servers") or [])
    found = [server_from(entry) for entry in listed]
    servers = [ServerThere(one.port, one.command.model, one.pid, bool(one.ports)) for one in found]
    return tuple(sorted(servers, key=lambda server: server.port))


Chooser = Callable[[str, Sequence[ServerThere]], Awaitable[ServerThere | None]]
"""Lets the user choose among the servers of a machine; None: he does not want to."""


class Aimer:
    """Leads an endpoint to the server that is meant (:data:`tui.hosts.tunnel.Aim`): the one at the port that was said
    (``named``), the only one there is, or the one the user chooses. One that comes back with its model at another port
    is followed, and ``moved`` hears of it. Without ``choose`` nothing is guessed: a ProblemError says what there is."""

    def __init__(
        self,
        order: Orders,
        login: str,
        *,
        named: bool = False,
        choose: Chooser | None = None,
        moved: Callable[[Problem], None] | None = None,
    ) -> None:
        self._order = order
        self._login = login
        self._named = named
        self._choose = choose
        self._moved = moved
        self._model = ""  # what the server that was meant last serves
        self._refused: tuple[ServerThere, ...] = ()  # what the user did not want to choose from

    async def __call__(self, endpoint: TunnelEndpoint) -> None:
        """Raises ProblemError: ssh.several_servers, ssh.listens_elsewhere (only without ``choose``)."""
        if endpoint.forward.host not in _LOOPBACK:
            return  # a third machine, which cannot be looked into
        port = endpoint.forward.port
        offers = await self._offers(port)
        meant = next((one for one in offers if one.port == port), None)
        if meant is not None and (self._named or len(offers) == 1):
            self._model = meant.model
            return
        if self._model:  # it was there: its model may come back elsewhere, another server is no replacement
            offers = tuple(one for one in offers if one.model == self._model)
        if not offers or offers == self._refused:
            return
        chosen = await self._decide(offers, port)
        if chosen is None:
            self._refused = offers
            return
        was_named, self._named, self._model = self._named, True, chosen.model
        await endpoint.lead_to(endpoint.forward.host, chosen.port)
        if was_named and self._moved is not None:
            self._moved(Problem("ssh.server_moved", {"host": self._login, "port": str(port), "new": str(chosen.port)}))

    async def _offers(self, port: int) -> tuple[ServerThere, ...]:
        """Whatever listens: lmdeploy's servers, and the port that was said when another user's process has it."""
        try:
            found = tuple(one for one in await servers_there(self._order) if one.listens)
            if any(one.port == port for one in found):
                return found
            taken = bool((await self._order("port", port=port)).get("sockets"))
        except ProblemError:  # an agent that cannot say: the port that was said is taken
            return ()
        return (ServerThere(port), *found) if taken else found

    async def _decide(self, offers: tuple[ServerThere, ...], port: int) -> ServerThere | None:
        alone = offers[0] if len(offers) == 1 else None
        if self._choose is not None:
            return alone or await self._choose(self._login, offers)
        if alone is not None and not self._named:
            return alone
        code = "ssh.listens_elsewhere" if self._named else "ssh.several_servers"
        ports = ", ".join(str(one.port) for one in offers)
        raise ProblemError(Problem(code, {"host": self._login, "port": str(port), "ports": ports}))
