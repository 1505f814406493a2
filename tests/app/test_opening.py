"""What is opened, from the command line, the settings and the profile."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.support.app import screen_text, see
from tests.support.demo import RunningDemo, demo
from tests.support.waiting import until_pilot
from tui.app import LmdeckApp
from tui.app_options import AppOptions
from tui.config.paths import config_folder
from tui.config.terminal import Terminal
from tui.model.problem import Problem, ProblemError
from tui.model.request import Sampling
from tui.screens.opening import DEFAULT_URL, machine_again, resolve, with_conversation
from tui.screens.workspace import open_workspace
from tui.store.store import Store

__all__ = ["demo"]


def configured(text: str) -> Path:
    path = config_folder() / "config.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_without_settings_the_usual_server_is_opened():
    opening = resolve(AppOptions())
    assert (opening.options.url, opening.sampling, opening.tools) == (DEFAULT_URL, Sampling(), None)


def test_settings_fill_in_what_was_not_asked_for(tmp_path: Path):
    configured(
        f'system_prompt = "be brief"\ndefault_url = "http://box:1"\ntools = ["add"]\nhistory_folder = "{tmp_path}"\n'
        "[sampling]\ntop_k = 5\n"
    )
    opening = resolve(AppOptions())
    assert opening.options.url == "http://box:1"
    assert opening.options.system == "be brief"
    assert opening.options.store == tmp_path / "conversations.sqlite3"
    assert opening.sampling == Sampling(top_k=5)
    assert opening.tools == frozenset({"add"})
    asked = resolve(AppOptions(url="http://other:2", system="mine", store=tmp_path / "x"))
    assert (asked.options.url, asked.options.system) == ("http://other:2", "mine")
    assert asked.options.store == tmp_path / "x"


def test_settings_about_the_card_and_recordings():
    configured("gpu_interval = 0.5\ngpu_total = 8.0\nrecordings = true\n")
    options = resolve(AppOptions()).options
    assert (options.gpu_interval, options.gpu_total) == (0.5, 8 * 2**30)
    assert options.record is not None
    assert options.record.endswith(".jsonl")
    assert resolve(AppOptions(record="mine", gpu_total=5)).options.record == "mine"
    assert resolve(AppOptions(gpu_total=5)).options.gpu_total == 5


def test_a_profile_brings_its_server_its_key_and_its_sampling(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("CAMP_KEY", "sk-camp")
    configured(
        'default_profile = "camp"\n[sampling]\ntop_k = 5\ntop_p = 0.5\n[profiles.camp]\nurl = "http://camp:1"\n'
        'api_key = "env:CAMP_KEY"\nmodel = "m"\nsystem_prompt = "camp"\ntools = []\n[profiles.camp.sampling]\n'
        "top_p = 0.9\n[profiles.camp.chat_template_kwargs]\nenable_thinking = false\n[profiles.far]\nssh = 'box'\n"
    )
    opening = resolve(AppOptions())
    options = opening.options
    assert (options.url, options.api_key, options.model, options.system) == ("http://camp:1", "sk-camp", "m", "camp")
    assert opening.sampling == Sampling(top_k=5, top_p=0.9, chat_template_kwargs={"enable_thinking": False})
    assert opening.tools == frozenset()
    assert resolve(AppOptions(url="http://x")).options.api_key is None
    opening = resolve(AppOptions(profile="far"))
    assert opening.options.ssh == "ssh://box/127.0.0.1:23333"
    assert opening.machine is not None
    assert (opening.machine.login, opening.machine.names_server) == ("box", False)
    with pytest.raises(ProblemError) as raised:
        resolve(AppOptions(profile="cmp"))
    assert raised.value.problem.code == "config.no_profile_like"


async def test_the_last_conversation_brings_its_server(tmp_path: Path):
    store = await Store.open(tmp_path / "c.sqlite3")
    options, problem = await with_conversation(AppOptions(conversation="last"), store)
    assert (options.url, options.conversation, problem) == (DEFAULT_URL, "", Problem("app.no_last_conversation"))
    info = await store.create_conversation(endpoint="http://box:1", model="internlm")
    options, problem = await with_conversation(AppOptions(conversation="last"), store)
    assert (options.url, options.conversation, problem) == ("http://box:1", info.id, None)
    options, _ = await with_conversation(AppOptions(conversation=info.id, url="http://other:1"), store)
    assert options.url == "http://other:1"
    far = await store.create_conversation(endpoint="ssh://root@box:5/127.0.0.1:8000", model="internlm")
    options, _ = await with_conversation(AppOptions(conversation=far.id), store)
    assert (options.ssh, options.url) == ("ssh://root@box:5/127.0.0.1:8000", "")
    plain = machine_again(options)
    assert plain is not None
    assert (plain.login, plain.server, plain.options) == ("root@box:5", "127.0.0.1:8000", ())
    configured("[profiles.far]\nssh = 'root@box:5'\nssh_options = ['-i', 'key']\nnew_host_each_time = true\n")
    dressed = machine_again(options)
    assert dressed is not None
    assert (dressed.server, dressed.options, dressed.new_host_each_time) == ("127.0.0.1:8000", ("-i", "key"), True)
    assert machine_again(AppOptions(url="u")) is None
    demo_one = await store.create_conversation(endpoint="http://127.0.0.1:1", model="lmdeck-demo")
    options, _ = await with_conversation(AppOptions(conversation=demo_one.id), store)
    assert (options.demo, options.url) == ({}, "")
    assert (await with_conversation(AppOptions(url="u"), store))[0] == AppOptions(url="u")
    await store.close()
    _, problem = await with_conversation(AppOptions(conversation="last", url="u"), store)
    assert problem is not None
    assert problem.code == "store.closed"


@asynccontextmanager
async def opened(options: AppOptions) -> AsyncIterator[tuple[LmdeckApp, Any]]:
    app = LmdeckApp(partial(open_workspace, options), options, terminal=Terminal("plain"))
    async with app.run_test(size=(100, 40)) as pilot:
        yield app, pilot


async def test_yesterdays_conversation_is_there_again(demo: RunningDemo, tmp_path: Path):
    options = AppOptions(url=demo.url, store=tmp_path / "c.sqlite3")
    async with opened(options) as (app, pilot):
        await until_pilot(pilot, lambda: app.chat.workspace is not None, 30)
        app.chat.send("Compute (3+5)*2")
        await see(pilot, "first token", 30)
        session = app.chat.session
        assert session is not None
        await session.rename("Sums")
    async with opened(AppOptions(url=demo.url, store=options.store, conversation="last")) as (app, pilot):
        await see(pilot, "Compute (3+5)*2", 30)
        session = app.chat.session
        assert session is not None
        assert session.title == "Sums"
        workspace = app.chat.workspace
        assert workspace is not None
        assert workspace.kept is not None
        first = session.conversation_id
        await workspace.new_conversation()
        app.chat.session_changed()
        await until_pilot(pilot, lambda: "Compute" not in screen_text(app))
        await workspace.open_conversation(first)
        app.chat.session_changed()
        await see(pilot, "Compute (3+5)*2")
        with pytest.raises(ProblemError):
            await workspace.open_conversation("unknown")
        assert workspace.session is not None
        assert workspace.session.conversation_id == first


async def test_conversations_need_not_be_kept(demo: RunningDemo, tmp_path: Path):
    configured("save_conversations = false\n")
    async with opened(AppOptions(url=demo.url, store=tmp_path / "c.sqlite3", conversation="last")) as (_app, pilot):
        await see(pilot, "There is no earlier conversation to go on with.", 30)
    assert not (tmp_path / "c.sqlite3").exists()
