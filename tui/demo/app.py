"""The simulated server's routes and the layers around them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web

from tui.demo.replies import OUTSIDE_CORS, json_reply, outside
from tui.demo.shapes import error_body
from tui.demo.state import State

Handler = Callable[[web.Request, State], Awaitable[web.StreamResponse]]
WebHandler = Callable[[web.Request], Awaitable[web.StreamResponse]]
_OPEN = ("/health", "/docs", "/redoc", "/nodes", "/lmdeck-demo")
_ASLEEP = "Engine is sleeping; call POST /wakeup before inference (e.g. tags=weights&tags=kv_cache)."
_INFERENCE = ("/v1/chat/completions", "/v1/completions", "/v1/messages", "/v1/responses", "/generate", "/pooling")
_MAX_BODY = 256 << 20
_BAD_KEY = {
    "detail": {
        "error": {
            "message": "Please request with valid api key!",
            "type": "invalid_request_error",
            "param": None,
            "code": "invalid_api_key",
        }
    }
}


def build(state: State, routes: dict[tuple[str, str], Handler]) -> web.Application:
    """An application that serves ``routes``: (method, path) → handler."""
    allowed: dict[str, list[str]] = {}
    for method, path in routes:
        allowed.setdefault(path, []).append(method)

    async def dispatch(request: web.Request) -> web.StreamResponse:
        path = request.path
        handler = routes.get((request.method, path))
        if handler is None and path.startswith("/metrics/"):
            handler = routes.get((request.method, "/metrics"))
        if handler is not None:
            return await handler(request, state)
        if path in allowed:
            response = json_reply({"detail": "Method Not Allowed"}, 405)
            response.headers["allow"] = ", ".join(allowed[path])
            return response
        return json_reply({"detail": "Not Found"}, 404)

    @web.middleware
    async def guard(request: web.Request, handler: WebHandler) -> web.StreamResponse:
        if refused := _refuse(request, state):
            return refused
        try:
            return await handler(request)
        except ConnectionResetError:
            # The client went away in mid-stream: nothing to answer, and nothing worth a traceback.
            return web.Response(status=499)

    app = web.Application(middlewares=[guard], client_max_size=_MAX_BODY)
    app.router.add_route("*", "/{path:.*}", dispatch)
    app.on_response_prepare.append(_headers)
    return app


async def _headers(_request: web.Request, response: web.StreamResponse) -> None:
    """uvicorn's and the CORS layer's headers, and the mark of the simulation."""
    response.headers["server"] = "uvicorn"
    response.headers["x-lmdeck-demo"] = "1"
    if response.headers.get("content-length") == "0":
        response.headers.pop("content-type", None)
    if OUTSIDE_CORS not in response:
        response.headers["vary"] = "Origin"


def _refuse(request: web.Request, state: State) -> web.Response | None:
    """The layers outside of the routes: keys, then sleep."""
    if state.options.api_keys and not _has_key(request, state):
        if state.dialect.auth_everywhere:
            return outside(json_reply(error_body("Unauthorized.", 401), 401))
        return json_reply(_BAD_KEY, 401)
    if state.sleeping and request.method == "POST" and request.path in _INFERENCE:
        return outside(json_reply(error_body(_ASLEEP, 503), 503))
    return None


def _has_key(request: web.Request, state: State) -> bool:
    if request.method == "OPTIONS" or request.path.startswith(_OPEN):
        return True
    if not state.dialect.auth_everywhere and not request.path.startswith("/v1/"):
        return True
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    return scheme.lower() == "bearer" and key in state.options.api_keys
