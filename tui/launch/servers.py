"""The servers of a machine: those lmdeck started and those others did; stopping them, their memory coming back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import replace
from time import monotonic, time
from typing import Any, cast

from tui.gpu.found import FoundServer, server_from
from tui.i18n.figures import gib
from tui.launch.machine import Machine, look
from tui.launch.starting import Spawned, spawned
from tui.model.gpu import GpuReading
from tui.model.launch import ServerEntry, StopStep
from tui.model.problem import Problem, ProblemError

GRACE = (("INT", 15.0), ("TERM", 8.0), ("KILL", 8.0))
"""Signals of a stop with the seconds each gets. uvicorn waits for open streams at the first; the PyTorch child gets
10 s of its own (reference §7)."""


async def servers(machine: Machine, *, ended: bool = False) -> tuple[ServerEntry, ...]:
    """Every lmdeploy server of a machine, ours first; with ``ended`` also ours that run no more.

    Raises ProblemError when the machine cannot be asked."""
    ours, answer = await asyncio.gather(spawned(machine), machine.order("servers"))
    found = [server_from(entry) for entry in cast("list[dict[str, Any]]", answer["servers"])]
    reading = await _reading(machine)
    people = await _people(machine, [pid for server in found for pid in server.pids])
    mine = [entry for entry in ours if entry.kind == "serve" and (entry.running or ended)]
    entries = [_ours(entry, found) for entry in mine]
    known = {entry.pid for entry in entries}
    entries += [_theirs(server) for server in found if server.pid not in known]
    baselines = {entry.id: cast("dict[str, int]", entry.notes.get("baseline") or {}) for entry in mine}
    dated = [_dated(entry, people, reading, baselines.get(entry.id, {})) for entry in entries]
    return tuple(await asyncio.gather(*(_heard(machine, entry) for entry in dated)))


async def _heard(machine: Machine, entry: ServerEntry) -> ServerEntry:
    """With whether its port is open."""
    if not entry.running or not entry.port:
        return entry
    return replace(entry, listening=bool((await machine.order("port", port=entry.port))["sockets"]))


async def _reading(machine: Machine) -> GpuReading | None:
    try:
        return await machine.sample()
    except ProblemError:
        return None


async def _people(machine: Machine, pids: Iterable[int]) -> dict[int, dict[str, Any]]:
    answer = cast("list[dict[str, Any]]", await look(machine, "people", pids=sorted(set(pids))))
    return {int(entry["pid"]): entry for entry in answer}


def _ours(entry: Spawned, found: Sequence[FoundServer]) -> ServerEntry:
    notes = entry.notes
    seen = next((server for server in found if entry.pid in server.pids), None)
    cards = tuple(int(card) for card in cast("list[int]", notes.get("cards") or []))
    return ServerEntry(
        pid=entry.pid,
        model=str(notes.get("model", "")),
        port=int(notes.get("port") or 0),
        id=entry.id,
        host=str(notes.get("host") or "127.0.0.1"),
        mine=True,
        running=entry.running,
        pids=tuple(sorted(seen.pids)) if seen else (entry.pid,),
        cards=cards or None,
        age=max(time() - entry.started, 0.0) if entry.running else None,
        log=entry.log,
        code=entry.code,
        version=str(notes.get("version") or ""),
        words=tuple(map(str, cast("list[object]", notes.get("words") or []))),
    )


def _theirs(server: FoundServer) -> ServerEntry:
    return ServerEntry(
        pid=server.pid,
        model=server.command.model,
        port=server.port,
        host=server.command.text("server_name") or "0.0.0.0",  # noqa: S104 (lmdeploy's default)
        pids=tuple(sorted(server.pids)),
        cards=server.cards,
    )


def _dated(
    entry: ServerEntry,
    people: Mapping[int, Mapping[str, Any]],
    reading: GpuReading | None,
    baseline: Mapping[str, int],
) -> ServerEntry:
    """With its owner, age and memory."""
    nobody: dict[str, Any] = {}
    owner = people.get(entry.pid) or next((people[pid] for pid in entry.pids if pid in people), nobody)
    age = float(owner["age"]) if entry.age is None and "age" in owner else entry.age
    memory = _memory(entry, reading, baseline) if reading and entry.running else None
    return replace(entry, user=str(owner.get("user", "")), age=age, memory=memory)


def _memory(entry: ServerEntry, reading: GpuReading, baseline: Mapping[str, int]) -> int | None:
    """By the driver's list of processes; where it is hidden, what its cards lost since the start."""
    sizes = [
        process.used
        for sample in reading.samples
        for process in sample.processes or ()
        if process.pid in entry.pids and process.used is not None
    ]
    if sizes:
        return sum(sizes)
    lost = [
        max(sample.used - baseline[str(sample.index)], 0)
        for sample in reading.samples
        if not sample.processes and sample.used is not None and str(sample.index) in baseline
    ]
    return sum(lost) if lost else None


def may_stop(entry: ServerEntry, typed: str = "") -> bool:
    """Whether this user may stop it: what lmdeck started for them at once, anything else when its name is typed."""
    return entry.mine or typed.strip() in (entry.name, str(entry.pid))


async def stop(
    machine: Machine, entry: ServerEntry, grace: Sequence[tuple[str, float]] = GRACE, look_every: float = 0.25
) -> AsyncIterator[StopStep]:
    """Stop a server with its children and Ray workers: INT, TERM, KILL, each with its time; the memory that came back
    with every step. The last step is ``done``, with a problem when processes or their memory stayed.

    Raises ProblemError when the machine cannot be asked."""
    people = await _people(machine, entry.pids or (entry.pid,))
    alive = {pid: str(facts["born"]) for pid, facts in people.items()}
    before = _used(await _reading(machine), entry)
    if not alive:
        yield StopStep("", 0, None, done=True)
        return
    for signal, seconds in grace:
        problem = await _send(machine, entry, signal, alive)
        if problem is not None:
            yield StopStep(signal, len(alive), None, done=True, problem=problem)
            return
        yield StopStep(signal, len(alive), await _freed(machine, entry, before))
        until = monotonic() + seconds
        while alive and monotonic() < until:
            await asyncio.sleep(look_every)
            left = await _people(machine, alive)
            gone = len(alive)
            alive = {pid: born for pid, born in alive.items() if str(left.get(pid, {}).get("born")) == born}
            if len(alive) != gone:
                yield StopStep("", len(alive), await _freed(machine, entry, before))
        if not alive:
            break
    async for step in _settle(machine, entry, len(alive), before, look_every):
        yield step


async def _settle(
    machine: Machine, entry: ServerEntry, alive: int, before: int | None, look_every: float
) -> AsyncIterator[StopStep]:
    """The driver takes a moment to count the memory of dead processes back."""
    freed = await _freed(machine, entry, before)
    until = monotonic() + 3.0
    while not alive and entry.memory and (freed or 0) < entry.memory * 0.95 and monotonic() < until:
        await asyncio.sleep(look_every)
        freed = await _freed(machine, entry, before)
    problem = None
    if alive:
        problem = Problem("launch.will-not-stop", {"count": alive, "model": entry.name})
    elif entry.memory and freed is not None and freed < entry.memory * 0.5:
        problem = Problem("launch.memory-stays", {"model": entry.name, "freed": gib(freed)})
    yield StopStep("", alive, freed, done=True, problem=problem)


async def _send(machine: Machine, entry: ServerEntry, signal: str, alive: Mapping[int, str]) -> Problem | None:
    """Signal the group of a server of ours, else its first process; the last signal goes to each that is left."""
    try:
        if entry.id and signal != "KILL":
            await machine.order("stop", id=entry.id, signal=signal)
        else:
            first = [pid for pid in alive if pid == entry.pid] or sorted(alive)[:1]
            pids = sorted(alive) if signal == "KILL" or entry.pid not in alive else first
            await look(machine, "signal", pids=[[pid, alive[pid]] for pid in pids], signal=signal)
    except ProblemError as error:
        data = {"model": entry.name, "user": entry.user or "?", "reason": str(error.problem.data.get("reason", ""))}
        return Problem("launch.not-allowed", data)
    return None


def _used(reading: GpuReading | None, entry: ServerEntry) -> int | None:
    """What is used on the cards the server uses (all when that is not known)."""
    if reading is None:
        return None
    wanted = [sample for sample in reading.samples if entry.cards is None or sample.index in entry.cards]
    sizes = [sample.used for sample in wanted if sample.used is not None]
    return sum(sizes) if sizes else None


async def _freed(machine: Machine, entry: ServerEntry, before: int | None) -> int | None:
    now = _used(await _reading(machine), entry)
    return None if now is None or before is None else max(before - now, 0)


async def forget(machine: Machine, entry: ServerEntry) -> None:
    """Remove the log and notes of one that has ended. Raises ProblemError."""
    await machine.order("forget", id=entry.id)
