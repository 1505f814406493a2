"""Looking around: real servers, real folders, a real store; nothing outside this machine."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest

from tests.support.demo import RunningDemo, StartDemo, demo, start_demo
from tui.hosts.discovery import Where, ask_server, last_conversation, look_around, model_of
from tui.hosts.installations import find_installations, version_in
from tui.model.surroundings import Surroundings
from tui.store.store import Store

__all__ = ["demo", "start_demo"]


def port_of(url: str) -> int:
    return int(url.rpartition(":")[2])


def nowhere(tmp_path: Path, **changes: object) -> Where:
    places = {
        "ports": (), "environ": {}, "home": tmp_path, "settings": tmp_path / "config.toml",
        "ssh_config": tmp_path / "ssh", "store": tmp_path / "none.sqlite3", "processes": list,
    }  # fmt: skip
    return Where(**(places | changes))  # pyright: ignore[reportArgumentType]


async def found(where: Where) -> Surroundings:
    return [now async for now in look_around(where)][-1]


def install(root: Path, version: str = "0.18.0", *, python: str = "python3.11") -> Path:
    """A folder that looks like an environment with lmdeploy."""
    command = root / "bin" / "lmdeploy"
    command.parent.mkdir(parents=True)
    command.write_text("#!/bin/sh\n")
    command.chmod(0o755)
    if version:
        (root / "lib" / python / "site-packages" / f"lmdeploy-{version}.dist-info").mkdir(parents=True)
    return command


async def test_an_empty_machine_has_nothing_and_says_when_it_is_done(tmp_path: Path):
    steps = [now async for now in look_around(nowhere(tmp_path))]
    assert steps[0].searching == {"servers", "lmdeploy", "cards", "hosts", "profiles", "last"}
    assert steps[-1].searching == frozenset()
    last = steps[-1]
    assert (last.servers, last.hosts, last.profiles, last.last) == ((), (), (), None)
    assert not (tmp_path / "none.sqlite3").exists()


async def test_a_listening_server_is_found_with_its_models(demo: RunningDemo, tmp_path: Path):
    now = await found(nowhere(tmp_path, ports=(port_of(demo.url),)))
    assert [(one.url, one.models, one.answers, one.simulated) for one in now.servers] == [
        (demo.url, ("lmdeck-demo",), True, True)
    ]


async def test_a_server_that_wants_a_key_is_offered_as_such(start_demo: StartDemo):
    server = await start_demo(api_key="sk-1")
    one = await ask_server(port_of(server.url))
    assert one is not None
    assert (one.answers, one.needs_key) == (False, True)


async def test_what_is_no_lmdeploy_is_no_server():
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello")
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        assert await ask_server(port) is None
        silent = await ask_server(port, {"pid": 7, "arguments": ["lmdeploy", "serve", "api_server", "/m"]})
    assert silent is not None
    assert (silent.pid, silent.answers, silent.model_path) == (7, False, "/m")
    assert await ask_server(port) is None


async def test_a_server_that_does_not_listen_yet_is_named(tmp_path: Path):
    arguments = ["/e/bin/python", "/e/bin/lmdeploy", "serve", "api_server", "internlm/x", "--server-port", "23456"]
    other = [*arguments[:-2], "--server-port=1234"]
    processes = [{"pid": 11, "ports": [], "arguments": arguments}, {"pid": 12, "ports": [], "arguments": other}]
    now = await found(nowhere(tmp_path, processes=lambda: processes))
    assert [(one.url, one.pid, one.model_path, one.answers) for one in now.servers] == [
        ("http://127.0.0.1:1234", 12, "internlm/x", False),
        ("http://127.0.0.1:23456", 11, "internlm/x", False),
    ]


def test_the_model_of_a_command_line():
    assert model_of(["lmdeploy", "serve", "api_server", "--tp", "2"]) == ""
    assert model_of(["lmdeploy", "chat"]) == ""


async def test_installations_are_found_where_they_lie(tmp_path: Path):
    home = tmp_path / "home"
    on_path = install(tmp_path / "tools", "0.9.2")
    install(home / "miniconda3" / "envs" / "lmdeploy", "0.12.0")
    install(home / ".virtualenvs" / "old", "0.5.3", python="python3.10")
    noted = tmp_path / "noted"
    install(noted, "")
    (home / ".conda").mkdir()
    (home / ".conda" / "environments.txt").write_text(f"{noted}\n\n")
    environ = {"PATH": f"{on_path.parent}{os.pathsep}{on_path.parent}{os.pathsep}", "VIRTUAL_ENV": str(tmp_path / "no")}
    found_here = [one for one in find_installations(environ, home) if str(tmp_path) in one.root]
    assert [(one.version, one.place) for one in found_here] == [
        ("0.9.2", "path"), ("", "conda"), ("0.12.0", "conda"), ("0.5.3", "environment"),
    ]  # fmt: skip
    now = await found(nowhere(tmp_path, environ=environ, home=home))
    assert now.installations[0].command == str(on_path)


def test_a_link_on_the_path_leads_to_its_environment(tmp_path: Path):
    real = install(tmp_path / "env", "0.18.0")
    link = tmp_path / "local" / "bin" / "lmdeploy"
    link.parent.mkdir(parents=True)
    link.symlink_to(real)
    first = find_installations({"PATH": str(link.parent)}, tmp_path)[0]
    assert (first.root, first.version) == (str(tmp_path / "env"), "0.18.0")


@pytest.mark.parametrize("setting", ["folder", "command"])
def test_the_preferred_installation_comes_first(tmp_path: Path, setting: str):
    command = install(tmp_path / "mine", "0.10.0")
    other = install(tmp_path / "path", "0.11.0")
    preferred = str(command if setting == "command" else tmp_path / "mine")
    first, second = find_installations({"PATH": str(other.parent)}, tmp_path, preferred)[:2]
    assert (first.place, first.version, second.version) == ("settings", "0.10.0", "0.11.0")


def test_what_cannot_be_read_or_run_is_no_installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    command = install(tmp_path / "bad")
    command.chmod(0o644)
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    environ = {
        "PATH": str(command.parent),
        "CONDA_PREFIX": str(tmp_path / "x"),
        "CONDA_EXE": str(tmp_path / "c/bin/conda"),
    }
    roots = [one.root for one in find_installations(environ, tmp_path)]
    assert not [root for root in roots if str(tmp_path) in root]
    assert version_in(tmp_path / "nothing") == ""


async def test_hosts_and_profiles_come_from_their_files(tmp_path: Path):
    (tmp_path / "ssh").write_text("Host gpu-box\n  HostName 10.0.0.5\n  User root\n  Port 33881\nHost plain\nHost *\n")
    (tmp_path / "config.toml").write_text(
        '[profiles.camp]\nssh = "gpu-box"\nmodel = "internlm"\n[profiles.bad]\nurl = 7\n', encoding="utf-8"
    )
    now = await found(nowhere(tmp_path))
    assert [(host.alias, host.shown) for host in now.hosts] == [("gpu-box", "root@10.0.0.5:33881"), ("plain", "")]
    assert [(one.name, one.address, one.model) for one in now.profiles] == [
        ("camp", "ssh://gpu-box/127.0.0.1:23333", "internlm")
    ]
    assert [problem.code for problem in now.problems] == ["config.not_text"]


async def test_the_last_conversation_is_offered(tmp_path: Path):
    path = tmp_path / "conversations.sqlite3"
    assert await last_conversation(path) is None
    store = await Store.open(path)
    await store.create_conversation(title="older", endpoint="http://a")
    newer = await store.create_conversation(title="newer", endpoint="http://b")
    await store.close()
    now = await found(nowhere(tmp_path, store=path))
    assert now.last is not None
    assert now.last.id == newer.id


async def test_a_broken_store_is_said_and_costs_nothing_else(tmp_path: Path):
    path = tmp_path / "folder"
    path.mkdir()
    (tmp_path / "ssh").write_text("Host box\n")
    now = await found(nowhere(tmp_path, store=path))
    assert now.last is None
    assert [host.alias for host in now.hosts] == ["box"]
    assert [problem.code.partition(".")[0] for problem in now.problems] == ["store"]


async def test_leaving_early_ends_the_probes(tmp_path: Path):
    steps = look_around(nowhere(tmp_path))
    assert (await anext(steps)).searching
    await anext(steps)
    await steps.aclose()  # pyright: ignore[reportAttributeAccessIssue] (an async generator)
    assert len(asyncio.all_tasks()) == 1


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
async def test_the_real_machine_can_be_looked_at():
    now = await found(Where(ports=(1,)))
    assert now.searching == frozenset()
