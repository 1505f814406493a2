"""A host over ssh as the launcher's machine: orders of the agent, samples of the cards."""

from __future__ import annotations

from typing import Any

from tui.hosts.host import Json
from tui.hosts.remote import RemoteHost
from tui.hosts.remote_gpu import reading_from
from tui.model.gpu import GpuReading
from tui.model.problem import Problem, ProblemError


class RemoteMachine:
    """A :class:`tui.launch.machine.Machine` over a link; the host stays its owner's. ``name`` is user@host:port."""

    def __init__(self, host: RemoteHost) -> None:
        self.host = host

    @property
    def name(self) -> str:
        return self.host.name

    @property
    def options(self) -> tuple[str, ...]:
        """More words for ssh that lead there."""
        return self.host.target.options

    def url(self, server: str) -> str:
        """The address of a server there, whose own address is ``http://host:port`` as seen from it."""
        return f"ssh://{self.name}/{server.partition('://')[2]}"

    async def order(self, do: str, limit: float = 15.0, **fields: Any) -> Json:
        """Carry out an order of the agent within ``limit`` seconds. Raises ProblemError."""
        return await self.host.link.order(do, limit, **fields)

    async def sample(self) -> GpuReading:
        """The cards now. Raises ProblemError while the link is down, and for a machine without Python."""
        answer = await self.host.link.order("sample")
        hello = self.host.link.hello
        if hello is None:
            raise ProblemError(Problem("ssh.disconnected", {"host": self.name}))
        return reading_from(answer["sample"], hello)
