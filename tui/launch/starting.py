"""Starting a server, detached: it survives lmdeck and a lost link, and is found again by its notes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from tui.launch.machine import Machine
from tui.launch.wish import Prepared


@dataclass(frozen=True, slots=True)
class Spawned:
    """Something lmdeck started on a machine: its process group, log and notes. ``started`` is UTC seconds; ``code`` the
    exit status (128 + signal) and ``ended`` the time once it ended by itself."""

    id: str
    pid: int
    log: str
    started: float = 0.0
    arguments: tuple[str, ...] = ()
    notes: Mapping[str, Any] = field(default_factory=dict[str, Any])
    running: bool = True
    code: int | None = None
    ended: float | None = None

    @property
    def kind(self) -> str:
        """``serve``, ``quantise``, or "" for something else."""
        return str(self.notes.get("kind", ""))


async def start(machine: Machine, prepared: Prepared) -> Spawned:
    """Start what was prepared. Raises ProblemError when the program cannot be run."""
    answer = prepared.plan
    notes: dict[str, Any] = {
        "kind": "serve",
        "model": prepared.model,
        "words": [*prepared.wish.words, *prepared.wish.verbatim],
        "host": prepared.host,
        "port": prepared.port,
        "cards": list(prepared.cards.indices),
        "version": str(prepared.version or ""),
        "baseline": {str(index): used for index, used in prepared.cards.baseline.items()},
        "predicted": answer.total_used if answer else None,
        "margin": answer.margin if answer else None,
    }
    return await spawn(machine, prepared.argv, prepared.folder, prepared.environment, notes)


async def spawn(
    machine: Machine, argv: tuple[str, ...], folder: str, environment: Mapping[str, str], notes: Mapping[str, Any]
) -> Spawned:
    """Run a program detached on a machine. Raises ProblemError."""
    done = await machine.order(
        "spawn", arguments=list(argv), folder=folder, environment=dict(environment), notes=dict(notes)
    )
    return Spawned(str(done["id"]), int(done["pid"]), str(done["log"]), arguments=argv, notes=notes)


async def spawned(machine: Machine) -> tuple[Spawned, ...]:
    """Everything lmdeck started there and nobody forgot, the oldest first."""
    answer = await machine.order("spawned")
    return tuple(_spawned(entry) for entry in cast("list[dict[str, Any]]", answer["spawned"]))


async def find(machine: Machine, name: str) -> Spawned | None:
    """One of them by its id."""
    return next((entry for entry in await spawned(machine) if entry.id == name), None)


def _spawned(entry: Mapping[str, Any]) -> Spawned:
    notes = entry.get("notes")
    return Spawned(
        id=str(entry["id"]),
        pid=int(entry["pid"]),
        log=str(entry["log"]),
        started=float(entry.get("started") or 0.0),
        arguments=tuple(map(str, cast("list[object]", entry.get("arguments") or []))),
        notes=cast("dict[str, Any]", notes) if isinstance(notes, dict) else {},
        running=bool(entry.get("running")),
        code=cast("int | None", entry.get("code")),
        ended=cast("float | None", entry.get("ended")),
    )
