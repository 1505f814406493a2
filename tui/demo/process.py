"""Starting the simulated server as a child process that cannot outlive us."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self, cast

from tui.model.problem import Problem, ProblemError

_START_LIMIT = 30.0
_STOP_LIMIT = 5.0
_ERROR_LENGTH = 2000


class DemoServer:
    """``async with DemoServer(speed=0) as demo: demo.url``: a simulated lmdeploy server on loopback.

    Keyword arguments are the flags of ``python -m tui.demo`` with underscores: ``api_key="k"``, ``proxy=True``,
    ``tool_call_parser="none"``, ``model=["a", "b"]``. True is a bare flag, False and None leave it
    out, lists repeat it.
    Entering raises ProblemError ``demo.not-started`` when the child does not open its port.
    """

    def __init__(self, *, lmdeploy: str = "0.18", speed: float = 60.0, **options: Any) -> None:
        self.url = ""
        self._watching: dict[str, str] = {}
        self._flags = command_line({"lmdeploy": lmdeploy, "speed": speed, **options})
        self._limit = _START_LIMIT + float(options.get("startup") or 0)
        self._child: asyncio.subprocess.Process | None = None

    @property
    def gpu_url(self) -> str:
        """Where the simulated GPU's readings are; with ``startup`` already while it loads, "" before that."""
        return self._watching.get("gpu_url") or (f"{self.url}/lmdeck-demo/gpu" if self.url else "")

    @property
    def facts_url(self) -> str:
        """Where the simulated server's flags, checkpoint and log are."""
        return self._watching.get("facts_url") or (f"{self.url}/lmdeck-demo/facts" if self.url else "")

    @property
    def pid(self) -> int | None:
        return self._child.pid if self._child else None

    async def start(self) -> None:
        """Starts the child and waits until its port is open."""
        pipe = asyncio.subprocess.PIPE
        self._child = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tui.demo", "--die-with-parent", *self._flags, stdin=pipe, stdout=pipe, stderr=pipe
        )
        try:
            self.url = await asyncio.wait_for(self._announcement(), self._limit)
        except TimeoutError as error:
            await self.stop()
            raise ProblemError(Problem("demo.not-started", {"detail": "timeout"})) from error
        except BaseException:
            await self.stop()
            raise

    async def _announcement(self) -> str:
        child = self._child
        assert child is not None  # noqa: S101 (for the type checker: start() has set it)
        assert child.stdout is not None  # noqa: S101
        assert child.stderr is not None  # noqa: S101
        while line := await child.stdout.readline():
            told = cast("dict[str, Any]", json.loads(line))
            if "url" in told:
                return str(told["url"])
            self._watching = {name: str(value) for name, value in told.items()}
        said = (await child.stderr.read()).decode(errors="replace").strip()
        detail = said.splitlines()[-1] if said else f"exit code {await child.wait()}"
        raise ProblemError(Problem("demo.not-started", {"detail": detail}, said[-_ERROR_LENGTH:]))

    async def wait(self) -> int | None:
        """Waits until the child ends by itself; its exit code."""
        return await self._child.wait() if self._child else None

    async def stop(self) -> None:
        """Ends the child: closes its standard input, then insists."""
        child, self._child = self._child, None
        if child is None:
            return
        if child.stdin is not None:
            child.stdin.close()
        try:
            await asyncio.wait_for(child.communicate(), _STOP_LIMIT)
        except TimeoutError:
            child.kill()
            await child.communicate()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        await self.stop()


def command_line(options: dict[str, Any]) -> list[str]:
    """Keyword arguments as flags of ``python -m tui.demo``, see :class:`DemoServer`."""
    flags: list[str] = []
    for name, value in options.items():
        flag = f"--{name.replace('_', '-')}"
        values: Sequence[Any] = cast("Sequence[Any]", value) if isinstance(value, (list, tuple)) else [value]
        for item in values:
            if item is True:
                flags.append(flag)
            elif item is not False and item is not None:
                flags.append(f"{flag}={item}")
    return flags
