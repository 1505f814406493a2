"""The HTTP client below everything: built so that nothing but what the user set leaves the machine.

Heavy imports (httpx2, openai) happen here, on first use or in :func:`warm_up`.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

from tui.model.problem import Problem, ProblemError
from tui.server.address import Address
from tui.server.environment import environment_proxy
from tui.server.faults import connection_problem

if TYPE_CHECKING:
    import httpx2
    from openai import AsyncOpenAI

MAX_BODY = 32 * 1024 * 1024
"""Bytes of a whole answer that are read before it is given up."""


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds. ``first``: from the request to the first byte of a stream (a long prompt is silent while it is read);
    ``between``: silence inside a stream; ``whole``: a whole answer that does not stream; ``quick``: small questions."""

    connect: float = 10.0
    first: float = 120.0
    between: float = 60.0
    whole: float = 900.0
    quick: float = 5.0


@dataclass(frozen=True, slots=True)
class Reply:
    """A small answer, read to its end. Header names are lower case. ``seconds``: from the request to its end."""

    status: int
    headers: dict[str, str]
    body: bytes
    seconds: float

    @property
    def content_type(self) -> str:
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @property
    def text(self) -> str:
        return self.body.decode(errors="replace")


Refuse = Callable[["httpx2.Response"], Awaitable[None]]


def open_http(
    address: Address, api_key: str | None, timeouts: Timeouts, refuse: Refuse | None = None
) -> httpx2.AsyncClient:
    """An HTTP client for one server. Takes up to 0.1 s (certificates): call it in a thread.

    ``refuse`` sees every answer before its body is read and may raise. Redirects are never followed. The environment
    (proxies, certificates) counts for servers elsewhere only, never for this machine and for sockets."""
    import httpx2

    from tui.server.strict import StrictTransport

    # uvicorn closes idle connections after 5 s; leaving earlier avoids writing into one that is just being closed.
    limits = httpx2.Limits(keepalive_expiry=2.0)
    transport = httpx2.AsyncHTTPTransport(
        verify=address.is_tls or not address.is_local,
        trust_env=True,  # only SSL_CERT_FILE and SSL_CERT_DIR at this level
        limits=limits,
        proxy=environment_proxy(address),
        uds=address.socket,
    )
    return httpx2.AsyncClient(
        transport=StrictTransport(transport, api_key),
        trust_env=False,
        timeout=httpx2.Timeout(None, connect=timeouts.connect),
        limits=limits,
        follow_redirects=False,
        event_hooks={"request": [], "response": [refuse] if refuse else []},
    )


def open_openai(address: Address, http: httpx2.AsyncClient) -> AsyncOpenAI:
    """The SDK's client on top of ``http``. It must be given some key; ``http`` replaces it by the user's or none.

    Raises ProblemError for an address that is no URL after all."""
    import_openai()
    import httpx2
    from openai import AsyncOpenAI

    url = f"{address.base_url}/v1"
    try:
        client = AsyncOpenAI(api_key="none", organization="", project="", base_url=url, max_retries=0, http_client=http)
    except httpx2.InvalidURL as error:  # a host name that no name service can know
        data = {"url": address.shown, "reason": str(error)[:200]}
        raise ProblemError(Problem("server.connection_failed", data)) from error
    client.organization = None
    client.project = None
    return client


def import_openai() -> None:
    """Import the SDK. With OPENAI_LOG set it would configure logging to the terminal that we draw on: undone."""
    with _hidden("aiohttp"):
        _import_with_own_logging()


@contextmanager
def _hidden(name: str) -> Generator[None]:
    """As if a package were not installed. openai 3 imports aiohttp where there is one, for a client that we do not use:
    9 MiB and a tenth of a second (``openai._base_client`` does without it on ImportError)."""
    modules = cast("dict[str, object]", sys.modules)
    if name in modules:
        yield
        return
    modules[name] = None
    try:
        yield
    finally:
        if modules.get(name, name) is None:
            del modules[name]


def _import_with_own_logging() -> None:
    root = logging.getLogger()
    handlers = list(root.handlers)
    import_module("openai.resources.chat.completions.completions")  # 0.5 s that the first request would pay otherwise

    for handler in [handler for handler in root.handlers if handler not in handlers]:
        root.removeHandler(handler)


async def warm_up() -> None:
    """Import the heavy libraries in a thread, so that the first request does not block the event loop."""
    await asyncio.to_thread(import_openai)


async def fetch(
    http: httpx2.AsyncClient,
    address: Address,
    method: str,
    path: str,
    *,
    json: Any = None,
    headers: dict[str, str] | None = None,
) -> Reply:
    """Ask a small question and read the whole answer, whatever its status.

    Raises ProblemError when there is no answer (see :func:`connection_problem`) or it is too long. No time limit of
    its own beyond connecting: use ``asyncio.timeout``."""
    import httpx2

    started = asyncio.get_running_loop().time()
    try:
        async with http.stream(method, address.url(path), json=json, headers=headers) as response:
            body = await read_bounded(response)
            seconds = asyncio.get_running_loop().time() - started
            return Reply(response.status_code, {k.lower(): v for k, v in response.headers.items()}, body, seconds)
    except (httpx2.HTTPError, httpx2.InvalidURL, OSError) as error:
        raise ProblemError(await connection_problem(error, address)) from error


async def read_bounded(response: httpx2.Response, limit: int = MAX_BODY) -> bytes:
    """The body of an answer. Raises ProblemError(server.body_too_long)."""
    body = bytearray()
    async for piece in response.aiter_bytes():
        body += piece
        if len(body) > limit:
            raise ProblemError(Problem("server.body_too_long", {"mebibytes": limit // 1024 // 1024}))
    return bytes(body)
