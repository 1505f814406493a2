"""A server behind ssh: an endpoint whose way is a link, so that every state of the link is a state of the endpoint."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, replace
from time import monotonic

from tui.model.delta import Delta
from tui.model.problem import Problem, ProblemError
from tui.model.request import ChatRequest
from tui.model.server import LinkPhase, ServerFacts
from tui.model.turn import RawLine
from tui.server.address import Address
from tui.server.client import ServerClient
from tui.server.endpoint import Endpoint
from tui.server.transport import Timeouts
from tui.ssh.forwards import Forward
from tui.ssh.link import UP, Link

PATIENCE = 60.0
"""Seconds that a request waits for a link that is coming back."""

_SOON = 0.5  # a broken socket is seen before ssh's words and its end are
_BROKEN = frozenset(
    ("server.cut_off", "server.hung_up", "server.refused", "server.socket_missing", "server.connection_failed",
     "server.not_http", "server.stalled", "server.silent", "server.connect_timeout")
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class TunnelAddress(Address):
    """An address with the name that people gave it: ``ssh://root@box:48626/127.0.0.1:23333``."""

    name: str = ""

    @property
    def shown(self) -> str:
        return self.name

    @property
    def reference(self) -> str:
        """The machine's address with the server's: text for :func:`tui.ssh.target.parse_target`."""
        return self.name


def tunnel_address(forward: Forward, login: str) -> TunnelAddress:
    """Where a forward's server is reached from here."""
    server = replace(forward, socket="", local_port=0)
    name = f"ssh://{login}/{server.words[1].partition(':')[2].partition(':')[2]}"
    if forward.socket:
        # Nothing is sent there: it is what the same request would be called on the machine, or behind /forward.
        return TunnelAddress(f"http://127.0.0.1:{forward.port}", forward.socket, name)
    return TunnelAddress(f"http://127.0.0.1:{forward.local_port}", None, name)


class Way:
    """Explains a failed request by what happened to the link meanwhile."""

    def __init__(self, link: Link, server: str) -> None:
        self.link = link
        self.server = server

    async def explain(self, problem: Problem, since: float, pid: int | None, *, began: bool) -> Problem:
        """``problem`` of a request sent at ``since`` (monotonic) through the ssh process ``pid``; ``began``: part of
        the reply is here."""
        if problem.code not in _BROKEN:
            return problem
        end = monotonic() + _SOON
        while monotonic() < end:
            if not self.link.is_up or self.link.pid != pid:
                return self._lost(problem, began=began)
            if refusal := self.link.refusal_since(since):
                data = {**refusal.data, "server": self.server, "host": self.link.target.login}
                return replace(refusal, data=data)
            await asyncio.sleep(0.02)
        return problem

    def _lost(self, problem: Problem, *, began: bool) -> Problem:
        code = "ssh.reply_cut" if began else "ssh.request_lost"
        cause = self.link.state.problem
        detail = f"{cause.code}: {cause.detail}" if cause else problem.detail
        return Problem(code, {"host": self.link.target.login}, detail)


class TunnelClient(ServerClient):
    """A client whose requests wait while the link comes back, and whose failures name the link when it was that."""

    def __init__(self, way: Way, address: Address, api_key: str | None, timeouts: Timeouts | None) -> None:
        super().__init__(address, api_key, timeouts=timeouts)
        self._way = way

    async def chat(
        self,
        request: ChatRequest,
        *,
        on_line: Callable[[RawLine], None] | None = None,
        on_notice: Callable[[Problem], None] | None = None,
    ) -> AsyncGenerator[Delta, None]:
        """As :meth:`ServerClient.chat`. Raises ProblemError(ssh.reply_cut) when the link was lost in the middle: what
        came can be continued."""
        link = self._way.link
        await link.returning(PATIENCE)
        since, pid, began = monotonic(), link.pid, False
        answer = super().chat(request, on_line=on_line, on_notice=on_notice)
        try:
            async with aclosing(answer):
                async for delta in answer:
                    began = True
                    yield delta
        except ProblemError as error:
            raise ProblemError(await self._way.explain(error.problem, since, pid, began=began)) from error


Aim = Callable[["TunnelEndpoint"], Awaitable[None]]
"""Finds out where the server is and leads the endpoint there; asked before the first look at the server, and again
after nothing listened there."""


class TunnelEndpoint(Endpoint):
    """An endpoint over a link. While the link is not up its states are shown as the endpoint's; when it comes back the
    server is looked at again at once."""

    def __init__(
        self,
        link: Link,
        forward: Forward,
        api_key: str | None = None,
        model: str | None = None,
        *,
        timeouts: Timeouts | None = None,
    ) -> None:
        address = tunnel_address(forward, link.target.login)
        super().__init__(address, api_key, model, timeouts=timeouts)
        self.forward = forward
        self.aim: Aim | None = None
        self._way = Way(link, address.name.rpartition("/")[2])
        self._key = api_key
        self._aimed = False
        self.client = TunnelClient(self._way, address, api_key, timeouts)
        self._up = asyncio.Event()
        self._gone = asyncio.Event()
        self._mirror: asyncio.Task[None] | None = None

    async def connect(self) -> None:
        """As :meth:`Endpoint.connect`; starts the link too."""
        if self._mirror is None:
            self._way.link.connect()
            self._mirror = asyncio.create_task(self._follow_link())
        await super().connect()

    async def ready(self, timeout: float) -> bool:  # noqa: ASYNC109 (as its parent)
        """As :meth:`Endpoint.ready`; before that it waits for a link that is being connected, at least a minute."""
        await self.connect()
        with contextlib.suppress(ProblemError):
            await self._way.link.returning(max(timeout, PATIENCE))
        return await super().ready(timeout)

    async def lead_to(self, host: str, port: int) -> None:
        """From now on the server is ``host:port`` as seen from the machine; what was known of another is forgotten.
        Raises ProblemError."""
        if (host, port) == (self.forward.host, self.forward.port):
            return
        link, looking = self._way.link, self._keeper
        if looking is not None and looking is not asyncio.current_task():  # a look at the old server would be believed
            looking.cancel()
            await asyncio.gather(looking, return_exceptions=True)
            self._keeper = None
        self.forward = await link.add_forward(host, port)
        self.address = address = tunnel_address(self.forward, link.target.login)
        self._way = Way(link, address.name.rpartition("/")[2])
        old, self.client = self.client, TunnelClient(self._way, address, self._key, self.client.timeouts)
        if self._warming is not None:
            self._warming.cancel()
            await asyncio.gather(self._warming, return_exceptions=True)
            self._warming = None
        await old.aclose()
        self.metrics = None
        self._learn(ServerFacts())
        super().retry()
        if looking is not None:
            await super().connect()

    def retry(self) -> None:
        """Try again now; where the link is down, that one first."""
        if not self._way.link.is_up:
            self._way.link.retry()
        super().retry()

    def request_failed(self, problem: Problem) -> None:
        """A lost link comes back by itself; only what a request teaches of the server counts here."""
        if self._way.link.is_up and not problem.code.startswith("ssh."):
            super().request_failed(problem)
        elif problem.code in ("ssh.not_listening", "ssh.forwarding_prohibited", "ssh.open_failed"):
            super().retry()

    async def aclose(self) -> None:
        if self._mirror is not None:
            self._mirror.cancel()
            await asyncio.gather(self._mirror, return_exceptions=True)
            self._mirror = None
        await super().aclose()

    async def _follow_link(self) -> None:
        """Show the link's states, and look at the server again whenever the link came back."""
        link = self._way.link
        news = link.subscribe()
        try:
            self._reflect()
            async for _ in news:
                self._reflect()
        finally:
            news.close()

    def _reflect(self) -> None:
        state = self._way.link.state
        if state.phase not in UP:
            self._up.clear()
            self._gone.set()
            self._set_link(state.phase, state.problem, retry_at=state.retry_at)
            if state.phase in (LinkPhase.BACKOFF, LinkPhase.NEEDS_YOU, LinkPhase.IDLE):
                self._settled.set()
        elif not self._up.is_set():
            self._up.set()
            self._gone.clear()
            super().retry()
        elif state.phase is LinkPhase.DEGRADED:
            self._set_link(LinkPhase.DEGRADED, state.problem, round_trip=state.round_trip)
        elif self.link.phase is LinkPhase.DEGRADED and self.link.problem and self.link.problem.code == "ssh.agent_late":
            self._set_link(*self._verdict(), round_trip=state.round_trip)
        elif self.link.phase is LinkPhase.HEALTHY:
            self._set_link(LinkPhase.HEALTHY, round_trip=state.round_trip)

    async def _look_at_server(self, *, quietly: bool) -> None:
        """Wait for the link, then look. Raises ProblemError with the link's part in it."""
        await self._up.wait()
        self._look.clear()
        if self.aim is not None and not self._aimed:
            self._aimed = True
            await self.aim(self)
            self._look.clear()
        since, pid = monotonic(), self._way.link.pid
        try:
            await super()._look_at_server(quietly=quietly)
        except ProblemError as error:
            problem = await self._way.explain(error.problem, since, pid, began=False)
            self._aimed = problem.code != "ssh.not_listening"
            if problem.code == "ssh.request_lost":
                await self._gone.wait()  # the link's own states follow; the look is taken again when it is back
            raise ProblemError(problem) from error
