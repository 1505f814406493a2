"""Starting and ending the simulated server."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import Sequence

from aiohttp import web

from tui.demo.app import build
from tui.demo.options import Options, parse
from tui.demo.routes import server_routes
from tui.demo.state import State

_ADDRESS_IN_USE = 1
_GRACE = 0.2


async def serve(options: Options) -> int:
    """Runs until SIGINT or SIGTERM, or until standard input ends when ``die_with_parent`` is set.

    Prints one JSON line ``{"url", "port"}`` when the port is open; returns the exit code."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    if options.die_with_parent:
        loop.create_task(_watch_parent(stop))
    state = State.fresh(options)
    if options.startup > 0 and await _ended(stop, options.startup):
        return 0
    runner = web.AppRunner(
        build(state, server_routes(state)),
        handler_cancellation=True,
        access_log=None,
        shutdown_timeout=_GRACE,
        keepalive_timeout=75.0,
        auto_decompress=True,
    )
    await runner.setup()
    try:
        site = web.TCPSite(runner, options.host, options.port, reuse_address=True)
        await site.start()
    except OSError as error:
        await runner.cleanup()
        print(f"error: {error}", file=sys.stderr)  # noqa: T201
        return _ADDRESS_IN_USE
    port = int(runner.addresses[0][1])
    host = f"[{options.host}]" if ":" in options.host else options.host
    print(json.dumps({"url": f"http://{host}:{port}", "port": port}), flush=True)  # noqa: T201
    await stop.wait()
    await runner.cleanup()
    return 0


async def _ended(stop: asyncio.Event, seconds: float) -> bool:
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return False
    return True


async def _watch_parent(stop: asyncio.Event) -> None:
    """Sets ``stop`` when standard input is closed: whoever started us is gone."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while await reader.read(1024):
        pass
    stop.set()


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; returns the exit code."""
    options = parse(arguments)
    try:
        return asyncio.run(serve(options))
    except KeyboardInterrupt:
        return 0
