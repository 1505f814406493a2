"""One chat request over HTTP: sent by the SDK, read by :class:`AnswerReader`, watched for silence."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, aclosing, suppress
from typing import TYPE_CHECKING, Any, cast

from tui.model.delta import Delta
from tui.model.problem import Problem, ProblemError
from tui.server.address import Address
from tui.server.answer import AnswerReader
from tui.server.faults import connection_problem
from tui.server.transport import Reply, Timeouts, read_bounded

if TYPE_CHECKING:
    import httpx2
    from openai import AsyncOpenAI
    from openai._response import AsyncAPIResponse, AsyncResponseContextManager

DRAIN = 0.1
"""Seconds to wait for the end of the body after the end mark, so that the connection can be used again."""


class RefusedError(Exception):
    """The server answered a chat request with another status than 200."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.status)
        self.reply = reply


async def refuse(response: httpx2.Response) -> None:
    """Hook of the chat's HTTP client: reads an error's body, bounded, before the SDK does it unbounded."""
    if response.status_code != 200:
        body = await read_bounded(response, 1024 * 1024)
        headers = {name.lower(): value for name, value in response.headers.items()}
        raise RefusedError(Reply(response.status_code, headers, body, 0.0))


async def stream_answer(
    api: AsyncOpenAI,
    body: dict[str, Any],
    make_reader: Callable[[str], AnswerReader],
    timeouts: Timeouts,
    address: Address,
) -> AsyncGenerator[Delta, None]:
    """Send ``body`` and yield the deltas of the answer; ``make_reader`` is given its content type.

    Raises RefusedError for a status other than 200 and ProblemError for everything else that is no regular end."""
    streaming = bool(body.get("stream"))
    patience = timeouts.first if streaming else timeouts.whole
    loop = asyncio.get_running_loop()
    deadline = loop.time() + patience
    async with AsyncExitStack() as stack:
        response = await _opened(stack, api, body, deadline, address)
        reader = make_reader(response.headers.get("content-type", ""))
        pieces = cast("AsyncGenerator[bytes, None]", response.iter_bytes())
        await stack.enter_async_context(aclosing(pieces))
        cut = ""
        while not reader.done:
            try:
                piece = await _next_piece(pieces, deadline)
            except Exception as error:  # noqa: BLE001 (sorted out below; nothing is swallowed)
                cut = await _interruption(error, reader, address, patience)
                break
            if piece is None:
                break
            for delta in reader.feed(piece):
                yield delta
            patience = timeouts.between if streaming else timeouts.whole
            deadline = loop.time() + patience
        if reader.done:
            with suppress(Exception):
                await _next_piece(pieces, loop.time() + DRAIN)
        for delta in reader.finish(cut):
            yield delta


async def _opened(
    stack: AsyncExitStack, api: AsyncOpenAI, body: dict[str, Any], deadline: float, address: Address
) -> AsyncAPIResponse[Any]:
    """The response once its headers are here; closed with the stack."""
    from openai import OpenAIError

    rest = {key: value for key, value in body.items() if key not in ("model", "messages", "stream")}
    create: Any = api.chat.completions.with_streaming_response.create  # overloads by literal values of "stream"
    request: AsyncResponseContextManager[AsyncAPIResponse[Any]] = create(
        model=body["model"], messages=body["messages"], stream=body["stream"], extra_body=rest
    )
    started = asyncio.get_running_loop().time()
    try:
        async with asyncio.timeout_at(deadline):
            return await stack.enter_async_context(request)
    except TimeoutError:
        raise ProblemError(Problem("server.silent", {"seconds": round(deadline - started, 1)})) from None
    except OpenAIError as error:
        raise ProblemError(await connection_problem(error, address)) from error


async def _next_piece(pieces: AsyncGenerator[bytes, None], deadline: float) -> bytes | None:
    async with asyncio.timeout_at(deadline):
        return await anext(pieces, None)


async def _interruption(error: Exception, reader: AnswerReader, address: Address, patience: float) -> str:
    """How the connection broke, for an answer that had begun. Raises ProblemError for one that had not, and for
    silence in the middle of one."""
    import httpx2

    if isinstance(error, TimeoutError):
        if reader.complete:
            return "silence after the last chunk"
        code = "server.stalled" if reader.started else "server.silent"
        raise ProblemError(Problem(code, {"seconds": round(patience, 1)})) from None
    if not isinstance(error, (httpx2.HTTPError, httpx2.StreamError, OSError)):
        raise error
    if not reader.started:
        raise ProblemError(await connection_problem(error, address)) from error
    return f"{type(error).__name__}: {error}"
