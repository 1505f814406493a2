"""The hostile corpus through every place that shows foreign text: nothing is markup, nothing controls the terminal."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
from typing import Any

import pytest
from rich.segment import Segment
from textual.color import Color
from textual.content import Content
from textual.pilot import OutOfBounds

from tests.support.app import rows, running, screen_text, see
from tests.support.fake_session import TIMINGS, FakeGpu, FakeLink, FakeWorkspace
from tests.support.hostile import BIG, HOSTILE, MARK
from tests.support.waiting import until_pilot
from tui.model import events
from tui.model.gpu import GpuReading, GpuSample
from tui.model.problem import Problem
from tui.model.server import LinkPhase, LinkState, ServerFacts
from tui.model.tool import ToolCall, ToolSpec
from tui.screens.approval import ApprovalScreen
from tui.screens.facts import FactsScreen
from tui.screens.pick import PickScreen
from tui.screens.tools import ToolsScreen
from tui.widgets.literal import literal, one_line
from tui.widgets.output_filter import NoControls
from tui.widgets.parts import TurnLine
from tui.widgets.tool_call import ToolCallView

CONTROLS = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


async def harmless(pilot: Any) -> None:
    """What is on screen holds the hostile text, and nothing that controls the terminal. The pilot's pause may return
    before it is painted, so it is waited for."""
    await until_pilot(pilot, lambda: MARK in screen_text(pilot.app), what="the text on screen")
    text = screen_text(pilot.app)
    assert not CONTROLS.search(text), CONTROLS.search(text)


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
async def test_every_place_of_the_chat_screen(text: str):
    card = GpuSample(0, text, 24, 12, 12)
    problem = Problem("app.theme_bad", {"path": text, "reason": text}, text)
    link = FakeLink(ServerFacts(models=(text,), problems=(problem,)), LinkState(LinkPhase.LOST, 0.0, problem))
    workspace = FakeWorkspace(link=link, gpu=FakeGpu(GpuReading(0.0, (card,), text)))
    workspace.address = text
    workspace.notices = (problem,)
    async with running(workspace, size=(140, 60)) as (app, pilot, _workspace):
        session = workspace.fake
        session.turn(
            events.ReasoningDelta(text),
            events.TextDelta(text),
            events.ToolCallStarted("c1", text),
            events.ToolCallArguments("c1", json.dumps({text: text})),
            events.ToolResult("c1", text, text),
            events.ToolCallStarted("c2", text),
            events.ToolCallArguments("c2", text),
            events.ToolResult("c2", text, text, ok=False, problem=problem),
            events.Notice(problem),
            question=text,
        )
        session.play(events.TurnStarted("t", text), events.QueueChanged((text,)))
        session.play(events.TurnFailed(problem, TIMINGS))
        await until_pilot(pilot, lambda: len(app.chat.transcript.parts(TurnLine)) == 2)
        await harmless(pilot)
        app.chat.transcript.fold_parts()
        await pilot.pause()
        app.chat.transcript.move_view("home")
        await harmless(pilot)
        for view in list(app.chat.query("*"))[:40]:
            with contextlib.suppress(OutOfBounds):
                await pilot.hover(view)
        app.chat.composer.put(text)
        app.chat.hint(text)
        await harmless(pilot)
        app.screen.text_select_all()
        await until_pilot(pilot, lambda: app.screen.get_selected_text() is not None, what="a selection")


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
async def test_every_dialog(text: str):
    async with running(size=(120, 50)) as (app, pilot, _workspace):
        task = asyncio.create_task(app.chat.approve(ToolCall("c", text, {text: text}), ToolSpec(text, text, {})))
        await until_pilot(pilot, lambda: isinstance(app.screen, ApprovalScreen))
        await harmless(pilot)
        task.cancel()
        await until_pilot(pilot, lambda: app.screen is app.chat)
        problem = Problem("some.code", {}, text)
        for screen in (
            PickScreen(text, [text, text]),
            ToolsScreen([ToolSpec(text, text, {})], frozenset()),
            FactsScreen(ServerFacts(models=(text,), problems=(problem,)), LinkState(LinkPhase.LOST, 0.0, problem)),
        ):
            await app.push_screen(screen)
            await harmless(pilot)
            await pilot.press("escape")
            await until_pilot(pilot, lambda: app.screen is app.chat)


async def test_sheer_size_is_cut_where_it_is_not_the_answer():
    async with running() as (app, pilot, workspace):
        for number, text in enumerate(BIG):
            workspace.fake.turn(
                events.ToolCallStarted(f"c{number}", "add"),
                events.ToolCallArguments(f"c{number}", json.dumps({"x": text})),
                events.ToolResult(f"c{number}", "add", text),
            )
        await until_pilot(pilot, lambda: len(app.chat.transcript.parts(TurnLine)) == len(BIG), 30)
        app.chat.transcript.fold_parts()
        await see(pilot, "more characters")
        transcript = app.chat.transcript
        assert all(call.height(transcript.sheet.page) < 300 for call in transcript.parts(ToolCallView))


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_literal_text_is_itself_without_controls(text: str):
    content = literal(text)
    assert isinstance(content, Content)
    assert MARK in content.plain
    assert not CONTROLS.search(content.plain.replace("\n", ""))
    assert "\n" not in one_line(text)
    if not CONTROLS.search(text) and "\u2028" not in text and "zalgo" not in text:
        assert content.plain == text


def test_the_output_filter_is_the_last_gate():
    gate = NoControls()
    clean = [Segment("plain 中文")]
    assert gate.apply(clean, Color(0, 0, 0)) is clean
    (segment,) = gate.apply([Segment("a\x1b]0;x\x07b\u202e")], Color(0, 0, 0))
    assert segment.text == "a\ufffd]0;x\ufffdb\ufffd"


async def test_the_output_filter_stands_behind_every_widget():
    from textual.widgets import Static

    async with running() as (app, pilot, _workspace):
        await app.chat.mount(Static(Content("raw \x1b[31m text"), id="raw"))
        await see(pilot, "raw")
        assert "\x1b" not in "".join(rows(app))
        assert app.FILTER in app.get_line_filters()
