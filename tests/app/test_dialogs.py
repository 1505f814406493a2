"""Dialogs: approval, settings, tools, facts, theme, language."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from textual.widgets import Button, Input, SelectionList, TextArea

from tests.support.app import running, screen_text, see
from tests.support.fake_session import FakeLink, FakeWorkspace
from tests.support.waiting import StandingClock, until_pilot
from tui.i18n import current_language
from tui.model import events
from tui.model.problem import Problem
from tui.model.request import Sampling
from tui.model.server import ServerFacts
from tui.model.tool import Decision, ToolCall, ToolSpec, Verdict
from tui.screens.approval import ApprovalScreen
from tui.screens.facts import FactsScreen
from tui.screens.pick import PickScreen
from tui.screens.sampling import as_text, read_field
from tui.screens.settings import SettingsScreen
from tui.screens.tools import ToolsScreen

CALL = ToolCall("c1", "rm [/x]", {"path": "[bold]/etc[/x]\x1b]0;t\x07", "deep": {"a": [1, 2]}})
SPEC = ToolSpec("rm [/x]", "Removes [/everything].", {"type": "object"})


async def ask(app: Any, pilot: Any, call: ToolCall = CALL) -> asyncio.Task[Decision]:
    task = asyncio.create_task(app.chat.approve(call, SPEC))
    await until_pilot(pilot, lambda: isinstance(app.screen, ApprovalScreen), what="the dialog")
    return task


async def awake(app: Any, pilot: Any) -> None:
    await until_pilot(pilot, lambda: app.screen.awake and isinstance(app.focused, Button), what="the dialog takes keys")


async def test_a_stray_key_decides_nothing(monkeypatch: pytest.MonkeyPatch):
    clock = StandingClock()
    monkeypatch.setattr("tui.screens.approval.monotonic", clock)
    async with running() as (app, pilot, _workspace):
        task = await ask(app, pilot)
        await pilot.press("enter", "y", "escape", "space")
        assert not task.done()
        assert isinstance(app.screen, ApprovalScreen)
        await see(pilot, "rm [/x]")
        assert "[bold]/etc[/x]" in screen_text(app)
        assert not app.screen.awake
        clock.goes = True
        await awake(app, pilot)
        await pilot.press("tab", "enter")
        assert await task == Decision(Verdict.ALLOW)


async def test_refusing_with_a_reason_by_field_button_and_escape():
    async with running() as (app, pilot, _workspace):
        task = await ask(app, pilot)
        await awake(app, pilot)
        app.screen.query_one(Input).focus()
        await until_pilot(pilot, lambda: isinstance(app.focused, Input))
        await pilot.press(*"too risky", "enter")
        assert await task == Decision(Verdict.REFUSE, "too risky")
        for key in ("enter", "escape"):
            task = await ask(app, pilot)
            await awake(app, pilot)
            await pilot.press(key)
            assert await task == Decision(Verdict.REFUSE)


async def test_calls_are_asked_one_after_the_other_and_withdrawn_with_the_turn():
    async with running() as (app, pilot, _workspace):
        first = await ask(app, pilot)
        second = asyncio.create_task(app.chat.approve(ToolCall("c2", "other", {}), SPEC))
        await see(pilot, "rm [/x]")
        first.cancel()
        await see(pilot, "other")
        second.cancel()
        await until_pilot(pilot, lambda: app.screen is app.chat)


async def test_very_long_arguments_are_cut_in_the_dialog():
    async with running() as (app, pilot, _workspace):
        task = await ask(app, pilot, ToolCall("c", "x", {"text": "y" * 100_000}))
        shown = str(app.screen.query_one("#arguments").render())
        assert len(shown) < 7_000
        assert "more characters" in shown
        task.cancel()
        await until_pilot(pilot, lambda: app.screen is app.chat)


async def test_settings_are_read_checked_and_used():
    async with running(size=(100, 40)) as (app, pilot, workspace):
        await pilot.press("f3")
        await until_pilot(pilot, lambda: isinstance(app.screen, SettingsScreen))
        app.screen.query_one(TextArea).text = "You are [/terse]."
        app.screen.query_one("#field-temperature", Input).value = "hot"
        app.screen.query_one("#ok", Button).press()
        await see(pilot, "temperature must be: 0 to 2")
        app.screen.query_one("#field-temperature", Input).value = "0.2"
        app.screen.query_one("#field-stop", Input).value = "END | 停"
        app.screen.query_one("#field-extra", Input).value = '{"min_new_tokens": 3}'
        app.screen.query_one("#ok", Button).press()
        await until_pilot(pilot, lambda: app.screen is app.chat)
        assert workspace.fake.system == "You are [/terse]."
        assert workspace.fake.sampling == Sampling(temperature=0.2, stop=("END", "停"), extra={"min_new_tokens": 3})
        await pilot.press("f3")
        await until_pilot(pilot, lambda: isinstance(app.screen, SettingsScreen))
        assert app.screen.query_one("#field-stop", Input).value == "END | 停"
        app.screen.query_one("#cancel", Button).press()
        await until_pilot(pilot, lambda: app.screen is app.chat)


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("temperature", "1.5", "2.1"),
        ("top_p", "0.9", "0"),
        ("top_k", "40", "-1"),
        ("min_p", "0.1", "1.1"),
        ("repetition_penalty", "1.02", "nan"),
        ("max_tokens", "512", "0"),
        ("seed", "7", "x"),
        ("chat_template_kwargs", '{"enable_thinking": false}', "[1]"),
        ("response_format", '{"type": "json_object"}', "{"),
        ("extra", '{"a": 1}', '"x"'),
    ],
)
def test_a_sampling_field_survives_the_form_and_refuses_nonsense(name: str, good: str, bad: str):
    sampling = read_field(Sampling(), name, good)
    assert as_text(sampling, name) == good
    assert read_field(sampling, name, "  ") == Sampling()
    with pytest.raises(ValueError):  # noqa: PT011 (any wording)
        read_field(Sampling(), name, bad)


async def test_tools_are_switched():
    async with running() as (app, pilot, workspace):
        await pilot.press("f4")
        await until_pilot(pilot, lambda: isinstance(app.screen, ToolsScreen))
        app.screen.query_one(SelectionList).deselect("mul")
        app.screen.query_one("#ok", Button).press()
        await until_pilot(pilot, lambda: workspace.fake.tools_enabled == frozenset({"add"}))
        await until_pilot(pilot, lambda: app.screen is app.chat)
        await pilot.press("f4")
        await until_pilot(pilot, lambda: isinstance(app.screen, ToolsScreen))
        app.screen.query_one(SelectionList).select("mul")
        app.screen.query_one("#ok", Button).press()
        await until_pilot(pilot, lambda: workspace.fake.tools_enabled is None)


async def test_the_servers_facts_say_what_is_unknown():
    facts = ServerFacts(
        models=("m [/x]",), engine="pytorch", version_band=("0.9.1", "0.11.0"), problems=(Problem("x.y"),)
    )
    async with running(FakeWorkspace(link=FakeLink(facts)), size=(100, 30)) as (app, pilot, _workspace):
        await app.run_action("screen.server_facts", default_namespace=app.chat)
        await until_pilot(pilot, lambda: isinstance(app.screen, FactsScreen))
        await see(pilot, "m [/x]")
        await see(pilot, "PyTorch 0.9–0.11")
        assert "unknown" in screen_text(app)
        await pilot.press("escape")
        await until_pilot(pilot, lambda: app.screen is app.chat)


async def test_the_language_is_switched_live_without_losing_focus_or_text(monkeypatch: pytest.MonkeyPatch):
    import gettext

    class Marked(gettext.NullTranslations):
        def gettext(self, message: str) -> str:
            return f"«{message}»"

    async with running() as (app, pilot, workspace):
        workspace.fake.turn(events.ReasoningDelta("x"), events.TextDelta("answer"))
        await see(pilot, "answer")
        await pilot.press(*"draft")
        await app.run_action("app.switch_language")
        from tui import i18n

        assert current_language() == "zh-CN"
        monkeypatch.setattr(i18n._State, "catalogue", Marked())
        for node in app.chat.query("*"):
            if hasattr(node, "retranslate"):
                node.retranslate()
        await see(pilot, "«Send»")
        await see(pilot, "«thought")
        assert app.focused is app.chat.composer
        assert app.chat.composer.text == "draft"
        await pilot.press(*["backspace"] * 5)
        await see(pilot, "«Message")
        await app.run_action("app.switch_language")
        assert current_language() == "en"
        await see(pilot, "/ opens the menu")


async def test_a_theme_is_chosen_and_a_bad_file_is_told():
    from tui.config.paths import config_folder

    folder: Path = config_folder() / "themes"
    folder.mkdir(parents=True)
    (folder / "good.toml").write_text('name = "mine"\nprimary = "#ff0000"\n')
    (folder / "bad.toml").write_text('name = "bad"\nprimary = "[/nonsense]"\n')
    (folder / "none.toml").write_text("not toml [")
    (folder / "variable.toml").write_text('name = "v"\nprimary = "#ff0000"\n[variables]\nfoo = "x y z {"\n')
    async with running(size=(100, 40)) as (app, pilot, _workspace):
        await until_pilot(pilot, lambda: "mine" in app.available_themes)
        await see(pilot, "cannot be used: failed to parse")
        await see(pilot, "cannot be used: Expected '='")
        assert "bad" not in app.available_themes
        await app.run_action("app.choose_theme")
        await until_pilot(pilot, lambda: isinstance(app.screen, PickScreen))
        for name in app.available_themes:
            app.theme = name
            await pilot.pause(0)
        app.theme = "lmdeck-light"
        await pilot.press("up", "enter")
        await until_pilot(pilot, lambda: app.screen is app.chat)
