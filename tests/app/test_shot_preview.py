"""F12: the preview, its keys, and where the picture goes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.app import running, screen_text, see
from tests.support.fake_session import FakeGpu, FakeWorkspace
from tests.support.memory_recordings import load
from tests.support.pixels import read_png
from tests.support.shots import record, turn_messages
from tests.support.waiting import until_pilot
from tests.unit.hosts.test_monitor import Found, findings
from tui.hosts.monitor import MemoryMonitor
from tui.i18n import set_language
from tui.model.problem import Problem, ProblemError
from tui.model.turn import TurnRecord
from tui.screens.shot_preview import ShotScreen


@pytest.fixture(autouse=True)
def _surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A home of its own, no display, no ssh."""
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "SSH_CONNECTION", "SSH_TTY", "WSL_DISTRO_NAME"):
        monkeypatch.delenv(name, raising=False)
    set_language("en")
    yield
    set_language("en")


class Kept:
    """The records of three turns; the last one has no memory figures."""

    def __init__(self, broken: bool = False) -> None:
        self.broken = broken

    async def turns(self, conversation_id: str) -> list[TurnRecord]:
        if self.broken:
            raise ProblemError(Problem("store.read_only", {"path": "x"}))
        assert conversation_id == "c1"
        return [record(1), record(2), record(3, cards=())]


def talk(*, broken: bool = False) -> FakeWorkspace:
    """A workspace with a conversation of three turns."""
    workspace = FakeWorkspace()
    workspace.fake.title = "Quantising 量化"
    workspace.fake.messages = (
        *turn_messages(1, "question one", tools=True),
        *turn_messages(2, "question two"),
        *turn_messages(3, "question three 한"),
    )
    workspace.kept = Kept(broken)  # type: ignore[assignment]
    return workspace


def watched(workspace: FakeWorkspace) -> FakeWorkspace:
    """The same with a card that is looked at now."""
    recording = load("turbomind-1_8b-w4a16-ratio0.4-kvint4")
    gpu = FakeGpu(recording.reading(recording.ready_sample()))
    workspace.memory = MemoryMonitor(workspace.link, gpu, Found(findings(recording)))
    return workspace


async def opened(pilot: Any, app: Any) -> ShotScreen:
    await pilot.press("f12")
    await until_pilot(pilot, lambda: isinstance(app.screen, ShotScreen) and app.screen.pages, what="the preview")
    await see(pilot, "pixels")
    return app.screen


async def test_f12_shows_the_last_turn_and_enter_writes_it(tmp_path: Path) -> None:
    async with running(talk(), size=(120, 36)) as (app, pilot, _workspace):
        await opened(pilot, app)
        await see(pilot, "question three")
        assert "turn 3 of 3 · 1 picture" in screen_text(app)
        assert "question two" not in screen_text(app)
        await pilot.press("enter")
        await see(pilot, "Written: ")
        await see(pilot, "1 character has no glyph")
        await see(pilot, "No program that puts pictures on the clipboard was found")
        folder = tmp_path / "lmdeck-pictures"
        assert sorted(path.name for path in folder.iterdir()) == ["Quantising-量化.png", "Quantising-量化.svg"]
        assert read_png((folder / "Quantising-量化.png").read_bytes()).size[0] == 2400
        await pilot.press("enter")
        await until_pilot(pilot, (folder / "Quantising-量化_2.svg").exists, what="a second picture")
        await pilot.press("escape")
        await until_pilot(pilot, lambda: app.screen is app.chat, what="the chat")


async def test_turns_are_chosen_with_keys() -> None:
    async with running(talk(), size=(120, 60)) as (app, pilot, _workspace):
        await opened(pilot, app)
        for key, said in (
            ("plus", "turns 2 to 3 of 3"), ("plus", "turns 1 to 3 of 3"), ("plus", "turns 1 to 3 of 3"),
            ("minus", "turns 2 to 3 of 3"), ("left_square_bracket", "turns 1 to 2 of 3"),
            ("right_square_bracket", "turns 2 to 3 of 3"), ("a", "turns 1 to 3 of 3"), ("a", "turn 3 of 3"),
        ):  # fmt: skip
            await pilot.press(key)
            await see(pilot, said)


async def test_the_look_is_chosen_with_keys() -> None:
    async with running(talk(), size=(120, 60)) as (app, pilot, _workspace):
        screen = await opened(pilot, app)
        await pilot.press("left_square_bracket", "left_square_bracket")
        await see(pilot, "question one")
        await see(pilot, "█ weights")
        for key, there in (("p", "█ weights"), ("d", '"a": 3'), ("f", "lmdeploy 0.18.0")):
            assert there in screen_text(app)
            await pilot.press(key)
            await until_pilot(pilot, lambda text=there: text not in screen_text(app), what=f"no {there}")
        await pilot.press("h")
        await see(pilot, "First the sum")
        await pilot.press("s")
        await see(pilot, "1200 × ")
        await pilot.press("w")
        await see(pilot, "1600 × ")
        await pilot.press("w")
        await see(pilot, "800 × ")
        await pilot.press("t")
        await see(pilot, "lmdeck-dark")
        await pilot.press("t", "g", "o")
        await see(pilot, "lmdeck-light")
        assert screen.choice.look.system_fonts
        assert screen.choice.look.outlines


async def test_user_and_host_can_be_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tui.screens.shot_content.user_at_host", lambda: "me@box")
    async with running(talk(), size=(120, 60)) as (app, pilot, _workspace):
        await opened(pilot, app)
        await see(pilot, "me@box")
        await pilot.press("u")
        await until_pilot(pilot, lambda: "me@box" not in screen_text(app), what="no user")


async def test_the_memory_of_then_or_now() -> None:
    async with running(watched(talk()), size=(120, 60)) as (app, pilot, workspace):
        await until_pilot(pilot, lambda: bool(workspace.memory and workspace.memory.state.cards), what="the card")
        await opened(pilot, app)
        await see(pilot, "memory now")  # nothing was kept with the last turn
        await see(pilot, "NVIDIA H200")
        await pilot.press("left_square_bracket", "m")
        await see(pilot, "memory of the turn")
        await see(pilot, "NVIDIA A100")
        assert "NVIDIA H200" not in screen_text(app)


async def test_the_selected_turn_is_shown_first() -> None:
    async with running(talk(broken=True), size=(120, 36)) as (app, pilot, _workspace):
        await see(pilot, "question three")
        await pilot.press("alt+up", "alt+up", "alt+up")
        assert app.chat.transcript.selected == "b2"
        await opened(pilot, app)
        await see(pilot, "turn 2 of 3")


async def test_over_ssh_the_line_that_fetches_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSH_CONNECTION", "10.0.0.1 5 10.0.0.2 22")
    async with running(talk(), size=(120, 36)) as (app, pilot, _workspace):
        screen = await opened(pilot, app)
        await pilot.press("c")  # nothing to copy yet
        await pilot.press("enter")
        await see(pilot, "scp 'HOST:lmdeck-pictures/")
        assert screen.line == "lmdeck pull HOST"
        await pilot.press("c")
        await see(pilot, "Sent to the terminal's clipboard")
        assert app.clipboard == screen.line


@pytest.mark.parametrize(("code", "said"), [(0, "xclip took the first picture"), (1, "xclip could not put")])
async def test_a_display_here_gets_the_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, said: str
) -> None:
    program = tmp_path / "bin" / "xclip"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/asked\nexit {code}\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent), prepend=":")
    monkeypatch.setenv("DISPLAY", ":0")
    async with running(talk(), size=(120, 36)) as (app, pilot, _workspace):
        await opened(pilot, app)
        await pilot.press("enter")
        await see(pilot, said)
        asked = (tmp_path / "asked").read_text()
        assert "-t image/png" in asked
        assert "Quantising-量化.png" in asked


async def test_a_picture_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "lmdeck-pictures").touch()
    async with running(talk(), size=(120, 36)) as (app, pilot, _workspace):
        await opened(pilot, app)
        await pilot.press("enter")
        await see(pilot, "could not be written")


async def test_the_preview_scrolls_both_ways() -> None:
    async with running(talk(), size=(80, 24)) as (app, pilot, _workspace):
        await opened(pilot, app)
        await pilot.press("a")
        await see(pilot, "turns 1 to 3")
        assert "Quantising 量化" in screen_text(app)
        await pilot.press("pagedown")
        await until_pilot(pilot, lambda: "Quantising 量化" not in screen_text(app), what="scrolled")
        await pilot.press("right", "right")
        await see(pilot, "│")


async def test_nothing_said_yet_is_no_picture() -> None:
    async with running(size=(120, 36)) as (app, pilot, _workspace):
        await pilot.press("f12")
        await see(pilot, "no conversation to take a picture of")
        assert app.screen is app.chat


async def test_slash_shot_opens_it_too() -> None:
    async with running(talk(), size=(120, 36)) as (app, pilot, _workspace):
        app.chat.run_slash("shot", "")
        await until_pilot(pilot, lambda: isinstance(app.screen, ShotScreen), what="the preview")
        await see(pilot, "pixels")


async def test_a_theme_that_went_away_is_said() -> None:
    async with running(talk(), size=(120, 36)) as (app, pilot, _workspace):
        screen = await opened(pilot, app)
        screen._themes = ("gone",)
        await pilot.press("t")
        await see(pilot, "no theme called")


async def test_a_replay_has_pictures_too() -> None:
    workspace = FakeWorkspace(replay=True)
    workspace.fake.messages = tuple(turn_messages(1, "question one"))
    async with running(workspace, size=(120, 36)) as (app, pilot, _workspace):
        await opened(pilot, app)
        await see(pilot, "question one")
        await pilot.press("enter")
        await see(pilot, "lmdeck-pictures/lmdeck.png")
