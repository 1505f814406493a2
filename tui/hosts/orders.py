"""Every order of the agent as a method; whoever carries them out says how in ``_order``."""

from __future__ import annotations

import base64
from abc import ABC, abstractmethod
from typing import Any

from tui.gpu.found import FoundServer, server_from
from tui.hosts.host import Json, Piece, ProcessFacts, Program, RunResult, ServerFiles, Spawned


class OrderingHost(ABC):
    """The part of a :class:`tui.hosts.host.Host` that is the same here and far away."""

    @abstractmethod
    async def _order(self, do: str, within: float = 15.0, **fields: Any) -> Json:
        """Carry out one order of :mod:`tui.agent` or :mod:`tui.agent_orders`. Raises ProblemError."""

    async def run(self, program: Program, *, text: str = "", limit: float = 30.0) -> RunResult:
        return RunResult.read(await self._order("run", limit + 10.0, **program.order, input=text, timeout=limit))

    async def spawn(self, program: Program) -> Spawned:
        answer = await self._order("spawn", **program.order)
        return Spawned(str(answer["id"]), int(answer["pid"]), str(answer["log"]), program.arguments)

    async def spawned(self) -> tuple[Spawned, ...]:
        return tuple(Spawned.read(entry) for entry in (await self._order("spawned"))["spawned"])

    async def stop(self, spawned_id: str, signal: str = "TERM") -> None:
        await self._order("stop", id=spawned_id, signal=signal)

    async def forget(self, spawned_id: str) -> None:
        await self._order("forget", id=spawned_id)

    async def read(self, path: str, limit: int = 1 << 20) -> bytes:
        answer = await self._order("read", 60.0, path=path, limit=limit)
        return base64.b64decode(str(answer["data"]))

    async def tail(self, path: str, offset: int = -65536, limit: int = 65536) -> Piece:
        return Piece.read(await self._order("tail", path=path, offset=offset, limit=limit))

    async def processes(self) -> tuple[ProcessFacts, ...]:
        return tuple(ProcessFacts.read(entry) for entry in (await self._order("processes"))["processes"])

    async def servers(self) -> tuple[FoundServer, ...]:
        return tuple(server_from(entry) for entry in (await self._order("servers"))["servers"])

    async def checkpoint(self, folder: str) -> Json:
        answer = await self._order("checkpoint", 60.0, path=folder)
        found: Json = answer["checkpoint"]
        return found

    async def inspect(self, server: FoundServer) -> ServerFiles:
        model = server.model_folder or server.command.model
        return ServerFiles.read(await self._order("inspect", pid=server.pid, model=model))

    async def listening(self, port: int) -> bool:
        return bool((await self._order("port", port=port))["sockets"])
