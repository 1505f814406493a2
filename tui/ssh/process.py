"""One ssh process: its pipes, what it says, and its end. It never outlives us: it ends when its input does."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence

from tui.model.problem import Problem, ProblemError

_SAID = 300
_GRACE = 1.0


class SshProcess:
    """Start with :meth:`start`; ``said`` are the newest lines of its standard error."""

    def __init__(self, child: asyncio.subprocess.Process, on_output: Callable[[bytes], Awaitable[None]]) -> None:
        self.said: deque[str] = deque(maxlen=_SAID)
        self.on_line: Callable[[str], None] | None = None
        self._child = child
        self._on_output = on_output
        self._output = asyncio.create_task(self._pump_output())
        self._errors = asyncio.create_task(self._pump_errors())
        self._stopping = False

    @classmethod
    async def start(
        cls, words: Sequence[str], environment: Mapping[str, str], on_output: Callable[[bytes], Awaitable[None]]
    ) -> SshProcess:
        """Raises ProblemError(ssh.not_started)."""
        pipe = asyncio.subprocess.PIPE
        try:
            child = await asyncio.create_subprocess_exec(
                *words, stdin=pipe, stdout=pipe, stderr=pipe, env=dict(environment), start_new_session=True
            )
        except OSError as error:
            raise ProblemError(Problem("ssh.not_started", {"reason": str(error)[:200]})) from error
        return cls(child, on_output)

    @property
    def pid(self) -> int:
        return self._child.pid

    @property
    def code(self) -> int | None:
        """The exit code, negative for a signal, None while it runs."""
        return self._child.returncode

    def write(self, text: str) -> None:
        """Send text to the far side; nothing happens once the process is gone."""
        if self._child.stdin is not None and not self._child.stdin.is_closing():
            self._child.stdin.write(text.encode())

    async def ended(self) -> int:
        """Wait for its end and for everything it said; returns the exit code."""
        code = await self._exited()
        # What ssh started (a ProxyCommand) may hold the other pipe open.
        await asyncio.wait({self._output, self._errors}, timeout=0.2)
        return code

    async def _exited(self) -> int:
        """The exit code as soon as there is one. asyncio's own waiting goes on until every pipe is closed, also those
        that a child of ssh's holds (CPython gh-119710); so the end of ssh's output is waited for, too."""
        waiting = asyncio.create_task(self._child.wait())
        try:
            await asyncio.wait({waiting, self._output}, return_when=asyncio.FIRST_COMPLETED)
            while (code := self._child.returncode) is None:
                await asyncio.wait({waiting}, timeout=0.02)
            return code
        finally:
            waiting.cancel()

    async def stop(self) -> None:
        """End it: its input first, then by force."""
        if self._child.stdin is not None:
            self._child.stdin.close()
        for signal in (None, self._child.terminate, self._child.kill):
            if signal is not None and self._child.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    signal()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_GRACE):
                    await self._exited()
                    break
        self._output.cancel()
        self._errors.cancel()
        await asyncio.gather(self._output, self._errors, return_exceptions=True)
        if self._child.stdin is not None:
            with contextlib.suppress(OSError):
                await self._child.stdin.wait_closed()
        # Closes the pipes that a child of ssh's may still hold open.
        transport = getattr(self._child, "_transport", None)
        if transport is not None:
            transport.close()

    async def _pump_output(self) -> None:
        stream = self._child.stdout
        while stream is not None and (data := await stream.read(65536)):
            await self._on_output(data)

    async def _pump_errors(self) -> None:
        stream = self._child.stderr
        pending = b""
        while stream is not None and (data := await stream.read(65536)):
            *lines, pending = (pending + data).split(b"\n")
            pending = pending[-65536:]
            for line in lines:
                self._said_line(line)
        self._said_line(pending)

    def _said_line(self, line: bytes) -> None:
        text = line.decode(errors="replace").rstrip("\r")[:2000]
        if text:
            self.said.append(text)
            if self.on_line is not None:
                self.on_line(text)
