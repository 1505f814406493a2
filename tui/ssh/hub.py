"""What all connections of one lmdeck share: the private folder, the socket for questions, logins to jump hosts."""

from __future__ import annotations

import asyncio
import hashlib
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path

from tui.model.problem import Problem, ProblemError
from tui.ssh.asking import AskingServer
from tui.ssh.client import Client, config_option, find_client, jump_command, jump_master, resolve, run_quick
from tui.ssh.folder import SocketFolder
from tui.ssh.process import SshProcess
from tui.ssh.questions import Answers
from tui.ssh.target import Target, parse_destination


@dataclass
class JumpHost:
    """A login to a jump host that several connections share. ``command`` is the way through it; ``master`` the command
    line of our own login there, empty when the user's is used; ``turn`` is held while somebody logs in, so that the
    others find the master instead of asking the same questions. ``users`` counts the connections through it."""

    command: str
    control: Path
    master: list[str]
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    process: SshProcess | None = None
    users: int = 0

    @property
    def is_up(self) -> bool:
        return not self.master or (self.process is not None and self.process.code is None and self.control.exists())

    async def leave(self) -> None:
        """One connection less; the last one ends the login."""
        self.users -= 1
        if self.users <= 0:
            await self.close()

    async def close(self) -> None:
        process, self.process = self.process, None
        if process is not None:
            await process.stop()


class Hub:
    """Opened on first use; :meth:`aclose` ends it after the connections."""

    def __init__(self) -> None:
        self.answers = Answers()
        self._folder: SocketFolder | None = None
        self._asking: AskingServer | None = None
        self._client: Client | None = None
        self._jumps: dict[tuple[str, ...], JumpHost] = {}
        self._known_hosts: dict[str, Path] = {}
        self._opening = asyncio.Lock()

    async def open(self) -> tuple[Client, SocketFolder, AskingServer]:
        """Raises ProblemError: ssh.no_client and its like, ssh.no_private_folder."""
        async with self._opening:
            if self._client is None:
                self._client = await find_client()
            if self._folder is None:
                self._folder = await asyncio.to_thread(SocketFolder)
            if self._asking is None:
                asking = AskingServer(self._folder)
                try:
                    await asking.start()
                except OSError as error:
                    raise ProblemError(Problem("ssh.no_private_folder", {"reason": str(error)[:200]})) from error
                self._asking = asking
            return self._client, self._folder, self._asking

    def known_hosts(self, target: Target) -> Path:
        """The file of host keys for a machine that is a new one at each start: it lives as long as this hub."""
        assert self._folder is not None  # noqa: S101 (open() was called by whoever connects)
        key = target.login
        if key not in self._known_hosts:
            self._known_hosts[key] = self._folder.path / f"known{len(self._known_hosts)}"
        return self._known_hosts[key]

    async def jump_host(self, target: Target, jump: str) -> JumpHost | None:
        """The shared login for ``jump``; None where ssh must do it alone (Windows). Raises ProblemError."""
        if sys.platform == "win32":
            return None
        client, folder, _ = await self.open()
        config = config_option(target)
        key = (jump, *config)
        async with self._opening:
            if key not in self._jumps:
                users = await self._users_master(client, jump, config)
                name = hashlib.sha256("\0".join(key).encode()).hexdigest()[:8]
                control = users or str(folder.path / f"j{name}")
                master = [] if users else jump_master(client, target, jump, control)
                command = jump_command(client, target, jump, control)
                self._jumps[key] = JumpHost(command, Path(control), master)
            return self._jumps[key]

    async def _users_master(self, client: Client, jump: str, config: tuple[str, ...]) -> str:
        """The control path of the user's own running master for that jump host; empty without one."""
        last = parse_destination(jump.rpartition(",")[2].removeprefix("ssh://"))
        found = await resolve(client, replace(last, options=config))
        path = found.values.get("controlpath", "none")
        if path.lower() == "none":
            return ""
        words = [client.program, *config, "-S", path, "-O", "check", *last.words]
        code, _, _ = await run_quick(words, limit=5.0)
        return path if code == 0 else ""

    async def aclose(self) -> None:
        """Close the socket for questions and remove the folder; forget every answer."""
        self.answers.forget()
        for jump in self._jumps.values():
            await jump.close()
        if self._asking is not None:
            await self._asking.aclose()
            self._asking = None
        if self._folder is not None:
            await asyncio.to_thread(self._folder.close)
            self._folder = None
        self._jumps.clear()
        self._known_hosts.clear()
