"""The demo server for tests: real processes on ports chosen by the system.

``demo`` is one server for a whole module, as fast as possible. ``start_demo`` starts one with options of its own:
``server = await start_demo(lmdeploy="0.5.3")``; it ends with the test.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from tui.demo.process import DemoServer, command_line

FAST: dict[str, Any] = {"speed": 0, "first_token": 0}
StartDemo = Callable[..., Awaitable[DemoServer]]


@dataclass(frozen=True)
class RunningDemo:
    """A server that runs for longer than one event loop."""

    url: str
    process: subprocess.Popen[bytes]

    @property
    def gpu_url(self) -> str:
        return f"{self.url}/lmdeck-demo/gpu"


@contextmanager
def running_demo(**options: Any) -> Generator[RunningDemo]:
    """A demo server for fixtures of any scope (no event loop needed). Options as for :class:`DemoServer`."""
    command = [sys.executable, "-m", "tui.demo", "--die-with-parent", *command_line({**FAST, **options})]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin
        assert process.stdout
        line = process.stdout.readline()
        assert line, "the demo server did not start"
        yield RunningDemo(json.loads(line)["url"], process)
        process.stdin.close()
        process.wait(10)


async def hold_next_reply(url: str) -> None:
    """The next reply of a demo server stops in the middle and stays silent; those after it are whole."""
    import httpx2

    async with httpx2.AsyncClient(trust_env=False, timeout=60) as client:
        answer = await client.post(f"{url}/lmdeck-demo/fault", json={"name": "silence", "argument": "3600"})
        answer.raise_for_status()


@pytest.fixture(scope="module")
def demo() -> Iterator[RunningDemo]:
    """One server for a module, as fast as possible, parsers on, one model ``lmdeck-demo``."""
    with running_demo() as server:
        yield server


@pytest.fixture
async def start_demo() -> AsyncIterator[StartDemo]:
    """Starts servers that end with the test."""
    async with AsyncExitStack() as stack:

        async def start(**options: Any) -> DemoServer:
            return await stack.enter_async_context(DemoServer(**{**FAST, **options}))

        yield start
