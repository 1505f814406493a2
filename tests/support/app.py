"""Running the app in tests: with fakes behind it, and reading what is on the screen."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from textual.strip import Strip

from tests.support.fake_session import FakeWorkspace
from tests.support.idle import install
from tests.support.waiting import until_pilot
from tui.app import LmdeckApp
from tui.config.terminal import Terminal
from tui.screens.seam import Approver, Teller, Workspace

install()  # the pilot of every app in these tests waits for what is due


def rows(app: Any) -> list[str]:
    """The rows on screen as text."""
    return [strip.text.rstrip() for strip in strips(app)]


def strips(app: Any) -> list[Strip]:
    """What is on screen. ``_compositor`` is private in Textual 8.2.8; only tests and scripts read it, only here."""
    return app.screen._compositor.render_strips()


def screen_text(app: Any) -> str:
    return "\n".join(rows(app))


async def send(pilot: Any, *keys: str) -> None:
    """Press keys that may close the screen a moment later: ``pilot.press`` would wait for widgets that never answer."""
    await pilot.app._press_keys(keys)


def spot(app: Any, part: Any, row: int = 0, column: int = 0) -> tuple[int, int]:
    """Where a row of a part (its gap above not counted) stands in the transcript: an offset for the pilot's mouse."""
    transcript = app.chat.transcript
    for y, place in enumerate(transcript.sheet.lines()):
        if transcript.part_views()[place.item] is part and place.row - part.GAP == row:
            return column + 1, y
    raise AssertionError(f"row {row} of {part!r} is not in view")


@asynccontextmanager
async def running(
    workspace: FakeWorkspace | None = None, *, size: tuple[int, int] = (80, 24), terminal: Terminal | None = None
) -> AsyncIterator[tuple[LmdeckApp, Any, FakeWorkspace]]:
    """The app on a fake workspace, with tooltips and notifications on; yields app, pilot and workspace."""
    workspace = workspace or FakeWorkspace()

    async def factory(_approve: Approver, _tell: Teller) -> Workspace:
        return workspace

    app = LmdeckApp(factory, terminal=terminal or Terminal("plain"))
    async with app.run_test(size=size, tooltips=True, notifications=True) as pilot:
        app.animation_level = "none"
        await until_pilot(pilot, lambda: app.chat.workspace is workspace, what="the workspace")
        await until_pilot(pilot, lambda: app.focused is not None, what="focus")
        yield app, pilot, workspace


async def see(pilot: Any, text: str, timeout: float = 25.0) -> None:
    """Wait until a text is on screen."""
    try:
        await until_pilot(pilot, lambda: text in screen_text(pilot.app), timeout, f"{text!r} on screen")
    except AssertionError as error:
        raise AssertionError(f"{error}\n{screen_text(pilot.app)}") from None
