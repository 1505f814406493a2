"""Whether an app has something to do: its messages, callbacks, frames and timers, looked at from outside.

Textual's own ``wait_for_idle`` takes a process that gets no time on a busy machine for one that has nothing to do.
``install()`` lets the pilot wait for this one as well. All names with an underscore are Textual's 8.2.8.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from time import monotonic, process_time
from typing import Any

SOON = 1.0
"""Seconds; a timer of at most that length that fires once belongs to what is going on."""
_CPU, _LONGEST, _LOOKS = 0.2, 20.0, 2


def busy(app: Any) -> bool:
    """Whether a message waits, something is to be painted, or a short timer runs in the screens that are open."""
    return any(_works(pump) or any(_is_soon(timer) for timer in list(pump._timers)) for pump in _pumps(app))


def working(app: Any) -> bool:
    """The same without timers: what is due now."""
    return any(_works(pump) for pump in _pumps(app))


def _pumps(app: Any) -> Iterator[Any]:
    yield app
    for screen in app.screen_stack if app._screen_stacks else ():
        yield from screen.walk_children(with_self=True)


def _works(pump: Any) -> bool:
    if pump._next_callbacks or not pump._message_queue.empty():
        return True
    if hasattr(pump, "_dirty_widgets") and (pump._callbacks or pump._dirty_widgets or pump._layout_required):
        return pump.app.screen is pump  # one that is hidden paints when it is shown again
    return False


def _is_soon(timer: Any) -> bool:
    """A timer that fires once, or a screen's own one for frames while it runs; others go on for ever."""
    if timer._repeat != 0 and timer.name != "screen_update":
        return False
    return timer._task is not None and not timer._task.done() and timer._active.is_set() and timer._interval <= SOON


async def worked_off(app: Any) -> None:
    """Until the app has done what was due, or has had its time for it: one that always has something to do gets 0.2 s
    of the processor."""
    end, enough, looks = monotonic() + _LONGEST, process_time() + _CPU, 0
    while looks < _LOOKS and monotonic() < end and process_time() < enough and app._running:
        await asyncio.sleep(0)
        looks = 0 if working(app) else looks + 1
        if not looks:
            await asyncio.sleep(0.002)


def install() -> None:
    """Let Textual's pilot wait for what is due, too."""
    import textual.app
    import textual.pilot
    from textual._context import active_app
    from textual._wait import wait_for_idle

    async def wait(*limits: float) -> None:
        await wait_for_idle(*limits)
        app = active_app.get(None)
        if app is not None:
            await worked_off(app)

    textual.app.wait_for_idle = textual.pilot.wait_for_idle = wait  # type: ignore[attr-defined]
