"""The app against the simulated server, over HTTP: the main job, and everything that can come back broken."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.support.app import rows, screen_text, see
from tests.support.demo import RunningDemo, demo, start_demo  # noqa: F401 (fixtures)
from tests.support.waiting import until_pilot
from tui.app import LmdeckApp
from tui.app_options import AppOptions
from tui.config.terminal import Terminal
from tui.screens.workspace import open_workspace
from tui.widgets.parts import NoticeView, TextView, TurnLine
from tui.widgets.tool_call import CallState, ToolCallView


@asynccontextmanager
async def connected(options: AppOptions, size: tuple[int, int] = (100, 40)) -> AsyncIterator[tuple[LmdeckApp, Any]]:
    app = LmdeckApp(partial(open_workspace, options), options, terminal=Terminal("plain"))
    async with app.run_test(size=size, tooltips=True, notifications=True) as pilot:
        await until_pilot(pilot, lambda: app.chat.workspace is not None, 30, "the workspace")
        yield app, pilot


@pytest.fixture
async def chatting(demo: RunningDemo, tmp_path: Path) -> AsyncIterator[tuple[LmdeckApp, Any]]:  # noqa: F811 (a fixture)
    async with connected(AppOptions(url=demo.url, store=tmp_path / "c.sqlite")) as (app, pilot):
        await see(pilot, "lmdeck-demo", 30)
        yield app, pilot


async def say(app: LmdeckApp, pilot: Any, text: str) -> None:
    """Send a message and wait until the turn is over."""
    turns = len(app.chat.transcript.parts(TurnLine))
    app.chat.send(text)
    what = f"the end of the turn {text!r}"
    await until_pilot(pilot, lambda: len(app.chat.transcript.parts(TurnLine)) > turns, 30, what)


async def test_the_homeworks_two_prompts(chatting: tuple[LmdeckApp, Any]):
    app, pilot = chatting
    await say(app, pilot, "帮我讲述一个关于狐狸和西瓜的小故事")
    assert "西瓜" in app.chat.transcript.parts(TextView)[-1].text
    await say(app, pilot, "Compute (3+5)*2")
    add, mul = app.chat.transcript.parts(ToolCallView)
    assert (add.name_of_tool, mul.name_of_tool) == ("add", "mul")
    assert add.state is mul.state is CallState.DONE
    await see(pilot, "⚙ add  a=3 b=5  → 8")
    await see(pilot, "⚙ mul  a=8 b=2  → 16")
    assert "16" in app.chat.transcript.parts(TextView)[-1].text
    assert "simulated" in rows(app)[0]


@pytest.mark.parametrize(
    "prompt",
    [
        "/demo error 500 [/x] went [bold]wrong",
        "/demo html",
        "/demo hangup",
        "/demo cut",
        "/demo inband",
        "/demo proxy-error",
        "/demo no-done",
        "/demo bad-json",
        "/demo broken-args",
        "/demo unknown-tool",
        "/demo reasoning-only",
        "/demo length",
    ],
)
async def test_what_goes_wrong_is_a_sentence_and_the_app_goes_on(chatting: tuple[LmdeckApp, Any], prompt: str):
    app, pilot = chatting
    await say(app, pilot, prompt)
    trouble = [*app.chat.transcript.parts(NoticeView), *app.chat.transcript.parts(ToolCallView)]
    assert trouble, screen_text(app)
    assert "Traceback" not in screen_text(app)
    await say(app, pilot, "Compute (3+5)*2")
    assert "16" in app.chat.transcript.parts(TextView)[-1].text


async def test_escape_sequences_markup_and_bad_bytes_from_the_server_are_harmless(chatting: tuple[LmdeckApp, Any]):
    app, pilot = chatting
    for prompt in ("/demo escape", "/demo invalid-utf8"):
        await say(app, pilot, prompt)
    shown = screen_text(app)
    assert "\x1b" not in shown
    assert "\x07" not in shown
    assert "\u202e" not in shown


@pytest.mark.timeout(900)
async def test_a_ten_megabyte_line_and_a_megabyte_of_arguments(chatting: tuple[LmdeckApp, Any]):
    app, pilot = chatting
    await say(app, pilot, "/demo long-line 10485760")
    assert len(app.chat.transcript.parts(TextView)[-1].text) > 10_000_000
    await app.run_action("screen.new_conversation", default_namespace=app.chat)
    await until_pilot(pilot, lambda: not app.chat.transcript.parts(TurnLine))
    await say(app, pilot, "/demo big-args 1048576")
    assert len(app.chat.transcript.parts(ToolCallView)[-1].arguments) >= 1_000_000
    await app.run_action("screen.fold", default_namespace=app.chat)
    await see(pilot, "Show the request")  # the pieces as they came, at the end
    await pilot.press("ctrl+home")
    for _page in range(6):  # below the beginning of the arguments, above the pieces
        if "more characters" not in screen_text(app):
            await pilot.press("pagedown")
    assert "more characters" in screen_text(app)


async def test_a_stopped_answer_keeps_its_text_and_goes_on(start_demo: Any, tmp_path: Path):  # noqa: F811
    server = await start_demo(speed=60)
    async with connected(AppOptions(url=server.url, store=tmp_path / "c.sqlite")) as (app, pilot):
        await see(pilot, "lmdeck-demo", 30)
        app.chat.send("/demo tokens 2000")
        await until_pilot(pilot, lambda: app.chat.busy and len(app.chat.transcript.parts(TextView)) == 1, 30)
        app.chat.send("and this later")
        await see(pilot, "1 message waits: and this later")
        await pilot.press("escape")
        await until_pilot(pilot, lambda: not app.chat.busy)
        assert app.chat.transcript.parts(TextView)[-1].text
        await see(pilot, "You stopped the answer here.")


async def test_an_unreachable_server_is_named_and_the_composer_works(tmp_path: Path):
    async with connected(AppOptions(url="http://127.0.0.1:9", store=tmp_path / "c.sqlite")) as (app, pilot):
        await until_pilot(pilot, lambda: app.chat.query_one("#banner").display, 30, "the banner")
        await see(pilot, "127.0.0.1:9")
        await pilot.press(*"typed")
        assert app.chat.composer.text == "typed"


async def test_a_wrong_key_and_a_web_page_are_told_apart(start_demo: Any, tmp_path: Path):  # noqa: F811
    server = await start_demo(api_key="right")
    options = AppOptions(url=server.url, api_key="wrong-key-123", store=tmp_path / "c.sqlite")
    async with connected(options) as (app, pilot):
        await until_pilot(pilot, lambda: app.chat.query_one("#banner").display, 30, "the banner")
        await see(pilot, "key")
        assert "wrong-key-123" not in screen_text(app)

    async def page(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        body = b"<html><body>[/x] Welcome to nginx</body></html>"
        head = b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\nconnection: close\r\ncontent-length: %d\r\n\r\n"
        writer.write(head % len(body) + body)
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(page, "127.0.0.1", 0) as web:
        url = f"http://127.0.0.1:{web.sockets[0].getsockname()[1]}"
        async with connected(AppOptions(url=url, store=tmp_path / "c.sqlite")) as (app, pilot):
            await until_pilot(pilot, lambda: app.chat.query_one("#banner").display, 30, "the banner")


async def test_the_demo_starts_its_server_and_ends_it(tmp_path: Path):
    options = AppOptions(demo={"speed": 0, "first_token": 0}, store=tmp_path / "c.sqlite")
    async with connected(options, (120, 40)) as (app, pilot):
        await see(pilot, "GPU 0", 30)
        await see(pilot, "simulated")
        await say(app, pilot, "Compute (3+5)*2")


async def test_a_recorded_session_is_shown_again(demo: RunningDemo, tmp_path: Path):  # noqa: F811
    file = tmp_path / "session.jsonl"
    options = AppOptions(url=demo.url, store=tmp_path / "c.sqlite", record=str(file))
    async with connected(options) as (app, pilot):
        await see(pilot, "lmdeck-demo", 30)
        await say(app, pilot, "Compute (3+5)*2")
        await app.run_action("screen.new_conversation", default_namespace=app.chat)
        await until_pilot(pilot, lambda: not app.chat.transcript.parts(TurnLine))
        await say(app, pilot, "Compute (1+1)*3")
        shown = [view.text for view in app.chat.transcript.parts(TextView)]
    async with connected(AppOptions(replay=str(file), speed=0), (140, 40)) as (app, pilot):
        parts = app.chat.transcript.parts
        await until_pilot(pilot, lambda: [view.text for view in parts(TextView)] == shown, 30, "the replay")
        await see(pilot, "session.jsonl")
    async with connected_or_told(AppOptions(replay=str(tmp_path / "none.jsonl"))) as (_app, pilot):
        await see(pilot, "none.jsonl")


@asynccontextmanager
async def connected_or_told(options: AppOptions) -> AsyncIterator[tuple[LmdeckApp, Any]]:
    """The app when there may be no workspace."""
    app = LmdeckApp(partial(open_workspace, options), options, terminal=Terminal("plain"))
    async with app.run_test(size=(100, 40), tooltips=True, notifications=True) as pilot:
        yield app, pilot


async def test_a_store_that_cannot_be_opened_is_told_and_the_chat_works(demo: RunningDemo, tmp_path: Path):  # noqa: F811
    bad = tmp_path / "c.sqlite"
    bad.mkdir()
    async with connected(AppOptions(url=demo.url, store=bad)) as (app, pilot):
        await until_pilot(pilot, lambda: app.chat.transcript.parts(NoticeView), 30, "the notice")
        await see(pilot, "lmdeck-demo", 30)
        await say(app, pilot, "Compute (3+5)*2")


async def test_an_address_that_is_none_is_told(tmp_path: Path):
    async with connected_or_told(AppOptions(url="http://[/x]", store=tmp_path / "c.sqlite")) as (app, pilot):
        await until_pilot(pilot, lambda: app.chat.transcript.parts(NoticeView), 30, "the notice")


def told(app: LmdeckApp) -> list[str]:
    """The figures below the turns."""
    return [line.picture().plain for line in app.chat.transcript.parts(TurnLine)]


async def test_a_message_is_deleted_and_brought_back_and_figures_are_there_again(
    demo: RunningDemo,  # noqa: F811 (a fixture)
    tmp_path: Path,
):
    options = AppOptions(url=demo.url, store=tmp_path / "c.sqlite")
    async with connected(options) as (app, pilot):
        await see(pilot, "lmdeck-demo", 30)
        await say(app, pilot, "Compute (3+5)*2")
        await say(app, pilot, "hello")
        session = app.chat.session
        assert session is not None
        conversation = session.conversation_id
        figures = told(app)
        assert len(figures) == 2
        assert all("first token" in line for line in figures)
        await pilot.press("alt+delete")
        await see(pilot, "Select the message first")
        await pilot.press("alt+up", "alt+up", "alt+up", "alt+up", "alt+up")  # the question about arithmetic
        assert app.chat.transcript.selected == session.messages[0].id
        await pilot.press("alt+delete")
        await until_pilot(pilot, lambda: "Compute" not in screen_text(app), what="the deletion")
        assert app.chat.transcript.selected is None
        assert app.chat.transcript.parts(ToolCallView) == []
        assert told(app) == figures[1:]
        assert [message.role for message in session.messages] == ["user", "assistant"]
    options = AppOptions(url=demo.url, store=tmp_path / "c.sqlite", conversation=conversation)
    async with connected(options) as (app, pilot):
        await until_pilot(pilot, lambda: told(app) == figures[1:], 30, "the figures")
        assert "Compute" not in screen_text(app)
        await app.run_action("screen.undelete_message", default_namespace=app.screen)
        await see(pilot, "Compute (3+5)*2")
        assert len(app.chat.transcript.parts(ToolCallView)) == 2
        assert told(app) == figures
        session = app.chat.session
        assert session is not None
        assert app.chat.transcript.selected == session.messages[0].id
        await app.run_action("screen.undelete_message", default_namespace=app.screen)
        await see(pilot, "Nothing was deleted")


@pytest.mark.parametrize("name", ["folder", "notes.txt", "missing/session.jsonl"])
async def test_a_recording_that_cannot_be_written_is_told_and_the_chat_works(
    demo: RunningDemo,  # noqa: F811
    tmp_path: Path,
    name: str,
):
    (tmp_path / "folder").mkdir()
    (tmp_path / "notes.txt").write_text("mine")
    options = AppOptions(url=demo.url, store=tmp_path / "c.sqlite", record=str(tmp_path / name))
    async with connected(options, (200, 40)) as (app, pilot):
        await until_pilot(pilot, lambda: app.chat.transcript.parts(NoticeView), 30, "the notice")
        await see(pilot, Path(name).name)
        await say(app, pilot, "Compute 4+4")
    assert (tmp_path / "notes.txt").read_text() == "mine"
