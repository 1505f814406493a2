"""What four screens look like, in both languages and two sizes: the rows of text, compared with stored files.

``LMDECK_UPDATE_GOLDEN=1 python -m pytest tests/app/test_stories.py`` writes them anew; look at the difference then.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.support.app import rows, running
from tests.support.fake_session import FakeWorkspace
from tests.support.golden import check_golden, is_golden, updating
from tests.support.waiting import until_pilot
from tui.app_options import AppOptions
from tui.i18n import set_language
from tui.model import events
from tui.model.message import ConversationInfo
from tui.model.search import SearchHit
from tui.model.surroundings import FoundCard, FoundHost, FoundLmdeploy, FoundProfile, FoundServer, Surroundings
from tui.screens.connect import ConnectScreen
from tui.screens.history import HistoryScreen
from tui.screens.live_settings import LiveSettings
from tui.screens.preferences import PreferencesScreen

LANGUAGES = ("en", "zh-CN")
SIZES = ((80, 24), (120, 36))
OLD = datetime(2024, 3, 27, 9, 30, tzinfo=UTC)


@pytest.fixture(params=LANGUAGES)
def language(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("LMDECK_LANGUAGE", request.param)
    yield request.param
    set_language("en")


@pytest.fixture(params=SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def size(request: pytest.FixtureRequest) -> tuple[int, int]:
    return request.param


def named(screen: str, language: str, size: tuple[int, int]) -> str:
    return f"{screen}-{language}-{size[0]}x{size[1]}"


async def quiet(pilot: Any, name: str) -> list[str]:
    """The rows when they are the stored ones, or when nothing changes any more."""
    with suppress(AssertionError):
        await until_pilot(pilot, lambda: is_golden(name, rows(pilot.app)), 0 if updating() else 2)
    before: list[list[str]] = []

    def same() -> bool:
        before.append(rows(pilot.app))
        return len(before) > 4 and before[-1] == before[-2] == before[-3] == before[-4]

    await until_pilot(pilot, same, what="a screen that stays as it is")
    return before[-1]


async def check(pilot: Any, name: str) -> None:
    check_golden(name, await quiet(pilot, name))


async def test_connect(language: str, size: tuple[int, int]):
    found = Surroundings(
        servers=(FoundServer("http://127.0.0.1:23333", ("internlm2_5-1_8b-chat",), pid=7),),
        installations=(FoundLmdeploy("/opt/lmdeploy/bin/lmdeploy", "/opt/lmdeploy", "0.18.0", "conda"),),
        cards=(FoundCard(0, "NVIDIA A100", 24 * 2**30, 23 * 2**30),),
        hosts=(FoundHost("gpu-box", "root@10.0.0.5:33881"),),
        profiles=(FoundProfile("camp", "http://10.0.0.7:23333", "internlm2_5"),),
        last=ConversationInfo("c", "狐狸与西瓜", False, OLD, OLD, None, 12, "internlm2_5", "http://127.0.0.1:23333"),
    )

    async def look() -> AsyncIterator[Surroundings]:
        yield found

    async with running(size=size) as (app, pilot, _workspace):
        app.push_screen(ConnectScreen(AppOptions(), look))
        await until_pilot(pilot, lambda: isinstance(app.screen, ConnectScreen) and app.screen._cards)
        await check(pilot, named("connect", language, size))


async def test_chat(language: str, size: tuple[int, int]):
    async with running(FakeWorkspace(), size=size) as (app, pilot, workspace):
        await until_pilot(pilot, lambda: app.live.loaded is not None)
        workspace.fake.turn(
            events.ReasoningDelta("3+5 first"),
            events.ReasoningFinished(0.8),
            events.ToolCallStarted("c1", "add"),
            events.ToolCallArguments("c1", '{"a": 3, "b": 5}'),
            events.ToolResult("c1", "add", "8", seconds=0.003),
            events.ToolCallStarted("c2", "mul"),
            events.ToolCallArguments("c2", '{"a": 8, "b": 2}'),
            events.ToolResult("c2", "mul", "16", seconds=0.002),
            events.TextDelta("The result of (3+5)*2 is **16**.\n\n结果是十六。"),
            question="Compute (3+5)*2",
        )
        await until_pilot(pilot, lambda: any("↑107" in row for row in rows(app)))
        await check(pilot, named("chat", language, size))


class Kept:
    """Three conversations of long ago."""

    def __init__(self) -> None:
        titles = ("狐狸与西瓜", "Compute (3+5)*2", "A very long title about quantisation and deployment " * 3)
        self.rows = [
            ConversationInfo(str(n), title, False, OLD, OLD, None, 4 * n + 2, "internlm2_5-1_8b-chat", "")
            for n, title in enumerate(titles)
        ]

    async def conversations(self, limit: int = 200, offset: int = 0) -> list[ConversationInfo]:
        return self.rows

    async def search(self, query: str, limit: int = 50) -> list[SearchHit]:
        return [SearchHit(self.rows[0], "m", "…很久以前，一只狐狸爱上了西瓜…", ((8, 10),), ((0, 2),))]


async def test_history(language: str, size: tuple[int, int]):
    async with running(size=size) as (app, pilot, _workspace):
        app.push_screen(HistoryScreen(Kept(), "1"))  # pyright: ignore[reportArgumentType]
        await until_pilot(pilot, lambda: isinstance(app.screen, HistoryScreen) and app.screen._rows)
        await check(pilot, named("history", language, size))
        app.screen.query_one("#search").value = "狐狸"
        await until_pilot(pilot, lambda: len(app.screen._rows) == 1)
        await check(pilot, named("history-found", language, size))


async def test_settings(language: str, size: tuple[int, int], tmp_path: Path):
    path = tmp_path / "config.toml"
    path.write_text('theme = "ember"\n[profiles.camp]\nurl = "http://10.0.0.7:23333"\n', encoding="utf-8")
    async with running(size=size) as (app, pilot, _workspace):
        app.push_screen(PreferencesScreen(LiveSettings(path)))
        await until_pilot(pilot, lambda: isinstance(app.screen, PreferencesScreen) and app.screen._rows)
        await check(pilot, named("settings", language, size))
        app.screen.action_turn(1)
        await until_pilot(pilot, lambda: app.screen.page == "keys")
        await check(pilot, named("settings-keys", language, size))
