"""``lmdeck homework``: the list of tasks, what of a task is done, the report; the walk itself is a screen."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from tui.exit_codes import FAILED, USAGE
from tui.export.clean import clean
from tui.export_command import (
    add_blog,
    add_conversation,
    add_conversation_options,
    not_written,
    read_document,
    refuse,
)
from tui.homework.reading import chosen, user_folder
from tui.i18n import _
from tui.i18n.problems import explain
from tui.model.problem import Problem, ProblemError

if TYPE_CHECKING:
    from tui.app_options import AppOptions
    from tui.export.document import Document
    from tui.homework.assignment import Assignment
    from tui.homework.checking import Happened
    from tui.homework.report import Chapter


@dataclass(frozen=True, slots=True)
class Walk:
    """The walk is to be opened: its tasks, where the server is ("" for the usual one), or the simulated one."""

    tasks: str
    target: str = ""
    demo: bool = False


def read_homework(words: Sequence[str], out: TextIO, err: TextIO) -> Walk | int:
    """Do what the words behind ``lmdeck homework`` say, or give the walk to be opened. The exit code: 0 done, 1 a
    requirement is not met or something failed, 2 wrong usage. Exits through SystemExit(2) as argparse does."""
    options = _parser().parse_args(list(words))
    assignments, problems = chosen(",".join(options.tasks))
    for problem in problems:
        err.write(clean(explain(problem).text) + "\n")
    if options.list:
        return _list(out)
    if not assignments or any(problem.code == "homework.no_such" for problem in problems):
        return USAGE
    if options.check is None:
        return Walk(",".join(options.tasks), options.url, options.demo)
    try:
        document = asyncio.run(read_document(options.check, options.store, hide_server=options.hide_server))
    except ProblemError as error:
        return refuse(err, "homework", error.problem)
    return _check(assignments, document, options.pictures, out)


def main_homework(words: list[str], run_screen: Callable[[AppOptions], int]) -> int:
    """For the command table. ``run_screen`` opens the app."""
    walk = read_homework(words, sys.stdout, sys.stderr)
    if isinstance(walk, int):
        return walk
    from tui.app_options import AppOptions
    from tui.config.targets import target_fields

    tasks = walk.tasks or "camp"
    if walk.demo:
        return run_screen(AppOptions(demo={}, homework=tasks))
    try:
        fields = target_fields(walk.target or None)
    except ProblemError as error:
        refuse(sys.stderr, "homework", error.problem)
        return USAGE
    fields["connect"] = False  # without a target it is the usual address; the walk's start step leads elsewhere
    return run_screen(AppOptions(**fields, homework=tasks))


def _list(out: TextIO) -> int:
    assignments, _problems = chosen("")
    for one in assignments:
        out.write(clean(f"{one.id:<16} {one.title}") + "\n")
    out.write(_("Your own assignments go into {folder}").format(folder=user_folder()) + "\n")
    return 0


def _check(assignments: Sequence[Assignment], document: Document, pictures: Sequence[str], out: TextIO) -> int:
    """Tick every requirement of the tasks; returns 1 when one is missing."""
    from tui.homework.checking import check, label, missing

    lacking = 0
    for one in assignments:
        ticks = check(one, happened_in(document, pictures))
        lacking += len(missing(ticks))
        out.write(clean(one.title) + "\n")
        for tick in ticks:
            mark = {"met": "✓", "missing": "✗", "unknown": "?"}[tick.state.value]
            out.write(clean(f"  {mark} {label(tick.requirement)}: {tick.reason}") + "\n")
    return FAILED if lacking else 0


def happened_in(document: Document, pictures: Sequence[str]) -> Happened:
    """What a kept conversation tells."""
    from tui.homework.checking import Happened

    shown = tuple(name for name in pictures if Path(name).is_file())
    return Happened(document.messages, document.turns, model=document.model, pictures=shown)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="lmdeck homework",
        description=_("Walk through the course's tasks: quantise, start, ask, picture, report."),
        epilog=_("exit codes: 0 done; 1 a requirement is not met, or a failure; 2 wrong usage"),
    )
    parser.add_argument("tasks", nargs="*", metavar="TASK", help=_("ids of tasks; default: all"))
    parser.add_argument("--url", default="", metavar="URL|PROFILE", help=_("where the server is, or will be"))
    parser.add_argument("--demo", action="store_true", help=_("try it on the simulated server"))
    parser.add_argument("--list", action="store_true", help=_("only list the tasks"))
    parser.add_argument(
        "--check", metavar="CONVERSATION", help=_("only say what of the tasks a kept conversation shows (or: last)")
    )
    parser.add_argument(
        "--pictures", nargs="+", default=[], metavar="FILE", help=_("pictures that were made, for --check")
    )
    add_conversation_options(parser)
    return parser


# ── lmdeck report ─────────────────────────────────────────────────────────────────────────────────────────────────────


def report_command(words: Sequence[str], out: TextIO, err: TextIO) -> int:
    """Do what the words behind ``lmdeck report`` say; returns the exit code: 0 written, 1 failed, 2 wrong usage."""
    options = _report_parser().parse_args(list(words))
    assignments, problems = chosen(options.task) if options.task else ((), ())
    for problem in problems:
        err.write(clean(explain(problem).text) + "\n")
    if options.task and not assignments:
        return USAGE
    target: Path = options.out
    try:
        document = asyncio.run(read_document(options.conversation, options.store, hide_server=options.hide_server))
        chapter = _chapter(document, assignments[0] if assignments else None, options.pictures)
        from tui.homework.report import report
        from tui.homework.writing import write

        written = write(report(options.title or chapter.title, [chapter]), target, blog=options.blog)
    except ProblemError as error:
        return refuse(err, "report", error.problem)
    except OSError as error:
        return refuse(err, "report", not_written(target, error))
    text = _("Renewed: {path}") if written.renewed else _("Written: {path}")
    out.write(text.format(path=written.path) + "\n")
    for name in (*written.changed, *written.removed):
        err.write(_("Left as you changed it: {name}").format(name=name) + "\n")
    return 0


def _chapter(document: Document, assignment: Assignment | None, pictures: Sequence[str]) -> Chapter:
    """The chapter about one conversation. Reads the runs and the pictures."""
    from tui.export.document import last_split
    from tui.homework.checking import check
    from tui.homework.report import Chapter, is_same_model, read_pictures, run_of
    from tui.hosts.run_keeper import runs_file
    from tui.planner.runs import RunLog

    if not document.messages:
        raise ProblemError(Problem("export.empty", {"name": document.title or document.conversation_id}))
    runs, _broken = RunLog(runs_file()).read()
    run = run_of(last_split(document), runs)
    alike = tuple(other for other in runs if run is not None and is_same_model(other, run))
    shown = read_pictures(pictures)
    if assignment is None:
        return Chapter("talk", document.title, document, pictures=shown, run=run, runs=alike)
    ticks = check(assignment, happened_in(document, pictures))
    return Chapter(assignment.id, assignment.title, document, assignment.about, ticks, shown, run, alike)


def _report_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="lmdeck report",
        description=_(
            "Write a report about a conversation: launch command, plan and measurement, pictures, talk, timings. A "
            "report that is there is renewed between its marks; what you wrote yourself stays."
        ),
        epilog=_("exit codes: 0 written; 1 failed; 2 wrong usage, or no such conversation"),
    )
    add_conversation(parser)
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help=_("where to write: .md or .html"))
    parser.add_argument("--task", default="", metavar="ID", help=_("the assignment that it is about"))
    parser.add_argument("--title", default="", metavar="TEXT", help=_("the report's title"))
    parser.add_argument("--pictures", nargs="+", default=[], metavar="FILE", help=_("PNG and SVG files to be in it"))
    add_blog(parser)
    add_conversation_options(parser)
    return parser


def main_report(words: list[str]) -> int:
    """For the command table."""
    return report_command(words, sys.stdout, sys.stderr)
