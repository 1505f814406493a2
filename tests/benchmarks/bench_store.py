"""How fast the store is: opening, appending, listing, reading, searching. Prints figures; asserts nothing.

``python tests/benchmarks/bench_store.py [CONVERSATIONS [MESSAGES_EACH]]`` (default 5,000 conversations of 20 messages).
"""

from __future__ import annotations

import asyncio
import random
import statistics
import sys
import tempfile
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from typing import Any

from tui.model.message import Message, TextPart
from tui.store.store import Store

CHANCE = random.Random(5)
COMMON = "的一是不了在人有我他这个们中来上大为和国地到以说时要就出会可也你对生能而子那得于着下自之年过发后作里"
RARE = [chr(0x4E00 + number) for number in range(3000)]
WORDS = [
    "the",
    "model",
    "kv",
    "cache",
    "quantised",
    "lmdeploy",
    "server",
    "attention",
    "weights",
    "gpu",
    "int4",
    "error",
]
QUERIES = (
    "的",
    "狐",
    "狐狸",
    "是不",
    "量化模型",
    "a",
    "lmdep",
    "lmdeploy",
    "cache quant",
    "error 的",
    "nothing at all",
)


def text() -> str:
    pieces: list[str] = []
    for _ in range(CHANCE.randint(40, 160)):
        kind = CHANCE.random()
        pieces.append(
            CHANCE.choice(COMMON) if kind < 0.4 else CHANCE.choice(RARE) if kind < 0.8 else f" {CHANCE.choice(WORDS)} "
        )
    return "".join(pieces)


async def measure(name: str, action: Callable[[], Awaitable[Any]], times: int = 7) -> Any:
    """Print the median and the worst of some runs, in milliseconds."""
    seconds: list[float] = []
    result = None
    for _ in range(times):
        start = perf_counter()
        result = await action()
        seconds.append(perf_counter() - start)
    print(f"{name:<58} median {statistics.median(seconds) * 1000:8.2f} ms   worst {max(seconds) * 1000:8.2f} ms")
    return result


async def fill(store: Store, conversations: int, each: int) -> None:
    """Fifty conversations at a time, so that transactions are shared."""

    async def one(number: int) -> None:
        info = await store.create_conversation(title=f"conversation {number}")
        names = [f"{number}-{position}" for position in range(each)]
        messages = [
            Message(name, "user", (TextPart(text()),), parent, datetime.now(UTC))
            for name, parent in zip(names, [None, *names], strict=False)
        ]
        await asyncio.gather(*(store.put_message(info.id, message) for message in messages))

    for first in range(0, conversations, 50):
        await asyncio.gather(*(one(number) for number in range(first, min(first + 50, conversations))))


async def stream(store: Store) -> None:
    """One answer of 2,000 pieces, each write awaited before the next."""
    info = await store.create_conversation()
    so_far, seconds = "", list[float]()
    for _ in range(2000):
        so_far += "and so on "
        one = Message("stream", "assistant", (TextPart(so_far),), None, datetime.now(UTC), complete=False)
        start = perf_counter()
        await store.put_message(info.id, one)
        seconds.append(perf_counter() - start)
    first, last = statistics.median(seconds[:200]) * 1000, statistics.median(seconds[-200:]) * 1000
    print(f"append to an answer: first 200 writes {first:.2f} ms each, last 200 of 2,000 {last:.2f} ms each")


async def long_conversation(store: Store, length: int = 5000) -> None:
    info = await store.create_conversation()
    puts = [
        store.put_message(
            info.id,
            Message(f"l{n}", "user", (TextPart(text()),), f"l{n - 1}" if n else None, datetime.now(UTC)),
        )
        for n in range(length)
    ]
    await asyncio.gather(*puts)
    ids = await measure(f"branch_ids of {length:,} messages", lambda: store.branch_ids(info.id))
    await measure("messages: a window of 100", lambda: store.messages(ids[-100:]))
    await measure(f"branch of {length:,} messages", lambda: store.branch(info.id))
    await measure(f"branch_points of {length:,} messages", lambda: store.branch_points(info.id))
    await measure(f"verify {length:,} messages", lambda: store.verify(info.id))


async def finish_index(store: Store) -> None:
    while True:
        waiting = await store._reader.run(  # pyright: ignore[reportPrivateUsage]
            lambda connection: connection.execute(
                "SELECT count(*) FROM messages WHERE NOT indexed AND complete"
            ).fetchone()[0]
        )
        if not waiting:
            return
        await asyncio.sleep(0.05)


async def reopen(path: Path) -> None:
    start = perf_counter()
    store = await Store.open(path)
    opened = perf_counter()
    await store.conversations(200)
    listed = perf_counter()
    print(f"open {(opened - start) * 1000:.1f} ms, list 200 {(listed - opened) * 1000:.1f} ms")
    await store.close()


async def main() -> None:
    conversations, each = (int(value) for value in (*sys.argv[1:], *("5000", "20")[len(sys.argv) - 1 :])[:2])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "conversations.sqlite3"
        store = await Store.open(path)
        await stream(store)
        start = perf_counter()
        await fill(store, conversations, each)
        filled = perf_counter()
        await finish_index(store)
        print(
            f"{conversations:,} conversations x {each} messages: written in {filled - start:.1f} s, "
            f"index done {perf_counter() - filled:.1f} s later, {path.stat().st_size / 1e6:.0f} MB"
        )
        await store.close()
        for _ in range(3):
            await reopen(path)
        store = await Store.open(path)
        for query in QUERIES:
            hits = await store.search(query)
            await measure(f"search {query!r}: {len(hits)} hits", lambda query=query: store.search(query))
        await long_conversation(store)
        gone = (await store.conversations(1))[0]
        await store.delete(gone.id)
        await measure("purge of a conversation", store.purge, times=1)
        await store.close()


if __name__ == "__main__":
    asyncio.run(main())
