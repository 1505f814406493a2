"""Servers on a machine behind a real sshd: started, seen after a lost link, stopped; quantised."""

from __future__ import annotations

import asyncio
import io
import os
import signal
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from tests.support import checkpoints, fake_lmdeploy
from tests.support.app import screen_text, see, send
from tests.support.far import app_on, connected, host_of, url_of, words_for
from tests.support.ssh_links import QUICK, StartSshd, User, sshd
from tests.support.sshd import Box, key_pair
from tests.support.waiting import until_pilot
from tui.app import LmdeckApp
from tui.app_options import AppOptions
from tui.hosts.remote import RemoteHost
from tui.hosts.remote_machine import RemoteMachine
from tui.launch import records
from tui.launch.cli import ServeCommand
from tui.launch.prepare import prepare
from tui.launch.quantise import QuantiseWatch, prepare_quantise, start_quantise
from tui.launch.servers import servers, stop
from tui.launch.starting import Spawned, spawned, start
from tui.launch.watching import Pace, Watch
from tui.launch.wish import ServeWish
from tui.launch.words import read_serve
from tui.model.launch import LaunchMemory, LaunchPhase, LaunchStage, QuantiseReport
from tui.model.problem import ProblemError
from tui.screens.confirm import ConfirmScreen

__all__ = ["sshd"]

NAME = "internlm2_5-1_8b-chat"
HOMEWORK = ("--model-format", "awq", "--quant-policy", "4", "--cache-max-entry-count", "0.4", "--tp", "1")
RECORDING = fake_lmdeploy.MEMORY / "turbomind-1_8b-w4a16-ratio0.4-kvint4"
PACE = Pace(log=0.05, cards=0.1, settle=0.0)


class Place:
    """A machine behind sshd with a card, a stand-in lmdeploy that only the login shell's PATH knows, and models."""

    def __init__(self, box: Box, options: tuple[str, ...]) -> None:
        self.box = box
        self._options = options
        self.model = checkpoints.internlm(box.home / "models" / f"{NAME}-w4a16-4bit", NAME, quantised=True)

    async def connect(self, stack: AsyncExitStack) -> tuple[RemoteHost, RemoteMachine]:
        host = RemoteHost(self.box.target(*self._options), User(), timing=QUICK)
        stack.push_async_callback(host.aclose)
        host.link.connect()
        await host.link.up()
        return host, RemoteMachine(host)

    def profile(self, **variables: str) -> None:
        """What the user's ~/.profile exports."""
        lines = [f"export {name}='{value}'\n" for name, value in variables.items()]
        (self.box.home / ".profile").write_text("echo Welcome\n" + "".join(lines))


@pytest.fixture
async def place(sshd: StartSshd, tmp_path: Path) -> AsyncIterator[Place]:
    card = fake_lmdeploy.Slice(tmp_path / "card")
    prefix = fake_lmdeploy.install(tmp_path / "env")
    key = key_pair("plain")
    path = f"{card.folder}:/usr/local/bin:/usr/bin:/bin"
    box = await sshd(keys=(key,), options=(f"SetEnv PATH={path}",))
    found = Place(box, ("-i", str(key), "-o", "IdentitiesOnly=yes"))
    variables = {"FAKE_LOG": str(RECORDING), "FAKE_HOLDERS": str(card.holders), "FAKE_SPEED": "20"}
    found.profile(PATH=f"{prefix}/bin:{path}", HF_ENDPOINT="https://hf-mirror.com", **variables)
    yield found
    async with AsyncExitStack() as stack:
        _, machine = await found.connect(stack)
        for entry in await spawned(machine):
            await machine.order("stop", id=entry.id, signal="KILL")


async def watch_and_cut(watch: Watch, place: Place) -> None:
    """Watch until the engine begins to load, then the connection is lost: sshd's own processes die, nothing else."""
    async for event in watch.events():
        if isinstance(event, LaunchPhase) and event.stage is LaunchStage.CONTEXT:
            for pid in place.box.sessions():
                if Path(f"/proc/{pid}/comm").read_text().startswith("sshd"):
                    os.kill(pid, signal.SIGKILL)


async def once_back(machine: RemoteMachine) -> tuple[Spawned, ...]:
    """What was spawned there, asked again until the link is back."""
    end = monotonic() + 100
    while True:
        try:
            return await spawned(machine)
        except ProblemError:
            assert monotonic() < end
            await asyncio.sleep(0.05)


async def test_a_server_is_started_there_survives_the_link_and_is_stopped(place: Place) -> None:
    port = fake_lmdeploy.free_port()
    async with AsyncExitStack() as stack:
        host, machine = await place.connect(stack)
        wish = ServeWish((f"models/{NAME}-w4a16-4bit", *HOMEWORK, "--server-port", str(port)))
        prepared = await prepare(machine, wish)
        assert prepared.argv[0].endswith("/env/bin/lmdeploy")
        assert prepared.environment["HF_ENDPOINT"] == "https://hf-mirror.com"
        assert prepared.folder == str(place.box.home)
        assert prepared.plan is not None
        assert prepared.cards.samples[0].total == 24 << 30
        begun = await start(machine, prepared)
        assert begun.log.startswith(str(place.box.home / ".cache" / "lmdeck" / "spawned"))
        watch = Watch(machine, begun, prepared, PACE)
        with pytest.raises(ProblemError) as caught:
            await watch_and_cut(watch, place)
        assert caught.value.problem.code.startswith("ssh.")
        [found] = await once_back(machine)
        assert (found.id, found.kind, found.running) == (begun.id, "serve", True)
        again = Watch(machine, found, prepared, PACE)
        events = [event async for event in again.events()]
        assert again.ready
        stages = [event.stage for event in events if isinstance(event, LaunchPhase) and event.fraction is None]
        assert stages[-3:] == [LaunchStage.KV_CACHE, LaunchStage.WARM_UP, LaunchStage.READY]
        memory = [event for event in events if isinstance(event, LaunchMemory)][-1]
        assert memory.used == pytest.approx(12_331_253_760, abs=8 << 20)
        assert (await records.identity(machine, found)).startswith(f"{host.name}-{found.pid}-")
        [entry] = [one for one in await servers(machine) if one.mine]
        steps = [step async for step in stop(machine, entry, look_every=0.05)]
        assert steps[-1].done
        assert steps[-1].problem is None
        assert steps[-1].freed == pytest.approx(12_331_253_760, abs=8 << 20)


async def test_the_command_line_over_ssh(place: Place) -> None:
    async with AsyncExitStack() as stack:
        _, machine = await place.connect(stack)

        async def run(*words: str) -> tuple[int, str, str, str]:
            out, err = io.StringIO(), io.StringIO()
            read = read_serve([*words, "--on", "there"])
            assert read is not None
            command = ServeCommand(machine, read, out, err, PACE)
            return await command.run(), out.getvalue(), err.getvalue(), command.url

        port = str(fake_lmdeploy.free_port())
        code, out, err, url = await run(f"~/models/{NAME}-w4a16-4bit", *HOMEWORK, "--server-port", port)
        assert (code, err) == (0, "")
        assert "ready" in out
        assert url.endswith(port)
        code, out, _, _ = await run("--stop", port)
        assert code == 0
        assert "stopped" in out
        code, _, err, _ = await run("~/models/none", *HOMEWORK)
        assert code == 2
        assert "no model folder" in err


async def test_a_model_is_quantised_there(place: Place) -> None:
    model = checkpoints.internlm(place.box.home / "models" / NAME, NAME)
    text = (place.box.home / ".profile").read_text()
    (place.box.home / ".profile").write_text(f"{text}export FAKE_RESULT='{place.model}'\n")
    async with AsyncExitStack() as stack:
        _, machine = await place.connect(stack)
        wish = ServeWish((f"models/{NAME}", "--work-dir", "made"))
        prepared = await prepare_quantise(machine, wish)
        assert prepared.work_dir == str(place.box.home / "made")
        watch = QuantiseWatch(machine, await start_quantise(machine, prepared), every=0.1)
        report = [event async for event in watch.events()][-1]
        assert isinstance(report, QuantiseReport)
        assert report.disk_after < report.disk_before
        assert os.path.isdir(model)


async def insist(app: LmdeckApp, pilot: Any, keys: Mapping[str, str], done: Callable[[], bool]) -> None:
    """Press what belongs to the text that is on the screen until it is done. Which of other tests' servers is meant is
    asked in between where some run; that is not answered."""
    end = monotonic() + 200
    while not done():
        assert monotonic() < end, screen_text(app)
        known = {"Several servers listen": "escape", **keys}
        key = next((known[text] for text in known if text in screen_text(app)), None)
        if key is not None:
            await send(pilot, key)
        await pilot.pause(0.1)


def address_of(app: LmdeckApp) -> str:
    return app.chat.workspace.address if app.chat.workspace is not None else ""


async def pick_the_machine(app: LmdeckApp, pilot: Any, title: str) -> None:
    """The one over ssh, not this one: it is the first."""
    await insist(app, pilot, {"On which machine?": "enter"}, lambda: title in screen_text(app))


# As in test_ssh_app: a socket of anyio's that a closed tunnel leaves to the garbage collector.
@pytest.mark.filterwarnings("ignore:Exception ignored in. <socket:pytest.PytestUnraisableExceptionWarning")
@pytest.mark.timeout(900)
async def test_from_the_app_to_a_server_there_and_back(place: Place) -> None:
    port = fake_lmdeploy.free_port()
    text = (place.box.home / ".profile").read_text()
    (place.box.home / ".profile").write_text(text.replace("FAKE_SPEED='20'", "FAKE_SPEED='60'"))
    options = AppOptions(
        ssh=url_of(place.box, fake_lmdeploy.free_port()), ssh_options=words_for(place.box), language="en"
    )
    async with app_on(options, size=(120, 40)) as (app, pilot):
        host = await host_of(app, pilot)
        await until_pilot(pilot, lambda: host.link.is_up, 20, "the link")
        app.launch_words((f"models/{NAME}-w4a16-4bit", *HOMEWORK, "--server-port", str(port)))
        await pick_the_machine(app, pilot, f"Start a server on {host.name}")
        await see(pilot, "It fits.", 30)
        # The open chat may find the new server by itself before the launch screen ends in another one.
        first = app.chat.workspace

        def landed() -> bool:
            return app.screen is app.chat and app.chat.workspace is not first and str(port) in address_of(app)

        await insist(app, pilot, {"It fits.": "f6"}, landed)
        await connected(app, pilot)
        assert app.chat.workspace is not None
        assert app.chat.workspace.host is host, "the connection is still the same one"
        await app.run_action("app.switch_server")
        await pick_the_machine(app, pilot, f"Another model on {host.name}")
        await see(pilot, f"In place of {NAME}-w4a16-4bit on port {port}", 30)
        await send(pilot, "escape")
        await until_pilot(pilot, lambda: app.screen is app.chat)
        await app.run_action("app.servers")
        await pick_the_machine(app, pilot, f"Servers on {host.name}")
        await see(pilot, "yours", 20)
        await insist(app, pilot, {"yours": "delete"}, lambda: isinstance(app.screen, ConfirmScreen))
        await see(pilot, f"Stop {NAME}-w4a16-4bit?")
        await send(pilot, "tab", "enter")
        await see(pilot, "GiB came back", 40)
        await see(pilot, "ended with code 0", 40)
