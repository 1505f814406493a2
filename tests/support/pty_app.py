"""A program in a pseudo-terminal: its screen by pyte, its raw bytes, keys and signals. POSIX only."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import sys
import termios
from collections.abc import Callable, Mapping, Sequence
from time import monotonic
from types import TracebackType
from typing import Any, Self

import pyte

from tests.support.pty_fence import KEY, answer
from tests.support.waiting import PATIENCE

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


class PtyApp:
    """``with PtyApp([...]) as app: app.wait_for("text")``. Everything waits for conditions, with a time limit."""

    def __init__(
        self,
        arguments: Sequence[str],
        *,
        columns: int = 80,
        rows: int = 24,
        env: Mapping[str, str] | None = None,
        emulate: bool = True,
    ) -> None:
        self._arguments = list(arguments)
        self._env = {
            **{
                key: value
                for key, value in os.environ.items()
                if not key.startswith(("TEXTUAL", "SSH_", "TMUX", "STY", "COLUMNS", "LINES"))
            },
            "TERM": "xterm-256color",
            "PYTHONPATH": ROOT,
            **(env or {}),
        }
        self.columns, self.rows = columns, rows
        self.screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self.screen)
        self.raw = b""
        self._emulate = emulate  # without it only the raw bytes are kept, which costs nothing
        self.pid = 0
        self._descriptor = -1
        self.status: int | None = None
        self._fences = 0

    def __enter__(self) -> Self:
        self.pid, self._descriptor = pty.fork()
        if self.pid == 0:  # the child
            try:
                os.execvpe(self._arguments[0], self._arguments, self._env)
            finally:
                os._exit(127)
        self.resize(self.columns, self.rows)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.status is None:
            os.kill(self.pid, signal.SIGKILL)
            self.status = os.waitpid(self.pid, 0)[1]
        if self._descriptor >= 0:
            os.close(self._descriptor)

    def resize(self, columns: int, rows: int) -> None:
        self.columns, self.rows = columns, rows
        fcntl.ioctl(self._descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.screen.resize(rows, columns)

    def send(self, data: str | bytes) -> None:
        """Type; long input is written in pieces, as a terminal does."""
        rest = data.encode() if isinstance(data, str) else data
        while rest:
            self.read(0)
            rest = rest[os.write(self._descriptor, rest[:512]) :]

    def signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def hang_up(self) -> None:
        """Close the terminal, as a window that is closed does; the program gets SIGHUP from the system."""
        os.close(self._descriptor)
        self._descriptor = -1

    def read(self, timeout: float) -> bool:
        """Take in what the program wrote; False when nothing came or it is gone."""
        if self._descriptor < 0:
            return False
        ready, _, _ = select.select([self._descriptor], [], [], timeout)
        if not ready:
            return False
        try:
            data = os.read(self._descriptor, 65536)
        except OSError:  # Linux: the other end is closed
            return False
        self.raw += data
        if self._emulate:
            self._stream.feed(data)
        return bool(data)

    @property
    def text(self) -> str:
        """The screen; the empty cell that pyte keeps behind a wide character is left out."""
        return "\n".join(self._row(row).rstrip() for row in range(self.rows))

    def _row(self, number: int) -> str:
        cells: Any = self.screen.buffer[number]
        return "".join(cells[column].data for column in range(self.columns))

    def wait(self, check: Callable[[], Any], what: str, timeout: float = 20.0) -> None:
        """``timeout``: seconds on a machine with nothing else to do."""
        end = monotonic() + timeout * PATIENCE
        while not check():
            assert monotonic() < end, f"{what} not met within {timeout} s; the screen:\n{self.text}"
            self.read(0.05)

    def wait_for(self, text: str, timeout: float = 20.0) -> None:
        self.wait(lambda: text in self.text, f"{text!r} on screen", timeout)

    def wait_gone(self, text: str, timeout: float = 20.0) -> None:
        self.wait(lambda: text not in self.text, f"{text!r} gone", timeout)

    def settle(self) -> int:
        """Until everything that was typed so far is on the screen; how many raw bytes that took since the start. For
        apps of ``tests.support.pty_main``."""
        self._fences += 1
        wanted, start = answer(self._fences), len(self.raw)
        self.send(KEY)
        self.wait(lambda: wanted in self.raw[start:], f"fence {self._fences}")
        return self.raw.index(wanted, start)

    def is_gone(self, within: float) -> bool:
        """Whether the program has ended, or ends within so many seconds."""
        end = monotonic() + within
        while not (over := self._over()) and monotonic() < end:
            self.read(0.05)
        return over

    def _over(self) -> bool:
        if self.status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            self.status = status if pid else None
        return self.status is not None

    def wait_exit(self, timeout: float = 20.0) -> int:
        """The exit code (negative: the signal that killed it)."""
        self.wait(self._over, "exit", timeout)
        while self.read(1.0):  # until the other end is closed; what still holds it says nothing any more
            pass
        assert self.status is not None
        return os.waitstatus_to_exitcode(self.status)

    @property
    def left_clean(self) -> bool:
        """Whether the terminal was given back: main screen, cursor, no mouse, no bracketed paste, echo on."""
        on, off = self._modes()
        flags = termios.tcgetattr(self._descriptor)[3]
        return not on and {1049, 25, 2004, 1000, 1003, 1004} <= off and bool(flags & termios.ECHO)

    def _modes(self) -> tuple[set[int], set[int]]:
        """Private modes that were set at the end, and those that were reset (25 is the other way round)."""
        import re

        state: dict[int, bool] = {}
        for number, letter in re.findall(rb"\x1b\[\?(\d+)([hl])", self.raw):
            state[int(number)] = letter == b"h"
        watched = {mode: value for mode, value in state.items() if mode in {1049, 1000, 1003, 1004, 1006, 1015, 2004}}
        on = {mode for mode, value in watched.items() if value}
        off = {mode for mode, value in watched.items() if not value}
        (off if state.get(25, True) else on).add(25)
        return on, off


def python(*arguments: str) -> list[str]:
    return [sys.executable, *arguments]
