"""This machine as a host: the agent's orders, carried out in threads here."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

from tui.gpu.source import LocalGpuSource
from tui.hosts.host import Json
from tui.hosts.orders import OrderingHost
from tui.model.gpu import GpuSource
from tui.model.problem import Problem, ProblemError


class LocalHost(OrderingHost):
    """The machine that lmdeck runs on."""

    def __init__(self, gpus: GpuSource | None = None) -> None:
        self._gpus = gpus

    @property
    def name(self) -> str:
        return socket.gethostname()

    @property
    def gpus(self) -> GpuSource:
        """The machine's GPUs; the source is made on first use."""
        if self._gpus is None:
            self._gpus = LocalGpuSource()
        return self._gpus

    async def _order(self, do: str, within: float = 15.0, **fields: Any) -> Json:
        del within  # the program's own time limit is enough here
        from tui.agent_orders import obey

        try:
            return await asyncio.to_thread(obey, {"do": do, **fields})
        except (OSError, ValueError, KeyError) as error:
            says = f"{type(error).__name__}: {error}"[:300]
            raise ProblemError(Problem("ssh.agent_refused", {"order": do, "says": says})) from error

    async def aclose(self) -> None:
        if self._gpus is not None:
            await self._gpus.aclose()
