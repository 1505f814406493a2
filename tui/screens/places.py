"""Where a conversation's server is, opened: the endpoint and the monitor of its memory, here or on a machine over ssh.

Everything heavy is imported in here.
"""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from tui.app_options import AppOptions
    from tui.demo.process import DemoServer
    from tui.hosts.machines import Machines
    from tui.hosts.monitor import MemoryMonitor
    from tui.hosts.remote import RemoteHost
    from tui.hosts.serving import Chooser
    from tui.hosts.tunnel import TunnelEndpoint
    from tui.model.problem import Problem
    from tui.server.endpoint import Endpoint
    from tui.server.transport import Timeouts
    from tui.ssh.target import Target


@dataclass(frozen=True, slots=True)
class FarSide:
    """What the app has for machines over ssh: those that are open, and who chooses among several servers."""

    machines: Machines
    choose: Chooser


@dataclass(frozen=True, slots=True)
class Place:
    """A server: how it is talked to, how its memory is watched, and the machine when that is another one."""

    endpoint: Endpoint
    memory: MemoryMonitor
    host: RemoteHost | None = None


def open_near(options: AppOptions, timeouts: Timeouts, demo: DemoServer | None) -> Place:
    """The demo, or a server that HTTP alone reaches. Raises ProblemError."""
    from tui.hosts.watching import Watch, memory_monitor
    from tui.server.address import Address
    from tui.server.endpoint import Endpoint

    address = Address.parse(demo.url if demo else options.url)
    endpoint = Endpoint(address, options.api_key, options.model, timeouts=timeouts)
    urls = (demo.gpu_url, demo.facts_url) if demo is not None else None
    watch = Watch(urls, options.gpu_interval, options.gpu_total)
    return Place(endpoint, memory_monitor(endpoint, address, watch))


async def open_far(
    target: Target,
    options: AppOptions,
    timeouts: Timeouts,
    far: FarSide,
    tell: Callable[[Problem], None],
    exits: AsyncExitStack,
) -> Place:
    """A server on a machine over ssh. The connection may still be coming up: its states are the endpoint's, and which
    server is meant is found out as soon as it is there. The machine stays open when the place is left. Raises
    ProblemError."""
    from tui.hosts.serving import Aimer
    from tui.hosts.watching import Watch, remote_monitor

    host = await far.machines.open(target)
    server = (target.server_host, target.server_port)
    endpoint = await host.endpoint(options.api_key, options.model, server=server, timeouts=timeouts)
    exits.push_async_callback(endpoint.aclose)
    watch = Watch(None, options.gpu_interval, options.gpu_total)
    cards = host.new_gpu_source()
    cards.set_total(options.gpu_total)
    memory = remote_monitor(endpoint, cards, host.link.order, server[1], watch)
    aimer = Aimer(host.link.order, host.name, named=target.names_server, choose=far.choose, moved=tell)

    async def aim(aimed: TunnelEndpoint) -> None:
        try:
            await aimer(aimed)
        finally:
            memory.look_at(aimed.forward.port)

    endpoint.aim = aim
    return Place(endpoint, memory, host)


def lonely(exits: AsyncExitStack) -> FarSide:
    """Machines of one workspace's own, where nobody answers questions."""
    from tui.hosts.machines import Machines

    async def nobody(*_question: object) -> None:
        return None

    machines = Machines(nobody)
    exits.push_async_callback(machines.aclose)
    return FarSide(machines, nobody)
