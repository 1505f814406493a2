"""The store: conversations on disk, behind an async façade. No method blocks the event loop."""

from __future__ import annotations

import asyncio
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

from tui.model.events import TurnFigures
from tui.model.message import Message
from tui.model.problem import Problem
from tui.model.turn import TurnRecord
from tui.store import messages, search, turns
from tui.store.catalogue import Catalogue
from tui.store.database import Database, open_file, open_memory
from tui.store.files import default_path
from tui.store.messages import Written
from tui.store.worker import Check, Worker

if TYPE_CHECKING:
    from sqlite3 import Connection

# How often a message that is being written is read back from the file.
_READ_BACK_SECONDS = 5.0


class Store(Catalogue):
    """All conversations of a user. Writes go through one thread and one connection, reads through another.

    Several processes may have the same file open. Every method raises ProblemError("store.…"): disk_full, disk_error,
    read_only, locked, damaged, write_lost, unknown_conversation, unknown_message, sealed, closed.
    ``path`` is None and nothing is kept when the store lives in memory. ``notices`` is what the user should be told
    although the store opened (a broken file that was put aside)."""

    path: Path | None
    notices: tuple[Problem, ...]

    def __init__(self, database: Database) -> None:
        self.path = database.path
        self.notices = database.notices
        self._written = Written()
        self._checked = monotonic()
        fresh = database.fresh if database.path else None
        self._writer = Worker(
            "store-writer",
            database.writer,
            "BEGIN IMMEDIATE",
            database.path,
            fresh=fresh,
            forget=self._written.clear,
            idle=search.upkeep,
        )
        self._reader = Worker("store-reader", database.reader, "BEGIN", database.path) if fresh else self._writer

    @classmethod
    async def open(cls, path: Path | None = None) -> Store:
        """Open or create the file (the user's own one without ``path``): folder 0700, files 0600.

        Raises ProblemError: read_only, disk_full, cannot_open, locked, disk_error, not_ours, newer. The app goes on
        with :meth:`memory` then."""
        return cls(await asyncio.to_thread(open_file, path or default_path()))

    @classmethod
    async def memory(cls) -> Store:
        """A store with the same methods that keeps nothing after :meth:`close`."""
        return cls(await asyncio.to_thread(open_memory))

    async def close(self) -> None:
        """Finish what is being written and close the file."""
        await asyncio.to_thread(self._reader.stop)
        await asyncio.to_thread(self._writer.stop)

    async def put_message(self, conversation_id: str, message: Message) -> None:
        """Insert a message, or write what is new of one that is being written; returns once it is on the disk.

        Costs what is new: text is appended, whatever else changed in an incomplete message is replaced. A new message
        becomes the conversation's tip. Its parent must be there (store.unknown_message). Once complete, or once a
        complete message follows it, a message is sealed with its hash: putting it again is fine, changing it raises
        store.sealed – make a new version instead."""

        characters = sum(len(part) for part in (message.text, message.reasoning))
        await self._writer.run(
            lambda connection: messages.put(connection, conversation_id, message, self._written),
            self._read_back(message, characters),
        )

    async def branch(self, conversation_id: str, tip: str | None = None, *, all_of_it: bool = False) -> list[Message]:
        """The messages from the root to ``tip`` (without it: to the conversation's own tip). Hidden ones are left out,
        unless ``all_of_it`` is wanted."""

        def read(connection: Connection) -> list[Message]:
            ids = messages.branch_ids(connection, conversation_id, tip, all_of_it=all_of_it)
            return messages.read(connection, ids)

        return await self._reader.run(read)

    async def branch_ids(self, conversation_id: str, tip: str | None = None) -> list[str]:
        """The ids of :meth:`branch`, for transcripts that read a window at a time with :meth:`messages`."""
        return await self._reader.run(lambda connection: messages.branch_ids(connection, conversation_id, tip))

    async def messages(self, ids: list[str]) -> list[Message]:
        """Some messages, in the order of ``ids``; unknown ones are left out."""
        return await self._reader.run(lambda connection: messages.read(connection, ids))

    async def versions(self, message_id: str, conversation_id: str | None = None) -> list[str]:
        """The message and its siblings, oldest first. A message that forks share has siblings in each of them: name
        the conversation to see only its own."""
        return await self._reader.run(lambda connection: messages.versions(connection, message_id, conversation_id))

    async def leaf(self, conversation_id: str, message_id: str) -> str:
        """The end of the newest branch through a message: what to open when another version of it is chosen."""
        return await self._reader.run(lambda connection: messages.leaf(connection, conversation_id, message_id))

    async def branch_points(self, conversation_id: str) -> dict[str, int]:
        """Every message of the conversation that has several versions, and how many."""
        return await self._reader.run(lambda connection: messages.branch_points(connection, conversation_id))

    async def put_turn(self, turn: TurnRecord) -> None:
        """Insert or replace a turn. ``raw`` may grow from call to call: only new lines are written."""

        def check(connection: Connection) -> bool:
            return turns.holds(connection, turn.id, len(turn.raw))

        await self._writer.run(
            lambda connection: turns.put(connection, turn), check if turn.finish_reason or turn.problem else None
        )

    async def turn(self, turn_id: str) -> TurnRecord | None:
        """A turn with the server's lines."""
        return await self._reader.run(lambda connection: turns.get(connection, turn_id))

    async def turns(self, conversation_id: str) -> list[TurnRecord]:
        """The turns that were run in a conversation, oldest first, without the server's lines."""
        return await self._reader.run(lambda connection: turns.of_conversation(connection, conversation_id))

    async def figures(self, conversation_id: str) -> dict[str, TurnFigures]:
        """Tokens and times of all turns that messages of a conversation come from, by the turn's id. Turns without any
        (a crash) are left out."""
        return await self._reader.run(lambda connection: turns.figures(connection, conversation_id))

    async def verify(self, conversation_id: str) -> list[str]:
        """The ids of messages that were altered since they were completed; empty when the transcript is genuine.
        Messages that are not complete have no hash yet and are not looked at."""
        return await self._reader.run(lambda connection: messages.verify(connection, conversation_id))

    def _read_back(self, message: Message, characters: int) -> Check | None:
        """A check for complete messages, and now and then for those being written: reading back costs a connection."""
        if not message.complete and monotonic() - self._checked < _READ_BACK_SECONDS:
            return None
        self._checked = monotonic()
        return lambda connection: messages.holds(connection, message.id, message.complete, characters)
