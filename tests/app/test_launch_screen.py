"""The launch screen and the log screen, with the stand-in lmdeploy behind them."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.widgets import Input, TextArea

from tests.support.app import running, screen_text, see, send
from tests.support.launch_screens import opened, site
from tests.support.launching import (
    AWQ,
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
from tui.launch.machine import LocalMachine
from tui.launch.starting import spawned
from tui.launch.wish import ServeWish
from tui.screens.confirm import ConfirmScreen
from tui.screens.launch import LaunchScreen
from tui.screens.logs import LogScreen
from tui.screens.room import Landing, Site
from tui.screens.servers import ServersScreen

__all__ = ["home", "lmdeploy", "machine", "models", "recording", "slice_card"]


async def test_the_homework_is_planned_started_and_answers_its_address(
    machine: LocalMachine, lmdeploy: Install, recording: Install, models: Path
) -> None:
    lmdeploy()
    recording(W4A16, speed=15.0)
    async with running(size=(120, 36)) as (app, pilot, _workspace):
        screen, answers = await opened(app, pilot, LaunchScreen(site(machine, models), homework(models)))
        await see(pilot, "It fits.")
        await see(pilot, "11.69 GiB")
        await see(pilot, "0.18.0")
        assert "int4" in screen_text(app)
        await send(pilot, "f6")
        await see(pilot, "✓ weights")
        await see(pilot, "of 11.69 ± 0.48 GiB")
        await until_pilot(pilot, lambda: answers, timeout=30)
        assert answers[0].url.startswith("http://127.0.0.1:")
        assert screen.state.memory.used > 11 << 30


async def test_rows_and_words_are_one(machine: LocalMachine, lmdeploy: Install, models: Path) -> None:
    lmdeploy()
    async with running(size=(100, 30)) as (app, pilot, _workspace):
        screen, _answers = await opened(
            app, pilot, LaunchScreen(site(machine, models), ServeWish((str(models / AWQ),)))
        )
        await see(pilot, "It fits.")
        screen.query_one("#form-quant_policy").focus()
        await pilot.press("end")
        assert screen.form.wish.command.policy == 4
        screen.query_one("#form-cache_max_entry_count").focus()
        await pilot.press("left")
        assert screen.form.wish.command.ratio == 0.79
        screen.query_one(
            "#launch-words", TextArea
        ).text = "lmdeploy serve api_server internlm2_5-7b-chat \\\n –model-format hf \\\n --cache-max-entry-count 0.5"
        await until_pilot(pilot, lambda: screen.query_one("#launch-model", Input).value == "internlm2_5-7b-chat")
        assert screen.form.wish.words[1:] == ("--model-format", "hf", "--cache-max-entry-count", "0.5")
        await see(pilot, "0.50")
        screen.query_one("#launch-words", TextArea).text = '"open'
        screen.query_one("#launch-words", TextArea).text = "--tp 3"
        await see(pilot, "must be a power of two")
        await send(pilot, "f6")
        await see(pilot, "must be a power of two")
        assert await spawned(machine) == ()
        screen.query_one("#launch-model", Input).value = ""
        await send(pilot, "escape")
        await until_pilot(pilot, lambda: app.screen is app.chat)


async def test_models_and_options_are_picked(machine: LocalMachine, lmdeploy: Install, models: Path) -> None:
    lmdeploy()
    async with running(size=(110, 34)) as (app, pilot, _workspace):
        screen, _answers = await opened(app, pilot, LaunchScreen(site(machine, models), None))
        await pilot.press("f2")
        await see(pilot, "internlm2_5-7b-chat")
        await send(pilot, "enter")
        await until_pilot(pilot, lambda: screen.form.wish.words == (str(models / "internlm2_5-1_8b-chat"),))
        await pilot.press("f3")
        await see(pilot, "Options of lmdeploy serve api_server")
        await send(pilot, "enter")
        await until_pilot(pilot, lambda: "--model-name" in screen.form.wish.words)
        await pilot.press("f4")
        await see(pilot, "Nothing that lmdeck started")


async def test_an_out_of_memory_becomes_a_card_whose_button_starts_again(
    machine: LocalMachine, lmdeploy: Install, recording: Install, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lmdeploy()
    recording("turbomind-oom", speed=400.0)
    async with running(size=(120, 40)) as (app, pilot, _workspace):
        screen, answers = await opened(app, pilot, LaunchScreen(site(machine, models), homework(models)))
        await see(pilot, "It fits.")
        await send(pilot, "f6")
        await see(pilot, "The card ran out of memory.")
        await see(pilot, "[Start with --cache-max-entry-count")
        await until_pilot(pilot, lambda: not screen.starting)
        recording(W4A16, speed=100.0)
        screen.view.focus()
        await send(pilot, "enter")
        await until_pilot(pilot, lambda: answers, timeout=30)
        assert screen.form.wish.command.ratio != 0.4
        assert answers[0].keeps is False
        again, _ = await opened(app, pilot, LaunchScreen(site(machine, models), homework(models)))
        await see(pilot, "yours")
        await pilot.press("f5")
        await until_pilot(pilot, lambda: isinstance(app.screen, ServersScreen) and app.screen.state.servers)
        servers = app.screen
        await see(pilot, "GiB")
        await pilot.press("delete")
        await see(pilot, f"Stop {AWQ}?")
        await send(pilot, "tab", "enter")
        await see(pilot, "GiB came back", timeout=30)
        await until_pilot(pilot, lambda: not servers.state.servers)
        await see(pilot, "ended with code")
        await send(pilot, "escape")
        await until_pilot(pilot, lambda: app.screen is again and not again.state.servers)


async def test_a_question_and_the_log(
    machine: LocalMachine, lmdeploy: Install, recording: Install, models: Path
) -> None:
    lmdeploy()
    recording(W4A16, "ask", speed=4.0)
    async with running(size=(120, 40)) as (app, pilot, _workspace):
        screen, answers = await opened(app, pilot, LaunchScreen(site(machine, models), homework(models)))
        await see(pilot, "It fits.")
        await send(pilot, "f6")
        await until_pilot(pilot, lambda: isinstance(app.screen, ConfirmScreen), what="the question")
        await see(pilot, "Do you wish to run the custom code?")
        await send(pilot, "escape")
        await see(pilot, "[y] yes")
        await until_pilot(pilot, lambda: screen.view.rows[screen.view.cursor].key == "answer-n")
        await send(pilot, "down", "enter")
        await see(pilot, "✓ CUDA context", timeout=20)
        await pilot.press("f4")
        await until_pilot(pilot, lambda: isinstance(app.screen, LogScreen))
        log = app.screen
        await see(pilot, "Uvicorn running on")
        await pilot.press("f3", *"slab")
        await until_pilot(pilot, lambda: len(log.view.shown) == 1)
        await see(pilot, "slab_size 33554432")
        await pilot.press("f9", "f4")
        assert app.clipboard == log.view.shown[0]
        assert not log.following
        await pilot.press("f5")
        assert len(log.view.shown) > 20
        assert "slab_size" in log.view.shown[log.view.found]
        await send(pilot, "escape")
        await until_pilot(pilot, lambda: answers, timeout=30)


async def test_others_servers_need_their_name_typed(
    machine: LocalMachine, lmdeploy: Install, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tui.model.launch import ServerEntry

    lmdeploy()

    async def listed(_machine: object, *, ended: bool = False) -> tuple[ServerEntry, ...]:
        return (ServerEntry(2**22 + 3, "/m/theirs", 23333, user="bob"),)

    monkeypatch.setattr("tui.screens.servers.servers", listed)
    async with running(size=(120, 36)) as (app, pilot, _workspace):
        screen = ServersScreen(Site(machine, pace=FAST))
        answers: list[Landing | None] = []
        app.push_screen(screen, answers.append)
        await see(pilot, "bob")
        await pilot.press("delete")
        await see(pilot, "theirs belongs to bob. Type its name to stop it.")
        await pilot.press(*"no", "enter")
        await see(pilot, "That is not its name; nothing was stopped.")
        assert screen.state.stops == []
        await pilot.press("delete")
        await see(pilot, "Type its name")
        await pilot.press(*"theirs", "enter")
        await until_pilot(pilot, lambda: screen.state.stops and screen.state.stops[-1] == "stopped")
        await pilot.press("f2")
        await see(pilot, "Choose a server of yours")
        await pilot.press("f4")
        await see(pilot, "Only the logs of what lmdeck started")
