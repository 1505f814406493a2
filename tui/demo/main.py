"""Starting and ending the simulated server."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import sys
from collections.abc import Sequence
from dataclasses import replace

from aiohttp import web

from tui.demo.app import Handler, build
from tui.demo.control import CONTROL
from tui.demo.options import Options, parse
from tui.demo.proxy import Node, Proxy
from tui.demo.routes import server_routes
from tui.demo.state import State

_CANNOT_LISTEN = 1
_GRACE = 0.2
_KEEP_ALIVE = 75.0


async def serve(options: Options) -> int:
    """Runs until SIGINT or SIGTERM, or until standard input ends when ``die_with_parent`` is set.

    Prints one JSON line ``{"url", "port"}`` when the port is open; returns the exit code. With ``startup`` a line
    ``{"gpu_url", "facts_url"}`` comes before it: lmdeploy's port opens only when the model is loaded, but the card can
    be watched while it loads, through a port of its own."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):  # Windows
            loop.add_signal_handler(number, stop.set)
    watch = loop.create_task(_watch_parent(stop)) if options.die_with_parent else None
    try:
        return await _run(options, stop)
    finally:
        if watch is not None:
            watch.cancel()
            await asyncio.gather(watch, return_exceptions=True)


async def _run(options: Options, stop: asyncio.Event) -> int:
    state = State.fresh(options)
    async with contextlib.AsyncExitStack() as open_ports:
        try:
            if options.startup > 0:
                watching, url = await _listen(state, CONTROL, 0)
                open_ports.push_async_callback(watching.cleanup)
                _announce({"gpu_url": f"{url}/lmdeck-demo/gpu", "facts_url": f"{url}/lmdeck-demo/facts"})
                if await _ended(stop, options.startup):
                    return 0
            routes = server_routes(state)
            if options.proxy:
                proxy = Proxy(await _start_nodes(state))
                open_ports.push_async_callback(proxy.close)
                routes = proxy.routes()
            runner, url = await _listen(state, routes, options.port)
        except OSError as error:
            print(f"error: {error}", file=sys.stderr)  # noqa: T201
            return _CANNOT_LISTEN
        open_ports.push_async_callback(runner.cleanup)
        _announce({"url": url, "port": int(url.rpartition(":")[2])})
        await stop.wait()
    return 0


def _announce(data: dict[str, str | int]) -> None:
    print(json.dumps(data), flush=True)  # noqa: T201


async def _listen(state: State, routes: dict[tuple[str, str], Handler], port: int) -> tuple[web.AppRunner, str]:
    """A listening server and its URL. Raises OSError when the port is taken."""
    runner = web.AppRunner(
        build(state, routes),
        handler_cancellation=True,
        access_log=None,
        shutdown_timeout=_GRACE,
        keepalive_timeout=_KEEP_ALIVE,
    )
    await runner.setup()
    host = state.options.host
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError:
        await runner.cleanup()
        raise
    shown = f"[{host}]" if ":" in host else host
    return runner, f"http://{shown}:{runner.addresses[0][1]}"


async def _start_nodes(state: State) -> list[Node]:
    """The servers behind a proxy, without keys of their own; ordered errors reach whichever answers next.

    The first one's card is the one that the proxy shows."""
    nodes: list[Node] = []
    for place in range(state.options.nodes):
        options = replace(state.options, proxy=False, api_keys=(), seed=state.options.seed + place + 1, startup=0.0)
        behind = State.fresh(options)
        behind.ordered = state.ordered
        if not nodes:
            state.card = behind.card
        runner, url = await _listen(behind, server_routes(behind), 0)
        nodes.append(Node(url, list(options.models), runner.cleanup))
    return nodes


async def _ended(stop: asyncio.Event, seconds: float) -> bool:
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return False
    return True


async def _watch_parent(stop: asyncio.Event) -> None:
    """Sets ``stop`` when standard input is closed: whoever started us is gone."""
    reader = sys.stdin.buffer
    if sys.platform == "win32":
        await asyncio.to_thread(reader.read)
        stop.set()
        return
    stream = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(stream), reader)
    try:
        while await stream.read(1024):
            pass
    finally:
        transport.close()
    stop.set()


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; returns the exit code."""
    options = parse(arguments)
    try:
        return asyncio.run(serve(options))
    except KeyboardInterrupt:
        return 0
