"""Messages for tests, and looking behind the store's façade."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from itertools import count
from typing import Any

from tui.model.message import Message, Part, Role, TextPart
from tui.store.search import upkeep
from tui.store.store import Store

WHEN = datetime(2026, 3, 1, 12, 30, 45, 123456, tzinfo=UTC)
_numbers = count(1)


def message(
    text: str | tuple[Part, ...] = "hello",
    parent: str | None = None,
    role: Role = "user",
    *,
    id: str | None = None,
    complete: bool = True,
    turn: str | None = None,
    created: datetime = WHEN,
) -> Message:
    parts = (TextPart(text),) if isinstance(text, str) else text
    return Message(id or f"message-{next(_numbers)}", role, parts, parent, created, complete, turn)


def rows(store: Store, sql: str, *values: Any) -> list[Any]:
    """Run SQL as another program would, on a connection of its own."""
    assert store.path is not None
    with closing(sqlite3.connect(store.path, isolation_level=None)) as other:
        return other.execute(sql, values).fetchall()


async def indexed(store: Store) -> None:
    """Wait until the work that can wait is done: the search knows every message that it should."""

    def rest(connection: sqlite3.Connection) -> None:
        connection.execute("COMMIT")
        while upkeep(connection):
            pass
        connection.execute("BEGIN")
        connection.execute("SAVEPOINT job")

    await store._writer.run(rest)  # pyright: ignore[reportPrivateUsage]
