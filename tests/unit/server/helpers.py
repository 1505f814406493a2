"""Short ways to say what the tests of the server room need."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from tests.support.raw_server import RawServer
from tui.model.delta import Delta, StreamFinished, ToolCallDelta
from tui.model.events import ReasoningDelta, TextDelta, Usage
from tui.model.message import Message, Part, Role, TextPart
from tui.model.problem import Problem, ProblemError
from tui.model.request import ChatRequest, Sampling
from tui.model.tool import ToolSpec
from tui.server.address import Address
from tui.server.client import ServerClient
from tui.server.transport import Timeouts

CHAT = "/v1/chat/completions"
DONE = b"data: [DONE]\n\n"
MODELS = {"object": "list", "data": [{"id": "tiny-chat", "object": "model", "owned_by": "lmdeploy"}]}
QUICK = Timeouts(connect=5, first=5, between=5, whole=5, quick=5)

ADD = ToolSpec(
    "add",
    "Compute the sum of two numbers",
    {"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}}, "required": ["a", "b"]},
)


def message(role: Role, *parts: Part | str) -> Message:
    made = tuple(TextPart(part) if isinstance(part, str) else part for part in parts)
    return Message("m", role, made, None, datetime(2026, 1, 1, tzinfo=UTC))


def request(text: str = "hello", **fields: Any) -> ChatRequest:
    fields.setdefault("messages", (message("user", text),))
    return ChatRequest(fields.pop("model", "tiny-chat"), **fields)


def chunk(delta: dict[str, Any] | None = None, finish: str | None = None, **fields: Any) -> dict[str, Any]:
    choice: dict[str, Any] = {"index": 0, "delta": delta or {}}
    if finish:
        choice["finish_reason"] = finish
    return {"id": "chatcmpl-1", "object": "chat.completion.chunk", "choices": [choice], **fields}


@asynccontextmanager
async def connected(
    server: RawServer, api_key: str | None = None, timeouts: Timeouts = QUICK
) -> AsyncIterator[ServerClient]:
    client = ServerClient(Address.parse(server.url), api_key, timeouts=timeouts)
    try:
        yield client
    finally:
        await client.aclose()


async def collect(client: ServerClient, asked: ChatRequest | None = None, **hooks: Any) -> list[Delta]:
    return [delta async for delta in client.chat(asked or request(), **hooks)]


async def collect_until_problem(
    client: ServerClient, asked: ChatRequest | None = None, **hooks: Any
) -> tuple[list[Delta], Problem]:
    """What arrived, and the problem the answer ended with."""
    deltas: list[Delta] = []
    try:
        async for delta in client.chat(asked or request(), **hooks):
            deltas.append(delta)  # noqa: PERF401 (what came before the problem must be kept)
    except ProblemError as error:
        return deltas, error.problem
    raise AssertionError(f"no problem; got {deltas}")


async def problem_of(routes: dict[str, Any], asked: ChatRequest | None = None, **options: Any) -> Problem:
    """The problem that a chat with a server of these routes ends with."""
    async with RawServer(routes) as server, connected(server, **options) as client:
        return (await collect_until_problem(client, asked))[1]


def text_of(deltas: Iterable[Delta]) -> str:
    return "".join(delta.text for delta in deltas if isinstance(delta, TextDelta))


def reasoning_of(deltas: Iterable[Delta]) -> str:
    return "".join(delta.text for delta in deltas if isinstance(delta, ReasoningDelta))


def calls_of(deltas: Iterable[Delta]) -> list[tuple[str, str, str]]:
    """(id, name, arguments) of every call, merged as the engine merges them."""
    merged: dict[int, list[str]] = {}
    for delta in deltas:
        if isinstance(delta, ToolCallDelta):
            call = merged.setdefault(delta.index, ["", "", ""])
            call[0] += delta.call_id
            call[1] += delta.name
            call[2] += delta.arguments
    return [(call[0], call[1], call[2]) for _, call in sorted(merged.items())]


def usage_of(deltas: Iterable[Delta]) -> Usage | None:
    return next((delta for delta in deltas if isinstance(delta, Usage)), None)


def finish_of(deltas: Iterable[Delta]) -> str | None:
    """The finish reason; there is exactly one end, and it is the last delta."""
    ends = [delta for delta in deltas if isinstance(delta, StreamFinished)]
    assert len(ends) == 1
    return ends[0].finish_reason


def sampling(**fields: Any) -> Sampling:
    return Sampling(**fields)
