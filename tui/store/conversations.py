"""Conversations in the database: the list, titles, deletion with undo, forks. Runs on a worker's thread."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from tui.model.message import ConversationInfo
from tui.model.problem import Problem, ProblemError

if TYPE_CHECKING:
    from sqlite3 import Connection

_COLUMNS = "id, title, title_is_manual, created, updated, tip, messages, model, endpoint, settings"


def now() -> str:
    """UTC as text that sorts by time."""
    return datetime.now(UTC).isoformat(timespec="microseconds")


def key_of(connection: Connection, conversation_id: str) -> int:
    """The table's key. Raises ProblemError(store.unknown_conversation)."""
    row = connection.execute("SELECT key FROM conversations WHERE id = ?", (conversation_id,)).fetchone()
    if row is None:
        raise ProblemError(Problem("store.unknown_conversation", {"id": conversation_id}))
    return row[0]


def create(
    connection: Connection, *, title: str, endpoint: str, model: str, settings: Mapping[str, object] | None
) -> ConversationInfo:
    identity, time = uuid4().hex, now()
    connection.execute(
        "INSERT INTO conversations (id, title, created, updated, model, endpoint, settings) VALUES (?,?,?,?,?,?,?)",
        (identity, clean(title), time, time, clean(model), clean(endpoint), json.dumps(dict(settings or {}))),
    )
    return require(connection, identity)


def get(connection: Connection, conversation_id: str) -> ConversationInfo | None:
    """A conversation, a deleted one too."""
    row = connection.execute(
        f"SELECT {_COLUMNS} FROM conversations WHERE id = ?",  # noqa: S608 (constant)
        (conversation_id,),
    ).fetchone()
    return _info(row) if row else None


def require(connection: Connection, conversation_id: str) -> ConversationInfo:
    info = get(connection, conversation_id)
    if info is None:
        raise ProblemError(Problem("store.unknown_conversation", {"id": conversation_id}))
    return info


def latest(connection: Connection, limit: int, offset: int, deleted: bool) -> list[ConversationInfo]:
    """The most recently used first; or those that were deleted, the last one first."""
    where = "deleted IS NOT NULL ORDER BY deleted DESC" if deleted else "deleted IS NULL ORDER BY updated DESC"
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM conversations WHERE {where}, key DESC LIMIT ? OFFSET ?",  # noqa: S608 (constants)
        (limit, offset),
    )
    return [_info(row) for row in rows]


def rename(connection: Connection, conversation_id: str, title: str, manual: bool) -> bool:
    """Set the title; False when it stays because the user chose the present one."""
    key = key_of(connection, conversation_id)
    cursor = connection.execute(
        "UPDATE conversations SET title = ?, title_is_manual = ? WHERE key = ? AND (? OR NOT title_is_manual)",
        (clean(title), manual, key, manual),
    )
    return cursor.rowcount > 0


def change(connection: Connection, conversation_id: str, changes: Mapping[str, str]) -> None:
    """Set some of the columns model, endpoint, settings, tip."""
    key = key_of(connection, conversation_id)
    for column, value in changes.items():
        connection.execute(f"UPDATE conversations SET {column} = ? WHERE key = ?", (value, key))  # noqa: S608 (our names)


def set_deleted(connection: Connection, conversation_id: str, *, deleted: bool) -> None:
    key = key_of(connection, conversation_id)
    connection.execute("UPDATE conversations SET deleted = ? WHERE key = ?", (now() if deleted else None, key))


def fork(connection: Connection, source: str, path: list[int], tip: str, title: str | None) -> ConversationInfo:
    """A new conversation that shares the messages of ``path`` (keys, root first) and goes on from ``tip``."""
    info = require(connection, source)
    new = create(
        connection,
        title=info.title if title is None else title,
        endpoint=info.endpoint,
        model=info.model,
        settings=info.settings,
    )
    key = key_of(connection, new.id)
    connection.executemany("INSERT INTO members (conversation, message) VALUES (?, ?)", [(key, one) for one in path])
    connection.execute("UPDATE conversations SET tip = ?, messages = ? WHERE key = ?", (tip, len(path), key))
    return require(connection, new.id)


def is_member(connection: Connection, conversation_id: str, message_id: str) -> bool:
    row = connection.execute(
        """SELECT 1 FROM members JOIN conversations c ON c.key = members.conversation
        JOIN messages m ON m.key = members.message WHERE c.id = ? AND m.id = ?""",
        (conversation_id, message_id),
    ).fetchone()
    return row is not None


def clean(text: str) -> str:
    """Text without lone surrogates, which SQLite does not take."""
    return text.encode("utf-8", "replace").decode()


def _info(row: tuple[Any, ...]) -> ConversationInfo:
    identity, title, manual, created, updated, tip, messages, model, endpoint, settings = row
    return ConversationInfo(
        identity,
        title,
        bool(manual),
        datetime.fromisoformat(created),
        datetime.fromisoformat(updated),
        tip,
        messages,
        model,
        endpoint,
        json.loads(settings),
    )
