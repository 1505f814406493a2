"""The list of conversations: titles, deletion with undo, forks, purging."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from tests.unit.store.samples import indexed, message
from tui.model.message import ConversationInfo
from tui.model.problem import Problem, ProblemError
from tui.model.turn import RawLine, TurnRecord
from tui.store.store import Store


async def titles(store: Store, *, deleted: bool = False) -> list[str]:
    return [info.title for info in await store.conversations(deleted=deleted)]


async def test_a_new_conversation(store: Store) -> None:
    before = datetime.now(UTC)
    made = await store.create_conversation(
        title="t\ud83d", endpoint="http://h:1", model="m", settings={"tools": ["add"]}
    )
    expected = ConversationInfo(
        made.id, "t?", False, made.created, made.updated, None, 0, "m", "http://h:1", {"tools": ["add"]}
    )
    assert made == expected
    assert before <= made.created == made.updated <= datetime.now(UTC)
    assert await store.conversation(made.id) == made
    assert await store.conversations() == [made]
    assert await store.conversation("nothing") is None


async def test_the_last_used_comes_first_a_page_at_a_time(store: Store) -> None:
    made = [await store.create_conversation(title=str(number)) for number in range(5)]
    await store.put_message(made[1].id, message())
    assert await titles(store) == ["1", "4", "3", "2", "0"]
    assert [info.title for info in await store.conversations(2, 1)] == ["4", "3"]
    info = await store.conversation(made[1].id)
    assert info is not None
    assert info.messages == 1
    assert info.updated > made[1].updated


async def test_automatic_titles_never_overwrite_manual_ones(store: Store) -> None:
    one = (await store.create_conversation()).id
    assert await store.rename(one, "automatic", manual=False)
    assert await store.rename(one, "better", manual=False)
    assert await store.rename(one, "mine", manual=True)
    assert not await store.rename(one, "automatic again", manual=False)
    info = await store.conversation(one)
    assert info is not None
    assert (info.title, info.title_is_manual) == ("mine", True)
    assert await store.rename(one, "mine too", manual=True)
    assert await titles(store) == ["mine too"]


async def test_model_endpoint_and_settings_change_one_by_one(store: Store) -> None:
    one = (await store.create_conversation(model="a", endpoint="b", settings={"c": 1})).id
    await store.change(one, model="A")
    await store.change(one, endpoint="B", settings={"d": None})
    info = await store.conversation(one)
    assert info is not None
    assert (info.model, info.endpoint, info.settings) == ("A", "B", {"d": None})


async def test_delete_can_be_undone(store: Store) -> None:
    one = (await store.create_conversation(title="one")).id
    await store.create_conversation(title="two")
    asked = message("question")
    await store.put_message(one, asked)
    await store.delete(one)
    assert await titles(store) == ["two"]
    assert await titles(store, deleted=True) == ["one"]
    await store.restore(one)
    assert await titles(store) == ["one", "two"]
    assert await store.branch(one) == [asked]


async def test_purge_removes_for_good_and_only_what_is_old_enough(store: Store) -> None:
    one = (await store.create_conversation(title="one")).id
    root = message("melon " * 2000)
    await store.put_message(one, root)
    await store.put_message(one, message("child", root.id, complete=False))
    await indexed(store)
    await store.put_turn(TurnRecord("turn", one, "m", "e", datetime.now(UTC), raw=(RawLine(0.1, "data"),)))
    await store.delete(one)
    assert await store.purge(datetime.now(UTC) - timedelta(days=30)) == 0
    assert await store.purge() == 1
    assert await store.conversation(one) is None
    assert await store.turn("turn") is None
    assert await store.messages([root.id]) == []
    assert store.path is not None
    with closing(sqlite3.connect(store.path)) as other:
        for table in ("conversations", "members", "messages", "parts", "chunks", "turns", "raw"):
            assert other.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,), table
    await indexed(store)
    await store.close()
    assert b"melon" not in store.path.read_bytes()


async def test_what_was_restored_meanwhile_is_not_purged(store: Store) -> None:
    """By another window, between looking and removing."""
    one = (await store.create_conversation(title="one")).id
    await store.delete(one)
    await asyncio.gather(store.purge(), store.restore(one))
    assert await titles(store) == ["one"]


async def test_a_fork_shares_messages_and_goes_its_own_way(store: Store) -> None:
    one = (await store.create_conversation(title="one", model="m", endpoint="e", settings={"s": 1})).id
    first = message("first")
    second = message("second", first.id, "assistant", turn="turn")
    third = message("third", second.id)
    for each in (first, second, third):
        await store.put_message(one, each)
    await store.put_turn(TurnRecord("turn", one, "m", "e", datetime.now(UTC)))
    fork = await store.fork(one, second.id)
    assert (fork.title, fork.title_is_manual, fork.model, fork.endpoint) == ("one", False, "m", "e")
    assert (fork.messages, fork.tip, fork.settings) == (2, second.id, {"s": 1})
    other = message("another third", second.id)
    await store.put_message(fork.id, other)
    assert await store.branch(one) == [first, second, third]
    assert await store.branch(fork.id) == [first, second, other]
    assert await store.versions(other.id, fork.id) == [other.id]
    assert await store.versions(third.id, one) == [third.id]
    assert await store.verify(fork.id) == []
    # The original goes; what the fork shows stays.
    await store.delete(one)
    assert await store.purge() == 1
    assert await store.branch(fork.id) == [first, second, other]
    assert await store.turn("turn") is not None
    assert (await store.fork(fork.id, first.id, title="mine")).title == "mine"
    with pytest.raises(ProblemError, match=r"store\.unknown_message"):
        await store.fork(fork.id, third.id)


async def test_an_unknown_conversation_is_named(store: Store) -> None:
    attempts = (
        store.rename("x", "title", manual=True),
        store.change("x", model="m"),
        store.delete("x"),
        store.restore("x"),
        store.set_tip("x", "m"),
        store.fork("x", "m"),
        store.branch("x"),
        store.verify("x"),
        store.branch_points("x"),
    )
    for attempt in attempts:
        with pytest.raises(ProblemError) as caught:
            await attempt
        assert caught.value.problem == Problem("store.unknown_conversation", {"id": "x"})
