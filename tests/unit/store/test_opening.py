"""Opening the file: permissions, journal, versions, files that cannot be used."""

from __future__ import annotations

import asyncio
import errno
import os
import sqlite3
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests.unit.store.samples import indexed, message, rows
from tui.i18n.problems import explain
from tui.model.problem import Problem, ProblemError
from tui.store import database, errors, files, migrations, search
from tui.store.store import Store

V1 = Path(__file__).parents[2] / "data" / "store" / "version-1.sql"


async def problem_of_opening(path: Path) -> Problem:
    with pytest.raises(ProblemError) as caught:
        await Store.open(path)
    problem = caught.value.problem
    assert "{" not in explain(problem).text
    assert str(path) in explain(problem).text or "path" not in problem.data
    return problem


def test_nothing_of_sqlite_is_imported_before_a_store_is_opened() -> None:
    # Measuring coverage loads it before.
    code = "import sys; old = set(sys.modules); import tui.store.store; sys.exit('sqlite3' in set(sys.modules) - old)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.fixture
def careless() -> Iterator[None]:
    """A umask that takes nothing away."""
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.mark.usefixtures("careless")
async def test_files_are_private_and_the_default_place_is_the_data_folder() -> None:
    store = await Store.open()
    assert store.path == files.default_path()
    assert store.path is not None
    await store.create_conversation()
    folder = store.path.parent
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    found = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
    assert set(found) == {f"conversations.sqlite3{end}" for end in ("", "-wal", "-shm")}
    assert set(found.values()) == {0o600}
    await store.close()
    store.path.chmod(0o644)
    await (await Store.open()).close()
    assert stat.S_IMODE(store.path.stat().st_mode) == 0o600


async def test_local_files_use_wal_and_everything_is_synced(store: Store) -> None:
    assert rows(store, "PRAGMA journal_mode") == [("wal",)]
    found = await store._writer.run(lambda connection: connection.execute("PRAGMA synchronous").fetchone())  # pyright: ignore[reportPrivateUsage]
    assert found == (2,)


async def test_network_file_systems_use_a_rollback_journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text(f"/dev/sda / ext4 rw 0 0\nserver:/home {tmp_path} nfs4 rw 0 0\n")
    path = tmp_path / "c.sqlite3"
    local = await Store.open(path)
    conversation = (await local.create_conversation()).id
    await local.close()
    monkeypatch.setattr(files, "MOUNTS", mounts)
    store = await Store.open(path)
    assert rows(store, "PRAGMA journal_mode") == [
        ("delete",)
    ]  # a file has either wal or not; the rest is per connection
    assert await store._writer.run(lambda c: c.execute("PRAGMA journal_mode").fetchone()) == ("truncate",)  # pyright: ignore[reportPrivateUsage]
    one = message()
    await store.put_message(conversation, one)
    assert await store.branch(conversation) == [one]
    await store.close()


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("h:/x {} nfs rw 0 0", True),
        ("//h/x {} cifs rw 0 0", True),
        ("h:x {} fuse.sshfs rw 0 0", True),
        ("x@tcp:/x {} lustre rw 0 0", True),
        ("/dev/sdb {} ext4 rw 0 0", False),
        ("h:/x {}-other nfs rw 0 0", False),
        ("h:/x {} nfs rw 0 0\n/dev/sdb {} ext4 rw 0 0", False),
        ("broken\n\nh:/x {} nfs rw 0 0", True),
        ("", False),
    ],
)
def test_what_kind_of_file_system(tmp_path: Path, line: str, expected: bool) -> None:
    folder = tmp_path / "a folder\twith\\blanks"
    folder.mkdir()
    name = str(folder).replace("\\", "\\134").replace(" ", "\\040").replace("\t", "\\011")
    mounts = tmp_path / "mounts"
    mounts.write_text("/dev/sda / ext4 rw 0 0\n" + line.replace("{}", name) + "\n")
    assert files.on_network(folder / "c.sqlite3", mounts) is expected
    assert files.on_network(folder, tmp_path / "missing") is False


async def test_a_file_that_refuses_wal_gets_a_rollback_journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # A database in memory refuses WAL as some file systems do: it answers with the mode that it keeps.
    connection = sqlite3.connect(":memory:", isolation_level=None)
    with closing(connection):
        database._choose_journal(connection, tmp_path / "c.sqlite3")  # pyright: ignore[reportPrivateUsage]
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("memory",)


async def test_a_newer_schema_is_refused_politely(tmp_path: Path) -> None:
    path = tmp_path / "c.sqlite3"
    store = await Store.open(path)
    rows(store, "PRAGMA user_version = 99")
    await store.close()
    before = path.read_bytes()
    problem = await problem_of_opening(path)
    assert problem == Problem("store.newer", {"path": str(path), "found": 99, "known": migrations.NEWEST})
    assert "version 99" in explain(problem).sentence
    assert path.read_bytes() == before


async def test_a_database_of_another_program_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "c.sqlite3"
    with closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE recipes (name TEXT)")
    assert (await problem_of_opening(path)).code == "store.not_ours"
    with closing(sqlite3.connect(path)) as other:
        assert other.execute("SELECT count(*) FROM recipes").fetchone() == (0,)


async def test_version_1_is_migrated_after_a_backup(tmp_path: Path) -> None:
    """The file was made by the last commit before version 2."""
    path = tmp_path / "c.sqlite3"
    with closing(sqlite3.connect(path)) as old:
        old.executescript(V1.read_text())
    store = await Store.open(path)
    assert store.notices == ()
    assert rows(store, "PRAGMA user_version") == [(migrations.NEWEST,)]
    (info,) = await store.conversations()
    assert (info.title, info.messages, info.tip, info.settings) == ("狐狸", 6, "v1-cut", {"tools": ["add", "mul"]})
    branch = await store.branch(info.id)
    assert [one.text for one in branch[:2]] == ["帮我讲述一个关于狐狸和西瓜的小故事", "从前有一只狐狸。"]
    assert branch[-1].text == "The result is 1"
    assert not branch[-1].complete
    assert await store.verify(info.id) == []
    turn = await store.turn("v1-turn")
    assert turn is not None
    assert [line.text for line in turn.raw] == ["data: {}", "data: [DONE]"]
    await indexed(store)
    assert [hit.message_id for hit in await store.search("西瓜")] == ["v1-question"]
    await store.put_message(info.id, message("The result is 16.", "v1-result", "assistant", id="v1-cut"))
    (backup,) = tmp_path.glob("c.version-1-*.sqlite3")
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    with closing(sqlite3.connect(backup)) as kept:
        assert kept.execute("PRAGMA user_version").fetchone() == (1,)
        assert kept.execute("SELECT count(*) FROM messages").fetchone() == (6,)
    await store.close()


async def test_a_migration_that_fails_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "c.sqlite3"
    store = await Store.open(path)
    await store.close()
    before = migrations.NEWEST
    bad = migrations.Migration(before + 1, "2027-01-01", "bad", ("CREATE TABLE more (x)", "CREATE TABLE nonsense ("))
    monkeypatch.setattr(migrations, "MIGRATIONS", (*migrations.MIGRATIONS, bad))
    monkeypatch.setattr(migrations, "NEWEST", bad.version)
    monkeypatch.setattr(migrations.migrate, "__defaults__", (bad.version,))
    assert (await problem_of_opening(path)).code == "store.failed"
    assert [each.name for each in tmp_path.iterdir()] == ["c.sqlite3"]
    with closing(sqlite3.connect(path)) as other:
        assert other.execute("PRAGMA user_version").fetchone() == (before,)
        assert other.execute("SELECT name FROM sqlite_master WHERE name = 'more'").fetchone() is None


def test_migrations_are_dated_and_in_order() -> None:
    assert [each.version for each in migrations.MIGRATIONS] == list(range(1, migrations.NEWEST + 1))
    dates = [each.date for each in migrations.MIGRATIONS]
    assert dates == sorted(dates)


@pytest.mark.parametrize("garbage", [b"this is no database " * 400, b"SQLite format 3\x00" + b"\xff" * 5000])
async def test_a_broken_file_is_kept_and_a_fresh_one_started(tmp_path: Path, garbage: bytes) -> None:
    path = tmp_path / "c.sqlite3"
    path.write_bytes(garbage)
    store = await Store.open(path)
    (notice,) = store.notices
    assert notice.code == "store.broken"
    assert Path(str(notice.data["kept"])).read_bytes() == garbage
    assert str(notice.data["kept"]) in explain(notice).text
    assert await store.conversations() == []
    await store.create_conversation()
    await store.close()
    again = await Store.open(path)
    assert again.notices == ()
    assert len(await again.conversations()) == 1
    await again.close()


async def test_two_that_find_the_same_broken_file_repair_it_once(tmp_path: Path) -> None:
    path = tmp_path / "c.sqlite3"
    path.write_bytes(b"this is no database " * 400)
    stores = await asyncio.gather(Store.open(path), Store.open(path))
    assert len(list(tmp_path.glob("c.broken-*"))) == 1
    for number, store in enumerate(stores):
        await store.create_conversation()
        assert len(await store.conversations()) == number + 1
    for store in stores:
        await store.close()


async def test_damage_found_while_working_is_repaired_at_the_next_start(tmp_path: Path) -> None:
    path = tmp_path / "c.sqlite3"
    store = await Store.open(path)
    conversation = (await store.create_conversation()).id
    parent = None
    for number in range(200):
        one = message(f"{number} " * 500, parent)
        await store.put_message(conversation, one)
        parent = one.id
    await store.close()
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(4096 * 8)
        file.write(b"\xa5" * (size - 4096 * 9))
    store = await Store.open(path)
    with pytest.raises(ProblemError) as caught:
        await store.branch(conversation)
    assert caught.value.problem.code == "store.damaged"
    await store.close()
    store = await Store.open(path)
    assert [notice.code for notice in store.notices] == ["store.broken"]
    await store.close()
    assert not files.suspect_mark(path).exists()
    # A suspicion that proves wrong costs nothing.
    files.suspect_mark(path).touch()
    store = await Store.open(path)
    assert store.notices == ()
    await store.close()


def test_several_broken_files_of_one_second_get_different_names(tmp_path: Path) -> None:
    path = tmp_path / "c.sqlite3"
    names: set[Path] = set()
    for number in range(4):
        path.write_text(str(number))
        names.add(files.set_aside(path))
    assert sorted(name.read_text() for name in names) == ["0", "1", "2", "3"]


async def test_a_folder_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    assert (await problem_of_opening(tmp_path / "data" / "c.sqlite3")).code == "store.cannot_open"
    (tmp_path / "c.sqlite3").mkdir()
    assert (await problem_of_opening(tmp_path / "c.sqlite3")).code == "store.cannot_open"


@contextmanager
def unprivileged() -> Iterator[None]:
    """Permissions do not stop root."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX permissions")
async def test_a_read_only_folder() -> None:
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        folder = Path(name)
        folder.chmod(0o555)
        with unprivileged():
            assert (await problem_of_opening(folder / "c.sqlite3")).code == "store.read_only"
            assert (await problem_of_opening(folder / "data" / "c.sqlite3")).code == "store.read_only"
        folder.chmod(0o755)
        store = await Store.open(folder / "c.sqlite3")
        await store.close()
        (folder / "c.sqlite3").chmod(0o444)
        folder.chmod(0o555)
        with unprivileged():
            assert (await problem_of_opening(folder / "c.sqlite3")).code == "store.read_only"
        folder.chmod(0o755)


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (errno.ENOSPC, "store.disk_full"),
        (errno.EDQUOT, "store.disk_full"),
        (errno.EROFS, "store.read_only"),
        (errno.EACCES, "store.read_only"),
        (errno.EIO, "store.cannot_open"),
    ],
)
async def test_what_the_system_says_about_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, code: str
) -> None:
    def refuse(path: Path) -> None:
        raise OSError(number, os.strerror(number), str(path))

    monkeypatch.setattr(files, "make_private_file", refuse)
    problem = await problem_of_opening(tmp_path / "c.sqlite3")
    assert problem.code == code
    assert os.strerror(number) in problem.detail


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("SQLITE_FULL", "store.disk_full"),
        ("SQLITE_IOERR_WRITE", "store.disk_error"),
        ("SQLITE_READONLY_DIRECTORY", "store.read_only"),
        ("SQLITE_BUSY_SNAPSHOT", "store.locked"),
        ("SQLITE_CANTOPEN", "store.cannot_open"),
        ("SQLITE_CORRUPT_VTAB", "store.damaged"),
        ("SQLITE_TOOBIG", "store.too_big"),
        ("SQLITE_ERROR", "store.failed"),
    ],
)
def test_what_sqlite_says(code: str, expected: str) -> None:
    error = sqlite3.OperationalError("because")
    error.sqlite_errorcode = getattr(sqlite3, code)
    error.sqlite_errorname = code
    assert errors.from_sqlite(error, Path("/x")).problem == Problem(expected, {"path": "/x"}, f"{code} because")


async def test_without_fts5_everything_but_the_search_of_messages_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "c.sqlite3"
    monkeypatch.setattr(search, "is_available", lambda connection: False)
    store = await Store.open(path)
    assert [notice.code for notice in store.notices] == ["store.no_search"]
    conversation = (await store.create_conversation(title="about foxes")).id
    await store.put_message(conversation, message("foxes"))
    await indexed(store)
    (hit,) = await store.search("fox")
    assert (hit.message_id, hit.snippet, hit.spans) == (None, "about foxes", ((6, 9),))
    await store.delete(conversation)
    await store.purge()
    conversation = (await store.create_conversation()).id
    later = message("melons")
    await store.put_message(conversation, later)
    await store.close()
    monkeypatch.undo()
    store = await Store.open(path)
    await indexed(store)
    assert [hit.message_id for hit in await store.search("melon")] == [later.id]
    await store.close()


async def test_a_store_in_memory_does_everything_and_leaves_nothing() -> None:
    store = await Store.memory()
    assert (store.path, store.notices) == (None, ())
    conversation = (await store.create_conversation(title="t")).id
    one = message("a fox")
    await store.put_message(conversation, one)
    await indexed(store)
    assert [hit.message_id for hit in await store.search("fox")] == [one.id]
    assert await store.verify(conversation) == []
    await store.close()
    assert not files.default_path().parent.exists()


async def test_a_closed_store_says_so(store: Store) -> None:
    await store.close()
    await store.close()
    for attempt in (store.create_conversation(), store.conversations()):
        with pytest.raises(ProblemError, match=r"store\.closed"):
            await attempt
