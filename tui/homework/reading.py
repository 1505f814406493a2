"""Reading assignments from TOML: every mistake with its line, and no key that is not known."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast, get_args

from tui.config.paths import config_folder
from tui.config.settings_lines import key_lines
from tui.homework.assignment import (
    Assignment,
    Quantising,
    Requirement,
    RequirementKind,
    Serving,
    Step,
    StepKind,
)
from tui.model.problem import Problem

VERSION = 1
_TASKS = Path(__file__).parent / "tasks"
_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_LARGEST = 1 << 20

Data = Mapping[str, Any]
Check = Callable[[object], bool]


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _is_id(value: object) -> bool:
    return isinstance(value, str) and _ID.fullmatch(value) is not None


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_words(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in cast("list[object]", value))


def _is_numbers(value: object) -> bool:
    return isinstance(value, list) and all(_is_count(item) for item in cast("list[object]", value))


def _is_bool(value: object) -> bool:
    return isinstance(value, bool)


def _is_table(value: object) -> bool:
    return isinstance(value, dict)


def _is_tables(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, dict) for item in cast("list[object]", value))


@dataclass(frozen=True, slots=True)
class _Shape:
    """What a table may hold: key → what its value must be; ``must`` are those that have to be there."""

    keys: Mapping[str, Check]
    must: tuple[str, ...] = ()


_TOP = _Shape(
    {
        "version": lambda value: value == VERSION and not isinstance(value, bool), "id": _is_id, "title": _is_table,
        "about": _is_table, "quantise": _is_table, "server": _is_table, "steps": _is_tables,
        "requirements": _is_tables,
    },
    ("version", "id", "title", "steps", "requirements"),
)  # fmt: skip
_QUANTISE = _Shape({"model": _is_text, "folder": _is_text, "flags": _is_words}, ("model", "folder"))
_SERVER = _Shape({"model": _is_text, "flags": _is_words}, ("model",))
_STEPS: Mapping[str, _Shape] = {
    **{kind: _Shape({"kind": _is_text}, ("kind",)) for kind in get_args(StepKind)},
    "prompt": _Shape({"kind": _is_text, "text": _is_text}, ("kind", "text")),
}
_REQUIREMENT_KEYS: Mapping[str, tuple[Mapping[str, Check], tuple[str, ...]]] = {
    **{kind: ({}, ()) for kind in get_args(RequirementKind)},
    "weights": ({"bits": _is_count}, ("bits",)),
    "kv-cache": ({"policies": _is_numbers}, ("policies",)),
    "model": ({"contains": _is_text}, ("contains",)),
    "reply": ({"prompt": _is_text}, ()),
    "tools": ({"names": _is_words}, ("names",)),
}
_REQUIREMENTS: Mapping[str, _Shape] = {
    kind: _Shape({"kind": _is_text, "required": _is_bool, **keys}, ("kind", *must))
    for kind, (keys, must) in _REQUIREMENT_KEYS.items()
}


@dataclass(frozen=True, slots=True)
class Shelf:
    """All assignments by id, the built-in ones first, and what is wrong with files that are not among them."""

    assignments: Mapping[str, Assignment] = field(default_factory=dict[str, Assignment])
    problems: tuple[Problem, ...] = ()


def user_folder() -> Path:
    """Where a user's own assignments are."""
    return config_folder() / "assignments"


def all_assignments() -> Shelf:
    """The built-in assignments and the user's own; one with the same id replaces a built-in one. Reads files."""
    found: dict[str, Assignment] = {}
    problems: list[Problem] = []
    for folder in (_TASKS, user_folder()):
        for path in sorted(folder.glob("*.toml")):
            assignment, wrong = read_file(path)
            problems += wrong
            if assignment is not None:
                found[assignment.id] = assignment
    return Shelf(found, tuple(problems))


def chosen(names: str) -> tuple[tuple[Assignment, ...], tuple[Problem, ...]]:
    """The tasks named (ids, separated by commas), all of them for "" and the camp's two for ``camp``; and what is
    wrong: broken files, names that there are not. Reads files."""
    shelf = all_assignments()
    wanted = [name.strip() for name in names.split(",") if name.strip()]
    if not wanted:
        return tuple(shelf.assignments.values()), shelf.problems
    if wanted == ["camp"]:
        wanted = [name for name in shelf.assignments if name.startswith("camp-")]
    unknown = [name for name in wanted if name not in shelf.assignments]
    known = ", ".join(shelf.assignments)
    problems = [Problem("homework.no_such", {"name": name, "names": known}) for name in unknown]
    found = tuple(shelf.assignments[name] for name in dict.fromkeys(wanted) if name in shelf.assignments)
    return found, (*problems, *shelf.problems)


def read_file(path: Path) -> tuple[Assignment | None, tuple[Problem, ...]]:
    """An assignment's file; None with the mistakes when it has any."""
    try:
        if path.stat().st_size > _LARGEST:
            raise OSError(27, "too large")
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "no UTF-8"
        return None, (Problem("homework.unreadable", {"file": str(path), "reason": reason}),)
    return read_text(text, str(path))


def read_text(text: str, name: str) -> tuple[Assignment | None, tuple[Problem, ...]]:
    """An assignment from TOML; ``name`` is how problems call it. None with all mistakes when there are any."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        return None, (Problem("homework.toml", {"file": name, "reason": str(error)}),)
    problems = tuple(_Checker(text, name).check(data))
    return (None, problems) if problems else (_assignment(data, name), ())


class _Checker:
    """Compares data with the shapes; knows on which line everything stands."""

    def __init__(self, text: str, name: str) -> None:
        self._name = name
        self._lines = key_lines(text)
        self._parts = _tables_of_arrays(text)

    def check(self, data: Data) -> Iterator[Problem]:
        yield from self._table(data, _TOP, ())
        for key in ("title", "about"):
            yield from self._texts(data.get(key), key)
        for key, shape in (("quantise", _QUANTISE), ("server", _SERVER)):
            if isinstance(data.get(key), dict):
                yield from self._table(data[key], shape, (key,))
        for key, shapes in (("steps", _STEPS), ("requirements", _REQUIREMENTS)):
            if _is_tables(data.get(key)):
                for at, table in enumerate(data[key]):
                    yield from self._kind(table, shapes, key, at)
                if not data[key]:
                    yield self._problem("homework.wrong", (key,), key)
        yield from self._needs(data)

    def _kind(self, table: Data, shapes: Mapping[str, _Shape], key: str, at: int) -> Iterator[Problem]:
        """One entry of ``steps`` or ``requirements``."""
        shape = shapes.get(str(table.get("kind")))
        if shape is None:
            code = "homework.kind" if "kind" in table else "homework.missing"
            yield self._problem(code, ("kind",), "kind", (key, at), value=str(table.get("kind", "")))
        else:
            yield from self._table(table, shape, (), (key, at))

    def _table(
        self, table: Data, shape: _Shape, path: tuple[str, ...], part: tuple[str, int] | None = None
    ) -> Iterator[Problem]:
        for key, value in table.items():
            check = shape.keys.get(key)
            if check is None:
                yield self._problem("homework.unknown", (*path, key), key, part)
            elif not check(value):
                yield self._problem("homework.wrong", (*path, key), key, part)
        for key in shape.must:
            if key not in table:
                yield self._problem("homework.missing", path, key, part)

    def _texts(self, table: object, key: str) -> Iterator[Problem]:
        """A text in several languages."""
        if not isinstance(table, dict):
            return
        for language, text in cast("dict[str, object]", table).items():
            if not _is_text(text):
                yield self._problem("homework.wrong", (key, language), f"{key}.{language}")
        if not table:
            yield self._problem("homework.missing", (key,), f"{key}.en")

    def _needs(self, data: Data) -> Iterator[Problem]:
        """A step needs its table."""
        steps = data.get("steps")
        kinds = [str(step.get("kind")) for step in cast("list[Data]", steps)] if _is_tables(steps) else []
        for kind, key in (("quantise", "quantise"), ("start", "server")):
            if kind in kinds and key not in data:
                yield self._problem("homework.missing", ("kind",), key, ("steps", kinds.index(kind)))

    def _problem(
        self, code: str, path: tuple[str, ...], key: str, part: tuple[str, int] | None = None, value: str = ""
    ) -> Problem:
        return Problem(code, {"file": self._name, "line": self._line(path, part), "key": key, "value": value})

    def _line(self, path: tuple[str, ...], part: tuple[str, int] | None) -> int:
        if part is None:
            return next((self._lines[path[:end]] for end in range(len(path), 0, -1) if path[:end] in self._lines), 1)
        tables = self._parts.get(part[0], [])
        if part[1] >= len(tables):  # written as an inline array
            return self._lines.get((part[0],), 1)
        begin, lines = tables[part[1]]
        return begin + lines.get(path, 1) - 1


_HEADER = re.compile(r"\s*\[\[\s*(\w+)\s*\]\]")


def _tables_of_arrays(text: str) -> dict[str, list[tuple[int, dict[tuple[str, ...], int]]]]:
    """``[[name]]`` → for each of them the line it begins on, and the lines of its keys counted from there."""
    found: dict[str, list[tuple[int, dict[tuple[str, ...], int]]]] = {}
    lines = text.split("\n")
    starts = [number for number, line in enumerate(lines) if re.match(r"\s*\[", line)]
    for at, start in enumerate(starts):
        header = _HEADER.match(lines[start])
        if header is not None:
            end = starts[at + 1] if at + 1 < len(starts) else len(lines)
            inside = key_lines("\n".join(["", *lines[start + 1 : end]]))
            found.setdefault(header[1], []).append((start + 1, inside))
    return found


def _assignment(data: Data, name: str) -> Assignment:
    quantise, server = data.get("quantise"), data.get("server")
    return Assignment(
        id=data["id"],
        titles=dict(data["title"]),
        abouts=dict(data.get("about", {})),
        steps=tuple(Step(step["kind"], step.get("text", "")) for step in data["steps"]),
        requirements=tuple(Requirement(**{key: _frozen(value) for key, value in entry.items()})
                           for entry in data["requirements"]),
        quantising=Quantising(**{key: _frozen(value) for key, value in quantise.items()}) if quantise else None,
        serving=Serving(**{key: _frozen(value) for key, value in server.items()}) if server else None,
        source=name,
    )  # fmt: skip


def _frozen(value: Any) -> Any:
    return tuple(cast("list[Any]", value)) if isinstance(value, list) else value
