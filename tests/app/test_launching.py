"""The ways to the launch screens from the app, and where they end: the chat on the server that was started."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from textual.widgets import OptionList

from tests.support import launching
from tests.support.app import screen_text, see, send
from tests.support.fake_session import FakeWorkspace
from tests.support.launch_screens import choose
from tests.support.launching import AWQ, W4A16, Install, home, lmdeploy, machine, models, recording, slice_card
from tests.support.waiting import until_pilot
from tui.app import LmdeckApp
from tui.app_options import AppOptions
from tui.config.terminal import VSCODE, Terminal
from tui.launch.machine import LocalMachine
from tui.launch.starting import spawned
from tui.model import events
from tui.model.problem import Problem
from tui.model.server import LinkPhase, LinkState
from tui.model.surroundings import Surroundings
from tui.screens.confirm import ConfirmScreen
from tui.screens.connect import ConnectScreen
from tui.screens.launch import LaunchScreen
from tui.screens.quantise import QuantiseScreen
from tui.screens.seam import Approver, Teller, Workspace
from tui.screens.servers import ServersScreen

__all__ = ["home", "lmdeploy", "machine", "models", "recording", "slice_card"]


@dataclass
class Opened:
    """What the app was asked to open, and what it got."""

    asked: list[AppOptions] = field(default_factory=list[AppOptions])
    made: list[FakeWorkspace] = field(default_factory=list[FakeWorkspace])

    def opener(self, chosen: AppOptions) -> Any:
        async def factory(_approve: Approver, _tell: Teller) -> Workspace:
            workspace = FakeWorkspace()
            workspace.address = chosen.url.removeprefix("http://")
            self.asked.append(chosen)
            self.made.append(workspace)
            return workspace

        return factory


@asynccontextmanager
async def app_on(
    options: AppOptions, terminal: Terminal | None = None, size: tuple[int, int] = (120, 40)
) -> AsyncIterator[tuple[LmdeckApp, Any, Opened]]:
    opened = Opened()

    async def look() -> AsyncIterator[Surroundings]:
        yield Surroundings()

    app = LmdeckApp(opened.opener(options), options, terminal=terminal or Terminal("plain"))
    app.opener = opened.opener
    app.look = look
    async with app.run_test(size=size, notifications=True) as pilot:
        app.animation_level = "none"
        if not (options.connect or options.launch):
            await until_pilot(pilot, lambda: app.chat.workspace is not None)
        yield app, pilot, opened


@pytest.fixture(autouse=True)
def in_a_hurry(monkeypatch: pytest.MonkeyPatch, models: Path) -> None:
    """Screens that are opened by the app find the test's models, and the servers' one looks often."""
    monkeypatch.setenv("LMDECK_LANGUAGE", "en")
    monkeypatch.setattr("tui.launch.models.ROOTS", (str(models),))
    monkeypatch.setattr("tui.screens.servers.EVERY", 0.1)


def homework(models: Path) -> tuple[str, int]:
    wish = launching.homework(models)
    return " ".join(wish.words), wish.command.count("server_port", 0)


async def ready(pilot: Any, app: LmdeckApp) -> LaunchScreen:
    await until_pilot(pilot, lambda: isinstance(app.screen, LaunchScreen) and not app.screen.state.checking)
    assert isinstance(app.screen, LaunchScreen)
    return app.screen


async def test_from_the_chat_to_the_server_that_was_started(
    machine: LocalMachine, lmdeploy: Install, recording: Install, models: Path
) -> None:
    lmdeploy()
    recording(W4A16)
    words, port = homework(models)
    async with app_on(AppOptions(url="http://127.0.0.1:1"), VSCODE) as (app, pilot, opened):
        await pilot.press("ctrl+l")  # VS Code keeps F6 for itself
        screen = await ready(pilot, app)
        await see(pilot, "Ctrl+L Start")
        await app.run_action("app.servers")
        await see(pilot, "Leave this screen first")
        await send(pilot, "escape")
        await until_pilot(pilot, lambda: app.screen is app.chat)
        await pilot.press("/", *f"serve {words}", "enter")
        screen = await ready(pilot, app)
        assert screen.form.wish.command.policy == 4
        await see(pilot, "It fits.")
        await send(pilot, "ctrl+l")
        await until_pilot(pilot, lambda: len(opened.made) == 2 and app.chat.workspace is opened.made[1], timeout=30)
        assert opened.asked[1] == AppOptions(url=f"http://127.0.0.1:{port}")
        assert opened.made[0].closed
        await see(pilot, f"Connected to http://127.0.0.1:{port}.")
        assert [entry.running for entry in await spawned(machine)] == [True]


async def test_a_command_fills_the_form_of_a_quantisation() -> None:
    async with app_on(AppOptions(url="http://127.0.0.1:1")) as (app, pilot, _opened):
        await pilot.press("/", *"quantize /m/one --calib-samples 64", "enter")
        await until_pilot(pilot, lambda: isinstance(app.screen, QuantiseScreen) and not app.screen.state.checking)
        assert isinstance(app.screen, QuantiseScreen)
        assert app.screen.form.wish.words == ("/m/one", "--calib-samples", "64")


async def test_a_switch_stops_ours_and_keeps_the_conversation(
    machine: LocalMachine, lmdeploy: Install, recording: Install, models: Path
) -> None:
    lmdeploy()
    recording(W4A16)
    words, port = homework(models)
    async with app_on(AppOptions(url="http://127.0.0.1:1")) as (app, pilot, opened):
        await app.run_action("app.switch_server")
        await see(pilot, "This server was not started by lmdeck")
        app.launch_words(words.split())
        await ready(pilot, app)
        await see(pilot, "It fits.")
        await send(pilot, "f6")
        await until_pilot(pilot, lambda: len(opened.made) == 2 and app.chat.workspace is opened.made[1], timeout=30)
        opened.made[1].fake.turn(question="hello")
        await app.run_action("app.switch_server")
        screen = await ready(pilot, app)
        await see(pilot, f"In place of {AWQ} on port {port}, which gives")
        await see(pilot, "It fits.")
        assert "is taken" not in screen_text(app)
        assert screen.state.prepared.cards.smallest.free > 23 << 30, "what it holds counts as free"
        await pilot.press("f2")
        await see(pilot, "internlm2_5-7b-chat")
        await see(pilot, "fits")
        await send(pilot, "enter")
        await until_pilot(pilot, lambda: screen.form.wish.command.model == str(models / "internlm2_5-1_8b-chat"))
        assert "--model-format" not in screen.form.wish.words
        recording("turbomind-1_8b-bf16-ratio0.8")
        await see(pilot, "It fits.")
        await send(pilot, "f6")
        await see(pilot, "GiB came back")
        await until_pilot(pilot, lambda: len(opened.made) == 3 and app.chat.workspace is opened.made[2], timeout=30)
        assert opened.asked[2].url == f"http://127.0.0.1:{port}"
        assert opened.asked[2].conversation == "c1"
        assert [entry.running for entry in await spawned(machine)] == [False, True]


async def test_a_server_of_ours_without_tool_parser_is_offered_again_with_one(
    machine: LocalMachine, lmdeploy: Install, recording: Install, models: Path
) -> None:
    lmdeploy()
    recording(W4A16)
    words, _port = homework(models)
    read = events.Notice(Problem("chat.no_tool_parser", {"model": AWQ, "parser": "internlm"}))
    async with app_on(AppOptions(url="http://127.0.0.1:1")) as (app, pilot, opened):
        opened_first = app.chat.workspace
        assert isinstance(opened_first, FakeWorkspace)
        await app.run_action("app.tool_parser")
        await see(pilot, "does not tell which tool parser fits")
        opened_first.link.model = AWQ
        await app.run_action("app.tool_parser")
        await see(pilot, "add --tool-call-parser internlm to its command")
        opened_first.fake.turn(read, question="area?")
        app.launch_words(words.split())
        await ready(pilot, app)
        assert "lmdeck started this server" not in screen_text(app)
        await see(pilot, "It fits.")
        await send(pilot, "f6")
        await until_pilot(pilot, lambda: len(opened.made) == 2 and app.chat.workspace is opened.made[1], timeout=30)
        opened.made[1].link.model = AWQ
        opened.made[1].fake.turn(read, question="area?")
        await see(pilot, "can start it again with --tool-call-parser internlm")
        opened.made[1].fake.turn(read, question="and again?")
        await until_pilot(pilot, lambda: "and again?" in screen_text(app))
        assert screen_text(app).count("lmdeck started this server") == 1
        await pilot.press("/", *"tool parser", "enter")
        screen = await ready(pilot, app)
        assert screen.form.wish.words[-2:] == ("--tool-call-parser", "internlm")
        await see(pilot, "In place of")


async def test_a_switch_that_fails_offers_the_old_model_again(
    machine: LocalMachine, lmdeploy: Install, recording: Install, models: Path
) -> None:
    lmdeploy()
    recording(W4A16)
    words, port = homework(models)
    async with app_on(AppOptions(url="http://127.0.0.1:1")) as (app, pilot, opened):
        app.launch_words(words.split())
        await ready(pilot, app)
        await send(pilot, "f6")
        await until_pilot(pilot, lambda: len(opened.made) == 2 and app.chat.workspace is opened.made[1], timeout=30)
        await app.run_action("app.switch_server")
        screen = await ready(pilot, app)
        await see(pilot, "It fits.")
        recording("turbomind-oom", speed=400.0)
        await send(pilot, "f6")
        await see(pilot, "The card ran out of memory.", timeout=30)
        await see(pilot, f"[Start {AWQ} again]")
        await until_pilot(pilot, lambda: not screen.starting)
        recording(W4A16)
        await choose(pilot, screen, "before")
        await until_pilot(pilot, lambda: len(opened.made) == 3, timeout=30)
        assert opened.asked[2].url == f"http://127.0.0.1:{port}"


async def test_the_connect_screens_card_and_the_way_back(lmdeploy: Install, machine: LocalMachine) -> None:
    lmdeploy()
    async with app_on(AppOptions(connect=True, language="en")) as (app, pilot, opened):
        await until_pilot(pilot, lambda: isinstance(app.screen, ConnectScreen) and app.screen._cards)
        options = app.screen.query_one("#cards", OptionList)
        options.highlighted = options.get_option_index("launch")
        await send(pilot, "enter")
        await ready(pilot, app)
        await send(pilot, "escape")
        await until_pilot(pilot, lambda: isinstance(app.screen, ConnectScreen))
        assert opened.asked == []


async def test_the_option_and_the_planner_open_the_form(lmdeploy: Install, machine: LocalMachine) -> None:
    lmdeploy()
    async with app_on(AppOptions(launch=True, language="en")) as (app, pilot, _opened):
        await ready(pilot, app)
    async with app_on(AppOptions(url="http://127.0.0.1:1")) as (app, pilot, _opened):
        await pilot.press("f5")
        await see(pilot, "lmdeploy serve api_server")
        await send(pilot, "f6")
        screen = await ready(pilot, app)
        assert screen.form.wish.words[0] == "internlm2_5-7b-chat"
        assert screen.form.wish.command.ratio == 0.8


async def test_a_running_reply_is_not_stopped_unasked(
    machine: LocalMachine, lmdeploy: Install, recording: Install, models: Path
) -> None:
    lmdeploy()
    recording(W4A16)
    words, _port = homework(models)
    async with app_on(AppOptions(url="http://127.0.0.1:1")) as (app, pilot, opened):
        opened.made[0].fake.turn(question="hello")
        app.launch_words(words.split())
        await ready(pilot, app)
        await send(pilot, "f6")
        opened.made[0].fake.busy = True
        await until_pilot(pilot, lambda: isinstance(app.screen, ConfirmScreen), timeout=30)
        await see(pilot, "is ready, but a reply is running")
        await send(pilot, "escape")
        await see(pilot, "The new server goes on: http")
        assert len(opened.made) == 1
        opened.made[0].fake.busy = False
        opened.made[0].link.become(link=LinkState(LinkPhase.LOST, 0.0, Problem("server.refused")))
        await app.run_action("app.servers")
        await until_pilot(pilot, lambda: isinstance(app.screen, ServersScreen) and app.screen.state.servers)
        await see(pilot, "yours")
        await send(pilot, "enter")
        await until_pilot(pilot, lambda: len(opened.made) == 2, timeout=30)
        assert opened.asked[1].conversation == "c1", "its server was gone: the conversation goes on"
