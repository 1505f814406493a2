"""The report of the walk: its chapters, and the two files it becomes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tui.export.document import Document, last_split
from tui.export.files import safe_name
from tui.homework.assignment import Assignment
from tui.homework.checking import Tick
from tui.homework.progress import Progress
from tui.homework.report import Chapter, is_same_model, read_pictures, report, run_of
from tui.homework.writing import Written, write
from tui.i18n import _
from tui.shot.delivery import pictures_folder

if TYPE_CHECKING:
    from tui.model.plan import Run

NAME = "lmdeck-homework"


def chapters_of(
    assignments: Sequence[Assignment],
    progress: Progress,
    documents: Mapping[str, Document],
    ticks: Mapping[str, tuple[Tick, ...]],
    runs: Sequence[Run],
) -> tuple[Chapter, ...]:
    """A chapter for every task that was held in a conversation. Reads the pictures' files."""
    found: list[Chapter] = []
    for one in assignments:
        document = documents.get(one.id)
        if document is None:
            continue
        run = run_of(last_split(document), runs)
        alike = tuple(other for other in runs if run is not None and is_same_model(other, run))
        found.append(
            Chapter(
                one.id, one.title, document, one.about, ticks.get(one.id, ()),
                read_pictures(progress.of(one.id).pictures), run, alike,
            )
        )  # fmt: skip
    return tuple(found)


def report_on(document: Document, runs: Sequence[Run], target: str = "") -> Written:
    """A report about one conversation, to ``target`` or beside the pictures. Raises OSError."""
    run = run_of(last_split(document), runs)
    alike = tuple(other for other in runs if run is not None and is_same_model(other, run))
    name = safe_name(document.title, "report")
    path = Path(target).expanduser() if target else pictures_folder() / f"{name}-report.md"
    return write(report(document.title, [Chapter("talk", document.title, document, run=run, runs=alike)]), path)


def write_reports(chapters: Sequence[Chapter]) -> tuple[Written, Written]:
    """Markdown and HTML, beside the pictures. Raises OSError."""
    folder = pictures_folder()
    page = report(_("My homework with lmdeck"), chapters)
    return write(page, folder / f"{NAME}.md"), write(page, folder / f"{NAME}.html")
