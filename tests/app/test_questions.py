"""ssh's questions as dialogs: what they show, what they answer, and that hostile words stay words."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from textual.widgets import Button, Input

from tests.support.app import running, screen_text, see, send
from tests.support.waiting import until, until_pilot
from tui.model.machine import ServerThere
from tui.model.question import ChangedKey, Question, QuestionKind
from tui.screens.menu import MenuScreen
from tui.screens.pick import PickScreen
from tui.screens.preferences import PreferencesScreen
from tui.screens.questions import ChangedKeyScreen, QuestionScreen, same_print

PRINT = "SHA256:aTS/R6W5H1gsaF72om2TrN9kmgdbKY2evQn7iLLWYj0"


async def shown(pilot: Any, app: Any, question: Question) -> tuple[QuestionScreen, asyncio.Task[str | None]]:
    answer = asyncio.create_task(app.ask_user(question))
    await until_pilot(pilot, lambda: isinstance(app.screen, QuestionScreen) and app.focused is not None)
    return app.screen, answer


async def test_a_one_time_code_is_hidden_and_answered():
    async with running() as (app, pilot, _workspace):
        question = Question(QuestionKind.CODE, "(root@box) Verification code: ", "root@box", "root@box")
        _screen, answer = await shown(pilot, app, question)
        await see(pilot, "Verification code:")
        await pilot.press("enter")  # nothing typed: nothing is sent
        assert not answer.done()
        await pilot.press(*"424242")
        assert "424242" not in screen_text(app)
        await pilot.press("enter")
        assert await answer == "424242"


async def test_an_empty_answer_where_a_service_wants_one():
    async with running() as (app, pilot, _workspace):
        _screen, answer = await shown(pilot, app, Question(QuestionKind.OTHER, "Press Enter to go on", "box"))
        await pilot.press("enter")
        assert await answer == ""


async def test_words_from_outside_are_neither_markup_nor_commands():
    async with running() as (app, pilot, _workspace):
        prompt = "[red]pay[/red] \x1b[31mnow\x1b]0;x\x07 " + "long " * 900
        screen, answer = await shown(pilot, app, Question(QuestionKind.PASSWORD, prompt, "[b]box[/b]"))
        await see(pilot, "[red]pay[/red]")
        await see(pilot, "[b]box[/b] asks")
        assert "\x1b" not in screen_text(app)
        screen.query_one("#close", Button).press()
        assert await answer is None


async def test_a_notice_wants_no_answer_and_goes_with_its_cause():
    async with running() as (app, pilot, _workspace):
        notice = Question(QuestionKind.NOTICE, "Confirm user presence for key ED25519-SK", "box")
        _screen, answer = await shown(pilot, app, notice)
        await see(pilot, "Confirm user presence")
        answer.cancel()
        await until_pilot(pilot, lambda: app.screen is app.chat)
        screen, answer = await shown(pilot, app, notice)
        screen.query_one("#close", Button).press()
        assert await answer is None


async def test_questions_come_one_after_the_other():
    async with running() as (app, pilot, _workspace):
        asked = [
            asyncio.create_task(app.ask_user(Question(QuestionKind.CONFIRM, f"question {n} (yes/no)", f"box{n}")))
            for n in range(3)
        ]
        for number in range(3):
            await see(pilot, f"question {number}")
            await until_pilot(pilot, lambda: isinstance(app.screen, QuestionScreen) and app.focused is not None)
            assert len(app.screen_stack) == 2
            app.screen.query_one("#yes" if number else "#no", Button).press()
            await until(asked[number].done)
        assert [task.result() for task in asked] == ["no", "yes", "yes"]


async def test_a_host_key_is_not_accepted_by_a_stray_enter():
    async with running() as (app, pilot, _workspace):
        prompt = f"The authenticity of host 'box' can't be established.\nED25519 key fingerprint is {PRINT}."
        question = Question(QuestionKind.HOST_KEY, prompt, "box", "box", "ED25519", PRINT, again=True)
        screen, answer = await shown(pilot, app, question)
        await see(pilot, "That was not accepted.")
        screen.query_one("#compare", Input).focus()
        await pilot.press(*"wrong", "enter")
        assert not answer.done()
        screen.query_one("#compare", Input).value = ""
        await until_pilot(pilot, lambda: not screen.query_one("#yes", Button).disabled)
        screen.query_one("#no", Button).focus()
        await pilot.press("enter")
        assert await answer == "no"


async def test_a_changed_key_is_left_or_replaced():
    changed = ChangedKey("[box]:22", "ED25519", PRINT, ("SHA256:old",), "/srv/x/.ssh/known_hosts", 3)
    async with running() as (app, pilot, _workspace):
        answers: list[str | None] = []
        for press in ("#close", "#replace"):
            screen = ChangedKeyScreen("root@box", changed)
            app.push_screen(screen, answers.append)
            await until_pilot(pilot, lambda screen=screen: app.screen is screen and app.focused is not None)
            await see(pilot, PRINT)
            await see(pilot, "SHA256:old")
            await see(pilot, "[box]:22 in /srv/x/.ssh/known_hosts, line 3")
            screen.query_one("#compare", Input).value = PRINT
            await see(pilot, "The same.")
            screen.query_one(press, Button).press()
            await until_pilot(pilot, lambda: app.screen is app.chat)
        assert answers == [None, "replace"]


async def test_a_server_is_chosen_or_not():
    servers = (ServerThere(23333, "/m/one"), ServerThere(23334))
    async with running() as (app, pilot, _workspace):
        chosen = asyncio.create_task(app.choose_server("root@box", servers))
        await until_pilot(pilot, lambda: isinstance(app.screen, PickScreen) and app.focused is not None)
        await see(pilot, "23333 one")
        await see(pilot, "23334 ?")
        await pilot.press("down", "enter")
        assert await chosen == servers[1]
        chosen = asyncio.create_task(app.choose_server("root@box", servers))
        await until_pilot(pilot, lambda: isinstance(app.screen, PickScreen) and app.focused is not None)
        await pilot.press("escape")
        assert await chosen is None


async def test_a_server_is_chosen_in_the_chat_and_not_over_another_screen():
    servers = (ServerThere(23333, "/m/one"), ServerThere(23334, "/m/two"))
    async with running() as (app, pilot, _workspace):
        app.action_preferences()
        await until_pilot(pilot, lambda: isinstance(app.screen, PreferencesScreen))
        preferences = app.screen
        chosen = asyncio.create_task(app.choose_server("root@box", servers))
        given_up = asyncio.create_task(app.choose_server("root@other", servers))
        app.push_screen(MenuScreen())
        await until_pilot(pilot, lambda: isinstance(app.screen, MenuScreen) and app.focused is not None)
        given_up.cancel()
        await until_pilot(pilot, given_up.done)
        await send(pilot, "escape")
        await until_pilot(pilot, lambda: app.screen is preferences)
        assert not chosen.done()
        await send(pilot, "escape")
        await until_pilot(pilot, lambda: isinstance(app.screen, PickScreen) and app.focused is not None)
        assert app.screen_stack[-2] is app.chat
        await see(pilot, "root@box")
        await pilot.press("enter")
        assert await chosen == servers[0]
        await until_pilot(pilot, lambda: app.screen is app.chat)


async def test_the_choice_of_a_server_closes_when_the_chat_goes_elsewhere():
    servers = (ServerThere(23333, "/m/one"), ServerThere(23334, "/m/two"))
    async with running() as (app, pilot, _workspace):
        chosen = asyncio.create_task(app.choose_server("root@box", servers))
        await until_pilot(pilot, lambda: isinstance(app.screen, PickScreen) and app.focused is not None)
        chosen.cancel()
        await until_pilot(pilot, lambda: app.screen is app.chat)


async def test_a_question_below_another_dialog_is_withdrawn_when_that_is_left():
    async with running() as (app, pilot, _workspace):
        question, answer = await shown(pilot, app, Question(QuestionKind.NOTICE, "Touch the key", "box"))
        over = PickScreen("Which one?", ("one", "two"))
        app.push_screen(over)
        await until_pilot(pilot, lambda: app.screen is over and app.focused is not None)
        answer.cancel()
        await until_pilot(pilot, answer.done)
        await pilot.pause()
        assert app.screen is over
        assert question in app.screen_stack
        await send(pilot, "escape")
        await until_pilot(pilot, lambda: app.screen is app.chat)


@pytest.mark.parametrize(
    ("given", "same"),
    [
        (PRINT, True),
        (PRINT.removeprefix("SHA256:"), True),
        (f"256 {PRINT} root@box (ED25519)", True),
        (f"({PRINT}).", True),
        ("", False),
        (PRINT[:-1], False),
        (PRINT.lower(), False),
        ("SHA256:", False),
    ],
)
def test_fingerprints_are_compared_as_people_paste_them(given: str, same: bool):
    assert same_print(given, PRINT) is same


def test_old_fingerprints_are_compared_as_they_are():
    old = "MD5:16:27:ac:a5"
    assert same_print(old, old)
    assert not same_print("16:27:ac:a6", old)
