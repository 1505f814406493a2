"""Messages that were taken out of a conversation, and turns' figures."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.unit.store.samples import indexed, message, rows
from tui.model.events import Timings, TurnFigures, Usage
from tui.model.turn import TurnRecord
from tui.store import migrations
from tui.store.store import Store

V1 = Path(__file__).parents[2] / "data" / "store" / "version-1.sql"


async def conversation(store: Store) -> tuple[str, list[str]]:
    """Two questions with their answers about different fruit."""
    info = await store.create_conversation(title="fruit")
    parent: str | None = None
    for text, role in (("melon?", "user"), ("yes melon", "assistant"), ("plum?", "user"), ("no plum", "assistant")):
        one = message(text, parent, role, turn="t" if role == "assistant" else None)
        await store.put_message(info.id, one)
        parent = one.id
    return info.id, await store.branch_ids(info.id)


async def test_hidden_messages_are_left_out_and_nothing_else_changes(store: Store) -> None:
    identity, ids = await conversation(store)
    await store.hide(identity, ids[:2])
    assert await store.branch_ids(identity) == ids[2:]
    assert [one.id for one in await store.branch(identity)] == ids[2:]
    everything = await store.branch(identity, all_of_it=True)
    assert [one.id for one in everything] == ids
    assert [one.parent for one in everything] == [None, *ids[:3]]
    assert await store.verify(identity) == []
    assert await store.hidden(identity) == [tuple(ids[:2])]
    later = message("and?", ids[3])
    await store.put_message(identity, later)
    await store.unhide(identity, ids[:2])
    await store.unhide(identity, ids[:2])
    assert await store.branch_ids(identity) == [*ids, later.id]
    assert await store.hidden(identity) == []


async def test_deeds_keep_their_order_and_a_message_belongs_to_one(store: Store) -> None:
    identity, ids = await conversation(store)
    await store.hide(identity, [ids[3], "unknown"])
    await store.hide(identity, [ids[3], ids[0], ids[1]])
    assert await store.hidden(identity) == [(ids[3],), (ids[0], ids[1])]


async def test_the_search_and_the_versions_do_without_them(store: Store) -> None:
    identity, ids = await conversation(store)
    other = message("perhaps plum", ids[2], "assistant")
    await store.put_message(identity, other)
    await indexed(store)
    assert await store.versions(ids[3], identity) == [ids[3], other.id]
    await store.hide(identity, [other.id])
    assert await store.versions(ids[3]) == [ids[3]]
    assert await store.branch_points(identity) == {}
    assert await store.search("perhaps") == []
    assert [hit.message_id for hit in await store.search("plum")] == [ids[3]]
    await store.unhide(identity, [other.id])
    assert [hit.message_id for hit in await store.search("perhaps")] == [other.id]
    assert await store.branch_points(identity) == {ids[3]: 2, other.id: 2}


async def test_a_fork_hides_the_same_and_each_brings_back_its_own(store: Store) -> None:
    identity, ids = await conversation(store)
    await store.hide(identity, ids[:2])
    fork = (await store.fork(identity, ids[2])).id
    assert await store.branch_ids(fork) == [ids[2]]
    await store.unhide(fork, ids[:2])
    assert await store.branch_ids(fork) == ids[:3]
    assert await store.branch_ids(identity) == ids[2:]
    await store.delete(identity)
    assert await store.purge() == 1
    assert await store.branch_ids(fork) == ids[:3]
    assert rows(store, "SELECT count(*) FROM hidden") == [(0,)]


async def test_version_2_is_migrated(tmp_path: Path) -> None:
    path = tmp_path / "c.sqlite3"
    with closing(sqlite3.connect(path, isolation_level=None)) as old:
        old.executescript(V1.read_text())
        migrations.migrate(old, 2)
        assert old.execute("SELECT name FROM sqlite_master WHERE name = 'hidden'").fetchone() is None
    store = await Store.open(path)
    (info,) = await store.conversations()
    ids = await store.branch_ids(info.id)
    await store.hide(info.id, ids[-1:])
    assert await store.branch_ids(info.id) == ids[:-1]
    await store.close()


async def test_the_figures_of_all_turns_also_of_a_forks_source(store: Store) -> None:
    identity, ids = await conversation(store)
    times = Timings(1.5, 0.2, 1.0, completion_tokens=9)
    record = TurnRecord(
        "t", identity, "m", "e", datetime.now(UTC), timings=times, usage=(Usage(5, 4, 1), Usage(9, 5, cached_tokens=2))
    )
    await store.put_turn(record)
    await store.put_turn(TurnRecord("nobody's", identity, "m", "e", datetime.now(UTC), timings=times))
    expected = {"t": TurnFigures(Usage(14, 9, 1, 2), times)}
    assert await store.figures(identity) == expected
    assert await store.figures((await store.fork(identity, ids[3])).id) == expected


@pytest.mark.parametrize(
    "record", ['{"type": "TurnRecord"}', '{"usage": [{"type": "Later"}]}', '{"timings": {"x": 1}}']
)
async def test_turns_without_figures_or_from_a_newer_lmdeck_have_none(store: Store, record: str) -> None:
    identity, _ids = await conversation(store)
    await store.put_turn(TurnRecord("t", identity, "m", "e", datetime.now(UTC)))
    rows(store, "UPDATE turns SET record = ?", record)
    assert await store.figures(identity) == {}
