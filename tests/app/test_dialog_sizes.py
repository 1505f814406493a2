"""A dialog's buttons are always on screen, whatever its text and however low the terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from textual.widgets import Button

from tests.support.app import running, screen_text
from tests.support.waiting import until_pilot
from tui.config.profiles import Profile
from tui.i18n import set_language
from tui.model.problem import Problem
from tui.model.request import Sampling
from tui.model.tool import ToolCall, ToolSpec
from tui.screens.approval import ApprovalScreen
from tui.screens.ask import AskScreen
from tui.screens.confirm import ConfirmScreen
from tui.screens.dialog import Dialog
from tui.screens.profile_form import ProfileForm
from tui.screens.sampling import Preset
from tui.screens.seam import ToolsRoom
from tui.screens.settings import ConversationSettings, SettingsScreen
from tui.screens.tell import TellScreen
from tui.screens.tell_memory import TellMemoryScreen
from tui.screens.tool_try import TryToolScreen
from tui.screens.tools import ToolsScreen
from tui.tools.approval import Policy

LONG = "words and more words " * 12
SPEC = ToolSpec("area", LONG, {"type": "object", "properties": {f"p{n}": {"type": "number"} for n in range(40)}})
CALL = ToolCall("c", "area", {f"p{n}": n for n in range(40)}, "{}")


def nothing(_value: Any) -> str:
    return ""


class Box:
    """Many tools, a server, and a lot to say about them."""

    servers = ()

    def specs(self) -> tuple[ToolSpec, ...]:
        return tuple(replace(SPEC, name=f"area{n}") for n in range(20))

    def problems(self) -> tuple[Problem, ...]:
        return tuple(Problem("tools.bad_schema", {"name": f"t{n}", "reason": LONG}) for n in range(3))

    def entries(self) -> tuple[()]:
        return ()

    async def refresh(self) -> None: ...


def tools(folder: Path) -> ToolsScreen:
    room: Any = ToolsRoom(Box(), Policy((), (), folder / "config.toml", "", lambda _problem: None))  # pyright: ignore[reportArgumentType]
    return ToolsScreen(room.box.specs(), None, room)


DIALOGS: dict[str, Callable[[Path], Dialog[Any]]] = {
    "settings": lambda _path: SettingsScreen(
        ConversationSettings(LONG, Sampling()), None, [Preset("Exact", Sampling())]
    ),
    "profile": lambda _path: ProfileForm(Profile("camp", url="http://127.0.0.1:1", system_prompt=LONG), nothing),
    "approval": lambda _path: ApprovalScreen(CALL, SPEC),
    "try": lambda _path: TryToolScreen(SPEC, None),  # pyright: ignore[reportArgumentType] (nothing is run)
    "tools": tools,
    "ask": lambda _path: AskScreen("Question?", LONG, hint="hint " * 30),
    "confirm": lambda _path: ConfirmScreen(LONG),
    "tell": lambda _path: TellScreen("Title", LONG, "ssh -N"),
    "memory": lambda _path: TellMemoryScreen(),
}


@pytest.fixture(autouse=True)
def _english() -> Iterator[None]:
    yield
    set_language("en")


@pytest.mark.parametrize("language", ["en", "zh-CN"])
@pytest.mark.parametrize("size", [(80, 24), (60, 16), (100, 32), (200, 50)])
@pytest.mark.parametrize("name", DIALOGS)
async def test_buttons_are_on_screen(name: str, size: tuple[int, int], language: str, tmp_path: Path):
    async with running(size=size) as (app, pilot, _workspace):
        set_language(language)
        dialog = DIALOGS[name](tmp_path)
        await app.push_screen(dialog)
        await until_pilot(pilot, lambda: all(button.region for button in dialog.query(Button)), what="buttons")
        await pilot.pause()
        box = dialog.query_one(".box").content_region
        for button in dialog.query(Button):
            assert box.contains_region(button.region), f"{button.id} {button.region} in {box}\n{screen_text(app)}"
