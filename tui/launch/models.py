"""The model picker: folders under the roots and in the hubs' caches, with size, format and whether they fit."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

from tui.launch.machine import Machine, look
from tui.lmdeploy.checkpoint import parse_checkpoint
from tui.lmdeploy.config import read_config
from tui.model.checkpoint import Checkpoint, ModelConfig
from tui.model.gpu import GpuSample
from tui.model.plan import Plan, PlanInput
from tui.model.problem import Problem, ProblemError
from tui.planner.calibration import Measurement
from tui.planner.planning import plan

ROOTS = ("/root/models", "/root/share/new_models", "~/models")
"""Where the camp's machines keep models (course), and a usual place at home."""
_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """A model folder on a machine. ``real`` is the folder without symlinks; ``size`` bytes of its files; ``format`` the
    quantisation, or the weights' type; ``plan`` the memory at the ratio asked about (None where it cannot be
    planned); ``problem`` why it cannot be used."""

    path: str
    real: str
    name: str
    size: int
    format: str = ""
    config: ModelConfig | None = None
    checkpoint: Checkpoint | None = None
    plan: Plan | None = None
    problem: Problem | None = None

    @property
    def fits(self) -> bool | None:
        """Whether it fits on the card; None when that is not known."""
        return None if self.plan is None else self.plan.fits


async def list_models(machine: Machine, roots: Sequence[str] = ()) -> tuple[ModelEntry, ...]:
    """Every model folder, by name, without reading headers yet (see :func:`measured`). ``roots`` are the settings'
    model_roots. Raises ProblemError when the machine cannot be asked."""
    found = await look(machine, "models", 60.0, roots=list(dict.fromkeys([*roots, *ROOTS])))
    entries = [_entry(facts) for facts in cast("list[dict[str, Any]]", found)]
    return tuple(sorted(entries, key=lambda entry: (entry.name.lower(), entry.path)))


def _entry(facts: dict[str, Any]) -> ModelEntry:
    entry = ModelEntry(str(facts["path"]), str(facts["real"]), str(facts["name"]), int(facts["size"]))
    try:
        config = read_config(str(facts["config"]), entry.path)
    except ProblemError as error:
        return replace(entry, problem=error.problem)
    problem = None if facts["weights"] else Problem("checkpoint.no-weights", {"folder": entry.path})
    return replace(entry, config=config, format=config.quant_method or config.dtype, problem=problem)


async def measured(
    machine: Machine,
    entries: Iterable[ModelEntry],
    card: GpuSample | None,
    ratio: float = 0.8,
    own: Sequence[Measurement] = (),
) -> tuple[ModelEntry, ...]:
    """The same with exact sizes from their headers, and whether they fit on a card at a ratio."""
    turn = asyncio.Semaphore(_AT_ONCE)

    async def one(entry: ModelEntry) -> ModelEntry:
        if entry.problem is not None:
            return entry
        async with turn:
            return await _measured(machine, entry, card, ratio, own)

    return tuple(await asyncio.gather(*(one(entry) for entry in entries)))


async def _measured(
    machine: Machine, entry: ModelEntry, card: GpuSample | None, ratio: float, own: Sequence[Measurement]
) -> ModelEntry:
    try:
        raw = (await machine.order("checkpoint", 60.0, path=entry.real))["checkpoint"]
        config, checkpoint = await asyncio.to_thread(parse_checkpoint, raw)
    except ProblemError as error:
        return replace(entry, problem=error.problem)
    entry = replace(entry, config=config, checkpoint=checkpoint, format=checkpoint.weight_format)
    if card is None or card.total is None:
        return entry
    question = PlanInput(config, checkpoint, card.total, card.free, gpu_name=card.name, ratio=ratio)
    try:
        return replace(entry, plan=plan(question, own))
    except ProblemError as error:
        return replace(entry, problem=error.problem)
