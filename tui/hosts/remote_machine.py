"""A host over ssh as the launcher's machine: orders of the agent, samples of the cards."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import Any

from tui.hosts.host import Json
from tui.hosts.remote import RemoteHost
from tui.model.gpu import GpuReading
from tui.model.problem import Problem, ProblemError

_SAMPLE_SECONDS = 10.0


class RemoteMachine:
    """A :class:`tui.launch.machine.Machine` over a link; the host stays its owner's."""

    def __init__(self, host: RemoteHost) -> None:
        self.host = host

    @property
    def name(self) -> str:
        """How the user calls it."""
        return self.host.name

    async def order(self, do: str, limit: float = 15.0, **fields: Any) -> Json:
        """Carry out an order of the agent within ``limit`` seconds. Raises ProblemError."""
        return await self.host.link.order(do, limit, **fields)

    async def sample(self) -> GpuReading:
        """The cards now. Raises ProblemError when the machine cannot be asked."""
        try:
            async with asyncio.timeout(_SAMPLE_SECONDS), aclosing(self.host.gpu_readings()) as readings:
                return await anext(readings)
        except TimeoutError:
            data = {"order": "sample", "seconds": _SAMPLE_SECONDS}
            raise ProblemError(Problem("ssh.agent_silent", data)) from None
