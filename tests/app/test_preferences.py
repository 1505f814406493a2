"""Settings, keys and profiles on a real file."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from textual.widgets import Input, OptionList, TextArea

from tests.support.app import running, screen_text, see
from tests.support.waiting import until_pilot
from tui.config.profiles import load_profiles
from tui.config.settings import Settings
from tui.config.settings_load import load_settings
from tui.config.settings_options import options_of
from tui.screens.ask import AskScreen
from tui.screens.confirm import ConfirmScreen
from tui.screens.key_capture import KeyCaptureScreen
from tui.screens.live_settings import LiveSettings, save_quietly
from tui.screens.pick import PickScreen
from tui.screens.preference_rows import typed_value
from tui.screens.preferences import PreferencesScreen
from tui.screens.profile_form import ProfileForm


@asynccontextmanager
async def preferences(path: Path, text: str = "", page: int = 0) -> AsyncIterator[tuple[Any, Any, LiveSettings]]:
    if text:
        path.write_text(text, encoding="utf-8")
    live = LiveSettings(path)
    async with running() as (app, pilot, _workspace):
        app.push_screen(PreferencesScreen(live))
        await until_pilot(pilot, lambda: live.loaded is not None and app.screen._rows)
        for _ in range(page):
            before = app.screen.page
            await pilot.press("right")
            await until_pilot(pilot, lambda before=before: app.screen.page != before)
        await pilot.pause()
        yield app, pilot, live


async def choose(app: Any, pilot: Any, row: str) -> None:
    options = app.screen.query_one("#entries", OptionList)
    options.highlighted = options.get_option_index(row)
    await pilot.press("enter")


async def on(pilot: Any, kind: type) -> None:
    await until_pilot(pilot, lambda: isinstance(pilot.app.screen, kind), what=kind.__name__)


async def answer(pilot: Any, text: str) -> None:
    await on(pilot, AskScreen)
    pilot.app.screen.query_one("#answer", Input).value = text
    await pilot.press("enter")


async def test_every_setting_is_listed_with_its_explanation_and_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LMDECK_MOUSE", "off")
    path = tmp_path / "config.toml"
    async with preferences(path, '# mine\ntheme = "ember"\n') as (app, pilot, _live):
        rows = {row.id: row for row in app.screen._rows}
        assert set(rows) == {one.name for one in options_of(Settings).values() if one.kind != "table"}
        assert "from the settings file; without it: lmdeck-dark" in rows["theme"].about
        assert "LMDECK_MOUSE" in rows["mouse"].about
        assert rows["mouse"].value == "off"
        options = app.screen.query_one("#entries", OptionList)
        options.highlighted = options.get_option_index("borders")
        await see(pilot, "ascii for terminals without line-drawing characters")
        await choose(app, pilot, "mouse")
        await see(pilot, "goes before the file")


async def test_a_switch_turns_and_is_saved_beside_the_comments(tmp_path: Path):
    path = tmp_path / "config.toml"
    async with preferences(path, "# mine\nconfirm_quit = 'always'\n") as (app, pilot, live):
        await choose(app, pilot, "copy_on_select")
        await until_pilot(pilot, lambda: live.settings.copy_on_select)
        assert path.read_text() == "# mine\nconfirm_quit = 'always'\ncopy_on_select = true\n"
        await pilot.press("delete")
        await until_pilot(pilot, lambda: not live.settings.copy_on_select)
        assert "copy_on_select" not in path.read_text()


async def test_a_choice_is_picked(tmp_path: Path):
    async with preferences(tmp_path / "config.toml") as (app, pilot, live):
        await choose(app, pilot, "confirm_quit")
        await on(pilot, PickScreen)
        await pilot.press("down", "enter")
        await until_pilot(pilot, lambda: live.settings.confirm_quit == "always")


async def test_a_theme_is_worn_while_it_is_chosen(tmp_path: Path):
    async with preferences(tmp_path / "config.toml") as (app, pilot, live):
        await until_pilot(pilot, lambda: len(app.available_themes) > 3)
        before = app.theme
        await choose(app, pilot, "theme")
        await on(pilot, PickScreen)
        await pilot.press("down")
        await until_pilot(pilot, lambda: app.theme != before)
        await pilot.press("escape")
        await until_pilot(pilot, lambda: app.theme == before)
        await on(pilot, PreferencesScreen)
        await choose(app, pilot, "theme")
        await on(pilot, PickScreen)
        await pilot.press("down", "enter")
        await until_pilot(pilot, lambda: live.settings.theme != before)
        assert live.settings.theme == app.theme


async def test_values_are_checked_while_they_are_typed(tmp_path: Path):
    async with preferences(tmp_path / "config.toml") as (app, pilot, live):
        await choose(app, pilot, "frames_local")
        await answer(pilot, "900")
        await see(pilot, "frames_local must be between 1 and 60.")
        await answer(pilot, "many")
        await see(pilot, "frames_local must be a whole number.")
        await answer(pilot, "30")
        await until_pilot(pilot, lambda: live.settings.frames_local == 30)
        await choose(app, pilot, "sampling.top_p")
        await answer(pilot, "0.5")
        await until_pilot(pilot, lambda: live.settings.sampling.top_p == 0.5)
        await choose(app, pilot, "sampling.top_p")
        await answer(pilot, "")
        await until_pilot(pilot, lambda: live.settings.sampling.top_p is None)
        await choose(app, pilot, "tools")
        await answer(pilot, "add, weather")
        await until_pilot(pilot, lambda: live.settings.tools == ("add", "weather"))


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [("tools", "", None), ("mouse", "no", False), ("gpu_total", "", None), ("stall_limit", "0", 0.0)],
)
def test_typed_texts(name: str, text: str, value: object):
    assert typed_value(options_of(Settings)[name], text) == (value, "")


async def test_a_file_that_cannot_be_written_says_so(tmp_path: Path):
    path = tmp_path / "folder"
    path.mkdir()
    async with preferences(path) as (app, pilot, _live):
        await choose(app, pilot, "copy_on_select")
        await see(pilot, "an ordinary file, so lmdeck starts")
    problem = await save_quietly(LiveSettings(path), {"language": "en"})
    assert problem is not None


async def test_a_pressed_key_becomes_the_actions_key(tmp_path: Path):
    path = tmp_path / "config.toml"
    async with preferences(path, page=1) as (app, pilot, live):
        await choose(app, pilot, "reply.regenerate")
        await on(pilot, KeyCaptureScreen)
        await pilot.press("f9")
        await see(pilot, "F9 was taken from “Copy the message”.")
        assert live.loaded is not None
        assert live.loaded.keys == {"reply.regenerate": "f9"}
        await pilot.press("delete")
        await until_pilot(pilot, lambda: live.loaded is not None and live.loaded.keys == {})


async def test_what_cannot_be_a_key_is_explained(tmp_path: Path):
    async with preferences(tmp_path / "config.toml", page=1) as (app, pilot, live):
        await choose(app, pilot, "reply.regenerate")
        await on(pilot, KeyCaptureScreen)
        await pilot.press("a")
        await see(pilot, "a alone is needed for typing.")
        await choose(app, pilot, "reply.regenerate")
        await on(pilot, KeyCaptureScreen)
        await pilot.press("escape")
        await on(pilot, PreferencesScreen)
        assert live.loaded is not None
        assert live.loaded.keys == {}


async def test_a_key_that_means_something_else_can_be_given_too(tmp_path: Path):
    async with preferences(tmp_path / "config.toml", page=1) as (app, pilot, live):
        await choose(app, pilot, "reply.regenerate")
        await on(pilot, KeyCaptureScreen)
        await pilot.press("f1")
        await until_pilot(pilot, lambda: live.loaded is not None and live.loaded.keys == {"reply.regenerate": "f1"})


async def test_conflicts_in_the_file_are_marked(tmp_path: Path):
    text = '[keys]\n"message.copy" = "f9"\n"reply.regenerate" = "f9"\n'
    async with preferences(tmp_path / "config.toml", text, page=1) as (app, _pilot, _live):
        rows = {row.id: row for row in app.screen._rows}
        assert rows["reply.regenerate"].warning
        assert "!" in screen_text(app)


PROFILE = '[profiles.camp]\nurl = "http://127.0.0.1:23333"\n\n[profiles.bad]\nurl = "a"\nssh = "b"\n'


async def test_profiles_are_listed_changed_added_and_removed(tmp_path: Path):
    path = tmp_path / "config.toml"
    async with preferences(path, PROFILE, page=2) as (app, pilot, _live):
        await see(pilot, "cannot be used")
        await choose(app, pilot, "camp")
        await on(pilot, PickScreen)
        await pilot.press("enter")
        await on(pilot, ProfileForm)
        app.screen.query_one("#profile-model", Input).value = "internlm"
        app.screen.query_one("#profile-api_key", Input).value = "sk-123"
        await pilot.press("enter")
        await see(pilot, "The API key field takes env:NAME")
        assert "sk-123" not in screen_text(app)
        app.screen.query_one("#profile-api_key", Input).value = "env:CAMP_KEY"
        await pilot.press("enter")
        await until_pilot(pilot, lambda: 'api_key = "env:CAMP_KEY"' in path.read_text())
        assert "sk-123" not in path.read_text()
        await on(pilot, PreferencesScreen)
        await pilot.press("ctrl+n")
        await on(pilot, ProfileForm)
        app.screen.query_one("#profile-name", Input).value = "new"
        await pilot.press("enter")
        await see(pilot, "new")
        app.screen.query_one("#profile-ssh", Input).value = "box"
        await pilot.press("enter")
        await until_pilot(pilot, lambda: "[profiles.new]" in path.read_text())
        await on(pilot, PreferencesScreen)
        options = app.screen.query_one("#entries", OptionList)
        options.highlighted = options.get_option_index("new")
        await pilot.press("delete")
        await on(pilot, ConfirmScreen)
        await pilot.press("tab", "enter")
        await until_pilot(pilot, lambda: "[profiles.new]" not in path.read_text())
        await on(pilot, PreferencesScreen)
        await choose(app, pilot, "bad")


async def test_a_profiles_prompt_sampling_and_tools_survive_the_form_and_can_be_changed(tmp_path: Path):
    path = tmp_path / "config.toml"
    text = (
        '[profiles.camp]\nurl = "http://127.0.0.1:23333"\nsystem_prompt = """two\nlines"""\ntools = []\n'
        'allow_tools = ["add", "mul"]\nssh_options = ["-v"]\n'
        '[profiles.camp.sampling]\ntemperature = 0.2\nstop = ["a b", "c"]\n'
        "[profiles.camp.chat_template_kwargs]\nenable_thinking = false\n"
    )
    async with preferences(path, text, page=2) as (app, pilot, _live):
        before = load_profiles(path).get("camp")
        await choose(app, pilot, "camp")
        await on(pilot, PickScreen)
        await pilot.press("enter")
        await on(pilot, ProfileForm)
        form = app.screen
        assert form.query_one("#profile-tools", Input).value == "none"
        assert form.query_one("#profile-stop", Input).value == "a b | c"
        await pilot.press("enter")
        await on(pilot, PreferencesScreen)
        assert load_profiles(path).get("camp") == before
        await choose(app, pilot, "camp")
        await on(pilot, PickScreen)
        await pilot.press("enter")
        await on(pilot, ProfileForm)
        form = app.screen
        form.query_one("#profile-temperature", Input).value = "9"
        await pilot.press("enter")
        await see(pilot, "temperature must be: 0 to 2")
        form.query_one("#profile-temperature", Input).value = "0.7"
        form.query_one("#profile-tools", Input).value = "add，area"
        form.query_one("#profile-never_tools", Input).value = "shell"
        form.query_one("#profile-allow_tools", Input).value = ""
        form.query_one("#profile-system_prompt", TextArea).text = "one\ntwo\nthree\n"
        await pilot.press("enter")
        await on(pilot, PreferencesScreen)
        changed = load_profiles(path).get("camp")
        assert changed.sampling == replace(before.sampling, temperature=0.7)
        assert (changed.tools, changed.allow_tools, changed.never_tools) == (("add", "area"), None, ("shell",))
        assert changed.system_prompt == "one\ntwo\nthree"


async def test_a_keyring_that_is_not_there_is_said_and_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    import sys

    monkeypatch.setitem(sys.modules, "keyring", None)
    path = tmp_path / "config.toml"
    async with preferences(path, PROFILE, page=2) as (app, pilot, _live):
        await choose(app, pilot, "camp")
        await on(pilot, PickScreen)
        await pilot.press("down", "enter")
        await answer(pilot, "sk-secret-1")
        await see(pilot, "keyring")
        assert "sk-secret-1" not in screen_text(app) + path.read_text()


async def test_a_keyring_keeps_the_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    import sys
    from types import SimpleNamespace

    kept: dict[tuple[str, str], str] = {}
    ring = SimpleNamespace(
        set_password=lambda service, account, key: kept.__setitem__((service, account), key),
        get_password=lambda service, account: kept.get((service, account)),
        delete_password=lambda service, account: kept.pop((service, account)),
    )
    monkeypatch.setitem(sys.modules, "keyring", ring)
    path = tmp_path / "config.toml"
    async with preferences(path, PROFILE, page=2) as (app, pilot, _live):
        await choose(app, pilot, "camp")
        await on(pilot, PickScreen)
        await pilot.press("down", "enter")
        await answer(pilot, "sk-secret-1")
        await until_pilot(pilot, lambda: 'api_key = "keyring"' in path.read_text())
        assert list(kept.values()) == ["sk-secret-1"]
        assert "sk-secret-1" not in path.read_text()
        await on(pilot, PreferencesScreen)
        await choose(app, pilot, "camp")
        await on(pilot, PickScreen)
        await pilot.press("down", "down", "enter")
        await until_pilot(pilot, lambda: not kept)


async def test_without_profiles_the_page_says_how_to_make_one(tmp_path: Path):
    async with preferences(tmp_path / "config.toml", page=2) as (app, pilot, _live):
        await see(pilot, "Ctrl+N makes one")
        await pilot.press("delete", "enter")
        await pilot.press("escape")
        await until_pilot(pilot, lambda: not isinstance(app.screen, PreferencesScreen))


async def test_a_change_of_the_file_is_noticed(tmp_path: Path):
    path = tmp_path / "config.toml"
    live = LiveSettings(path)
    assert live.loaded is None
    await live.poll()
    await live.load()
    told: list[tuple[str, ...]] = []
    live.on_change = lambda reload: told.append(reload.changed)
    await live.poll()
    assert told == []
    path.write_text('theme = "ember"\n')
    await live.poll()
    assert told == [("theme",)]
    assert live.settings.theme == "ember"
    path.write_text("theme = \n")
    await live.poll()
    assert told == [("theme",), ()]
    assert live.settings.theme == "ember"
    assert live.loaded is not None
    assert [problem.code for problem in live.loaded.problems] == ["config.broken_toml"]


async def test_of_many_changes_at_once_the_last_one_stays(tmp_path: Path):
    live = LiveSettings(tmp_path / "config.toml")
    async with asyncio.TaskGroup() as tasks:
        for number in range(1, 20):
            tasks.create_task(live.save({"frames_local": number, "language": ("en", "zh-CN")[number % 2]}))
            tasks.create_task(live.save_keys("chat.send", f"f{number % 12 + 1}"))
    assert load_settings(live.path).settings.frames_local == 19
    assert load_settings(live.path).settings.language == "zh-CN"
    assert load_settings(live.path).keys == {"chat.send": "f8"}
