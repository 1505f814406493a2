"""Bringing an answer to the client: pace, the event stream, and the ways in which both can break."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import TYPE_CHECKING

from aiohttp import web

from tui.demo.faults import Fault
from tui.demo.metrics import Meter
from tui.demo.parsing import Emission
from tui.demo.replies import json_reply
from tui.demo.shapes import Counts, compact, error_body, spaced
from tui.demo.state import State

if TYPE_CHECKING:
    from tui.demo.chat import Answer

PROXY_ERROR = {"error_code": 10402, "text": "Failed to get response after a period of time"}
_WEB_PAGE = (
    "<!DOCTYPE html>\n<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>\n"
)
_BREAK_AFTER = 8  # chunks before something breaks in the middle
_YIELD_EVERY = 64  # chunks after which other requests get their turn at full speed


async def instead(request: web.Request, fault: Fault | None, *, stream: bool) -> web.StreamResponse | None:
    """The answer of a fault that strikes before any token; None when the real answer shall come."""
    name = fault.name if fault else ""
    if fault and name == "error":
        first, _, rest = fault.argument.partition(" ")
        status = int(first) if first.isdigit() and 400 <= int(first) <= 599 else 500
        return json_reply(error_body(rest or "An error on demand.", status), status)
    if name == "html":
        return web.Response(text=_WEB_PAGE, status=200, content_type="text/html")
    if name == "hangup" and request.transport is not None:
        request.transport.abort()
        return web.Response()
    if name == "proxy-error":
        return await _proxy_line(request) if stream else json_reply(PROXY_ERROR)
    return None


async def _proxy_line(request: web.Request) -> web.StreamResponse:
    response = await open_stream(request)
    await response.write(f"{spaced(PROXY_ERROR)}\n".encode())
    await response.write_eof()
    return response


async def open_stream(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"content-type": "text/event-stream; charset=utf-8"})
    response.enable_chunked_encoding()
    await response.prepare(request)
    return response


async def first_token(state: State, fault: Fault | None) -> None:
    """The time until the model says something."""
    extra = fault.figure(5) if fault and fault.name == "delay" else 0.0
    if (seconds := state.options.first_token + extra) > 0:
        await asyncio.sleep(seconds)


class Pace:
    """Keeps a stream at so many tokens per second, also when single sleeps are late."""

    def __init__(self, speed: float) -> None:
        self._speed = speed
        self._start = time.monotonic()
        self._tokens = 0
        self._chunks = 0

    async def wait(self, tokens: int) -> None:
        self._tokens += tokens
        self._chunks += 1
        if self._speed > 0:
            ahead = self._tokens / self._speed - (time.monotonic() - self._start)
            if ahead > 0:
                await asyncio.sleep(ahead)
        elif self._chunks % _YIELD_EVERY == 0:
            await asyncio.sleep(0)


async def stream(request: web.Request, state: State, answer: Answer, meter: Meter) -> web.StreamResponse:
    """The answer as an event stream."""
    await first_token(state, answer.fault)
    response = await open_stream(request)
    write = response.write
    pace = Pace(state.options.speed)
    strike = _STRIKES.get(answer.fault.name) if answer.fault and answer.fault.served else None
    count = 0
    chunks = _chunks(answer)
    for tokens, chunk in chunks:
        meter.tokens(tokens)
        await pace.wait(tokens)
        if chunk:
            await write(chunk)
            count += 1
        if strike and count >= _BREAK_AFTER:
            break
    if strike and answer.fault:
        if not await strike(request, answer, answer.fault, write):
            return response
        for tokens, chunk in chunks:
            meter.tokens(tokens)
            await pace.wait(tokens)
            if chunk:
                await write(chunk)
    meter.finish(answer.finish_reason)
    tail = answer.shape.end(answer.finish_reason, answer.counts)
    if answer.fault and answer.fault.name == "no-done":
        tail = tail.removesuffix(b"data: [DONE]\n\n")
    for event in _events(tail):
        await write(event)
    await response.write_eof()
    return response


def _events(tail: bytes) -> Iterator[bytes]:
    for event in tail.split(b"\n\n"):
        if event:
            yield event + b"\n\n"


def _chunks(answer: Answer) -> Iterator[tuple[int, bytes]]:
    """Tokens and bytes of each chunk; no bytes for tokens that the parsers keep to themselves."""
    name: Emission | None = None
    whole = answer.shape.dialect.tools == "whole"
    last_shown = True
    for step in answer.progress.run(answer.steps):
        last_shown = step.kind != "silent"
        if step.kind == "silent":
            yield step.tokens, b""
        elif step.kind == "name" and whole:
            name = step
        elif step.kind == "arguments" and name is not None:
            yield step.tokens, answer.shape.whole_call(name, step)
            name = None
        else:
            yield step.tokens, answer.shape.step(step)
    if not last_shown and not answer.progress.calls:
        yield 0, answer.shape.empty()


Write = Callable[[bytes], Awaitable[None]]


async def _cut(request: web.Request, _answer: Answer, _fault: Fault, _write: Write) -> bool:
    if request.transport is not None:
        request.transport.abort()
    return False


async def _silence(_request: web.Request, _answer: Answer, fault: Fault, _write: Write) -> bool:
    await asyncio.sleep(fault.figure(3600))
    return True


async def _inband(_request: web.Request, answer: Answer, _fault: Fault, write: Write) -> bool:
    """A failure inside the engine: a chunk that ends with ``error`` up to 0.13, an error object since."""
    if answer.shape.dialect.inband_error == "finish":
        await write(answer.shape.end("error", Counts(answer.prompt_tokens, answer.progress.tokens, 0)))
    else:
        error = {"error": error_body("An internal server error occurred.", 500)}
        await write(f"data: {compact(error)}\n\n".encode())
        await write(b"data: [DONE]\n\n")
    return False


async def _invalid_utf8(_request: web.Request, answer: Answer, _fault: Fault, write: Write) -> bool:
    chunk = answer.shape.step(Emission("content", "@@"))
    await write(chunk.replace(b"@@", b"\xff\xfe\xe4\xb8"))
    return True


async def _bad_json(_request: web.Request, _answer: Answer, _fault: Fault, write: Write) -> bool:
    await write(b'data: {"id": "chatcmpl-broken", "choices": [{"index": 0, "delta": {"content": \n\n')
    return True


async def _long_line(_request: web.Request, answer: Answer, fault: Fault, write: Write) -> bool:
    """One line of at least so many bytes."""
    empty = len(answer.shape.step(Emission("content", "")))
    length = max(int(fault.figure(10 << 20)) - empty, 1)
    await write(answer.shape.step(Emission("content", "long line " * (length // 10) + "x" * (length % 10))))
    return True


_STRIKES: dict[str, Callable[[web.Request, Answer, Fault, Write], Awaitable[bool]]] = {
    "cut": _cut,
    "silence": _silence,
    "inband": _inband,
    "invalid-utf8": _invalid_utf8,
    "bad-json": _bad_json,
    "long-line": _long_line,
}
