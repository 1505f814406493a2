"""Commands, files, pictures, the editor, drafts, versions, forks: what surrounds the composer."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from textual import events as ui
from textual.widgets import Button, Input, OptionList

from tests.support.app import running, screen_text, see
from tests.support.fake_session import FakeLink, FakeWorkspace
from tests.support.waiting import until_pilot
from tui.config.action import Place
from tui.config.drafts import Drafts
from tui.config.settings import SamplingSettings, Settings
from tui.model import events
from tui.model.message import (
    Message,
    TextPart,
)
from tui.model.problem import Problem, ProblemError
from tui.model.request import Sampling
from tui.model.server import ServerFacts
from tui.screens.attach import completion, dropped_files, expand, media_type_of, mention
from tui.screens.editor import edit, editor_command
from tui.screens.export import read_target
from tui.screens.history import HistoryScreen
from tui.screens.menu import MenuScreen, command_lines, matching
from tui.screens.pick import PickScreen
from tui.screens.sampling import Preset, kept_values, presets, supported
from tui.screens.settings import SettingsScreen
from tui.screens.slash import SLASH, arguments_of, parse
from tui.store.store import Store
from tui.widgets.lines import KeysLine

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


# commands


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("/think on", ("think", "on")),
        ("／think  off ", ("think", "off")),
        ("/NEW", ("new", "")),
        ("/unknown x", None),
        ("/think\non", None),
        ("think on", None),
        ("/", None),
    ],
)
def test_commands_are_recognised(text: str, meant: tuple[str, str] | None):
    assert parse(text) == meant


def test_the_menu_finds_each_command_by_its_name_and_nothing_that_belongs_to_another_screen():
    for command in SLASH:
        lines = [line.text for line in command_lines(command.name, lambda _name: ())]
        if command.argument:
            assert lines[0] == command.name
        else:
            assert (lines, matching(command.name)[0].run) == ([], command.action)
    assert matching("swi")[0].run == "app.switch_server"
    assert {action.place for action in matching("")} == {Place.APP, Place.CHAT}


def test_completion_of_commands():
    def arguments(name: str) -> tuple[str, ...]:
        return arguments_of(name, ("internlm", "qwen"), ("add", "mul"), ("ember",))

    assert [line.text for line in command_lines("mo", arguments)] == ["model"]
    assert [line.text for line in command_lines("model ", arguments)] == ["model internlm", "model qwen"]
    assert [line.text for line in command_lines("model q", arguments)] == ["model q", "model qwen"]
    assert [line.text for line in command_lines("tools add m", arguments)] == ["tools add m", "tools add mul"]
    assert [line.text for line in command_lines("system ", arguments)] == ["system"]
    assert command_lines("", arguments) == []
    assert command_lines("new ", arguments) == []
    assert arguments("sampling")[0].endswith("=")


async def obeyed(pilot: Any, text: str, said: str) -> None:
    pilot.app.chat.query_one(KeysLine).change(hint="")
    pilot.app.chat.send(text)
    await see(pilot, said)


async def test_commands_do_what_they_say(tmp_path: Path):
    file = tmp_path / "a b.txt"
    file.write_text("x", "utf-8")
    async with running() as (app, pilot, workspace):
        session = workspace.fake
        await obeyed(pilot, "/model other", "goes to other-model")
        assert workspace.link.model == "other-model"
        await obeyed(pilot, "/model nothing", "no single model of that name")
        await obeyed(pilot, "/system be brief", "from the next message on")
        assert session.system == "be brief"
        await obeyed(pilot, "/think off", "asked not to think")
        assert session.sampling.chat_template_kwargs == {"enable_thinking": False}
        await obeyed(pilot, "/think on", "asked to think")
        await obeyed(pilot, "/think maybe", "takes on or off")
        await obeyed(pilot, "/sampling top_k=5 temperature=0", "from the next message on")
        assert (session.sampling.top_k, session.sampling.temperature) == (5, 0.0)
        await obeyed(pilot, "/sampling top_k=", "from the next message on")
        assert session.sampling.top_k is None
        await obeyed(pilot, "/sampling top_x=1", "top_x=1 is no sampling parameter")
        await obeyed(pilot, "/tools add", "from the next message on")
        assert session.tools_enabled == frozenset({"add"})
        await obeyed(pilot, "/tools none", "No tools are offered")
        await obeyed(pilot, "/tools all", "All tools are offered")
        assert session.tools_enabled is None
        await obeyed(pilot, "/tools weather", "There is no tool of that name")
        await obeyed(pilot, "/rename Sums", "is called “Sums” now")
        assert session.title == "Sums"
        await obeyed(pilot, "/theme nowhere", "no theme of that name")
        await obeyed(pilot, "/export pdf", "takes md, json or html")
        await obeyed(pilot, "/export md", "nothing to write yet")
        app.chat.send("/theme ansi")
        await until_pilot(pilot, lambda: app.theme == "ansi")
        await until_pilot(pilot, lambda: app.live.settings.theme == "ansi")
        app.chat.send("/language zh")
        await until_pilot(pilot, lambda: app.live.settings.language == "zh-CN")
        await obeyed(pilot, "/language fr", "/language 接受 en 或 zh。")
        app.chat.send("/language en")
        await until_pilot(pilot, lambda: app.live.settings.language == "en")
        await obeyed(pilot, "/file /nope/b.txt", "There is no file /nope/b.txt.")
        app.chat.send(f"/file '{file}'")
        await until_pilot(pilot, lambda: app.chat.composer.text == f'@"{file}" ')
        assert not [call for call in session.calls if call[0] == "submit"]
        app.chat.send("/unknown goes to the model")
        await until_pilot(pilot, lambda: ("submit", "/unknown goes to the model", False, False) in session.calls)


async def test_a_command_alone_opens_what_it_stands_for():
    async with running() as (app, pilot, _workspace):
        app.chat.send("/sampling")
        await until_pilot(pilot, lambda: isinstance(app.screen, SettingsScreen))
        await pilot.press("escape")
        await obeyed(pilot, "/think", "/think needs something behind it: on|off")
        await obeyed(pilot, "/file", "/file needs something behind it: PATH")


async def test_commands_in_a_replay_say_that_nothing_can_be_set():
    async with running(FakeWorkspace(replay=True)) as (_app, pilot, _workspace):
        for text in ("/system x", "/sampling top_k=1", "/think on", "/tools all", "/rename x"):
            await obeyed(pilot, text, "no conversation")


def test_every_command_has_another_way():
    from tui.config.actions import ACTIONS

    runs = {action.run for action in ACTIONS}
    assert all(not one.action or one.action in runs for one in SLASH)


async def test_the_menu_completes_commands():
    async with running() as (app, pilot, workspace):
        await pilot.press("/")
        await until_pilot(pilot, lambda: isinstance(app.screen, MenuScreen))
        await pilot.press(*"thi")
        await see(pilot, "/think on|off")
        await pilot.press("tab")
        await until_pilot(pilot, lambda: app.screen.query_one(Input).value == "think ")
        await see(pilot, "/think off")
        await pilot.press("down", "enter")
        await until_pilot(pilot, lambda: workspace.fake.sampling.chat_template_kwargs == {"enable_thinking": False})
        await pilot.press("/", *"system be kind", "enter")
        await until_pilot(pilot, lambda: workspace.fake.system == "be kind")


# files


def test_named_files_are_attached(tmp_path: Path):
    (tmp_path / "notes.txt").write_text("some ``` text\n")
    (tmp_path / "a b.py").write_text("print(1)\n")
    (tmp_path / "fox.png").write_bytes(PNG)
    made = expand('see @notes.txt, and @"a b.py" and @fox.png and @nobody and @notes.txt (mail@x)', tmp_path)
    assert made.problem is None
    assert made.text.endswith("notes.txt:\n````txt\nsome ``` text\n````\n\na b.py:\n```py\nprint(1)\n```")
    assert [image.name for image in made.images] == ["fox.png"]
    assert base64.b64decode(made.images[0].data) == PNG
    assert made.images[0].media_type == "image/png"


@pytest.mark.parametrize(("data", "code"), [(b"x" * 300_000, "app.file_too_large"), (b"ab\x00cd", "app.file_binary")])
def test_what_cannot_be_attached_is_said(tmp_path: Path, data: bytes, code: str):
    (tmp_path / "f").write_bytes(data)
    made = expand("@f", tmp_path)
    assert made.problem is not None
    assert made.problem.code == code


def test_pictures_are_known_by_their_beginning():
    assert media_type_of(b"\xff\xd8\xff\xe0") == "image/jpeg"
    assert media_type_of(b"RIFF\x00\x00\x00\x00WEBPVP8 ") == "image/webp"
    assert media_type_of(b"GIF89a") == "image/gif"
    assert media_type_of(b"hello") == ""


def test_names_are_completed(tmp_path: Path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "deep.txt").write_text("")
    (tmp_path / ".hidden").write_text("")
    assert completion("fol", tmp_path) == "der/"
    assert completion("folder/d", tmp_path) == "eep.txt"
    assert completion(".hid", tmp_path) == "den"
    assert completion("", tmp_path) == "folder/"
    assert completion("nothing/x", tmp_path) == ""
    assert completion(f"{tmp_path}/fold", Path("/")) == "er/"


def test_dropped_pictures_are_recognised(tmp_path: Path):
    first, second = tmp_path / "a b.png", tmp_path / "c.jpg"
    first.write_bytes(PNG)
    second.write_bytes(PNG)
    assert dropped_files(str(first).replace(" ", "\\ ")) == [str(first)]
    assert dropped_files(f"'{first}' {second}") == [str(first), str(second)]
    assert dropped_files(f"file://{str(first).replace(' ', '%20')}\n") == [str(first)]
    assert dropped_files(f"look at {second}") == []
    assert dropped_files("it's") == []
    assert dropped_files("") == []
    assert dropped_files(str(tmp_path)) == []
    assert mention(str(first)) == f'@"{first}"'


async def test_a_message_with_files_is_sent_whole(tmp_path: Path):
    (tmp_path / "fox.png").write_bytes(PNG)
    (tmp_path / "bad").write_bytes(b"\x00")
    async with running() as (app, pilot, workspace):
        app.chat.send("what is @fox.png?")
        await until_pilot(pilot, lambda: ("submit", "what is @fox.png?", False, False) in workspace.fake.calls)
        assert [image.name for image in workspace.fake.images] == ["fox.png"]
        app.chat.send("read @bad")
        await see(pilot, "bad is neither text nor a picture")
        assert app.chat.composer.text == "read @bad"


@pytest.mark.parametrize(
    ("typed", "check"),
    [
        ("/theme ember\n", lambda app: app.theme == "ember"),
        ("//", lambda app: app.chat.composer.text == "/"),
        ("/sampling\x1b", lambda app: app.screen is app.chat),
    ],
)
async def test_what_arrives_together_with_the_slash_goes_to_the_menu(typed: str, check: Any):
    """Over a slow link a whole command comes in one piece, faster than the menu opens."""
    keys = {"\n": "enter", "\x1b": "escape"}
    async with running() as (app, pilot, workspace):
        for character in typed:
            event = ui.Key(keys.get(character, "slash" if character == "/" else character), character)
            app.chat.composer.post_message(event)
        await until_pilot(pilot, lambda: check(app))
        await pilot.pause()
        assert app.screen is app.chat
        assert not workspace.fake.calls, "nothing was sent to the model"


@pytest.mark.parametrize("model", ["internlm2_5-7b-chat", "internvl2-26b", "my-model"])
async def test_a_picture_for_a_model_without_eyes_is_not_sent(tmp_path: Path, model: str):
    (tmp_path / "cat.png").write_bytes(b"\x89PNG\r\n\x1a\n....")
    text = f"what is this? @{tmp_path}/cat.png"
    link = FakeLink(ServerFacts(models=(model,)))
    async with running(FakeWorkspace(link=link), size=(100, 30)) as (app, pilot, workspace):
        app.chat.send(text)
        if model == "internlm2_5-7b-chat":
            await see(pilot, "internlm2_5-7b-chat understands text only")
            assert app.chat.composer.draft == text
            assert not workspace.fake.calls
        else:
            await until_pilot(pilot, lambda: workspace.fake.calls)
            assert [image.name for image in workspace.fake.images] == ["cat.png"]


async def test_the_demo_server_has_no_eyes(tmp_path: Path):
    (tmp_path / "cat.png").write_bytes(b"\x89PNG\r\n\x1a\n....")
    link = FakeLink(ServerFacts(models=("m",), simulated=True))
    async with running(FakeWorkspace(link=link), size=(100, 30)) as (app, pilot, _workspace):
        await pilot.press(*"already writing")
        app.chat.send(f"@{tmp_path}/cat.png")
        await see(pilot, "understands text only")
        assert app.chat.composer.draft == "already writing"


async def test_tab_completes_a_files_name(tmp_path: Path):
    (tmp_path / "notes.txt").write_text("")
    async with running() as (app, pilot, _workspace):
        await pilot.press(*"see @no")
        await until_pilot(pilot, lambda: app.chat.composer.suggestion == "tes.txt")
        await pilot.press("tab")
        await until_pilot(pilot, lambda: app.chat.composer.text == "see @notes.txt")


async def test_a_dropped_picture_becomes_a_mention(tmp_path: Path):
    from textual import events as ui

    (tmp_path / "fox.png").write_bytes(PNG)
    async with running() as (app, pilot, _workspace):
        app.chat.composer.post_message(ui.Paste(str(tmp_path / "fox.png")))
        await until_pilot(pilot, lambda: app.chat.composer.text == f"@{tmp_path}/fox.png ")


# the editor


def script(tmp_path: Path, body: str) -> list[str]:
    path = tmp_path / "editor"
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return [str(path)]


async def test_an_editor_changes_the_text(tmp_path: Path):
    assert await edit(script(tmp_path, 'printf " more\\n" >> "$1"'), "text") == "text more"
    for command, code in (
        ([], "app.no_editor"),
        (["/nowhere/x"], "app.editor_failed"),
        (script(tmp_path, "exit 3"), "app.editor_failed"),
    ):
        with pytest.raises(ProblemError) as raised:
            await edit(command, "text")
        assert raised.value.problem.code == code


def test_the_users_editor_comes_first(monkeypatch: pytest.MonkeyPatch):
    assert editor_command({"VISUAL": "code -w", "EDITOR": "vi"}) == ["code", "-w"]
    assert editor_command({"EDITOR": "nano"}) == ["nano"]
    monkeypatch.setenv("PATH", "")
    assert editor_command({}) == []


async def test_where_nothing_can_be_suspended_that_is_said():
    async with running() as (_app, pilot, _workspace):
        await pilot.press("ctrl+g")
        await see(pilot, "An editor cannot be opened here.")


# drafts


def test_drafts_are_kept_privately(tmp_path: Path):
    path = tmp_path / "state" / "drafts.json"
    drafts = Drafts.read(path)
    drafts.write()
    assert not path.exists()
    drafts.put("", "half a thought")
    drafts.put("c1", "another")
    drafts.put("c2", "  ")
    drafts.write()
    assert path.stat().st_mode & 0o777 == 0o600
    again = Drafts.read(path)
    assert again.take("c1") == "another"
    assert again.take("c1") == ""
    for number in range(80):
        again.put(str(number), "x")
    again.write()
    assert len(json.loads(path.read_text())) == 50
    path.write_text("[1")
    assert Drafts.read(path).take("") == ""


async def test_a_draft_comes_back():
    async with running() as (app, pilot, _workspace):
        await pilot.press(*"half a thought")
    async with running() as (app, pilot, _workspace):
        await until_pilot(pilot, lambda: app.chat.composer.text == "half a thought")


async def test_messages_that_still_wait_come_back_as_the_draft():
    async with running() as (app, pilot, workspace):
        workspace.fake.play(events.QueueChanged(("first", "second")))
        await pilot.press(*"third")
        await until_pilot(pilot, lambda: app.chat.composer.text == "third")
    async with running() as (app, pilot, _workspace):
        await until_pilot(pilot, lambda: app.chat.composer.draft == "first\n\nsecond\n\nthird")


async def test_each_conversation_keeps_its_own_draft(tmp_path: Path):
    async with with_store(tmp_path / "store.sqlite3") as (app, pilot, workspace, store):
        other = await store.create_conversation(title="Another")
        await store.put_message(other.id, Message("o1", "user", (TextPart("hm"),), None, datetime.now(UTC)))
        first = workspace.fake.conversation_id
        await pilot.press(*"for the first")
        app.chat.action_new_conversation()
        await until_pilot(pilot, lambda: workspace.new_conversations == 1 and not app.chat.composer.text)
        await pilot.press(*"new")
        await app.chat.show_conversation(workspace, first, None)
        assert app.chat.composer.text == "new", "the fake's conversations are empty: all of them are the new one"
        workspace.fake.messages = tuple(await store.messages(["u"]))
        app.chat.composer.put("for the first, again")
        await app.chat.show_conversation(workspace, other.id, None)
        await until_pilot(pilot, lambda: app.chat.composer.text == "")
        await pilot.press(*"elsewhere")
    kept = Drafts.read()
    assert kept.take(first) == "for the first, again"
    assert kept.take("") == "elsewhere"


async def test_a_draft_stays_with_the_conversation_when_another_server_is_opened():
    async with running() as (app, pilot, workspace):
        workspace.fake.turn(events.TextDelta("hello"))
        await pilot.press(*"not sent yet")
        second = FakeWorkspace()

        async def factory(_approve: Any, _tell: Any) -> FakeWorkspace:
            return second

        app.chat.use(factory)
        await until_pilot(pilot, lambda: app.chat.workspace is second)
        assert app.chat.composer.text == ""
    assert Drafts.read().take("c1") == "not sent yet"


# versions, forks, titles, files


@asynccontextmanager
async def with_store(path: Path) -> AsyncIterator[tuple[Any, Any, FakeWorkspace, Store]]:
    """A conversation with two versions of its answer, as the session shows and the store keeps it."""
    store = await Store.open(path)
    info = await store.create_conversation(title="Sums")
    now = datetime.now(UTC)
    question = Message("u", "user", (TextPart("why?"),), None, now)
    first = Message("a1", "assistant", (TextPart("because"),), "u", now)
    second = Message("a2", "assistant", (TextPart("therefore"),), "u", now)
    for message in (question, first, second):
        await store.put_message(info.id, message)
    workspace = FakeWorkspace()
    workspace.kept = store
    workspace.fake.conversation_id = info.id
    workspace.fake.messages = (question, second)
    try:
        async with running(workspace) as (app, pilot, _workspace):
            yield app, pilot, workspace, store
    finally:
        await store.close()


async def act(app: Any, action: str) -> None:
    await app.run_action(action, default_namespace=app.chat)


async def test_another_version_is_chosen(tmp_path: Path):
    async with with_store(tmp_path / "c.sqlite3") as (app, pilot, workspace, _store):
        conversation = workspace.fake.conversation_id
        await act(app, "screen.versions")
        await until_pilot(pilot, lambda: isinstance(app.screen, PickScreen))
        await see(pilot, "because")
        await pilot.press("up", "enter")
        await until_pilot(pilot, lambda: workspace.opened == [(conversation, "a1")])


async def test_without_versions_that_is_said(tmp_path: Path):
    async with with_store(tmp_path / "c.sqlite3") as (app, pilot, workspace, _store):
        workspace.fake.messages = ()
        await act(app, "screen.versions")
        await see(pilot, "No message here has several versions")
        await act(app, "screen.fork")
        await see(pilot, "There is no message to fork at.")


async def test_forking_opens_the_new_conversation(tmp_path: Path):
    async with with_store(tmp_path / "c.sqlite3") as (app, pilot, workspace, store):
        await act(app, "screen.fork")
        await until_pilot(pilot, lambda: workspace.opened)
        made = workspace.opened[0][0]
        assert [one.id for one in await store.branch(made)] == ["u", "a2"]
        await see(pilot, "new conversation with the same beginning")


async def test_a_running_reply_is_stopped_only_after_a_question(tmp_path: Path):
    async with with_store(tmp_path / "c.sqlite3") as (app, pilot, workspace, _store):
        workspace.fake.busy = True
        await act(app, "screen.fork")
        await see(pilot, "A reply is running. Stop it and open another conversation?")
        await pilot.press("enter")
        await act(app, "screen.fork")
        await see(pilot, "A reply is running. Stop it and open another conversation?")
        app.screen.query_one("#yes", Button).press()
        await until_pilot(pilot, lambda: workspace.opened)


async def test_the_list_opens_what_was_found(tmp_path: Path):
    async with with_store(tmp_path / "c.sqlite3") as (app, pilot, workspace, store):
        conversation = workspace.fake.conversation_id
        while len(await store.search("because")) < 1:
            pass
        app.chat.send("/history because")
        await until_pilot(pilot, lambda: isinstance(app.screen, HistoryScreen))
        await see(pilot, "1 conversation")
        await pilot.press("enter")
        await until_pilot(pilot, lambda: workspace.opened == [(conversation, "a1")])
        await pilot.press("f8")
        await until_pilot(pilot, lambda: isinstance(app.screen, HistoryScreen))
        await pilot.press("escape")
        await until_pilot(pilot, lambda: app.screen is app.chat)


async def test_renaming_asks_for_the_title(tmp_path: Path):
    async with with_store(tmp_path / "c.sqlite3") as (app, pilot, workspace, _store):
        await act(app, "screen.rename")
        await see(pilot, "Title of this conversation")
        await pilot.press(*"Mine", "enter")
        await until_pilot(pilot, lambda: ("rename", "Mine") in workspace.fake.calls)


async def test_a_title_given_in_the_list_reaches_the_open_conversation(tmp_path: Path):
    async with with_store(tmp_path / "c.sqlite3") as (app, pilot, workspace, store):
        await pilot.press("f8")
        await until_pilot(pilot, lambda: isinstance(app.screen, HistoryScreen))
        await see(pilot, "● Sums")
        await pilot.press("f2")
        await see(pilot, "Title of this conversation")
        await pilot.press(*["backspace"] * 4, *"Mine", "enter")
        await see(pilot, "● Mine")
        assert ("rename", "Mine") in workspace.fake.calls
        info = await store.conversation(workspace.fake.conversation_id)
        assert info is not None
        assert (info.title, info.title_is_manual) == ("Mine", True)


async def test_a_conversation_becomes_a_file(tmp_path: Path):
    async with with_store(tmp_path / "c.sqlite3") as (app, pilot, workspace, _store):
        workspace.fake.title = "Why / not?"
        await act(app, "screen.export('md')")
        await until_pilot(pilot, (tmp_path / "Why-not.md").exists)
        assert "## Assistant\n\ntherefore" in (tmp_path / "Why-not.md").read_text()
        app.chat.send("/export json")
        await until_pilot(pilot, (tmp_path / "Why-not.json").exists)
        assert json.loads((tmp_path / "Why-not.json").read_text())["messages"][0]["content"] == "why?"
        await act(app, "screen.export('md')")
        await until_pilot(pilot, (tmp_path / "Why-not-2.md").exists)


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("md", ("md", "")), ("HTML my page.html", ("html", "my page.html")), ("a b.json", ("json", "a b.json")),
        ("'x y.md'", ("md", "x y.md")), ("markdown", ("md", "")), ("pdf", None), ("x.pdf", None),
    ],
)  # fmt: skip
def test_what_stands_behind_export(words: str, found: tuple[str, str] | None):
    assert read_target(words) == found


async def test_a_named_file_is_written_once(tmp_path: Path):
    async with with_store(tmp_path / "c.sqlite3") as (app, pilot, _workspace, _store):
        page = tmp_path / "page.html"
        app.chat.send(f"/export {page}")
        await until_pilot(pilot, page.exists)
        assert "<h1>conversation</h1>" in page.read_text()
        app.chat.send(f"/export {page}")
        await see(pilot, "exists already and was not touched")


async def test_a_folder_that_takes_no_file_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    async with with_store(tmp_path / "c.sqlite3") as (app, pilot, _workspace, _store):
        gone = tmp_path / "gone"
        gone.mkdir()
        monkeypatch.setattr(Path, "cwd", lambda: gone / "deeper")
        monkeypatch.setattr(Path, "home", lambda: gone)
        await act(app, "screen.export('md')")
        await until_pilot(pilot, (gone / "conversation.md").exists)
        monkeypatch.setattr(Path, "home", lambda: gone / "deeper")
        copied: list[str] = []
        monkeypatch.setattr(app, "copy_to_clipboard", copied.append)
        await act(app, "screen.export('md')")
        await see(pilot, "could not be written here")
        await until_pilot(pilot, lambda: copied)
        assert "## Assistant\n\ntherefore" in copied[0]


# sampling


def test_a_form_shows_what_the_server_takes():
    old = supported(ServerFacts(version_band=("0.5.3", "0.5.3")))
    assert not {"min_p", "seed", "response_format"} & {field.name for field in old}
    assert {"min_p", "seed"} <= {field.name for field in supported(None)}


def test_presets_come_from_settings_and_profiles():
    from tui.config.profiles import Profile

    own = Settings(sampling=SamplingSettings(top_k=3))
    found = presets(own, [Profile("camp", sampling=Sampling(top_p=0.1)), Profile("plain")])
    assert [one.name for one in found][-2:] == ["From the settings", "Profile camp"]
    assert len(presets(Settings())) == 3
    assert kept_values(Sampling(top_k=3))["sampling.top_k"] == 3
    assert kept_values(Sampling())["sampling.stop"] is None


async def test_a_preset_fills_the_form_and_can_be_kept():
    async with running(FakeWorkspace(link=FakeLink())) as (app, pilot, workspace):
        await act(app, "screen.settings")
        await until_pilot(pilot, lambda: isinstance(app.screen, SettingsScreen))
        app.screen.query_one("#preset", Button).press()
        await until_pilot(pilot, lambda: isinstance(app.screen, PickScreen))
        await pilot.press("down", "enter")
        await until_pilot(pilot, lambda: isinstance(app.screen, SettingsScreen))
        await until_pilot(pilot, lambda: app.screen.query_one("#field-temperature", Input).value == "0.0")
        app.screen.query_one("#keep", Button).press()
        await until_pilot(pilot, lambda: workspace.fake.sampling.temperature == 0.0)
        await until_pilot(pilot, lambda: app.live.settings.sampling.temperature == 0.0)
        assert isinstance(app.chat._presets()[-1], Preset)
        assert app.chat._presets()[-1].name == "From the settings"


async def test_an_answer_is_still_shown_after_all_this():
    async with running() as (app, pilot, workspace):
        workspace.fake.turn(events.TextDelta("here"))
        await see(pilot, "here")
        assert app.screen.query("#composer")
        assert not app.screen.query(OptionList)
        assert "here" in screen_text(app)


# conversations: what can go wrong


async def test_without_kept_conversations_that_is_said():
    async with running() as (app, pilot, _workspace):
        for action in ("screen.conversations", "screen.versions", "screen.fork"):
            app.chat.hint("")
            await act(app, action)
            await see(pilot, "There is no conversation to do this with yet.")
    async with running(FakeWorkspace(replay=True)) as (app, pilot, _workspace):
        await act(app, "screen.rename")
        await see(pilot, "There is no conversation to do this with yet.")


class Refusing:
    """A store or a workspace that does not want to any more: every call is refused."""

    def __getattr__(self, name: str) -> Any:
        async def refuse(*_arguments: Any, **_named: Any) -> Any:
            raise ProblemError(Problem("store.locked", {"path": f"for {name}"}))

        return refuse


async def test_a_store_that_refuses_is_said_and_nothing_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    async with with_store(tmp_path / "c.sqlite3") as (app, pilot, workspace, store):
        workspace.kept = Refusing()
        for action, call in (("screen.versions", "branch_points"), ("screen.fork", "fork")):
            await act(app, action)
            await see(pilot, f"for {call}")
        workspace.kept = store
        monkeypatch.setattr(workspace, "open_conversation", Refusing().open_conversation)
        await act(app, "screen.versions")
        await until_pilot(pilot, lambda: isinstance(app.screen, PickScreen))
        await pilot.press("up", "enter")
        await until_pilot(pilot, lambda: screen_text(app).count("for open_conversation") == 1)
        await app.chat.show_conversation(workspace, "another", None)
        await until_pilot(pilot, lambda: screen_text(app).count("for open_conversation") == 2)
        assert workspace.opened == []


async def test_the_chosen_version_stays_and_a_closed_list_changes_nothing(tmp_path: Path):
    async with with_store(tmp_path / "c.sqlite3") as (app, pilot, workspace, _store):
        for keys in (("enter",), ("escape",)):
            await act(app, "screen.versions")
            await until_pilot(pilot, lambda: isinstance(app.screen, PickScreen))
            await pilot.press(*keys)
            await until_pilot(pilot, lambda: app.screen is app.chat)
        workspace.fake.busy = True
        await act(app, "screen.versions")
        await until_pilot(pilot, lambda: isinstance(app.screen, PickScreen))
        await pilot.press("up", "enter")
        await see(pilot, "A reply is running. Stop it and open another conversation?")
        await pilot.press("enter")
        await until_pilot(pilot, lambda: app.screen is app.chat)
        opening = asyncio.ensure_future(app.chat.show_conversation(workspace, "another", None))
        await see(pilot, "A reply is running. Stop it and open another conversation?")
        await pilot.press("escape")
        await until_pilot(pilot, opening.done)
        assert workspace.opened == []
        assert ("stop",) not in workspace.fake.calls
