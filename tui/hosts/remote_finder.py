"""What can be found out about a server on another machine: the same findings as here, asked of its agent."""

from __future__ import annotations

import asyncio
import time

from tui.gpu.found import FoundServer
from tui.hosts.findings import Findings, LogTail
from tui.hosts.host import Host, ServerFiles
from tui.lmdeploy.checkpoint import parse_checkpoint
from tui.lmdeploy.known_models import find_model
from tui.lmdeploy.log import LogFacts
from tui.model.checkpoint import Checkpoint, ModelConfig
from tui.model.problem import Problem, ProblemError

_SCAN_SECONDS = 5.0
_PIECE = 1 << 18
_HEAD = 4 << 20  # of a long log: the start-up lines at its beginning, then only its end


class HostFinder:
    """Finds the api_server that listens on ``port`` of a host (a :class:`tui.hosts.findings.Finder`). Headers are read
    once for each start of the server, the log as it grows; while the host cannot be asked, what is known stays."""

    def __init__(self, host: Host, port: int) -> None:
        self._host = host
        self._port = port
        self._scanned = float("-inf")
        self._server: FoundServer | None = None
        self._files = ServerFiles("", "", None)
        self._model: tuple[ModelConfig, Checkpoint] | None = None
        self._problem: Problem | None = None
        self._log: HostLog | None = None

    async def look(self) -> Findings:
        """What is known now. Never raises."""
        try:
            if time.monotonic() - self._scanned >= _SCAN_SECONDS:
                await self._scan()
            if self._log is not None:
                await self._log.pull()
        except ProblemError as error:
            self._problem = self._problem or error.problem
        return Findings() if self._server is None else self._findings(self._server)

    async def _scan(self) -> None:
        found = await self._host.servers()
        self._scanned = time.monotonic()
        server = next((entry for entry in found if self._port in (*entry.ports, entry.port)), None)
        before, self._server = self._server, server
        if server is None or (before is not None and before.pid == server.pid):
            return
        self._model, self._problem, self._log = None, None, None
        self._files = await self._host.inspect(server)
        if self._files.log:
            self._log = HostLog(self._host, self._files.log, self._files.started)
        try:
            self._model = await self._checkpoint(server)
        except ProblemError as error:
            self._problem = error.problem

    async def _checkpoint(self, server: FoundServer) -> tuple[ModelConfig, Checkpoint] | None:
        """Raises ProblemError when the folder is there but cannot be used."""
        if self._files.folder:
            raw = await self._host.checkpoint(self._files.folder)
            return await asyncio.to_thread(parse_checkpoint, raw)
        return find_model(server.command.model) if server.command.model else None

    def _findings(self, server: FoundServer) -> Findings:
        config, checkpoint = self._model or (None, None)
        reader = self._log.reader if self._log else None
        said = reader is not None and reader.facts != LogFacts()
        return Findings(
            kind="process",
            identity=f"{self._host.name}-{server.pid}-{self._files.started or 0:.0f}",
            model=server.command.model,
            config=config,
            checkpoint=checkpoint,
            facts=reader.facts if reader is not None and said else None,
            stages=tuple(reader.stages) if reader is not None else (),
            command=server.command,
            pids=server.pids,
            cards=server.cards,
            started=self._files.started,
            problem=self._problem,
        )


class HostLog(LogTail):
    """A growing log file on a host."""

    def __init__(self, host: Host, path: str, started: float | None = None) -> None:
        super().__init__(path, started)
        self._host = host

    async def pull(self) -> None:
        """Take in what was written since the last time. Raises ProblemError."""
        while (piece := await self._host.tail(self._path, self._offset, _PIECE)).text:
            self._offset = piece.offset
            await asyncio.to_thread(self._feed, piece.text)
            if self._offset >= _HEAD and piece.size - self._offset > 2 * _PIECE:
                self._offset = piece.size - _PIECE
