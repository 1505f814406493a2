"""The transcript by itself: streaming, following, selecting, folding, in view and out of view."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random
from typing import Any

import pytest
from textual import events as ui
from textual.app import App, ComposeResult
from textual.geometry import Offset
from textual.selection import Selection

from tests.support.waiting import until_pilot
from tui.model.problem import Problem
from tui.widgets.following import Follow
from tui.widgets.part import PartView
from tui.widgets.parts import NoticeView, ReasoningView, TextView, UserView
from tui.widgets.selecting import number
from tui.widgets.sheet import Place
from tui.widgets.tool_call import ToolCallView
from tui.widgets.transcript import Transcript

TEXT = (
    "# 标题 Title\n\nFirst **paragraph** with a [link](https://e.org/a) and `code`。中文，标点！换行\n\n"
    "1. one\n2. two\n   - nested\n\n> quoted\n> text\n\n```python\nfor i in range(3):\n    print(i)\n```\n\n"
    "| a | b |\n|---|---|\n| 1 | 狐狸 |\n| x | y |\n\n- [ ] open\n- [x] done\n\nThe end, with a long tail of words. "
) * 3


class Bare(App[None]):
    """An app with nothing but a transcript."""

    CSS = "Transcript { height: 1fr; }"

    def compose(self) -> ComposeResult:
        yield Transcript(id="transcript")


@asynccontextmanager
async def transcript(width: int = 60, height: int = 20) -> AsyncIterator[tuple[Transcript, Any]]:
    app = Bare()
    async with app.run_test(size=(width, height)) as pilot:
        found = app.query_one(Transcript)
        await until_pilot(pilot, lambda: found.size.height == height)
        yield found, pilot


def seen(view: Transcript) -> list[str]:
    """What is on screen, by the widget's own strips."""
    return [view.render_line(y).text.rstrip() for y in range(view.size.height)]


def painted(view: Transcript) -> list[str]:
    """What the compositor shows."""
    return [strip.text.rstrip() for strip in view.screen._compositor.render_strips()]


def pieces(text: str, dice: Random) -> list[str]:
    found: list[str] = []
    at = 0
    while at < len(text):
        step = dice.choice([1, 1, 2, 3, 5, 40])
        found.append(text[at : at + step])
        at += step
    return found


@pytest.mark.parametrize("seed", range(4))
async def test_however_a_text_arrives_it_looks_as_in_one_piece(seed: int):
    dice = Random(seed)
    async with transcript() as (view, pilot):
        whole = TextView("a", text=TEXT)
        view.add(whole)
        await pilot.pause()
        wanted, rows = seen(view), list(whole.rows(view.sheet.page))
        view.replace([])
        growing = TextView("b")
        view.add(growing)
        for piece in pieces(TEXT, dice):
            growing.feed(piece)
            if dice.random() < 0.05:
                await pilot.pause(0.001)
        growing.finish()
        await until_pilot(pilot, lambda: seen(view) == wanted)
        assert [row.text for row in growing.rows(view.sheet.page)] == [row.text for row in rows]
        assert growing.text == TEXT
        await until_pilot(pilot, lambda: painted(view) == [row[: view.size.width - 1].rstrip() for row in wanted])


async def test_a_frame_causes_no_layout(monkeypatch: pytest.MonkeyPatch):
    async with transcript() as (view, pilot):
        growing = TextView("a")
        view.add(growing)
        await pilot.pause()
        layouts: list[bool] = []
        original = view.screen._refresh_layout
        monkeypatch.setattr(view.screen, "_refresh_layout", lambda *a, **k: (layouts.append(True), original(*a, **k)))
        for piece in pieces(TEXT, Random(1)):
            growing.feed(piece)
        growing.finish()
        await until_pilot(pilot, lambda: "The end" in "".join(seen(view)[-3:]))
        assert not layouts


def conversation(count: int) -> list[PartView]:
    parts: list[PartView] = []
    for n in range(count):
        parts.append(UserView(f"u{n}", f"question {n}\nsecond line"))
        parts.append(ReasoningView(f"a{n}", text="thought\n" * 5, seconds=1.0))
        words = "Words and more words. " * (n % 7 * 5)
        parts.append(TextView(f"a{n}", text=f"## Answer {n}\n\n{words}\n\nend {n}"))
    return parts


async def test_a_long_conversation_is_paged_without_a_jump():
    async with transcript() as (view, pilot):
        view.replace(conversation(300))
        await pilot.pause()
        assert "end 299" in seen(view)[-1]
        every: list[str] = []
        for _ in range(40):
            before = seen(view)
            view.scroll_rows(-7)
            now = seen(view)
            assert now[7:] == before[:-7]
            every[:0] = now[:7]
        for _ in range(40):
            before = seen(view)
            view.scroll_rows(7)
            assert seen(view)[:-7] == before[7:]
        assert view.following
        assert sum(part._page is not None for part in view.part_views()) <= 70
        view.move_view("home")
        assert "question 0" in seen(view)[1]
        assert view.scroll_y == 0


async def test_what_arrives_while_reading_above_moves_nothing_and_is_counted():
    async with transcript() as (view, pilot):
        view.replace(conversation(20))
        await pilot.pause()
        view.move_view("page_up")
        before = seen(view)
        assert view.follows.state is Follow.DETACHED
        growing = TextView("new")
        view.add(growing)
        for piece in pieces(TEXT, Random(3)):
            growing.feed(piece)
        await pilot.pause()
        assert seen(view) == before
        assert view.follows.news == 1
        assert growing._reply is None  # not rendered while it is out of sight
        view.part_views()[1].set_open(opened=True)
        view.part_views()[4].set_open(opened=True)
        await pilot.pause()
        assert seen(view) == before
        view.follow()
        growing.finish()
        await until_pilot(pilot, lambda: "The end" in "".join(seen(view)[-3:]))
        assert view.follows.news == 0


@pytest.mark.parametrize("way", ["wheel", "bar", "resize", "page"])
async def test_ways_back_to_the_end(way: str):
    async with transcript() as (view, pilot):
        view.replace(conversation(20))
        await pilot.pause()
        await pilot._post_mouse_events([ui.MouseScrollUp], view)
        await until_pilot(pilot, lambda: not view.following)
        if way == "wheel":
            while not view.following:
                await pilot._post_mouse_events([ui.MouseScrollDown], view)
        elif way == "bar":
            view.scroll_to(y=3, animate=False)
            await pilot.pause()
            assert not view.following
            view.scroll_to(y=view.max_scroll_y, animate=False)
        elif way == "page":
            view.move_view("page_down")
        else:
            top = view.sheet.top.item
            await pilot.resize_terminal(40, 12)
            await until_pilot(pilot, lambda: view.size.width == 40)
            assert view.sheet.top.item == top
            assert not view.following
            view.follow()
        await until_pilot(pilot, lambda: view.following and "end 19" in seen(view)[-1])


async def test_text_that_grows_over_the_edge_is_followed():
    async with transcript(height=8) as (view, pilot):
        growing = TextView("a")
        view.add(growing)
        for line in range(30):
            growing.feed(f"line {line}\n\n")
            await pilot.pause(0.002)
        await until_pilot(pilot, lambda: "line 29" in seen(view)[-1])
        assert view.scroll_y == 0 or view.following


async def test_selected_text_is_what_was_written():
    async with transcript(width=30) as (view, pilot):
        first = TextView("a", text="A long sentence that wraps over rows.\n\n- item\n")
        second = UserView("b", "plain\n文本")
        view.replace([first, second])
        await pilot.pause()
        last = len(second.rows(view.sheet.page)) - 1
        view.screen.selections = {view: Selection(Offset(2, number(first, 0)), Offset(99, number(second, last)))}
        assert view.screen.get_selected_text() == "long sentence that wraps over rows.\n\n- item\n\nplain\n文本"
        assert view.selected_markdown() == "A long sentence that wraps over rows.\n\n- item\n\nplain\n文本"
        view.add(TextView("c", text="more"))
        view.swap([first], TextView("a", text="other"))
        await pilot.pause()
        view.screen.selections = {view: Selection(None, None)}
        assert view.screen.get_selected_text() == "other\n\nplain\n文本\n\nmore"
        view.screen.clear_selection()
        assert view.selected_markdown() == ""


async def test_selecting_with_the_mouse_over_parts():
    async with transcript() as (view, pilot):
        # Textual looks up what is under the mouse in its map of the screen: where the pilot's pause returned before the
        # first frame, that map was empty and the selection began nowhere. What is painted is in the map.
        view.replace([TextView("a", text="alpha beta"), TextView("b", text="gamma 中文 delta")])
        await until_pilot(pilot, lambda: "gamma" in "".join(painted(view)[:4]), what="both parts painted")
        await pilot.mouse_down(view, offset=(7, 1))
        await pilot.hover(view, offset=(7, 3))
        await pilot.mouse_up(view, offset=(7, 3))
        chosen = "beta\n\ngamma 中"
        await until_pilot(pilot, lambda: view.screen.get_selected_text() == chosen, what="the selection")


@pytest.mark.parametrize("seed", range(3))
async def test_any_mouse_while_everything_changes(seed: int):
    """No event, wherever it hits, breaks a transcript that grows, folds and loses parts."""
    dice = Random(seed)
    async with transcript() as (view, pilot):
        view.replace(conversation(5))
        growing = TextView("new")
        view.add(growing)
        calls = [ToolCallView("new", f"c{n}", "add", '{"a": 1}') for n in range(3)]
        kinds = [ui.MouseDown, ui.MouseMove, ui.MouseUp, ui.Click, ui.MouseScrollUp, ui.MouseScrollDown]
        for step, piece in enumerate(pieces(TEXT, dice)):
            growing.feed(piece)
            spot = (dice.randrange(view.size.width), dice.randrange(view.size.height))
            await pilot._post_mouse_events([dice.choice(kinds)], view, offset=spot, button=1)
            if step % 40 == 0 and calls:
                view.add(calls.pop())
            if step % 50 == 0:
                parts = view.part_views()
                dice.choice(parts).set_open(opened=dice.random() < 0.5)
                view.swap([parts[0]])
            if step % 90 == 0:
                await pilot.resize_terminal(dice.choice([40, 60, 80]), dice.choice([12, 20]))
        growing.finish()
        view.screen.clear_selection()
        view.follow()
        await until_pilot(pilot, lambda: "add" in "".join(seen(view)) or "The end" in "".join(seen(view)))


async def test_thoughts_are_not_rendered_while_they_are_folded():
    async with transcript() as (view, pilot):
        thought = ReasoningView("a")
        view.add(thought)
        for _ in range(50):
            thought.feed("**thinking** of it\n\n")
        await pilot.pause()
        assert thought._reply is None
        thought.finish(seconds=2.0, tokens=80)
        await until_pilot(pilot, lambda: "▸ thought 2.0 s · 80 tok" in seen(view)[1])
        thought.set_open(opened=True)
        await until_pilot(pilot, lambda: "thinking of it" in "".join(seen(view)))
        assert "▾ thought" in thought.rows(view.sheet.page)[0].text
        thought.set_open(opened=False)
        await until_pilot(pilot, lambda: seen(view)[2] == "")


async def test_huge_texts_show_their_end_and_keep_everything():
    async with transcript() as (view, pilot):
        huge = TextView("a", text="x" * 1_200_000 + " the end")
        user = UserView("b", "y" * 150_000)
        view.replace([huge, user])
        await pilot.pause()
        view.show_place(Place(0, 0))
        await until_pilot(pilot, lambda: "1,100,008 characters above" in "".join(seen(view)))
        assert huge.text.endswith("the end")
        assert user.source == "y" * 150_000


async def test_a_notice_wraps_and_can_be_taken_away():
    async with transcript(width=30) as (view, pilot):
        notice = NoticeView("", Problem("chat.length"))
        view.add(notice)
        await until_pilot(pilot, lambda: "!" in seen(view)[1])
        view.replace([TextView("a", text="hello")])
        await until_pilot(pilot, lambda: "hello" in "".join(seen(view)))
        assert view.part_views()[0] is notice
        view.swap([notice])
        await until_pilot(pilot, lambda: "hello" in seen(view)[1])


async def test_code_gets_its_colours_after_it_was_shown():
    async with transcript() as (view, pilot):
        answer = TextView("a", text="```python\ndef f():\n    return 1\n```\n\n```nonsense-language\nx\n```\n")
        view.add(answer)

        def colours() -> int:
            return len({segment.style for y in range(6) for segment in view._strip(y)})

        plain = colours()
        await until_pilot(pilot, lambda: colours() > plain)


async def test_a_picture_appears_and_folds_and_moves_nothing_above():
    from base64 import b64encode
    from io import BytesIO

    from PIL import Image

    from tui.model.message import ImagePart
    from tui.widgets.picture import PictureView

    file = BytesIO()
    Image.new("RGB", (80, 40), (200, 0, 0)).save(file, "PNG")
    async with transcript() as (view, pilot):
        view.add(UserView("u", "look"))
        part = PictureView("u", ImagePart("image/png", b64encode(file.getvalue()).decode(), "red.png"))
        view.add(part)
        await until_pilot(pilot, lambda: "80×40" in "\n".join(painted(view)))
        assert part.height(view.sheet.page) > 10

        def backgrounds() -> set[Any]:
            cells = [segment.style for y in range(view.size.height) for segment in view.render_line(y)]
            return {style.bgcolor.triplet for style in cells if style and style.bgcolor}

        await until_pilot(pilot, lambda: (200, 0, 0) in backgrounds(), what="the picture's colour")
        part.set_open(opened=False)
        await until_pilot(pilot, lambda: part.height(view.sheet.page) == 2)
        for number_ in range(40):
            view.add(UserView(f"m{number_}", "more " * 30))
        view.move_view("home")
        top = view.sheet.top
        part.forget()
        part.set_open(opened=True)
        await until_pilot(pilot, lambda: part.height(view.sheet.page) > 10)
        assert view.sheet.top == top
        await pilot.resize_terminal(30, 20)
        await until_pilot(pilot, lambda: 0 < max(row.text.count(" ") for row in part.rows(view.sheet.page)) <= 28)
        await until_pilot(pilot, lambda: part.height(view.sheet.page) > 5)


async def test_deleting_the_selected_message_selects_nothing():
    async with transcript() as (view, _pilot):
        first, second = UserView("a", "one"), UserView("b", "two")
        view.add(first)
        view.add(second)
        view.select("a")
        view.swap([second])
        assert view.selected == "a"
        view.swap([first])
        assert view.selected is None
        assert view.part_views() == []
