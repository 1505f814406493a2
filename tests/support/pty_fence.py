"""A fence in the stream of keys: the app answers it when everything that was typed before it has been painted.

``install()`` gives the app a key that no terminal of the tests sends by itself; ``PtyApp.settle`` presses it and waits
for the answer, an OSC sequence that a terminal ignores. Nothing is left to how fast the machine is.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

KEY, NAME = "\x1d", "ctrl+right_square_bracket"
"""What the fence's key sends, and what Textual calls it."""
SOON = 1.0
"""Seconds; a timer of at most that length belongs to what is going on."""
LOOKS = 3


def answer(number: int) -> bytes:
    """What the app writes for the fence with this number, counted from 1."""
    return f"\x1b]7777;{number}\x07".encode()


def install() -> None:
    """Bind the key in every app of this process."""
    from tui.app import LmdeckApp

    async def action_fence(self: LmdeckApp) -> None:
        number = self.fences = getattr(self, "fences", 0) + 1  # type: ignore[attr-defined]
        self.run_worker(_answered(self, number), group="fence")

    LmdeckApp.action_fence = action_fence  # type: ignore[attr-defined]
    LmdeckApp._merged_bindings.bind(NAME, "fence", show=False, priority=True)  # type: ignore[union-attr]


async def _answered(app: Any, number: int) -> None:
    quiet = 0
    while quiet < LOOKS:
        await asyncio.sleep(0.005)
        quiet = 0 if busy(app) else quiet + 1
    app._driver.write(answer(number).decode())
    app._driver.flush()


def busy(app: Any) -> bool:
    """Whether a message is waiting, something is to be painted, or a short timer runs in the screens that are open."""
    return any(_works(pump) for pump in _pumps(app))


def _pumps(app: Any) -> Iterator[Any]:
    yield app
    for screen in app.screen_stack:
        yield from screen.walk_children(with_self=True)


def _works(pump: Any) -> bool:
    if pump._next_callbacks or not pump._message_queue.empty():
        return True
    if hasattr(pump, "_dirty_widgets") and (pump._callbacks or pump._dirty_widgets or pump._layout_required):
        return True  # a screen
    return any(_is_soon(timer) for timer in list(pump._timers))


def _is_soon(timer: Any) -> bool:
    """A timer that fires once, or a screen's own one for frames while it runs; others go on for ever."""
    if timer._repeat != 0 and timer.name != "screen_update":
        return False
    return timer._task is not None and not timer._task.done() and timer._active.is_set() and timer._interval <= SOON
