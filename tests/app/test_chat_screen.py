"""The chat screen on a fake session: what is shown, and what the keys do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from rich.cells import cell_len
from textual import events as ui

from tests.support.app import rows, running, screen_text, see, spot
from tests.support.fake_session import TIMINGS, FakeLink, FakeWorkspace
from tests.support.waiting import StandingClock, until, until_pilot
from tui.chat.ports import utc_now
from tui.config.terminal import Terminal, detect
from tui.model import events
from tui.model.message import Message, NoticePart, TextPart
from tui.model.problem import Problem
from tui.model.server import LinkPhase, LinkState, ServerFacts
from tui.screens.confirm import ConfirmScreen
from tui.screens.help import HelpScreen
from tui.screens.menu import MenuScreen
from tui.screens.pick import PickScreen
from tui.widgets.lines import KeysLine, _clickable
from tui.widgets.parts import ReasoningView, TextView
from tui.widgets.tool_call import CallState, ToolCallView
from tui.widgets.transcript import Transcript

GIB = 2**30


async def press(pilot: Any, *keys: str) -> None:
    await pilot.press(*keys)


async def on(pilot: Any, kind: type) -> None:
    await until_pilot(pilot, lambda: isinstance(pilot.app.screen, kind), what=kind.__name__)


async def act(app: Any, action: str) -> None:
    """Run an action as the menu does."""
    await app.run_action(action, default_namespace=app.screen)


async def test_a_turn_is_shown_from_question_to_figures():
    async with running() as (app, pilot, workspace):
        await press(pilot, *"hi", "enter")
        await until_pilot(pilot, lambda: workspace.fake.calls == [("submit", "hi", False, False)])
        workspace.fake.turn(
            events.ReasoningDelta("let me think"),
            events.TextDelta("The result "),
            events.TextDelta("is 16."),
            question="Compute (3+5)*2",
        )
        await see(pilot, "The result is 16.")
        await see(pilot, "↑107 ↓15 · first token 80 ms · 142 tok/s")
        assert "Compute (3+5)*2" in screen_text(app)
        assert "▸ thought" in screen_text(app)
        assert "let me think" not in screen_text(app)
        await act(app, "screen.fold")
        await see(pilot, "let me think")


async def test_tool_calls_are_lines_that_unfold():
    async with running() as (app, pilot, workspace):
        workspace.fake.turn(
            events.ToolCallStarted("c1", "add"),
            events.ToolCallArguments("c1", '{"a": 3,'),
            events.ToolCallArguments("c1", ' "b": 5}'),
            events.ToolRunning("c1"),
            events.ToolResult("c1", "add", "8", seconds=0.003),
            events.ToolCallStarted("c2", "div"),
            events.ToolCallArguments("c2", "{not json"),
            events.ToolResult("c2", "div", "no", ok=False, problem=Problem("chat.call_unknown", {"name": "div"})),
        )
        await see(pilot, "▸ ⚙ add  a=3 b=5  → 8  3 ms")
        await see(pilot, "▸ ⚙ div  {not json  ✗")
        call = app.chat.transcript.parts(ToolCallView)[0]
        await pilot.click(Transcript, offset=spot(app, call))
        await see(pilot, '"a": 3')
        await see(pilot, "result")


NAMED = {"name": "add", "reason": "not now", "seconds": 5}


def failure(code: str) -> events.ToolResult:
    return events.ToolResult("c", "add", "Error", ok=False, seconds=2.0, problem=Problem(code, NAMED))


async def test_a_call_shows_each_state_it_goes_through():
    async with running() as (_app, pilot, workspace):
        session = workspace.fake
        session.play(events.TurnStarted("t", "m"), events.RoundStarted(1, "a"), events.ToolCallStarted("c", "add"))
        await see(pilot, "⚙ add    …")
        session.play(events.ToolApprovalAsked("c"))
        await see(pilot, "waits for your decision")
        session.play(events.ToolRunning("c"))
        await see(pilot, "runs …")
        session.play(events.ToolResult("late", "mul", "x"))
        await see(pilot, "⚙ mul")


@pytest.mark.parametrize(
    ("result", "state", "shown"),
    [
        (events.ToolResult("c", "add", "7", seconds=0.003), CallState.DONE, "→ 7"),
        (events.ToolResult("c", "add", "ValueError", ok=False), CallState.FAILED, "✗ ValueError"),
        (failure("chat.call_failed"), CallState.FAILED, "✗ add failed (not now)."),
        (failure("chat.call_timeout"), CallState.FAILED, "✗ add gave no result within 5 seconds"),
        (failure("chat.call_refused"), CallState.REFUSED, "⊘ You refused this call of add."),
        (failure("chat.call_refused_because"), CallState.REFUSED, "⊘ This call of add was refused: not now."),
        (failure("chat.call_not_json"), CallState.BROKEN, "✗ "),
        (failure("chat.call_cut"), CallState.BROKEN, "✗ "),
        (failure("chat.call_cancelled"), CallState.CANCELLED, "⊘ You cancelled this call of add."),
    ],
    ids=lambda value: value.value if isinstance(value, CallState) else "",
)
async def test_a_call_ends_in_a_state_of_its_own(result: events.ToolResult, state: CallState, shown: str):
    async with running(size=(110, 30)) as (app, pilot, workspace):
        workspace.fake.play(
            events.TurnStarted("t", "m"), events.RoundStarted(1, "a"), events.ToolCallStarted("c", "add"),
            events.ToolCallArguments("c", '{"a": 3, "b"'), result,
        )  # fmt: skip
        await see(pilot, shown)
        (view,) = [part for part in app.chat.transcript.part_views() if isinstance(part, ToolCallView)]
        assert view.state is state
        assert "✕" not in screen_text(app)
        await pilot.click(app.chat.transcript, offset=spot(app, view))
        await until_pilot(pilot, lambda: "result" in [row.strip() for row in rows(app)])
        assert "arguments" in [row.strip() for row in rows(app)]
        assert '{"a": 3, "b"' in screen_text(app)


async def test_an_unfolded_call_shows_how_the_model_wrote_it():
    async with running(size=(110, 80)) as (app, pilot, workspace):
        pieces = ['{"a":', " 3", *["0"] * 50, "}"]
        workspace.fake.play(
            events.TurnStarted("t", "m"), events.RoundStarted(1, "a"), events.ToolCallStarted("c", "add")
        )
        await see(pilot, "⚙ add")
        (view,) = [part for part in app.chat.transcript.part_views() if isinstance(part, ToolCallView)]
        written = ""
        for piece in pieces:  # a burst would come as one piece
            workspace.fake.play(events.ToolCallArguments("c", piece))
            written += piece
            await until(lambda written=written: view.arguments == written)
        workspace.fake.play(events.ToolResult("c", "add", "7"))
        await see(pilot, "→ 7")
        await pilot.press("ctrl+o")
        await see(pilot, "“Show the request” has all of them")
        text = screen_text(app)
        assert "as the model wrote it, piece by piece" in text
        assert 's  "{\\"a\\":"' in text
        assert 's  " 3"' in text
        assert text.count('s  "0"') == 38


async def test_a_running_call_is_cancelled_by_its_cross_or_by_a_key():
    async with running(size=(110, 30)) as (app, pilot, workspace):
        await pilot.press("alt+x")
        await see(pilot, "No tool runs now.")
        workspace.fake.play(
            events.TurnStarted("t", "m"), events.RoundStarted(1, "a"), events.ToolCallStarted("c", "slow"),
            events.ToolRunning("c"),
        )  # fmt: skip
        await see(pilot, "✕ slow")
        (view,) = [part for part in app.chat.transcript.part_views() if isinstance(part, ToolCallView)]
        await pilot.click(app.chat.transcript, offset=spot(app, view, column=2))
        await until_pilot(pilot, lambda: workspace.fake.calls == [("cancel_call", "c")])
        assert not view.open, "the click was for the cross"
        await pilot.press("alt+x")
        await until_pilot(pilot, lambda: workspace.fake.calls == [("cancel_call", "c")] * 2)
        workspace.fake.play(events.ToolCallStarted("d", "other"), events.ToolRunning("d"))
        await see(pilot, "✕ other")
        await pilot.press("alt+x")
        await see(pilot, "Which call is to be cancelled?")
        await pilot.press("down", "enter")
        await until_pilot(pilot, lambda: workspace.fake.calls[-1] == ("cancel_call", "d"))
        workspace.fake.cancellable = False
        await pilot.press("alt+x")
        await see(pilot, "Which call")
        await pilot.press("enter")
        await see(pilot, "This call has ended already.")


async def test_an_answer_that_arrived_as_reasoning_and_the_other_way_round():
    async with running() as (app, pilot, workspace):
        session = workspace.fake
        session.turn(events.ReasoningDelta("all of it"), events.ReasoningWasAnswer())
        parts = app.chat.transcript.parts
        await until_pilot(pilot, lambda: [view.text for view in parts(TextView)][-1:] == ["all of it"])
        session.turn(events.TextDelta("was thought"), events.TextWasReasoning(), events.TextDelta("answer"))
        await see(pilot, "answer")
        assert [view.text for view in app.chat.transcript.parts(ReasoningView)] == ["was thought"]


async def test_reasoning_counts_with_the_servers_figures():
    async with running() as (_app, pilot, workspace):
        workspace.fake.turn(
            events.ReasoningDelta("thinking"), events.ReasoningFinished(8.2), events.TextDelta("done"),
            events.Usage(10, 500, reasoning_tokens=412),
        )  # fmt: skip
        await see(pilot, "▸ thought 8.2 s · 412 tok")


async def test_a_failed_turn_keeps_its_text_and_says_why():
    async with running() as (_app, pilot, workspace):
        workspace.fake.play(
            events.TurnStarted("t", "m"), events.RoundStarted(1, "a"), events.TextDelta("half an ans"),
            events.Notice(Problem("app.theme_unknown", {"name": "[/x].png"})),
            events.TurnFailed(Problem("some.code", {}, "connection reset"), TIMINGS),
        )  # fmt: skip
        await see(pilot, "half an ans")
        await see(pilot, "[/x].png")
        await see(pilot, "! some.code: connection reset")


async def test_a_branch_is_shown_anew_and_goes_on():
    async with running() as (app, pilot, workspace):
        session = workspace.fake
        session.turn(
            events.ReasoningDelta("hm"), events.ToolCallStarted("c", "add"), events.ToolCallArguments("c", "{}"),
            events.ToolResult("c", "add", "8", seconds=0.003), events.Notice(Problem("x.y")), question="one",
        )  # fmt: skip
        session.turn(events.TextDelta("first answer"), question="two")
        await see(pilot, "first answer")
        session.messages = session.messages[:-1]
        session.play(events.BranchChanged("c", session.messages[-1].id))
        await until_pilot(pilot, lambda: "first answer" not in screen_text(app))
        session.play(events.TurnStarted("t9", "m"), events.RoundStarted(1, "a9"), events.TextDelta("second answer"))
        await see(pilot, "second answer")
        assert "⚙ add    → 8" in screen_text(app)


async def test_a_cut_answer_goes_on_in_the_same_part():
    async with running() as (app, pilot, workspace):
        session = workspace.fake
        session.turn(events.TextDelta("begun"), events.Notice(Problem("chat.length")))
        await see(pilot, "142 tok/s")
        session.play(events.TurnStarted("t2", "m"), events.RoundStarted(1, "a1"), events.TextDelta(" and ended"))
        await see(pilot, "begun and ended")
        assert len(app.chat.transcript.parts(TextView)) == 1


async def test_the_status_line_tells_model_link_context_and_speed():
    async with running(size=(120, 30)) as (_app, pilot, workspace):
        await see(pilot, "demo-model   ⇄ 12 ms   127.0.0.1:23333   TurboMind 0.18")
        workspace.fake.play(events.ContextMeter(1_200, 32_768))
        await see(pilot, "ctx 1.2k/33k")
        workspace.fake.play(events.ContextMeter(32_000, 32_768, estimated=True))
        await see(pilot, "ctx ≈32k/33k")
        workspace.link.become(facts=ServerFacts(models=("a",), simulated=True))
        await see(pilot, "simulated")


async def test_trouble_with_the_link_is_a_sentence_until_it_is_over():
    async with running() as (app, pilot, workspace):
        problem = Problem("app.theme_bad", {"path": "p", "reason": "r"})
        workspace.link.become(link=LinkState(LinkPhase.BACKOFF, 0.0, problem))
        await see(pilot, "not reachable, tries again")
        await see(pilot, "The theme file p cannot be used: r")
        workspace.link.become(link=LinkState(LinkPhase.HEALTHY, 0.0, round_trip=0.2))
        await until_pilot(pilot, lambda: "theme file" not in screen_text(app))


async def test_messages_wait_in_the_queue_and_can_be_taken_back():
    async with running() as (app, pilot, workspace):
        workspace.fake.play(events.TurnStarted("t", "m"), events.RoundStarted(1, "a"), events.TextDelta("…"))
        await until_pilot(pilot, lambda: app.chat.busy)
        await press(pilot, *"later", "enter")
        await see(pilot, "1 message waits: later")
        await press(pilot, *"draft")
        await act(app, "screen.take_back")
        await until_pilot(pilot, lambda: app.chat.composer.text == "later\ndraft")
        await act(app, "screen.take_back")
        await see(pilot, "No message waits.")


async def test_escape_stops_a_running_reply():
    async with running() as (_app, pilot, workspace):
        workspace.fake.play(events.TurnStarted("t", "m"), events.RoundStarted(1, "a"), events.TextDelta("…"))
        await see(pilot, "Esc Stop")
        await press(pilot, "escape")
        await until_pilot(pilot, lambda: ("stop",) in workspace.fake.calls)
        await see(pilot, "Enter Send")


async def test_regenerate_continue_and_edit_reach_the_session():
    async with running() as (app, pilot, workspace):
        session = workspace.fake
        session.turn(events.TextDelta("answer"), question="question")
        await see(pilot, "answer")
        await press(pilot, "ctrl+r")
        await until_pilot(pilot, lambda: ("regenerate", "a1") in session.calls)
        await act(app, "screen.resume")
        await until_pilot(pilot, lambda: ("resume",) in session.calls)
        await act(app, "screen.edit_message")
        assert app.chat.composer.text == "question"
        await press(pilot, "!", "enter")
        await until_pilot(pilot, lambda: ("edit", "u1", "question!") in session.calls)
        await act(app, "screen.edit_message")
        await press(pilot, "escape")
        await until_pilot(pilot, lambda: app.chat.composer.text == "")
        await press(pilot, *"new", "enter")
        await until_pilot(pilot, lambda: ("submit", "new", False, False) in session.calls)


async def test_what_needs_an_idle_session_waits_for_it():
    async with running() as (app, pilot, workspace):
        workspace.fake.turn(events.TextDelta("x"))
        workspace.fake.play(events.TurnStarted("t", "m"), events.RoundStarted(1, "a2"), events.TextDelta("…"))
        await until_pilot(pilot, lambda: app.chat.busy)
        for action in ("screen.regenerate", "screen.resume", "screen.edit_message"):
            await act(app, action)
            await see(pilot, "stop it first")
        assert workspace.fake.calls == []


async def test_walking_selects_messages_and_copies_the_selected_one():
    async with running() as (app, pilot, workspace):
        workspace.fake.turn(events.TextDelta("first **answer**"), question="first question")
        workspace.fake.turn(events.TextDelta("second answer"), question="second question")
        await see(pilot, "second answer")
        await act(app, "screen.copy_message")
        assert app.clipboard == "second answer"
        await see(pilot, "Sent to the terminal's clipboard: 13 characters.")
        await press(pilot, "alt+up", "alt+up", "alt+up")
        assert app.chat.transcript.selected == "a1"
        await press(pilot, "f9")
        assert app.clipboard == "first **answer**"
        await press(pilot, "alt+down", "alt+down", "alt+down")
        assert app.chat.transcript.selected is None


async def test_the_view_follows_until_the_user_scrolls_and_again_at_the_end():
    async with running() as (app, pilot, workspace):
        transcript = app.chat.transcript
        for number in range(12):
            workspace.fake.turn(events.TextDelta(f"answer {number}\n" * 3))
        await see(pilot, "answer 11")
        await until_pilot(pilot, lambda: transcript.scroll_y == transcript.max_scroll_y > 0)
        await press(pilot, "pageup")
        await see(pilot, "↓ to the end")
        place = transcript.scroll_y
        workspace.fake.play(
            events.RoundStarted(1, "a99"), events.TextDelta("news"), events.TurnFinished("stop", TIMINGS)
        )
        await see(pilot, "↓ 1 new")
        assert transcript.scroll_y == place
        await press(pilot, "ctrl+end")
        await see(pilot, "news")
        await until_pilot(pilot, lambda: "↓" not in rows(app)[-4])
        await press(pilot, "ctrl+home")
        await until_pilot(pilot, lambda: transcript.scroll_y == 0)
        await press(pilot, *["pagedown"] * 12)
        await until_pilot(pilot, lambda: transcript.following)
        await pilot._post_mouse_events([ui.MouseScrollUp], app.chat.transcript)
        await until_pilot(pilot, lambda: not transcript.following)
        await pilot.click("#news")
        await until_pilot(pilot, lambda: transcript.following)


async def test_a_short_conversation_stands_at_the_top():
    async with running() as (app, pilot, workspace):
        workspace.fake.turn(events.TextDelta("short"))
        await see(pilot, "short")
        assert app.chat.transcript.scroll_y == 0


async def test_history_keeps_the_draft():
    async with running() as (app, pilot, _workspace):
        composer = app.chat.composer
        for text in ("one", "two"):
            await press(pilot, *text, "enter")
        await press(pilot, *"draft", "up")
        assert composer.text == "two"
        await press(pilot, "up")
        assert composer.text == "one"
        await press(pilot, "down", "down")
        assert composer.text == "draft"
        await act(app, "screen.history(-1)")
        assert composer.text == "two"
        await act(app, "screen.history(1)")
        await act(app, "screen.history(1)")
        await see(pilot, "no further message")


async def test_new_lines_and_cursor_keys_inside_a_message():
    async with running() as (app, pilot, _workspace):
        await press(pilot, *"one", "ctrl+j", *"two\\", "enter", *"three")
        assert app.chat.composer.text == "one\ntwo\nthree"
        await press(pilot, "up", "up", "down")
        assert app.chat.composer.cursor_location[0] == 1


async def test_the_menu_filters_runs_and_gives_a_slash():
    async with running() as (app, pilot, _workspace):
        await press(pilot, "slash")
        await on(pilot, MenuScreen)
        await press(pilot, *"theme")
        await see(pilot, "Choose the theme")
        await press(pilot, "enter")
        await on(pilot, PickScreen)
        await press(pilot, "escape")
        await until_pilot(pilot, lambda: app.screen is app.chat)
        await press(pilot, "slash")
        await on(pilot, MenuScreen)
        await press(pilot, "slash")
        await until_pilot(pilot, lambda: app.chat.composer.text == "/")
        await press(pilot, "slash")
        assert app.chat.composer.text == "//"


async def test_the_menu_is_walked_by_keys_and_mouse():
    async with running() as (app, pilot, _workspace):
        await press(pilot, "slash")
        await on(pilot, MenuScreen)
        await press(pilot, "up", "down", "down", "enter")
        await see(pilot, "no further message")
        await act(app, "screen.menu")
        await on(pilot, MenuScreen)
        await press(pilot, *"nothing at all")
        await press(pilot, "enter", "down")
        assert isinstance(app.screen, MenuScreen)
        await press(pilot, *["backspace"] * 20)
        await pilot.click("#entries", offset=(3, 1))
        await see(pilot, "no further message")


async def test_choosing_a_model():
    async with running() as (_app, pilot, workspace):
        await press(pilot, "f2")
        await on(pilot, PickScreen)
        await press(pilot, "down", "enter")
        await until_pilot(pilot, lambda: workspace.link.model == "other-model")
        await see(pilot, "The next message goes to other-model.")
        await see(pilot, "other-model")
    async with running(FakeWorkspace(link=FakeLink(ServerFacts()))) as (_app, pilot, _workspace):
        await press(pilot, "f2")
        await see(pilot, "has not named its models")


async def test_a_new_conversation_replaces_the_old_one_and_asks_while_busy():
    async with running() as (app, pilot, workspace):
        workspace.fake.turn(events.TextDelta("old answer"))
        await see(pilot, "old answer")
        await press(pilot, "ctrl+n")
        await until_pilot(pilot, lambda: "old answer" not in screen_text(app))
        workspace.fake.turn(events.TextDelta("new answer"))
        await see(pilot, "new answer")
        workspace.fake.play(events.TurnStarted("t", "m"), events.RoundStarted(1, "a"), events.TextDelta("…"))
        await until_pilot(pilot, lambda: app.chat.busy)
        await press(pilot, "ctrl+n")
        await on(pilot, ConfirmScreen)
        await press(pilot, "enter")  # "No" has the focus
        await until_pilot(pilot, lambda: app.screen is app.chat)
        assert workspace.new_conversations == 1
        await press(pilot, "ctrl+n")
        await on(pilot, ConfirmScreen)
        await press(pilot, "tab", "enter")
        await until_pilot(pilot, lambda: workspace.new_conversations == 2)


@pytest.mark.parametrize(
    ("downs", "check"),
    [
        (0, lambda app, workspace: ("submit", "too much", True, False) in workspace.fake.calls),
        (1, lambda app, workspace: ("submit", "too much", False, False) in workspace.fake.calls),
        (2, lambda app, workspace: ("submit", "too much", False, True) in workspace.fake.calls),
        (3, lambda app, workspace: app.chat.composer.text == "too much"),
    ],
)  # fmt: skip
async def test_a_held_message_is_the_users_choice(downs: int, check: Callable[..., Any]):
    async with running() as (app, pilot, workspace):
        workspace.fake.play(events.MessageHeld("too much", Problem("chat.context_full", {"tokens": 9, "limit": 8})))
        await on(pilot, PickScreen)
        await press(pilot, *["down"] * downs, "enter")
        await until_pilot(pilot, lambda: check(app, workspace))


async def test_help_names_every_action_and_marks_eaten_keys():
    async with running(size=(120, 140), terminal=Terminal("x", frozenset({"f2"}))) as (app, pilot, _workspace):
        await press(pilot, "f1")
        await on(pilot, HelpScreen)
        await see(pilot, "The composer")
        await see(pilot, "F2*")
        await see(pilot, "/versions")
        await press(pilot, "f1")
        assert len(app.screen_stack) == 2
        await press(pilot, "escape")
        await until_pilot(pilot, lambda: app.screen is app.chat)


async def test_help_goes_on_below_itself_and_breaks_chinese_between_characters(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LMDECK_LANGUAGE", "zh-CN")
    async with running(size=(80, 24)) as (app, pilot, _workspace):
        await press(pilot, "f1")
        await on(pilot, HelpScreen)
        await see(pilot, "收回等待中的消息")
        shown = [row.strip(" │▂▃▄▅▆▇█") for row in rows(app)]
        first = next(row for row in shown if row.startswith("在这里写消息"))
        assert cell_len(first) > 60
        entry = next(place for place, row in enumerate(rows(app)) if "收回等待中的消息" in row)
        column = cell_len(rows(app)[entry].partition("收回")[0])
        below = rows(app)[entry + 1].replace("│", " ")
        assert cell_len(below) - cell_len(below.lstrip()) == column


async def test_the_palette_finds_and_runs_actions():
    async with running() as (_app, pilot, workspace):
        await press(pilot, "ctrl+p")
        await see(pilot, "Find an action")
        await press(pilot, *"answer again")
        await see(pilot, "Ask for another answer")
        await press(pilot, "enter", "enter")
        await until_pilot(pilot, lambda: ("regenerate", None) in workspace.fake.calls)


async def test_keys_that_the_terminal_eats_are_not_shown():
    async with running(terminal=detect({"TERM_PROGRAM": "vscode"})) as (app, pilot, _workspace):
        await see(pilot, "\\ Enter New line")
        assert "F1" not in rows(app)[-1]
        assert "Ctrl+P" not in rows(app)[-1]
        assert "/ Menu" in rows(app)[-1]


async def test_ctrl_c_copies_the_selection_else_quits_the_second_time(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("tui.app.monotonic", StandingClock())
    async with running() as (app, pilot, workspace):
        await press(pilot, *"abc", "shift+left", "shift+left", "ctrl+c")
        assert app.clipboard == "bc"
        await press(pilot, "end")
        workspace.fake.turn(events.TextDelta("select me"))
        await see(pilot, "select me")
        x, y = spot(app, app.chat.transcript.parts(TextView)[-1])
        await pilot.mouse_down(Transcript, offset=(x, y))
        await pilot.hover(Transcript, offset=(x + 6, y))
        await pilot.mouse_up(Transcript, offset=(x + 6, y))
        await until_pilot(pilot, app.screen.get_selected_text)
        await press(pilot, "ctrl+c")
        assert app.clipboard.strip() == "select"
        app.screen.clear_selection()
        await press(pilot, "ctrl+c")
        await see(pilot, "Press Ctrl+C again")
        await press(pilot, "ctrl+c")
        await until_pilot(pilot, lambda: not app.is_running or app._exit)


async def test_a_click_on_a_key_does_what_the_key_does():
    async with running() as (app, pilot, _workspace):
        column = rows(app)[-1].index("/ Menu") + 2
        await pilot.click("#keys", offset=(column, 0))
        await on(pilot, MenuScreen)


async def test_every_key_that_is_shown_can_be_clicked():
    async with running(size=(200, 50)) as (app, _pilot, _workspace):
        line = app.chat.query_one(KeysLine)
        for busy in (False, True):
            line.change(busy=busy)
            for _key, action in line.entries():
                target, _dot, name = _clickable(action).partition("(")[0].partition(".")
                node = app if target == "app" else app.chat
                assert hasattr(node, f"action_{name}"), f"a click on {action.label} would do nothing"


async def test_the_mouse_sends_and_makes_lines():
    async with running(size=(120, 36)) as (app, pilot, workspace):
        await pilot.press(*"hello")
        await pilot.click("#keys", offset=(rows(app)[-1].index("New line") + 2, 0))
        await until_pilot(pilot, lambda: app.chat.composer.text == "hello\n")
        await pilot.press(*"there")
        await pilot.click("#keys", offset=(rows(app)[-1].index("Send") + 1, 0))
        await until_pilot(pilot, lambda: ("submit", "hello\nthere", False, False) in workspace.fake.calls)


async def test_a_replay_can_be_read_but_not_written():
    async with running(FakeWorkspace(replay=True)) as (app, pilot, workspace):
        workspace.fake.turn(events.TextDelta("recorded"))
        await see(pilot, "recorded")
        await press(pilot, *"hello", "enter")
        await see(pilot, "This is a replay")
        assert app.chat.composer.text == "hello"
        for action in ("screen.regenerate", "screen.settings", "screen.tools", "screen.new_conversation"):
            await act(app, action)
            await see(pilot, "no conversation")


async def test_what_was_typed_before_the_workspace_was_there_is_sent():
    workspace = FakeWorkspace()
    async with running(workspace) as (app, pilot, _workspace):
        app.chat.workspace = None
        await press(pilot, *"early", "enter")
        await see(pilot, "1 message waits: early")
        app.chat.workspace = workspace
        app.chat.send_early()
        await until_pilot(pilot, lambda: ("submit", "early", False, False) in workspace.fake.calls)


async def test_too_small_a_terminal_says_so_and_recovers():
    async with running() as (app, pilot, _workspace):
        await press(pilot, *"kept")
        await pilot.resize_terminal(50, 12)
        await see(pilot, "needs 60 columns")
        await pilot.resize_terminal(80, 24)
        await see(pilot, "kept")
        await until_pilot(pilot, lambda: app.focused is app.chat.composer)
        await pilot.resize_terminal(120, 36)
        await see(pilot, "Ctrl+R Answer again")


async def test_closing_the_app_closes_the_workspace():
    async with running() as (_app, _pilot, workspace):
        pass
    assert workspace.closed
    assert workspace.fake.closed


def test_messages_are_what_the_fake_keeps():
    """The fake keeps messages as a session does, or the tests above would prove nothing."""
    from tests.support.fake_session import FakeSession

    session = FakeSession()
    session.turn(events.TextDelta("a"), events.TextDelta("b"))
    assert [message.text for message in session.messages] == ["hello", "ab"]
    assert all(isinstance(message, Message) for message in session.messages)


@pytest.mark.parametrize(
    ("complete", "told", "said"), [(False, False, True), (False, True, False), (True, False, False)]
)
async def test_a_kept_reply_without_an_end_says_so(complete: bool, told: bool, said: bool):
    now = utc_now()
    parts = (TextPart("half of"), *((NoticePart(Problem("chat.stopped")),) if told else ()))
    workspace = FakeWorkspace()
    workspace.fake.messages = (
        Message("u", "user", (TextPart("why?"),), None, now),
        Message("a", "assistant", parts, "u", now, complete=complete),
    )
    async with running(workspace) as (app, pilot, _workspace):
        await see(pilot, "half of")
        if said:
            await see(pilot, "This reply is not whole")
            await see(pilot, "/continue")
        else:
            assert "not whole" not in screen_text(app)
