"""The rows of messages' parts, and the chunks appended to them while they are being written."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from tui.store.parts import PartRow, pack, unpack

if TYPE_CHECKING:
    from sqlite3 import Connection


def update_parts(connection: Connection, key: int, old: list[PartRow], new: list[PartRow]) -> None:
    for position, row in enumerate(new):
        if position >= len(old):
            insert_part(connection, key, position, row)
        elif row != old[position]:
            _update_one(connection, key, position, old[position], row)
    if len(old) > len(new):
        connection.execute("DELETE FROM chunks WHERE message = ? AND position >= ?", (key, len(new)))
        connection.execute("DELETE FROM parts WHERE message = ? AND position >= ?", (key, len(new)))


def insert_part(connection: Connection, key: int, position: int, row: PartRow) -> None:
    connection.execute(
        "INSERT INTO parts (message, position, kind, payload, text) VALUES (?, ?, ?, ?, ?)",
        (key, position, row.kind, row.payload, pack(row.text)),
    )


def _update_one(connection: Connection, key: int, position: int, old: PartRow, new: PartRow) -> None:
    if new.kind != old.kind or not new.text.startswith(old.text):
        connection.execute("DELETE FROM chunks WHERE message = ? AND position = ?", (key, position))
        connection.execute("DELETE FROM parts WHERE message = ? AND position = ?", (key, position))
        insert_part(connection, key, position, new)
        return
    if added := new.text[len(old.text) :]:
        connection.execute(
            "INSERT INTO chunks (message, position, text) VALUES (?, ?, ?)", (key, position, pack(added))
        )
    if new.payload != old.payload:
        connection.execute(
            "UPDATE parts SET payload = ? WHERE message = ? AND position = ?", (new.payload, key, position)
        )


def compact(connection: Connection, key: int) -> None:
    """Put what was appended piece by piece into the part itself."""
    if connection.execute("SELECT 1 FROM chunks WHERE message = ? LIMIT 1", (key,)).fetchone() is None:
        return
    for position, row in enumerate(rows_of(connection, key)):
        connection.execute(
            "UPDATE parts SET text = ? WHERE message = ? AND position = ?", (pack(row.text), key, position)
        )
    connection.execute("DELETE FROM chunks WHERE message = ?", (key,))


def rows_of(connection: Connection, key: int) -> list[PartRow]:
    return rows_of_many(connection, [key]).get(key, [])


def rows_of_many(connection: Connection, keys: Sequence[int]) -> dict[int, list[PartRow]]:
    """The parts of some messages by key, in order, with what was appended to them."""
    wanted = json.dumps(keys)
    added: dict[tuple[int, int], list[str]] = {}
    for message, position, text in connection.execute(
        "SELECT message, position, text FROM chunks WHERE message IN (SELECT value FROM json_each(?)) ORDER BY key",
        (wanted,),
    ):
        added.setdefault((message, position), []).append(unpack(text))
    found: dict[int, list[PartRow]] = {}
    for message, position, kind, payload, text in connection.execute(
        """SELECT message, position, kind, payload, text FROM parts
        WHERE message IN (SELECT value FROM json_each(?)) ORDER BY message, position""",
        (wanted,),
    ):
        more = added.get((message, position), ())
        found.setdefault(message, []).append(PartRow(kind, payload, unpack(text) + "".join(more)))
    return found
