"""Corrects the calculated "other" by measurements: recorded runs shipped with lmdeck and the user's own starts.

A measurement knows what the formula of :mod:`tui.lmdeploy.overhead` says for it, so only the difference is learnt:
measurements of the same engine, weight kind and card move the two halves by their mean difference (shrunk towards
none, so that a single odd run moves little), and their spread sets the margin.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, cast

from tui.config.paths import private_folder
from tui.lmdeploy.overhead import GIB, Load, before_kv, is_quantised
from tui.lmdeploy.versions import OBJECT_CACHE
from tui.model.problem import Problem

_SMALLEST_MARGIN = int(0.12 * GIB)
_UNMEASURED_MARGIN = int(0.45 * GIB)
_LIMIT = 400


@dataclass(frozen=True, slots=True)
class Measurement:
    """How much more (or less) than calculated a real server held: ``before`` and ``after`` in bytes on one card.

    ``family`` is :func:`family_of` its load, ``gpu`` the card's name."""

    name: str
    gpu: str
    family: str
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class Correction:
    """What to add to the calculated halves, and the margin of their sum; ``known`` when the same card was measured."""

    before: int
    after: int
    margin: int
    known: bool


def family_of(load: Load) -> str:
    """Engine, band of versions and weight kind: measurements of one family can stand in for each other."""
    band = "old" if load.engine == "turbomind" and load.version < OBJECT_CACHE else "new"
    return f"{load.engine}-{band}-{'quantised' if is_quantised(load.checkpoint) else 'plain'}"


def card_of(gpu_name: str) -> str:
    """``NVIDIA H200`` and ``NVIDIA H200 NVL`` → ``h200``: the part that decides about drivers and kernels."""
    words = [word for word in gpu_name.lower().replace("-", " ").split() if any(char.isdigit() for char in word)]
    return words[0] if words else gpu_name.lower().strip()


def correct(load: Load, measurements: Iterable[Measurement]) -> Correction:
    """The correction for a load, from the measurements of its family; those of the same card count alone if any."""
    family = [entry for entry in measurements if entry.family == family_of(load)]
    card = card_of(load.gpu_name)
    same = [entry for entry in family if card and card_of(entry.gpu) == card]
    if not same:
        spread = max((abs(entry.before + entry.after) for entry in family), default=0)
        margin = max(_UNMEASURED_MARGIN, spread) + load.weights // 50 + _unsure(load)
        return Correction(0, 0, margin, known=False)
    share = len(same) + 1
    before = sum(entry.before for entry in same) // share
    after = sum(entry.after for entry in same) // share
    spread = max(abs(entry.before + entry.after - before - after) for entry in same)
    margin = max(_SMALLEST_MARGIN, spread) + (load.weights // 50 if is_quantised(load.checkpoint) else 0)
    return Correction(before, after, margin, known=True)


def _unsure(load: Load) -> int:
    """What a card of unknown name would hold more if it were a Hopper card (PyTorch's second w4 layout)."""
    return 0 if load.gpu_name else before_kv(replace(load, gpu_name="h200")) - before_kv(load)


class OwnMeasurements:
    """The user's own starts, kept in a small JSON file in the data folder."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> tuple[list[Measurement], Problem | None]:
        """The measurements kept so far; a broken file reads as none, with the problem."""
        try:
            text = self.path.read_text("utf-8")
        except FileNotFoundError:
            return [], None
        except (OSError, UnicodeError) as error:
            return [], self._problem(error)
        try:
            entries = cast("list[dict[str, Any]]", json.loads(text)["measurements"])
            return [_measurement(entry) for entry in entries], None
        except (ValueError, KeyError, TypeError) as error:
            return [], self._problem(error)

    def add(self, measurement: Measurement) -> Problem | None:
        """Keep one more, replacing one of the same name; the oldest go beyond 400. Returns what went wrong."""
        kept = [entry for entry in self.read()[0] if entry.name != measurement.name]
        entries = [asdict(entry) for entry in [*kept, measurement][-_LIMIT:]]
        try:
            private_folder(self.path.parent)
            fresh = self.path.with_suffix(".new")
            fresh.write_text(json.dumps({"version": 1, "measurements": entries}, indent=1), "utf-8")
            fresh.replace(self.path)
        except OSError as error:
            return self._problem(error)
        return None

    def _problem(self, error: Exception) -> Problem:
        return Problem("plan.table", {"file": str(self.path)}, str(error))


def _measurement(entry: dict[str, Any]) -> Measurement:
    return Measurement(
        name=str(entry["name"]),
        gpu=str(entry["gpu"]),
        family=str(entry["family"]),
        before=int(entry["before"]),
        after=int(entry["after"]),
    )
