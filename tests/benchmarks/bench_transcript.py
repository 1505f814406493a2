"""What a long conversation costs: ``python tests/benchmarks/bench_transcript.py [messages]`` (5,000 by default).

A headless app of 120×40 on a scripted session. Contract: open ≤ 0.4 s, append ≤ 10 ms, theme ≤ 150 ms, focus ≤ 50 ms.
"""

from __future__ import annotations

import asyncio
import resource
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))

from textual import events as ui

from tests.benchmarks.rig import PARAGRAPH
from tests.support.app import running
from tui.model import events
from tui.model.message import Message, TextPart


def conversation(count: int) -> tuple[Message, ...]:
    now = datetime.now(UTC)
    roles = ("user", "assistant")
    return tuple(
        Message(f"m{n}", roles[n % 2], (TextPart(PARAGRAPH.replace("{n}", str(n)) * (1 + n % 3)),), None, now)  # pyright: ignore
        for n in range(count)
    )


def rss() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


async def timed(pilot: Any, what: str, action: Callable[[], Awaitable[None] | None], times: int = 1) -> None:
    """The time until the screen shows the outcome of an action, without the waits of the pilot."""
    found: list[float] = []
    for _ in range(times):
        start = perf_counter()
        outcome = action()
        if outcome is not None:
            await outcome
        shown = asyncio.Event()
        pilot.app.screen.call_after_refresh(shown.set)
        await shown.wait()
        found.append((perf_counter() - start) * 1000)
        await pilot.pause()
    print(f"  {what:<50}{median(found):8.1f} ms   (worst {max(found):.1f})")


async def main(count: int) -> None:
    messages = conversation(count)
    async with running(size=(120, 40)) as (app, pilot, workspace):
        transcript = app.chat.transcript
        before = rss()
        print(f"{count:,} messages")
        await timed(pilot, "open", lambda: app.chat.streams.feed.show(messages))
        print(f"  {'memory':<50}{rss() - before:8.1f} MiB")
        number = iter(range(10_000))

        def append() -> None:
            workspace.fake.play(events.UserMessageAdded(f"u{next(number)}", "another question"))

        await timed(pilot, "append a message", append, 20)
        await timed(pilot, "a page up", lambda: transcript.move_view("page_up"), 20)
        await timed(pilot, "to the beginning", lambda: transcript.move_view("home"))
        await timed(pilot, "to the middle", lambda: transcript.scroll_to(y=transcript.max_scroll_y // 2, animate=False))
        await timed(pilot, "to the end", transcript.follow)
        await timed(pilot, "select the message above", lambda: transcript.walk(-1), 5)
        await timed(pilot, "find a text that is everywhere", lambda: transcript.find("watermelon"))
        await timed(pilot, "the next place", lambda: transcript.find_step(1) and None, 20)
        await timed(pilot, "find a text that is nowhere", lambda: transcript.find("no such text"))
        await timed(pilot, "end finding", lambda: transcript.find(""))
        await timed(pilot, "terminal loses focus", lambda: app.post_message(ui.AppBlur()) and None)
        await timed(pilot, "terminal gets focus", lambda: app.post_message(ui.AppFocus()) and None)
        themes = iter(["textual-dark", "nord", "lmdeck-dark"])
        await timed(pilot, "another theme", lambda: setattr(app, "theme", next(themes)), 3)
        widths = iter([100, 90, 120])
        await timed(pilot, "another width", lambda: pilot.resize_terminal(next(widths), 40), 3)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 5_000))
