"""MCP servers written with the SDK, in real processes, over stdio and HTTP."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.waiting import until
from tui.config.mcp import McpFields, McpServerConfig
from tui.model.tool import ToolCall, ToolOutcome
from tui.tools.mcp_servers import McpServer, mcp_servers

pytest.importorskip("mcp")

SERVER = (sys.executable, "-m", "tests.support.mcp_server")
ROOT = str(Path(__file__).parents[3])
Start = Callable[..., Awaitable[McpServer]]


@pytest.fixture
async def start() -> AsyncIterator[Start]:
    """``await start("stdio", timeout=1)`` → a server that has come up or failed."""
    opened: list[McpServer] = []

    async def begin(kind: str = "stdio", **fields: Any) -> McpServer:
        where: dict[str, Any] = {} if "url" in fields else {"command": (*SERVER, kind), "folder": ROOT}
        (server,) = mcp_servers([McpServerConfig("test", McpFields(**{**where, **fields}))])
        opened.append(server)
        await server.settled(30)
        return server

    yield begin
    await asyncio.gather(*(server.aclose() for server in opened))


async def call(server: McpServer, name: str, /, **arguments: Any) -> ToolOutcome:
    offer = next(offer for offer in server.offers() if offer.spec.name == name)
    return await server.run(offer, ToolCall("c", name, arguments))


def code(outcome: ToolOutcome) -> str:
    assert outcome.problem
    assert not outcome.ok
    return outcome.problem.code


async def test_tools_of_a_server_over_stdio(start: Start) -> None:
    server = await start(env={"FROM_FILE": "file", "FROM_OUTSIDE": "env:OUTSIDE"})
    assert (server.state, server.problem, server.title) == ("ready", None, "test server")
    specs = {offer.spec.name: offer.spec for offer in server.offers()}
    assert specs["area"].description == "Compute the area of a rectangle."
    assert specs["area"].parameters["properties"]["width"]["type"] == "number"
    assert specs["area"].needs_approval
    assert (await call(server, "area", width=3, height=2.5)).content == "7.5"
    assert (await call(server, "echo", text="狐狸 🦊")).content == "狐狸 🦊"
    failed = await call(server, "fail", reason="bad value")
    assert code(failed) == "tools.mcp_error"
    assert "bad value" in failed.content
    (image,) = (await call(server, "picture")).images
    assert image.media_type == "image/png"
    assert (await call(server, "environment", name="FROM_FILE")).content == "file"
    wrong = await call(server, "area", width="wide", height=1)
    assert not wrong.ok
    assert len((await call(server, "big", size=1_000_000)).content) == 1_000_000


@pytest.fixture
def http_server() -> Iterator[str]:
    with subprocess.Popen([*SERVER, "http"], stdout=subprocess.PIPE, cwd=ROOT) as process:
        assert process.stdout
        yield f"http://127.0.0.1:{int(process.stdout.readline())}/mcp"
        process.kill()


async def test_tools_of_a_server_over_http(start: Start, http_server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")  # not for this machine
    server = await start(url=http_server, headers={"X-Key": "env:KEY"})
    assert server.state == "ready"
    assert (await call(server, "area", width=3, height=2)).content == "6.0"
    assert (await asyncio.gather(*(call(server, "wait", seconds=0.2) for _ in range(5))))[4].content == "waited"


async def test_a_server_that_is_not_there(start: Start) -> None:
    server = await start(url="http://127.0.0.1:1/mcp")
    assert server.state == "failed"
    assert server.problem
    assert server.problem.code == "tools.mcp_start"
    server = await start(command=("/no/such/program",))
    assert server.problem
    assert server.problem.code == "tools.mcp_start"
    assert "no/such/program" in str(server.problem.data["reason"])
    assert server.offers() == ()


async def test_a_server_that_crashes_at_once(start: Start) -> None:
    server = await start("crash")
    assert server.problem
    assert server.problem.code == "tools.mcp_start"
    assert "no configuration found" in server.log


async def test_a_silent_server(start: Start) -> None:
    server = await start("silent", start_timeout=1)
    assert server.problem
    assert server.problem.code == "tools.mcp_silent"


async def test_a_server_that_hangs_in_a_call(start: Start) -> None:
    server = await start(timeout=0.5)
    assert code(await call(server, "block", seconds=1)) == "chat.call_timeout"
    await until(lambda: server.state == "ready")


async def test_a_server_that_crashes_in_a_call_comes_back(start: Start) -> None:
    server = await start()
    outcome = await call(server, "crash")
    assert not outcome.ok
    await until(lambda: server.state == "failed")
    assert server.problem
    assert server.problem.code == "tools.mcp_ended"
    assert "about to crash" in server.log
    await server.refresh()
    await server.settled(20)
    assert (await call(server, "echo", text="back")).content == "back"


async def test_one_that_keeps_crashing_is_left_off_until_it_is_restarted(start: Start) -> None:
    server = await start()
    for _ in range(3):
        await call(server, "crash")
        await until(lambda: server.state == "failed")
        await server.refresh()
        await server.settled(20)
    assert server.problem
    assert server.problem.code == "tools.mcp_keeps_ending"
    await server.restart()
    await server.settled(20)
    assert (await call(server, "echo", text="back")).content == "back"


async def test_calls_of_a_server_that_is_off(start: Start) -> None:
    server = await start()
    offer = server.offers()[0]
    await server.aclose()
    assert server.state == "off"
    assert code(await server.run(offer, ToolCall("c", "area", {}))) == "tools.mcp_off"


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["garbage", "endless"])
async def test_a_flood_instead_of_messages_does_not_hold_up_anything(start: Start, kind: str) -> None:
    begin = asyncio.get_running_loop().time()
    task = asyncio.create_task(start(kind, start_timeout=2))
    longest = 0.0
    while not task.done():
        before = asyncio.get_running_loop().time()
        await asyncio.sleep(0.01)
        longest = max(longest, asyncio.get_running_loop().time() - before)
    server = task.result()
    assert server.state == "failed"
    assert asyncio.get_running_loop().time() - begin < 20
    assert longest < 1


async def test_a_flood_of_notifications_ends_the_server(start: Start) -> None:
    server = await start()
    outcome = await call(server, "flood")
    assert not outcome.ok
    await until(lambda: server.state == "failed")
    assert server.problem
    assert server.problem.code == "tools.mcp_flood"


async def test_a_flood_of_errors_does_no_harm(start: Start) -> None:
    server = await start("errors")
    assert (await call(server, "echo", text="still")).content == "still"
    assert len(server.log) < 300_000


async def test_tools_that_change(start: Start) -> None:
    server = await start()
    before = server.offers()[0]
    assert (await call(server, "learn")).content == "learned"
    await until(lambda: any(offer.spec.name == "learned" for offer in server.offers()))
    assert server.offers()[0] is before


async def test_only_the_chosen_tools_and_only_when_enabled(start: Start) -> None:
    server = await start(tools=("echo", "area"))
    assert sorted(offer.spec.name for offer in server.offers()) == ["area", "echo"]
    server = await start(enabled=False)
    assert server.state == "off"
    assert server.problems() == ()


async def test_closing_ends_the_server_and_what_it_started(start: Start) -> None:
    from tui.tools.child import descendants

    server = await start()
    child = server._child  # pyright: ignore[reportPrivateUsage]
    assert child
    process = child._process  # pyright: ignore[reportPrivateUsage]
    assert process
    pids = [process.pid, *descendants(process.pid)]
    assert len(pids) == 2
    await server.aclose()
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


async def test_without_the_sdk(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tui.tools.mcp_servers.find_spec", lambda _: None)
    server = await start()
    assert server.problem
    assert server.problem.code == "tools.mcp_missing"
