"""Finding out about a server on this machine: process, log file, model folder; the simulated one; what users tell."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.checkpoints import internlm
from tests.support.memory_recordings import load
from tui.gpu.found import FoundServer
from tui.hosts import findings
from tui.hosts.findings import (
    DemoFinder,
    Findings,
    LocalFinder,
    LogTail,
    NoFinder,
    Told,
    demo_findings,
    hub_folder,
    log_of,
    process_start,
)
from tui.hosts.telling import command_from, told_from
from tui.lmdeploy.options import parse_options
from tui.model.launch import LaunchStage
from tui.model.problem import ProblemError

pytest_plugins = ("tests.support.demo",)
MODEL = "internlm2_5-1_8b-chat"


def server(*arguments: str, pid: int | None = None, folder: str = "") -> FoundServer:
    pid = pid or os.getpid()
    return FoundServer(pid, frozenset({pid}), (23333,), parse_options(arguments), folder)


async def test_nothing_is_found_where_nothing_listens():
    assert await LocalFinder(23333, find=list).look() == Findings()
    assert await NoFinder().look() == Findings()


async def test_a_server_here_is_found_with_its_model(tmp_path):
    folder = internlm(tmp_path / MODEL, MODEL)
    listed = server(str(folder), "--quant-policy", "4", folder=str(folder))
    found = await LocalFinder(23333, find=lambda: [listed]).look()
    assert found.kind == "process"
    assert found.checkpoint is not None
    assert found.checkpoint.name == MODEL
    assert found.command is not None
    assert found.command.policy == 4
    assert found.pids == {os.getpid()}
    assert found.identity.startswith(f"{os.getpid()}-")
    assert found.started is not None
    assert abs(found.started - time.time()) < 36_000
    assert (await LocalFinder(23334, find=lambda: [listed]).look()).kind == "none"


async def test_a_model_that_is_only_a_name_is_known_by_name_or_not_at_all():
    known = await LocalFinder(23333, find=lambda: [server(MODEL)]).look()
    assert known.config is not None
    strange = await LocalFinder(23333, find=lambda: [server("somebody/own-model")]).look()
    assert (strange.kind, strange.config, strange.model) == ("process", None, "somebody/own-model")


async def test_a_broken_model_folder_is_a_problem(tmp_path):
    listed = server(str(tmp_path), folder=str(tmp_path))
    found = await LocalFinder(23333, find=lambda: [listed]).look()
    assert found.problem is not None
    assert found.problem.code == "checkpoint.no-config"


async def test_a_process_that_is_gone_is_looked_for_again():
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    answers = [[server(MODEL, pid=child.pid)], []]
    finder = LocalFinder(23333, find=lambda: answers.pop(0))
    assert (await finder.look()).pids == {child.pid}
    assert child.stdin
    child.stdin.close()
    child.wait(10)
    assert await finder.look() == Findings()


async def test_processes_are_looked_through_again_only_when_something_may_have_changed(monkeypatch):
    for name in ("CHECK_SECONDS", "_STRANGE_SECONDS"):
        monkeypatch.setattr(findings, name, 0.0)
    looks: list[str] = []

    def find() -> list[FoundServer]:
        looks.append("look")
        return []

    with socket.create_server(("127.0.0.1", 0)) as first:
        port = first.getsockname()[1]
        finder = LocalFinder(port, find=find)
        for _ in range(3):
            await finder.look()
        assert len(looks) == 1
        first.close()
        with socket.create_server(("127.0.0.1", port)):
            await finder.look()
            await finder.look()
            assert len(looks) == 2, "another socket: a server was started"
    await finder.look()
    await finder.look()
    assert len(looks) == 4, "nothing listens: it may come at any time"


async def test_a_server_that_lives_is_not_looked_for_again(monkeypatch):
    monkeypatch.setattr(findings, "CHECK_SECONDS", 0.0)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        answers = [[replace(server(MODEL), ports=(port,))]]
        finder = LocalFinder(port, find=lambda: answers.pop(0))
        for _ in range(3):
            assert (await finder.look()).kind == "process"


async def test_the_log_file_of_a_process_is_read(tmp_path):
    recording = load("turbomind-1_8b-w4a16-ratio0.4-kvint4")
    path = tmp_path / "server.log"
    path.write_text("".join(text for _, text in recording.log).partition("INFO:     Shutting down")[0], "utf-8")
    with path.open("a") as log, subprocess.Popen(["sleep", "60"], stdout=log, stderr=log) as child:
        try:
            assert log_of(child.pid) == str(path)
            found = await LocalFinder(23333, find=lambda: [server(MODEL, pid=child.pid)]).look()
        finally:
            child.terminate()
    assert found.facts is not None
    assert found.facts.kv_region() == recording.read_log().facts.kv_region()
    assert found.facts.stage is LaunchStage.READY
    assert [change.stage for change in found.stages][-1] is LaunchStage.READY


def test_a_process_without_a_log_file_has_none():
    child = subprocess.Popen(["sleep", "60"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    assert log_of(child.pid) == ""
    child.terminate()
    child.wait(10)
    assert log_of(2**22 + 1) == ""
    assert process_start(2**22 + 1) is None


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data())
def test_a_log_read_in_any_pieces_says_the_same(tmp_path, data):
    recording = load("turbomind-7b-w4a16-ratio0.4-kvint4")
    text = "".join(text for _, text in recording.log).encode()
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=8)))
    path = tmp_path / "log"
    path.write_bytes(b"")
    tail = LogTail(str(path))
    for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True):
        with path.open("ab") as file:
            file.write(text[start:end])
        tail.read()
    whole = LogTail(str(path))
    whole.read()
    assert tail.reader.facts == whole.reader.facts
    assert tail.reader.stages == whole.reader.stages
    assert whole.reader.facts.kv_region() == recording.read_log().facts.kv_region()


def test_several_starts_in_one_log_are_told_apart(tmp_path):
    path = tmp_path / "log"
    first, second = (load(f"turbomind-{name}") for name in ("7b-bf16-ratio0.8", "1_8b-w4a16-ratio0.4-kvint4"))
    texts = ["".join(text for _, text in recording.log) for recording in (first, second)]
    path.write_text(texts[0] + "\nINFO:     Shutting down\n" + texts[1], "utf-8")
    tail = LogTail(str(path))
    tail.read()
    assert tail.reader.facts.kv_region() == second.read_log().facts.kv_region()


def test_a_long_log_is_read_at_its_beginning_and_its_end(tmp_path):
    path = tmp_path / "log"
    start = "".join(text for _, text in load("turbomind-1_8b-w4a16-ratio0.4-kvint4").log)
    with path.open("w", encoding="utf-8") as file:
        file.write(start)
        for _ in range(9):
            file.write("x" * (1 << 20) + "\n")
        file.write("KV cache: 12.5%\n")
    tail = LogTail(str(path))
    tail.read()
    assert tail.reader.facts.budget is not None
    assert tail.reader.facts.kv_used_fraction == 0.125
    tail.read()
    missing = LogTail(str(tmp_path / "none"))
    missing.read()
    assert missing.reader.stages == []


def test_phases_are_dated_by_the_lines_own_times(tmp_path):
    path = tmp_path / "log"
    started = time.mktime((2026, 11, 22, 23, 59, 50, 0, 0, -1))
    path.write_text(
        "2026-11-22 23:59:55,500 - lmdeploy - INFO - base.py:430 - Building Model.\n"
        "Loading:   0%|          | 0/24 [00:00<?, ?it/s]\n"
        "[TM][INFO][1123.00:00:02.250000][t.cc:1] Object cache budget: 10.00 MB from free 20.00 MB and ratio 0.500\n"
    )
    tail = LogTail(str(path), started)
    tail.read()
    assert [(change.stage, change.at) for change in tail.reader.stages] == [
        (LaunchStage.CONTEXT, 5.5),
        (LaunchStage.WEIGHTS, 5.5),
        (LaunchStage.KV_CACHE, 12.25),
    ]


def test_downloaded_models_are_found_in_the_hubs_caches(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.setenv("MODELSCOPE_CACHE", str(tmp_path / "ms"))
    assert hub_folder("internlm/internlm2_5-7b-chat") == ""
    folder = tmp_path / "hf/hub/models--internlm--internlm2_5-7b-chat/snapshots/abc"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    assert hub_folder("internlm/internlm2_5-7b-chat") == str(folder)
    scope = tmp_path / "ms/models/Shanghai_AI_Laboratory/internlm2_5-7b-chat"
    scope.mkdir(parents=True)
    (scope / "config.json").write_text("{}")
    assert hub_folder("Shanghai_AI_Laboratory/internlm2_5-7b-chat") == str(scope)
    assert hub_folder("../../etc/passwd") == ""


async def test_the_simulated_server_tells_everything(demo):
    found = await DemoFinder(f"{demo.url}/lmdeck-demo/facts").look()
    assert found.kind == "demo"
    assert found.facts is not None
    assert found.checkpoint is not None
    assert found.checkpoint.total == 1_542_787_072
    assert found.facts.stage is LaunchStage.READY
    assert [change.stage for change in found.stages][:3] == [
        LaunchStage.CONTEXT,
        LaunchStage.WEIGHTS,
        LaunchStage.KV_CACHE,
    ]


async def test_a_simulated_server_that_does_not_answer_is_asked_again():
    finder = DemoFinder("http://127.0.0.1:9/lmdeck-demo/facts")
    assert await finder.look() == Findings()
    with pytest.raises(KeyError):
        demo_findings({})


def test_what_a_user_tells(tmp_path):
    folder = internlm(tmp_path / MODEL, MODEL)
    told = told_from(str(folder), "24GiB")
    assert told.total == 24 << 30
    assert told.checkpoint.name == MODEL
    pasted = f"$ lmdeploy serve api_server {folder} --quant-policy 4 \\\n --cache-max-entry-count 0.4"
    told = told_from(pasted, "")
    assert (told.command.policy, told.command.ratio, told.total) == (4, 0.4, None)
    filled = told.fill(Findings())
    assert (filled.kind, filled.model, filled.command) == ("told", MODEL, told.command)
    known = Findings(kind="process", config=told.config, checkpoint=told.checkpoint)
    assert told.fill(known) is known
    for model, card in (("no such model", "24GiB"), (MODEL, "lots")):
        with pytest.raises(ProblemError):
            told_from(model, card)
    assert command_from('say "unclosed').model == 'say "unclosed'
    assert isinstance(told, Told)


def test_the_facts_of_the_demo_are_plain_data(demo):
    import urllib.request

    with urllib.request.urlopen(f"{demo.url}/lmdeck-demo/facts") as answer:
        told = json.loads(answer.read())
    assert Path(told["checkpoint"]["path"]).name.startswith(MODEL)
