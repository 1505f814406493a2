"""What can be found out about a server on its machine: process, flags, model folder, log."""

from __future__ import annotations

import asyncio
import os
import re
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, Protocol, cast

from tui import agent
from tui.gpu.found import FoundServer, find_servers
from tui.lmdeploy.checkpoint import load_checkpoint
from tui.lmdeploy.known_models import find_model
from tui.lmdeploy.log import LogFacts, LogReader, StageChange
from tui.lmdeploy.options import ServerCommand, find_server, parse_options
from tui.lmdeploy.versions import Version
from tui.model.checkpoint import Checkpoint, ModelConfig
from tui.model.launch import LaunchStage
from tui.model.problem import Problem, ProblemError

CHECK_SECONDS = 5.0
_STRANGE_SECONDS = 15.0
SCAN_SECONDS = 60.0
"""Between two looks at what listens: while nothing does, while something does that is no server we may see, and while
the server's process lives. The list of sockets takes the kernel milliseconds, all processes take 30 ms on a machine
with a thousand of them."""
_LOG_PIECE = 1 << 20
_LOG_HEAD = 4 << 20  # of a long log: the start-up lines at its beginning, then only its end
_TIMEOUT = 5.0


@dataclass(frozen=True, slots=True)
class Findings:
    """Everything found out. ``kind`` says how: its process was found here, it is the simulated server, the user told
    it, or nothing was found. ``identity`` names this very start of the server (empty while there is none);
    ``started`` is UTC seconds; ``baseline`` are the bytes used on each card before the start, where that is known."""

    kind: Literal["process", "demo", "told", "none"] = "none"
    identity: str = ""
    model: str = ""
    config: ModelConfig | None = None
    checkpoint: Checkpoint | None = None
    facts: LogFacts | None = None
    stages: tuple[StageChange, ...] = ()
    command: ServerCommand | None = None
    arguments: tuple[str, ...] = ()
    pids: frozenset[int] = frozenset()
    cards: tuple[int, ...] | None = None
    baseline: Mapping[int, int] = field(default_factory=dict[int, int])
    version: Version | None = None
    started: float | None = None
    free_before: int | None = None
    problem: Problem | None = None


class Finder(Protocol):
    """Finds out about one server; asked again and again, cheap when nothing changed. Never raises."""

    async def look(self) -> Findings: ...


class NoFinder:
    """For a server on a machine that cannot be looked at: only HTTP."""

    async def look(self) -> Findings:
        return Findings()


# ── the simulated server ──────────────────────────────────────────────────────────────────────────────────────────────


class DemoFinder:
    """Reads the facts route of the simulated server (:attr:`tui.demo.process.DemoServer.facts_url`), once."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._found: Findings | None = None

    async def look(self) -> Findings:
        if self._found is None:
            import httpx2

            try:
                async with httpx2.AsyncClient(timeout=_TIMEOUT, trust_env=False) as client:
                    answer = await client.get(self._url)
                    self._found = demo_findings(cast("dict[str, Any]", answer.raise_for_status().json()))
            except (httpx2.HTTPError, ValueError, KeyError, TypeError):
                return Findings()
        return self._found


def demo_findings(told: Mapping[str, Any]) -> Findings:
    """Findings from the facts of the simulated server. Raises KeyError, TypeError or ValueError for other data."""
    reader = LogReader()
    for seconds, line in cast("list[tuple[float, str]]", told["log"]):
        reader.feed(f"{line}\n", float(seconds))
    arguments = tuple(str(word) for word in cast("list[object]", told["command"]))
    command = parse_options(find_server(arguments) or ())
    model = find_model(os.path.basename(str(cast("dict[str, Any]", told["checkpoint"])["path"])))
    config, checkpoint = model or (None, None)
    started = float(told["started"])
    # The log is the recorded one: it ends with a server that is ready.
    facts = replace(reader.facts, stage=LaunchStage.READY, fraction=None)
    return Findings(
        kind="demo",
        identity=f"demo-{told['pid']}-{started:.0f}",
        model=command.model,
        config=config,
        checkpoint=checkpoint,
        facts=facts,
        stages=tuple(reader.stages),
        command=command,
        arguments=arguments,
        pids=frozenset({int(told["pid"])}),
        version=Version.parse(str(told["lmdeploy"])),
        started=started,
        free_before=int(told["free_before"]),
    )


# ── a server on this machine ──────────────────────────────────────────────────────────────────────────────────────────


class LocalFinder:
    """Finds the api_server that listens on ``port`` of this machine. ``find`` lists servers; it blocks."""

    def __init__(self, port: int, *, find: Callable[[], list[FoundServer]] = find_servers) -> None:
        self._port = port
        self._find = find
        self._checked = self._scanned = float("-inf")
        self._sockets: dict[str, int] = {}
        self._server: FoundServer | None = None
        self._model: tuple[ModelConfig, Checkpoint] | None = None
        self._problem: Problem | None = None
        self._log: LogTail | None = None
        self._started: float | None = None

    async def look(self) -> Findings:
        return await asyncio.to_thread(self._look)

    def _look(self) -> Findings:
        now = time.monotonic()
        gone = self._server is not None and not os.path.isdir(f"/proc/{self._server.pid}")
        if (gone or now - self._checked >= self._patience) and self._may_differ(now, gone=gone):
            self._take(next((entry for entry in self._find() if self._port in (*entry.ports, entry.port)), None))
        if self._server is None:
            return Findings()
        if self._log is not None:
            self._log.read()
        return self._findings(self._server)

    @property
    def _patience(self) -> float:
        if not self._sockets:
            return CHECK_SECONDS
        return _STRANGE_SECONDS if self._server is None else SCAN_SECONDS

    def _may_differ(self, now: float, *, gone: bool) -> bool:
        """Whether to look through the processes again: what listens at the port is another one, or nothing, or it is
        time."""
        self._checked = now
        sockets = agent.listening_inodes(self._port)
        if sockets and sockets == self._sockets and not gone and now - self._scanned < SCAN_SECONDS:
            return False
        self._scanned, self._sockets = now, sockets
        return True

    def _take(self, server: FoundServer | None) -> None:
        """Another process than before: read its model folder and find its log."""
        before, self._server = self._server, server
        if server is None or (before is not None and before.pid == server.pid):
            return
        self._problem, self._model = None, None
        try:
            self._model = model_of(server)
        except ProblemError as error:
            self._problem = error.problem
        self._started = process_start(server.pid)
        path = log_of(server.pid)
        self._log = LogTail(path, self._started) if path else None

    def _findings(self, server: FoundServer) -> Findings:
        found = process_findings(server, self._model, self._log, self._started)
        return replace(found, problem=self._problem)


def process_findings(
    server: FoundServer, model: tuple[ModelConfig, Checkpoint] | None, log: LogTail | None, started: float | None
) -> Findings:
    """What is known of a process with its model and its log."""
    config, checkpoint = model or (None, None)
    reader = log.reader if log else None
    said = reader is not None and reader.facts != LogFacts()
    return Findings(
        kind="process",
        identity=f"{server.pid}-{started or 0:.0f}",
        model=server.command.model,
        config=config,
        checkpoint=checkpoint,
        facts=reader.facts if reader is not None and said else None,
        stages=tuple(reader.stages) if reader is not None else (),
        command=server.command,
        pids=server.pids,
        cards=server.cards,
        started=started,
    )


def model_of(server: FoundServer) -> tuple[ModelConfig, Checkpoint] | None:
    """The checkpoint of a server on this machine: its folder, the hub's cache, or a model known by name.

    Raises ProblemError when the folder is there but cannot be used. Blocks."""
    folder = server.model_folder or hub_folder(server.command.model)
    if folder and os.path.isdir(folder):
        return load_checkpoint(folder)
    return find_model(server.command.model) if server.command.model else None


def hub_folder(model: str) -> str:
    """Where Hugging Face or ModelScope keep a downloaded model; empty when it is not there. Blocks."""
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", model):
        return ""
    home = Path(os.environ.get("HF_HOME") or Path.home() / ".cache" / "huggingface")
    snapshots = home / "hub" / f"models--{model.replace('/', '--')}" / "snapshots"
    scope = Path(os.environ.get("MODELSCOPE_CACHE") or Path.home() / ".cache" / "modelscope" / "hub")
    found = [*snapshots.glob("*/config.json"), *scope.glob(f"{model}/config.json")]
    found += scope.glob(f"models/{model}/config.json")
    return str(max(found, key=lambda path: path.stat().st_mtime).parent) if found else ""


def process_start(pid: int) -> float | None:
    """When a process began, UTC seconds; None where /proc does not say. Blocks."""
    if sys.platform == "win32":  # it has neither /proc nor clock ticks
        return None
    stat, machine = agent.read_text(f"/proc/{pid}/stat"), agent.read_text("/proc/stat")
    booted = re.search(r"^btime (\d+)", machine or "", re.MULTILINE)
    if not stat or booted is None:
        return None
    return int(booted[1]) + int(stat.rpartition(")")[2].split()[19]) / os.sysconf("SC_CLK_TCK")


def log_of(pid: int) -> str:
    """The file a process writes its output to, empty when that is no file that can be read. Blocks."""
    for descriptor in (2, 1):
        path = agent.read_link(f"/proc/{pid}/fd/{descriptor}")
        if path.startswith("/") and os.path.isfile(path) and os.access(path, os.R_OK):
            return path
    return ""


_STAMP = re.compile(r"(\d\d):(\d\d):(\d\d)[.,](\d{3})")


class LogTail:
    """Reads a growing log file. Several starts may have been appended to one file: a line after the end of one begins
    the next. Phases are dated by the lines' own times of day."""

    def __init__(self, path: str, started: float | None = None) -> None:
        self.reader = LogReader()
        self.path = path
        self.offset = 0
        self._midnight = _seconds_of_day(started)
        self._at = 0.0
        self._rest = ""

    def read(self) -> None:
        """Take in what was written since the last time. Blocks; never raises."""
        try:
            while self.take(agent.tail(self.path, self.offset, _LOG_PIECE)):
                pass
        except OSError:
            return

    def take(self, piece: Mapping[str, Any]) -> bool:
        """Take in what the agent's ``tail`` gave from ``offset`` on; False when that was nothing."""
        text = str(piece["text"])
        self.offset = int(piece["offset"])
        self._feed(text)
        if self.offset >= _LOG_HEAD and int(piece["size"]) - self.offset > 2 * _LOG_PIECE:
            self.offset = int(piece["size"]) - _LOG_PIECE
        return bool(text)

    def _feed(self, text: str) -> None:
        *lines, self._rest = (self._rest + text).split("\n")
        for line in lines:
            if line and self.reader.facts.stage is LaunchStage.STOPPING and "serve" not in line and _begins(line):
                self.reader = LogReader()
            stamp = _STAMP.search(line[:80])
            if stamp is not None and self._midnight is not None:
                hours, minutes, seconds, thousandths = (int(part) for part in stamp.groups())
                moment = hours * 3600 + minutes * 60 + seconds + thousandths / 1000
                self._at = (moment - self._midnight) % 86_400
            self.reader.feed(line + "\n", self._at)


def _begins(line: str) -> bool:
    """Whether a line can only be at a server's start."""
    return "input backend=" in line or "engine config" in line or line.startswith("Loading")


def _seconds_of_day(moment: float | None) -> float | None:
    if moment is None:
        return None
    local = time.localtime(moment)
    return local.tm_hour * 3600 + local.tm_min * 60 + local.tm_sec + moment % 1


# ── what the user tells ───────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Told:
    """What the user said about a server nobody can look at: its model, its flags and the card's size in bytes."""

    config: ModelConfig
    checkpoint: Checkpoint
    command: ServerCommand
    total: int | None = None

    def fill(self, found: Findings) -> Findings:
        """The findings with what was told in their gaps."""
        if found.config is not None:
            return found
        kind = "told" if found.kind == "none" else found.kind
        command = found.command or self.command
        return replace(
            found, kind=kind, config=self.config, checkpoint=self.checkpoint, command=command,
            model=found.model or self.checkpoint.name,
        )  # fmt: skip
