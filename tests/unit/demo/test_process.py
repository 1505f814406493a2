"""Starting the demo server, its end, its GPU as a source."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from contextlib import aclosing
from typing import Any, cast

import httpx2
import pytest

from tests.support.demo import RunningDemo
from tests.support.waiting import until
from tests.unit.demo.talk import ask, get
from tui.demo.main import main
from tui.demo.options import parse
from tui.demo.process import DemoServer, command_line
from tui.demo.source import DemoGpuSource
from tui.i18n.problems import explain
from tui.model.gpu import GpuReading, GpuSource
from tui.model.problem import ProblemError


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def test_it_starts_and_leaves_no_child() -> None:
    async with DemoServer(speed=0) as server:
        assert server.url.startswith("http://127.0.0.1:")
        assert get(server.url, "/health").status_code == 200
        pid = server.pid
    assert pid is not None
    assert not is_running(pid)
    assert server.pid is None
    assert await server.wait() is None
    await server.stop()


async def test_a_taken_port_is_a_problem() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(ProblemError) as caught:
            async with DemoServer(port=taken.getsockname()[1]):
                pass
    assert caught.value.problem.code == "demo.not-started"
    assert "address already in use" in explain(caught.value.problem).text.lower()


async def test_wrong_flags_are_a_problem() -> None:
    with pytest.raises(ProblemError) as caught:
        await DemoServer(lmdeploy="0.1").start()
    assert "invalid choice" in str(caught.value.problem.data["detail"])


async def test_it_ends_while_it_loads() -> None:
    server = DemoServer(startup=3600)
    task = asyncio.create_task(server.start())
    await until(lambda: server.pid, what="a child")
    pid = server.pid
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert pid is not None
    assert not is_running(pid)


async def test_the_card_can_be_watched_while_the_model_loads() -> None:
    """The port opens when the model is loaded, as with lmdeploy; the memory is seen growing before."""
    server = DemoServer(speed=0, first_token=0, startup=1.5)
    starting = asyncio.create_task(server.start())
    try:
        assert (server.gpu_url, server.facts_url) == ("", "")
        await until(lambda: server.gpu_url, what="the card")
        source = DemoGpuSource(server.gpu_url, interval=0.02)
        held: list[int] = []
        async with aclosing(cast("Any", source.readings())) as readings:
            async for reading in readings:
                held.append(sum(process.used for process in reading.samples[0].processes if process.pid == 1198))
                if starting.done():
                    break
        await starting
        assert held[0] == 0
        assert held == sorted(held)
        assert held[-1] == 12_331_253_760
        assert len(set(held)) > 3
        assert ask(server.url, "hello").status == 200
        assert get(server.facts_url, "").json()["ready_seconds"] == 1.5
    finally:
        await server.stop()


async def test_a_child_that_does_not_answer_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tui.demo.process._START_LIMIT", 0.0)
    with pytest.raises(ProblemError) as caught:
        await DemoServer().start()
    assert caught.value.problem.data["detail"] == "timeout"


async def test_a_child_that_does_not_end_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tui.demo.process._STOP_LIMIT", 0.1)
    server = DemoServer()
    await server.start()
    assert server.pid is not None
    pid = server.pid
    os.kill(pid, signal.SIGSTOP)
    await server.stop()
    assert not is_running(pid)


def test_it_dies_with_its_parent() -> None:
    """A parent that is killed cannot clean up: the child notices the closed pipe."""
    script = (
        "import subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-m', 'tui.demo', '--die-with-parent'], stdin=subprocess.PIPE)\n"
        "print(child.pid, flush=True)\n"
        "time.sleep(3600)\n"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        first, second = parent.stdout.readline(), parent.stdout.readline()
        line, pid = (first, int(second)) if first.startswith(b"{") else (second, int(first))
        url = json.loads(line)["url"]
        assert get(url, "/health").status_code == 200
        parent.kill()
        assert parent.stdout.read() == b""  # the child held the other end of this pipe until it ended

    async def gone() -> None:
        await until(lambda: not is_running(pid), what="the child's end")

    asyncio.run(gone())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_end_it_at_once_even_during_a_stream(number: signal.Signals) -> None:
    command = [sys.executable, "-m", "tui.demo", "--speed=1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as server:
        assert server.stdout is not None
        url = json.loads(server.stdout.readline())["url"]
        body = {"model": "lmdeck-demo", "stream": True, "messages": [{"role": "user", "content": "Count to 200"}]}
        with httpx2.stream("POST", f"{url}/v1/chat/completions", json=body, trust_env=False) as answer:
            next(answer.iter_raw())
            server.send_signal(number)
            assert server.wait(10) == 0


def test_the_command_line() -> None:
    options = parse(["--model=a", "--model", "b", "--tool-call-parser=none", "--api-key", "k", "--no-metrics"])
    assert options.models == ("a", "b")
    assert (options.tool_call_parser, options.reasoning_parser) == ("", "default")
    assert options.api_keys == ("k",)
    assert options.metrics is False
    assert parse([]).models == ("lmdeck-demo",)
    flags = command_line({"model": ["a", "b"], "proxy": True, "docs": False, "seed": None, "first_token": 0})
    assert flags == ["--model=a", "--model=b", "--proxy", "--first-token=0"]


def test_a_taken_port_on_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        assert main([f"--port={taken.getsockname()[1]}"]) == 1
    assert capsys.readouterr().err.startswith("error: ")


async def first(source: GpuSource, count: int) -> list[GpuReading]:
    found: list[GpuReading] = []
    async with aclosing(cast("Any", source.readings())) as readings:
        async for reading in readings:
            found.append(reading)
            if len(found) == count:
                break
    return found


async def test_readings_of_the_simulated_gpu(demo: RunningDemo) -> None:
    source: GpuSource = DemoGpuSource(demo.gpu_url, interval=0.01)
    readings = await first(source, 3)
    assert all(isinstance(reading, GpuReading) for reading in readings)
    assert readings[0].source == "simulated"
    assert readings[0].samples[0].total == 24 * 2**30
    assert readings[0].time < readings[2].time


async def test_a_source_pauses_wakes_and_closes(demo: RunningDemo) -> None:
    source = DemoGpuSource(demo.gpu_url, interval=None)
    found: list[GpuReading] = []

    async def consume() -> None:
        async for reading in source.readings():
            found.append(reading)  # noqa: PERF401 (the test looks while it grows)

    task = asyncio.create_task(consume())
    source.set_interval(0.01)
    await until(lambda: len(found) >= 2, what="two readings")
    source.set_interval(3600)
    await source.aclose()
    await asyncio.wait_for(task, 5)
    source_closed_early = DemoGpuSource(demo.gpu_url)
    await source_closed_early.aclose()
    assert [reading async for reading in source_closed_early.readings()] == []


async def test_a_source_without_its_server_says_so() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/lmdeck-demo/gpu"
        (reading,) = await first(DemoGpuSource(url), 1)
    assert reading.samples == ()
    assert reading.problem is not None
    assert reading.problem.code == "demo.gpu-unreachable"
    assert url in explain(reading.problem).sentence


async def test_a_client_that_hangs_up_in_mid_stream_leaves_no_traceback() -> None:
    async with DemoServer(speed=0) as demo:
        host, port = demo.url.removeprefix("http://").split(":")
        body = b'{"model":"lmdeck-demo","stream":true,"messages":[{"role":"user","content":"/demo tokens 20000"}]}'
        head = b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: "
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(head + str(len(body)).encode() + b"\r\n\r\n" + body)
        await reader.readuntil(b"data: ")
        writer.transport.abort()
        async with DemoServer() as other:  # any exchange with the first one comes after the hang-up was handled
            assert other.url != demo.url
        child = demo._child  # pyright: ignore[reportPrivateUsage]
        assert child is not None
        await demo.stop()
        assert child.stderr is not None
        assert b"Traceback" not in await child.stderr.read()
