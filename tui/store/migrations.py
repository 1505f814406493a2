"""The schema and its history. ``PRAGMA user_version`` holds the version of a file.

Rules: a migration that was released is never changed; a new one is added below with the day it was written and a test
that starts from a file of the version before. All migrations of one start run in one transaction.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlite3 import Connection

# "lmdk": says that the file is lmdeck's (https://www.sqlite.org/pragma.html#pragma_application_id).
APPLICATION_ID = 0x6C6D646B

_CONVERSATIONS_MESSAGES_TURNS = (
    """CREATE TABLE conversations (
        key INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        title TEXT NOT NULL,
        title_is_manual INTEGER NOT NULL DEFAULT 0,
        created TEXT NOT NULL,
        updated TEXT NOT NULL,
        deleted TEXT,
        tip TEXT,
        messages INTEGER NOT NULL DEFAULT 0,
        model TEXT NOT NULL,
        endpoint TEXT NOT NULL,
        settings TEXT NOT NULL
    )""",
    "CREATE INDEX conversations_by_time ON conversations (deleted, updated)",
    # parent is always an older row: its key is smaller.
    """CREATE TABLE messages (
        key INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        parent INTEGER REFERENCES messages (key),
        role TEXT NOT NULL,
        created TEXT NOT NULL,
        complete INTEGER NOT NULL,
        turn TEXT,
        hash TEXT,
        revision INTEGER NOT NULL
    )""",
    "CREATE INDEX messages_by_parent ON messages (parent)",
    # A fork shares the messages before it, so that a message may be in several conversations.
    """CREATE TABLE members (
        conversation INTEGER NOT NULL REFERENCES conversations (key),
        message INTEGER NOT NULL REFERENCES messages (key),
        PRIMARY KEY (conversation, message)
    ) WITHOUT ROWID""",
    "CREATE INDEX members_by_message ON members (message)",
    # text has no type: a str, or bytes where it holds lone surrogates.
    """CREATE TABLE parts (
        message INTEGER NOT NULL REFERENCES messages (key),
        position INTEGER NOT NULL,
        kind TEXT NOT NULL,
        payload TEXT NOT NULL,
        text NOT NULL
    )""",
    "CREATE UNIQUE INDEX parts_of_message ON parts (message, position)",
    # What was appended to a part's text since, in order; empty once the message is complete.
    """CREATE TABLE chunks (
        key INTEGER PRIMARY KEY,
        message INTEGER NOT NULL REFERENCES messages (key),
        position INTEGER NOT NULL,
        text NOT NULL
    )""",
    "CREATE INDEX chunks_of_message ON chunks (message, position)",
    """CREATE TABLE turns (
        id TEXT PRIMARY KEY,
        conversation TEXT NOT NULL,
        started TEXT NOT NULL,
        record TEXT NOT NULL,
        lines INTEGER NOT NULL DEFAULT 0
    )""",
    "CREATE INDEX turns_of_conversation ON turns (conversation, started)",
    # The server's lines, compressed, some at a time as they came.
    """CREATE TABLE raw (
        key INTEGER PRIMARY KEY,
        turn TEXT NOT NULL REFERENCES turns (id),
        data BLOB NOT NULL
    )""",
    "CREATE INDEX raw_of_turn ON raw (turn)",
)

# The index itself is made by tui.store.search: not every SQLite has FTS5.
_SEARCH = (
    "ALTER TABLE messages ADD COLUMN indexed INTEGER NOT NULL DEFAULT 0",
    "CREATE INDEX messages_to_index ON messages (key) WHERE NOT indexed",
    # Work that is done a little at a time when nothing else waits, by whichever process finds it.
    "CREATE TABLE upkeep (task TEXT PRIMARY KEY) WITHOUT ROWID",
)

# What the user took out of a conversation. The messages stay what they are, with their parents and hashes: reading a
# branch leaves them out, restoring removes the row. ``deed`` numbers the deletions; one takes several messages.
_HIDDEN = (
    """CREATE TABLE hidden (
        conversation INTEGER NOT NULL REFERENCES conversations (key),
        message INTEGER NOT NULL REFERENCES messages (key),
        deed INTEGER NOT NULL,
        PRIMARY KEY (conversation, message)
    ) WITHOUT ROWID""",
)


@dataclass(frozen=True, slots=True)
class Migration:
    """One step: what brings a file from ``version - 1`` to ``version``."""

    version: int
    date: str
    what: str
    statements: tuple[str, ...]


MIGRATIONS = (
    Migration(1, "2026-11-22", "conversations, messages, turns", _CONVERSATIONS_MESSAGES_TURNS),
    Migration(2, "2026-11-22", "which messages the search has", _SEARCH),
    Migration(3, "2026-11-22", "which messages were taken out of a conversation", _HIDDEN),
)
NEWEST = MIGRATIONS[-1].version


def version_of(connection: Connection) -> int:
    """The schema version of a file; 0 for an empty one."""
    return connection.execute("PRAGMA user_version").fetchone()[0]


def migrate(connection: Connection, target: int = NEWEST) -> None:
    """Bring the file to ``target`` in one transaction. Another process may do the same at the same time: the version
    is read again under the lock. Raises sqlite3.Error; then nothing was changed."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        found = version_of(connection)
        for migration in MIGRATIONS:
            if found < migration.version <= target:
                for statement in migration.statements:
                    connection.execute(statement)
        if found < target:
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {target}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
