"""The routes of an api_server, but for the answering ones."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from typing import cast

from aiohttp import web

from tui.demo import checks, openapi
from tui.demo.app import Handler
from tui.demo.chat import chat
from tui.demo.checks import RefusedError
from tui.demo.completions import completions
from tui.demo.control import CONTROL
from tui.demo.history import Json
from tui.demo.replies import broken, json_reply, refusal
from tui.demo.state import State
from tui.demo.tokens import count_prompt, token_ids


async def models(_request: web.Request, state: State) -> web.StreamResponse:
    """The models; nothing says how long their context is."""
    created = int(time.time())
    return json_reply({"object": "list", "data": [model_card(name, created, state) for name in state.options.models]})


def model_card(name: str, created: int, state: State) -> Json:
    permission = {
        "id": f"modelperm-{state.new_id()}",
        "object": "model_permission",
        "created": created,
        "allow_create_engine": False,
        "allow_sampling": True,
        "allow_logprobs": True,
        "allow_search_indices": True,
        "allow_view": True,
        "allow_fine_tuning": False,
        "organization": "*",
        "group": None,
        "is_blocking": False,
    }
    return {
        "id": name,
        "object": "model",
        "created": created,
        "owned_by": "lmdeploy",
        "root": name,
        "parent": None,
        "permission": [permission],
    }


async def health(_request: web.Request, state: State) -> web.StreamResponse:
    """JSON since 0.14, an empty 200 before."""
    if not state.dialect.health_json:
        return web.Response(body=b"")
    engine = "TurboMind" if state.options.engine == "turbomind" else "PyTorch"
    if state.sleeping:
        return json_reply({"status": "sleeping", "message": f"{engine} engine is sleeping."})
    return json_reply({"status": "healthy", "message": f"{engine} engine is healthy."})


async def metrics(request: web.Request, state: State) -> web.StreamResponse:
    headers = {"Content-Type": "text/plain; version=0.0.4; charset=utf-8"}
    response = web.StreamResponse(headers=headers)
    response.enable_chunked_encoding()
    await response.prepare(request)
    await response.write(state.metrics.render().encode())
    await response.write_eof()
    return response


async def swagger(_request: web.Request, _state: State) -> web.StreamResponse:
    return web.Response(body=openapi.SWAGGER.encode(), headers={"content-type": "text/html; charset=utf-8"})


async def document(_request: web.Request, state: State) -> web.StreamResponse:
    return json_reply(openapi.document(state.options.lmdeploy))


async def is_sleeping(_request: web.Request, state: State) -> web.StreamResponse:
    return json_reply({"is_sleeping": state.sleeping})


async def sleep(request: web.Request, state: State) -> web.StreamResponse:
    """TurboMind answers 500 and sleeps all the same (recordings)."""
    if request.query.get("level", "1") not in ("1", "2"):
        return refusal(RefusedError("The sleep level must be 1 or 2."), state)
    state.sleeping = True
    state.card.sleep()
    return broken() if state.options.engine == "turbomind" else web.Response(body=b"")


async def wakeup(_request: web.Request, state: State) -> web.StreamResponse:
    """TurboMind answers 500 and stays asleep (recordings)."""
    if state.options.engine == "turbomind":
        return broken()
    state.sleeping = False
    state.card.wake()
    return web.Response(body=b"")


async def terminate(_request: web.Request, state: State) -> web.StreamResponse:
    """400 unless --allow-terminate-by-client; else the process ends itself with SIGTERM."""
    if not state.options.allow_terminate:
        return refusal(RefusedError("The server can not be terminated by the client."), state)
    asyncio.get_running_loop().call_later(0.05, os.kill, os.getpid(), signal.SIGTERM)
    return web.Response(body=b"")


async def engine_info(_request: web.Request, state: State) -> web.StreamResponse:
    """PyTorch: a JSON string that holds JSON. TurboMind: a crash."""
    if state.options.engine == "turbomind":
        return broken()
    info = (
        '{"tp_size":1,"dp_size":1,"pp_size":1,"ep_size":1,"dp_rank":0,"block_size":64,"num_cpu_blocks":0,'
        f'"num_gpu_blocks":{state.card.blocks}}}'
    )
    return json_reply(info)


async def ipc(_request: web.Request, state: State) -> web.StreamResponse:
    """Says which engine is really running."""
    return json_reply(
        {
            "ready": not state.sleeping,
            "message": "ready" if not state.sleeping else "sleeping",
            "backend": state.options.engine,
            "device_type": "cuda",
            "is_sleeping": state.sleeping,
            "sleeping_tags": ["weights", "kv_cache"] if state.sleeping else [],
        }
    )


async def encode(request: web.Request, state: State) -> web.StreamResponse:
    """Token ids of a text or of several."""
    try:
        body = checks.decode(await request.read(), request.headers.get("content-type", ""), state.dialect)
        if "input" not in body:
            raise RefusedError("input: Field required")
    except RefusedError as error:
        return refusal(error, state)
    given = body["input"]
    texts = [given] if isinstance(given, str) else [str(item) for item in cast("list[object]", given)]
    begin = [1] if body.get("add_bos", True) else []
    rows = [begin + token_ids(text) for text in texts]
    if isinstance(given, str):
        return json_reply({"input_ids": rows[0], "length": len(rows[0])})
    return json_reply({"input_ids": rows, "length": [len(row) for row in rows]})


async def count_tokens(request: web.Request, state: State) -> web.StreamResponse:
    """Tokens of a conversation after the chat template; wants the header ``anthropic-version``."""

    def refuse(message: str, status: int = 400) -> web.Response:
        kind = "not_found_error" if status == 404 else "invalid_request_error"
        return json_reply({"type": "error", "error": {"type": kind, "message": message}}, status)

    try:
        body = checks.decode(await request.read(), request.headers.get("content-type", ""), state.dialect)
    except RefusedError as error:
        return refuse(str(error))
    if "anthropic-version" not in request.headers:
        return refuse("Missing required header: anthropic-version")
    if not isinstance(body.get("messages"), list):
        return refuse("messages: Field required")
    if body.get("model") not in state.options.models:
        return refuse(f"The model '{body.get('model')}' does not exist.", 404)
    messages = cast("list[Json]", body["messages"])
    if body.get("system"):
        messages = [{"role": "system", "content": body["system"]}, *messages]
    return json_reply({"input_tokens": count_prompt(messages, cast("list[object]", body.get("tools") or []))})


async def embeddings(_request: web.Request, state: State) -> web.StreamResponse:
    return refusal(RefusedError("Unsupported by turbomind."), state)


async def unsimulated(_request: web.Request, state: State) -> web.StreamResponse:
    """A route that exists in this release and that nobody simulated."""
    return refusal(RefusedError("lmdeck's simulated server does not play this route.", 501), state)


_PLAYED: dict[tuple[str, str], Handler] = {
    ("GET", "/v1/models"): models,
    ("GET", "/health"): health,
    ("POST", "/v1/chat/completions"): chat,
    ("POST", "/v1/completions"): completions,
    ("POST", "/v1/encode"): encode,
    ("POST", "/v1/embeddings"): embeddings,
    ("POST", "/v1/messages/count_tokens"): count_tokens,
    ("GET", "/is_sleeping"): is_sleeping,
    ("POST", "/sleep"): sleep,
    ("POST", "/wakeup"): wakeup,
    ("GET", "/terminate"): terminate,
    ("GET", "/distserve/engine_info"): engine_info,
    ("GET", "/update_weights_from_ipc"): ipc,
}


def server_routes(state: State) -> dict[tuple[str, str], Handler]:
    """What an api_server of the wanted release answers, and lmdeck's own control routes."""
    options = state.options
    routes = {route: _PLAYED.get(route, unsimulated) for route in openapi.paths(options.lmdeploy)}
    if options.docs:
        routes |= {("GET", "/"): swagger, ("GET", "/redoc"): swagger, ("GET", "/openapi.json"): document}
    wanted = state.dialect.metrics_by_default if options.metrics is None else options.metrics
    if wanted and state.dialect.metrics:
        routes[("GET", "/metrics")] = metrics
    return routes | CONTROL
