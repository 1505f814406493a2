"""What a frame of a long reply costs, counted in work; and the scroll bar that such frames leave for later."""

from __future__ import annotations

from typing import Any

import pytest

from tests.app.test_transcript import transcript
from tests.support.waiting import until_pilot
from tui.widgets import scroll_bar, words
from tui.widgets.parts import ReasoningView, TextView, TurnLine


async def test_the_scroll_bar_is_right_soon_after_the_last_piece(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(scroll_bar, "_SECONDS", 1e9)
    async with transcript() as (view, pilot):
        part = TextView("a", growing=True)
        view.add(part)
        for number in range(60):
            part.feed(f"paragraph {number}\n\n")
            await pilot.pause()
        part.finish()
        view.add(TurnLine("a", None, None))
        await until_pilot(pilot, lambda: view.vertical_scrollbar.window_virtual_size == view.sheet.total > 100)
        assert view.vertical_scrollbar.position == view.sheet.y
        assert view.virtual_size.height == view.sheet.total


async def test_thoughts_are_counted_as_they_come(monkeypatch: pytest.MonkeyPatch):
    counted: list[int] = []
    count = words.count_wide

    def note(text: str) -> int:
        counted.append(len(text))
        return count(text)

    pieces = [f"想到第{number}点 and more, " for number in range(300)]
    whole = "".join(pieces)
    estimate = f"{words.estimate_tokens(whole):,}"
    monkeypatch.setattr(words, "count_wide", note)
    async with transcript() as (view, pilot):
        part = ReasoningView("a")
        view.add(part)
        for piece in pieces:
            part.feed(piece)
            assert part.head()
        assert sum(counted) == len(whole)
        assert estimate in part.head()
        part.finish(whole + "再想一想", seconds=1.0)
        assert f"{words.estimate_tokens(whole + '再想一想'):,}" in part.head()
        await pilot.pause()


async def test_a_frame_takes_what_is_new_and_not_the_whole_text(monkeypatch: pytest.MonkeyPatch):
    fed: list[int] = []
    async with transcript() as (view, pilot):
        part = TextView("a", growing=True)
        view.add(part)
        part.feed("the beginning ")
        await until_pilot(pilot, lambda: "beginning" in "".join(row.text for row in part.rows(view.sheet.page)))
        reply = part._reply  # pyright: ignore[reportPrivateUsage]
        assert reply is not None
        feed = reply.document.feed

        def note(text: str) -> None:
            fed.append(len(text))
            feed(text)

        monkeypatch.setattr(reply.document, "feed", note)
        expected: Any = "the beginning " + "".join(f"word {number} " for number in range(200))
        for number in range(200):
            part.feed(f"word {number} ")
            part.flush()
        assert sum(fed) == len(expected) - len("the beginning ")
        assert reply.document.source == expected
