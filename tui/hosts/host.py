"""A machine that runs servers, this one or one over ssh: what can be asked of it, and the answers' shapes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, cast

from tui.gpu.found import FoundServer
from tui.model.gpu import GpuSource

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class RunResult:
    """What a program said until its end. ``code`` is None when its time was up. Texts hold at most 1 MiB, their
    ends."""

    code: int | None
    out: str
    err: str

    @classmethod
    def read(cls, answer: Json) -> RunResult:
        return cls(answer.get("code"), str(answer.get("out", "")), str(answer.get("err", "")))


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a growing file. ``offset`` is where the next one begins, ``size`` the file's length in bytes."""

    text: str
    offset: int
    size: int

    @classmethod
    def read(cls, answer: Json) -> Piece:
        return cls(str(answer["text"]), int(answer["offset"]), int(answer["size"]))


@dataclass(frozen=True, slots=True)
class ProcessFacts:
    """A process as its machine lists it."""

    pid: int
    parent: int
    name: str
    arguments: tuple[str, ...]

    @classmethod
    def read(cls, entry: Json) -> ProcessFacts:
        words = tuple(str(word) for word in cast("list[object]", entry.get("arguments") or []))
        return cls(int(entry["pid"]), int(entry["ppid"]), str(entry["name"]), words)


@dataclass(frozen=True, slots=True)
class Spawned:
    """A program of ours that goes on without us. ``started`` is UTC seconds since the epoch; ``log`` a path on its
    machine. Its files stay until they are forgotten."""

    id: str
    pid: int
    log: str
    arguments: tuple[str, ...] = ()
    started: float = 0.0
    running: bool = True

    @classmethod
    def read(cls, entry: Json) -> Spawned:
        words = tuple(str(word) for word in cast("list[object]", entry.get("arguments") or []))
        return cls(
            str(entry["id"]),
            int(entry["pid"]),
            str(entry["log"]),
            words,
            float(entry.get("started", 0.0)),
            bool(entry.get("running", True)),
        )


@dataclass(frozen=True, slots=True)
class ServerFiles:
    """What belongs to a server: the file it writes to and its model's folder (paths over there, empty when not found),
    and when it began (UTC seconds)."""

    log: str
    folder: str
    started: float | None

    @classmethod
    def read(cls, answer: Json) -> ServerFiles:
        return cls(str(answer.get("log") or ""), str(answer.get("folder") or ""), answer.get("started"))


@dataclass(frozen=True, slots=True)
class Program:
    """A program to start: its words, where, and variables beside those of the login."""

    arguments: tuple[str, ...]
    folder: str = ""
    environment: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def order(self) -> Json:
        return {"arguments": list(self.arguments), "folder": self.folder, "environment": dict(self.environment)}


class Host(Protocol):
    """A machine. Every method may raise ProblemError: the agent's refusal (``ssh.agent_refused``, with its words) or
    the link's problem."""

    @property
    def name(self) -> str:
        """How people call it: ``root@box:48626``, or this machine's name."""
        ...

    @property
    def gpus(self) -> GpuSource: ...

    async def run(self, program: Program, *, text: str = "", limit: float = 30.0) -> RunResult:
        """Run a program to its end, with ``text`` as its input, at most ``limit`` seconds."""
        ...

    async def spawn(self, program: Program) -> Spawned:
        """Start a program that goes on when we are gone; its output goes into a log on that machine."""
        ...

    async def spawned(self) -> tuple[Spawned, ...]:
        """What was spawned on this machine and not forgotten, by this lmdeck or an earlier one."""
        ...

    async def stop(self, spawned_id: str, signal: str = "TERM") -> None:
        """Send INT, TERM or KILL to a spawned program and its children; nothing happens when it has ended."""
        ...

    async def forget(self, spawned_id: str) -> None:
        """Remove the log and the facts of a spawned program that has ended."""
        ...

    async def read(self, path: str, limit: int = 1 << 20) -> bytes:
        """The first ``limit`` bytes of a file (at most 16 MiB)."""
        ...

    async def tail(self, path: str, offset: int = -65536, limit: int = 65536) -> Piece:
        """A part of a file; a negative offset counts from its end."""
        ...

    async def processes(self) -> Sequence[ProcessFacts]: ...

    async def servers(self) -> Sequence[FoundServer]:
        """The lmdeploy servers that run there and whose processes this user may see."""
        ...

    async def checkpoint(self, folder: str) -> Json:
        """Config, index and headers of a model folder, for :func:`tui.lmdeploy.checkpoint.parse_checkpoint`."""
        ...

    async def inspect(self, server: FoundServer) -> ServerFiles:
        """Where a server's log and model are."""
        ...

    async def listening(self, port: int) -> bool: ...

    async def aclose(self) -> None: ...
