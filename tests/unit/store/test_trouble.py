"""Several processes, kills, full disks, locks, and files that vanish: what was acknowledged stays, the rest is said."""

from __future__ import annotations

import asyncio
import dataclasses
import random
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests.unit.store.samples import indexed, message, rows
from tests.unit.store.test_turns import FULL
from tests.unit.store.writer_child import endless
from tui.i18n.problems import explain
from tui.model.message import Message, ReasoningPart, TextPart
from tui.model.problem import ProblemError
from tui.store import database, files
from tui.store import store as store_module
from tui.store.store import Store

ROOT = Path(__file__).parents[3]


def child(path: Path, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.unit.store.writer_child", str(path), *arguments]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


async def expect(code: str, store: Store, conversation: str, one: Message) -> None:
    with pytest.raises(ProblemError) as caught:
        await store.put_message(conversation, one)
    assert caught.value.problem.code == code
    assert str(store.path) in explain(caught.value.problem).text


@pytest.mark.parametrize("network", [False, True], ids=["wal", "rollback"])
async def test_several_processes_do_no_harm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, network: bool) -> None:
    """They even create the file at the same time."""
    path = tmp_path / "c.sqlite3"
    names = ["a", "b", "c", "d"]
    monkeypatch.setattr(files, "on_network", lambda path: network)
    processes = [child(path, "crowd", name, "5", *(["network"] if network else [])) for name in names]
    mine = await Store.open(path)
    assert (mine.notices, mine.path) == ((), path)
    own = (await mine.create_conversation()).id
    for number in range(30):
        await mine.put_message(own, message("x" * number, id="growing", complete=False))
    for process in processes:
        assert await asyncio.to_thread(process.wait, 50) == 0
        assert process.stdout is not None
        process.stdout.close()
    found = await mine.conversations(1000)
    assert sorted(info.title for info in found) == sorted(["", *(f"{name} {i}" for name in names for i in range(5))])
    for info in found:
        assert await mine.verify(info.id) == []
        if info.id != own:
            branch = await mine.branch(info.id)
            assert [one.text for one in branch] == [f"question {info.title}", endless(40)]
            assert branch[-1].complete
    assert rows(mine, "PRAGMA integrity_check") == [("ok",)]
    await mine.close()


@pytest.mark.parametrize("network", [False, True], ids=["wal", "rollback"])
async def test_killed_at_random_moments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, network: bool) -> None:
    monkeypatch.setattr(files, "on_network", lambda path: network)
    chance = random.Random(20260301)
    for number in range(4):
        path = tmp_path / f"{number}.sqlite3"
        process = child(path, "stream", *(["network"] if network else []))
        assert process.stdout is not None
        for _ in range(chance.randrange(1, 60)):
            process.stdout.readline()
        process.kill()
        acknowledged = [int(line) for line in process.stdout.read().splitlines()]
        process.wait()
        process.stdout.close()
        store = await Store.open(path)
        assert store.notices == ()
        (info,) = await store.conversations()
        question, answer = await store.branch(info.id)
        assert (question.complete, answer.complete) == (True, False)
        reasoning, text = answer.parts
        assert isinstance(reasoning, ReasoningPart)
        assert isinstance(text, TextPart)
        length = len(text.text)
        assert not acknowledged or length >= acknowledged[-1]
        assert text.text == reasoning.text == endless(length)
        assert await store.verify(info.id) == []
        await store.put_message(info.id, dataclasses.replace(answer, parts=(*answer.parts, TextPart("!"))))
        assert (await store.branch(info.id))[-1].text == endless(length) + "!"
        await store.close()


async def test_a_full_disk_is_said_and_the_next_write_brings_everything(store: Store) -> None:
    conversation = (await store.create_conversation()).id
    await store.put_message(conversation, message("begin", id="m", complete=False))
    pages = rows(store, "PRAGMA page_count")[0][0]
    whole = message("begin" + " and go on" * 100_000, id="m")

    def limit(number: int):
        return store._writer.run(lambda connection: connection.execute(f"PRAGMA max_page_count = {number}").fetchone())  # pyright: ignore[reportPrivateUsage]

    await limit(pages + 20)
    await expect("store.disk_full", store, conversation, dataclasses.replace(whole, complete=False))
    assert [one.text for one in await store.branch(conversation)] == ["begin"]
    # What fits is still written.
    await store.put_message(conversation, message("begin again", id="m", complete=False))
    await expect("store.disk_full", store, conversation, whole)
    await limit(1_000_000)
    await store.put_message(conversation, whole)
    assert await store.branch(conversation) == [whole]


@contextmanager
def file_size_limit(size: int) -> Iterator[None]:
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX limits")
async def test_a_disk_that_refuses_is_said(store: Store) -> None:
    """Like a quota that the system reports as something else than a full disk."""
    conversation = (await store.create_conversation()).id
    whole = message("melon " * 200_000)
    with file_size_limit(200_000):
        await expect("store.disk_error", store, conversation, whole)
    await store.put_message(conversation, whole)
    assert await store.branch(conversation) == [whole]


async def test_a_lock_that_does_not_end_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.05)
    path = tmp_path / "c.sqlite3"
    store = await Store.open(path)
    conversation = (await store.create_conversation()).id
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        await expect("store.locked", store, conversation, message())
        assert await store.branch(conversation) == []
        other.execute("COMMIT")
    await store.put_message(conversation, message())
    await store.close()
    # The same while opening: a migration, or a change of the journal, somewhere else.
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("PRAGMA journal_mode = DELETE")
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(ProblemError, match=r"store\.locked"):
            await Store.open(path)


async def test_a_file_that_vanished_is_noticed(store: Store) -> None:
    conversation = (await store.create_conversation()).id
    await store.put_message(conversation, message())
    assert store.path is not None
    for path in store.path.parent.iterdir():
        path.unlink()
    await expect("store.write_lost", store, conversation, message())
    assert not store.path.exists()


@pytest.mark.parametrize("network", [False, True], ids=["wal", "rollback"])
async def test_a_file_that_was_replaced_is_noticed_while_an_answer_streams(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, network: bool
) -> None:
    monkeypatch.setattr(files, "on_network", lambda path: network)
    monkeypatch.setattr(store_module, "_READ_BACK_SECONDS", 0.0)
    path = tmp_path / "c.sqlite3"
    first = await Store.open(path)
    conversation = (await first.create_conversation()).id
    await first.put_message(conversation, message("beg", id="m", complete=False))
    await first.close()
    shutil.copy(path, tmp_path / "older")
    store = await Store.open(path)
    await store.put_message(conversation, message("begin", id="m", complete=False))
    (tmp_path / "older").replace(path)
    for companion in ("-wal", "-shm"):
        path.with_name(path.name + companion).unlink(missing_ok=True)
    await expect("store.write_lost", store, conversation, message("begin and", id="m", complete=False))
    with pytest.raises(ProblemError, match=r"store\.write_lost"):
        await store.put_turn(FULL)
    await store.close()


async def test_many_writers_share_transactions_and_one_that_fails_harms_nobody(store: Store) -> None:
    conversation = (await store.create_conversation()).id
    bad = [message(f"bad {number}", "nobody") for number in range(20)]
    good = [message(f"good {number}") for number in range(200)]
    mixed: list[Message] = [*good]
    for number, one in enumerate(bad):
        mixed.insert(number * 7, one)
    results = await asyncio.gather(*(store.put_message(conversation, one) for one in mixed), return_exceptions=True)
    for one, result in zip(mixed, results, strict=True):
        assert isinstance(result, ProblemError) is (one in bad)
    assert await store.messages([one.id for one in mixed]) == good
    info = await store.conversation(conversation)
    assert info is not None
    assert info.messages == len(good)


async def test_a_rolled_back_write_does_not_confuse_the_next_one(store: Store) -> None:
    """What was remembered of the message is forgotten with the transaction."""
    conversation = (await store.create_conversation()).id
    await store.put_message(conversation, message("one", id="m", complete=False))
    growing = message("one two", id="m", complete=False)
    results = await asyncio.gather(
        store.put_message(conversation, growing),
        store.put_message(conversation, message("x", "nobody")),
        store.put_message(conversation, message("one two three", id="m", complete=False)),
        return_exceptions=True,
    )
    assert [type(result) for result in results] == [type(None), ProblemError, type(None)]
    assert [one.text for one in await store.branch(conversation)] == ["one two three"]


async def test_a_cancelled_caller_does_not_cancel_the_write(store: Store) -> None:
    conversation = (await store.create_conversation()).id
    one = message("kept")
    task = asyncio.create_task(store.put_message(conversation, one))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await store.put_message(conversation, message("after", one.id))
    assert [each.text for each in await store.branch(conversation)] == ["kept", "after"]


async def test_another_process_that_went_on_with_the_message_is_seen(tmp_path: Path) -> None:
    one, two = await Store.open(tmp_path / "c.sqlite3"), await Store.open(tmp_path / "c.sqlite3")
    conversation = (await one.create_conversation()).id
    await one.put_message(conversation, message("a", id="m", complete=False))
    await two.put_message(conversation, message("a fox", id="m", complete=False))
    await one.put_message(conversation, message("a f", id="m", complete=False))
    assert [each.text for each in await two.branch(conversation)] == ["a f"]
    await one.put_message(conversation, message("a fox!", id="m"))
    assert [each.text for each in await two.branch(conversation)] == ["a fox!"]
    await one.close()
    await two.close()


async def test_an_error_of_ours_in_a_job_reaches_the_caller_and_the_thread_goes_on(store: Store) -> None:
    def bug(connection: object) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await store._writer.run(bug)  # pyright: ignore[reportPrivateUsage]
    await store.create_conversation()
    await indexed(store)
