"""The fleet: every server on every connected machine and on this one, each with its memory and its load."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from tui.gpu.found import find_servers
from tui.hosts.machines import Machines
from tui.hosts.monitor import MemoryMonitor
from tui.hosts.remote import RemoteHost
from tui.hosts.serving import servers_there
from tui.hosts.watching import Watch, memory_monitor, remote_monitor
from tui.model.broadcast import Broadcast, Subscription
from tui.model.machine import FleetLine
from tui.model.monitor import Attention, MemoryState
from tui.model.problem import ProblemError
from tui.server.address import Address
from tui.server.endpoint import Endpoint, News

SAMPLES = 2.0
"""Seconds between samples of the cards while the fleet is looked at."""
_SCAN_SECONDS = 5.0
_LOOPBACK = ("127.0.0.1", "::1")


@dataclass
class _Member:
    """One server: how it is talked to and watched."""

    host: RemoteHost | None
    port: int
    endpoint: Endpoint
    monitor: MemoryMonitor
    looking: ExitStack = field(default_factory=ExitStack)
    tasks: list[asyncio.Task[None]] = field(default_factory=list[asyncio.Task[None]])

    @property
    def line(self) -> FleetLine:
        host = self.host.name if self.host is not None else ""
        state = self.monitor.state
        kv, free = _sums(state)
        return FleetLine(
            f"{host} {self.port}", host, self.port, self.endpoint.model or state.model, self.endpoint.link,
            state.occupancy.fraction if state.occupancy is not None else None, kv, state.running, state.waiting,
            state.tokens_per_second, free,
        )  # fmt: skip


def _sums(state: MemoryState) -> tuple[int | None, int | None]:
    """The kv cache over all cards of a server, and what those cards have left; None where no card said it."""
    splits = [card.breakdown for card in state.cards]
    serving = [split for split in splits if split.kv_cache.bytes] or splits
    kv = [split.kv_cache.bytes for split in serving if split.kv_cache.bytes is not None]
    free = [split.free.bytes for split in serving if split.free.bytes is not None]
    return (sum(kv) if kv else None), (sum(free) if free else None)


class Fleet:
    """Finds servers and follows them while somebody looks (:meth:`looking`); asks nothing of anybody else."""

    def __init__(self, machines: Machines, *, here: bool = True) -> None:
        self._machines = machines
        self._here = here
        self._members: dict[tuple[RemoteHost | None, int], _Member] = {}
        self._news: Broadcast[tuple[FleetLine, ...]] = Broadcast(limit=4)
        self._scanning: asyncio.Task[None] | None = None

    @property
    def lines(self) -> tuple[FleetLine, ...]:
        """All servers, and machines that are not connected, in the order of the machines."""
        found: list[FleetLine] = []
        for host in (None, *self._machines.hosts):
            members = [member for member in self._members.values() if member.host is host]
            found += [member.line for member in sorted(members, key=lambda member: member.port)]
            if host is not None and not members:
                found.append(FleetLine(f"{host.name} 0", host.name, 0, link=host.link.state))
        return tuple(found)

    def subscribe(self) -> Subscription[tuple[FleetLine, ...]]:
        """The lines whenever one of them changed."""
        return self._news.subscribe()

    @contextmanager
    def looking(self) -> Generator[None]:
        """Somebody looks as long as the block is open: scan for servers, sample their cards."""
        self._scanning = asyncio.create_task(self._scan())
        for member in self._members.values():
            self._attend(member)
        try:
            yield
        finally:
            self._scanning.cancel()
            self._scanning = None
            for member in self._members.values():
                member.looking.close()

    async def aclose(self) -> None:
        """Let go of every server; the machines stay connected."""
        for key in list(self._members):
            await self._drop(key)
        self._news.close()

    # finding

    async def _scan(self) -> None:
        while True:
            found = await self._find()
            for key in list(self._members):
                host = key[0]
                if key not in found and (host is None or host.link.is_up or host not in self._machines.hosts):
                    await self._drop(key)
            for host, port in sorted(found - set(self._members), key=lambda key: key[1]):
                await self._add(host, port)
            self._tell()
            await asyncio.sleep(_SCAN_SECONDS)

    async def _find(self) -> set[tuple[RemoteHost | None, int]]:
        """Every server that listens: (machine, port)."""
        found: set[tuple[RemoteHost | None, int]] = set()
        if self._here:
            found |= {(None, one.port) for one in await asyncio.to_thread(find_servers) if one.ports}
        for host in self._machines.hosts:
            found |= {(host, port) for port in await _ports_of(host)}
        return found

    async def _add(self, host: RemoteHost | None, port: int) -> None:
        try:
            member = await _join(host, port)
        except ProblemError:
            return  # the link has just been lost: found again at the next scan
        self._members[host, port] = member
        await member.endpoint.connect()
        await member.monitor.start()
        if self._scanning is not None:
            self._attend(member)
        states, news = member.monitor.subscribe(), member.endpoint.subscribe()
        member.tasks = [asyncio.create_task(self._follow(states)), asyncio.create_task(self._follow(news))]

    @staticmethod
    def _attend(member: _Member) -> None:
        member.looking.close()
        member.looking.enter_context(member.monitor.watching(Attention.SHOWN))

    async def _follow(self, news: Subscription[MemoryState] | Subscription[News]) -> None:
        try:
            async for _ in news:
                self._tell()
        finally:
            news.close()

    async def _drop(self, key: tuple[RemoteHost | None, int]) -> None:
        member = self._members.pop(key)
        member.looking.close()
        for task in member.tasks:
            task.cancel()
        await asyncio.gather(*member.tasks, return_exceptions=True)
        await member.monitor.aclose()
        await member.endpoint.aclose()

    def _tell(self) -> None:
        self._news.publish(self.lines)


async def _ports_of(host: RemoteHost) -> set[int]:
    """Where servers listen on a machine: lmdeploy's own, and those that are open here whose processes are not seen."""
    try:
        ports = {server.port for server in await servers_there(host.link.order) if server.listens}
        for forward in host.link.forwards:
            if not forward.for_user and forward.host in _LOOPBACK and forward.port not in ports:
                ports |= {forward.port} if await host.listening(forward.port) else set()
    except ProblemError:
        return set()
    return ports


async def _join(host: RemoteHost | None, port: int) -> _Member:
    """Raises ProblemError."""
    watch = Watch(interval=SAMPLES)
    if host is None:
        address = Address.parse(f"http://127.0.0.1:{port}")
        here = Endpoint(address)
        return _Member(host, port, here, memory_monitor(here, address, watch))
    endpoint = await host.endpoint(server=("127.0.0.1", port))
    monitor = remote_monitor(endpoint, host.new_gpu_source(), host.link.order, port, watch)
    return _Member(host, port, endpoint, monitor)
