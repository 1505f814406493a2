"""The process between lmdeck and an MCP server, without its process: results, pages, streams that break."""

from __future__ import annotations

import asyncio
import io
import json
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import pytest

from tests.support.waiting import until
from tui.tools import mcp_host
from tui.tools.mcp_host import Host, reason_of

pytest.importorskip("mcp")


def item(**fields: Any) -> SimpleNamespace:
    return SimpleNamespace(**fields)


def result(*content: Any, structured: Any = None, is_error: bool = False) -> dict[str, Any]:
    return mcp_host._result(item(content=content, structured_content=structured, is_error=is_error))


def test_results_of_every_kind_become_text_and_pictures() -> None:
    made = result(
        item(type="text", text="one"),
        item(type="image", mime_type="image/png", data="AAAA"),
        item(type="audio", mime_type="audio/wav"),
        item(type="resource", resource=item(text="whole text", uri="file:///a")),
        item(type="resource", resource=item(text=None, uri="file:///b")),
        item(type="resource_link", uri="file:///c"),
    )
    assert made["text"].split("\n") == [
        "one", "[audio: audio/wav]", "whole text", "[resource: file:///b]", "[resource: file:///c]",
    ]  # fmt: skip
    assert made["images"] == [{"media_type": "image/png", "data": "AAAA"}]
    assert result(structured={"名": 1}, is_error=True) == {"text": '{"名": 1}', "images": [], "is_error": True}
    assert result()["text"] == ""


def test_the_reason_is_the_innermost_cause_in_one_line() -> None:
    group = ExceptionGroup("several", [ExceptionGroup("inner", [ValueError("bad\n  value")]), OSError()])
    assert reason_of(group) == "ValueError: bad value"
    assert reason_of(TimeoutError()) == "TimeoutError"
    assert len(reason_of(ValueError("x" * 9000))) == 500


class Client:
    """A server as the SDK shows it."""

    def __init__(self, pages: int = 1, stream: Exception | None = None) -> None:
        self.pages, self.stream = pages, stream
        self.asked: list[Any] = []
        self.events: asyncio.Queue[None] = asyncio.Queue()
        self.fault: Exception | None = None
        self.server_info = None

    async def list_tools(self, cursor: str | None, cache_mode: str) -> Any:
        if self.fault is not None:
            raise self.fault
        self.asked.append(cursor)
        number = int(cursor or 0)
        tool = item(name=f"t{number}", description="", title="A title", input_schema={"type": "object"})
        return item(tools=[tool], next_cursor=str(number + 1) if number + 1 < self.pages else None)

    async def call_tool(self, name: str, arguments: Any) -> Any:
        raise self.fault or RuntimeError("no")

    @asynccontextmanager
    async def listen(self, *, tools_list_changed: bool) -> Any:
        if self.stream is not None:
            raise self.stream

        async def events() -> Any:
            while True:
                await self.events.get()
                yield None

        yield events()


def hosted(client: Client) -> tuple[Host, io.BytesIO]:
    out = io.BytesIO()
    host = Host(out)
    host._client = client  # pyright: ignore[reportAttributeAccessIssue]
    return host, out


def sent(out: io.BytesIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.getvalue().splitlines()]


async def test_tools_come_in_pages_but_not_without_end() -> None:
    client = Client(pages=3)
    host, _out = hosted(client)
    assert [tool["name"] for tool in await host._tools()] == ["t0", "t1", "t2"]
    assert (await host._tools())[0]["description"] == "A title"
    client.pages = 10**9
    assert len(await host._tools()) == 100


async def test_a_list_is_answered_and_so_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    from mcp import MCPError
    from mcp_types import CONNECTION_CLOSED

    client = Client()
    host, out = hosted(client)
    await host._answer({"id": 1, "do": "list"})
    await host._answer({"id": 2, "do": "call", "name": "t0", "arguments": {}})
    ended: list[int] = []
    monkeypatch.setattr(mcp_host, "_LAST_WORDS", 0.0)
    monkeypatch.setattr(mcp_host.os, "_exit", ended.append)
    client.fault = MCPError(CONNECTION_CLOSED, "gone")
    await host._answer({"id": 3, "do": "call", "name": "t0", "arguments": {}})
    await until(lambda: ended == [0], what="the end of a host without server")
    first, second, third = sent(out)
    assert [tool["name"] for tool in first["tools"]] == ["t0"]
    assert second == {"id": 2, "error": "RuntimeError: no"}
    assert third["id"] == 3
    assert "gone" in third["error"]


async def test_a_stream_of_news_that_breaks_is_opened_again(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from mcp.client.subscriptions import ListenNotSupportedError

    monkeypatch.setattr(mcp_host, "_LISTEN_PAUSES", (0, 0, 0))
    client = Client(stream=OSError("broken"))
    host, _out = hosted(client)
    await host._listen()
    assert capsys.readouterr().err.count("OSError: broken") == 3
    assert host._changed.is_set()
    host._changed.clear()
    client.stream = ListenNotSupportedError("old server")
    await host._listen()
    assert not host._changed.is_set()
    client.stream = None
    listening = asyncio.create_task(host._listen())
    client.events.put_nowait(None)
    await until(host._changed.is_set)
    listening.cancel()
    await asyncio.gather(listening, return_exceptions=True)


async def test_changed_tools_are_told_and_a_flood_ends_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(mcp_host, "_RELIST_PAUSE", 0.01)
    ended: list[int] = []
    monkeypatch.setattr(mcp_host.os, "_exit", ended.append)
    client = Client()
    host, out = hosted(client)
    watching = asyncio.create_task(host._watch())
    host._changed.set()
    await until(lambda: sent(out), what="the tools")
    assert sent(out)[0]["tools"][0]["name"] == "t0"
    client.fault = OSError("not now")
    host._changed.set()
    said = ""

    def told() -> bool:
        nonlocal said
        said += capsys.readouterr().err
        return "OSError: not now" in said

    await until(told)
    assert not ended
    monkeypatch.setattr(mcp_host, "_MESSAGES_PER_SECOND", 5)

    def shout() -> list[int]:
        for _ in range(20):
            host.count()
        return ended

    await until(shout, what="the end of a flood")
    assert ended[0] == mcp_host.FLOODED
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)


async def test_only_a_change_of_tools_is_news() -> None:
    from mcp_types import ToolListChangedNotification

    host, _out = hosted(Client())
    await host._note(item(root="something else"))
    assert not host._changed.is_set()
    await host._note(ToolListChangedNotification(method="notifications/tools/list_changed"))
    assert host._changed.is_set()


def test_the_sdks_log_is_counted_and_kept_short() -> None:
    host, _out = hosted(Client())
    assert [host.count() for _ in range(21)] == [True] * 20 + [False]


async def test_nothing_asked_nothing_done() -> None:
    host, out = hosted(Client())
    requests = asyncio.StreamReader()
    requests.feed_eof()
    await host.run(requests)
    assert out.getvalue() == b""
