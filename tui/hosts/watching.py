"""Builds the memory monitor that fits a server: simulated, on this machine, or somewhere only HTTP reaches."""

from __future__ import annotations

from dataclasses import dataclass

from tui.hosts.findings import DemoFinder, LocalFinder
from tui.hosts.monitor import MemoryMonitor, WatchedServer
from tui.hosts.remote_finder import Orders, RemoteFinder
from tui.hosts.witness import ask_here, ask_there
from tui.model.gpu import GpuSource
from tui.server.address import Address


@dataclass(frozen=True, slots=True)
class Watch:
    """How to watch. ``demo`` are the URLs of the simulated server's GPU and facts; ``interval`` is seconds between
    samples, ``total`` the card's bytes as the user knows them (a virtual card without a tool)."""

    demo: tuple[str, str] | None = None
    interval: float = 1.0
    total: int | None = None


def memory_monitor(server: WatchedServer, address: Address, watch: Watch | None = None) -> MemoryMonitor:
    """The monitor of the server at ``address``. It does nothing before its ``start``."""
    watch = watch or Watch()
    if watch.demo is not None:
        from tui.demo.source import DemoGpuSource

        gpu_url, facts_url = watch.demo
        return MemoryMonitor(server, DemoGpuSource(gpu_url), DemoFinder(facts_url), interval=watch.interval)
    if address.is_local and address.socket is None:
        from tui.gpu.source import LocalGpuSource

        source = LocalGpuSource()
        source.set_total(watch.total)
        port = address.port
        monitor = MemoryMonitor(server, source, LocalFinder(port), interval=watch.interval, port=port)
        monitor.gpu_tool.ask = ask_here
        return monitor
    return MemoryMonitor(server, interval=watch.interval)


def remote_monitor(
    server: WatchedServer, source: GpuSource, order: Orders, port: int, watch: Watch | None = None
) -> RemoteMonitor:
    """The monitor of a server on another machine: its cards and processes are seen through the agent there. ``port`` is
    the server's own over there, ``order`` the link's (``tui.ssh.link.Link.order``)."""
    watch = watch or Watch()
    return RemoteMonitor(server, source, order, port, watch)


class RemoteMonitor(MemoryMonitor):
    """The monitor of a server on another machine; the server may turn up at another port."""

    def __init__(self, server: WatchedServer, source: GpuSource, order: Orders, port: int, watch: Watch) -> None:
        self._far = RemoteFinder(order, port)
        super().__init__(server, source, self._far, interval=watch.interval, port=port)
        self.gpu_tool.ask = ask_there(order)

    def look_at(self, port: int) -> None:
        """The server is at this port over there from now on."""
        if port != self._port:
            self._port = port
            self._far.look_at(port)
            self._looked = float("-inf")
