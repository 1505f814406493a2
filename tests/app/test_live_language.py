"""Screens beside the chat that are open while the language is switched."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
from textual.screen import Screen
from textual.widgets import Input

from tests.support.app import running, screen_text, see
from tests.support.launch_screens import site
from tests.support.launching import AWQ, Install, home, lmdeploy, machine, models, slice_card
from tests.support.waiting import until_pilot
from tui.hosts.machines import Machines
from tui.i18n import _, set_language
from tui.launch.machine import LocalMachine
from tui.launch.wish import ServeWish
from tui.screens.connections import ConnectionsScreen
from tui.screens.fleet import FleetScreen
from tui.screens.launch import LaunchScreen
from tui.screens.logs import LogScreen
from tui.screens.nodes import NodesScreen
from tui.screens.planner import PlannerScreen
from tui.screens.quantise import QuantiseScreen
from tui.screens.room import Site

__all__ = ["home", "lmdeploy", "machine", "models", "slice_card"]


@pytest.fixture(autouse=True)
def english_again() -> Iterator[None]:
    yield
    set_language("en")


async def nobody(*_question: object) -> None:
    return None


async def no_port(_host: object) -> str:
    return ""


class Proxy:
    """One without a node."""

    async def status(self) -> str:
        return "{}"

    async def remove(self, url: str) -> str:
        return url

    async def ask(self, url: str, within: float) -> float:
        return within


async def follows(make: Callable[[], Screen[object]], *words: str) -> None:
    """Every one of the words is shown in English, then in Chinese and in English no more, then in English again."""
    async with running(size=(120, 36)) as (app, pilot, _workspace):
        app.push_screen(make())
        for word in words:
            await see(pilot, word)
        app.action_switch_language()
        chinese = [_(word) for word in words]
        assert not set(chinese) & set(words)
        for word in chinese:
            await see(pilot, word)
        assert not [word for word in words if word in screen_text(app)]
        app.action_switch_language()
        for word in words:
            await see(pilot, word)


async def test_the_launch_form(machine: LocalMachine, lmdeploy: Install, models: Path) -> None:
    lmdeploy()
    place = site(machine, models)
    await follows(lambda: LaunchScreen(place), "options of lmdeploy, or a pasted command:", "cache ratio", "Options")


async def test_what_is_written_stays(machine: LocalMachine, lmdeploy: Install, models: Path) -> None:
    lmdeploy()
    async with running(size=(120, 36)) as (app, pilot, _workspace):
        screen = LaunchScreen(site(machine, models), ServeWish((str(models / AWQ), "--tp", "1")))
        app.push_screen(screen)
        await see(pilot, "It fits.")
        wish, focused = screen.form.wish, app.focused
        app.action_switch_language()
        await until_pilot(pilot, lambda: "It fits." not in screen_text(app))
        assert screen.form.wish == wish
        assert screen.query_one("#launch-model", Input).value == str(models / AWQ)
        assert app.focused is focused


async def test_the_quantise_form(machine: LocalMachine, lmdeploy: Install, models: Path) -> None:
    lmdeploy()
    place = site(machine, models)
    await follows(lambda: QuantiseScreen(place), "work folder", "beside the model", "more options", "group size")


async def test_the_planner_form() -> None:
    await follows(PlannerScreen, "card's name", "free before", "session length")


async def test_the_log(machine: LocalMachine, models: Path, tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("a line\n")
    place: Site = site(machine, models)
    await follows(lambda: LogScreen(place, str(log), "mine"), "only lines with …")


async def test_the_nodes_of_a_proxy() -> None:
    async with running(size=(120, 36)) as (app, pilot, _workspace):
        app.push_screen(NodesScreen(Proxy(), "http://here"))
        await see(pilot, "Nodes of the proxy http://here")
        app.action_switch_language()
        await see(pilot, _("Nodes of the proxy {address}").replace("{address}", "http://here"))


@pytest.fixture
async def machines() -> AsyncIterator[Machines]:
    machines = Machines(nobody)
    yield machines
    await machines.aclose()


async def test_the_machines(machines: Machines) -> None:
    await follows(lambda: ConnectionsScreen(machines, no_port), "Connections")


async def test_the_fleet(machines: Machines) -> None:
    await follows(lambda: FleetScreen(machines), "Fleet", "↑ ↓ choose · Enter opens the chat there · Esc back")
