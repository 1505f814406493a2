"""A fence in the stream of keys: the app answers it when everything that was typed before it has been painted.

``install()`` gives the app a key that no terminal of the tests sends by itself; ``PtyApp.settle`` presses it and waits
for the answer, an OSC sequence that a terminal ignores. Nothing is left to how fast the machine is.
"""

from __future__ import annotations

import asyncio
from typing import Any

from tests.support.idle import busy

KEY, NAME = "\x1d", "ctrl+right_square_bracket"
"""What the fence's key sends, and what Textual calls it."""
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
