"""The agent: old syntax, its line protocol as a real process, and its readers of files and processes."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.checkpoints import write_checkpoint
from tests.support.nvml_stub import nvml_state, stub_library
from tui import agent

__all__ = ["nvml_state"]
SOURCE = Path(agent.__file__)


def test_it_parses_as_python_3_6() -> None:
    ast.parse(SOURCE.read_text("utf-8"), feature_version=(3, 6))


def test_it_needs_the_standard_library_only() -> None:
    tree = ast.parse(SOURCE.read_text("utf-8"))
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name.split(".")[0] for name in names} <= sys.stdlib_module_names


class Agent:
    """The program as it runs on a far machine: alone, from standard input to standard output."""

    def __init__(self) -> None:
        command = [sys.executable, "-I", "-u", str(SOURCE), "nonce-1"]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def read(self, wanted: str) -> dict[str, Any]:
        assert self.process.stdout is not None
        while True:
            message: dict[str, Any] = json.loads(self.process.stdout.readline())
            if wanted in message:
                return message

    def ask(self, **order: Any) -> dict[str, Any]:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"id": 1, **order}) + "\n")
        self.process.stdin.flush()
        return self.read("re")

    def __enter__(self) -> Agent:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.communicate(timeout=10)
        assert self.process.returncode == 0


def test_the_protocol(nvml_state: pytest.MonkeyPatch, tmp_path: Path) -> None:
    nvml_state.setenv("LD_LIBRARY_PATH", str(stub_library().parent))
    log = tmp_path / "log"
    log.write_text("first\nsecond\n")
    with Agent() as running:
        hello = running.read("agent")
        assert (hello["agent"], hello["nonce"], hello["source"], hello["driver"]) == (
            1,
            "nonce-1",
            "nvml",
            "580.159.04",
        )
        sample = running.read("gpus")
        assert sample["seq"] == 1
        assert sample["gpus"][0]["total"] == 24 << 30
        assert running.ask(do="ping") == {"re": 1}
        assert running.ask(do="interval", seconds=None) == {"re": 1}
        assert running.ask(do="tail", path=str(log), offset=6)["text"] == "second\n"
        assert running.ask(do="tail", path=str(tmp_path / "none"))["error"].startswith("FileNotFoundError")
        assert running.ask(do="port", port=1)["sockets"] == []
        assert isinstance(running.ask(do="servers")["servers"], list)
        assert running.ask(do="checkpoint", path=str(tmp_path / "none"))["checkpoint"]["error"]
        assert "error" in running.ask(do="dance")
        assert "error" in running.ask()
        assert running.process.stdin is not None
        running.process.stdin.write("not json\n[1]\n")
        running.process.stdin.flush()
        assert running.read("re")["re"] is None
        assert running.read("re")["re"] is None
        running.ask(do="interval", seconds=0.1)
        assert running.read("gpus")["seq"] > sample["seq"]


def test_without_a_card() -> None:
    with Agent() as running:
        hello = running.read("agent")
        assert hello["source"] in ("none", "nvml")
        assert running.read("gpus")["gpus"] == [] or hello["source"] == "nvml"


def run_here(orders: bytes, **options: Any) -> list[dict[str, Any]]:
    """The same loop in this process, fed through a pipe."""
    lines: list[str] = []
    reading, writing = os.pipe()
    os.write(writing, orders)
    os.close(writing)
    try:
        agent.Agent(lines.append, **options).run("n", reading)
    finally:
        os.close(reading)
    return [json.loads(line) for line in lines]


def test_a_slice_sample(nvml_state: pytest.MonkeyPatch, tmp_path: Path) -> None:
    nvml_state.setenv("PATH", "/bin:/usr/bin")
    tool = tmp_path / "studio-smi"
    tool.write_text("echo 'VGPU-SMI 1.7.13'; echo '13578MiB / 24566MiB 0% / 30%'\n")
    lines: list[str] = []
    running = agent.Agent(lines.append, slice_file=str(tool), library=str(stub_library()))
    sample = running.sample()
    assert (sample["source"], sample["raw"]) == ("vgpu-smi", "13578MiB / 24566MiB 0% / 30%")
    card = sample["gpus"][0]
    assert (card["total"], card["used"], card["processes"], card["temperature"]) == (24566 << 20, 13578 << 20, None, 45)
    alone = agent.Agent(lines.append, slice_file=str(tool), library="libnone.so").sample()["gpus"][0]
    assert (alone["total"], alone["temperature"]) == (24566 << 20, None)


def test_orders_may_arrive_in_pieces() -> None:
    answers = run_here(
        b'{"id": "a", "do": "ping"}\n\n{"id": "b", "do": "interval", "seconds": 99}\n{"id"', library="none"
    )
    assert [message["re"] for message in answers if "re" in message] == ["a", "b"]
    assert answers[0]["reasons"] == ["nvml: library not found"]


def test_vgpu_smi_in_path_wins(tmp_path: Path) -> None:
    program = tmp_path / "vgpu-smi"
    program.write_text("#!/bin/sh\necho 1MiB / 2MiB\n")
    program.chmod(0o755)
    assert agent.slice_command(str(tmp_path / "none"), str(tmp_path)) == [str(program)]
    assert agent.slice_command(str(program), "/nowhere") == [str(program)]
    assert agent.slice_command(str(tmp_path / "none"), "/nowhere") is None
    assert agent.parse_slice(agent.run_slice([str(program)])) == [(1 << 20, 2 << 20, "1MiB / 2MiB")]
    assert agent.run_slice([str(tmp_path / "none")]) == ""


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("used 1.5 GiB / 8GB", [(3 << 29, 8 << 30)]),
        ("9MiB / 8MiB", []),
        ("0MiB / 0MiB", []),
        ("1MiB / 2MiB | 3 MiB/4 MiB", [(1 << 20, 2 << 20), (3 << 20, 4 << 20)]),
        ("", []),
    ],
)
def test_slices_are_parsed_loosely(text: str, found: list[tuple[int, int]]) -> None:
    assert [(used, total) for used, total, _ in agent.parse_slice(text)] == found


@given(text=st.text(max_size=60), cuts=st.lists(st.integers(1, 9), max_size=30))
def test_a_tail_in_pieces_is_the_whole(tmp_path_factory: pytest.TempPathFactory, text: str, cuts: list[int]) -> None:
    """Any sizes of reading give the file's text, characters cut between two readings included."""
    path = tmp_path_factory.mktemp("tail") / "log"
    path.write_bytes(text.encode("utf-8", "replace"))
    expected = path.read_bytes().decode("utf-8")
    offset, got = 0, ""
    for limit in [*(max(cut, 4) for cut in cuts), 1000]:
        piece = agent.tail(str(path), offset, limit)
        got, offset = got + piece["text"], piece["offset"]
    assert got == expected
    assert agent.tail(str(path), -4, 4)["size"] == path.stat().st_size
    assert agent.tail(str(path), 10_000)["text"] == expected


def test_ray_workers_and_families() -> None:
    table = [
        {"pid": 1, "ppid": 0, "name": "init", "arguments": ["init"]},
        {"pid": 5, "ppid": 1, "name": "python", "arguments": ["python"]},
        {"pid": 6, "ppid": 5, "name": "spawn", "arguments": ["python", "-c", "spawn_main"]},
        {"pid": 8, "ppid": 1, "name": "ray", "arguments": ["ray::RayWorkerWrapper.forward"]},
        {"pid": 9, "ppid": 1, "name": "ray", "arguments": ["ray::IDLE_worker"]},
        {"pid": 10, "ppid": 10, "name": "self", "arguments": []},
    ]
    assert agent.family(5, table) == [5, 6]
    assert agent.family(10, table) == [10]
    assert agent.ray_workers(table) == [8]


@pytest.mark.parametrize(
    ("arguments", "server"),
    [
        (["python", "-m", "lmdeploy", "serve", "api_server", "m"], True),
        (["/opt/bin/lmdeploy", "serve", "api_server"], True),
        (["vim", "serve", "api_server"], False),
        (["lmdeploy", "chat", "m"], False),
        ([], False),
    ],
)
def test_server_command_lines(arguments: list[str], server: bool) -> None:
    assert agent.is_server(arguments) is server


def test_a_checkpoint_is_read_for_far_machines(tmp_path: Path) -> None:
    write_checkpoint(tmp_path / "m", {"a": 1}, [{"x": ("BF16", [2])}])
    (tmp_path / "m" / "old.bin").write_bytes(b"")
    raw = agent.read_checkpoint(str(tmp_path / "m"))
    assert json.loads(json.dumps(raw)) == raw
    assert raw["others"] == ["old.bin"]
    assert raw["files"][0]["size"] > 0
    assert agent.read_header(str(tmp_path / "none"))["error"] == "unreadable"


def test_processes_of_others_are_skipped() -> None:
    assert agent.ports_of(1 << 30, {}) == []
    assert agent.environment(1 << 30) == {}
    assert agent.read_link("/proc/none") == ""
    assert any(entry["pid"] == os.getpid() for entry in agent.processes()) or not os.path.isdir("/proc")
