"""A newcomer's way from ``lmdeck`` to the first reply: two languages, keyboard or mouse, a small and a large screen."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.support.app import rows, screen_text, see
from tests.support.waiting import until_pilot
from tui.app import LmdeckApp
from tui.app_options import AppOptions
from tui.config.terminal import Terminal
from tui.i18n import current_language, set_language
from tui.model.surroundings import Surroundings
from tui.screens.connect import ConnectScreen
from tui.screens.language import LanguageScreen

WORDS = {
    "en": {"language": "2  English", "demo": "Try the demo", "send": "Send", "sent": "first token"},
    "zh-CN": {"language": "1  中文", "demo": "试用演示", "send": "发送", "sent": "首 token"},
}


@pytest.fixture(autouse=True)
def _english(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv("LMDECK_LANGUAGE", raising=False)
    yield
    set_language("en")


@asynccontextmanager
async def first_start(size: tuple[int, int]) -> AsyncIterator[tuple[LmdeckApp, Any]]:
    async def nothing_here() -> AsyncIterator[Surroundings]:
        yield Surroundings()

    options = AppOptions(connect=True)
    app = LmdeckApp(lambda _approve, _tell: None, options, terminal=Terminal("plain"))  # pyright: ignore[reportArgumentType]
    app.look = nothing_here
    opener = app.opener
    app.opener = lambda chosen: opener(AppOptions(demo={"speed": 0, **(chosen.demo or {})}, store=chosen.store))
    async with app.run_test(size=size, tooltips=True, notifications=True) as pilot:
        await until_pilot(pilot, lambda: isinstance(app.screen, LanguageScreen))
        yield app, pilot


async def see_cells(pilot: Any, text: str) -> tuple[int, int]:
    """Wait for a text; returns the cell its middle stands in."""
    from rich.cells import cell_len

    await see(pilot, text, 30)
    y, row = next((y, row) for y, row in enumerate(rows(pilot.app)) if text in row)
    return cell_len(row.partition(text)[0]) + cell_len(text) // 2, y


async def click_on(pilot: Any, text: str) -> None:
    await pilot.click(offset=await see_cells(pilot, text))


async def by_keyboard(app: LmdeckApp, pilot: Any, language: str) -> None:
    await pilot.press("1" if language == "zh-CN" else "2")
    await until_pilot(pilot, lambda: isinstance(app.screen, ConnectScreen))
    await see_cells(pilot, WORDS[language]["demo"])
    screen = app.screen
    for _ in range(10):
        options: Any = screen.query_one("#cards")
        if options.highlighted_option.id == "demo":
            break
        await pilot.press("down")
    await pilot.press("enter")
    await until_pilot(pilot, lambda: app.screen is app.chat)
    await pilot.press(*"Compute (3+5)*2", "enter")


async def by_mouse(app: LmdeckApp, pilot: Any, language: str) -> None:
    await click_on(pilot, WORDS[language]["language"])
    await until_pilot(pilot, lambda: isinstance(app.screen, ConnectScreen))
    await click_on(pilot, WORDS[language]["demo"])
    await until_pilot(pilot, lambda: app.screen is app.chat)
    await click_on(pilot, "›")
    await pilot.press(*"Compute (3+5)*2")  # words need keys
    await click_on(pilot, WORDS[language]["send"])


@pytest.mark.parametrize("size", [(80, 24), (200, 50)], ids=["80x24", "200x50"])
@pytest.mark.parametrize("language", ["en", "zh-CN"])
@pytest.mark.parametrize("way", [by_keyboard, by_mouse], ids=["keyboard", "mouse"])
async def test_a_newcomer_gets_to_a_first_reply(way: Any, language: str, size: tuple[int, int]):
    async with first_start(size) as (app, pilot):
        await way(app, pilot, language)
        await see_cells(pilot, WORDS[language]["sent"])
        assert current_language() == language
        assert "16" in screen_text(app)
        assert app.chat.session is not None
        await until_pilot(pilot, lambda: bool(app.chat.session and not app.chat.session.busy))
        assert app.chat.session.messages[-1].text
