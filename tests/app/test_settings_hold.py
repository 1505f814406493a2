"""Settings whose effect is seen on the chat screen: the panel's side, silence, the rate of frames."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.app import running, screen_text, see
from tests.support.fake_session import FakeGpu, FakeWorkspace
from tests.support.memory_recordings import load
from tests.support.waiting import until, until_pilot
from tui.app import LmdeckApp
from tui.config.paths import config_folder
from tui.model import events
from tui.screens.silence import Silence
from tui.widgets.lines import Banner


def configured(text: str) -> Path:
    path = config_folder() / "config.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def with_gpu() -> FakeWorkspace:
    recording = load("turbomind-1_8b-w4a16-ratio0.4-kvint4")
    return FakeWorkspace(gpu=FakeGpu(recording.reading(recording.ready_sample())))


async def test_the_panel_stands_on_the_side_that_is_set_and_moves_at_once():
    path = configured('panel_side = "left"\n')
    async with running(with_gpu(), size=(120, 36)) as (app, pilot, _workspace):
        side, conversation = app.chat.query_one("#side"), app.chat.query_one("#conversation")
        await until_pilot(pilot, lambda: side.region.width > 0 and side.region.x == 0)
        assert conversation.region.x == side.region.right
        path.write_text('panel_side = "right"\n', encoding="utf-8")
        await app.live.poll()
        await until_pilot(pilot, lambda: conversation.region.x == 0)
        assert side.region.x == conversation.region.right
        assert side.region.right == 120


async def test_the_rate_of_frames_holds_at_once():
    path = configured("frames_local = 10\nframes_ssh = 10\n")
    async with running() as (app, pilot, _workspace):
        await until_pilot(pilot, lambda: app.chat.transcript.seconds_per_frame == 1 / 10)
        path.write_text("frames_local = 4\nframes_ssh = 4\n", encoding="utf-8")
        await app.live.poll()
        await until_pilot(pilot, lambda: app.chat.transcript.seconds_per_frame == 1 / 4)


async def test_a_silent_server_is_said_and_forgotten_when_it_speaks():
    configured("stall_notice = 1\n")
    async with running() as (app, pilot, workspace):
        banner = app.chat.query_one(Banner)
        await until_pilot(pilot, lambda: app.chat.silence_limit == 1)
        workspace.fake.play(events.UserMessageAdded("u1", "hello"), events.TurnStarted("t1", "m"))
        workspace.fake.play(events.RoundStarted(1, "a1"))
        await see(pilot, "The server has sent nothing for 1 s.")
        await see(pilot, "nothing for 2 s.")
        workspace.fake.play(events.TextDelta("hi"))
        await until_pilot(pilot, lambda: not banner.display)
        assert "hi" in screen_text(app)


async def test_only_the_servers_silence_counts():
    said: list[int] = []
    silence = Silence(said.append, limit=0.02)
    silence.heard(events.QueueChanged(()))
    silence.heard(events.RoundStarted(1, "a1"))
    await until(lambda: said, what="the silence is said")
    silence.heard(events.ToolRunning("c1"))
    assert said == [0, 0], "seconds, then over"
    silence.heard(events.TextDelta("x"))
    silence.heard(events.TextDelta("y"))
    await until(lambda: len(said) == 3)
    silence.end()
    assert said == [0, 0, 0, 0]


def look(app: LmdeckApp) -> tuple[object, ...]:
    """What a theme decides: classes, colours of some widgets, the filters of every line."""
    filters = [(type(one).__name__, getattr(one, "enabled", None)) for one in app.get_line_filters()]
    colours = [app.chat.query_one(f"#{name}").background_colors for name in ("conversation", "side", "composer")]
    return sorted(app.classes), app.theme, dict(app.theme_variables), colours, filters, app.ansi_theme


@pytest.mark.parametrize("theme", ["lmdeck-light", "ansi", "lmdeck-dark"])
async def test_a_theme_at_start_is_the_same_as_one_chosen_later(theme: str):
    configured(f'theme = "{theme}"\n')
    async with running() as (app, pilot, _workspace):
        await until_pilot(pilot, lambda: len(app.available_themes) > 20)
        at_start = look(app)
        assert app.theme == theme
        app.theme = "lmdeck-light" if theme == "lmdeck-dark" else "lmdeck-dark"
        await until_pilot(pilot, lambda: look(app) != at_start)
        app.theme = theme
        await until_pilot(pilot, lambda: look(app) == at_start)
