"""A child process that answers requests: one JSON object a line on its standard input and output.

Tools run in such processes, so that nothing they do – crash, hang, fill the memory, write without end – touches the
chat. Whatever goes wrong is a :class:`ChildError`.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal, cast

Json = dict[str, Any]
Why = Literal["timeout", "died", "flooded", "not_started"]

MAX_LINE = 32 * 1024 * 1024  # bytes of one message
_ERRORS_KEPT = 64 * 1024  # bytes of the error output
_CHUNK = 64 * 1024
_PACE = 0.01  # seconds between two reads of the error output: a flood is slowed down, not followed
_HIDDEN = ("LMDECK_API_KEY", "OPENAI_API_KEY")


class ChildError(Exception):
    """The child gave no answer: it took too long, ended, or wrote a message without end. ``detail`` is the end of its
    error output, or the reason why it could not be started."""

    def __init__(self, why: Why, detail: str = "") -> None:
        super().__init__(why)
        self.why: Why = why
        self.detail = detail


class Child:
    """One process. ``on_message`` gets messages that are no answers (without ``id``) or have ``more``."""

    def __init__(self, arguments: list[str], on_message: Callable[[Json], None], folder: Path | None = None) -> None:
        self._command = [sys.executable, "-P", *arguments]
        self._folder = folder
        self._on_message = on_message
        self._process: Process | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._waiting: dict[int, asyncio.Future[Json]] = {}
        self._number = 0
        self._errors: deque[bytes] = deque()
        self._kept = 0
        self._flooded = False
        self.ended = asyncio.Event()

    @property
    def alive(self) -> bool:
        return self._process is not None and not self.ended.is_set()

    @property
    def errors(self) -> str:
        """The end of the error output."""
        return b"".join(self._errors).decode(errors="replace")

    async def start(self) -> None:
        """Start it. Raises ChildError(not_started)."""
        environment = {name: value for name, value in os.environ.items() if name not in _HIDDEN}
        try:
            self._process = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=PIPE,
                stdout=PIPE,
                stderr=PIPE,
                cwd=self._folder,
                env=environment,
                start_new_session=sys.platform != "win32",
            )
        except (OSError, ValueError) as error:
            self.ended.set()
            raise ChildError("not_started", str(error)) from error
        self._tasks = [asyncio.create_task(self._read()), asyncio.create_task(self._read_errors())]

    async def request(self, message: Mapping[str, Any], within: float) -> Json:
        """The answer to a message. Raises ChildError; after ``timeout`` the child still works on it."""
        process = self._process
        if process is None or process.stdin is None or self.ended.is_set():
            raise ChildError("died", self.errors)
        self._number += 1
        number = self._number
        answer: asyncio.Future[Json] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        try:
            async with asyncio.timeout(within):
                process.stdin.write(json.dumps({**message, "id": number}).encode() + b"\n")
                await process.stdin.drain()
                return await answer
        except TimeoutError:
            raise ChildError("timeout", self.errors) from None
        except (ConnectionError, RuntimeError):
            raise ChildError("died", self.errors) from None
        finally:
            self._waiting.pop(number, None)

    async def exit_code(self) -> int:
        """How it ended, -1 while it cannot be told. A grandchild that holds a pipe delays it little."""
        process = self._process
        if process is None:
            return -1
        with suppress(TimeoutError):
            async with asyncio.timeout(2):
                await process.wait()
        return -1 if process.returncode is None else process.returncode

    async def aclose(self, grace: float = 0.0) -> None:
        """End it: its input is closed, and after ``grace`` seconds it is killed with everything it started."""
        process = self._process
        if process is None:
            return
        if grace and process.stdin is not None and not self.ended.is_set():
            process.stdin.close()
            with suppress(TimeoutError):
                async with asyncio.timeout(grace):
                    await self.ended.wait()
        self._kill(process)
        with suppress(TimeoutError):
            async with asyncio.timeout(5):
                await process.wait()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if process.stdin is not None:
            process.stdin.close()
            with suppress(Exception):
                await process.stdin.wait_closed()
        transport: Any = vars(process).get("_transport")
        if transport is not None:
            transport.close()  # a grandchild that holds the pipes must not keep them open here
        self._fail("died")

    def _kill(self, process: Process) -> None:
        strays = descendants(process.pid) if process.returncode is None else []
        with suppress(ProcessLookupError, PermissionError):
            if sys.platform == "win32":
                process.kill()
            else:
                os.killpg(process.pid, signal.SIGKILL)
        for stray in strays:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(stray, signal.SIGKILL if sys.platform != "win32" else signal.SIGTERM)

    async def _read(self) -> None:
        process = self._process
        assert process is not None  # noqa: S101 (set before this task starts)
        assert process.stdout is not None  # noqa: S101 (a pipe)
        buffer: list[bytes] = []
        size = 0
        while chunk := await process.stdout.read(_CHUNK):
            *lines, rest = chunk.split(b"\n")
            for line in lines:
                self._message(b"".join([*buffer, line]))
                buffer, size = [], 0
            buffer.append(rest)
            size += len(rest)
            if size > MAX_LINE:
                self._flooded = True
                self._kill(process)
                break
        self._fail("flooded" if self._flooded else "died")

    def _message(self, line: bytes) -> None:
        try:
            data: Any = json.loads(line)
        except ValueError:
            return
        if not isinstance(data, dict):
            return
        message = cast("Json", data)
        answer = self._waiting.get(message.get("id") or 0)
        if answer is None or message.get("more"):
            self._on_message(message)
        elif not answer.done():
            answer.set_result(message)

    async def _read_errors(self) -> None:
        process = self._process
        assert process is not None  # noqa: S101 (set before this task starts)
        assert process.stderr is not None  # noqa: S101 (a pipe)
        while chunk := await process.stderr.read(_CHUNK):
            self._errors.append(chunk)
            self._kept += len(chunk)
            while self._kept - len(self._errors[0]) > _ERRORS_KEPT:
                self._kept -= len(self._errors.popleft())
            await asyncio.sleep(_PACE)

    def _fail(self, why: Why) -> None:
        """The process is gone: everybody who waits is told."""
        self.ended.set()
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(ChildError(why, self.errors))


def descendants(pid: int) -> list[int]:
    """The processes that a process has started, and theirs, where the system tells (Linux)."""
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError, ValueError):
            for child in map(int, task.read_text().split()):
                found += [child, *descendants(child)]
    return found
