"""Messages that the user took out of a conversation. Runs on a worker's thread.

Nothing is moved or removed: a hidden message keeps its place in the tree, what follows it keeps it as parent, hashes
stay valid. Whoever reads a branch, its versions or the search leaves hidden messages out, so that the nearest message
before them that is not hidden stands in their place. A message that several conversations share is hidden in one of
them.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from tui.store.conversations import key_of

if TYPE_CHECKING:
    from sqlite3 import Connection


def hide(connection: Connection, conversation_id: str, ids: Sequence[str]) -> None:
    """Hide messages, as one deed; ids that the conversation has not are ignored."""
    connection.execute(
        """INSERT OR IGNORE INTO hidden (conversation, message, deed)
        SELECT :key, m.key, (SELECT 1 + coalesce(max(deed), 0) FROM hidden WHERE conversation = :key)
        FROM messages m JOIN members ON members.message = m.key
        WHERE members.conversation = :key AND m.id IN (SELECT value FROM json_each(:ids))""",
        {"key": key_of(connection, conversation_id), "ids": json.dumps(list(ids))},
    )


def unhide(connection: Connection, conversation_id: str, ids: Sequence[str]) -> None:
    """Show messages again; those that are not hidden stay as they are."""
    connection.execute(
        """DELETE FROM hidden WHERE conversation = ? AND message IN
        (SELECT key FROM messages WHERE id IN (SELECT value FROM json_each(?)))""",
        (key_of(connection, conversation_id), json.dumps(list(ids))),
    )


def deeds(connection: Connection, conversation_id: str) -> list[tuple[str, ...]]:
    """What was hidden together, the oldest deed first."""
    rows = connection.execute(
        """SELECT hidden.deed, m.id FROM hidden JOIN messages m ON m.key = hidden.message
        WHERE hidden.conversation = ? ORDER BY hidden.deed, m.key""",
        (key_of(connection, conversation_id),),
    )
    return [tuple(row[1] for row in group) for _, group in groupby(rows, lambda row: row[0])]


def shown(connection: Connection, conversation_id: str, ids: Sequence[str]) -> list[str]:
    """``ids`` without those that are hidden."""
    gone = {message_id for deed in deeds(connection, conversation_id) for message_id in deed}
    return [message_id for message_id in ids if message_id not in gone]


def copy(connection: Connection, source: str, target: str) -> None:
    """A fork hides what its source hides, as far as they share it."""
    connection.execute(
        """INSERT INTO hidden (conversation, message, deed) SELECT :target, message, deed FROM hidden
        WHERE conversation = :source AND message IN (SELECT message FROM members WHERE conversation = :target)""",
        {"target": key_of(connection, target), "source": key_of(connection, source)},
    )
