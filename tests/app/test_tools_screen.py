"""The tools screen with real tools: a folder, processes, a settings file."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from textual.widgets import Button, SelectionList, TextArea

from tests.support.app import running, screen_text, see
from tests.support.fake_session import FakeWorkspace
from tests.support.waiting import until_pilot
from tui.config.mcp import McpFields, McpServerConfig
from tui.config.settings import config_path
from tui.config.settings_file import read_config
from tui.model import events
from tui.model.message import ImagePart
from tui.model.problem import Problem
from tui.model.tool import Decision, ToolCall, ToolSpec, Verdict
from tui.screens.approval import ApprovalScreen
from tui.screens.seam import ToolsRoom
from tui.screens.tool_try import TryToolScreen, sample
from tui.screens.tools import ToolsScreen
from tui.tools.approval import Policy
from tui.tools.mcp_servers import mcp_servers
from tui.tools.python_tools import PythonTools
from tui.tools.setup import UserTools
from tui.widgets.tool_call import CallState, ToolCallView
from tui.widgets.tool_details import result_text

AREA = '''\
def area(width: float, height: float) -> float:
    """Compute the area of a rectangle."""
    print("computing")
    return width * height
'''


@asynccontextmanager
async def room(folder: Path, *servers: McpServerConfig) -> AsyncIterator[ToolsRoom]:
    box = UserTools(PythonTools(folder), mcp_servers(servers), 20_000)
    yield ToolsRoom(box, Policy(path=config_path()))
    await box.aclose()


@asynccontextmanager
async def tools_screen(
    folder: Path, *servers: McpServerConfig, size: tuple[int, int] = (100, 40)
) -> AsyncIterator[Any]:
    """The screen, open, with the files read."""
    async with room(folder, *servers) as opened:
        workspace = FakeWorkspace()
        workspace.tools_room = opened
        await opened.box.refresh()
        workspace.tools = opened.box.specs()
        async with running(workspace, size=size) as (app, pilot, _):
            await pilot.press("f4")
            await until_pilot(pilot, lambda: isinstance(app.screen, ToolsScreen))
            yield app, pilot, workspace


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "tools"
    path.mkdir()
    (path / "mine.py").write_text(AREA)
    return path


async def choose(app: Any, pilot: Any, name: str) -> None:
    place = [spec.name for spec in app.screen._specs].index(name)
    app.screen.query_one(SelectionList).highlighted = place
    await until_pilot(pilot, lambda: app.screen.chosen.name == name)


async def test_a_function_with_its_schema_rule_and_switch(folder: Path) -> None:
    async with tools_screen(folder) as (app, pilot, workspace):
        await choose(app, pilot, "area")
        await see(pilot, "from mine.py · asks before it runs")
        await see(pilot, '"width": {')
        await pilot.press("a")
        await see(pilot, "always allowed")
        assert read_config(config_path()).data == {"allow_tools": ["area"]}
        await pilot.press("a")
        await see(pilot, "never runs")
        await pilot.press("a")
        await see(pilot, "asks before it runs")
        app.screen.query_one(SelectionList).deselect("mul")
        await pilot.pause()
        app.screen.query_one("#ok", Button).press()
        await until_pilot(pilot, lambda: workspace.fake.tools_enabled == frozenset({"add", "area"}))
        await see(pilot, "tools: add, area")


async def test_trying_a_tool_by_hand(folder: Path) -> None:
    async with tools_screen(folder) as (app, pilot, _workspace):
        await choose(app, pilot, "area")
        await pilot.press("t")
        await until_pilot(pilot, lambda: isinstance(app.screen, TryToolScreen))
        area = app.screen.query_one(TextArea)
        assert '"width": 0' in area.text
        for text, said in (
            ("{", "That is not JSON"),
            ("[]", "JSON object"),
            ('{"width": "x", "height": 1}', "The model would be told"),
            ('{"width": 3, "height": 2.5}', "7.5"),
        ):
            area.text = text
            app.screen.query_one("#run", Button).press()
            await see(pilot, said, 20)
        await see(pilot, "computing")
        app.screen.query_one("#close", Button).press()
        await until_pilot(pilot, lambda: isinstance(app.screen, ToolsScreen))
        await choose(app, pilot, "add")
        await see(pilot, "built in · runs without asking")
        await pilot.press("a")  # nothing to change
        await pilot.press("escape")
        await until_pilot(pilot, lambda: app.screen is app.chat)


async def test_a_file_that_is_changed_while_the_screen_is_open(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with tools_screen(folder) as (app, pilot, _workspace):
        (folder / "mine.py").write_text(AREA.replace("area(", "surface("))
        await pilot.press("r")
        await see(pilot, "surface", 20)
        (folder / "mine.py").write_text("def broken(:\n")
        await pilot.press("r")
        await see(pilot, "mine.py:1 is not valid Python", 20)
        opened: list[Path] = []

        async def edit_file(_command: Any, path: Path, template: str = "") -> None:
            opened.append(path)
            path.write_text(template or AREA)

        monkeypatch.setattr("tui.screens.editor.edit_file", edit_file)
        monkeypatch.setattr(type(app), "suspend", lambda _self: Nothing())
        await pilot.press("e")
        await until_pilot(pilot, lambda: opened == [folder / "mine.py"])
        await see(pilot, "area", 20)
        await pilot.press("n")
        await until_pilot(pilot, lambda: len(opened) == 2)
        assert opened[1] == folder / "tools1.py"
        assert "def area" in opened[1].read_text()


class Nothing:
    def __enter__(self) -> None: ...
    def __exit__(self, *_: object) -> None: ...


async def test_servers_are_shown_with_their_state(folder: Path) -> None:
    pytest.importorskip("mcp")
    root = str(Path(__file__).parents[2])
    command = (sys.executable, "-m", "tests.support.mcp_server", "stdio")
    good = McpServerConfig("good", McpFields(command=command, folder=root))
    bad = McpServerConfig("bad", McpFields(command=("/no/such/program",)))
    async with tools_screen(folder, good, bad) as (app, pilot, workspace):
        await until_pilot(pilot, lambda: workspace.tools_room.box.servers[0].state == "ready", 30)
        await until_pilot(pilot, lambda: workspace.tools_room.box.servers[1].state == "failed", 30)
        await pilot.press("r")
        await see(pilot, "● good: ", 20)
        await see(pilot, "✗ bad: failed", 20)
        await choose(app, pilot, "echo")
        await see(pilot, "from the MCP server good")


CALL = ToolCall("c1", "area", {"width": 3})
SPEC = ToolSpec("area", "Compute.", {"type": "object"})


@pytest.mark.parametrize(
    ("button", "decision"),
    [
        ("here", Decision(Verdict.ALLOW, scope="conversation")),
        ("always", Decision(Verdict.ALLOW, scope="always")),
        ("never", Decision(Verdict.REFUSE, scope="always")),
    ],
)
async def test_decisions_that_last(button: str, decision: Decision) -> None:
    async with running() as (app, pilot, _workspace):
        task = asyncio.create_task(app.chat.approve(CALL, SPEC))
        await until_pilot(pilot, lambda: isinstance(app.screen, ApprovalScreen) and app.screen.awake)
        app.screen.query_one(f"#{button}", Button).press()
        assert await task == decision


async def test_a_call_tells_everything_when_it_is_unfolded() -> None:
    async with running(size=(100, 40)) as (app, pilot, workspace):
        workspace.fake.turn(
            events.ToolCallStarted("c1", "list_files"),
            events.ToolCallArguments("c1", '{"folder": "/data"}'),
            events.ToolRunning("c1"),
            events.ToolResult(
                "c1",
                "list_files",
                '[{"name": "a.txt"…',
                seconds=0.5,
                full='[{"name": "a.txt", "size": 10}, {"name": "狐狸.txt", "size": 2}]',
                log="looking around\n",
                images=(ImagePart("image/png", "QUJD"),),
            ),
            events.ToolCallStarted("c2", "rm"),
            events.ToolResult("c2", "rm", "no", ok=False, problem=Problem("chat.call_refused", {"name": "rm"})),
            events.ToolCallStarted("c3", "cut"),
            events.ToolCallArguments("c3", '{"a": '),
            events.ToolResult("c3", "cut", "no", ok=False, problem=Problem("chat.call_cut", {"name": "cut"})),
        )
        await see(pilot, "⊘ You refused this call")
        calls = app.chat.transcript.parts(ToolCallView)
        assert [call.state for call in calls] == [CallState.DONE, CallState.REFUSED, CallState.BROKEN]
        calls[0].set_open(opened=True)
        await see(pilot, "looking around")
        shown = screen_text(app)
        assert "name      size" in shown
        assert "狐狸.txt  2" in shown
        assert "picture: image/png, 3 bytes" in shown
        assert "the model got 18 characters of it" in shown


async def test_a_running_call_counts_its_seconds() -> None:
    async with running() as (_app, pilot, workspace):
        workspace.fake.play(
            events.TurnStarted("t", "m"),
            events.RoundStarted(1, "a1"),
            events.ToolCallStarted("c1", "slow"),
            events.ToolRunning("c1"),
        )
        await see(pilot, "✕ cancels it")
        await see(pilot, "runs … 1.0 s")


def test_results_for_reading() -> None:
    assert result_text("plain [x]") == "plain [x]"
    assert result_text('{"a": {"b": [1, "two"]}, "c": {}, "d": null}') == "a:\n  b:\n    - 1\n    - two\nc: {}\nd: null"
    assert result_text('[{"a": 1}, {"b": 2}]') == "-\n  a: 1\n-\n  b: 2"
    assert result_text('[{"a": {"x": 1}}, {"a": 2}]').startswith("-\n  a:\n    x: 1")
    assert result_text("[" * 60 + "]" * 60).endswith("…")
    assert result_text('"' + "x" * 60_000 + '"').startswith('"x')
    assert result_text("[1, 2]") == "- 1\n- 2"
    assert result_text("[]") == "[]"


def test_arguments_to_begin_with() -> None:
    assert sample({}) == {}
    schema = {
        "properties": {
            "a": {"type": "integer"},
            "b": {"enum": ["x", "y"]},
            "c": {"default": 3},
            "d": {"type": "object", "properties": {"e": {"type": "string"}}},
            "f": True,
            "g": {"type": "boolean"},
        },
        "required": ["a", "b", "c", "d", "f"],
    }
    assert sample(schema) == {"a": 0, "b": "x", "c": 3, "d": {"e": ""}, "f": None}
