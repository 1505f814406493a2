"""Opening the database file: journal mode, schema, and what to do with a file that cannot be used."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from tui.model.problem import Problem, ProblemError
from tui.store import errors, files, migrations, search

if TYPE_CHECKING:
    from sqlite3 import Connection

T = TypeVar("T")
BUSY_SECONDS = 10.0
_RETRY_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class Database:
    """Two connections to one file. In memory (``path`` None) they are the same one.

    ``notices`` is what the user should know although the store is open: a broken file that was put aside."""

    writer: Connection
    reader: Connection
    path: Path | None
    notices: tuple[Problem, ...] = ()

    def fresh(self) -> Connection:
        """A further connection that shares nothing with the others: for reading back what was written."""
        return connect(self.path, create=False) if self.path else self.writer


def open_memory() -> Database:
    """A store that lives as long as the process."""
    connection = connect(None)
    migrations.migrate(connection)
    search.prepare(connection)
    return Database(connection, connection, None)


def open_file(path: Path) -> Database:
    """Open or create the file. A broken one is kept under a new name and a fresh one started.

    Raises ProblemError: store.read_only, disk_full, cannot_open, locked, newer, not_ours, disk_error."""
    try:
        files.make_private_file(path)
        return _repaired(path) if files.suspect_mark(path).exists() else _open_or_repair(path)
    except OSError as error:
        raise errors.from_os(error, path) from error


def connect(path: Path | None, *, create: bool = True) -> Connection:
    """A connection with our settings; transactions are begun by hand. Raises sqlite3.Error."""
    import sqlite3

    name = f"{path.absolute().as_uri()}?mode={'rwc' if create else 'rw'}" if path else ":memory:"
    # Each connection is used by one thread at a time, but opened in another one than it works in.
    connection = sqlite3.connect(name, uri=True, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA temp_store = MEMORY")
        # FULL: a commit is on the disk, and a quota shows as an error of fsync.
        connection.execute("PRAGMA synchronous = FULL")
        # A purged conversation leaves no text in free pages.
        connection.execute("PRAGMA secure_delete = ON")
    except BaseException:  # a file that is no database
        connection.close()
        raise
    return connection


def _open_or_repair(path: Path) -> Database:
    import sqlite3

    try:
        return _open(path)
    except sqlite3.Error as error:
        if errors.is_broken(error):
            return _repaired(path)
        raise errors.from_sqlite(error, path) from error


def _repaired(path: Path) -> Database:
    """Open the file if it is sound after all (another process may have been quicker), else start a fresh one."""
    import sqlite3

    with files.sole_repairer(path):
        notices: tuple[Problem, ...] = ()
        if not _is_sound(path):
            kept = files.set_aside(path)
            files.make_private_file(path)
            notices = (Problem("store.broken", {"path": str(path), "kept": str(kept)}),)
        files.suspect_mark(path).unlink(missing_ok=True)
        try:
            return _open(path, notices)
        except sqlite3.Error as error:
            raise errors.from_sqlite(error, path) from error


def _is_sound(path: Path) -> bool:
    import sqlite3

    try:
        with closing(connect(path)) as connection:
            return connection.execute("PRAGMA quick_check(1)").fetchone() == ("ok",)
    except sqlite3.Error as error:
        if errors.is_broken(error):
            return False
        raise errors.from_sqlite(error, path) from error


def _open(path: Path, notices: tuple[Problem, ...] = ()) -> Database:
    writer = connect(path)
    try:
        _check_owner(writer, path)
        _choose_journal(writer, path)
        _bring_up_to_date(writer, path)
        if not search.prepare(writer):
            notices = (*notices, Problem("store.no_search"))
        return Database(writer, connect(path), path, notices)
    except BaseException:
        writer.close()
        raise


def _check_owner(connection: Connection, path: Path) -> None:
    """Refuse files that are not lmdeck's, and those of a newer lmdeck."""
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if tables and application != migrations.APPLICATION_ID:
        raise ProblemError(Problem("store.not_ours", {"path": str(path)}))
    found = migrations.version_of(connection)
    if found > migrations.NEWEST:
        data = {"path": str(path), "found": found, "known": migrations.NEWEST}
        raise ProblemError(Problem("store.newer", data))


def _choose_journal(connection: Connection, path: Path) -> None:
    """WAL where it works; a rollback journal on network file systems, and where SQLite refuses WAL."""
    wanted = "TRUNCATE" if files.on_network(path) else "WAL"
    mode = _patiently(lambda: connection.execute(f"PRAGMA journal_mode = {wanted}").fetchone()[0])
    if wanted == "WAL" and mode != "wal":
        connection.execute("PRAGMA journal_mode = TRUNCATE")


def _bring_up_to_date(connection: Connection, path: Path) -> None:
    found = migrations.version_of(connection)
    if found == migrations.NEWEST:
        return
    backup = files.beside(path, f"version-{found}") if found else None
    try:
        if backup:
            _back_up(connection, backup)
        migrations.migrate(connection)
    except BaseException:
        if backup:
            with suppress(OSError):
                backup.unlink(missing_ok=True)
        raise


def _back_up(connection: Connection, backup: Path) -> None:
    import sqlite3

    files.make_private_file(backup)
    with closing(sqlite3.connect(backup)) as target:
        connection.backup(target)


def _patiently(action: Callable[[], T]) -> T:
    """Changing the journal mode does not wait for other processes by itself."""
    import sqlite3

    end = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            return action()
        except sqlite3.OperationalError as error:
            if not errors.is_locked(error) or time.monotonic() > end:
                raise
        time.sleep(_RETRY_SECONDS)
