"""The first screen: what was found is offered, and what is chosen is answered."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from textual.events import Key
from textual.widgets import Input, OptionList

from tests.support.app import running, screen_text, see
from tests.support.waiting import until_pilot
from tui.app_options import AppOptions
from tui.model.message import ConversationInfo
from tui.model.problem import Problem
from tui.model.surroundings import FoundCard, FoundHost, FoundLmdeploy, FoundProfile, FoundServer, Surroundings
from tui.screens.cards import cards_of, is_simulated
from tui.screens.connect import ConnectScreen, bad_address
from tui.screens.language import LanguageScreen

NOW = datetime.now(UTC)
LAST = ConversationInfo("c1", "Foxes and melons", False, NOW, NOW, None, 12, "internlm", "http://gone:1")
FULL = Surroundings(
    servers=(
        FoundServer("http://127.0.0.1:23333", ("internlm2_5-1_8b",), pid=7),
        FoundServer("http://127.0.0.1:23334", answers=False, needs_key=True),
        FoundServer("http://127.0.0.1:23335", answers=False, pid=9, model_path="internlm/internlm2_5"),
        FoundServer("http://127.0.0.1:23336", answers=False, pid=10),
    ),
    installations=(FoundLmdeploy("/opt/envs/x/bin/lmdeploy", "/opt/envs/x", "0.18.0", "conda"),),
    cards=(FoundCard(0, "NVIDIA A100", 24 * 2**30, 23 * 2**30), FoundCard(1, "NVIDIA A100", None, None)),
    hosts=(FoundHost("gpu-box", "root@10.0.0.5:33881"), FoundHost("[/x]")),
    profiles=(FoundProfile("camp", "ssh://gpu-box/127.0.0.1:23333", "m"), FoundProfile("mine", "http://h:1")),
    last=LAST,
)


def still(now: Surroundings) -> Any:
    """Somebody who looks around and finds always the same."""

    async def look() -> AsyncIterator[Surroundings]:
        yield replace(now, searching=frozenset({"servers"}))
        yield now

    return look


@asynccontextmanager
async def connecting(
    now: Surroundings = FULL, *, size: tuple[int, int] = (80, 24), can_leave: bool = False
) -> AsyncIterator[tuple[Any, Any, list[AppOptions | None]]]:
    async with running(size=size) as (app, pilot, _workspace):
        answers: list[AppOptions | None] = []
        app.push_screen(ConnectScreen(AppOptions(mouse=False), still(now), can_leave=can_leave), answers.append)
        await see(pilot, "Try the demo" if size[1] > 30 else "Where is the model?")
        await until_pilot(pilot, lambda: app.screen.query_one("#cards", OptionList).highlighted is not None)
        yield app, pilot, answers


async def choose(app: Any, pilot: Any, card: str) -> None:
    options = app.screen.query_one("#cards", OptionList)
    options.highlighted = options.get_option_index(card)
    await pilot.press("enter")


def test_the_likeliest_offer_comes_first():
    assert [card.id for card in cards_of(FULL)] == [
        "server http://127.0.0.1:23333", "last", "profile camp", "profile mine", "server http://127.0.0.1:23334",
        "server http://127.0.0.1:23335", "server http://127.0.0.1:23336", "launch", "demo", "homework", "host gpu-box",
        "host [/x]",
    ]  # fmt: skip


def test_offers_say_what_was_found():
    cards = {card.id: card for card in cards_of(FULL)}
    assert cards["launch"].detail == "lmdeploy 0.18.0 in /opt/envs/x · NVIDIA A100, 23.00 GiB free · 2 cards"
    assert "12 messages" in cards["last"].detail
    assert cards["server http://127.0.0.1:23335"].detail == "internlm/internlm2_5, process 9: does not answer yet"
    nothing = {card.id: card for card in cards_of(Surroundings())}
    assert nothing["launch"].detail == "no lmdeploy found here · no GPU found here"
    assert list(nothing) == ["launch", "demo", "homework", "ssh"]
    searching = Surroundings(searching=frozenset({"lmdeploy", "cards"}))
    assert next(card for card in cards_of(searching) if card.id == "launch").detail == "…"
    bare = Surroundings(installations=(FoundLmdeploy("/b/lmdeploy", "/b"),))
    assert next(card for card in cards_of(bare) if card.id == "launch").detail.startswith("lmdeploy in /b")
    simulated = Surroundings(servers=(FoundServer("http://127.0.0.1:1", ("lmdeck-demo",), simulated=True),))
    assert cards_of(simulated)[0].detail == "simulated server: lmdeck-demo"
    assert is_simulated("lmdeck-demo")


@pytest.mark.parametrize(
    ("card", "changes"),
    [
        ("server http://127.0.0.1:23333", {"url": "http://127.0.0.1:23333"}),
        ("last", {"conversation": "c1"}),
        ("profile mine", {"profile": "mine"}),
        ("demo", {"demo": {}}),
        ("host gpu-box", {"ssh": "gpu-box"}),
        ("launch", {"launch": True}),
    ],
)
async def test_a_card_opens_what_it_names(card: str, changes: dict[str, Any]):
    async with connecting() as (app, pilot, answers):
        await choose(app, pilot, card)
        await until_pilot(pilot, lambda: answers)
        assert answers == [replace(AppOptions(mouse=False), **changes)]


async def test_the_mouse_chooses_too():
    async with connecting() as (_app, pilot, answers):
        await pilot.click("#cards", offset=(5, 0))
        await until_pilot(pilot, lambda: answers)
        assert answers[0] is not None
        assert answers[0].url == "http://127.0.0.1:23333"


@pytest.mark.parametrize(
    ("text", "changes"),
    [("gpu.example:8000", {"url": "gpu.example:8000"}), ("demo", {"demo": {}}), ("mine", {"profile": "mine"})],
)
async def test_typing_goes_to_the_address(text: str, changes: dict[str, Any]):
    async with connecting() as (_app, pilot, answers):
        await pilot.press(*text, "enter")
        await until_pilot(pilot, lambda: answers)
        assert answers == [replace(AppOptions(mouse=False), **changes)]


async def test_a_wrong_address_is_explained_and_can_be_corrected():
    async with connecting() as (app, pilot, answers):
        app.screen.query_one("#address", Input).value = "ftp://x"
        app.screen.query_one("#address", Input).focus()
        await pilot.press("enter")
        await see(pilot, "ftp")
        assert bad_address("ftp://x") is not None
        await pilot.press("escape")
        await until_pilot(pilot, lambda: app.screen.query_one("#address", Input).value == "")
        await pilot.press("enter", "escape")
        await until_pilot(pilot, lambda: app.focused is app.screen.query_one("#cards"))
        assert answers == []


@pytest.mark.parametrize(
    "text",
    ["ssh://root@gpu:33881", "root@gpu", "ssh -p 33881 root@gpu", "$ ssh -CNg -L 1:127.0.0.1:1 root@gpu", "gpu-box"],
)
async def test_an_address_behind_ssh_is_recognised(text: str):
    async with connecting() as (app, pilot, answers):
        app.screen.query_one("#address", Input).value = text
        app.screen.query_one("#address", Input).focus()
        await pilot.press("enter")
        await until_pilot(pilot, lambda: answers)
        assert answers[0] is not None
        assert answers[0].ssh == text


async def test_an_ssh_line_that_makes_no_sense_is_explained():
    async with connecting() as (app, pilot, answers):
        app.screen.query_one("#address", Input).value = "ssh root@gpu -p 99999"
        app.screen.query_one("#address", Input).focus()
        await pilot.press("enter")
        await see(pilot, "“99999” is no port.")
        assert answers == []


async def test_a_machine_without_a_name_wants_its_address():
    async with connecting(Surroundings()) as (app, pilot, _answers):
        await choose(app, pilot, "ssh")
        await until_pilot(pilot, lambda: app.screen.query_one("#address", Input).value == "ssh://")


async def test_problems_are_said_and_the_rest_works():
    broken = replace(FULL, problems=(Problem("config.not_a_file", {"path": "~/x"}),))
    async with connecting(broken) as (_app, pilot, _answers):
        await see(pilot, "~/x is not an ordinary file")


async def test_escape_goes_back_where_there_is_something_to_go_back_to():
    async with connecting(can_leave=True) as (_app, pilot, answers):
        await see(pilot, "Esc back")
        await pilot.press("escape")
        await until_pilot(pilot, lambda: answers == [None])


async def test_looking_again_keeps_the_place():
    async with connecting() as (app, pilot, _answers):
        await pilot.press("down", "down")
        app.screen._cards = []  # as if something else had been found
        await pilot.press("f5")
        await until_pilot(pilot, lambda: app.screen._cards)
        assert app.screen.query_one("#cards", OptionList).highlighted == 2


async def test_the_language_is_asked_with_one_key():
    async with running() as (app, pilot, _workspace):
        answers: list[str | None] = []
        for key in ("1", "2", "enter", "escape"):
            app.push_screen(LanguageScreen(), answers.append)
            await see(pilot, "中文 / English ?")
            await pilot.press(key)
            await until_pilot(pilot, lambda: not isinstance(app.screen, LanguageScreen))
        assert answers == ["zh-CN", "en", "en", None]


async def test_the_screen_switches_its_language():
    async with connecting() as (app, pilot, _answers):
        app.action_switch_language()
        await until_pilot(pilot, lambda: "NVIDIA" in screen_text(app))
        app.action_switch_language()
        await see(pilot, "Where is the model?")


async def test_f1_shows_the_keys_of_this_screen_and_not_those_of_the_chat():
    async with connecting() as (app, pilot, _answers):
        await pilot.press("f1")
        await see(pilot, "On this screen")
        await see(pilot, "F5 Ctrl+R")
        text = screen_text(app)
        assert "Look around again" in text
        assert "Enter or a click opens" in text
        await pilot.press("end")
        await see(pilot, "Quit")
        for name in ("Stop the reply", "New conversation"):
            assert name not in screen_text(app)
        await pilot.press("escape")
        await until_pilot(pilot, lambda: app.focused is not None)


async def test_keys_that_come_at_once_are_all_typed():
    """The first one takes the line to the address; those behind it may be on their way to the cards already."""
    async with connecting() as (app, pilot, _answers):
        entry, cards = app.screen.query_one("#address", Input), app.screen.query_one("#cards", OptionList)
        app.post_message(Key("d", "d"))
        await until_pilot(pilot, lambda: app.focused is entry)
        for character in "emo":
            cards._forward_event(Key(character, character))  # as Textual does
        await until_pilot(pilot, lambda: entry.value == "demo", timeout=5, what="every character")
