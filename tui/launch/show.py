"""How the launcher speaks on a terminal without a screen: plain lines, or JSON."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Mapping
from typing import Any, TextIO

from tui.i18n import N_, _
from tui.i18n.figures import gib
from tui.i18n.problems import explain
from tui.launch.wish import Prepared
from tui.model.launch import (
    Diagnosis,
    LaunchEvent,
    LaunchLines,
    LaunchMemory,
    LaunchPhase,
    LaunchQuestion,
    LaunchStage,
    ServerEntry,
    StopStep,
)
from tui.model.plan import Plan
from tui.model.problem import Problem
from tui.planner.cli import as_json, say

STAGE_NAMES: dict[LaunchStage, str] = {
    LaunchStage.STARTING: N_("environment"),
    LaunchStage.DOWNLOADING: N_("download"),
    LaunchStage.CONTEXT: N_("CUDA context"),
    LaunchStage.WEIGHTS: N_("weights"),
    LaunchStage.KV_CACHE: N_("kv cache"),
    LaunchStage.WARM_UP: N_("warm-up"),
    LaunchStage.READY: N_("ready"),
    LaunchStage.STOPPING: N_("stopping"),
    LaunchStage.FAILED: N_("failed"),
}


def plain(text: str) -> str:
    """Text from outside without control characters."""
    return "".join(char if char.isprintable() or char == "\t" else "?" for char in text)


def fill(template: str, **values: object) -> str:
    """A translated sentence with its values."""
    text = _(template)
    for name, value in values.items():
        text = text.replace("{" + name + "}", str(value))
    return text


def problem_data(problem: Problem) -> dict[str, str]:
    return {"code": problem.code, "text": explain(problem).text}


def prepared_data(prepared: Prepared) -> dict[str, Any]:
    """What ``lmdeck serve --dry-run --json`` prints; sizes in bytes."""
    installation = prepared.installation
    return {
        "argv": list(prepared.argv),
        "command": shlex.join(prepared.argv),
        "environment": prepared.shown_environment,
        "lmdeploy": {
            "version": str(prepared.release),
            "known": prepared.version is not None,
            "program": installation.program if installation else "",
            "prefix": installation.prefix if installation else "",
        },
        "model": prepared.model,
        "engine": prepared.command.text("backend", "turbomind"),
        "host": prepared.host,
        "port": prepared.port,
        "cards": list(prepared.cards.indices),
        "plan": as_json(prepared.plan) if prepared.plan else None,
        "notices": [problem_data(notice) for notice in prepared.notices],
    }


def show_prepared(prepared: Prepared, out: TextIO) -> None:
    """The command line, the plan and what should be known."""
    environment = [f"{name}={shlex.quote(value)}" for name, value in sorted(prepared.shown_environment.items())]
    out.write(plain(" ".join([*environment, shlex.join(prepared.argv)])) + "\n")
    if prepared.plan:
        out.write("\n" + plan_table(prepared.plan))
    for notice in prepared.notices:
        out.write(f"! {plain(explain(notice).text)}\n")


def plan_table(plan: Plan) -> str:
    """The plan in a few lines."""
    from rich.cells import cell_len

    rows = [
        (_("weights"), plan.weights, plan.explanations["weights"].formula),
        (_("kv cache"), plan.kv_cache, plan.explanations["kv_cache"].formula),
        (_("other"), plan.other, plan.explanations["other"].formula),
        (_("total"), plan.total_used, plan.explanations["total"].formula),
    ]
    width = max(cell_len(label) for label, _size, _formula in rows)
    lines = [
        f"  {label}{' ' * (width - cell_len(label))}  {gib(size):>8} GiB   {say(formula)}"
        for label, size, formula in rows
    ]
    lines.append("  " + say(plan.explanations["tokens"].formula))
    lines.append("  " + (_("It fits.") if plan.fits else _("It does not fit.")))
    lines += [f"  ! {plain(explain(warning).text)}" for warning in plan.warnings]
    return "\n".join(lines) + "\n"


def event_data(event: LaunchEvent) -> dict[str, Any]:
    """An event of a start as one JSON line."""
    match event:
        case LaunchPhase(stage, at, fraction, size, problem):
            data: dict[str, Any] = {"event": "phase", "stage": stage.value, "at": round(at, 3), "fraction": fraction}
            return {**data, "size_bytes": size, "problem": problem_data(problem) if problem else None}
        case LaunchMemory(at, used, predicted, margin):
            data = {"event": "memory", "at": round(at, 3), "used_bytes": used, "predicted_bytes": predicted}
            return {**data, "margin_bytes": margin}
        case LaunchLines(at, lines):
            return {"event": "log", "at": round(at, 3), "lines": list(lines)}
        case LaunchQuestion(at, text):
            return {"event": "question", "at": round(at, 3), "text": text}
        case Diagnosis():
            steps = [{"kind": step.kind, "label": say(step.label), "flags": list(step.flags)} for step in event.steps]
            return {"event": "card", "fatal": event.fatal, **problem_data(event.problem), "steps": steps}


class StartPrinter:
    """Writes a start down as it goes on: a line for each phase, the memory beside the plan."""

    def __init__(self, out: TextIO, *, json_lines: bool = False) -> None:
        self._out = out
        self._json = json_lines
        self._memory: LaunchMemory | None = None

    def show(self, event: LaunchEvent) -> None:
        if self._json:
            self._out.write(json.dumps(event_data(event), ensure_ascii=False) + "\n")
            self._out.flush()
            return
        text = self._text(event)
        if text:
            self._out.write(text + "\n")
            self._out.flush()

    def _text(self, event: LaunchEvent) -> str:
        match event:
            case LaunchMemory():
                self._memory = event
                return ""
            case LaunchPhase(stage, at, None, _size, None):
                return f"{at:7.1f} s  {_(STAGE_NAMES[stage])}{self._held()}"
            case LaunchQuestion(_at, text):
                return plain(text)
            case Diagnosis():
                return card_text(event)
            case _:
                return ""

    def _held(self) -> str:
        memory = self._memory
        if memory is None or memory.used is None:
            return ""
        if memory.predicted is None:
            return "  " + fill(N_("{used} GiB"), used=gib(memory.used))
        return "  " + fill(
            N_("{used} of {predicted} ± {margin} GiB"),
            used=gib(memory.used),
            predicted=gib(memory.predicted),
            margin=gib(memory.margin),
        )


def card_text(card: Diagnosis) -> str:
    """A card as lines: what happened, what to do, the buttons' texts, the log's own words."""
    lines = [("✗ " if card.fatal else "! ") + plain(explain(card.problem).text)]
    lines += [f"  → {plain(say(step.label))}" for step in card.steps if step.kind not in ("log", "wait")]
    lines += [f"    {plain(line)[:200]}" for line in card.evidence]
    return "\n".join(lines)


def server_data(entry: ServerEntry) -> dict[str, Any]:
    return {
        "id": entry.id,
        "pid": entry.pid,
        "model": entry.model,
        "url": entry.url,
        "user": entry.user,
        "mine": entry.mine,
        "running": entry.running,
        "memory_bytes": entry.memory,
        "uptime": None if entry.age is None else round(entry.age, 1),
        "cards": None if entry.cards is None else list(entry.cards),
        "version": entry.version,
        "log": entry.log,
    }


def server_line(entry: ServerEntry) -> str:
    """A server in one line. Columns are counted in cells: names may be Chinese."""
    memory = f"{gib(entry.memory)} GiB" if entry.memory is not None else "–"
    age = age_text(entry.age) if entry.age is not None else "–"
    whose = _("yours") if entry.mine else entry.user or "?"
    name = entry.id or str(entry.pid)
    figures = f"{_cells(name, 22)} {_cells(entry.url, 28)} {_cells(memory, -10)} {_cells(age, -8)}"
    return plain(f"{figures}  {_cells(whose, 10)} {entry.model}")


def _cells(text: str, width: int) -> str:
    """``text`` in at least so many cells; a negative width puts it at the right."""
    from rich.cells import cell_len

    gap = " " * max(abs(width) - cell_len(text), 0)
    return gap + text if width < 0 else text + gap


def age_text(seconds: float) -> str:
    """Minutes and seconds, or hours and minutes."""
    minutes = int(seconds) // 60
    return f"{minutes // 60}:{minutes % 60:02d} h" if minutes >= 60 else f"{minutes}:{int(seconds) % 60:02d}"


def stop_line(step: StopStep) -> str:
    """One step of a stop in words."""
    freed = "" if step.freed is None else " · " + fill(N_("{freed} GiB came back"), freed=gib(step.freed))
    if step.problem is not None:
        return plain(explain(step.problem).text)
    if step.done:
        return _("stopped") + freed
    if step.signal:
        return fill(N_("sent {signal} to {count} processes"), signal=f"SIG{step.signal}", count=step.alive) + freed
    return fill(N_("{count} processes left"), count=step.alive) + freed


def variables(values: Mapping[str, str]) -> Iterable[str]:
    """``NAME=value`` words for showing."""
    return (f"{name}={shlex.quote(value)}" for name, value in values.items())
