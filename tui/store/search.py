"""The search over all conversations: an FTS5 index of complete messages, and the titles. Runs on a worker's thread.

The index keeps no text, only where the tokens are: to take a message out of it, its text must be given again. So a
message's text never changes while ``messages.indexed`` is set."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from tui.model.message import ConversationInfo, TextPart, ToolCallPart, ToolResultPart
from tui.model.search import SearchHit
from tui.store import conversations
from tui.store.parts import PartRow, from_row
from tui.store.rows import rows_of
from tui.store.tokens import LIMIT, Term, fold, index_text, match_expression, matches, patterns, query_terms

if TYPE_CHECKING:
    from sqlite3 import Connection

_AT_ONCE = 20
_SQUEEZE_PAGES = 200
# A cut message nobody went on from is indexed when it is certainly not being written any more.
_ABANDONED = timedelta(hours=1)
_BEFORE, _AFTER = 24, 120
# Tokens come joined by blanks. The ascii tokenizer leaves other letters
# alone; the index of prefixes makes a single character quick.
_TABLE = "CREATE VIRTUAL TABLE IF NOT EXISTS search USING fts5 (text, content = '', tokenize = 'ascii', prefix = '1')"
_MATCHING = """SELECT m.id, m.key, c.id FROM search
    CROSS JOIN members ON members.message = search.rowid
    CROSS JOIN messages m ON m.key = search.rowid
    CROSS JOIN conversations c ON c.key = members.conversation
    WHERE search MATCH ? AND c.deleted IS NULL
    AND NOT EXISTS (SELECT 1 FROM hidden WHERE hidden.conversation = c.key AND hidden.message = m.key)
    ORDER BY search.rowid DESC"""


def is_available(connection: Connection) -> bool:
    """Whether this SQLite was built with FTS5."""
    found = connection.execute("SELECT 1 FROM pragma_module_list WHERE name = 'fts5'").fetchone()
    return found is not None


def prepare(connection: Connection) -> bool:
    """Create the index where it is missing; False when this SQLite has none, then only titles are searched."""
    if not is_available(connection):
        return False
    connection.execute(_TABLE)
    return True


def index_some(connection: Connection) -> bool:
    """Index some of the messages that wait for it, in a transaction of its own; True when there may be more."""
    long_ago = (datetime.now(UTC) - _ABANDONED).isoformat()
    waiting = (
        "SELECT key FROM messages WHERE NOT indexed AND (hash IS NOT NULL OR created < ?) ORDER BY key LIMIT ?",
        (long_ago, _AT_ONCE),
    )
    if connection.execute(*waiting).fetchone() is None or not is_available(connection):
        return False
    connection.execute("BEGIN IMMEDIATE")
    keys = [row[0] for row in connection.execute(*waiting)]
    for key in keys:
        text = index_text(_searchable(rows_of(connection, key)))
        if text:
            connection.execute("INSERT INTO search (rowid, text) VALUES (?, ?)", (key, text))
        connection.execute("UPDATE messages SET indexed = 1 WHERE key = ?", (key,))
    connection.execute("COMMIT")
    return len(keys) == _AT_ONCE


def forget(connection: Connection, key: int) -> None:
    """Take a message out of the index, before its text changes or goes."""
    indexed = connection.execute("SELECT 1 FROM messages WHERE key = ? AND indexed", (key,)).fetchone()
    if indexed is None or not is_available(connection):
        return
    if text := index_text(_searchable(rows_of(connection, key))):
        connection.execute("INSERT INTO search (search, rowid, text) VALUES ('delete', ?, ?)", (key, text))
    connection.execute("UPDATE messages SET indexed = 0 WHERE key = ?", (key,))


def ask_squeeze(connection: Connection) -> None:
    """Have the index rewritten, so that words of messages that were taken out are really gone from the file."""
    if is_available(connection):
        connection.execute("INSERT OR IGNORE INTO upkeep VALUES ('squeeze: begin')")


def squeeze_some(connection: Connection) -> bool:
    """Rewrite some of the index if that was asked for, in a transaction of its own; True when there is more to do.

    https://www.sqlite.org/fts5.html#the_merge_command: negative once, then positive until it changes nothing."""
    if connection.execute("SELECT 1 FROM upkeep").fetchone() is None or not is_available(connection):
        return False
    connection.execute("BEGIN IMMEDIATE")
    begins = connection.execute("DELETE FROM upkeep WHERE task = 'squeeze: begin'").rowcount > 0
    before = connection.total_changes
    pages = -_SQUEEZE_PAGES if begins else _SQUEEZE_PAGES
    connection.execute("INSERT INTO search (search, rank) VALUES ('merge', ?)", (pages,))
    more = begins or connection.total_changes - before >= 2
    if more:
        connection.execute("INSERT OR IGNORE INTO upkeep VALUES ('squeeze')")
    else:
        connection.execute("DELETE FROM upkeep WHERE task = 'squeeze'")
    connection.execute("COMMIT")
    return more


def upkeep(connection: Connection) -> bool:
    """One step of the work that can wait; True when there is more."""
    return index_some(connection) or squeeze_some(connection)


def find(connection: Connection, query: str, limit: int) -> list[SearchHit]:
    """Conversations with a message, or a title, that holds all words of the query; the most recently used first."""
    terms = query_terms(query)
    if not terms:
        return []
    newest = _newest_matches(connection, terms, limit)
    wanted = {*newest, *_matching_titles(connection, query, limit)}
    found = [info for identity in wanted if (info := conversations.get(connection, identity))]
    found.sort(key=lambda info: info.updated, reverse=True)
    return [_hit(connection, info, newest.get(info.id), query) for info in found[:limit]]


def _newest_matches(connection: Connection, terms: list[Term], limit: int) -> dict[str, tuple[str, int]]:
    """The newest matching message (id, key) of each conversation, for the first ``limit`` conversations."""
    newest: dict[str, tuple[str, int]] = {}
    if not is_available(connection):
        return newest
    for message_id, key, conversation in connection.execute(_MATCHING, (match_expression(terms),)):
        newest.setdefault(conversation, (message_id, key))
        if len(newest) >= limit:
            break
    return newest


def _matching_titles(connection: Connection, query: str, limit: int) -> list[str]:
    words = patterns(query)
    found: list[str] = []
    for identity, title in connection.execute(
        "SELECT id, title FROM conversations WHERE deleted IS NULL AND title <> '' ORDER BY updated DESC"
    ):
        if all(word.search(fold(title)) for word in words):
            found.append(identity)
            if len(found) >= limit:
                break
    return found


def _hit(connection: Connection, info: ConversationInfo, message: tuple[str, int] | None, query: str) -> SearchHit:
    title_spans = tuple(matches(info.title, query))
    if message is None:
        return SearchHit(info, None, info.title, title_spans, title_spans)
    message_id, key = message
    snippet = _snippet(_searchable(rows_of(connection, key)), query)
    return SearchHit(info, message_id, snippet, tuple(matches(snippet, query)), title_spans)


def _snippet(text: str, query: str) -> str:
    """The surroundings of the first match, on one line."""
    spans = matches(text[:LIMIT], query)
    start = max(0, spans[0][0] - _BEFORE) if spans else 0
    end = min(len(text), (spans[0][1] if spans else 0) + _AFTER)
    piece = " ".join(text[start:end].split())
    return ("…" if start else "") + piece + ("…" if end < len(text) else "")


def _searchable(rows: Sequence[PartRow]) -> str:
    """What of a message can be found: what was said, and the tool calls with their results; no reasoning."""
    pieces: list[str] = []
    for part in map(from_row, rows):
        if isinstance(part, TextPart):
            pieces.append(part.text)
        elif isinstance(part, ToolCallPart):
            pieces += [part.name, part.arguments]
        elif isinstance(part, ToolResultPart):
            pieces.append(part.content)
    return "\n".join(pieces)
