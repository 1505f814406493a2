"""One HTTP client to one lmdeploy server: chat, models, probe, metrics, counting tokens."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from time import monotonic
from typing import TYPE_CHECKING, Any, Literal, cast

from tui.lmdeploy.dialects import MODERN, Dialect
from tui.model.delta import Delta
from tui.model.problem import Problem, ProblemError
from tui.model.request import ChatRequest
from tui.model.server import ServerFacts, ServerMetrics
from tui.model.turn import RawLine
from tui.server import counting, metrics, probe
from tui.server.address import Address
from tui.server.answer import AnswerReader
from tui.server.body import request_body
from tui.server.errors import Asked, not_lmdeploy, problem_of_reply, unknown_model
from tui.server.streaming import RefusedError, refuse, stream_answer
from tui.server.transport import Reply, Timeouts, fetch, open_http, open_openai

if TYPE_CHECKING:
    import httpx2
    from openai import AsyncOpenAI

Json = dict[str, Any]


class ServerClient:
    """Talks to one server. Nothing is imported or opened before the first request.

    ``dialect`` may be replaced at any time (the probe learns it); it holds for requests made afterwards.
    """

    def __init__(
        self,
        address: Address,
        api_key: str | None = None,
        *,
        dialect: Dialect | None = None,
        timeouts: Timeouts | None = None,
    ) -> None:
        self.address = address
        self.dialect = dialect or MODERN
        self.timeouts = timeouts or Timeouts()
        self._key = (api_key or "").strip() or None
        self._offered: tuple[str, ...] = ()
        self._lock = asyncio.Lock()
        self._http: httpx2.AsyncClient | None = None
        self._chat_http: httpx2.AsyncClient | None = None
        self._api: AsyncOpenAI | None = None

    async def chat(
        self,
        request: ChatRequest,
        *,
        on_line: Callable[[RawLine], None] | None = None,
        on_notice: Callable[[Problem], None] | None = None,
    ) -> AsyncGenerator[Delta, None]:
        """The answer to a request as deltas, StreamFinished last. Closing the generator closes the socket, which is
        how a generation is stopped on every release.

        ``on_line`` gets each line as it came; ``on_notice`` what went wrong without ending the answer.
        Raises ProblemError for everything that is no regular end; what arrived before was yielded."""
        started = monotonic()
        api = await self._openai()

        def keep_line(text: str) -> None:
            if on_line is not None:
                on_line(RawLine(monotonic() - started, text))

        def make_reader(content_type: str) -> AnswerReader:
            return AnswerReader(content_type, asked=asked, dialect=self.dialect, on_line=keep_line, on_notice=on_notice)

        asked = self._asked(request)
        body = request_body(request, self.dialect)
        answer = stream_answer(api, body, make_reader, self.timeouts, self.address)
        try:
            async with aclosing(answer):
                async for delta in answer:
                    yield delta
        except RefusedError as refused:
            problem = self._problem_of(refused.reply, asked)
            raise ProblemError(await self._with_offer(problem)) from None
        except ProblemError as error:
            raise ProblemError(await self._with_offer(error.problem)) from error.__cause__

    async def warm_up(self) -> None:
        """Import the SDK and prepare its client in a thread, so that the first chat need not wait for it (0.7 s).
        What is wrong with the address is told by the first request."""
        with contextlib.suppress(ProblemError):
            await self._openai()

    async def models(self) -> tuple[str, ...]:
        """The ids offered, each once, in the server's order. Raises ProblemError."""
        models, _ = await self.models_reply()
        return models

    async def models_reply(self) -> tuple[tuple[str, ...], Reply]:
        """The same with the answer they came in. Raises ProblemError."""
        reply = await self.fetch("GET", "/v1/models")
        if reply.status != 200:
            raise ProblemError(self._problem_of(reply, Asked(self.address.shown, sent_key=self._key is not None)))
        models = _model_ids(reply.body)
        if models is None:
            raise ProblemError(not_lmdeploy(self.address.shown, reply.content_type, reply.text))
        self._offered = models
        return models, reply

    async def probe(self) -> ServerFacts:
        """Everything that can be found out within about a second after /v1/models answered. Raises ProblemError when
        that one does not."""
        first = await probe.first_facts(self)
        return (await probe.more_facts(self, first)).facts

    async def metrics(self) -> ServerMetrics | None:
        """One reading of /metrics; None when the server has none. Raises ProblemError when it does not answer."""
        reply = await self.fetch("GET", "/metrics")
        if reply.status != 200:
            return None
        return await asyncio.to_thread(metrics.parse_metrics, reply.text, monotonic())

    async def count_tokens(self, request: ChatRequest, how: Literal["messages", "encode", ""]) -> int | None:
        """How many tokens the request's prompt has: exact with ``messages`` (≥ 0.13), the bare texts without the chat
        template with ``encode``. None when the server does not tell."""
        return await counting.count_tokens(self, request, how)

    async def context_length(self, model: str, below: int | None = None) -> int | None:
        """The model's exact context length, asked with a request that is refused (≥ 0.16; the server counts one failed
        request, no GPU work). ``below`` is a length that is surely too long, if known. None when it does not tell."""
        return await counting.context_length(self, model, below)

    async def fetch(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        headers: dict[str, str] | None = None,
        within: float | None = None,
    ) -> Reply:
        """Ask any route a small question; every status is an answer. Raises ProblemError when none comes ``within`` so
        many seconds."""
        http = await self._quick_http()
        limit = self.timeouts.quick if within is None else within
        try:
            async with asyncio.timeout(limit):
                return await fetch(http, self.address, method, path, json=json, headers=headers)
        except TimeoutError:
            raise ProblemError(
                Problem("server.no_reply", {"url": self.address.shown, "path": path, "seconds": limit})
            ) from None

    async def aclose(self) -> None:
        """Close all connections; running requests end."""
        for http in (self._http, self._chat_http):
            if http is not None:
                await http.aclose()
        self._http = self._chat_http = self._api = None

    async def _quick_http(self) -> httpx2.AsyncClient:
        async with self._lock:
            if self._http is None:
                self._http = await asyncio.to_thread(open_http, self.address, self._key, self.timeouts)
            return self._http

    async def _openai(self) -> AsyncOpenAI:
        async with self._lock:
            if self._api is None:
                self._api = await asyncio.to_thread(self._open_openai)
            return self._api

    def _open_openai(self) -> AsyncOpenAI:
        self._chat_http = open_http(self.address, self._key, self.timeouts, refuse)
        return open_openai(self.address, self._chat_http)

    def _asked(self, request: ChatRequest) -> Asked:
        return Asked(
            url=self.address.shown,
            model=request.model,
            offered=self._offered,
            sent_key=self._key is not None,
            sent_tools=bool(request.tools),
        )

    async def _with_offer(self, problem: Problem) -> Problem:
        """A problem with a model's name, with the names on offer where the server tells them."""
        if problem.code == "server.model_unknown_alone":
            with contextlib.suppress(ProblemError):
                asked = Asked(model=str(problem.data["model"]), offered=await self.models())
                return unknown_model(asked, problem.detail)
        return problem

    def _problem_of(self, reply: Reply, asked: Asked) -> Problem:
        return problem_of_reply(reply.status, reply.content_type, reply.body, reply.headers.get("location", ""), asked)


def _model_ids(body: bytes) -> tuple[str, ...] | None:
    """The ids of a /v1/models answer, each once (a proxy repeats them); None when it is not one."""
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return None
    rows = cast("Json", answer).get("data") if isinstance(answer, dict) else None
    if not isinstance(rows, list):
        return None
    entries = [cast("Json", row) for row in cast("list[Any]", rows) if isinstance(row, dict)]
    return tuple(dict.fromkeys(name for row in entries if isinstance(name := row.get("id"), str) and name))
