"""Plain answers: JSON as FastAPI writes it, errors, uvicorn's and the CORS layer's headers."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from tui.demo.checks import RefusedError
from tui.demo.shapes import compact
from tui.demo.state import State

OUTSIDE_CORS = "lmdeck.outside_cors"


def json_reply(data: Any, status: int = 200) -> web.Response:
    return web.Response(body=compact(data).encode(), status=status, headers={"content-type": "application/json"})


def refusal(error: RefusedError, state: State) -> web.Response:
    """An error body; up to 0.5.3 with status 200."""
    return json_reply(error.body, 200 if state.dialect.errors_in_200 else error.status)


def outside(response: web.Response) -> web.Response:
    """Marks an answer of a layer outside of the CORS middleware: it has no Vary header."""
    response[OUTSIDE_CORS] = True
    return response


def broken() -> web.Response:
    """An exception that nobody caught."""
    headers = {"content-type": "text/plain; charset=utf-8"}
    return outside(web.Response(body=b"Internal Server Error", status=500, headers=headers))
