"""The screens about machines over ssh, in the whole app over a real sshd: connections, ports, the fleet, the chip."""

from __future__ import annotations

import asyncio
import socket
import urllib.request
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.support.app import rows, screen_text, see
from tests.support.far import Servers, a_box, app_on, asked, connected, host_of, url_of, words_for
from tests.support.ports import free_port
from tests.support.sshd import USER, Box, StartSshd, ssh_processes, sshd
from tests.support.waiting import until, until_pilot
from tui.app import LmdeckApp
from tui.app_options import AppOptions
from tui.config.paths import config_folder
from tui.screens.ask import AskScreen
from tui.screens.connections import ConnectionsScreen
from tui.screens.fleet import FleetScreen
from tui.screens.pick import PickScreen

__all__ = ["sshd"]
# As in test_ssh_hosts: a connection that is given up while it is being made is left to the garbage collector by anyio
# 4.16, a unix one as its socket, one over TCP (the demo server's probe under load) as its transport.
pytestmark = [
    pytest.mark.filterwarnings("ignore:Exception ignored in. <socket:pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings(
        "ignore:Exception ignored in. <function _SelectorTransport:pytest.PytestUnraisableExceptionWarning"
    ),
]


@pytest.fixture
async def servers(tmp_path: Path) -> AsyncIterator[Servers]:
    async with AsyncExitStack() as stack:
        yield Servers(tmp_path, stack)


def profile_for(box: Box, name: str) -> None:
    path = config_folder() / "config.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    options = ", ".join(f'"{word}"' for word in words_for(box))
    with path.open("a") as file:
        file.write(f'[profiles.{name}]\nssh = "{USER}@127.0.0.1:{box.port}"\nssh_options = [{options}]\n')


async def go_to_row(app: LmdeckApp, pilot: Any, text: str) -> None:
    """Walk to the row that holds a text."""
    view = app.screen.query_one("#machines-view")
    await until_pilot(pilot, lambda: any(text in row.text and row.key for row in view.rows), 20, f"a row with {text}")
    for _ in range(60):
        if view.cursor >= 0 and text in view.rows[view.cursor].text:
            return
        await pilot.press("up" if view.cursor > 0 and _ > 30 else "down")
    raise AssertionError(f"no way to {text}\n{screen_text(app)}")


async def test_machines_are_listed_connected_and_left(sshd: StartSshd, servers: Servers, tmp_path: Path) -> None:
    port = await servers.start("one")
    box = await a_box(sshd, tmp_path, password="x")
    profile_for(box, "gpu")
    login = f"{USER}@127.0.0.1:{box.port}"
    async with app_on(AppOptions(demo={"speed": 0})) as (app, pilot):
        await connected(app, pilot)
        await pilot.press("f10")
        await until_pilot(pilot, lambda: isinstance(app.screen, ConnectionsScreen))
        await see(pilot, f"○ {login}")
        await see(pilot, "profile gpu")
        await go_to_row(app, pilot, login)
        await pilot.press("enter")
        question = await asked(app, pilot)
        await see(pilot, f"{login} asks")
        await pilot.press("x", "enter")
        await until_pilot(pilot, lambda: app.screen is not question)
        await see(pilot, f"● {login}", 20)
        await see(pilot, f"{port}  internlm2_5-1_8b-chat", 20)
        await see(pilot, "2 cards · NVIDIA Stub 0 · 32.00 of 48.00 GiB free", 20)
        # A port for the browser, and closed again.
        there = free_port()
        await pilot.press("f4")
        await until_pilot(pilot, lambda: isinstance(app.screen, AskScreen))
        app.screen.query_one("#answer").value = f"{there}:{port}"
        await pilot.press("enter")
        await see(pilot, f"http://127.0.0.1:{there} leads to port {port} of {login}.", 20)
        assert b"one" in await asyncio.to_thread(fetch, f"http://127.0.0.1:{there}/v1/models")
        await go_to_row(app, pilot, f"127.0.0.1:{there} leads")
        await pilot.press("enter")
        await until_pilot(pilot, lambda: not listens(there), 20, "the port is closed")
        # Its server, opened from its row.
        await go_to_row(app, pilot, f"{port}  internlm2_5-1_8b-chat")  # not another test's
        await pilot.press("enter")
        await until_pilot(pilot, lambda: app.screen is app.chat, 20)
        host = await host_of(app, pilot)
        await connected(app, pilot)
        assert box.logins() == 1
        await see(pilot, f"{login} ⇄")
        # Disconnected and connected again.
        await pilot.press("f10")
        await until_pilot(pilot, lambda: isinstance(app.screen, ConnectionsScreen))
        await go_to_row(app, pilot, login)
        await pilot.press("ctrl+d")
        await see(pilot, "Not connected. Enter connects.", 20)
        assert not ssh_processes()
        await pilot.press("ctrl+r")
        await see(pilot, f"● {login}", 20)
        await pilot.press("escape")
        await until_pilot(pilot, lambda: app.screen is app.chat)
        await connected(app, pilot)
        assert host in app.machines.hosts


def fetch(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=100) as answer:
        return answer.read()


def listens(port: int) -> bool:
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0


async def test_forward_lists_and_closes(sshd: StartSshd, servers: Servers, tmp_path: Path) -> None:
    port = await servers.start("one")
    box = await a_box(sshd, tmp_path)
    async with app_on(AppOptions(ssh=url_of(box, port), ssh_options=words_for(box))) as (app, pilot):
        await connected(app, pilot)
        here = free_port()
        app.chat.run_slash("forward", f"{here}:{port}")
        await see(pilot, f"http://127.0.0.1:{here} leads to port {port}", 20)
        assert b"one" in await asyncio.to_thread(fetch, f"http://127.0.0.1:{here}/v1/models")
        app.chat.run_slash("forward", "nonsense")
        await see(pilot, "“nonsense” is no port.")
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            used = taken.getsockname()[1]
            app.chat.run_slash("forward", f"{used}:{port + 1 if port < 65535 else 1}")
            await see(pilot, f"Port {used} of this machine is in use already", 20)
        app.chat.run_slash("forward", "")
        await until_pilot(pilot, lambda: isinstance(app.screen, PickScreen))
        await see(pilot, f"Close 127.0.0.1:{here}, which leads to port {port}")
        await pilot.press("enter")
        await until_pilot(pilot, lambda: not listens(here), 20, "the port is closed")
        assert app.chat.workspace is not None
        app.chat.run_slash("disconnect", "")
        await see(pilot, "Disconnected from", 20)
        await until(lambda: not ssh_processes())
        app.chat.run_slash("reconnect", "")
        await connected(app, pilot)


async def test_without_a_machine_there_is_nothing_to_forward() -> None:
    async with app_on(AppOptions(demo={"speed": 0})) as (app, pilot):
        await until_pilot(pilot, lambda: app.chat.workspace is not None, 20)
        app.chat.run_slash("forward", "23333")
        await see(pilot, "The open server is not behind ssh.")
        await app.run_action("app.disconnect")
        await app.run_action("app.reconnect")
        await see(pilot, "Connecting again")
        await connected(app, pilot)


async def test_a_machine_by_its_address_and_one_that_is_not_there(
    sshd: StartSshd, servers: Servers, tmp_path: Path
) -> None:
    async with app_on(AppOptions(demo={"speed": 0})) as (app, pilot):
        await until_pilot(pilot, lambda: app.chat.workspace is not None, 20)
        app.chat.run_slash("connections", "")
        await see(pilot, "No machine yet")
        await pilot.press("ctrl+d")
        await see(pilot, "This machine is not connected.")
        await pilot.press("f4")
        await see(pilot, "Connect the machine first.")
        await pilot.press("ctrl+n")
        await until_pilot(pilot, lambda: isinstance(app.screen, AskScreen))
        await pilot.press(*"ssh://x@h:99999", "enter")
        await see(pilot, "is no port")
        await pilot.press("ctrl+n")
        await until_pilot(pilot, lambda: isinstance(app.screen, AskScreen))
        port = free_port()
        app.screen.query_one("#answer").value = f"ssh x@127.0.0.1 -p {port} -F none"
        await pilot.press("enter")
        await see(pilot, "no ssh server listens there", 20)
        await see(pilot, "tries again in")
        await go_to_row(app, pilot, f"x@127.0.0.1:{port}")
        await pilot.press("ctrl+d")
        await see(pilot, "Not connected. Enter connects.", 20)
        await pilot.press("delete")
        await see(pilot, "No machine yet", 20)
        assert app.machines.hosts == ()


async def test_the_fleet_is_live_and_opens_a_chat(sshd: StartSshd, servers: Servers, tmp_path: Path) -> None:
    first, second = await servers.start("alpha"), await servers.start("beta", speed=30)
    one, two = await a_box(sshd, tmp_path), await a_box(sshd, tmp_path)
    async with app_on(AppOptions(ssh=url_of(one, first), ssh_options=words_for(one)), (140, 36)) as (app, pilot):
        await connected(app, pilot)
        await app.machines.open(url_of(two), words_for(two))
        app.chat.run_slash("fleet", "")
        await until_pilot(pilot, lambda: isinstance(app.screen, FleetScreen))
        await see(pilot, "this machine", 20)
        await see(pilot, f"{USER}@127.0.0.1:{one.port}", 20)
        await see(pilot, f"{USER}@127.0.0.1:{two.port}", 20)
        await see(pilot, "alpha", 20)
        await see(pilot, "beta", 20)
        fleet = app.screen

        def complete() -> bool:
            lines = [row for row in rows(app) if f":{two.port}" in row and "beta" in row]
            return bool(lines) and "16.00" in lines[0] and "?" not in lines[0].split("beta")[1].split("0/0")[0]

        await until_pilot(pilot, complete, 30, "a whole line")
        # Hidden, it asks for nothing; shown again, it goes on.
        assert isinstance(fleet, FleetScreen)
        await pilot.press("f1")
        await until_pilot(pilot, lambda: app.screen is not fleet)
        await see(pilot, "Every server on this machine")
        await pilot.press("escape")
        await until_pilot(pilot, lambda: app.screen is fleet)
        await pilot.pause()
        view = fleet.view
        await until_pilot(pilot, lambda: view.has_focus)
        for _ in range(200):  # servers of other tests come and go in the rows above
            wanted = [row.key for row in view.rows].index(f"{USER}@127.0.0.1:{two.port} {second}")
            if view.cursor == wanted:
                break
            await pilot.press("down" if view.cursor < wanted else "up")
        await pilot.press("enter")
        await until_pilot(pilot, lambda: app.screen is app.chat, 20)
        await connected(app, pilot)
        host = await host_of(app, pilot)
        assert host.name == f"{USER}@127.0.0.1:{two.port}"
        link = app.chat.workspace.link if app.chat.workspace else None
        assert link is not None
        assert link.model == "beta"
        await until_pilot(pilot, lambda: not fleet.fleet._members, 20, "the fleet lets go")
