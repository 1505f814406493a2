"""lmdeck's own routes under /lmdeck-demo: the simulated GPU, what is known of the server, errors on demand."""

from __future__ import annotations

import asyncio
import json
from typing import cast

from aiohttp import web

from tui.demo import faults
from tui.demo.app import Handler
from tui.demo.facts import facts
from tui.demo.history import Json
from tui.demo.replies import json_reply
from tui.demo.state import State
from tui.model.codec import to_json

_SLOWEST = 3600.0
_FASTEST = 0.02


async def gpu(request: web.Request, state: State) -> web.StreamResponse:
    """Readings as JSON lines: one every ``interval`` seconds (default 0.5), ``count`` of them (default: no end)."""
    try:
        interval = min(max(float(request.query.get("interval", "0.5")), _FASTEST), _SLOWEST)
        left = int(request.query.get("count", "-1"))
    except ValueError:
        return json_reply({"detail": "interval and count are numbers"}, 400)
    response = web.StreamResponse(headers={"content-type": "application/x-ndjson"})
    response.enable_chunked_encoding()
    await response.prepare(request)
    while left:
        line = json.dumps(to_json(state.card.reading()), ensure_ascii=False)
        await response.write(f"{line}\n".encode())
        left -= 1
        if left:
            await asyncio.sleep(interval)
    await response.write_eof()
    return response


async def show_facts(_request: web.Request, state: State) -> web.StreamResponse:
    return json_reply(facts(state))


async def order_fault(request: web.Request, state: State) -> web.StreamResponse:
    """``{"name": …, "argument": …, "times": 1}``: the next chat requests go wrong like that; ``{}`` forgets them."""
    try:
        body: object = json.loads(await request.read() or b"{}")
    except ValueError:
        body = None
    if not isinstance(body, dict):
        return json_reply({"detail": "not a JSON object"}, 400)
    wanted = cast("Json", body)
    if not wanted:
        state.ordered.clear()
        return json_reply({"ordered": 0})
    fault = faults.parse_request(wanted)
    if fault is None:
        return json_reply({"detail": f"one of {', '.join((*faults.SERVED, *faults.SCRIPTED))}"}, 400)
    state.ordered.extend([fault] * max(int(wanted.get("times", 1)), 1))
    return json_reply({"ordered": len(state.ordered)})


CONTROL: dict[tuple[str, str], Handler] = {
    ("GET", "/lmdeck-demo/gpu"): gpu,
    ("GET", "/lmdeck-demo/facts"): show_facts,
    ("POST", "/lmdeck-demo/fault"): order_fault,
}
