"""Recording what happens in a session, line by line, and reading it back (:mod:`tui.replay` plays it).

A recording is JSON lines: a header (``{"lmdeck": "recording", "format": 1, …}``, with the messages that were there
already), then ``{"t": seconds since the start, "event": …}`` with the events of :mod:`tui.model`. Where an event does
not say it all (another branch, a message with pictures) the line has ``messages`` too.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from time import monotonic
from typing import Any, TextIO, cast, get_args

from tui import __version__
from tui.chat.ports import ConversationView, utc_now
from tui.model.broadcast import Subscription
from tui.model.codec import from_json, to_json
from tui.model.events import BranchChanged, SessionEvent, UserMessageAdded
from tui.model.gpu import GpuReading
from tui.model.message import ImagePart, Message
from tui.model.monitor import MemoryState
from tui.model.problem import Problem, ProblemError
from tui.model.server import LinkState, ServerFacts, ServerMetrics

FORMAT = 1
_FLUSH_SECONDS = 0.5

Recorded = SessionEvent | GpuReading | MemoryState | LinkState | ServerFacts | ServerMetrics


@dataclass(frozen=True, slots=True)
class Entry:
    """One recorded moment: seconds since the start, what happened, and messages where the event does not hold them."""

    seconds: float
    event: Recorded
    messages: tuple[Message, ...] = ()


@dataclass(frozen=True, slots=True)
class Recording:
    """A whole recording. ``messages`` were there before it began."""

    title: str
    version: str
    messages: tuple[Message, ...]
    entries: tuple[Entry, ...]


class Recorder:
    """Writes a recording. ``write`` returns at once; lines reach the file at most half a second later.

    A file that cannot be written ends the recording, never the session: ``problem`` says why, and ``on_problem`` is
    told once."""

    def __init__(self, path: Path, *, on_problem: Callable[[Problem], None] | None = None) -> None:
        self.path = path
        self.problem: Problem | None = None
        self._on_problem = on_problem
        self._file: TextIO | None = None
        self._start = monotonic()
        self._waiting: list[Entry] = []
        self._wake = asyncio.Event()
        self._closing = asyncio.Event()
        self._flusher: asyncio.Task[None] | None = None
        self._followers: list[asyncio.Task[None]] = []
        self._subscriptions: list[Subscription[Any]] = []

    async def open(self, *, title: str = "", messages: Iterable[Message] = ()) -> None:
        """Create the file, readable by its owner only. An earlier recording is replaced, any other file is left alone.

        Raises ProblemError: ``recording.exists``, ``recording.failed``."""
        header = {
            "lmdeck": "recording",
            "format": FORMAT,
            "version": __version__,
            "started": utc_now().isoformat(),
            "title": title,
            "messages": [to_json(message) for message in messages],
        }
        try:
            self._file = await asyncio.to_thread(_create, self.path, header)
        except OSError as error:
            raise ProblemError(self._failure(error)) from error
        self._start = monotonic()
        self._flusher = asyncio.create_task(self._flush())

    def write(self, event: Recorded, messages: tuple[Message, ...] = ()) -> None:
        """Something happened now."""
        if self._file and not self.problem:
            self._waiting.append(Entry(monotonic() - self._start, event, messages))
            self._wake.set()

    def follow(self, session: ConversationView) -> None:
        """Record everything that a session publishes from now on, until it or the recorder is closed."""
        events = session.subscribe()
        self._subscriptions.append(events)
        self._followers.append(asyncio.create_task(self._follow(session, events)))

    def follow_news(self, news: Subscription[Any]) -> None:
        """Record link states, server facts, metrics or states of memory, until they end or the recorder is closed."""
        self._subscriptions.append(news)
        self._followers.append(asyncio.create_task(self._follow_news(news)))

    async def aclose(self) -> None:
        """Write what waits and close the file."""
        for subscription in self._subscriptions:
            subscription.close()
        await asyncio.gather(*self._followers)
        self._closing.set()
        self._wake.set()
        if self._flusher:
            await self._flusher
        if self._file:
            file, self._file = self._file, None
            with suppress(OSError):
                await asyncio.to_thread(file.close)

    async def _follow(self, session: ConversationView, events: Subscription[SessionEvent]) -> None:
        async for event in events:
            self.write(event, _messages_for(event, session))

    async def _follow_news(self, news: Subscription[Any]) -> None:
        async for item in news:
            # A replay makes the history anew; in every line it would be most of the file.
            self.write(replace(item, history=()) if isinstance(item, MemoryState) else item)

    async def _flush(self) -> None:
        while not (self._closing.is_set() and not self._waiting):
            await self._wake.wait()
            self._wake.clear()
            batch, self._waiting = self._waiting, []
            if batch and self._file and not self.problem:
                try:
                    await asyncio.to_thread(_append, self._file, batch)
                except OSError as error:
                    self.problem = self._failure(error)
                    if self._on_problem:
                        self._on_problem(self.problem)
            with suppress(TimeoutError):
                async with asyncio.timeout(_FLUSH_SECONDS):
                    await self._closing.wait()

    def _failure(self, error: OSError) -> Problem:
        code = "recording.exists" if isinstance(error, FileExistsError) else "recording.failed"
        return Problem(code, {"path": str(self.path), "reason": error.strerror or str(error)})


def _create(path: Path, header: dict[str, Any]) -> TextIO:
    """Runs in a thread. Raises OSError; FileExistsError for a file that is not a recording."""
    if path.exists() and path.stat().st_size:
        try:
            read_header(path)
        except ProblemError as error:
            raise FileExistsError(17, "File exists", str(path)) from error
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    file = os.fdopen(handle, "w", encoding="utf-8", newline="\n")
    try:
        path.chmod(0o600)
        file.write(_line(header))
        file.flush()
    except OSError:
        file.close()
        raise
    return file


def _append(file: TextIO, batch: list[Entry]) -> None:
    """Runs in a thread."""
    for entry in batch:
        row: dict[str, Any] = {"t": round(entry.seconds, 4), "event": to_json(entry.event)}
        if entry.messages or isinstance(entry.event, BranchChanged):
            row["messages"] = [to_json(message) for message in entry.messages]
        file.write(_line(row))
    file.flush()


def _line(data: dict[str, Any]) -> str:
    # ASCII: text from models may hold lone surrogates, which no file takes.
    return json.dumps(data, separators=(",", ":")) + "\n"


def _messages_for(event: SessionEvent, session: ConversationView) -> tuple[Message, ...]:
    """The messages that the event refers to and does not hold, as they were when it was published."""
    messages = session.messages
    if isinstance(event, BranchChanged):
        ids = [message.id for message in messages]
        return messages[: ids.index(event.tip) + 1] if event.tip in ids else ()
    if isinstance(event, UserMessageAdded):
        found = next((message for message in messages if message.id == event.message_id), None)
        if found and any(isinstance(part, ImagePart) for part in found.parts):
            return (found,)
    return ()


# Reading.


def read_recording(path: Path) -> Recording:
    """Read a whole recording; blocks, so call it in a thread. Lines that are broken (the last one after a crash) or of
    a kind that a newer lmdeck knows are left out.

    Raises ProblemError: ``recording.unreadable``, ``recording.not_ours``, ``recording.newer``."""
    header = read_header(path)
    entries: list[Entry] = []
    with path.open(encoding="utf-8", errors="replace") as file:
        next(file)
        for line in file:
            with suppress(ValueError, TypeError, KeyError):
                entries.append(_entry(line))
    title, version = header.get("title"), header.get("version")
    return Recording(str(title or ""), str(version or ""), _known(header.get("messages")), tuple(entries))


def _entry(line: str) -> Entry:
    """Raises ValueError, TypeError or KeyError for a line that holds none."""
    row = json.loads(line)
    event = from_json(row["event"])
    if not isinstance(event, get_args(Recorded)):
        raise TypeError(f"not an event: {type(event).__name__}")
    return Entry(float(row["t"]), event, _known(row.get("messages")))


def read_header(path: Path) -> dict[str, Any]:
    """The first line of a recording. Raises ProblemError as :func:`read_recording` does."""
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            line = file.readline(64 * 1024 * 1024)
    except OSError as error:
        reason = error.strerror or str(error)
        raise ProblemError(Problem("recording.unreadable", {"path": str(path), "reason": reason})) from error
    try:
        header = json.loads(line)
    except ValueError:
        header = None
    if not isinstance(header, dict) or cast("dict[str, Any]", header).get("lmdeck") != "recording":
        raise ProblemError(Problem("recording.not_ours", {"path": str(path)}))
    fields = cast("dict[str, Any]", header)
    version = fields.get("format")
    if not isinstance(version, int) or version > FORMAT:
        raise ProblemError(Problem("recording.newer", {"path": str(path), "version": str(version)}))
    return fields


def _known(rows: object) -> tuple[Message, ...]:
    messages: list[Message] = []
    for row in cast("list[Any]", rows) if isinstance(rows, list) else []:
        with suppress(ValueError, TypeError):
            if isinstance(message := from_json(row), Message):
                messages.append(message)
    return tuple(messages)
