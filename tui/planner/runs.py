"""The table of runs: every start kept, newest last, with differences from a chosen run; a copy as Markdown."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, cast

from tui.config.paths import private_folder
from tui.i18n import N_, _
from tui.i18n.figures import gib
from tui.model.plan import Run
from tui.model.problem import Problem

_FIGURES = ("weights", "kv_cache", "other", "total")
_HEADINGS = (
    N_("model"),
    N_("ratio"),
    N_("kv policy"),
    N_("weights"),
    N_("kv cache"),
    N_("other"),
    N_("total"),
    N_("change"),
    N_("tokens"),
)
_LIMIT = 1000


@dataclass(frozen=True, slots=True)
class RunRow:
    """A run with its differences from the base run, in bytes (None where either figure is unknown)."""

    run: Run
    differences: dict[str, int | None]


def compare(runs: Sequence[Run], base: Run | None = None) -> list[RunRow]:
    """Every run beside its differences from ``base`` (the first run unless given)."""
    if not runs:
        return []
    start = base or runs[0]
    return [RunRow(run, {name: _difference(run, start, name) for name in _FIGURES}) for run in runs]


def _difference(run: Run, base: Run, name: str) -> int | None:
    mine, other = cast("int | None", getattr(run, name)), cast("int | None", getattr(base, name))
    return None if mine is None or other is None else mine - other


def markdown(runs: Sequence[Run], base: Run | None = None) -> str:
    """The runs as a Markdown table, sizes in GiB; unknown figures are a dash, never 0."""
    headings = [_(heading) for heading in _HEADINGS]
    lines = ["| " + " | ".join(headings) + " |", "|" + "---|" * len(headings)]
    for row in compare(runs, base):
        run = row.run
        cells = [
            _cell(run.model),
            f"{run.ratio:g}",
            str(run.quant_policy),
            *(_size(cast("int | None", getattr(run, name))) for name in _FIGURES),
            _signed(row.differences["total"]),
            "–" if run.tokens is None else f"{run.tokens:,}",
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    clean = "".join(char if char.isprintable() else " " for char in text)
    return clean.replace("\\", "\\\\").replace("|", "\\|")


def _size(size: int | None) -> str:
    return "–" if size is None else f"{gib(size)} GiB"


def _signed(size: int | None) -> str:
    if size is None:
        return "–"
    return f"{'+' if size >= 0 else '−'}{gib(abs(size))} GiB"


class RunLog:
    """Runs kept in a file, one JSON object a line; a broken line is skipped and counted."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> tuple[list[Run], int]:
        """All runs, oldest first, the last entry of each id counting; and how many lines could not be read."""
        try:
            lines = self.path.read_text("utf-8", "replace").splitlines()
        except OSError:
            return [], 0
        found: dict[str, Run] = {}
        broken = 0
        for line in filter(None, lines):
            try:
                run = _run(cast("dict[str, Any]", json.loads(line)))
                found[run.id] = run
            except (ValueError, TypeError, KeyError):
                broken += 1
        return list(found.values()), broken

    def add(self, run: Run) -> Problem | None:
        """Append a run, or a newer state of one. Returns what went wrong."""
        try:
            private_folder(self.path.parent)
            with self.path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(asdict(run), ensure_ascii=False) + "\n")
        except OSError as error:
            return Problem("plan.runs", {"file": str(self.path)}, str(error))
        return None

    def forget(self, ids: Iterable[str]) -> Problem | None:
        """Remove runs; the file is rewritten with at most the newest 1,000."""
        gone = set(ids)
        kept = [run for run in self.read()[0] if run.id not in gone][-_LIMIT:]
        try:
            fresh = self.path.with_suffix(".new")
            fresh.write_text("".join(json.dumps(asdict(run), ensure_ascii=False) + "\n" for run in kept), "utf-8")
            fresh.replace(self.path)
        except OSError as error:
            return Problem("plan.runs", {"file": str(self.path)}, str(error))
        return None


def _run(data: dict[str, Any]) -> Run:
    run = Run(**data)
    return replace(run, flags=tuple(run.flags), sources=dict(run.sources))
