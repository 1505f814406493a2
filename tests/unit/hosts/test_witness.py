"""What stands beside a split: the line of the card's tool, the access log, the words that started the server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support.fake_session import FakeGpu, FakeLink
from tests.support.memory_recordings import STARTS, load
from tests.support.waiting import until
from tests.unit.hosts.test_monitor import Found, findings
from tui.demo.process import DemoServer
from tui.hosts.findings import Findings
from tui.hosts.monitor import MemoryMonitor
from tui.hosts.run_keeper import RunKeeper
from tui.hosts.watching import Watch, memory_monitor
from tui.hosts.witness import GpuTool, ask_here, ask_there, setup_of, words_of
from tui.lmdeploy.keys import without_keys
from tui.lmdeploy.log import LogReader
from tui.lmdeploy.options import parse_options
from tui.model.gpu import GpuReading, GpuSample
from tui.model.monitor import Attention
from tui.model.problem import Problem, ProblemError
from tui.planner.calibration import OwnMeasurements
from tui.planner.runs import RunLog
from tui.server.address import Address
from tui.server.endpoint import Endpoint

LINE = "2026/11/22 08:25:40.123, NVIDIA H200, 11759 MiB, 24576 MiB, 3 %"


def keeper(folder: Path) -> RunKeeper:
    return RunKeeper(RunLog(folder / "runs.jsonl"), OwnMeasurements(folder / "own.json"))


def put_program(folder: Path, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    program = folder / "bin" / "nvidia-smi"
    program.parent.mkdir(exist_ok=True)
    program.write_text(f"#!/bin/sh\n{text}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")


async def test_nvidia_smi_is_asked_and_its_line_kept_with_its_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_program(tmp_path, f"echo '{LINE}'", monkeypatch)
    tool = GpuTool(ask_here)
    assert tool.is_due
    await tool.refresh()
    assert tool.line == LINE
    assert tool.time > 1.7e9
    assert not tool.is_due
    put_program(tmp_path, "echo broken; exit 3", monkeypatch)
    await tool.refresh()
    assert tool.line == LINE
    await GpuTool().refresh()


async def test_without_nvidia_smi_there_is_no_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert await ask_here() == ""


async def test_one_that_hangs_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_program(tmp_path, "exec sleep 60", monkeypatch)
    monkeypatch.setattr("tui.hosts.witness._LIMIT", 0.05)
    assert await ask_here() == ""


async def test_on_another_machine_its_agent_is_asked() -> None:
    orders: list[tuple[str, dict[str, Any]]] = []

    async def order(do: str, limit: float = 15.0, **fields: Any) -> dict[str, Any]:
        orders.append((do, fields))
        return {"code": 0, "out": f"{LINE}\n", "err": ""}

    async def lost(do: str, limit: float = 15.0, **fields: Any) -> dict[str, Any]:
        raise ProblemError(Problem("ssh.disconnected", {"host": "h"}))

    async def without(do: str, limit: float = 15.0, **fields: Any) -> dict[str, Any]:
        return {"code": 127, "out": "no such program", "err": ""}

    assert await ask_there(order)() == LINE
    assert orders[0][0] == "run"
    assert orders[0][1]["arguments"][0] == "nvidia-smi"
    assert await ask_there(lost)() == ""
    assert await ask_there(without)() == ""


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ("serve m --api-keys a b --tp 2", "serve m --api-keys … … --tp 2"),
        ("m --api_keys=secret", "m --api_keys=…"),
        ("m --tp 2 -x", "m --tp 2 -x"),
    ],
)
def test_keys_are_left_out(words: str, shown: str) -> None:
    assert " ".join(without_keys(words.split())) == shown


def test_a_command_line_is_written_again() -> None:
    words = ["m", "--quant-policy", "4", "--enable-prefix-caching", "--api-keys", "k1", "k2", "--odd"]
    text = " ".join(words_of(parse_options(words)))
    assert text.startswith("lmdeploy serve api_server m --quant-policy 4 --enable-prefix-caching --api-keys … …")
    assert "k1" not in text


def test_the_access_log_of_a_chat() -> None:
    reader = LogReader()
    reader.feed('INFO:     127.0.0.1:1 - "GET /v1/models HTTP/1.1" 200 OK\n')
    assert reader.facts.access_line == ""
    reader.feed('prompt: INFO:     1.2.3.4:5 - "POST /v1/chat/completions HTTP/1.1" 200 OK\n')
    assert reader.facts.access_line == ""
    line = 'INFO:     127.0.0.1:58576 - "POST /v1/chat/completions HTTP/1.1" 200 OK'
    reader.feed(line + "\n")
    assert reader.facts.access_line == line


def test_how_a_recorded_server_was_started() -> None:
    recording = load("turbomind_1_8b_w4_04_int4" if "turbomind_1_8b_w4_04_int4" in STARTS else STARTS[0])
    found = findings(recording)
    assert setup_of(Findings(), None) is None
    bare = setup_of(found, None)
    assert bare is not None
    assert bare.command[:3] == ("lmdeploy", "serve", "api_server")
    assert bare.version == "0.18.0"
    assert bare.weight_bits is None


async def test_a_snapshot_carries_its_witness(tmp_path: Path) -> None:
    monitor = MemoryMonitor(
        FakeLink(),
        FakeGpu(GpuReading(1.77e9, (GpuSample(0, "H200", 24 << 30, 11 << 30, 13 << 30),), "nvml")),
        Found(findings(load(STARTS[0]))),
        keeper=keeper(tmp_path),
    )

    async def ask() -> str:
        return LINE

    monitor.gpu_tool.ask = ask
    try:
        await monitor.start()
        with monitor.watching(Attention.SHOWN):
            await until(lambda: monitor.state.cards, what="cards")
            monitor.snapshot()
            await until(lambda: monitor.gpu_tool.line, what="the tool's line")
            witness = monitor.snapshot()[0].witness
        assert witness is not None
        assert (witness.gpu_line, witness.gpu_tool) == (LINE, "nvidia-smi")
        assert witness.setup is not None
        assert witness.setup.weight_format
        assert not witness.setup.simulated
    finally:
        await monitor.aclose()


async def test_the_simulated_server_says_that_it_is_one(tmp_path: Path) -> None:
    async with DemoServer(speed=0) as demo:
        endpoint = Endpoint(Address.parse(demo.url))
        monitor = memory_monitor(endpoint, endpoint.address, Watch((demo.gpu_url, demo.facts_url)))
        monitor.keeper = keeper(tmp_path)
        try:
            await endpoint.connect()
            await monitor.start()
            with monitor.watching(Attention.SHOWN):
                await until(lambda: monitor.state.cards and monitor.found.kind == "demo", what="the demo")
                witness = monitor.snapshot()[0].witness
            assert witness is not None
            assert witness.gpu_tool == "simulated"
            assert "MiB" in witness.gpu_line
            setup = witness.setup
            assert setup is not None
            assert (setup.weight_bits, setup.quant_policy, setup.ratio, setup.simulated) == (4, 4, 0.4, True)
            assert setup.command[:3] == ("lmdeploy", "serve", "api_server")
        finally:
            await monitor.aclose()
            await endpoint.aclose()
