"""Keeps every start of a server that was seen as a run, once, and lets the calibration learn from it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from tui.config.paths import data_folder
from tui.hosts.findings import Findings
from tui.hosts.memory_state import free_before, server_bytes
from tui.lmdeploy.log import LogFacts
from tui.model.memory import MemoryBreakdown
from tui.model.plan import Plan, PlanInput, Run
from tui.model.problem import Problem, ProblemError
from tui.planner.calibration import Measurement, OwnMeasurements
from tui.planner.cli import measurements_file
from tui.planner.learning import Started, learn, run_of
from tui.planner.planning import plan
from tui.planner.runs import RunLog


def runs_file() -> Path:
    """Where the user's runs are kept."""
    return data_folder() / "runs.jsonl"


@dataclass(frozen=True, slots=True)
class Start:
    """A server that is ready, on its first card, as it was seen."""

    found: Findings
    question: PlanInput
    card: MemoryBreakdown
    simulated: bool


class RunKeeper:
    """Runs and measurements of this user. Those of the simulated server live as long as lmdeck does."""

    def __init__(self, runs: RunLog | None = None, own: OwnMeasurements | None = None) -> None:
        self._log = runs or RunLog(runs_file())
        self._own = own or OwnMeasurements(measurements_file())
        self._simulated: dict[str, Run] = {}
        self._kept: set[str] = set()
        self.problem: Problem | None = None

    async def runs(self) -> tuple[Run, ...]:
        """All runs, oldest first."""
        kept, _broken = await asyncio.to_thread(self._log.read)
        return tuple(sorted([*kept, *self._simulated.values()], key=lambda run: run.started))

    async def measurements(self) -> tuple[Measurement, ...]:
        """The user's own measurements, for plans."""
        found, problem = await asyncio.to_thread(self._own.read)
        self.problem = problem or self.problem
        return tuple(found)

    async def forget(self, ids: Iterable[str]) -> Problem | None:
        """Remove runs."""
        gone = set(ids)
        self._simulated = {name: run for name, run in self._simulated.items() if name not in gone}
        return await asyncio.to_thread(self._log.forget, gone)

    async def keep(self, start: Start) -> Run | None:
        """Keep this start unless it was kept already; None when its split is not known."""
        name = start.found.identity
        if not name or name in self._kept or start.card.weights.bytes is None or start.card.kv_cache.bytes is None:
            return None
        self._kept.add(name)
        own = await self.measurements()
        try:
            run = run_from(start, predict(start.question, own))
        except ProblemError:  # flags that lmdeploy itself would refuse have no plan
            run = run_from(start, None)
        if start.simulated:
            self._simulated[name] = run
            return run
        return await asyncio.to_thread(self._write, start, run)

    def _write(self, start: Start, run: Run) -> Run | None:
        known, _broken = self._log.read()
        if any(entry.id == run.id for entry in known):
            return None
        self.problem = self._log.add(run) or self.problem
        measurement = measure(start)
        if measurement is not None:
            self.problem = self._own.add(measurement) or self.problem
        return run


def predict(question: PlanInput, own: Iterable[Measurement] = ()) -> Plan:
    """The plan as it would have been made before the start. Raises ProblemError."""
    return plan(question, own)


def run_from(start: Start, predicted: Plan | None) -> Run:
    """The run to keep. What the server's log did not say comes from the breakdown, with its sources."""
    card, found = start.card, start.found
    seen = _seen(start)
    flags = found.arguments or _flags(found)
    if seen is not None and seen.facts.kv_region(start.question.config) is not None:
        return run_of(seen, predicted, flags)
    question = start.question
    capacity = card.occupancy.capacity_tokens if card.occupancy else None
    return Run(
        id=found.identity,
        started=found.started or card.time,
        model=question.checkpoint.name,
        engine=question.engine,
        gpu_name=card.name,
        flags=flags,
        ratio=question.ratio,
        quant_policy=question.quant_policy,
        tp=question.tp,
        version=question.version,
        weight_format=question.checkpoint.weight_format,
        weights=card.weights.bytes,
        kv_cache=card.kv_cache.bytes,
        total=server_bytes(card),
        tokens=capacity,
        predicted_total=predicted.total_used if predicted else None,
        predicted_kv=predicted.kv_cache if predicted else None,
        sources={
            "weights": card.weights.source.value,
            "kv_cache": card.kv_cache.source.value,
            "total": card.other.source.value,
        },
    )


def measure(start: Start) -> Measurement | None:
    """What this start teaches about "other"; only a log with exact figures and a card of one's own teach anything."""
    seen = _seen(start)
    if seen is None or start.simulated or start.found.facts is None:
        return None
    try:
        return learn(seen)
    except ProblemError:
        return None


def _seen(start: Start) -> Started | None:
    held, free = server_bytes(start.card), free_before(start.found, start.card)
    if held is None or free is None:
        return None
    found = start.found
    return Started(
        id=found.identity,
        started=found.started or start.card.time,
        question=replace(start.question, free=free),
        facts=found.facts or LogFacts(),
        free_before=free,
        process=held,
    )


def _flags(found: Findings) -> tuple[str, ...]:
    if found.command is None:
        return ()
    return tuple(f"--{name.replace('_', '-')}={value}" for name, value in found.command.options.items())
