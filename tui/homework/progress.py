"""How far somebody is: what was skipped and which pictures were made, kept between starts of lmdeck."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self, cast

from tui.config.paths import private_folder, state_folder

_MOST_PICTURES = 20


@dataclass(frozen=True, slots=True)
class TaskProgress:
    """One task: the steps (by their place) that were skipped or that were done without leaving a trace elsewhere, the
    pictures and the report that were written, the conversation it was held in."""

    skipped: frozenset[int] = frozenset()
    done: frozenset[int] = frozenset()
    pictures: tuple[str, ...] = ()
    report: str = ""
    conversation: str = ""


@dataclass(frozen=True, slots=True)
class Progress:
    """All tasks, by their ids."""

    tasks: Mapping[str, TaskProgress] = field(default_factory=dict[str, TaskProgress])

    def of(self, task: str) -> TaskProgress:
        return self.tasks.get(task, TaskProgress())

    def with_task(self, task: str, **changes: Any) -> Self:
        """With some fields of a task replaced."""
        return replace(self, tasks={**self.tasks, task: replace(self.of(task), **changes)})

    def with_picture(self, task: str, path: str) -> Self:
        """With one more picture of a task."""
        pictures = (*(one for one in self.of(task).pictures if one != path), path)
        return self.with_task(task, pictures=pictures[-_MOST_PICTURES:])

    def without(self, task: str) -> Self:
        """As if the task had never been begun; the files stay."""
        return replace(self, tasks={name: one for name, one in self.tasks.items() if name != task})


def progress_file() -> Path:
    """Where the progress is kept."""
    return state_folder() / "homework.json"


def load_progress(path: Path | None = None) -> Progress:
    """The kept progress; what is missing or broken counts as not begun. Reads a file."""
    try:
        data: object = json.loads((path or progress_file()).read_text("utf-8"))
    except (OSError, ValueError):
        return Progress()
    tasks = cast("dict[str, Any]", data).get("tasks") if isinstance(data, dict) else None
    if not isinstance(tasks, dict):
        return Progress()
    found = {name: _task(entry) for name, entry in cast("dict[str, object]", tasks).items()}
    return Progress({name: task for name, task in found.items() if task is not None})


def save_progress(progress: Progress, path: Path | None = None) -> None:
    """Keep it. Writes a file, as a whole; raises OSError."""
    path = path or progress_file()
    private_folder(path.parent)
    tasks = {
        name: {
            "skipped": sorted(task.skipped),
            "done": sorted(task.done),
            "pictures": list(task.pictures),
            "report": task.report,
            "conversation": task.conversation,
        }
        for name, task in progress.tasks.items()
    }
    fresh = path.with_name(f".{path.name}.{os.getpid()}.new")
    fresh.write_text(json.dumps({"version": 1, "tasks": tasks}, ensure_ascii=False, indent=1) + "\n", "utf-8")
    fresh.replace(path)


def _task(entry: object) -> TaskProgress | None:
    if not isinstance(entry, dict):
        return None
    data = cast("dict[str, object]", entry)
    return TaskProgress(
        frozenset(_numbers(data.get("skipped"))),
        frozenset(_numbers(data.get("done"))),
        tuple(str(one) for one in _items(data.get("pictures"))),
        str(data.get("report") or ""),
        str(data.get("conversation") or ""),
    )


def _items(value: object) -> list[object]:
    return cast("list[object]", value) if isinstance(value, list) else []


def _numbers(value: object) -> list[int]:
    return [one for one in _items(value) if isinstance(one, int)]
