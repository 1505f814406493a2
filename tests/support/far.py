"""The whole app in front of a machine behind a real sshd: its cards are stubs, its servers the demo server under
lmdeploy's name."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from textual.widgets import OptionList

from tests.support.app import see
from tests.support.checkpoints import internlm
from tests.support.nvml_stub import stub_library
from tests.support.ports import free_port
from tests.support.sshd import USER, Box, StartSshd, key_pair
from tests.support.waiting import until, until_pilot
from tui.app import LmdeckApp
from tui.app_options import AppOptions
from tui.config.terminal import Terminal
from tui.hosts.remote import RemoteHost
from tui.screens.pick import PickScreen
from tui.screens.questions import QuestionScreen

_SERVER = """
import sys
from tui.demo.main import main
words = sys.argv[1:]
port = words[words.index("--server-port") + 1]
name = words[words.index("--model-name") + 1]
sys.exit(main(["--port", port, "--speed", "{speed}", "--first-token", "0", "--model", name, "--die-with-parent"]))
"""


class Servers:
    """Servers that look like lmdeploy's in the process list; they end with the test."""

    def __init__(self, folder: Path, stack: AsyncExitStack) -> None:
        self.model = internlm(folder / "internlm2_5-1_8b-chat", "internlm2_5-1_8b-chat")
        self._folder, self._stack = folder, stack

    async def start(self, name: str = "demo", port: int = 0, speed: float = 0) -> int:
        """The port of a new one."""
        port = port or free_port()
        script = self._folder / f"lmdeploy-{port}"
        script.write_text(_SERVER.replace("{speed}", str(speed)))
        words = ["serve", "api_server", str(self.model), "--server-port", str(port), "--model-name", name]
        process = await asyncio.create_subprocess_exec(
            sys.executable, str(script), *words, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
        )
        assert process.stdout is not None
        assert await process.stdout.readline(), "the server did not start"

        async def stop() -> None:
            if process.returncode is None:
                process.kill()
            await process.communicate()

        self._stack.push_async_callback(stop)
        self._stop = stop
        return port

    async def stop_last(self) -> None:
        await self._stop()


async def a_box(sshd: StartSshd, folder: Path, **options: Any) -> Box:
    """A machine with two stub cards; without a password it takes the plain key."""
    shell = folder / "shell"
    shell.write_text(
        f"#!/bin/sh\nLD_LIBRARY_PATH={stub_library().parent} STUB_STATE=ok\nexport LD_LIBRARY_PATH STUB_STATE\n"
        'exec /bin/sh "$@"\n'
    )
    shell.chmod(0o755)
    keys = () if options.get("password") else (key_pair("plain"),)
    return await sshd(shell=str(shell), keys=keys, **options)


def words_for(box: Box) -> tuple[str, ...]:
    """Options for ssh that keep the developer's own configuration and keys out of it."""
    key = ("-i", str(key_pair("plain")), "-o", "IdentitiesOnly=yes")
    return ("-F", "none", "-o", f"UserKnownHostsFile={box.folder}/known_hosts", "-o", "IdentityAgent=none", *key)


def url_of(box: Box, port: int | None = None) -> str:
    return f"ssh://{USER}@127.0.0.1:{box.port}" + (f"/127.0.0.1:{port}" if port else "")


@asynccontextmanager
async def app_on(options: AppOptions, size: tuple[int, int] = (120, 36)) -> AsyncIterator[tuple[LmdeckApp, Any]]:
    """The real app with the real workspace behind it."""
    app = LmdeckApp(None, options, terminal=Terminal("plain"))
    async with app.run_test(size=size, notifications=True) as pilot:
        app.animation_level = "none"
        yield app, pilot


async def host_of(app: LmdeckApp, pilot: Any) -> RemoteHost:
    """The machine behind the open workspace."""
    await until_pilot(pilot, lambda: app.chat.workspace is not None and app.chat.workspace.host is not None, 20)
    workspace = app.chat.workspace
    assert workspace is not None
    assert workspace.host is not None
    return workspace.host


async def connected(app: LmdeckApp, pilot: Any) -> None:
    """Wait until the server is known."""

    def healthy() -> bool:
        link = app.chat.workspace.link if app.chat.workspace is not None else None
        return link is not None and link.link.phase.value == "healthy"

    await until_pilot(pilot, healthy, 30, "a healthy server")


async def pick_port(app: LmdeckApp, pilot: Any, port: int) -> None:
    """Take a port where several servers are offered: other tests' servers run on this machine, too."""
    await until_pilot(pilot, lambda: isinstance(app.screen, PickScreen) and app.focused is not None, 20, "an offer")
    options = app.screen.query_one(OptionList)
    texts = [str(options.get_option_at_index(number).prompt) for number in range(options.option_count)]
    options.highlighted = next(number for number, text in enumerate(texts) if text.startswith(str(port)))
    await pilot.press("enter")


async def asked(app: LmdeckApp, pilot: Any) -> QuestionScreen:
    """The question that is on the screen."""
    await until_pilot(pilot, lambda: isinstance(app.screen, QuestionScreen) and app.screen.is_running, 20, "a question")
    screen = app.screen
    assert isinstance(screen, QuestionScreen)
    return screen


__all__ = ["see", "until"]
