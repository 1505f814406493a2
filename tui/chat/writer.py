"""Writing a conversation to the store while it happens: part by part, behind the stream, never in its way."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from tui.chat.ports import StorePort
from tui.chat.records import Settings
from tui.model.message import Message
from tui.model.problem import Problem, ProblemError

INTERVAL = 0.5  # seconds that the store may lag behind a stream
_RETRY = 5.0  # seconds between attempts while the store refuses

Job = Callable[[StorePort, str], Awaitable[object]]

# What is wrong with one message alone: it is left out, the rest goes on.
_ONE_MESSAGE = frozenset({"store.sealed", "store.unknown_message"})


@dataclass(frozen=True, slots=True)
class Heading:
    """What a conversation is created with."""

    title: str
    endpoint: str
    model: str
    settings: Settings


class StoreWriter:
    """One conversation's way to the store. ``problem`` is told once for every series of failures; what could not be
    written is tried again."""

    def __init__(
        self,
        store: StorePort,
        conversation_id: str | None,
        heading: Callable[[], Heading],
        message: Callable[[str], Message | None],
        problem: Callable[[Problem], None],
    ) -> None:
        self.conversation_id = conversation_id
        self._store = store
        self._heading = heading
        self._message = message
        self._problem = problem
        self._dirty: dict[str, Message | None] = {}
        self._jobs: list[Job] = []
        self._wake = asyncio.Event()
        self._hurry = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._failing = False
        self._task: asyncio.Task[None] | None = None

    def touch(self, message_id: str) -> None:
        """This message changed; its newest state is written within the interval."""
        if message_id not in self._dirty or self._dirty[message_id] is not None:
            self._dirty[message_id] = None
            self._start()

    def capture(self) -> None:
        """The visible branch is about to change: remember what is still to be written of this one."""
        for message_id, message in self._dirty.items():
            if message is None:
                self._dirty[message_id] = self._message(message_id)

    def add(self, job: Job) -> None:
        """Do something with the store, after the messages that wait now."""
        self._jobs.append(job)
        self._start()

    async def flush(self) -> None:
        """Return when everything is written, or when the store refused it."""
        if not self._idle.is_set():
            self._hurry.set()
            await self._idle.wait()

    async def aclose(self) -> None:
        """Write what waits and end."""
        if self._task is None:
            return
        await self.flush()
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        self._task = None

    def _start(self) -> None:
        self._idle.clear()
        self._wake.set()
        if self._task is None:
            self._task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            written = await self._write()
            self._failing = not written
            waiting = bool(self._dirty or self._jobs)
            if not (waiting and written):
                # Whoever flushes must not wait for a store that refuses.
                self._hurry.clear()
                self._idle.set()
            if waiting:
                self._wake.set()
            await self._pause(INTERVAL if written else _RETRY)

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._hurry.wait()
        except TimeoutError:
            return

    async def _write(self) -> bool:
        """Write everything that waits; False when the store refused."""
        try:
            if self.conversation_id is None:
                heading = self._heading()
                info = await self._store.create_conversation(
                    title=heading.title,
                    endpoint=heading.endpoint,
                    model=heading.model,
                    settings=heading.settings.encoded(),
                )
                self.conversation_id = info.id
            for message_id in tuple(self._dirty):
                await self._write_message(message_id, self.conversation_id)
            for job in tuple(self._jobs):
                await job(self._store, self.conversation_id)
                self._jobs.remove(job)
        except ProblemError as error:
            if not self._failing:
                self._problem(error.problem)
            return False
        return True

    async def _write_message(self, message_id: str, conversation_id: str) -> None:
        message = self._dirty.pop(message_id) or self._message(message_id)
        if message is None:
            return
        try:
            await self._store.put_message(conversation_id, message)
        except ProblemError as error:
            if error.problem.code in _ONE_MESSAGE:
                self._problem(error.problem)
                return
            # In front again, in its newest state: its answers need it in the store.
            newest = self._dirty.pop(message_id, message)
            rest = dict(self._dirty)
            self._dirty.clear()
            self._dirty.update({message_id: newest, **rest})
            raise
