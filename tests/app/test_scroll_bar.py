"""The transcript's scroll bar under the mouse: dragged, and clicked above and below its thumb."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from tests.support.app import rows, running, screen_text, see
from tests.support.waiting import until_pilot
from tui.model import events
from tui.widgets.transcript import Transcript


@asynccontextmanager
async def long_chat() -> AsyncIterator[tuple[Any, Any, Transcript]]:
    """A conversation of many pages, at its end."""
    async with running(size=(80, 24)) as (app, pilot, workspace):
        for number in range(40):
            lines = "\n\n".join(f"answer {number}.{line}" for line in range(3))
            workspace.fake.turn(events.TextDelta(lines), question=f"question {number}")
        await see(pilot, "answer 39.2")
        view = app.chat.transcript
        await until_pilot(pilot, lambda: view.scroll_y == view.max_scroll_y > 200)
        yield app, pilot, view


async def test_the_thumb_is_dragged_to_the_beginning_and_back() -> None:
    async with long_chat() as (app, pilot, view):
        bar, last = view.vertical_scrollbar, view.size.height - 1
        await pilot.mouse_down(bar, offset=(0, last))
        await until_pilot(pilot, lambda: bar.grabbed)
        await pilot.hover(bar, offset=(0, last // 2))
        await until_pilot(pilot, lambda: not view.following and 100 < view.scroll_y < view.max_scroll_y)
        await see(pilot, "↓ to the end")
        await pilot.hover(bar, offset=(0, 0))
        await until_pilot(pilot, lambda: view.scroll_y == 0)
        assert "question 0" in screen_text(app)
        await pilot.hover(bar, offset=(0, last + 2))  # whoever drags holds the bar also beside it
        await until_pilot(pilot, lambda: view.following)
        await pilot.mouse_up(bar, offset=(0, last + 2))
        await see(pilot, "answer 39.2")


async def test_a_click_beside_the_thumb_turns_a_page() -> None:
    """The last rows of the new page are the first ones of the page before."""
    async with long_chat() as (app, pilot, view):
        bar = view.vertical_scrollbar

        def answers() -> list[str]:
            return [row[:30].strip() for row in rows(app) if "answer" in row]

        end = answers()
        await pilot.click(bar, offset=(0, 1))
        await until_pilot(pilot, lambda: end[0] in answers()[-2:] and not view.following)
        above = answers()
        await pilot.click(bar, offset=(0, 1))
        await until_pilot(pilot, lambda: above[0] in answers()[-2:])
        top = answers()
        await pilot.click(bar, offset=(0, view.size.height - 1))
        await until_pilot(pilot, lambda: top[-1] in answers()[:2])
        assert not view.following


async def test_without_anything_to_scroll_nothing_moves() -> None:
    async with running(size=(80, 24)) as (app, pilot, workspace):
        workspace.fake.turn(events.TextDelta("short"), question="?")
        await see(pilot, "short")
        for key in ("pageup", "pagedown", "ctrl+home", "ctrl+end"):
            await pilot.press(key)
        assert app.chat.transcript.scroll_y == 0
        assert "short" in screen_text(app)
