"""What is decided before a start: cards, ports, notices, switching; machines that do not answer."""

from __future__ import annotations

import asyncio
import io
import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support import checkpoints, fake_lmdeploy
from tests.support.launching import AWQ, W4A16, Install
from tests.unit.launch.conftest import FAST
from tui.launch import records
from tui.launch.cards import Cards, choose_cards, imagined
from tui.launch.cli import ServeCommand
from tui.launch.installs import program_words
from tui.launch.machine import LocalMachine, look
from tui.launch.prepare import prepare, with_flags
from tui.launch.servers import forget, servers, stop
from tui.launch.starting import find, spawn, spawned, start
from tui.launch.switching import Switch
from tui.launch.watching import Watch
from tui.launch.wish import ServeWish
from tui.launch.words import read_serve
from tui.model.gpu import GpuReading, GpuSample
from tui.model.launch import Installation, LaunchPhase, LaunchStage, ServerEntry, StopStep
from tui.model.problem import ProblemError

GIB = 1 << 30


def card(index: int, free: int) -> GpuSample:
    return GpuSample(index, "NVIDIA A100", 24 * GIB, (24 - free) * GIB, free * GIB)


READING = GpuReading(0.0, (card(0, 4), card(1, 20), card(2, 10)), "nvml")


@pytest.mark.parametrize(
    ("tp", "wanted", "environment", "indices", "variable"),
    [
        (1, None, {}, (1,), "1"),
        (2, None, {}, (1, 2), "1,2"),
        (1, (0,), {}, (0,), "0"),
        (1, None, {"CUDA_VISIBLE_DEVICES": "2,0"}, (2,), "2"),
        (1, None, {"CUDA_VISIBLE_DEVICES": "GPU-1234"}, (), ""),
    ],
)
def test_the_card_with_most_free_memory(
    tp: int, wanted: tuple[int, ...] | None, environment: dict[str, str], indices: tuple[int, ...], variable: str
) -> None:
    cards = choose_cards(READING, tp, wanted, environment)
    assert (cards.indices, cards.variable) == (indices, variable)


def test_cards_that_are_not_there() -> None:
    for tp, wanted, code in ((1, (5,), "launch.card"), (4, None, "serve.tp-cards"), (2, (0,), "serve.tp-cards")):
        with pytest.raises(ProblemError) as caught:
            choose_cards(READING, tp, wanted, {})
        assert caught.value.problem.code == code
    assert choose_cards(None, 1, (0, 1), {}) == Cards((), "0,1")
    assert choose_cards(GpuReading(0.0, (card(0, 9),), "nvml"), 1, None, {}).variable == ""
    assert imagined(Cards(()), None, None) == Cards(())
    made = imagined(choose_cards(READING, 1, None, {}), 8 * GIB, None).smallest
    assert made is not None
    assert (made.total, made.free) == (8 * GIB, 4 * GIB)


def test_flags_are_set_and_left_out() -> None:
    wish = ServeWish(
        ("M", "--tp", "2", "--api-keys", "a", "b", "--ssl", "--cache_max_entry_count=0.8", "--log-level", "INFO")
    )
    changed = with_flags(wish, ("--cache-max-entry-count", "0.5", "--tp", "1"), drop=("--api-keys", "--ssl"))
    assert changed.words == ("M", "--log-level", "INFO", "--cache-max-entry-count", "0.5", "--tp", "1")


async def codes(machine: LocalMachine, wish: ServeWish) -> list[str]:
    return [notice.code for notice in (await prepare(machine, wish, dry=True)).notices]


async def test_notices(
    machine: LocalMachine, lmdeploy: Install, models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prefix = lmdeploy()
    config = {**checkpoints.internlm_config("internlm2_5-1_8b-chat"), "auto_map": {"AutoModel": "x"}}
    config["architectures"] = ["OtherForCausalLM"]
    own = checkpoints.write_checkpoint(tmp_path / "own", config, [{"model.norm.weight": ("BF16", [2048])}])
    assert "launch.remote-code-notice" in await codes(machine, ServeWish((str(own),)))
    assert "launch.remote-code-notice" not in await codes(machine, ServeWish((str(own), "--trust-remote-code")))
    assert "launch.download" in await codes(machine, ServeWish(("internlm/internlm2_5-7b-chat",)))
    assert "serve.tp-cards" in await codes(machine, ServeWish((str(models / AWQ), "--tp", "2")))
    for path in own.glob("*.safetensors"):
        path.rename(path.with_suffix(".bin"))
    assert "checkpoint.not-safetensors" in await codes(machine, ServeWish((str(own),)))
    (own / "config.json").write_text("{")
    with pytest.raises(ProblemError) as caught:
        await prepare(machine, ServeWish((str(own),)))
    assert caught.value.problem.code == "checkpoint.config"
    with pytest.raises(ProblemError) as caught:
        await prepare(machine, ServeWish((str(models / AWQ), "--server-name", "203.0.113.9")))
    assert caught.value.problem.code == "launch.no-port"
    for info in prefix.glob("lib/*/*/*.dist-info"):
        (info / "METADATA").unlink()
        info.rmdir()
    assert "launch.version-unknown" in await codes(machine, ServeWish((str(models / AWQ),)))
    with pytest.raises(ProblemError) as caught:
        await prepare(machine, ServeWish((str(models / AWQ),), version="x"))
    assert caught.value.problem.code == "plan.version"


async def test_no_lmdeploy_at_all(machine: LocalMachine, home: Path, models: Path) -> None:
    with pytest.raises(ProblemError) as caught:
        await prepare(machine, ServeWish((str(models / AWQ),)))
    assert caught.value.problem.code == "launch.no-lmdeploy"
    assert program_words(Installation("venv", "/x", "", "")) == ("python3", "-m", "lmdeploy")


async def test_switching_keeps_the_address(
    machine: LocalMachine, lmdeploy: Install, recording: Install, models: Path
) -> None:
    lmdeploy()
    recording(W4A16, speed=400.0)
    port = fake_lmdeploy.free_port()
    wish = ServeWish((str(models / AWQ), "--server-port", str(port)))
    prepared = await prepare(machine, wish)
    await all_of(Watch(machine, await start(machine, prepared), prepared, FAST).events())
    [old] = await servers(machine)
    too_large = ServeWish((str(models / "internlm2_5-7b-chat"),), total=4 * GIB, free=1 * GIB)
    with pytest.raises(ProblemError):
        await all_of(Switch(machine, old, too_large, pace=FAST).events())
    assert [entry.running for entry in await servers(machine)] == [True]
    switch = Switch(machine, old, ServeWish((str(models / "internlm2_5-1_8b-chat"), "--tp", "1")), pace=FAST)
    events = await all_of(switch.events())
    assert any(isinstance(event, StopStep) and event.done for event in events)
    assert [event for event in events if isinstance(event, LaunchPhase)][-1].stage is LaunchStage.READY
    [new] = await servers(machine)
    assert (new.port, new.name) == (port, "internlm2_5-1_8b-chat")
    assert switch.watch is not None
    with pytest.raises(ProblemError) as caught:
        await all_of(Switch(machine, ServerEntry(1, "M", 1), wish).events())
    assert caught.value.problem.code == "launch.not-yours"


async def all_of(stream: Any) -> list[Any]:
    return [item async for item in stream]


async def test_an_interrupt_while_it_starts_takes_it_back(
    machine: LocalMachine, lmdeploy: Install, recording: Install, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    interrupted = asyncio.Event()

    @asynccontextmanager
    async def ready_to_be_interrupted() -> AsyncGenerator[asyncio.Event]:
        yield interrupted

    monkeypatch.setattr("tui.launch.cli.interruptible", ready_to_be_interrupted)
    lmdeploy()
    recording(W4A16, "hang")
    out, err = io.StringIO(), io.StringIO()
    read = read_serve([str(models / AWQ), "--server-port", str(fake_lmdeploy.free_port())])
    assert read is not None
    task = asyncio.create_task(ServeCommand(machine, read, out, err, FAST).run())
    while "weights  " not in out.getvalue():
        await asyncio.sleep(0.01)
    interrupted.set()
    assert await asyncio.wait_for(task, 30) == 130
    assert "stopped" in err.getvalue()
    assert not any(entry.running for entry in await spawned(machine))


def test_an_interrupt_is_an_event() -> None:
    code = (
        "import asyncio, os, signal\nfrom tui.launch.cli import interruptible\n"
        "async def main():\n    async with interruptible() as event:\n"
        "        os.kill(os.getpid(), signal.SIGINT)\n        await event.wait()\n    print('set')\n"
        "asyncio.run(main())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "set\n"


async def test_others_cannot_be_stopped_by_accident(
    machine: LocalMachine, lmdeploy: Install, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entries = (ServerEntry(11, "/m/a", 1, user="bob"), ServerEntry(12, "/m/a", 2, user="eve"))

    async def listed(_machine: object, *, ended: bool = False) -> tuple[ServerEntry, ...]:
        return entries

    monkeypatch.setattr("tui.launch.cli.servers", listed)

    async def run(*words: str) -> tuple[int, str]:
        err = io.StringIO()
        read = read_serve(words)
        assert read is not None
        return await ServeCommand(machine, read, io.StringIO(), err, FAST).run(), err.getvalue()

    code, text = await run("--stop", "a")
    assert (code, "2 servers are called a" in text) == (2, True)
    code, text = await run("--stop", "1")
    assert (code, "its process 11 belongs to bob" in text) == (2, True)


async def test_stopping_what_is_gone_or_forbidden(machine: LocalMachine, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = ServerEntry(2**22 + 9, "M", 1)
    assert [step.done for step in await all_of(stop(machine, gone))] == [True]
    child = await asyncio.create_subprocess_exec("sleep", "60")
    real = machine.order

    async def refuse(do: str, limit: float = 15.0, **fields: Any) -> Any:
        if '"signal"' in str(fields.get("input")):
            fields["input"] = '{"do": "nothing"}'
        return await real(do, limit, **fields)

    monkeypatch.setattr(machine, "order", refuse)
    steps = await all_of(stop(machine, ServerEntry(child.pid, "M", 1, user="root", pids=(child.pid,))))
    assert steps[-1].problem.code == "launch.not-allowed"
    child.kill()
    await child.wait()


async def test_spawned_things_are_forgotten(machine: LocalMachine) -> None:
    done = await spawn(machine, ("sh", "-c", "exit 7"), "", {}, {"kind": "serve", "model": "M"})
    while (entry := await find(machine, done.id)) is None or entry.running or entry.code is None:
        await asyncio.sleep(0.01)
    assert entry.code == 7
    [listed] = await servers(machine, ended=True)
    assert (listed.running, listed.code, listed.url) == (False, 7, "http://127.0.0.1:0")
    await forget(machine, listed)
    assert await spawned(machine) == ()
    watch = Watch(machine, done, None, FAST)
    events = await all_of(watch.events())
    assert events[-1].problem.code == "launch.failed-silently"
    assert await records.identity(machine, done) == done.id


async def test_a_machine_that_does_not_answer(machine: LocalMachine, monkeypatch: pytest.MonkeyPatch) -> None:
    for do, code in (("tail", "launch.order"), ("nothing", "launch.order")):
        with pytest.raises(ProblemError) as caught:
            await machine.order(do, path="/no/such/file")
        assert caught.value.problem.code == code
    with pytest.raises(ProblemError) as caught:
        await machine.order("run", 0.05, arguments=["sleep", "1"], timeout=1.0)
    assert caught.value.problem.code == "launch.slow"
    with pytest.raises(ProblemError) as caught:
        await look(machine, "resolve")
    assert caught.value.problem.code == "launch.probe"
    monkeypatch.setattr("tui.launch.machine._PYTHON", "echo broken >&2; exit 1")
    with pytest.raises(ProblemError) as caught:
        await look(machine, "drivers")
    assert "broken" in str(caught.value.problem.data["reason"])


def test_addresses_of_servers() -> None:
    assert ServerEntry(1, "M", 5, host="::1").url == "http://[::1]:5"
    assert ServerEntry(1, "M", 5, host="0.0.0.0").url == "http://127.0.0.1:5"
    assert ServerEntry(7, "", 5).name == "7"
