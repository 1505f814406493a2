"""The user's own tools in the real workspace: demo server, files, approval, settings, the wire."""

from __future__ import annotations

from pathlib import Path

from tests.support.waiting import until
from tui.app_options import AppOptions
from tui.config.settings import config_path
from tui.config.settings_file import read_config
from tui.model.message import ToolResultPart
from tui.model.problem import Problem
from tui.model.tool import Decision, ToolCall, ToolSpec, Verdict
from tui.screens.workspace import LiveWorkspace, open_workspace
from tui.tools.python_tools import tools_folder


async def test_a_function_of_ones_own_is_called_approved_and_remembered(tmp_path: Path) -> None:
    folder = tools_folder()
    folder.mkdir(parents=True)
    (folder / "mine.py").write_text(
        'def area(width: float, height: float) -> float:\n    """Compute the area."""\n    return width * height\n'
    )
    asked: list[str] = []

    async def approve(call: ToolCall, _spec: ToolSpec) -> Decision:
        asked.append(call.name)
        return Decision(Verdict.ALLOW, scope="always")

    told: list[Problem] = []
    options = AppOptions(demo={"speed": 0, "first_token": 0}, store=tmp_path / "store.db")
    workspace = await open_workspace(options, approve, told.append)
    assert isinstance(workspace, LiveWorkspace)
    try:
        await workspace.link.ready(20)
        for _ in range(2):
            await workspace.session.submit('Use area {"width": 3, "height": 2.5}')
            await until(lambda: not workspace.session.busy, 30)
        results = [
            part for message in workspace.session.messages for part in message.parts if isinstance(part, ToolResultPart)
        ]
        assert [part.content for part in results] == ["7.5", "7.5"]
        assert asked == ["area"]
        assert [spec.name for spec in workspace.tools] == ["add", "mul", "area"]
        assert read_config(config_path()).data == {"allow_tools": ["area"]}
        assert told == []
        view = await workspace.wire(workspace.session.messages[-1].id)
        assert view
        assert view.parsed_by == "server"
        assert "'name': 'area'" in view.python
        assert await workspace.wire("nobody") is None
    finally:
        await workspace.aclose()
