"""A process that writes to a store, for tests that need several of them or one to kill.

``python -m tests.unit.store.writer_child FILE crowd NAME COUNT``: conversations of messages that grow and complete.
``python -m tests.unit.store.writer_child FILE stream``: one endless answer; prints the length after every write.
A further argument ``network`` makes it believe that the file lies on a network file system.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from tests.unit.store.samples import message
from tui.model.message import ReasoningPart, TextPart
from tui.store import files
from tui.store.store import Store


def endless(length: int) -> str:
    """The first characters of the text that ``stream`` writes."""
    return ("狐狸和西瓜的故事, once upon a time … " * (length // 20 + 1))[:length]


async def crowd(store: Store, name: str, count: int) -> None:
    for number in range(count):
        conversation = (await store.create_conversation(title=f"{name} {number}")).id
        question = message(f"question {name} {number}", id=f"{name}-{number}-q")
        await store.put_message(conversation, question)
        for length in range(0, 50, 10):
            text = endless(length)
            await store.put_message(
                conversation, message(text, question.id, "assistant", id=f"{name}-{number}-a", complete=length == 40)
            )


async def stream(store: Store) -> None:
    conversation = (await store.create_conversation()).id
    question = message("tell me", id="question")
    await store.put_message(conversation, question)
    length = 0
    while True:
        length += 1 + length % 97
        parts = (ReasoningPart(endless(length)), TextPart(endless(length)))
        await store.put_message(conversation, message(parts, "question", "assistant", id="answer", complete=False))
        print(length, flush=True)


async def main() -> None:
    if sys.argv[-1] == "network":
        files.on_network = lambda path, mounts=None: True
    store = await Store.open(Path(sys.argv[1]))
    if sys.argv[2] == "crowd":
        await crowd(store, sys.argv[3], int(sys.argv[4]))
        await store.close()
    else:
        await stream(store)


if __name__ == "__main__":
    asyncio.run(main())
