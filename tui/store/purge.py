"""Removing deleted conversations for good. Runs on the writer's thread."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from tui.store import search

if TYPE_CHECKING:
    from sqlite3 import Connection


def deleted_before(connection: Connection, time: datetime) -> list[str]:
    """Conversations that were deleted before a time (UTC)."""
    border = time.astimezone(UTC).isoformat(timespec="microseconds")
    return [row[0] for row in connection.execute("SELECT id FROM conversations WHERE deleted < ?", (border,))]


def purge(connection: Connection, identity: str) -> bool:
    """Remove a deleted conversation for good, except messages that a fork still shows; False when it was restored or
    purged by another process meanwhile."""
    found = connection.execute(
        "SELECT key FROM conversations WHERE id = ? AND deleted IS NOT NULL", (identity,)
    ).fetchone()
    if found is None:
        return False
    key = found[0]
    own = [
        row[0]
        for row in connection.execute(
            """SELECT message FROM members WHERE conversation = :key AND message NOT IN
            (SELECT message FROM members WHERE conversation <> :key) ORDER BY message DESC""",
            {"key": key},
        )
    ]
    connection.execute("DELETE FROM hidden WHERE conversation = ?", (key,))
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
    search.ask_squeeze(connection)
    return True
