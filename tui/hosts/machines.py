"""The machines that one lmdeck is connected to. Several at once, one hub for all of them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from tui.config.profiles import Profile
from tui.hosts.remote import RemoteHost, confirmed, read_target
from tui.model.broadcast import Broadcast, Subscription
from tui.model.question import Asker
from tui.ssh.hub import Hub
from tui.ssh.target import Target
from tui.ssh.timing import Timing


class Machines:
    """Opens machines, each once, and closes them all in the end. ``ask`` answers ssh's questions."""

    def __init__(self, ask: Asker, timing: Timing | None = None) -> None:
        self._ask = ask
        self._timing = timing
        self._hub = Hub()
        self._hosts: dict[tuple[object, ...], RemoteHost] = {}
        self._news: Broadcast[tuple[RemoteHost, ...]] = Broadcast(limit=8)
        self._opening = asyncio.Lock()

    @property
    def hosts(self) -> tuple[RemoteHost, ...]:
        """Every machine that was opened and not removed, connected or not, the oldest first."""
        return tuple(self._hosts.values())

    def subscribe(self) -> Subscription[tuple[RemoteHost, ...]]:
        """The machines, whenever one is added or removed; the states of each are its link's."""
        return self._news.subscribe()

    def find(self, target: Target) -> RemoteHost | None:
        """The open machine that ``target`` means: the same way to it, or only its name."""
        if target.options or target.dangerous or _key(target) in self._hosts:
            return self._hosts.get(_key(target))
        return next((host for host in self.hosts if host.name == target.login), None)

    async def open(self, target: str | Target | Profile, options: Sequence[str] = ()) -> RemoteHost:
        """The machine that ``target`` means (as in :func:`tui.hosts.remote.read_target`), being connected. One that
        needed the user, or was disconnected, is tried again. Raises ProblemError."""
        wanted = read_target(target, options)
        async with self._opening:
            host = self.find(wanted)
            if host is None:
                accepted = await confirmed(wanted, self._ask)
                host = self._hosts[_key(wanted)] = RemoteHost(accepted, self._ask, self._hub, self._timing)
                self._news.publish(self.hosts)
                host.link.connect()
            else:
                host.link.retry()
        return host

    async def remove(self, host: RemoteHost) -> None:
        """End a connection and forget the machine. Endpoints on it are closed by their owners."""
        for key, known in list(self._hosts.items()):
            if known is host:
                del self._hosts[key]
                self._news.publish(self.hosts)
                await host.aclose()

    async def aclose(self) -> None:
        """End every connection; forget every answer."""
        hosts = self.hosts
        self._hosts.clear()
        await asyncio.gather(*(host.aclose() for host in hosts))
        await self._hub.aclose()
        self._news.close()


def _key(target: Target) -> tuple[object, ...]:
    """What makes two targets the same machine and the same way to it; which server is meant there does not."""
    options = (*target.options, *target.dangerous)  # as they are once the user has said yes
    return (target.host, target.user, target.port, options, target.new_host_each_time)
