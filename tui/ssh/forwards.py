"""The tunnel's ends here: private unix sockets added to a running connection, or ports given when it starts."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tui.model.problem import Problem, ProblemError
from tui.ssh.client import Client, run_quick
from tui.ssh.folder import SocketFolder
from tui.ssh.target import join_host

_SOON = 10.0


@dataclass(frozen=True, slots=True)
class Forward:
    """``host:port`` as seen from the far side, open here at ``socket`` (a path) or on 127.0.0.1 at ``local_port``.
    ``for_user``: a port that the user wanted for other programs, which lmdeck does not use itself."""

    host: str
    port: int
    socket: str = ""
    local_port: int = 0
    for_user: bool = False

    @property
    def words(self) -> tuple[str, str]:
        """The option for ssh. Never ``-g``, never another address than this machine's."""
        here = self.socket or f"127.0.0.1:{self.local_port}"
        return ("-L", f"{here}:{join_host(self.host, self.port)}")


class Forwarding(Protocol):
    """How forwards come into a connection. ``wanted`` survives reconnecting."""

    wanted: list[Forward]

    def new(self, host: str, port: int) -> Forward:
        """A forward with an end here that nobody else uses."""
        ...

    def start_words(self) -> list[str]:
        """Options for the connection's own command line; called for each start."""
        ...

    async def opened(self) -> None:
        """The connection is up: make all wanted forwards work. Raises ProblemError."""
        ...

    async def add(self, forward: Forward) -> bool:
        """Want one more; False when that needs a new connection. Raises ProblemError."""
        ...

    async def remove(self, forward: Forward) -> None: ...


class ControlForwarding:
    """POSIX: the connection is its own private master, and ``-O forward`` adds to it while it runs."""

    def __init__(self, folder: SocketFolder, client: Client, where: Sequence[str]) -> None:
        self.wanted: list[Forward] = []
        self._folder = folder
        self._client = client
        self._where = tuple(where)
        self._control: Path | None = None
        self._up = False

    def new(self, host: str, port: int) -> Forward:
        return Forward(host, port, socket=str(self._folder.socket("f")))

    def start_words(self) -> list[str]:
        self._up = False
        if self._control is not None:
            self._control.unlink(missing_ok=True)
        self._control = self._folder.socket("c")
        # Forwards of the user's configuration are not ours to open; -O forward is not affected by this.
        return ["-M", "-S", str(self._control), "-o", "ControlPersist=no", "-o", "ClearAllForwardings=yes"]

    async def opened(self) -> None:
        self._up = True
        for forward in self.wanted:
            await self._ask("forward", forward)

    async def add(self, forward: Forward) -> bool:
        if self._up:
            await self._ask("forward", forward)
        self.wanted.append(forward)
        return True

    async def remove(self, forward: Forward) -> None:
        if forward in self.wanted:
            self.wanted.remove(forward)
            if self._up:
                with contextlib.suppress(ProblemError):
                    await self._ask("cancel", forward)
        if forward.socket:
            await asyncio.to_thread(Path(forward.socket).unlink, missing_ok=True)

    async def _ask(self, order: str, forward: Forward) -> None:
        """Raises ProblemError: ssh.port_taken, ssh.forward_failed."""
        words = [self._client.program, "-S", str(self._control), "-O", order, *forward.words, *self._where]
        code, _, err = await run_quick(words, limit=_SOON)
        if code == 0:
            return
        if forward.local_port and not forward.socket:
            raise ProblemError(Problem("ssh.port_taken", {"port": str(forward.local_port)}, err))
        raise ProblemError(Problem("ssh.forward_failed", {"server": join_host(forward.host, forward.port)}, err))


class ListForwarding:
    """Where a connection cannot be its own master (Windows): ports on 127.0.0.1, all of them given at the start; one
    more needs a new connection."""

    def __init__(self) -> None:
        self.wanted: list[Forward] = []
        self._up = False

    def new(self, host: str, port: int) -> Forward:
        return Forward(host, port, local_port=free_port())

    def start_words(self) -> list[str]:
        self._up = False
        own = ["-o", "ControlMaster=no", "-o", "ControlPath=none"]
        return [*own, *(word for forward in self.wanted for word in forward.words)]

    async def opened(self) -> None:
        self._up = True

    async def add(self, forward: Forward) -> bool:
        self.wanted.append(forward)
        return not self._up

    async def remove(self, forward: Forward) -> None:
        if forward in self.wanted:
            self.wanted.remove(forward)  # the running connection keeps it until it ends


def make_forwarding(folder: SocketFolder, client: Client, where: Sequence[str]) -> Forwarding:
    """The way that this system allows. ``where`` are the words that name the connection's target."""
    if sys.platform == "win32":
        return ListForwarding()
    return ControlForwarding(folder, client, where)


def free_port() -> int:
    """A TCP port of 127.0.0.1 that was free a moment ago."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def check_port(port: int) -> None:
    """Raises ProblemError(ssh.port_taken) when 127.0.0.1:port cannot be bound."""
    with socket.socket() as one:
        try:
            if sys.platform != "win32":
                one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            one.bind(("127.0.0.1", port))
        except OSError as error:
            raise ProblemError(Problem("ssh.port_taken", {"port": str(port)}, str(error))) from error
