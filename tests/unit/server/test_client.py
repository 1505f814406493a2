"""The client over real HTTP: recorded servers, stopping, huge pieces, counting tokens."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from tests.support.raw_server import Exchange, RawServer
from tests.support.replay_server import routes
from tests.support.waiting import until
from tests.unit.server.helpers import (
    ADD,
    CHAT,
    DONE,
    MODELS,
    QUICK,
    calls_of,
    chunk,
    collect,
    collect_until_problem,
    connected,
    finish_of,
    message,
    reasoning_of,
    request,
    sampling,
    text_of,
    usage_of,
)
from tui.lmdeploy.dialects import dialect_for
from tui.model.events import TextDelta, Usage
from tui.model.message import ImagePart, ToolCallPart, ToolResultPart
from tui.model.problem import ProblemError
from tui.model.turn import RawLine
from tui.server.address import Address
from tui.server.client import ServerClient
from tui.server.transport import Timeouts


async def test_the_story_of_the_fox_and_the_melon() -> None:
    lines: list[RawLine] = []
    async with RawServer(routes("turbomind-chat", "chat_stream_zh")) as server, connected(server) as client:
        deltas = await collect(client, on_line=lines.append)
    assert "瓜" in reasoning_of(deltas)
    assert text_of(deltas) == ""  # the recorded model never closed its thought
    assert finish_of(deltas) == "stop"
    usage = usage_of(deltas)
    assert usage is not None
    assert usage.completion_tokens > 40
    assert lines[-1].text == "data: [DONE]"
    assert all(line.text.startswith("data: {") for line in lines[:-1])
    assert sorted(line.seconds for line in lines) == [line.seconds for line in lines]


async def test_the_proxys_doubled_blank_lines() -> None:
    async with RawServer(routes("proxy-two-nodes", "chat_stream")) as server, connected(server) as client:
        deltas = await collect(client)
    assert text_of(deltas) == " ".join(str(number) for number in range(1, 21))
    assert usage_of(deltas) == Usage(13, 50)


@pytest.mark.parametrize("name", ["turbomind-tools", "turbomind-tools-internlm"])
async def test_chained_tool_calls(name: str) -> None:
    async with RawServer(routes(name)) as server, connected(server) as client:
        found = []
        for scene in ("tools_stream_1", "tools_stream_2", "tools_stream_3"):
            server.routes = routes(name, scene)
            deltas = await collect(client, request(tools=(ADD,)))
            found.append((finish_of(deltas), [call[1:] for call in calls_of(deltas)], text_of(deltas)))
    assert [(finish, [(c[0], json.loads(c[1])) for c in calls]) for finish, calls, _ in found] == [
        ("tool_calls", [("add", {"a": 3, "b": 5})]),
        ("tool_calls", [("mul", {"a": 8, "b": 2})]),
        ("stop", []),
    ]
    assert "**16**" in found[2][2]


async def test_the_request_on_the_wire() -> None:
    async def handler(exchange: Exchange) -> None:
        await exchange.stream(chunk({"content": "ok"}, "stop"), DONE)

    asked = request("你好", tools=(ADD,), sampling=sampling(top_k=1, extra={"return_token_ids": True}))
    async with RawServer({CHAT: handler}) as server, connected(server) as client:
        await collect(client, asked)
        client.dialect = dialect_for(("0.5.3", "0.5.3"))
        await collect(client, asked)
    newer, older = (sent.json for sent in server.requests)
    assert newer["messages"] == [{"role": "user", "content": "你好"}]
    assert newer["tools"][0]["function"]["name"] == "add"
    assert (newer["top_k"], newer["return_token_ids"], newer["stream"]) == (1, True, True)
    assert newer["stream_options"] == {"include_usage": True}
    assert "stream_options" not in older
    assert "你好".encode() in server.requests[0].body


async def test_a_request_that_does_not_stream() -> None:
    async with RawServer(routes("turbomind-tools", "tools_plain_1")) as server, connected(server) as client:
        deltas = await collect(client, request(stream=False, tools=(ADD,)))
        assert server.asked(CHAT)[0].json["stream"] is False
    assert [call[1] for call in calls_of(deltas)] == ["add"]
    assert finish_of(deltas) == "tool_calls"


async def test_a_base_path_before_the_api() -> None:
    async with RawServer({"/box1/v1/models": MODELS}) as server:
        client = ServerClient(Address.parse(f"{server.url}/box1/v1"), timeouts=QUICK)
        assert await client.models() == ("tiny-chat",)
        await client.aclose()


# --- stopping -----------------------------------------------------------------------------------------------------


async def endless(exchange: Exchange) -> None:
    await exchange.stream(chunk({"content": "a"}), end=False)
    await exchange.until_closed()


async def test_closing_the_answer_closes_the_socket() -> None:
    async with RawServer({CHAT: endless}) as server, connected(server) as client:
        answer = client.chat(request())
        assert await anext(answer) == TextDelta("a")
        assert server.closed == 0
        await answer.aclose()
        await until(lambda: server.closed == 1)


async def test_cancelling_the_task_closes_the_socket() -> None:
    async with RawServer({CHAT: endless}) as server, connected(server) as client:
        seen = asyncio.Event()

        async def consume() -> None:
            async for _ in client.chat(request()):
                seen.set()

        task = asyncio.create_task(consume())
        await seen.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await until(lambda: server.closed == 1)


async def test_cancelling_before_the_first_byte_closes_the_socket() -> None:
    async def silent(exchange: Exchange) -> None:
        await exchange.until_closed()

    async with RawServer({CHAT: silent}) as server, connected(server) as client:
        task = asyncio.create_task(collect(client))
        await until(lambda: server.requests)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await until(lambda: server.closed == 1)


async def test_a_connection_is_used_again_after_a_regular_end() -> None:
    async with RawServer(routes("turbomind-tools", "chat_stream_code")) as server, connected(server) as client:
        for _ in range(3):
            await collect(client)
        assert server.connections == 1


async def test_two_answers_at_once() -> None:
    async with RawServer(routes("turbomind-chat", "think_True_stream")) as server, connected(server) as client:
        one, two = await asyncio.gather(collect(client), collect(client))
    assert one == two
    assert text_of(one)


async def test_a_closed_client_opens_again_when_asked() -> None:
    async with RawServer({"/v1/models": MODELS}) as server, connected(server) as client:
        await client.models()
        await client.aclose()
        assert await client.models() == ("tiny-chat",)


# --- bad input ----------------------------------------------------------------------------------------------------


async def test_a_line_of_10_mb_and_arguments_of_1_mb() -> None:
    arguments = json.dumps({"text": "x" * 1_000_000})

    async def handler(exchange: Exchange) -> None:
        call = {"index": 0, "id": "c", "function": {"name": "add", "arguments": arguments}}
        await exchange.stream(
            chunk({"content": "y" * 10_000_000}), chunk({"tool_calls": [call]}), chunk({}, "tool_calls"), DONE
        )

    async with RawServer({CHAT: handler}) as server, connected(server) as client:
        deltas = await collect(client)
    assert len(text_of(deltas)) == 10_000_000
    assert calls_of(deltas) == [("c", "add", arguments)]


async def test_a_line_without_end_is_given_up() -> None:
    async def handler(exchange: Exchange) -> None:
        await exchange.stream(chunk({"content": "before"}), end=False)
        for _ in range(40):
            await exchange.piece(b"x" * 1024 * 1024)

    async with RawServer({CHAT: handler}) as server, connected(server) as client:
        deltas, problem = await collect_until_problem(client)
    assert text_of(deltas) == "before"
    assert problem.code == "server.line_too_long"


async def test_markup_and_escape_codes_pass_untouched() -> None:
    """Making them harmless is the screen's work; the stored text is what the model said."""
    nasty = "\x1b]0;title\x07[bold]x[/] <b> \x00"

    async def handler(exchange: Exchange) -> None:
        await exchange.stream(chunk({"content": nasty}, "stop"), DONE)

    async with RawServer({CHAT: handler}) as server, connected(server) as client:
        assert text_of(await collect(client)) == nasty


# --- models, counting ---------------------------------------------------------------------------------------------


async def test_models_of_a_proxy_are_named_once() -> None:
    async with RawServer(routes("proxy-two-nodes")) as server, connected(server) as client:
        assert await client.models() == ("tiny-chat",)


@pytest.mark.parametrize(
    "body", [b"[]", b"{}", b'{"data": 5}', b"hello", b"\xff", b'{"models": []}', b'{"a":' * 100_000]
)
async def test_something_else_answers_where_models_should_be(body: bytes) -> None:
    async def handler(exchange: Exchange) -> None:
        await exchange.reply(body)

    async with RawServer({"/v1/models": handler}) as server, connected(server) as client:
        with pytest.raises(ProblemError) as caught:
            await client.models()
    assert caught.value.problem.code == "server.not_lmdeploy"


async def test_odd_rows_among_the_models() -> None:
    models: dict[str, Any] = {"data": [{"id": "a"}, 5, {"id": 7}, {"id": ""}, {"id": "b"}, {"id": "a"}]}
    async with RawServer({"/v1/models": models}) as server, connected(server) as client:
        assert await client.models() == ("a", "b")


async def test_counting_through_the_messages_route() -> None:
    asked = request(
        messages=(
            message("user", "What is", ImagePart("image/png", "QUJD")),
            message("assistant", "Let me add.", ToolCallPart("c1", "add", '{"a": 1}')),
            message("tool", ToolResultPart("c1", "add", "8")),
            message("assistant", ToolCallPart("c2", "add", '{"a": 2}')),
            message("tool", ToolResultPart("c2", "add", "9")),
            message("user", "thanks"),
        ),
        system="Be kind.",
        tools=(ADD,),
    )
    async with RawServer({"/v1/messages/count_tokens": {"input_tokens": 42}}) as server, connected(server) as client:
        assert await client.count_tokens(asked, "messages") == 42
    sent = server.requests[0]
    assert sent.headers["anthropic-version"] == "2023-06-01"
    assert sent.json["system"] == "Be kind."
    assert sent.json["tools"] == [{"name": "add", "description": ADD.description, "input_schema": dict(ADD.parameters)}]
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "QUJD"}}
    use = {"type": "tool_use", "id": "c1", "name": "add", "input": {"a": 1}}
    assert sent.json["messages"][:3] == [
        {"role": "user", "content": [{"type": "text", "text": "What is"}, image]},
        {"role": "assistant", "content": [{"type": "text", "text": "Let me add."}, use]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c1", "content": "8"}]},
    ]
    assert sent.json["messages"][3]["content"] == [{**use, "id": "c2", "input": {"a": 2}}]
    assert sent.json["messages"][-1] == {"role": "user", "content": "thanks"}


async def test_counting_through_encode() -> None:
    async with RawServer({"/v1/encode": {"input_ids": [1], "length": 17}}) as server, connected(server) as client:
        assert await client.count_tokens(request("hello"), "encode") == 17
    assert server.requests[0].json == {"input": "hello", "do_preprocess": False, "add_bos": True}


@pytest.mark.parametrize("body", [{}, {"length": "x"}, {"length": True}, []])
async def test_counting_that_does_not_work_gives_nothing(body: Any) -> None:
    async with RawServer({"/v1/encode": body}) as server, connected(server) as client:
        assert await client.count_tokens(request(), "encode") is None
        assert await client.count_tokens(request(), "messages") is None
        assert await client.count_tokens(request(), "") is None


async def test_counting_at_a_dead_server_gives_nothing() -> None:
    async with RawServer() as server, connected(server) as client:
        await server.stop()
        assert await client.count_tokens(request(), "encode") is None
        assert await client.context_length("m") is None


async def test_the_exact_context_length_comes_from_a_refusal() -> None:
    async with RawServer(routes("turbomind-chat", "err_long_plain")) as server, connected(server) as client:
        assert await client.context_length("tiny-chat", 5000) == 4096
    sent = server.requests[0].json
    assert (sent["messages"], len(sent["input_ids"]), sent["max_tokens"]) == ([], 5001, 1)


async def test_the_context_length_of_older_servers_stays_unknown() -> None:
    async with RawServer(routes("turbomind-chat", "chat_plain")) as server, connected(server) as client:
        assert await client.context_length("tiny-chat", 10) is None
    async with RawServer({"*": endless}) as server, connected(server, timeouts=Timeouts(quick=0.1)) as client:
        with pytest.raises(ProblemError):
            await client.models()
