"""How long the list of conversations takes from the last key to the drawn answer. Prints figures; asserts nothing.

``python -m tests.benchmarks.bench_history [CONVERSATIONS [MESSAGES_EACH]]`` (default 5,000 of 6 messages).
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

from textual.widgets import Input

from tests.benchmarks.bench_store import QUERIES, fill, finish_index
from tests.support.app import running
from tests.support.waiting import until_pilot
from tui.screens import history
from tui.screens.history import HistoryScreen
from tui.store.store import Store


class Timed(HistoryScreen):
    """Notes when an answer has been painted."""

    CSS_PATH = str(Path(history.__file__).parents[1] / "styles" / "history.tcss")
    painted = 0.0
    answers = 0

    def _draw(self, keep: str = "") -> None:
        super()._draw(keep)
        self.call_after_refresh(self._note_time)

    def _note_time(self) -> None:
        self.painted = perf_counter()
        self.answers += 1


async def once(pilot: Any, screen: Timed, query: str) -> tuple[float, float]:
    """Seconds from the change of the field to the painted list: by the clock, and of the processor."""
    entry = screen.query_one("#search", Input)
    if entry.value:
        before = screen.answers
        entry.value = ""
        await until_pilot(pilot, lambda: screen.answers > before)
    before = screen.answers
    begin, used = perf_counter(), process_time()
    entry.value = query
    while screen.answers == before:
        await asyncio.sleep(0.002)
    return screen.painted - begin, process_time() - used


async def main(conversations: int, each: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = await Store.open(Path(folder) / "c.sqlite3")
        await fill(store, conversations, each)
        await finish_index(store)
        async with running(size=(120, 36)) as (app, pilot, _workspace):
            screen = Timed(store)
            await app.push_screen(screen)
            await until_pilot(pilot, lambda: screen.answers > 0)
            for query in (*QUERIES, "conversation 4321"):
                times = [await once(pilot, screen, query) for _ in range(5)]
                median, worst = statistics.median(clock for clock, _cpu in times), max(clock for clock, _cpu in times)
                cpu = statistics.median(cpu for _clock, cpu in times)
                figures = f"median {median * 1000:6.0f} ms   worst {worst * 1000:6.0f} ms   cpu {cpu * 1000:6.0f} ms"
                print(f"{query!r:<24} {figures}", flush=True)
        await store.close()


if __name__ == "__main__":
    numbers = [int(word) for word in sys.argv[1:]]
    asyncio.run(main(*(numbers + [5000, 6][len(numbers) :])))
