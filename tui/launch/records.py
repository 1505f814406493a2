"""What a start leaves behind: a run in the table of runs, and what it teaches the planner."""

from __future__ import annotations

from pathlib import Path
from time import time

from tui.config.paths import data_folder
from tui.launch.machine import Machine, look
from tui.launch.starting import Spawned
from tui.launch.watching import Watch
from tui.launch.wish import Prepared
from tui.model.launch import LaunchStage
from tui.model.plan import Run
from tui.model.problem import Problem, ProblemError
from tui.planner.calibration import Measurement, OwnMeasurements
from tui.planner.cli import measurements_file
from tui.planner.learning import Started, learn, run_of
from tui.planner.runs import RunLog


def runs_file() -> Path:
    """Where the table of runs is kept."""
    return data_folder() / "runs.jsonl"


def own_measurements() -> list[Measurement]:
    """What earlier starts taught; a broken file teaches nothing."""
    return OwnMeasurements(measurements_file()).read()[0]


async def identity(machine: Machine, spawned: Spawned) -> str:
    """The name of this very start, the same that the memory panel gives it: a run is kept once."""
    try:
        people = await look(machine, "people", pids=[spawned.pid])
        started = float(people[0]["started"])
    except (ProblemError, IndexError, KeyError, TypeError):
        return spawned.id
    where = f"{machine.name}-" if machine.name else ""
    return f"{where}{spawned.pid}-{started:.0f}"


def seen(prepared: Prepared, spawned: Spawned, watch: Watch, name: str) -> Started | None:
    """The start as the planner sees it, on the card that decides; None when it is not ready or was not planned."""
    card = prepared.cards.smallest
    question = prepared.question
    if not watch.ready or question is None or card is None or card.free is None:
        return None
    held = watch.memory.get(card.index)
    if not held:
        return None
    return Started(name, spawned.started or time(), question, watch.reader.facts, card.free, held)


def keep(prepared: Prepared, spawned: Spawned, watch: Watch, name: str) -> tuple[Run | None, Problem | None]:
    """Record a server that became ready. The engine that really runs decides: after a fallback nothing is learnt for
    the other one. ``name`` is its :func:`identity`. Returns the run, and what could not be written."""
    started = seen(prepared, spawned, watch, name)
    if started is None or watch.reader.facts.stage is not LaunchStage.READY:
        return None, None
    facts = watch.reader.facts
    if facts.engine and facts.engine != started.question.engine:
        return None, None
    run = run_of(started, prepared.plan, tuple(prepared.wish.words))
    problem = RunLog(runs_file()).add(run)
    measurement = learn(started)
    if measurement is not None and prepared.wish.total is None:
        problem = problem or OwnMeasurements(measurements_file()).add(measurement)
    return run, problem
