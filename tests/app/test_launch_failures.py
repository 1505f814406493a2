"""Starts that go wrong on the launch screen, and what the cards' buttons do; starts that are found again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from textual.widgets import Button

from tests.support.app import running, screen_text, see, send
from tests.support.launch_screens import choose, opened, site
from tests.support.launching import (
    FAST,
    W4A16,
    Install,
    home,
    homework,
    lmdeploy,
    machine,
    models,
    recording,
    slice_card,
)
from tests.support.waiting import until_pilot
from tui.i18n import set_language
from tui.launch.machine import LocalMachine
from tui.launch.starting import spawned
from tui.launch.wish import ServeWish
from tui.model.gpu import GpuReading
from tui.model.problem import Problem, ProblemError
from tui.screens.confirm import ConfirmScreen
from tui.screens.launch import LaunchScreen
from tui.screens.logs import LogScreen
from tui.screens.quantise import QuantiseScreen
from tui.screens.room import Landing, Site
from tui.screens.servers import ServersScreen
from tui.screens.tell import TellScreen

__all__ = ["home", "lmdeploy", "machine", "models", "recording", "slice_card"]


@pytest.fixture
def chinese(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("LMDECK_LANGUAGE", "zh-CN")
    yield
    set_language("en")


@pytest.mark.parametrize("name", ["pytorch-1_8b-w4a16-ratio0.4-kvint4", "turbomind-7b-bf16-ratio0.4"])
async def test_both_engines_in_a_small_chinese_terminal(
    machine: LocalMachine, lmdeploy: Install, recording: Install, models: Path, name: str, chinese: None
) -> None:
    lmdeploy()
    recording(name, speed=20.0)
    words = ("--backend", "pytorch") if name.startswith("pytorch") else ()
    async with running(size=(80, 24)) as (app, pilot, _workspace):
        screen, answers = await opened(app, pilot, LaunchScreen(site(machine, models), homework(models, *words)))
        await until_pilot(pilot, lambda: screen.state.prepared is not None)
        await see(pilot, "放得下。")
        await see(pilot, "权重")
        await send(pilot, "f6")
        await see(pilot, "✓ 权重", timeout=30)
        await until_pilot(pilot, lambda: answers, timeout=60)
        assert screen.state.memory.used > 5 << 30


async def test_a_hang_is_said_and_can_be_waited_for(
    machine: LocalMachine, lmdeploy: Install, recording: Install, models: Path
) -> None:
    lmdeploy()
    recording(W4A16, "hang")
    place = site(machine, models, replace(FAST, silence=0.5))
    async with running(size=(120, 40)) as (app, pilot, _workspace):
        screen, _answers = await opened(app, pilot, LaunchScreen(place, homework(models)))
        await see(pilot, "It fits.")
        await send(pilot, "f6")
        await see(pilot, "Nothing was heard for", timeout=30)
        await see(pilot, "busy with: CUDA context")
        await choose(pilot, screen, "card-0-0")
        await until_pilot(pilot, lambda: "Nothing was heard for" not in screen_text(app))
        await send(pilot, "f6")
        await see(pilot, "A server is starting already.")
        await send(pilot, "f5")
        await until_pilot(pilot, lambda: isinstance(app.screen, ServersScreen) and app.screen.state.servers)
        servers = app.screen
        await see(pilot, "does not answer yet")
        await send(pilot, "f4")
        await see(pilot, "max_context_token_num")
        await send(pilot, "escape")
        await until_pilot(pilot, lambda: app.screen is servers)
        await send(pilot, "f6")
        await until_pilot(pilot, lambda: app.screen is screen)
        assert screen.starting


async def test_a_crash_in_the_warm_up(
    machine: LocalMachine, lmdeploy: Install, recording: Install, models: Path
) -> None:
    lmdeploy()
    recording(W4A16, "crash")
    async with running(size=(120, 40)) as (app, pilot, _workspace):
        screen, _answers = await opened(app, pilot, LaunchScreen(site(machine, models), homework(models)))
        await see(pilot, "It fits.")
        await send(pilot, "f6")
        await see(pilot, "✗ failed", timeout=30)
        await see(pilot, "illegal memory access")
        await choose(pilot, screen, "card-0-1")
        await until_pilot(pilot, lambda: isinstance(app.screen, LogScreen))
        await see(pilot, "warm-up failed")
        await send(pilot, "escape")
        await until_pilot(pilot, lambda: app.screen is screen)
        screen.query_one("#environment", Button).press()
        await until_pilot(pilot, lambda: isinstance(app.screen, TellScreen), timeout=30)
        await see(pilot, "lmdeploy 0.18.0")


LINES = {
    "lmdeploy: error: unrecognized arguments: --tp 1": ("card-0-0", "--tp", False),
    "ERROR:    [Errno 98] error while attempting to bind on address": ("card-0-0", "--server-port", True),
    "ValueError: set trust_remote_code=True to allow it": ("card-0-0", "--trust-remote-code", True),
    "requests.exceptions.ConnectionError: Max retries exceeded with url": ("card-0-0", "HF_ENDPOINT", True),
    "ProxyError: Cannot connect to proxy": ("card-0-0", "no_proxy", True),
}


@pytest.mark.parametrize("line", LINES)
async def test_a_cards_first_button_changes_the_words_and_starts_again(
    machine: LocalMachine, lmdeploy: Install, recording: Install, models: Path, tmp_path: Path, line: str
) -> None:
    lmdeploy()
    text = tmp_path / "said"
    text.write_text(f"2026-01-01 00:00:00,000 - lmdeploy - INFO - x.py:1 - input backend=turbomind\n{line}\n")
    recording(W4A16, str(text))
    key, word, there = LINES[line]
    wish = homework(models)
    async with running(size=(120, 40)) as (app, pilot, _workspace):
        screen, _answers = await opened(app, pilot, LaunchScreen(site(machine, models), wish))
        await see(pilot, "It fits.")
        await send(pilot, "f6")
        await see(pilot, "✗ failed", timeout=30)
        await until_pilot(pilot, lambda: not screen.starting)
        await choose(pilot, screen, key)
        await until_pilot(pilot, lambda: screen.form.wish != wish)
        now = screen.form.wish
        assert ((word in now.words) or (word in now.environment)) is there
        await until_pilot(pilot, lambda: len(screen.state.cards) == 1 and not screen.starting, timeout=30)
    assert len(await spawned(machine)) == 2


async def test_somebody_elses_memory_and_other_models(
    machine: LocalMachine, lmdeploy: Install, recording: Install, models: Path, tmp_path: Path
) -> None:
    lmdeploy()
    text = tmp_path / "said"
    text.write_text("[TM][ERROR] CUDA runtime error: out of memory\n")
    recording(W4A16, str(text))
    async with running(size=(120, 40)) as (app, pilot, _workspace):
        screen, _answers = await opened(app, pilot, LaunchScreen(site(machine, models), homework(models)))
        await see(pilot, "It fits.")
        await send(pilot, "f6")
        await see(pilot, "[See who holds the card]", timeout=30)
        await until_pilot(pilot, lambda: not screen.starting)
        await choose(pilot, screen, "card-0-1")
        await until_pilot(pilot, lambda: isinstance(app.screen, ServersScreen))
        await see(pilot, "No lmdeploy server runs here.")
        await see(pilot, "ended with code 1")
        servers = app.screen
        await choose(pilot, servers, f"spawned-{(await spawned(machine))[0].id}")
        await until_pilot(pilot, lambda: isinstance(app.screen, LaunchScreen) and app.screen is not screen)
        assert app.screen.form.wish.command.policy == 4, "what has ended can be started again"
        await send(pilot, "escape")
        await until_pilot(pilot, lambda: app.screen is servers)
        await choose(pilot, servers, f"spawned-{(await spawned(machine))[0].id}")
        await until_pilot(pilot, lambda: isinstance(app.screen, LaunchScreen) and app.screen is not screen)
        await send(pilot, "escape")
        await until_pilot(pilot, lambda: app.screen is servers)
        await send(pilot, "delete")
        await see(pilot, "Remove the log and notes of")
        await send(pilot, "tab", "enter")
        await until_pilot(pilot, lambda: not servers.state.ended)
        assert await spawned(machine) == ()
        text.write_text(
            "safetensors_rust.SafetensorError: Error while deserializing header: MetadataIncompleteBuffer\n"
        )
        await send(pilot, "escape")
        await until_pilot(pilot, lambda: app.screen is screen)
        await send(pilot, "f6")
        await see(pilot, "[Choose another model]", timeout=30)
        await until_pilot(pilot, lambda: not screen.starting)
        await choose(pilot, screen, "card-0-0")
        await see(pilot, "Models on this machine")


async def test_a_start_that_was_left_is_watched_again_with_its_question(
    machine: LocalMachine, lmdeploy: Install, recording: Install, models: Path
) -> None:
    lmdeploy()
    recording(W4A16, "ask", speed=20.0)
    place = site(machine, models)
    async with running(size=(120, 40)) as (app, pilot, _workspace):
        screen, _answers = await opened(app, pilot, LaunchScreen(place, homework(models)))
        await see(pilot, "It fits.")
        await send(pilot, "f6")
        await until_pilot(pilot, lambda: isinstance(app.screen, ConfirmScreen), timeout=30, what="the question")
        await send(pilot, "escape")
        await until_pilot(pilot, lambda: app.screen is screen)
        await send(pilot, "escape")
        await until_pilot(pilot, lambda: app.screen is app.chat)
        servers = ServersScreen(place, every=0.1)
        answers: list[Landing | None] = []
        app.push_screen(servers, answers.append)
        await see(pilot, "does not answer yet")
        await send(pilot, "enter")
        await until_pilot(pilot, lambda: isinstance(app.screen, ConfirmScreen), timeout=30, what="the question again")
        again = next(one for one in app.screen_stack if isinstance(one, LaunchScreen))
        await see(pilot, "Do you wish to run the custom code?")
        await until_pilot(pilot, lambda: again.following.prepared is not None, what="the plan of what was started")
        await send(pilot, "tab", "enter")
        await until_pilot(pilot, lambda: answers, timeout=60)
        assert again.state.memory.predicted == again.following.prepared.plan.total_used
        assert answers[0].url.endswith(str(screen.form.wish.command.count("server_port", 0)))
        assert again.form.wish.command.ratio == 0.4


class Silent:
    """A machine that refuses everything."""

    name = "box"

    async def order(self, do: str, limit: float = 15.0, **fields: Any) -> dict[str, Any]:
        raise ProblemError(Problem("launch.order", {"what": do, "reason": "no permission [/]"}))

    async def sample(self) -> GpuReading:
        raise ProblemError(Problem("launch.order", {"what": "sample", "reason": "no permission [/]"}))


async def test_a_machine_that_cannot_be_asked() -> None:
    place = Site(Silent(), pace=FAST)
    async with running(size=(120, 40)) as (app, pilot, _workspace):
        screen, _answers = await opened(app, pilot, LaunchScreen(place, ServeWish(("m",))))
        await see(pilot, "Start a server on box")
        await see(pilot, "no permission [/]")
        await send(pilot, "f6")
        await see(pilot, "The machine is still being looked at.")
        await send(pilot, "f2")
        await until_pilot(pilot, lambda: "no permission [/]" in str(screen._note.render()))
        await send(pilot, "f9")
        await see(pilot, "There is nothing to copy.")
        screen.query_one("#environment", Button).press()
        await until_pilot(pilot, lambda: "no permission [/]" in str(screen._note.render()))
        app.push_screen(ServersScreen(place, every=0.05))
        await see(pilot, "Servers on box")
        await see(pilot, "no permission [/]")
        app.push_screen(QuantiseScreen(place))
        await see(pilot, "Quantise a model on box")
        await see(pilot, "no permission [/]")
        app.push_screen(LogScreen(place, "/nowhere", "a log", every=0.05))
        await see(pilot, "no permission [/]")
