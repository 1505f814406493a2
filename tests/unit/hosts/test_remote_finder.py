"""A server on another machine, found through the real agent (here in this process) and through scripted answers."""

from __future__ import annotations

import json
import socket
from typing import Any

from tests.support.checkpoints import internlm
from tests.support.fake_session import FakeGpu, FakeLink
from tests.support.memory_recordings import load
from tui.agent import Agent
from tui.hosts.findings import Findings
from tui.hosts.remote_finder import RemoteFinder
from tui.hosts.watching import remote_monitor
from tui.model.problem import Problem, ProblemError

MODEL = "internlm2_5-1_8b-chat"


class Machine:
    """Answers orders as the agent does; ``servers`` and ``spawned`` are what a test says."""

    def __init__(self, servers: list[dict[str, Any]], spawned: list[dict[str, Any]] | None = None) -> None:
        self.servers, self.spawned = servers, spawned
        self.down = False
        self._lines: list[str] = []
        self._agent = Agent(self._lines.append, "/nowhere", "/nowhere.so")

    async def order(self, do: str, within: float = 15.0, **fields: Any) -> dict[str, Any]:
        if self.down or (do == "spawned" and self.spawned is None):
            raise ProblemError(Problem("ssh.disconnected", {"host": "box"}))
        if do == "servers":
            return {"servers": self.servers}
        if do == "spawned":
            return {"spawned": self.spawned}
        self._agent.answer(json.dumps({"id": 1, "do": do, **fields}))
        return json.loads(self._lines.pop())


def entry(folder: str, **changes: Any) -> dict[str, Any]:
    arguments = ["lmdeploy", "serve", "api_server", folder, "--quant-policy", "4"]
    return {"pid": 77, "pids": [77, 78], "ports": [23333], "arguments": arguments, "folder": "/", **changes}


async def test_a_server_is_found_with_its_model_and_the_log_of_what_lmdeck_started(tmp_path):
    folder = str(internlm(tmp_path / MODEL, MODEL))
    recording = load("turbomind-1_8b-w4a16-ratio0.4-kvint4")
    log = tmp_path / "server.log"
    log.write_text("".join(text for _, text in recording.log), "utf-8")
    machine = Machine([entry(folder)], [{"id": "a", "pid": 77, "log": str(log), "started": 1000.0}])
    found = await RemoteFinder(machine.order, 23333).look()
    assert (found.kind, found.identity, found.started) == ("process", "77-1000", 1000.0)
    assert found.checkpoint is not None
    assert found.checkpoint.name == MODEL
    assert found.facts is not None
    assert found.facts.kv_region() == recording.read_log().facts.kv_region()
    assert found.pids == {77, 78}


async def test_what_was_found_holds_while_the_link_is_down(tmp_path):
    machine = Machine([entry(str(internlm(tmp_path / MODEL, MODEL)))])
    finder = RemoteFinder(machine.order, 23333)
    first = await finder.look()
    assert first.facts is None
    machine.down = True
    finder._checked = float("-inf")
    assert await finder.look() == first
    machine.down, machine.servers = False, []
    finder._checked = float("-inf")
    assert await finder.look() == Findings()


async def test_processes_over_there_are_looked_through_only_when_the_socket_is_another(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        machine = Machine([entry(str(internlm(tmp_path / MODEL, MODEL)), ports=[port])])
        finder = RemoteFinder(machine.order, port)
        assert (await finder.look()).kind == "process"
        machine.servers = []
        finder._checked = float("-inf")
        assert (await finder.look()).kind == "process"
    finder._checked = float("-inf")
    assert (await finder.look()).kind == "none"


async def test_models_without_a_folder_and_broken_folders(tmp_path):
    known = await RemoteFinder(Machine([entry(f"internlm/{MODEL}")]).order, 23333).look()
    assert known.config is not None
    broken = await RemoteFinder(Machine([entry(str(tmp_path))]).order, 23333).look()
    assert broken.problem is not None
    assert broken.problem.code == "checkpoint.no-config"
    assert (await RemoteFinder(Machine([entry("/x", ports=[1])]).order, 23333).look()).kind == "none"


async def test_a_monitor_of_a_remote_server():
    monitor = remote_monitor(FakeLink(), FakeGpu(), Machine([]).order, 23333)
    await monitor.start()
    await monitor.aclose()
