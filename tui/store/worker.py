"""A thread that owns a connection and runs jobs on it, one transaction for all that wait."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING, Any, TypeVar

from tui.model.problem import Problem, ProblemError
from tui.store import errors, files

if TYPE_CHECKING:
    from sqlite3 import Connection

T = TypeVar("T")
Work = Callable[["Connection"], T]
Check = Callable[["Connection"], bool]
_BATCH = 64


@dataclass(slots=True)
class _Job:
    work: Work[Any]
    future: Future[Any]
    check: Check | None
    result: Any = None
    error: Exception | None = None


class Worker:
    """Jobs run in the order in which they came. Those that wait share a transaction (one fsync for all of them); a job
    that fails is rolled back alone. A job's result is handed out after the commit.

    ``begin`` is the statement that begins a transaction; ``fresh`` opens a connection for checks; ``forget`` is called
    after a rollback, when what was remembered of the file's contents may be wrong. ``idle`` is a step of work that can
    wait, with its own transaction: at the start and after jobs, repeated while it returns True and no job waits."""

    def __init__(
        self,
        name: str,
        connection: Connection,
        begin: str,
        path: Path | None = None,
        *,
        fresh: Callable[[], Connection] | None = None,
        forget: Callable[[], None] | None = None,
        idle: Callable[[Connection], bool] | None = None,
    ) -> None:
        self._connection = connection
        self._begin = begin
        self._path = path
        self._identity = files.identity(path)
        self._fresh = fresh
        self._forget = forget
        self._idle = idle
        self._queue: SimpleQueue[_Job | None] = SimpleQueue()
        self._closed = False
        self._thread = Thread(target=self._loop, name=name, daemon=True)
        self._thread.start()

    async def run(self, work: Work[T], check: Check | None = None) -> T:
        """Run a job and wait until it is committed. A cancelled caller does not cancel the job.

        ``check`` looks at a fresh connection after the commit: False means that the write is not in the file, raised
        as store.write_lost. Raises ProblemError."""
        if self._closed:
            raise ProblemError(Problem("store.closed"))
        future: Future[Any] = Future()
        future.set_running_or_notify_cancel()  # from now on it cannot be cancelled
        self._queue.put(_Job(work, future, check))
        return await asyncio.shield(asyncio.wrap_future(future))

    def stop(self) -> None:
        """Finish what waits, close the connection, end the thread. Blocks; may be called twice."""
        if not self._closed:
            self._closed = True
            self._queue.put(None)
        self._thread.join()

    def _loop(self) -> None:
        going, idle = True, True
        while going:
            batch = self._next(wait=not idle)
            if not batch:
                idle = self._run_idle()
                continue
            going = batch[-1] is not None
            if jobs := [job for job in batch if job is not None]:
                self._run_batch(jobs)
            idle = True
            del batch, jobs  # an idle thread holds nobody's message
        self._connection.close()

    def _next(self, wait: bool) -> list[_Job | None]:
        """What waits now (at least one if told to wait), up to the None that ends the thread."""
        batch: list[_Job | None] = []
        with suppress(Empty):
            batch.append(self._queue.get(block=wait))
            while batch[-1] is not None and len(batch) < _BATCH:
                batch.append(self._queue.get_nowait())
        return batch

    def _run_idle(self) -> bool:
        import sqlite3

        if self._idle is None:
            return False
        try:
            return self._idle(self._connection)
        except sqlite3.Error:
            # It is tried again after the next job, whose caller hears what is wrong.
            self._roll_back()
            return False

    def _run_batch(self, batch: list[_Job]) -> None:
        try:
            self._connection.execute(self._begin)
            for job in batch:
                self._attempt(job)
            self._connection.execute("COMMIT")
        except Exception as error:  # noqa: BLE001 (whatever it is, the callers must hear it and the thread go on)
            self._roll_back()
            for job in batch:
                job.error = job.error or error
        self._read_back([job for job in batch if job.check and not job.error])
        for job in batch:
            if job.error is None:
                job.future.set_result(job.result)
            else:
                job.future.set_exception(self._as_problem(job.error))

    def _attempt(self, job: _Job) -> None:
        self._connection.execute("SAVEPOINT job")
        try:
            job.result = job.work(self._connection)
        except Exception as error:
            job.error = error
            # A full disk and the like end the whole transaction.
            if not self._connection.in_transaction:
                raise
            self._connection.execute("ROLLBACK TO job")
            if self._forget:
                self._forget()
        self._connection.execute("RELEASE job")

    def _roll_back(self) -> None:
        import sqlite3

        if self._forget:
            self._forget()
        with suppress(sqlite3.Error):
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")

    def _read_back(self, jobs: list[_Job]) -> None:
        """Look on a fresh connection for what was just committed; a job whose write is not there has failed."""
        import sqlite3

        if self._fresh is None or not jobs:
            return
        lost = Problem("store.write_lost", {"path": str(self._path)})
        try:
            with closing(self._fresh()) as connection:
                for job in jobs:
                    if job.check and not job.check(connection):
                        job.error = ProblemError(lost)
        except sqlite3.Error as error:
            # Busy is no loss. Everything else means that what was just written cannot be read.
            if not errors.is_locked(error):
                for job in jobs:
                    job.error = ProblemError(replace(lost, detail=str(error)))

    def _as_problem(self, error: Exception) -> Exception:
        import sqlite3

        if not isinstance(error, sqlite3.Error):
            return error
        if files.identity(self._path) != self._identity:
            # Replaced or removed since it was opened; SQLite says "readonly", or nothing of the kind.
            return ProblemError(Problem("store.write_lost", {"path": str(self._path)}, str(error)))
        if errors.is_broken(error) and self._path:
            with suppress(OSError):
                files.suspect_mark(self._path).touch(0o600)
        return errors.from_sqlite(error, self._path)
