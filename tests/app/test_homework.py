"""The homework walk: on the simulated server, and with a stand-in lmdeploy that quantises and starts."""

from __future__ import annotations

import json
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from textual.widgets import OptionList

from tests.support import fake_lmdeploy
from tests.support.app import running, screen_text, see
from tests.support.demo import RunningDemo, demo
from tests.support.fake_session import FakeWorkspace
from tests.support.launching import home, lmdeploy, machine, models, recording, slice_card
from tests.support.waiting import until, until_pilot
from tui.app import LmdeckApp
from tui.app_options import AppOptions
from tui.config.terminal import Terminal
from tui.homework.progress import load_progress
from tui.i18n import set_language
from tui.launch.machine import LocalMachine
from tui.model.surroundings import FoundServer, Surroundings
from tui.screens.confirm import ConfirmScreen
from tui.screens.homework import HomeworkScreen
from tui.screens.launch import LaunchScreen
from tui.screens.quantise import QuantiseScreen
from tui.screens.shot_preview import ShotScreen
from tui.screens.workspace import open_workspace

__all__ = ["demo", "home", "lmdeploy", "machine", "models", "recording", "slice_card"]

Install = Callable[..., Path]
STORY = "帮我讲述一个关于狐狸和西瓜的小故事"
DEMO: dict[str, Any] = {"speed": 0, "first_token": 0}


@asynccontextmanager
async def walking(options: AppOptions, size: tuple[int, int] = (100, 40)) -> AsyncIterator[tuple[LmdeckApp, Any]]:
    app = LmdeckApp(partial(open_workspace, options), options, terminal=Terminal("plain"))
    async with app.run_test(size=size, notifications=True) as pilot:
        app.animation_level = "none"
        await until_pilot(pilot, lambda: isinstance(app.screen, HomeworkScreen), 30, "the walk")
        yield app, pilot


def shown(app: Any) -> HomeworkScreen:
    assert isinstance(app.screen, HomeworkScreen), app.screen
    return app.screen


async def next_is(pilot: Any, app: Any, key: str, timeout: float = 30.0) -> None:
    """Wait until the walk is shown, with its cursor on a step."""

    def there() -> bool:
        if not isinstance(app.screen, HomeworkScreen):
            return False
        chosen = app.screen.rows_view.chosen_step
        return chosen is not None and chosen.key == key

    await until_pilot(pilot, there, timeout, f"the walk at {key}\n{screen_text(app)}")


class Keys:
    """Presses keys and counts them."""

    def __init__(self, pilot: Any) -> None:
        self.count = 0
        self._pilot = pilot

    async def __call__(self, *keys: str) -> None:
        self.count += len(keys)
        await self._pilot.press(*keys)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of its own, where the pictures go."""
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path / "lmdeck-pictures"


@pytest.mark.timeout(900)
@pytest.mark.parametrize("language", ["en", "zh-CN"])
async def test_the_whole_walk_on_the_simulated_server(folder: Path, tmp_path: Path, language: str) -> None:
    options = AppOptions(demo=DEMO, homework="camp", store=tmp_path / "c.sqlite3", language=language)
    set_language(language)
    async with walking(options) as (app, pilot):
        press = Keys(pilot)
        # The server runs already: its facts tick the first two steps.
        await next_is(pilot, app, "camp-basic/2")
        await see(pilot, "awq")
        await see(pilot, "狐狸")
        if language == "en":
            await see(pilot, "Weights in 4 bits  awq with 4 bits")
            await see(pilot, "A simulated server answers")
            await see(pilot, "Homework: 2 of 7 steps")
        await press("enter")
        await next_is(pilot, app, "camp-basic/3")
        assert STORY in [message.text for message in app.chat.workspace.reading.messages]
        await press("enter")
        await until_pilot(pilot, lambda: isinstance(app.screen, ShotScreen) and app.screen.pages, 30)
        await press("enter")
        await next_is(pilot, app, "camp-optional/0")
        first = load_progress().of("camp-basic")
        assert Path(first.pictures[0]).read_bytes().startswith(b"\x89PNG")
        assert Path(first.pictures[0]).parent == folder
        await press("s")
        await next_is(pilot, app, "camp-optional/1")
        conversation = app.chat.session.conversation_id
        await press("enter")
        await next_is(pilot, app, "camp-optional/2")
        assert app.chat.session.conversation_id != conversation, "a task of its own, a conversation of its own"
        if language == "en":
            await see(pilot, "Called and shown: add, mul  2 calls with their results")
            await see(pilot, "A model with 7b in its name  the model is")
        await press("enter")
        await until_pilot(pilot, lambda: isinstance(app.screen, ConfirmScreen))
        await press("tab", "enter")
        await until_pilot(pilot, lambda: isinstance(app.screen, ShotScreen) and app.screen.pages, 30)
        await press("enter")
        await until_pilot(pilot, lambda: len(load_progress().of("camp-optional").pictures) == 1, 30)
        await until_pilot(pilot, lambda: isinstance(app.screen, HomeworkScreen))
        assert press.count <= 15
        await press("r")
        report = folder / "lmdeck-homework.md"
        await until_pilot(pilot, report.exists, 30)
        await until_pilot(pilot, (folder / "lmdeck-homework.html").exists, 30)
        text = report.read_text("utf-8")
        for piece in (STORY, "| awq", "⚙", "camp-basic.pictures-1.png", "lmdeploy serve api_server", "Compute (3+5)"):
            assert piece in text, piece
        report.write_text(text.replace("\n## ", "\nMine.\n\n## ", 1), "utf-8")
        await until_pilot(pilot, lambda: isinstance(app.screen, HomeworkScreen))
        await press("r")
        await until_pilot(pilot, lambda: isinstance(app.screen, HomeworkScreen) and app.screen.rows_view.said, 30)
        assert "Mine." in report.read_text("utf-8")


@pytest.mark.timeout(900)
async def test_it_goes_on_where_it_was_left(folder: Path, tmp_path: Path) -> None:
    options = AppOptions(demo=DEMO, homework="camp-basic", store=tmp_path / "c.sqlite3")
    async with walking(options) as (app, pilot):
        await next_is(pilot, app, "camp-basic/2")
        await pilot.press("enter")
        await next_is(pilot, app, "camp-basic/3")
        await pilot.press("escape")
        await until_pilot(pilot, lambda: app.screen is app.chat)
    async with walking(options) as (app, pilot):
        await next_is(pilot, app, "camp-basic/3")
        await see(pilot, "The model's reply")
        await until_pilot(pilot, lambda: "✓ The model's reply" in screen_text(app), what="the reply of the kept talk")
        await pilot.press("s")
        await see(pilot, "Everything is done.")
        await pilot.press("up", "up", "up", "up")
        await see(pilot, "skipped")
        await pilot.press("x")
        await see(pilot, "Homework: 2 of 4 steps")
        await next_is(pilot, app, "camp-basic/2")
        # What was done by hand can be asked for again.
        await pilot.press("up", "s")
        await pilot.press("escape")
        await until_pilot(pilot, lambda: app.screen is app.chat)
        await app.run_action("screen.homework", default_namespace=app.chat)
        await until_pilot(pilot, lambda: isinstance(app.screen, HomeworkScreen))
        app.action_switch_language()
        await see(pilot, "基础任务")


@pytest.mark.timeout(900)
async def test_quantise_start_ask_picture_with_lmdeploy_in_at_most_fifteen_keys(
    folder: Path, tmp_path: Path, machine: LocalMachine, lmdeploy: Install, recording: Install, models: Path,
    demo: RunningDemo, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """lmdeploy is the stand-in; the server that it starts says nothing, so the chat goes to the simulated one."""
    root = tmp_path / "root"
    root.mkdir()
    for name in ("internlm2_5-1_8b-chat", "internlm2_5-7b-chat"):
        (root / name).symlink_to(models / name)
    (tmp_path / "lmdeck-config").mkdir()
    (tmp_path / "lmdeck-config" / "config.toml").write_text(f"model_roots = ['{root}']\n")
    monkeypatch.setattr("tui.launch.models.ROOTS", ())
    monkeypatch.setattr("tui.screens.launching.ROOTS", (), raising=False)
    monkeypatch.setenv("FAKE_RESULT", str(models / "internlm2_5-1_8b-chat-w4a16-4bit"))
    lmdeploy()
    recording("turbomind-1_8b-w4a16-ratio0.4-kvint4", speed=400.0)
    asked: list[AppOptions] = []

    def opener(chosen: AppOptions) -> Any:
        asked.append(chosen)
        here = replace(chosen, url=demo.url, homework="", store=tmp_path / "c.sqlite3")
        return partial(open_workspace, here)

    async def look() -> AsyncIterator[Surroundings]:
        yield Surroundings()

    options = AppOptions(url="http://127.0.0.1:9", homework="camp", store=tmp_path / "c.sqlite3")
    app = LmdeckApp(partial(open_workspace, options), options, terminal=Terminal("plain"))
    app.opener, app.look = opener, look
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        app.animation_level = "none"
        press = Keys(pilot)
        await next_is(pilot, app, "camp-basic/0")
        await press("enter")
        await until_pilot(pilot, lambda: isinstance(app.screen, QuantiseScreen) and not app.screen.state.checking, 30)
        form = app.screen.form.wish.words
        assert form[0] == str(root / "internlm2_5-1_8b-chat")
        assert form[2] == str(root / "internlm2_5-1_8b-chat-w4a16-4bit")
        await see(pilot, "GiB are free", 30)
        await press("f6")
        await see(pilot, "Quantised in", 90)
        await press("escape")
        await next_is(pilot, app, "camp-basic/1")
        await press("enter")
        port = fake_lmdeploy.free_port()
        await until_pilot(pilot, lambda: isinstance(app.screen, LaunchScreen) and not app.screen.state.checking, 30)
        assert app.screen.form.wish.command.policy == 4
        assert app.screen.form.wish.command.ratio == 0.4
        app.screen.start_over(
            replace(app.screen.form.wish, words=(*app.screen.form.wish.words, "--server-port", str(port)))
        )
        press.count += 1  # F6, on a port that no other test has
        await next_is(pilot, app, "camp-basic/2", 60)
        assert asked[-1].url == f"http://127.0.0.1:{port}"
        await until_pilot(pilot, lambda: app.chat.workspace is not None and app.chat.workspace.link.facts.models, 30)
        await press("enter")
        await next_is(pilot, app, "camp-basic/3")
        await press("enter")
        await until_pilot(pilot, lambda: isinstance(app.screen, (ConfirmScreen, ShotScreen)), 30)
        if isinstance(app.screen, ConfirmScreen):  # the simulated server's machine shows no lmdeploy
            await pilot.press("tab", "enter")
        await until_pilot(pilot, lambda: isinstance(app.screen, ShotScreen) and app.screen.pages, 30)
        await press("enter")
        await next_is(pilot, app, "camp-optional/0")
        await press("enter")
        await until_pilot(pilot, lambda: isinstance(app.screen, LaunchScreen) and not app.screen.state.checking, 30)
        assert app.screen.form.wish.command.model == str(root / "internlm2_5-7b-chat")
        press.count += 1  # F6 there
        await press("escape")
        await next_is(pilot, app, "camp-optional/0")
        assert press.count + 3 <= 15  # prompt, picture, its Enter
        kept = json.loads((tmp_path / "lmdeck-state" / "homework.json").read_text("utf-8"))
        assert kept["tasks"]["camp-basic"]["done"] == [0, 1, 2]


async def test_ways_into_the_walk_and_out_of_it(folder: Path) -> None:
    async with running(size=(100, 40)) as (app, pilot, workspace):
        app.chat.send("/homework nothing-like-it")
        await see(pilot, "There is no assignment to walk through: nothing-like-it.")
        app.chat.send("/homework camp-optional")
        await until_pilot(pilot, lambda: isinstance(app.screen, HomeworkScreen), 30)
        assert "Basic task" not in screen_text(app)
        app.chat.action_homework()
        await pilot.pause()
        assert [type(screen).__name__ for screen in app.screen_stack].count("HomeworkScreen") == 1
        await pilot.press("r")
        await see(pilot, "There is nothing to report yet")
        await pilot.press("escape")
        await until_pilot(pilot, lambda: app.screen is app.chat)
        app.chat.send("/report")
        await see(pilot, "There is nothing to write yet.")
        workspace.fake.turn()
        await until_pilot(pilot, lambda: workspace.fake.messages)
        target = folder.parent / "mine.md"
        app.chat.send(f"/report {target}")
        await until_pilot(pilot, target.exists, 30)
        await see(pilot, "Written: ")
        app.chat.send(f"/report {target.parent / 'no' / 'such' / 'x.md'}")
        await see(pilot, "The report could not be written")
        app.chat.send("/report")
        await until_pilot(pilot, lambda: list(folder.glob("*-report.md")), 30)


async def test_what_goes_wrong_on_the_way_is_said(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.support.fake_session import TIMINGS
    from tui.model.events import TurnFailed
    from tui.model.problem import Problem

    async with running(size=(100, 40)) as (app, pilot, workspace):
        workspace.fake.tools_enabled = frozenset({"clock"})
        workspace.fake.busy = True
        await app.run_action("screen.homework('camp-optional')", default_namespace=app.chat)
        await next_is(pilot, app, "camp-optional/0")
        await pilot.press("s")
        await next_is(pilot, app, "camp-optional/1")
        await pilot.press("enter")
        await see(pilot, "A reply is running: stop it first")
        workspace.fake.busy = False
        await next_is(pilot, app, "camp-optional/1")
        await pilot.press("enter")
        await until_pilot(pilot, lambda: ("submit", "Compute (3+5)*2", False, False) in workspace.fake.calls)
        assert workspace.fake.tools_enabled == {"clock", "add", "mul"}
        await pilot.press("f1")
        await until_pilot(pilot, lambda: app.screen is not app.chat)
        workspace.fake.play(TurnFailed(Problem("server.unreachable", {"url": "http://x"}), TIMINGS))
        await pilot.press("escape")
        await next_is(pilot, app, "camp-optional/1")
        assert shown(app).rows_view.said
        # A picture is asked for although nothing was said: what is missing is named, and "no" leaves it.
        await pilot.press("down", "enter")
        await until_pilot(pilot, lambda: isinstance(app.screen, ConfirmScreen))
        await see(pilot, "Missing: ")
        await pilot.press("escape")
        await until_pilot(pilot, lambda: isinstance(app.screen, HomeworkScreen))

        def full(*_arguments: object) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr("tui.homework.progress.save_progress", full)
        await pilot.press("s")
        await see(pilot, "How far you are cannot be kept (No space left on device).")


async def test_without_a_server_the_question_waits(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tui.screens.chat_homework._OPENING_ATTEMPTS", 2)
    async with running(size=(80, 24)) as (app, pilot, workspace):
        await app.run_action("screen.homework('camp-basic')", default_namespace=app.chat)
        await next_is(pilot, app, "camp-basic/0")
        app.chat.workspace = None
        await pilot.press("s")
        await next_is(pilot, app, "camp-basic/1")
        await pilot.press("s")
        await next_is(pilot, app, "camp-basic/2")
        await pilot.press("enter")
        await see(pilot, "No server is open yet")
        await pilot.press("r")
        await see(pilot, "There is nothing to report yet")
        app.chat.workspace = workspace


@pytest.mark.timeout(900)
async def test_a_server_started_by_hand_ticks_the_first_steps_by_its_facts(
    folder: Path, tmp_path: Path, machine: LocalMachine, lmdeploy: Install, recording: Install, models: Path
) -> None:
    prefix = lmdeploy()
    recording("turbomind-1_8b-w4a16-ratio0.4-kvint4", speed=400.0)
    port = fake_lmdeploy.free_port()
    model = models / "internlm2_5-1_8b-chat-w4a16-4bit"
    flags = [
        "--model-format",
        "awq",
        "--quant-policy",
        "4",
        "--cache-max-entry-count",
        "0.4",
        "--server-port",
        str(port),
    ]
    with (tmp_path / "server.log").open("wb") as log:
        server = subprocess.Popen(
            [prefix / "bin" / "lmdeploy", "serve", "api_server", model, *flags], stdout=log, stderr=log
        )
        try:
            await until(lambda: b"Uvicorn running" in (tmp_path / "server.log").read_bytes(), 60)
            with (tmp_path / "server.log").open("ab") as more:
                more.write(b'INFO:     127.0.0.1:5 - "POST /v1/chat/completions HTTP/1.1" 200 OK\n')
            options = AppOptions(url=f"http://127.0.0.1:{port}", homework="camp-basic", store=tmp_path / "c.sqlite3")
            async with walking(options) as (app, pilot):
                await next_is(pilot, app, "camp-basic/2")
                await see(pilot, "Weights in 4 bits  awq with 4 bits", 30)
                await see(pilot, "Quantised kv cache  quant policy int4")
                await see(pilot, "vgpu-smi: | 0 ")
                assert "simulated" not in screen_text(app)
                witness = app.chat.workspace.memory.snapshot()[0].witness
                assert "MiB / 24576 MiB" in witness.gpu_line
                assert witness.access_line.endswith('"POST /v1/chat/completions HTTP/1.1" 200 OK')
                assert witness.setup.command[:4] == ("lmdeploy", "serve", "api_server", str(model))
        finally:
            server.kill()
            server.wait()


async def test_the_card_of_the_connect_screen_opens_the_walk(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LMDECK_LANGUAGE", "en")
    asked: list[AppOptions] = []

    def opener(chosen: AppOptions) -> Any:
        async def factory(_approve: object, _tell: object) -> FakeWorkspace:
            return FakeWorkspace()

        asked.append(chosen)
        return factory

    async def look() -> AsyncIterator[Surroundings]:
        yield Surroundings(servers=(FoundServer("http://127.0.0.1:23334", ("m",)),))

    options = AppOptions(connect=True)
    app = LmdeckApp(opener(options), options, terminal=Terminal("plain"))
    app.opener, app.look = opener, look
    async with app.run_test(size=(100, 40), notifications=True) as pilot:
        await see(pilot, "Do the camp's homework")
        cards = app.screen.query_one("#cards", OptionList)
        cards.highlighted = cards.get_option_index("homework")
        await pilot.press("enter")
        await next_is(pilot, app, "camp-basic/0")
        assert (asked[-1].homework, asked[-1].url) == ("camp", "http://127.0.0.1:23334")
        await pilot.press("f1")
        await see(pilot, "Ticks come from what is really")
