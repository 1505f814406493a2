"""Finding out about a server on another machine, through the agent there (:mod:`tui.agent`)."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any, Protocol, cast

from tui.gpu.found import FoundServer, server_from
from tui.hosts.findings import CHECK_SECONDS, SCAN_SECONDS, Findings, LogTail, process_findings
from tui.lmdeploy.checkpoint import parse_checkpoint
from tui.lmdeploy.known_models import find_model
from tui.model.checkpoint import Checkpoint, ModelConfig
from tui.model.problem import Problem, ProblemError


class Orders(Protocol):
    """Gives the agent an order and returns its answer; raises ProblemError (``tui.ssh.link.Link.order``)."""

    async def __call__(self, do: str, within: float = 15.0, **fields: Any) -> Mapping[str, Any]: ...


class RemoteFinder:
    """Finds the api_server that listens on ``port`` over there. While the link is down, what was found last holds."""

    def __init__(self, order: Orders, port: int) -> None:
        self._order = order
        self._port = port
        self._checked = self._scanned = float("-inf")
        self._sockets: object = None
        self._server: FoundServer | None = None
        self._model: tuple[ModelConfig, Checkpoint] | None = None
        self._problem: Problem | None = None
        self._log: LogTail | None = None
        self._started: float | None = None

    def look_at(self, port: int) -> None:
        """The server is at another port now."""
        self._port = port
        self._checked = self._scanned = float("-inf")

    async def look(self) -> Findings:
        with suppress(ProblemError):
            now = time.monotonic()
            if now - self._checked >= CHECK_SECONDS:
                self._checked = now
                await self._check(now)
            if self._log is not None:
                while self._log.take(await self._order("tail", path=self._log.path, offset=self._log.offset)):
                    pass
        if self._server is None:
            return Findings()
        return replace(process_findings(self._server, self._model, self._log, self._started), problem=self._problem)

    async def _check(self, now: float) -> None:
        """Look through the processes over there when what listens at the port is another one, or nothing, or it is
        time."""
        sockets = (await self._order("port", port=self._port)).get("sockets")
        if not sockets or sockets != self._sockets or now - self._scanned >= SCAN_SECONDS:
            await self._scan()
            self._sockets, self._scanned = sockets, now

    async def _scan(self) -> None:
        listed = cast("list[Mapping[str, Any]]", (await self._order("servers")).get("servers") or [])
        servers = [server_from(entry) for entry in listed]
        server = next((entry for entry in servers if self._port in (*entry.ports, entry.port)), None)
        before, self._server = self._server, server
        if server is None or (before is not None and before.pid == server.pid):
            return
        self._model, self._problem, self._log, self._started = None, None, None, None
        await self._read_model(server)
        with suppress(ProblemError):  # an agent without that order, or nothing was started by lmdeck
            await self._find_log(server)

    async def _read_model(self, server: FoundServer) -> None:
        if not server.model_folder:
            self._model = find_model(server.command.model) if server.command.model else None
            return
        answer = await self._order("checkpoint", path=server.model_folder)
        try:
            self._model = parse_checkpoint(cast("Mapping[str, Any]", answer["checkpoint"]))
        except ProblemError as error:
            self._problem = error.problem

    async def _find_log(self, server: FoundServer) -> None:
        """The log of a server that lmdeck itself started there."""
        answer = await self._order("spawned")
        for entry in cast("list[Mapping[str, Any]]", answer.get("spawned") or []):
            if entry.get("pid") in server.pids and entry.get("log"):
                started = entry.get("started")
                self._started = float(started) if isinstance(started, (int, float)) else None
                self._log = LogTail(str(entry["log"]))
