"""What the whole client costs, beside the smallest Textual chats: ``python tests/benchmarks/bench_chat.py [client…]``.

Clients: lmdeck (without the memory panel), panel (with it), cached, stock (default: lmdeck, cached). Figures belong to
this machine; read the ratios.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
from pathlib import Path
from time import monotonic

_IDLE_SECONDS = 20  # the clock of processor time ticks a hundred times a second
HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent.parent))

from tests.benchmarks.rig import Client, FakeServer  # noqa: E402


def command(kind: str, url: str) -> list[str]:
    if kind in ("lmdeck", "panel"):
        return [sys.executable, "-m", "tui", url]
    return [sys.executable, str(HERE / "floor_app.py"), kind, url]


async def exchange(client: Client, server: FakeServer, rate: int, count: int) -> tuple[float, float]:
    """One reply; (processor seconds, seconds from the last byte sent to the end marker on screen)."""
    server.done.clear()
    before = client.cpu()
    client.send(f"{rate} {count} tokens please\r".encode())
    shown = await client.seen(f"END{count}".encode(), 120)
    await server.done.wait()
    lag = shown - server.last_byte
    await client.quiet(0.3)
    return client.cpu() - before, lag


async def echo(client: Client, count: int, pause: float = 0.05) -> list[float]:
    """Milliseconds from a key to its character on the wire, for ``count`` keys; the composer is emptied after."""
    times: list[float] = []
    for number in range(count):
        key = b"qzj"[number % 3 : number % 3 + 1]
        start = monotonic()
        waiting = asyncio.ensure_future(client.seen(key, 10))
        await asyncio.sleep(0)
        client.send(key)
        times.append((await waiting - start) * 1000)
        await asyncio.sleep(pause)
    client.send(b"\x7f" * count)
    return times


def line(what: str, value: str) -> None:
    print(f"  {what:<58}{value}")


async def measure(kind: str) -> None:
    server = FakeServer()
    await server.start()
    folder = tempfile.mkdtemp(prefix="lmdeck-bench-")
    env = {f"LMDECK_{name}_DIR": f"{folder}/{name.lower()}" for name in ("DATA", "CONFIG", "STATE")}
    if kind == "lmdeck":
        (Path(folder) / "config").mkdir()
        (Path(folder) / "config" / "config.toml").write_text("panel_shown = false\n")
    client = Client(command(kind, server.url), {**env, "PYTHONPATH": str(HERE.parent.parent)})
    await client.start()
    ready = await client.seen(b"bench" if kind in ("lmdeck", "panel") else b"eady", 60) - client.started
    await client.quiet(1.0)
    print(kind)
    line("ready for input", f"{ready:.2f} s")
    line("memory at start", f"{client.rss():.0f} MiB")
    cpu, at = client.cpu(), client.bytes
    await asyncio.sleep(_IDLE_SECONDS)
    busy, written = (client.cpu() - cpu) / _IDLE_SECONDS, (client.bytes - at) / _IDLE_SECONDS
    line("idle", f"{busy * 100:.2f} % of a core, {written:.0f} bytes/s")
    times = await echo(client, 30)
    line(
        "key echo, idle, median / p95",
        f"{statistics.median(times):.1f} / {sorted(times)[int(len(times) * 0.95)]:.1f} ms",
    )
    await client.quiet(0.3)
    await exchange(client, server, 200, 200)
    at = client.bytes
    cpu, lag = await exchange(client, server, 100, 1000)
    line("CPU per 1,000 tokens at 100 tok/s", f"{cpu:.2f} s")
    line("bytes to the terminal per token at 100 tok/s", f"{(client.bytes - at) / 1000:.0f}")
    cpu, lag = await exchange(client, server, 400, 2000)
    line("CPU per 1,000 tokens at 400 tok/s", f"{cpu / 2:.2f} s")
    line("lag at the end at 400 tok/s", f"{lag * 1000:.0f} ms")
    memory = client.rss()
    for _ in range(6):
        await exchange(client, server, 800, 1000)
    line("memory growth per exchange of 1,000 tokens", f"{(client.rss() - memory) / 6:.2f} MiB")
    client.send(b"100 900 tokens please\r")
    ended = asyncio.ensure_future(client.seen(b"END900", 90))
    await asyncio.sleep(0.5)
    times = await echo(client, 60)
    line("key echo while streaming, median / p95", f"{statistics.median(times):.1f} / {sorted(times)[57]:.1f} ms")
    await ended
    await client.quiet(0.5)
    client.send(b"\x15")
    await client.quiet(0.5)
    cpu, lag = await exchange(client, server, 0, 4000)
    line("4,000 tokens at once: on screen after the last byte", f"{lag:.2f} s ({cpu:.2f} s CPU)")
    await client.stop()
    await server.stop()


async def main() -> None:
    for kind in sys.argv[1:] or ["lmdeck", "cached"]:
        await measure(kind)


if __name__ == "__main__":
    asyncio.run(main())
