"""Wait for conditions, never for time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from time import monotonic
from typing import Any

from tests.support.idle import worked_off

PATIENCE = 5.0
"""How many times as long as on a machine with nothing else to do everything is waited for before a test fails."""


class StandingClock:
    """Stands until ``goes`` is set: ``monkeypatch.setattr("tui.room.monotonic", clock)``, for what must not be over
    before a busy machine has come to look."""

    def __init__(self) -> None:
        self._now = monotonic()
        self.goes = False

    def __call__(self) -> float:
        return monotonic() if self.goes else self._now


async def until(check: Callable[[], Any], timeout: float = 25.0, what: str = "condition") -> Any:
    """Let the loop run until ``check()`` is true; returns its value, fails after ``timeout`` seconds of a machine with
    nothing else to do."""
    end = monotonic() + timeout * PATIENCE
    while not (value := check()):
        assert monotonic() < end, f"{what} not met within {timeout} s"
        await asyncio.sleep(0.005)
    return value


async def until_pilot(pilot: Any, check: Callable[[], Any], timeout: float = 25.0, what: str = "condition") -> Any:
    """The same under Textual's pilot, whose pause also lets the app paint. That pause waits for every widget of the
    screen, and those of one that closes meanwhile never answer: it gets a second, not Textual's thirty. What was due
    when the check became true is painted."""
    end = monotonic() + timeout * PATIENCE
    while not (value := check()):
        assert monotonic() < end, f"{what} not met within {timeout} s"
        with suppress(TimeoutError):
            async with asyncio.timeout(1):
                await pilot.pause(0.01)
    await worked_off(pilot.app)
    return value
