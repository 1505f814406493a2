"""What the tunnel costs: latency a chunk, reconnecting, a dead peer, the agent's traffic. Prints figures.

Run: python -m tests.benchmarks.bench_ssh
"""

from __future__ import annotations

import asyncio
import os
import signal
import statistics
import sys
import tempfile
import time
from pathlib import Path
from time import monotonic, perf_counter

from tests.support.nvml_stub import stub_library
from tests.support.ssh_links import User
from tests.support.sshd import Box, key_pair, sshd
from tests.support.waiting import until
from tui.hosts.remote import RemoteHost
from tui.model.server import LinkPhase

CHUNKS, RATE = 3000, 1000.0
CHUNK = 220


async def stream(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """CHUNKS pieces at RATE a second, each beginning with the moment it was written."""
    import socket

    writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    started = perf_counter()
    for number in range(CHUNKS):
        due = started + number / RATE
        while (left := due - perf_counter()) > 0:
            await asyncio.sleep(left if left > 0.002 else 0)
        writer.write(f"{perf_counter():.7f}".encode().ljust(CHUNK, b" "))
    await writer.drain()
    writer.close()


async def delays(reader: asyncio.StreamReader) -> list[float]:
    """Milliseconds from writing to reading, chunk by chunk."""
    found: list[float] = []
    try:
        while True:
            piece = await reader.readexactly(CHUNK)
            found.append((perf_counter() - float(piece)) * 1000)
    except asyncio.IncompleteReadError:
        return found


def show(name: str, values: list[float]) -> None:
    cuts = statistics.quantiles(values, n=1000)
    over = sum(value > 10 for value in values)
    print(f"  {name:<10} p50 {cuts[499]:6.2f} ms   p99 {cuts[989]:6.2f} ms   over 10 ms: {over}/{len(values)}")


async def measure(box: Box, options: tuple[str, ...]) -> None:
    started = monotonic()
    host = RemoteHost(box.target(*options), User())
    await host.link.up()
    print(f"connected, agent there: {monotonic() - started:.2f} s")
    async with await asyncio.start_server(stream, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        print(f"{CHUNKS} chunks of {CHUNK} bytes at {RATE:.0f}/s:")
        direct = await delays(reader)
        writer.close()
        began = perf_counter()
        forward = await host.link.add_forward("127.0.0.1", port)
        opened = (perf_counter() - began) * 1000
        reader, writer = await asyncio.open_unix_connection(forward.socket)
        tunnel = await delays(reader)
        writer.close()
        show("direct", direct)
        show("tunnel", tunnel)
        print(f"  added at p50: {statistics.median(tunnel) - statistics.median(direct):.2f} ms")
        print(f"one more forward: {opened:.1f} ms")
    received = 0
    source = host.gpus.readings()
    await anext(source)
    channel = host.link._login.channel  # type: ignore[union-attr]
    feed = channel.feed

    async def counted(data: bytes) -> None:
        nonlocal received
        received += len(data)
        await feed(data)

    host.link._login._process._on_output = counted  # type: ignore[union-attr]
    cards = 0
    began = monotonic()
    while monotonic() - began < 5:
        cards = len((await anext(source)).samples)
    rate = received / 5 / 1024 / max(cards, 1)
    print(f"agent's traffic: {rate:.2f} KiB/s a card at 1 Hz ({cards} cards, processes and pings in it)")
    await source.aclose()  # type: ignore[attr-defined]
    await reconnect(host, box)
    await host.aclose()


async def reconnect(host: RemoteHost, box: Box) -> None:
    await box.stop()
    await until(lambda: (host.link.state.retry_at or 0) - monotonic() > 3, 20)
    began = monotonic()
    await box.start()
    up = monotonic()
    await until(lambda: host.link.is_up, 20)
    print(
        f"healthy again {monotonic() - began:.2f} s after sshd was started ({monotonic() - up:.2f} s after it listened)"
    )
    box.signal_sessions(signal.SIGSTOP)
    began = monotonic()
    await until(lambda: host.link.state.phase in (LinkPhase.LOST, LinkPhase.BACKOFF), 20)
    print(f"a stopped peer noticed after {monotonic() - began:.1f} s")


class _Factory:
    def __init__(self, place: Path) -> None:
        self._place = place
        self._count = 0

    def mktemp(self, name: str) -> Path:
        self._count += 1
        folder = self._place / f"{name}{self._count}"
        folder.mkdir()
        return folder


async def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        os.environ["LMDECK_DATA_DIR"] = folder
        shell = place / "shell"
        shell.write_text(
            f"#!/bin/sh\nLD_LIBRARY_PATH={stub_library().parent} STUB_STATE=ok; export LD_LIBRARY_PATH STUB_STATE\n"
            'exec /bin/sh "$@"\n'
        )
        shell.chmod(0o755)
        key = key_pair("bench")
        # The fixture's own function, driven by hand.
        boxes = sshd.__wrapped__(_Factory(place))  # type: ignore[attr-defined]
        start = await anext(boxes)
        box = await start(keys=(key,), shell=str(shell))
        await measure(box, ("-i", str(key), "-o", "IdentitiesOnly=yes"))
        async for _ in boxes:
            pass


if __name__ == "__main__":
    print(time.strftime("%F"), sys.version.split()[0])
    asyncio.run(main())
