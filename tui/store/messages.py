"""Messages in the database: putting them part by part, reading them back, proving that they are unaltered.

Everything here runs on a worker's thread, inside its transaction.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, cast

from tui.model.message import Message
from tui.model.problem import Problem, ProblemError
from tui.store import hidden, search
from tui.store.conversations import key_of, now, require
from tui.store.parts import PartRow, content_hash, from_row, to_row
from tui.store.rows import compact, insert_part, rows_of, rows_of_many, update_parts

if TYPE_CHECKING:
    from sqlite3 import Connection

_AT_ONCE = 500  # messages whose text is in memory at the same time while verifying
_PATH = """WITH RECURSIVE path (key, parent, depth) AS (
    SELECT key, parent, 0 FROM messages WHERE id = ?
    UNION ALL
    SELECT m.key, m.parent, depth + 1 FROM path JOIN messages m ON m.key = path.parent AND m.key < path.key
) SELECT m.key, m.id FROM path JOIN messages m ON m.key = path.key ORDER BY depth DESC"""


@dataclass(frozen=True, slots=True)
class _Stored:
    key: int
    parent: int | None
    role: str
    complete: bool
    turn: str | None
    hash: str | None
    revision: int


class Written:
    """What the file holds of messages that are still being written, so that only the difference is computed.

    Trusted only while the revision in the file is the remembered one: another process, or a rollback, changes it."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[int, list[PartRow]]] = {}

    def recall(self, message_id: str, revision: int) -> list[PartRow] | None:
        known = self._known.get(message_id)
        return known[1] if known and known[0] == revision else None

    def remember(self, message_id: str, revision: int, rows: list[PartRow]) -> None:
        self._known[message_id] = (revision, rows)

    def drop(self, message_id: str) -> None:
        self._known.pop(message_id, None)

    def clear(self) -> None:
        self._known.clear()


def put(connection: Connection, conversation_id: str, message: Message, written: Written) -> None:
    """Insert a message, or write what is new of it. See :meth:`Store.put_message`."""
    conversation = key_of(connection, conversation_id)
    rows = [to_row(part) for part in message.parts]
    stored = _stored(connection, message.id)
    if stored is None:
        key = _insert(connection, message, rows)
        _join(connection, conversation, key, message.id)
        revision = 0
    else:
        if stored.hash is not None:
            _check_unchanged(connection, stored, message, rows)
            return
        key, revision = stored.key, stored.revision + 1
        search.forget(connection, key)
        old = written.recall(message.id, stored.revision)
        update_parts(connection, key, rows_of(connection, key) if old is None else old, rows)
        connection.execute(
            "UPDATE messages SET complete = ?, turn = ?, revision = ? WHERE key = ?",
            (message.complete, message.turn, revision, key),
        )
    if message.complete:
        written.drop(message.id)
        compact(connection, key)
        seal(connection, key)
        connection.execute("UPDATE conversations SET updated = ? WHERE key = ?", (now(), conversation))
    else:
        written.remember(message.id, revision, rows)


def read(connection: Connection, ids: Sequence[str]) -> list[Message]:
    """The messages with these ids, in this order; unknown ids are left out."""
    heads = connection.execute(
        """SELECT m.key, m.id, m.role, p.id, m.created, m.complete, m.turn FROM messages m
        LEFT JOIN messages p ON p.key = m.parent WHERE m.id IN (SELECT value FROM json_each(?))""",
        (json.dumps(ids),),
    ).fetchall()
    parts = rows_of_many(connection, [head[0] for head in heads])
    found: dict[str, Message] = {}
    for key, message_id, role, parent, created, complete, turn in heads:
        content = tuple(from_row(row) for row in parts.get(key, ()))
        when = datetime.fromisoformat(created)
        found[message_id] = Message(message_id, role, content, parent, when, bool(complete), turn)
    return [found[message_id] for message_id in ids if message_id in found]


def path(connection: Connection, tip: str | None) -> list[tuple[int, str]]:
    """Keys and ids from the root to ``tip``; empty when there is no such message."""
    return connection.execute(_PATH, (tip,)).fetchall()


def branch_ids(connection: Connection, conversation_id: str, tip: str | None, *, all_of_it: bool = False) -> list[str]:
    """The ids from the root to ``tip``, or to the conversation's own tip; ``all_of_it``: hidden ones too."""
    info = require(connection, conversation_id)
    ids = [message_id for _, message_id in path(connection, tip or info.tip)]
    return ids if all_of_it else hidden.shown(connection, conversation_id, ids)


def versions(connection: Connection, message_id: str, conversation_id: str | None) -> list[str]:
    """The message and its siblings, oldest first, within one conversation or all that the message is part of; without
    those that are hidden."""
    stored = _stored(connection, message_id)
    if stored is None:
        return []
    rows = connection.execute(
        """SELECT DISTINCT m.key, m.id FROM members mine
        JOIN conversations c ON c.key = mine.conversation AND (:conversation IS NULL OR c.id = :conversation)
        JOIN members other ON other.conversation = mine.conversation
        JOIN messages m ON m.key = other.message AND m.parent IS :parent
        WHERE mine.message = :message AND NOT EXISTS (
            SELECT 1 FROM hidden WHERE hidden.conversation = other.conversation AND hidden.message = m.key
        ) ORDER BY m.key""",
        {"conversation": conversation_id, "parent": stored.parent, "message": stored.key},
    )
    return [row[1] for row in rows]


def leaf(connection: Connection, conversation_id: str, message_id: str) -> str:
    """The end of the branch below a message that was written to last; the message itself when nothing follows it.

    Answers come later than what they answer, so the newest descendant is a leaf."""
    row = connection.execute(
        """WITH RECURSIVE below (key) AS (
            SELECT m.key FROM messages m WHERE m.id = ?
            UNION ALL
            SELECT m.key FROM below JOIN messages m ON m.parent = below.key AND m.key > below.key
        ) SELECT m.id FROM below JOIN messages m ON m.key = below.key
        JOIN members ON members.message = m.key AND members.conversation = ? ORDER BY m.key DESC LIMIT 1""",
        (message_id, key_of(connection, conversation_id)),
    ).fetchone()
    return message_id if row is None else row[0]


def branch_points(connection: Connection, conversation_id: str) -> dict[str, int]:
    """Messages that have siblings in the conversation, and how many versions there are."""
    rows = connection.execute(
        """SELECT m.id, count(*) OVER (PARTITION BY m.parent) AS versions FROM members
        JOIN messages m ON m.key = members.message WHERE members.conversation = :key
        AND m.key NOT IN (SELECT message FROM hidden WHERE conversation = :key)""",
        {"key": key_of(connection, conversation_id)},
    )
    return {message_id: count for message_id, count in rows if count > 1}


def verify(connection: Connection, conversation_id: str) -> list[str]:
    """The ids of messages whose content does not give the hash that was stored when they were sealed."""
    key = key_of(connection, conversation_id)
    heads = connection.execute(
        """SELECT m.key, m.id, m.role, m.hash, m.parent, p.hash, p.key FROM members
        JOIN messages m ON m.key = members.message LEFT JOIN messages p ON p.key = m.parent
        WHERE members.conversation = ? ORDER BY m.key""",
        (key,),
    ).fetchall()
    altered: list[str] = []
    for start in range(0, len(heads), _AT_ONCE):
        some = heads[start : start + _AT_ONCE]
        parts = rows_of_many(connection, [head[0] for head in some])
        for message, message_id, role, stored, parent, parent_hash, parent_key in some:
            orphan = parent is not None and parent_key is None
            hashed = content_hash(role, parts.get(message, []), parent_hash or "")
            if orphan or stored not in (None, hashed):
                altered.append(message_id)
    return altered


def seal(connection: Connection, key: int) -> None:
    """Give a message and its ancestors their hashes, as far as they have none. A sealed message never changes."""
    open_keys: list[tuple[int, str]] = []
    parent_hash = ""
    at: int | None = key
    while at is not None:
        role, parent, known = connection.execute(
            "SELECT role, parent, hash FROM messages WHERE key = ?", (at,)
        ).fetchone()
        if known is not None:
            parent_hash = known
            break
        open_keys.append((at, role))
        at = parent
    for message, role in reversed(open_keys):
        parent_hash = content_hash(role, rows_of(connection, message), parent_hash)
        connection.execute("UPDATE messages SET hash = ? WHERE key = ?", (parent_hash, message))


def holds(connection: Connection, message_id: str, complete: bool, characters: int) -> bool:
    """Whether the file has the message with at least so much text: the check after a write."""
    stored = _stored(connection, message_id)
    if stored is None or stored.complete < complete:
        return False
    return sum(len(row.text) for row in rows_of(connection, stored.key)) >= characters


def _stored(connection: Connection, message_id: str) -> _Stored | None:
    row = connection.execute(
        "SELECT key, parent, role, complete, turn, hash, revision FROM messages WHERE id = ?", (message_id,)
    ).fetchone()
    return _Stored(row[0], row[1], row[2], bool(row[3]), *row[4:]) if row else None


def _insert(connection: Connection, message: Message, rows: Iterable[PartRow]) -> int:
    parent: int | None = None
    if message.parent is not None:
        known = _stored(connection, message.parent)
        if known is None:
            raise ProblemError(Problem("store.unknown_message", {"id": message.parent}))
        parent = known.key
    cursor = connection.execute(
        "INSERT INTO messages (id, parent, role, created, complete, turn, revision) VALUES (?, ?, ?, ?, ?, ?, 0)",
        (message.id, parent, message.role, message.created.isoformat(), message.complete, message.turn),
    )
    key = cast("int", cursor.lastrowid)
    for position, row in enumerate(rows):
        insert_part(connection, key, position, row)
    return key


def _join(connection: Connection, conversation: int, message: int, message_id: str) -> None:
    """A new message belongs to the conversation and is its tip from now on."""
    connection.execute("INSERT INTO members (conversation, message) VALUES (?, ?)", (conversation, message))
    connection.execute(
        "UPDATE conversations SET messages = messages + 1, tip = ?, updated = ? WHERE key = ?",
        (message_id, now(), conversation),
    )


def _check_unchanged(connection: Connection, stored: _Stored, message: Message, rows: list[PartRow]) -> None:
    if message.role != stored.role or rows != rows_of(connection, stored.key):
        raise ProblemError(Problem("store.sealed", {"id": message.id}))
    if message.complete and not stored.complete:
        connection.execute("UPDATE messages SET complete = 1 WHERE key = ?", (stored.key,))
