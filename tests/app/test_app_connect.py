"""The app around the connect screen: the first start, choosing, connecting elsewhere; settings that the app wears."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from textual.widgets import Button, OptionList

from tests.support.app import rows, running, screen_text, see
from tests.support.fake_session import FakeWorkspace
from tests.support.waiting import until_pilot
from tui.app import LmdeckApp
from tui.app_options import AppOptions
from tui.config.paths import config_folder
from tui.config.terminal import Terminal
from tui.i18n import current_language
from tui.model.surroundings import FoundServer, Surroundings
from tui.screens.confirm import ConfirmScreen
from tui.screens.connect import ConnectScreen
from tui.screens.help import HelpScreen
from tui.screens.language import LanguageScreen
from tui.screens.preferences import PreferencesScreen
from tui.screens.seam import Approver, Teller, Workspace
from tui.widgets.clipboard import osc52, wrapped
from tui.widgets.composer import Composer

FOUND = Surroundings(servers=(FoundServer("http://127.0.0.1:23333", ("m",)),))


def configured(text: str) -> Path:
    path = config_folder() / "config.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


@asynccontextmanager
async def started(
    options: AppOptions | None = None,
) -> AsyncIterator[tuple[LmdeckApp, Any, list[AppOptions], list[FakeWorkspace]]]:
    """The app as a bare ``lmdeck`` starts it, with fakes for what is found and for what is opened."""
    asked: list[AppOptions] = []
    made: list[FakeWorkspace] = []

    def opener(chosen: AppOptions) -> Any:
        async def factory(_approve: Approver, _tell: Teller) -> Workspace:
            asked.append(chosen)
            made.append(FakeWorkspace())
            return made[-1]

        return factory

    async def look() -> AsyncIterator[Surroundings]:
        yield FOUND

    options = options or AppOptions(connect=True)
    app = LmdeckApp(opener(options), options, terminal=Terminal("plain"))
    app.opener = opener
    app.look = look
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        yield app, pilot, asked, made


async def test_the_first_start_asks_for_the_language_once():
    async with started() as (app, pilot, asked, _made):
        await until_pilot(pilot, lambda: isinstance(app.screen, LanguageScreen))
        assert asked == []
        await pilot.press("1")
        await until_pilot(pilot, lambda: isinstance(app.screen, ConnectScreen))
        assert current_language() == "zh-CN"
        await until_pilot(pilot, (config_folder() / "config.toml").exists)
    async with started() as (app, pilot, _asked, _made):
        await until_pilot(pilot, lambda: isinstance(app.screen, ConnectScreen))
        await until_pilot(pilot, lambda: app.live.loaded is not None)
        assert not isinstance(app.screen, LanguageScreen)
        assert current_language() == "zh-CN"


async def test_escape_keeps_the_language_of_the_environment():
    async with started() as (app, pilot, _asked, _made):
        await until_pilot(pilot, lambda: isinstance(app.screen, LanguageScreen))
        await pilot.press("escape")
        await until_pilot(pilot, (config_folder() / "config.toml").exists)
        assert 'language = "auto"' in (config_folder() / "config.toml").read_text()
        assert current_language() == "en"


async def use_the_server_found(app: LmdeckApp, pilot: Any, made: list[FakeWorkspace]) -> None:
    await until_pilot(pilot, lambda: isinstance(app.screen, ConnectScreen) and app.screen._cards)
    await pilot.press("enter")
    await until_pilot(pilot, lambda: made and app.chat.workspace is made[0])


async def test_what_is_chosen_is_opened_and_another_can_follow(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LMDECK_LANGUAGE", "en")
    async with started() as (app, pilot, asked, made):
        await use_the_server_found(app, pilot, made)
        assert asked[0].url == "http://127.0.0.1:23333"
        await app.run_action("app.connect")
        await until_pilot(pilot, lambda: isinstance(app.screen, ConnectScreen))
        await pilot.press("escape")
        await until_pilot(pilot, lambda: app.screen is app.chat)
        made[0].fake.busy = True
        await app.run_action("app.connect")
        await until_pilot(pilot, lambda: isinstance(app.screen, ConfirmScreen))
        app.screen.query_one("#yes", Button).press()
        await until_pilot(pilot, lambda: isinstance(app.screen, ConnectScreen) and app.screen._cards)
        await app.run_action("app.connect")
        app.screen.query_one("#cards", OptionList).focus()
        await pilot.press(*"demo", "enter")
        await until_pilot(pilot, lambda: len(made) == 2 and app.chat.workspace is made[1])
        assert made[0].closed
        assert asked[1].demo == {}
        await pilot.press(*"typed", "enter")
        await until_pilot(pilot, lambda: ("submit", "typed", False, False) in made[1].fake.calls)


async def test_what_is_sent_while_the_old_server_is_left_goes_to_the_new_one(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LMDECK_LANGUAGE", "en")
    async with started() as (app, pilot, _asked, made):
        await use_the_server_found(app, pilot, made)
        left, close = asyncio.Event(), made[0].aclose

        async def slowly() -> None:
            await left.wait()
            await close()

        made[0].aclose = slowly
        await app.run_action("app.connect")
        await until_pilot(pilot, lambda: isinstance(app.screen, ConnectScreen) and app.screen._cards)
        app.screen.query_one("#cards", OptionList).focus()
        await pilot.press(*"demo", "enter")
        await until_pilot(pilot, lambda: app.screen is app.chat and app.chat.workspace is None)
        app.chat.composer.post_message(Composer.Submitted("typed"))
        await until_pilot(pilot, lambda: "typed" in screen_text(app))
        left.set()
        await until_pilot(pilot, lambda: len(made) == 2 and app.chat.workspace is made[1])
        await until_pilot(pilot, lambda: ("submit", "typed", False, False) in made[1].fake.calls)


async def test_leaving_from_the_connect_screen(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LMDECK_LANGUAGE", "en")
    async with started() as (app, pilot, _asked, _made):
        await until_pilot(pilot, lambda: isinstance(app.screen, ConnectScreen))
        await pilot.press("ctrl+c")
        await see(pilot, "Press Ctrl+C again to quit.")
        await pilot.press("f1")
        await until_pilot(pilot, lambda: isinstance(app.screen, HelpScreen))
        await see(pilot, "Cards of what was found")
        await pilot.press("escape", "ctrl+q")
        await until_pilot(pilot, lambda: not app.is_running or app._exit)


async def test_the_palette_offers_only_what_works_here(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LMDECK_LANGUAGE", "en")
    async with started() as (app, pilot, _asked, _made):
        await until_pilot(pilot, lambda: isinstance(app.screen, ConnectScreen))
        here = {command.title for command in app.get_system_commands(app.screen)}
        chat = {command.title for command in app.get_system_commands(app.chat)}
        assert {"Look around again", "Settings", "Quit"} <= here
        assert "Answer again" not in here
        assert {"Answer again", "Conversations", "Connect elsewhere", "Settings"} <= chat
        assert "Look around again" not in chat


# settings that the app wears


async def test_settings_are_worn_from_the_first_frame():
    configured(
        'theme = "ember"\nlanguage = "zh-CN"\nborders = "ascii"\nreasoning_folded = false\npanel_shown = false\n'
    )
    async with running() as (app, pilot, _workspace):
        assert app.theme == "ember"
        assert current_language() == "zh-CN"
        await until_pilot(pilot, lambda: app.has_class("-ascii"))
        assert app.chat.folds_thoughts is False
        assert app.chat.has_class("-panel-off")


async def test_a_change_of_the_file_holds_at_once():
    path = configured("large_paste = 5000\n")
    async with running() as (app, pilot, _workspace):
        await until_pilot(pilot, lambda: app.chat.composer.large_paste == 5000)
        path.write_text(
            'theme = "dusk"\nlanguage = "zh-CN"\ncopy_on_select = true\n[keys]\n"message.copy" = "ctrl+y"\n'
        )
        await app.live.poll()
        await until_pilot(pilot, lambda: app.theme == "dusk")
        assert current_language() == "zh-CN"
        assert app.chat.copy_on_select
        assert app.keys_of_user == {"message.copy": "ctrl+y"}
        assert app.chat.composer.large_paste == 20_000
        path.write_text("theme = \n")
        await app.live.poll()
        await until_pilot(pilot, lambda: "TOML" in screen_text(app))
        assert app.theme == "dusk"


async def test_the_users_keys_work_and_are_shown():
    configured('[keys]\n"conversation.history" = "f10"\n"reply.regenerate" = "ctrl+t"\n')
    async with running(size=(120, 36)) as (app, pilot, workspace):
        await until_pilot(pilot, lambda: "Ctrl+T Answer again" in rows(app)[-1])
        await pilot.press("ctrl+t")
        await until_pilot(pilot, lambda: ("regenerate", None) in workspace.fake.calls)
        await pilot.press("f1")
        await see(pilot, "Ctrl+T")


@pytest.mark.parametrize(("value", "asks"), [("always", True), ("never", False)])
async def test_quitting_asks_as_the_settings_say(value: str, asks: bool):
    configured(f'confirm_quit = "{value}"\n')
    async with running() as (app, pilot, workspace):
        workspace.fake.busy = value == "never"
        await pilot.press("ctrl+q")
        if asks:
            await see(pilot, "Quit lmdeck?")
        else:
            await until_pilot(pilot, lambda: not app.is_running or app._exit)


async def test_f7_opens_the_settings():
    async with running() as (app, pilot, _workspace):
        await pilot.press("f7")
        await until_pilot(pilot, lambda: isinstance(app.screen, PreferencesScreen))
        await pilot.press("f7")
        await pilot.press("escape")
        await until_pilot(pilot, lambda: app.screen is app.chat)


async def test_a_language_of_the_command_line_stays():
    configured('language = "en"\n')
    async with started(AppOptions(language="zh-CN")) as (app, pilot, _asked, _made):
        await until_pilot(pilot, lambda: app.live.loaded is not None)
        assert app.fixed == {"language"}


def test_copying_reaches_the_terminal_outside_of_tmux_and_screen():
    assert wrapped("a", {}) == ""
    assert osc52("狐") == "\x1b]52;c;54uQ\a"
    assert wrapped("a", {"TMUX": "x"}) == "\x1bPtmux;\x1b\x1b]52;c;YQ==\a\x1b\\"
    pieces = wrapped("x" * 3000, {"STY": "x"})
    assert all(len(piece) <= 764 for piece in pieces.split("\x1bP"))
    assert pieces.replace("\x1bP", "").replace("\x1b\\", "") == osc52("x" * 3000)


async def test_a_very_long_copy_says_that_it_may_not_arrive():
    async with running() as (app, pilot, _workspace):
        app.say_copied("x" * 80_000)
        await see(pilot, "many terminals take fewer")
        assert len(app.clipboard) == 80_000
