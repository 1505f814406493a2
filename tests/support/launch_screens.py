"""Walking through the screens that start, stop and quantise."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

from tests.support.app import send
from tests.support.launching import FAST
from tests.support.waiting import until_pilot
from tui.launch.machine import LocalMachine
from tui.launch.watching import Pace
from tui.screens.launch import LaunchScreen
from tui.screens.quantise import QuantiseScreen
from tui.screens.room import Landing, Site

Screen = TypeVar("Screen", LaunchScreen, QuantiseScreen)


def site(machine: LocalMachine, models: Path, pace: Pace = FAST) -> Site:
    """The machine with the test's models, looked at as often as tests need."""
    return Site(machine, (str(models),), pace=pace)


async def opened(app: Any, pilot: Any, screen: Screen) -> tuple[Screen, list[Landing | None]]:
    """The screen over the app once it has looked at the machine; and what it will answer."""
    answers: list[Landing | None] = []
    app.push_screen(screen, answers.append)
    await until_pilot(pilot, lambda: app.screen is screen and not screen.state.checking, what="the machine")
    return screen, answers


async def choose(pilot: Any, screen: Any, key: str) -> None:
    """Walk to a row and take it."""
    screen.view.focus()
    await until_pilot(pilot, lambda: any(row.key == key for row in screen.view.rows), what=f"row {key}")
    place = next(number for number, row in enumerate(screen.view.rows) if row.key == key)
    for _step in screen.view.rows:
        if screen.view.cursor == place:
            break
        await pilot.press("down" if screen.view.cursor < place else "up")
    assert screen.view.cursor == place
    await send(pilot, "enter")
