"""Turns in the database: the record as JSON, the server's own lines compressed. Runs on a worker's thread."""

from __future__ import annotations

import dataclasses
import json
import zlib
from typing import TYPE_CHECKING

from tui.model.codec import from_json, to_json
from tui.model.events import Timings, TurnFigures, Usage
from tui.model.problem import Problem, ProblemError
from tui.model.turn import RawLine, TurnRecord

if TYPE_CHECKING:
    from sqlite3 import Connection


def put(connection: Connection, turn: TurnRecord) -> None:
    """Insert or replace a turn. Lines that are there already are not written again: ``raw`` only grows."""
    record = json.dumps(to_json(dataclasses.replace(turn, raw=())), separators=(",", ":"))
    connection.execute(
        """INSERT INTO turns (id, conversation, started, record) VALUES (?, ?, ?, ?)
        ON CONFLICT (id) DO UPDATE SET record = excluded.record""",
        (turn.id, turn.conversation_id, turn.started.isoformat(), record),
    )
    known = connection.execute("SELECT lines FROM turns WHERE id = ?", (turn.id,)).fetchone()[0]
    if len(turn.raw) < known:
        connection.execute("DELETE FROM raw WHERE turn = ?", (turn.id,))
        known = 0
    if fresh := turn.raw[known:]:
        data = json.dumps([[line.seconds, line.text] for line in fresh], separators=(",", ":"))
        connection.execute("INSERT INTO raw (turn, data) VALUES (?, ?)", (turn.id, zlib.compress(data.encode("ascii"))))
    connection.execute("UPDATE turns SET lines = ? WHERE id = ?", (len(turn.raw), turn.id))


def get(connection: Connection, turn_id: str) -> TurnRecord | None:
    """A turn with the server's lines. Raises ProblemError(store.unreadable_turn)."""
    row = connection.execute("SELECT record FROM turns WHERE id = ?", (turn_id,)).fetchone()
    if row is None:
        return None
    lines: list[RawLine] = []
    for (data,) in connection.execute("SELECT data FROM raw WHERE turn = ? ORDER BY key", (turn_id,)):
        try:
            lines += [RawLine(seconds, text) for seconds, text in json.loads(zlib.decompress(data))]
        except (zlib.error, ValueError) as error:
            raise _unreadable(turn_id, str(error)) from error
    return dataclasses.replace(_decode(turn_id, row[0]), raw=tuple(lines))


def of_conversation(connection: Connection, conversation_id: str) -> list[TurnRecord]:
    """A conversation's turns in order, without the server's lines."""
    rows = connection.execute(
        "SELECT id, record FROM turns WHERE conversation = ? ORDER BY started, id", (conversation_id,)
    ).fetchall()
    return [_decode(turn_id, record) for turn_id, record in rows]


def figures(connection: Connection, conversation_id: str) -> dict[str, TurnFigures]:
    """Tokens and times of the turns that a conversation's messages come from (a fork has some of another one)."""
    rows = connection.execute(
        """SELECT DISTINCT t.id, json_extract(t.record, '$.usage'), json_extract(t.record, '$.timings')
        FROM members JOIN conversations c ON c.key = members.conversation
        JOIN messages m ON m.key = members.message JOIN turns t ON t.id = m.turn WHERE c.id = ?""",
        (conversation_id,),
    )
    found: dict[str, TurnFigures] = {}
    for turn_id, usage, timings in rows:
        try:
            rounds = [from_json(one) for one in json.loads(usage or "[]")]
            times = from_json(json.loads(timings)) if timings else None
        except ValueError:
            continue  # a newer lmdeck's; the messages are there all the same
        used = Usage.total([one for one in rounds if isinstance(one, Usage)])
        if used is not None or times is not None:
            found[turn_id] = TurnFigures(used, times if isinstance(times, Timings) else None)
    return found


def holds(connection: Connection, turn_id: str, lines: int) -> bool:
    """Whether the file has the turn with at least so many lines: the check after a write."""
    row = connection.execute("SELECT lines FROM turns WHERE id = ?", (turn_id,)).fetchone()
    return row is not None and row[0] >= lines


def _decode(turn_id: str, record: str) -> TurnRecord:
    try:
        turn = from_json(json.loads(record))
    except ValueError as error:
        raise _unreadable(turn_id, str(error)) from error
    if not isinstance(turn, TurnRecord):
        raise _unreadable(turn_id, record)
    return turn


def _unreadable(turn_id: str, detail: str) -> ProblemError:
    return ProblemError(Problem("store.unreadable_turn", {"id": turn_id}, detail))
