"""Removing deleted conversations for good. Runs on the writer's thread."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from tui.store import search

if TYPE_CHECKING:
    from sqlite3 import Connection


def purge(connection: Connection, deleted_before: datetime) -> int:
    """Remove for good what was deleted before a time (UTC), except messages that a fork still shows."""
    border = deleted_before.astimezone(UTC).isoformat(timespec="microseconds")
    gone = connection.execute("SELECT key, id FROM conversations WHERE deleted < ?", (border,)).fetchall()
    for key, identity in gone:
        _purge_one(connection, key, identity)
    if gone:
        search.squeeze(connection)
    return len(gone)


def _purge_one(connection: Connection, key: int, identity: str) -> None:
    own = [
        row[0]
        for row in connection.execute(
            """SELECT message FROM members WHERE conversation = ?1 AND message NOT IN
            (SELECT message FROM members WHERE conversation <> ?1) ORDER BY message DESC""",
            (key,),
        )
    ]
    connection.execute("DELETE FROM members WHERE conversation = ?", (key,))
    for message in own:
        search.forget(connection, message)
    for statement in (
        "DELETE FROM chunks WHERE message = ?",
        "DELETE FROM parts WHERE message = ?",
        "DELETE FROM messages WHERE key = ?",
    ):
        connection.executemany(statement, [(message,) for message in own])
    turns = (
        "SELECT id FROM turns WHERE conversation = ? AND id NOT IN (SELECT turn FROM messages WHERE turn IS NOT NULL)"
    )
    connection.execute(f"DELETE FROM raw WHERE turn IN ({turns})", (identity,))  # noqa: S608 (constant)
    connection.execute(f"DELETE FROM turns WHERE id IN ({turns})", (identity,))  # noqa: S608 (constant)
    connection.execute("DELETE FROM conversations WHERE key = ?", (key,))
