"""The list of conversations on a real store."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from rich.cells import cell_len
from textual.widgets import Input, OptionList

from tests.support.app import running, screen_text, see
from tests.support.waiting import until_pilot
from tui.model.message import ConversationInfo, Message, TextPart
from tui.model.problem import Problem, ProblemError
from tui.model.search import SearchHit
from tui.screens.history import HistoryScreen, Opened, Row, drawn
from tui.store.store import Store
from tui.widgets.dates import when

TITLES = ("Foxes", "狐狸与西瓜", "[/x] quantise")


async def filled(path: Path) -> tuple[Store, list[str]]:
    store = await Store.open(path)
    made: list[str] = []
    for number, title in enumerate(TITLES):
        info = await store.create_conversation(title=title, model="internlm2_5", endpoint="http://h:1")
        text = f"what about number {number} and 西瓜 under the tree"
        await store.put_message(info.id, Message(f"m{number}", "user", (TextPart(text),), None, datetime.now(UTC)))
        made.append(info.id)
    found: list[SearchHit] = []

    async def look() -> bool:
        found[:] = await store.search("under")
        return len(found) == len(TITLES)

    while not await look():
        pass
    return store, made


@asynccontextmanager
async def listing(
    path: Path, current: str = "", size: tuple[int, int] = (80, 24)
) -> AsyncIterator[tuple[Any, Any, Store, list[str], list[Opened | None]]]:
    store, made = await filled(path)
    try:
        async with running(size=size) as (app, pilot, _workspace):
            answers: list[Opened | None] = []
            app.push_screen(HistoryScreen(store, current), answers.append)
            await see(pilot, "3 conversations")
            yield app, pilot, store, made, answers
    finally:
        await store.close()


async def test_the_last_used_comes_first_and_enter_opens(tmp_path: Path):
    async with listing(tmp_path / "c.sqlite3") as (app, pilot, _store, made, answers):
        text = screen_text(app)
        assert text.index("[/x] quantise") < text.index("狐狸与西瓜") < text.index("Foxes")
        await pilot.press("down", "enter")
        await until_pilot(pilot, lambda: answers)
        assert answers == [Opened(made[1])]


async def test_any_word_finds_while_it_is_typed_and_shows_where(tmp_path: Path):
    async with listing(tmp_path / "c.sqlite3") as (_app, pilot, _store, made, answers):
        await pilot.press(*"number 1")
        await see(pilot, "1 conversation")
        await see(pilot, "what about number 1 and")
        await pilot.press("enter")
        await until_pilot(pilot, lambda: answers)
        assert answers == [Opened(made[1], "m1")]


async def test_one_chinese_character_finds(tmp_path: Path):
    async with listing(tmp_path / "c.sqlite3") as (app, pilot, _store, _made, answers):
        app.screen.query_one("#search", Input).value = "狐"
        await until_pilot(pilot, lambda: "Foxes" not in screen_text(app) and "狐狸与西瓜" in screen_text(app))
        app.screen.query_one("#search", Input).value = "nothing like it"
        await see(pilot, "Nothing was found.")
        await pilot.press("enter")
        await pilot.press("escape")
        await see(pilot, "3 conversations")
        await pilot.press("escape")
        await until_pilot(pilot, lambda: answers == [None])


async def test_a_title_of_ones_own_stays(tmp_path: Path):
    async with listing(tmp_path / "c.sqlite3") as (_app, pilot, store, made, _answers):
        await pilot.press("f2")
        await see(pilot, "Title of this conversation")
        await pilot.press(*["backspace"] * 20, *"My title", "enter")
        await see(pilot, "My title")
        assert await store.rename(made[2], "automatic", manual=False) is False
        await pilot.press("f2")
        await see(pilot, "Title of this conversation")
        await pilot.press("escape")
        await see(pilot, "My title")


async def test_deleting_can_be_undone(tmp_path: Path):
    async with listing(tmp_path / "c.sqlite3") as (app, pilot, _store, made, _answers):
        await pilot.press("down", "delete")
        await see(pilot, "Deleted “狐狸与西瓜”")
        await see(pilot, "2 conversations")
        assert app.screen.chosen.info.id == made[0]
        await pilot.press("ctrl+z")
        await see(pilot, "3 conversations")
        assert app.screen.chosen.info.id == made[1]
        await pilot.press("ctrl+z")
        await see(pilot, "Nothing was deleted here.")


async def test_the_open_conversation_is_marked_and_stays(tmp_path: Path):
    store, made = await filled(tmp_path / "c.sqlite3")
    await store.close()
    async with listing(tmp_path / "d.sqlite3") as (app, pilot, _store, _made, _answers):
        app.screen._current = _made[2]
        app.screen._draw()
        await see(pilot, "● [/x] quantise")
        await pilot.press("delete")
        await see(pilot, "This conversation is open.")
    assert made


async def test_a_fork_is_opened(tmp_path: Path):
    async with listing(tmp_path / "c.sqlite3") as (_app, pilot, store, made, answers):
        await pilot.press("f4")
        await until_pilot(pilot, lambda: answers)
        assert answers[0] is not None
        forked = answers[0].conversation_id
        assert forked not in made
        assert [one.id for one in await store.branch(forked)] == ["m2"]


async def test_the_mouse_opens(tmp_path: Path):
    async with listing(tmp_path / "c.sqlite3") as (_app, pilot, _store, made, answers):
        await pilot.click("#conversations", offset=(5, 2))
        await until_pilot(pilot, lambda: answers)
        assert answers == [Opened(made[0])]


async def test_an_empty_store_says_what_will_be_here(tmp_path: Path):
    store = await Store.open(tmp_path / "c.sqlite3")
    async with running() as (app, pilot, _workspace):
        app.push_screen(HistoryScreen(store))
        await see(pilot, "There is no conversation yet.")
        for key in ("f2", "f4", "delete", "enter", "down"):
            await pilot.press(key)
        assert isinstance(app.screen, HistoryScreen)
        await store.create_conversation(title="empty")
        app.screen.find("")
        await see(pilot, "1 conversation")
        await pilot.press("f4")
        await see(pilot, "An empty conversation cannot be forked.")
    await store.close()


class Refusing:
    """A store whose disk has gone."""

    async def conversations(self, limit: int = 200, offset: int = 0) -> list[ConversationInfo]:
        raise ProblemError(Problem("store.closed"))

    search = rename = delete = restore = fork = conversations  # pyright: ignore


async def test_what_the_store_refuses_is_said():
    now = datetime.now(UTC)
    async with running() as (app, pilot, _workspace):
        screen = HistoryScreen(Refusing())  # pyright: ignore[reportArgumentType]
        app.push_screen(screen)
        await until_pilot(pilot, lambda: "history" in screen_text(app).lower() or "closed" in screen_text(app).lower())
        screen._rows = [Row(ConversationInfo("c", "t", False, now, now, "tip"))]
        screen._draw()
        screen.query_one("#history-note").update("")
        await pilot.press("delete")
        await until_pilot(pilot, lambda: "closed" in screen_text(app).lower())


async def test_five_thousand_conversations_stay_fluent(tmp_path: Path):
    path = tmp_path / "c.sqlite3"
    await (await Store.open(path)).close()
    with closing(sqlite3.connect(path)) as connection, connection:
        begin = datetime(2026, 1, 1, tzinfo=UTC)
        connection.executemany(
            "INSERT INTO conversations (id, title, created, updated, model, endpoint, settings) VALUES (?,?,?,?,?,?,?)",
            (
                (f"c{n}", f"Title {n}", time, time, "m", "http://h:1", "{}")
                for n in range(5000)
                for time in [(begin + timedelta(minutes=n)).isoformat(timespec="microseconds")]
            ),
        )
    store = await Store.open(path)
    async with running() as (app, pilot, _workspace):
        app.push_screen(HistoryScreen(store))
        await see(pilot, "200+ conversations")
        options = app.screen.query_one("#conversations", OptionList)
        for _ in range(19):
            await pilot.press("pagedown")
        await until_pilot(pilot, lambda: options.option_count == 400)
        for page in range(3, 27):
            options.highlighted = options.option_count - 1
            await until_pilot(pilot, lambda page=page: options.option_count == min(5000, 200 * page))
            if options.option_count == 5000:
                break
        options.highlighted = 4999
        await see(pilot, "5,000 conversations")
        app.screen.query_one("#search", Input).value = "title 4321"
        await see(pilot, "1 conversation")
        app.screen.query_one("#search", Input).value = "title 43"
        await see(pilot, "40+ conversations")
        options.highlighted = 39
        await see(pilot, "111 conversations")
        assert options.option_count == 111
    await store.close()


def test_titles_give_way_and_hostile_ones_are_text():
    moment = datetime.now(UTC)
    info = ConversationInfo("c", "很长的标题" * 20 + "\x1b[31m", False, moment, moment, None, 7, "m" * 50)
    row = drawn(Row(info, SearchHit(info, "m", "a \x1b b 狐狸", ((6, 8),), ((0, 2),))), 60)
    first, second = row.plain.split("\n")
    assert cell_len(first) <= 60
    assert "\x1b" not in row.plain
    assert second.strip() == "a   b 狐狸"
    assert [(span.start, span.end) for span in row.spans if "underline" in str(span.style)][-1] == (
        row.plain.index("狐狸"), row.plain.index("狐狸") + 2,
    )  # fmt: skip


def test_times_are_said_as_people_do():
    now = datetime(2026, 3, 27, 12, 0, tzinfo=UTC).astimezone()
    assert when(now - timedelta(minutes=5), now).count(":") == 1
    assert when(now - timedelta(days=1), now).startswith("yesterday")
    assert when(now - timedelta(days=30), now).startswith("02-25")
    assert when(now - timedelta(days=400), now) == "2025-02-20"
