"""Reading a conversation: Markdown on screen, finding, jumping, links, code, original text."""

from __future__ import annotations

from typing import Any

from tests.support.app import rows, running, screen_text, see, spot
from tests.support.waiting import until_pilot
from tui.model import events
from tui.screens.link import LinkScreen
from tui.screens.pick import PickScreen
from tui.screens.raw import RawScreen
from tui.widgets.parts import TextView
from tui.widgets.transcript import Transcript

ANSWER = (
    "# Title\n\nSome **bold** words and a [link](https://example.org/page).\n\n- one\n- two\n\n"
    "```python\nprint('你好')\n```\n\nThe end.\n"
)


async def act(app: Any, action: str) -> None:
    await app.run_action(action, default_namespace=app.screen)


async def on(pilot: Any, kind: type) -> None:
    await until_pilot(pilot, lambda: isinstance(pilot.app.screen, kind), what=kind.__name__)


async def test_an_answer_is_shown_as_markdown():
    async with running() as (app, pilot, workspace):
        workspace.fake.turn(*(events.TextDelta(ANSWER[at : at + 3]) for at in range(0, len(ANSWER), 3)))
        await see(pilot, "The end.")
        text = screen_text(app)
        assert "• one" in text
        assert "**" not in text
        assert "```" not in text
        await act(app, "screen.copy_message")
        assert app.clipboard == ANSWER


async def test_finding_goes_from_place_to_place_and_marks_them():
    async with running() as (app, pilot, workspace):
        for number in range(30):
            workspace.fake.turn(events.TextDelta(f"answer {number}\n\nwith a **nee**dle {number}\n"), question="q")
        await see(pilot, "needle 29")
        await pilot.press("ctrl+f")
        await pilot.press(*"needle 3")
        await see(pilot, "of 1 ·")
        await see(pilot, "with a needle 3")
        await pilot.press("backspace")
        await see(pilot, "of 30 ·")
        place = app.chat.transcript.sheet.y
        await pilot.press("enter", "enter", "enter")
        await until_pilot(pilot, lambda: app.chat.transcript.sheet.y > place)
        await pilot.press("up", "up")
        await pilot.press(*"xyz")
        await see(pilot, "not found")
        await pilot.press("escape")
        await until_pilot(pilot, lambda: app.focused is app.chat.composer)
        assert "Find:" not in screen_text(app)


async def test_a_link_shows_its_address_and_asks():
    async with running() as (app, pilot, workspace):
        workspace.fake.turn(events.TextDelta(ANSWER))
        await see(pilot, "The end.")
        view = app.chat.transcript.parts(TextView)[-1]
        row = next(y for y, text in enumerate(view.rows(app.chat.transcript.sheet.page)) if "link" in text.text)
        column = view.rows(app.chat.transcript.sheet.page)[row].text.index("link")
        x, y = spot(app, view, row, column)
        await pilot.hover(Transcript, offset=(x + 1, y))
        await until_pilot(pilot, lambda: "https://example.org/page" in rows(app)[-1])
        await pilot.click(Transcript, offset=(x + 1, y))
        await on(pilot, LinkScreen)
        assert "https://example.org/page" in screen_text(app)
        await pilot.click("#copy")
        await until_pilot(pilot, lambda: app.clipboard == "https://example.org/page")


async def test_links_can_be_chosen_without_a_mouse(monkeypatch):
    async with running() as (app, pilot, workspace):
        opened: list[str] = []
        monkeypatch.delenv("SSH_CONNECTION", raising=False)
        monkeypatch.setattr(app, "open_url", opened.append)
        await act(app, "screen.links")
        await see(pilot, "The message has no links.")
        workspace.fake.turn(events.TextDelta(ANSWER))
        await see(pilot, "The end.")
        await act(app, "screen.links")
        await on(pilot, PickScreen)
        await pilot.press("enter")
        await on(pilot, LinkScreen)
        await pilot.click("#open")
        await until_pilot(pilot, lambda: opened == ["https://example.org/page"])


async def test_an_address_that_is_no_web_address_cannot_be_opened():
    async with running() as (app, pilot, workspace):
        workspace.fake.turn(events.TextDelta("[x](vscode://evil/run)\n\nend"))
        await see(pilot, "end")
        await act(app, "screen.links")
        await on(pilot, PickScreen)
        await pilot.press("enter")
        await on(pilot, LinkScreen)
        assert "vscode://evil/run" in screen_text(app)
        assert not app.screen.query("#open")


async def test_code_is_copied_by_itself():
    async with running() as (app, pilot, workspace):
        await act(app, "screen.copy_code")
        await see(pilot, "There is no code block.")
        workspace.fake.turn(events.TextDelta(ANSWER))
        await see(pilot, "The end.")
        await act(app, "screen.copy_code")
        assert app.clipboard == "print('你好')"
        app.copy_to_clipboard("")
        view = app.chat.transcript.parts(TextView)[-1]
        page = app.chat.transcript.sheet.page
        row = next(y for y, text in enumerate(view.rows(page)) if text.text.strip() == "python")
        await pilot.click(Transcript, offset=spot(app, view, row, 3))
        await until_pilot(pilot, lambda: app.clipboard == "print('你好')")


async def test_jumping_to_code_and_calls():
    async with running() as (app, pilot, workspace):
        await act(app, "screen.jump('call')")
        await see(pilot, "There is no tool call.")
        workspace.fake.turn(events.ToolCallStarted("c", "add"), events.ToolResult("c", "add", "8"))
        workspace.fake.turn(events.TextDelta(ANSWER))
        for number in range(20):
            workspace.fake.turn(events.TextDelta(f"answer {number}\n" * 3))
        await see(pilot, "answer 19")
        await act(app, "screen.jump('code')")
        await until_pilot(pilot, lambda: rows(app)[1].strip() == "python")
        assert not app.chat.transcript.following
        await act(app, "screen.jump('call')")
        await see(pilot, "⚙ add")


async def test_the_original_text_can_be_read():
    async with running() as (app, pilot, workspace):
        await act(app, "screen.show_raw")
        await see(pilot, "There is no message to show.")
        workspace.fake.turn(events.TextDelta(ANSWER))
        await see(pilot, "The end.")
        await act(app, "screen.show_raw")
        await on(pilot, RawScreen)
        await see(pilot, "**bold**")
        await pilot.press("escape")
        await until_pilot(pilot, lambda: app.screen is app.chat)


async def test_a_double_click_takes_a_word_and_a_triple_click_the_part():
    async with running() as (app, pilot, workspace):
        workspace.fake.turn(events.TextDelta("alpha beta\n\n第二段 中文 gamma"))
        await see(pilot, "gamma")
        view = app.chat.transcript.parts(TextView)[-1]
        await pilot.click(Transcript, offset=spot(app, view, 0, 7), times=2)
        await until_pilot(pilot, lambda: app.screen.get_selected_text() == "beta")
        await act(app, "screen.copy_selection")
        assert app.clipboard == "alpha beta"
        await pilot.click(Transcript, offset=spot(app, view, 0, 7), times=3)
        await until_pilot(pilot, lambda: app.screen.get_selected_text() == "alpha beta\n\n第二段 中文 gamma")
