"""``lmdeploy serve proxy`` in front of simulated servers, each on a port of its own (recording proxy-two-nodes)."""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import cast

import aiohttp
from aiohttp import web

from tui.demo import openapi
from tui.demo.app import Handler
from tui.demo.checks import RefusedError
from tui.demo.control import CONTROL, order_fault
from tui.demo.delivery import PROXY_ERROR, open_stream
from tui.demo.history import Json
from tui.demo.replies import json_reply, refusal
from tui.demo.routes import model_card
from tui.demo.shapes import spaced
from tui.demo.state import State

_LATENCIES = 15
_HYBRID = 1
_FORWARDED = ("/v1/chat/completions", "/v1/completions")


@dataclass(slots=True)
class Node:
    """A server behind the proxy. ``stop`` ends it (None for one that the proxy did not start)."""

    url: str
    models: list[str]
    stop: Callable[[], Awaitable[None]] | None = None
    unfinished: int = 0
    latency: deque[float] = field(default_factory=lambda: deque(maxlen=_LATENCIES))
    dead: bool = False

    def status(self) -> Json:
        return {
            "role": _HYBRID,
            "models": self.models,
            "unfinished": self.unfinished,
            "latency": list(self.latency),
            "speed": None,
        }


class Proxy:
    """The proxy's routes and its list of nodes."""

    def __init__(self, nodes: list[Node]) -> None:
        self._nodes = {node.url: node for node in nodes}

    def routes(self) -> dict[tuple[str, str], Handler]:
        """What the proxy answers; it knows neither /health nor /metrics."""
        return {
            ("GET", "/"): _swagger,
            ("GET", "/v1/models"): self._models,
            ("GET", "/nodes/status"): self._status,
            ("POST", "/nodes/add"): self._add,
            ("POST", "/nodes/remove"): self._remove,
            ("POST", "/nodes/terminate"): self._terminate,
            ("GET", "/nodes/terminate_all"): self._terminate_all,
            **{("POST", path): self._forward for path in _FORWARDED},
            **CONTROL,
            ("POST", "/lmdeck-demo/fault"): self._fault,
        }

    async def close(self) -> None:
        """Ends the nodes that were started for this proxy."""
        for node in self._nodes.values():
            await self._kill(node)

    async def _models(self, _request: web.Request, state: State) -> web.StreamResponse:
        """The union over the nodes, duplicates included."""
        created = int(time.time())
        cards = [model_card(name, created, state) for node in self._nodes.values() for name in node.models]
        return json_reply({"object": "list", "data": cards})

    async def _status(self, _request: web.Request, _state: State) -> web.StreamResponse:
        return json_reply({url: node.status() for url, node in self._nodes.items()})

    async def _add(self, request: web.Request, _state: State) -> web.StreamResponse:
        url = str((await _json(request)).get("url", "")).rstrip("/")
        try:
            async with (
                aiohttp.ClientSession(raise_for_status=True) as session,
                session.get(f"{url}/v1/models") as response,
            ):
                listed = cast("Json", await response.json())
        except (aiohttp.ClientError, ValueError):
            return json_reply("Failed to add, please check the input url.")
        self._nodes[url] = Node(url, [str(model["id"]) for model in cast("list[Json]", listed.get("data") or [])])
        return json_reply("Added successfully")

    async def _remove(self, request: web.Request, _state: State) -> web.StreamResponse:
        url = str((await _json(request)).get("url", "")).rstrip("/")
        if (node := self._nodes.pop(url, None)) is None:
            return json_reply("Failed to delete, please check the input url.")
        await self._kill(node)
        return json_reply("Deleted successfully")

    async def _terminate(self, request: web.Request, _state: State) -> web.StreamResponse:
        node = self._nodes.pop(str((await _json(request)).get("url", "")).rstrip("/"), None)
        if node is None:
            return json_reply("Failed to terminate node, please check the input url.")
        await self._kill(node)
        return json_reply("Terminated successfully")

    async def _terminate_all(self, _request: web.Request, _state: State) -> web.StreamResponse:
        await self.close()
        self._nodes.clear()
        return json_reply("All nodes terminated successfully")

    async def _fault(self, request: web.Request, state: State) -> web.StreamResponse:
        """``{"name": "node-down"}`` kills the first living node; other errors are those of the servers."""
        if (await _json(request)).get("name") != "node-down":
            return await order_fault(request, state)
        alive = [node for node in self._nodes.values() if not node.dead]
        if alive:
            await self._kill(alive[0])
        return json_reply({"down": alive[0].url if alive else None})

    async def _kill(self, node: Node) -> None:
        node.dead = True
        if node.stop is not None:
            stop, node.stop = node.stop, None
            await stop()

    def _choose(self, model: str) -> Node | None:
        """The least busy node; a dead one first, for it fails so fast that it looks like the quickest."""
        able = [node for node in self._nodes.values() if model in node.models]
        return min(able, key=lambda node: (not node.dead, node.unfinished, len(node.latency)), default=None)

    async def _forward(self, request: web.Request, state: State) -> web.StreamResponse:
        body = await _json(request)
        model = str(body.get("model", ""))
        node = self._choose(model)
        if node is None:
            return refusal(RefusedError(f"The model '{model}' does not exist.", 404), state)
        node.unfinished += 1
        began = time.time()
        try:
            return await _pass_on(request, body, node)
        finally:
            node.unfinished -= 1
            node.latency.append(time.time() - began)


async def _json(request: web.Request) -> Json:
    try:
        body: object = json.loads(await request.read() or b"{}")
    except ValueError:
        return {}
    return cast("Json", body) if isinstance(body, dict) else {}


async def _swagger(_request: web.Request, _state: State) -> web.StreamResponse:
    return web.Response(body=openapi.SWAGGER.encode(), headers={"content-type": "text/html; charset=utf-8"})


async def _pass_on(request: web.Request, body: Json, node: Node) -> web.StreamResponse:
    """The node's answer: always with status 200, and with doubled blank lines between the events of a stream.

    A node that cannot be reached becomes a JSON body or a bare line, again with status 200."""
    headers = {name: value for name in ("authorization", "content-type") if (value := request.headers.get(name))}
    timeout = aiohttp.ClientTimeout(total=None)
    response = await open_stream(request) if body.get("stream") else None
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout, read_bufsize=1 << 24) as session,
            session.post(f"{node.url}{request.path}", json=body, headers=headers) as answer,
        ):
            if response is None:
                return json_reply(json.loads(await answer.read()))
            async for line in answer.content:
                if line.strip():
                    await response.write(line + b"\n\n")
    except (aiohttp.ClientError, ValueError):
        if response is None:
            return json_reply(PROXY_ERROR)
        await response.write(f"{spaced(PROXY_ERROR)}\n".encode())
    await response.write_eof()
    return response
