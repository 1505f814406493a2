"""Starts of the stand-in lmdeploy: phases and memory as recorded, and every way a start can end."""

from __future__ import annotations

import asyncio
import os
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.support import fake_lmdeploy
from tests.support.launching import AWQ, HOMEWORK, W4A16, Install
from tests.support.memory_recordings import load
from tests.unit.launch.conftest import FAST
from tui.launch import records
from tui.launch.machine import LocalMachine
from tui.launch.prepare import prepare, with_flags
from tui.launch.servers import may_stop, servers, stop
from tui.launch.starting import spawned, start
from tui.launch.watching import Pace, Watch
from tui.launch.wish import ServeWish
from tui.model.launch import (
    Diagnosis,
    LaunchEvent,
    LaunchLines,
    LaunchMemory,
    LaunchPhase,
    LaunchQuestion,
    LaunchStage,
)
from tui.planner.runs import RunLog

GIB = 1 << 30


def wish(models: Path, name: str = AWQ, *words: str) -> ServeWish:
    port = str(fake_lmdeploy.free_port())
    return ServeWish((str(models / name), *words, "--server-port", port), folder=str(models))


async def begin(machine: LocalMachine, wanted: ServeWish, pace: Pace = FAST) -> Watch:
    prepared = await prepare(machine, wanted)
    return Watch(machine, await start(machine, prepared), prepared, pace)


async def all_events(watch: Watch) -> list[LaunchEvent]:
    return [event async for event in watch.events()]


def stages(events: list[LaunchEvent]) -> list[LaunchStage]:
    return [event.stage for event in events if isinstance(event, LaunchPhase) and event.fraction is None]


def cards(events: list[LaunchEvent]) -> list[Diagnosis]:
    return [event for event in events if isinstance(event, Diagnosis)]


async def gone(machine: LocalMachine) -> bool:
    return not any(entry.running for entry in await spawned(machine))


@pytest.mark.parametrize(
    ("name", "model", "words"),
    [
        (W4A16, AWQ, HOMEWORK),
        ("turbomind-1_8b-bf16-ratio0.8", "internlm2_5-1_8b-chat", ()),
        (
            "pytorch-1_8b-w4a16-ratio0.4-kvint4",
            AWQ,
            ("--backend", "pytorch", "--quant-policy", "4", "--cache-max-entry-count", "0.4"),
        ),
    ],
)
async def test_both_engines_start_phase_by_phase_and_stop(
    machine: LocalMachine, lmdeploy: Install, recording: Install, models: Path, name: str, model: str, words: Any
) -> None:
    lmdeploy()
    recording(name, speed=40.0)
    seen = load(name)
    watch = await begin(machine, wish(models, model, *words))
    events = await all_events(watch)
    expected = [LaunchStage.STARTING, LaunchStage.CONTEXT, LaunchStage.WEIGHTS, LaunchStage.KV_CACHE]
    assert stages(events) == [*expected, LaunchStage.WARM_UP, LaunchStage.READY]
    assert watch.ready
    memory = [event for event in events if isinstance(event, LaunchMemory)]
    assert memory[-1].used == pytest.approx(seen.process_bytes, abs=4 << 20)
    assert memory[-1].predicted is not None
    assert memory[-1].used == pytest.approx(memory[-1].predicted, rel=0.12)
    facts = seen.read_log(until=next(at for at, text in seen.log if "Uvicorn running on" in text)).facts
    assert replace(watch.reader.facts, ready_url="") == replace(facts, ready_url="")
    [entry] = await servers(machine)
    assert (entry.mine, entry.model, entry.version) == (True, str(models / model), "0.18.0")
    assert entry.memory == pytest.approx(seen.process_bytes, abs=4 << 20)
    steps = [step async for step in stop(machine, entry, look_every=0.02)]
    assert [step.signal for step in steps if step.signal] == ["INT"]
    assert steps[-1].done
    assert steps[-1].problem is None
    assert steps[-1].freed == pytest.approx(seen.process_bytes, abs=4 << 20)
    assert await servers(machine) == ()
    [ended] = await servers(machine, ended=True)
    assert ended.code == 0


async def test_a_start_is_kept_as_a_run_once(
    machine: LocalMachine, lmdeploy: Install, recording: Install, models: Path
) -> None:
    lmdeploy()
    recording(W4A16)
    watch = await begin(machine, wish(models, AWQ, *HOMEWORK))
    await all_events(watch)
    assert watch.prepared is not None
    name = await records.identity(machine, watch.spawned)
    run, problem = records.keep(watch.prepared, watch.spawned, watch, name)
    assert problem is None
    assert run is not None
    assert run.kv_cache == pytest.approx(8.137 * GIB, rel=0.001)
    assert run.total == pytest.approx(11.484 * GIB, rel=0.001)
    assert run.predicted_total is not None
    records.keep(watch.prepared, watch.spawned, watch, name)
    kept, broken = RunLog(records.runs_file()).read()
    assert ([entry.id for entry in kept], broken) == ([name], 0)
    assert [entry.name for entry in records.own_measurements()] == [name]


async def test_out_of_memory_becomes_a_card_with_the_largest_ratio(
    machine: LocalMachine, lmdeploy: Install, recording: Install, models: Path
) -> None:
    lmdeploy()
    recording("turbomind-oom")
    watch = await begin(machine, wish(models, AWQ, *HOMEWORK))
    events = await all_events(watch)
    assert stages(events)[-1] is LaunchStage.FAILED
    [card] = cards(events)
    assert card.problem.code == "launch.out-of-memory"
    ratio = next(step for step in card.steps if step.kind == "flags")
    assert ratio.flags[0] == "--cache-max-entry-count"
    assert 0 < float(ratio.flags[1]) < 0.4
    assert any("CUDA error: out of memory" in line for line in card.evidence)
    assert watch.prepared is not None
    again = with_flags(watch.prepared.wish, ratio.flags)
    assert again.command.ratio == float(ratio.flags[1])
    assert await gone(machine)


async def test_a_crash_in_the_warm_up(
    machine: LocalMachine, lmdeploy: Install, recording: Install, models: Path
) -> None:
    lmdeploy()
    recording("pytorch-1_8b-w4a16-ratio0.4-kvint4", "crash")
    watch = await begin(machine, wish(models, AWQ, "--backend", "pytorch"))
    events = await all_events(watch)
    assert LaunchStage.WARM_UP in stages(events)
    assert stages(events)[-1] is LaunchStage.FAILED
    [card] = cards(events)
    assert card.problem.code == "launch.warm-up"
    assert not watch.ready


async def test_a_hang_is_noticed_and_can_be_stopped(
    machine: LocalMachine, lmdeploy: Install, recording: Install, models: Path
) -> None:
    lmdeploy()
    recording(W4A16, "hang")
    watch = await begin(machine, wish(models, AWQ, *HOMEWORK), replace(FAST, silence=0.3))
    stream = watch.events()
    async for event in stream:
        if isinstance(event, Diagnosis):
            assert event.problem.code == "launch.silent"
            assert not event.fatal
            break
    await stream.aclose()  # type: ignore[attr-defined]
    [entry] = await servers(machine)
    assert (await collect(stop(machine, entry, look_every=0.02)))[-1].done
    assert await gone(machine)


async def collect(stream: Any) -> list[Any]:
    return [item async for item in stream]


async def test_a_start_is_found_again_and_watched_to_its_end(
    machine: LocalMachine, lmdeploy: Install, recording: Install, models: Path
) -> None:
    lmdeploy()
    recording(W4A16, speed=20.0)
    first = await begin(machine, wish(models, AWQ, *HOMEWORK))
    stream = first.events()
    await anext(stream)
    await stream.aclose()  # type: ignore[attr-defined]
    [found] = await spawned(LocalMachine())
    assert (found.kind, found.running) == ("serve", True)
    again = Watch(machine, found, None, FAST)
    events = await all_events(again)
    assert again.ready
    assert LaunchStage.KV_CACHE in stages(events)
    assert [event for event in events if isinstance(event, LaunchMemory)][-1].used


@pytest.mark.parametrize(
    ("version", "flag", "says"),
    [
        ("0.5.3", "--tool-call-parser", "0.7.2"),
        ("0.9.2", "--trust-remote-code", "0.13"),
        ("0.12.0", "--language-model-only", "0.15"),
        ("0.18.0", "--enable-metrics", "0.10.2"),
    ],
)
async def test_the_stand_in_refuses_what_its_release_lacks(
    machine: LocalMachine, lmdeploy: Install, recording: Install, models: Path, version: str, flag: str, says: str
) -> None:
    """Behind ``--`` nothing is checked by lmdeck: lmdeploy's own refusal becomes a card."""
    lmdeploy(version)
    recording(W4A16)
    del says
    wanted = wish(models, AWQ, *HOMEWORK)
    value = ("qwen",) if "parser" in flag else ()
    watch = await begin(machine, ServeWish(wanted.words, (flag, *value), folder=wanted.folder))
    [card] = cards(await all_events(watch))
    assert card.problem.code == "launch.unknown-flag"
    assert flag in str(card.problem.data["what"])
    assert [step.flags for step in card.steps if step.kind == "drop"] == [(flag,)]


@pytest.mark.parametrize("version", ["0.5.3", "0.9.2", "0.12.0", "0.18.0"])
async def test_every_release_gets_flags_it_knows(
    machine: LocalMachine, lmdeploy: Install, recording: Install, models: Path, version: str
) -> None:
    lmdeploy(version)
    recording(W4A16, speed=400.0)
    watch = await begin(machine, wish(models, AWQ, *HOMEWORK))
    await all_events(watch)
    assert watch.ready


async def test_a_question_is_shown_and_answered(
    machine: LocalMachine, lmdeploy: Install, recording: Install, models: Path
) -> None:
    lmdeploy()
    recording(W4A16, "ask", speed=400.0)
    watch = await begin(machine, wish(models, AWQ, *HOMEWORK))
    asked: list[str] = []
    async for event in watch.events():
        if isinstance(event, LaunchQuestion):
            asked.append(event.text)
            await machine.order("answer", id=watch.spawned.id, text="y")
    assert len(asked) == 1
    assert "Do you wish to run the custom code? [y/N]" in asked[0]
    assert watch.ready


async def test_a_broken_environment_is_named(
    machine: LocalMachine, lmdeploy: Install, recording: Install, models: Path
) -> None:
    lmdeploy()
    recording(W4A16, "broken")
    events = await all_events(await begin(machine, wish(models, AWQ)))
    [card] = cards(events)
    assert card.problem.code == "launch.broken-environment"
    assert any(step.kind == "environment" for step in card.steps)
    assert any("AutoModel" in line for event in events if isinstance(event, LaunchLines) for line in event.lines)


async def test_stubborn_servers_are_killed_and_children_go_too(
    machine: LocalMachine, lmdeploy: Install, recording: Install, models: Path
) -> None:
    lmdeploy()
    recording(W4A16, "stubborn", speed=400.0)
    await all_events(await begin(machine, wish(models, AWQ, *HOMEWORK)))
    [entry] = await servers(machine)
    steps = await collect(stop(machine, entry, grace=(("INT", 0.2), ("TERM", 0.2), ("KILL", 5.0)), look_every=0.02))
    assert [step.signal for step in steps if step.signal] == ["INT", "TERM", "KILL"]
    assert steps[-1].done
    assert steps[-1].alive == 0
    recording(W4A16, "child", speed=400.0)
    await all_events(await begin(machine, wish(models, AWQ, *HOMEWORK)))
    [entry] = await servers(machine)
    assert len(entry.pids) == 3
    steps = await collect(stop(machine, entry, grace=(("INT", 2.0), ("TERM", 5.0), ("KILL", 5.0)), look_every=0.02))
    assert steps[-1].alive == 0
    assert not any(os.path.exists(f"/proc/{pid}/exe") for pid in entry.pids if alive(pid))


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"


async def test_servers_of_others_need_their_name_typed(
    machine: LocalMachine, lmdeploy: Install, recording: Install, models: Path
) -> None:
    prefix = lmdeploy()
    recording(W4A16, speed=400.0)
    port = fake_lmdeploy.free_port()
    command = [str(prefix / "bin" / "lmdeploy"), "serve", "api_server", str(models / AWQ), "--server-port", str(port)]
    null = asyncio.subprocess.DEVNULL
    child = await asyncio.create_subprocess_exec(*command, stdout=null, stderr=null, start_new_session=True)
    try:
        [entry] = await servers(machine)
        assert (entry.mine, entry.port, entry.name, entry.id) == (False, port, AWQ, "")
        assert entry.user
        assert not may_stop(entry)
        assert not may_stop(entry, "yes")
        assert may_stop(entry, AWQ)
        steps = await collect(stop(machine, entry, look_every=0.02))
        assert steps[-1].done
        await asyncio.wait_for(child.wait(), 10)
    finally:
        if child.returncode is None:
            child.send_signal(signal.SIGKILL)
            await child.wait()
