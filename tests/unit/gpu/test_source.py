"""The local source: rate, pause, end; found servers; nothing blocks the loop."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.waiting import until
from tui import agent
from tui.gpu.found import find_servers, server_from
from tui.gpu.source import LocalGpuSource, LocalReader
from tui.model.gpu import GpuReading, GpuSample


class Counting(LocalReader):
    def __init__(self) -> None:
        super().__init__("/nowhere")
        self.reads = 0
        self.closed = False

    def read(self) -> GpuReading:
        self.reads += 1
        return GpuReading(float(self.reads), (GpuSample(0, "x", 10, 4, 6),), "nvml")

    def close(self) -> None:
        self.closed = True


async def test_rate_pause_and_end() -> None:
    reader = Counting()
    source = LocalGpuSource(60.0, lambda: reader)
    seen: list[GpuReading] = []

    async def consume() -> None:
        async for reading in source.readings():
            seen.append(reading)  # noqa: PERF401 (a comprehension would show them only at the end)

    task = asyncio.create_task(consume())
    await until(lambda: len(seen) == 1)
    source.set_interval(0.1)
    await until(lambda: len(seen) >= 3)
    source.set_interval(None)
    await until(lambda: reader.reads == len(seen))
    before = len(seen)
    source.set_total(5)
    assert reader.total == 5
    source.set_interval(0.1)
    await until(lambda: len(seen) > before)
    await source.aclose()
    await source.aclose()
    await asyncio.wait_for(task, 5)
    assert reader.closed


async def test_it_may_start_paused() -> None:
    reader = Counting()
    source = LocalGpuSource(None, lambda: reader)
    readings = source.readings()
    first = asyncio.ensure_future(anext(readings))
    await asyncio.sleep(0)
    assert reader.reads == 0
    source.set_interval(1.0)
    assert (await first).time == 1.0
    await source.aclose()
    with pytest.raises(StopAsyncIteration):
        await anext(readings)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that looks like an lmdeploy server: its command line, a listening port, a child."""
    script = tmp_path / "lmdeploy"
    script.write_text(
        "import socket, subprocess, sys\n"
        "s = socket.socket(); s.bind(('127.0.0.1', 0)); s.listen()\n"
        "c = subprocess.Popen([sys.executable, '-c', 'input()'], stdin=subprocess.PIPE)\n"
        "print(s.getsockname()[1], c.pid, flush=True)\n"
        "sys.stdin.read(); c.communicate()\n"
    )
    (tmp_path / "model").mkdir()
    arguments = [sys.executable, str(script), "serve", "api_server", "./model", "--tp=2", "--quant_policy", "4"]
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "2,3", "TM_LOG_LEVEL": "INFO"}
    process = subprocess.Popen(
        arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=tmp_path, env=environment
    )
    with process:
        yield process
        process.communicate()


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="needs /proc")
def test_a_running_server_is_found(server: subprocess.Popen[str], tmp_path: Path) -> None:
    assert server.stdout is not None
    port, child = map(int, server.stdout.readline().split())
    (found,) = [entry for entry in find_servers() if entry.pid == server.pid]
    assert found.pids >= {server.pid, child}
    assert found.ports == (port,)
    assert found.port == port
    assert (found.command.count("tp", 1), found.command.policy, found.engine) == (2, 4, "turbomind")
    assert found.cards == (2, 3)
    assert found.environment["TM_LOG_LEVEL"] == "INFO"
    assert Path(found.model_folder) == tmp_path / "model"
    assert port in agent.listening_inodes().values()
    assert set(agent.listening_inodes(port).values()) == {port}


def test_what_the_agent_sends_is_enough() -> None:
    base = ["python", "-m", "lmdeploy", "serve", "api_server", "internlm/internlm2_5-7b-chat", "--server-port", "8001"]
    found = server_from({"pid": 7, "arguments": base, "ports": [8265, 8001]})
    assert found.ports == (8001, 8265)
    assert found.model_folder == ""
    assert found.cards is None
    assert found.pids == {7}
    starting = server_from({"pid": 7, "arguments": base, "environment": {"CUDA_VISIBLE_DEVICES": "GPU-1"}})
    assert starting.port == 8001
    assert starting.cards is None


def test_a_free_port_is_not_listening() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        assert free.getsockname()[1] not in agent.listening_inodes().values()
