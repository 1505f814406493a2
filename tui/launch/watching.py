"""Watching a start: the log turned into phases, the memory growing beside the plan, the end made a card."""

from __future__ import annotations

import asyncio
import re
from collections import deque
from collections.abc import AsyncGenerator, Iterator
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, cast

from tui import agent
from tui.launch.doctor import Evidence, diagnose, notice
from tui.launch.machine import Machine
from tui.launch.starting import Spawned, find
from tui.launch.wish import Prepared
from tui.lmdeploy.log import LogReader
from tui.model.gpu import GpuReading
from tui.model.launch import (
    Diagnosis,
    LaunchEvent,
    LaunchLines,
    LaunchMemory,
    LaunchPhase,
    LaunchQuestion,
    LaunchStage,
)
from tui.model.problem import Problem, ProblemError

_ASKS = re.compile(r"(?:\[y/N\]|\[Y/n\]|\(y/n\)|\(yes/no\))\s*:?\s*$", re.IGNORECASE)
_CHUNK = 256 * 1024
_KEPT_LINES = 400


@dataclass(frozen=True, slots=True)
class Pace:
    """How often to look: at the log, at cards and processes; after how many silent seconds to say so; and how long
    after the warm-up the memory is measured for the record (a slice's tool is asked once a second)."""

    log: float = 0.3
    cards: float = 1.0
    silence: float = 90.0
    settle: float = 1.1


@dataclass(slots=True)
class Watch:
    """The watching of one start. ``prepared`` is None when a running start is found again: its notes hold what was
    predicted.

    After :meth:`events` has ended, ``reader`` holds what the log said, ``ready`` whether the server answers, ``memory``
    and ``pids`` what its processes held on each card (bytes) and which they are."""

    machine: Machine
    spawned: Spawned
    prepared: Prepared | None = None
    pace: Pace = field(default_factory=Pace)
    reader: LogReader = field(default_factory=LogReader)
    ready: bool = False
    memory: dict[int, int] = field(default_factory=dict[int, int])
    pids: tuple[int, ...] = ()
    tail: deque[str] = field(default_factory=lambda: deque[str](maxlen=_KEPT_LINES))
    _offset: int = 0
    _began: float = field(default_factory=monotonic)
    _stage_began: int | None = None
    _told: set[str] = field(default_factory=set[str])
    _heard: float = field(default_factory=monotonic)
    _partial: str = ""

    @property
    def _now(self) -> float:
        return monotonic() - self._began

    async def events(self) -> AsyncGenerator[LaunchEvent]:
        """Everything that happens until the server is ready or has ended. Closing the iterator ends only the watching.
        Raises ProblemError when the machine cannot be asked any more (a lost link: watch again later)."""
        yield LaunchPhase(LaunchStage.STARTING, 0.0)
        looked = -self.pace.cards
        while True:
            async for event in self._log():
                yield event
            if self._now - looked >= self.pace.cards or self._ended_talking():
                looked = self._now
                yield await self._measure()
                for event in self._remarks():
                    yield event
                if await self._listening():
                    self.ready = True
                    yield self._phase(LaunchStage.READY)
                    await asyncio.sleep(self.pace.settle)
                    yield await self._measure()
                    return
                ended = await self._ended()
                if ended is not None:
                    async for event in self._log():
                        yield event
                    for event in self._obituary(ended):
                        yield event
                    return
            await asyncio.sleep(self.pace.log)

    def _ended_talking(self) -> bool:
        return self.reader.facts.stage in (LaunchStage.READY, LaunchStage.STOPPING) or bool(self.reader.facts.failure)

    # ── the log ──────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _log(self) -> AsyncGenerator[LaunchEvent]:
        """What came into the log since the last look."""
        while True:
            try:
                piece = await self.machine.order("tail", path=self.spawned.log, offset=self._offset, limit=_CHUNK)
            except ProblemError as error:
                if error.problem.code in ("launch.order", "ssh.agent_refused"):
                    return  # the log is not there (yet)
                raise
            text = str(piece["text"])
            self._offset = int(piece["offset"])
            if not text:
                return
            self._heard = self._now
            self._told.discard("silence")
            for event in self.take(text):
                yield event
            if self._offset >= int(piece["size"]):
                return

    def take(self, text: str) -> Iterator[LaunchEvent]:
        """Events of a piece of log."""
        before = self.reader.facts
        count = len(self.reader.stages)
        lines = self.reader.feed(text, self._now)
        self.tail.extend(lines)
        if lines:
            yield LaunchLines(self._now, lines)
        for change in self.reader.stages[count:]:
            if change.stage not in (LaunchStage.READY, LaunchStage.FAILED):
                yield self._phase(change.stage)
        facts = self.reader.facts
        if facts.fraction is not None and facts.fraction != before.fraction and facts.stage == before.stage:
            yield LaunchPhase(facts.stage, self._now, fraction=facts.fraction)
        self._partial = (self._partial + text).replace("\r", "\n").rpartition("\n")[2][-500:]
        if _ASKS.search(self._partial) and self._partial not in self._told:
            self._told.add(self._partial)
            yield LaunchQuestion(self._now, "".join(char for char in self._partial if char.isprintable()))

    def _phase(self, stage: LaunchStage, problem: Problem | None = None) -> LaunchPhase:
        """A phase begins; its size is what the one before it took."""
        used = max(self.memory.values(), default=None)
        took = None if used is None or self._stage_began is None else used - self._stage_began
        self._stage_began = used
        return LaunchPhase(stage, self._now, fraction=None, size=took, problem=problem)

    # ── memory and processes ─────────────────────────────────────────────────────────────────────────────────────────

    async def _measure(self) -> LaunchMemory:
        table = cast("list[dict[str, Any]]", (await self.machine.order("processes"))["processes"])
        family = agent.family(self.spawned.pid, table)
        self.pids = tuple(family)
        try:
            self.memory = self._held(await self.machine.sample(), frozenset(family))
        except ProblemError:
            self.memory = {}
        answer = self.prepared.plan if self.prepared else None
        used = max(self.memory.values(), default=None)
        if self._stage_began is None:
            self._stage_began = used
        predicted = answer.total_used if answer else cast("int | None", self.spawned.notes.get("predicted"))
        margin = answer.margin if answer else int(self.spawned.notes.get("margin") or 0)
        return LaunchMemory(self._now, used, predicted, margin if predicted else 0)

    def _held(self, reading: GpuReading, family: frozenset[int]) -> dict[int, int]:
        """Bytes of the server's processes by card; what the card lost since the start where processes are hidden."""
        baseline = {int(key): int(used) for key, used in dict(self.spawned.notes.get("baseline") or {}).items()}
        wanted = self.spawned.notes.get("cards") or [sample.index for sample in reading.samples]
        held: dict[int, int] = {}
        for sample in reading.samples:
            if sample.index not in wanted:
                continue
            listed = [entry.used for entry in sample.processes or () if entry.pid in family and entry.used is not None]
            if listed:
                held[sample.index] = sum(listed)
            elif not sample.processes and sample.used is not None and sample.index in baseline:
                held[sample.index] = max(sample.used - baseline[sample.index], 0)
            elif sample.processes is not None:
                held[sample.index] = 0
        return held

    # ── ends ─────────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _listening(self) -> bool:
        if self.reader.facts.stage is not LaunchStage.READY:
            return False
        port = int(self.spawned.notes.get("port") or 0)
        return bool((await self.machine.order("port", port=port))["sockets"]) if port else True

    async def _ended(self) -> Spawned | None:
        """The entry of a start that runs no more."""
        entry = await find(self.machine, self.spawned.id)
        if entry is None:
            return self.spawned
        return None if entry.running else entry

    def _obituary(self, ended: Spawned) -> Iterator[LaunchEvent]:
        last = self.reader.finish(self._now)
        self.tail.extend(last)
        if last:
            yield LaunchLines(self._now, last)
        card = diagnose(self.evidence(ended.code))
        yield self._phase(LaunchStage.FAILED, card.problem)
        yield card

    def evidence(self, code: int | None = None) -> Evidence:
        """What the doctor gets to see."""
        return Evidence(
            facts=self.reader.facts,
            lines=tuple(self.tail),
            code=code,
            prepared=self.prepared,
            question=self._partial if _ASKS.search(self._partial) else "",
        )

    def _remarks(self) -> Iterator[Diagnosis]:
        """What should be known while it goes on: a fallback, a context cut short, a long silence."""
        silent = self._now - self._heard
        for card in notice(self.evidence(), silent if silent > self.pace.silence else 0.0):
            key = "silence" if card.problem.code == "launch.silent" else card.problem.code
            if key not in self._told:
                self._told.add(key)
                yield card
