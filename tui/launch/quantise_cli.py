"""``lmdeck quantize``: auto_awq from a terminal, with a bar, its questions and a report."""

from __future__ import annotations

import asyncio
import json
import shlex
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, TextIO

from tui.exit_codes import FAILED, INTERRUPTED, USAGE, code_of
from tui.i18n import N_, _
from tui.i18n.figures import gib
from tui.i18n.problems import explain
from tui.launch import show
from tui.launch.cli import interruptible
from tui.launch.machine import Machine
from tui.launch.quantise import (
    QuantisePrepared,
    QuantiseWatch,
    prepare_quantise,
    quantisations,
    start_quantise,
)
from tui.launch.starting import Spawned, spawned
from tui.launch.wish import ServeWish
from tui.launch.words import Parser, own_parser, split, with_common, working_folder
from tui.lmdeploy.awq import AWQ_OPTIONS
from tui.model.launch import (
    Diagnosis,
    LaunchLines,
    LaunchQuestion,
    QuantiseEvent,
    QuantiseProgress,
    QuantiseReport,
    QuantiseStage,
)
from tui.model.problem import Problem, ProblemError

STAGE_NAMES: dict[QuantiseStage, str] = {
    QuantiseStage.LOADING: N_("loading the model"),
    QuantiseStage.PLACING: N_("placing layers"),
    QuantiseStage.DATA: N_("loading calibration data"),
    QuantiseStage.CALIBRATING: N_("calibrating"),
    QuantiseStage.SMOOTHING: N_("smoothing"),
    QuantiseStage.PACKING: N_("packing"),
    QuantiseStage.SAVING: N_("saving"),
    QuantiseStage.DONE: N_("done"),
}
_BAR = 30
Ask = Callable[[str], str | None]


@dataclass(frozen=True, slots=True)
class QuantiseWords:
    """``lmdeck quantize``'s command line, read. ``follow`` is a start to show again ("last" for the newest); ``answer``
    is given to every question."""

    action: str
    wish: ServeWish
    on: str = ""
    as_json: bool = False
    overwrite: bool = False
    follow: str = ""
    answer: str = ""


def quantise_parser() -> Parser:
    parser = own_parser("quantize", _("Quantise a model to 4 bits with lmdeploy lite auto_awq, with its progress."))
    parser.add_argument("--overwrite", action="store_true", help=_("use a work folder that already holds something"))
    parser.add_argument("--answer", default="", metavar="TEXT", help=_("answer every question with this (y or n)"))
    parser.add_argument(
        "--follow",
        nargs="?",
        const="last",
        default="",
        metavar="ID",
        help=_("show one that runs, or the newest, again"),
    )
    return parser


def read_quantise(
    words: Sequence[str], settings_path: str = "", total_gib: float | None = None
) -> QuantiseWords | None:
    """The command line; None when help was asked for. Raises ProblemError launch.usage, plan.size."""
    mine, verbatim = split(words)
    options, rest = quantise_parser().parse_known_args(mine)
    if options.help:
        return None
    wish = replace(ServeWish.pasted([*rest, "--", *verbatim]), folder=working_folder(options.on))
    wish = with_common(wish, options, settings_path, total_gib)
    action = "follow" if options.follow else "dry-run" if options.dry_run else "start"
    return QuantiseWords(action, wish, options.on, options.json, options.overwrite, options.follow, options.answer)


def quantise_help() -> str:
    lines = [quantise_parser().format_help(), _("options of lmdeploy lite auto_awq (all are passed on):")]
    for option in AWQ_OPTIONS:
        lines += [f"  {option.flag}" + ("" if option.kind == "flag" else " X"), f"      {_(option.about)}"]
    return "\n".join(lines)


class QuantiseCommand:
    """One ``lmdeck quantize``. ``ask`` puts a question to the user; None when nobody can be asked."""

    def __init__(
        self, machine: Machine, words: QuantiseWords, out: TextIO, err: TextIO, ask: Ask | None = None
    ) -> None:
        self.every = 0.5
        self._machine = machine
        self._words = words
        self._out = out
        self._err = err
        self._ask = ask
        self._bar = False

    async def run(self) -> int:
        """Exit codes as ``lmdeck serve``."""
        try:
            if self._words.action == "follow":
                return await self._watch(await self._find())
            prepared = await prepare_quantise(
                self._machine,
                self._words.wish,
                dry=self._words.action == "dry-run",
                overwrite=self._words.overwrite,
            )
            self._show(prepared)
            if self._words.action == "dry-run":
                return 0
            return await self._watch(await start_quantise(self._machine, prepared))
        except ProblemError as error:
            return self._refuse(error.problem)

    def _refuse(self, problem: Problem) -> int:
        if self._words.as_json:
            self._out.write(json.dumps({"problem": show.problem_data(problem)}, ensure_ascii=False) + "\n")
        self._err.write(f"lmdeck quantize: {show.plain(explain(problem).text)}\n")
        return code_of(problem, USAGE)

    async def _find(self) -> Spawned:
        known = quantisations(await spawned(self._machine))
        wanted = self._words.follow
        found = next((entry for entry in known if wanted in ("last", entry.id)), None)
        if found is None:
            raise ProblemError(Problem("quantise.none", {"name": wanted}))
        return found

    def _show(self, prepared: QuantisePrepared) -> None:
        if self._words.as_json:
            if self._words.action == "dry-run":
                self._out.write(json.dumps(prepared_data(prepared), indent=2, ensure_ascii=False) + "\n")
            return
        words = [*show.variables(prepared.own_environment), shlex.join(prepared.argv)]
        self._out.write(show.plain(" ".join(words)) + "\n")
        line = show.fill(
            N_("{before} GiB on the disk now; about {after} GiB more in {folder}, where {free} GiB are free"),
            before=gib(prepared.disk_before),
            after=gib(prepared.disk_after),
            folder=prepared.work_dir,
            free=gib(prepared.disk_free),
        )
        self._out.write(f"  {show.plain(line)}\n")
        for notice in prepared.notices:
            self._out.write(f"! {show.plain(explain(notice).text)}\n")

    async def _watch(self, entry: Spawned) -> int:
        watch = QuantiseWatch(self._machine, entry, self.every)
        async with interruptible() as interrupted:
            async for event in _until(watch.events(), interrupted):
                self._event(event)
                if isinstance(event, LaunchQuestion) and not await self._reply(watch, event):
                    await self._machine.order("stop", id=entry.id, signal="TERM")
                    return FAILED
        if interrupted.is_set():
            text = show.fill(
                N_("It goes on without lmdeck; look again with: lmdeck quantize --follow {id}"), id=entry.id
            )
            self._err.write(f"\n{text}\n")
            return INTERRUPTED
        return 0 if watch.report is not None else FAILED

    async def _reply(self, watch: QuantiseWatch, question: LaunchQuestion) -> bool:
        """Whether the question was answered: by --answer, else by the user."""
        reply = self._words.answer or (await asyncio.to_thread(self._ask, question.text) if self._ask else None)
        if not reply:
            self._err.write(explain(Problem("quantise.unanswered", {"question": question.text})).text + "\n")
            return False
        await watch.answer(reply)
        return True

    def _event(self, event: QuantiseEvent) -> None:
        if self._words.as_json:
            self._out.write(json.dumps(event_data(event), ensure_ascii=False) + "\n")
            self._out.flush()
            return
        if isinstance(event, QuantiseProgress):
            self._out.write(f"\r{_bar(event)}\x1b[K" if self._out.isatty() else f"{_bar(event)}\n")
            self._bar = self._out.isatty()
        elif not isinstance(event, LaunchLines):
            self._out.write("\n" if self._bar else "")
            self._bar = False
            self._out.write(_text(event) + "\n")
        self._out.flush()


async def _until(events: AsyncIterator[QuantiseEvent], interrupted: asyncio.Event) -> AsyncIterator[QuantiseEvent]:
    async for event in events:
        yield event
        if interrupted.is_set():
            return


def _bar(progress: QuantiseProgress) -> str:
    filled = round(progress.fraction * _BAR)
    counted = f" {progress.done}/{progress.of}" if progress.of else ""
    left = "" if progress.left is None else " · " + show.fill(N_("{time} left"), time=clock(progress.left))
    name = _(STAGE_NAMES[progress.stage])
    return f"{'█' * filled}{'░' * (_BAR - filled)} {progress.fraction:4.0%}  {name}{counted}{left}"


def clock(seconds: float) -> str:
    """Minutes and seconds, with hours where there are some."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}" if minutes >= 60 else f"{minutes}:{rest:02d}"


def _text(event: QuantiseEvent) -> str:
    match event:
        case LaunchQuestion(_at, text):
            return show.plain(text)
        case Diagnosis():
            return show.card_text(event)
        case QuantiseReport():
            return report_text(event)
        case _:
            return ""


def report_text(report: QuantiseReport) -> str:
    """The end report: time, sizes before and after, tokens gained."""
    lines = [
        show.fill(N_("Quantised in {time}: {folder}"), time=clock(report.seconds), folder=show.plain(report.folder)),
        show.fill(N_("disk     {before} → {after} GiB"), before=gib(report.disk_before), after=gib(report.disk_after)),
    ]
    if report.weights_before is not None and report.weights_after is not None:
        template = N_("weights  {before} → {after} GiB on the card")
        lines.append(show.fill(template, before=gib(report.weights_before), after=gib(report.weights_after)))
    if report.tokens_before is not None and report.tokens_after is not None:
        template = N_("kv cache {before} → {after} tokens, {gained} more")
        gained = report.tokens_after - report.tokens_before
        values = {"before": report.tokens_before, "after": report.tokens_after, "gained": gained}
        lines.append(show.fill(template, **{name: f"{value:,}" for name, value in values.items()}))
    return "\n".join(lines)


def prepared_data(prepared: QuantisePrepared) -> dict[str, Any]:
    """What ``--dry-run --json`` prints; sizes in bytes."""
    return {
        "argv": list(prepared.argv),
        "command": shlex.join(prepared.argv),
        "environment": dict(prepared.own_environment),
        "model": prepared.model,
        "work_dir": prepared.work_dir,
        "calib_dataset": prepared.words.options["calib_dataset"],
        "disk_before_bytes": prepared.disk_before,
        "disk_after_bytes": prepared.disk_after,
        "disk_free_bytes": prepared.disk_free,
        "notices": [show.problem_data(notice) for notice in prepared.notices],
    }


def event_data(event: QuantiseEvent) -> dict[str, Any]:
    """An event as one JSON line."""
    match event:
        case QuantiseProgress():
            return {"event": "progress", **asdict(event), "stage": event.stage.value}
        case QuantiseReport():
            return {"event": "report", **asdict(event)}
        case _:
            return show.event_data(event)
