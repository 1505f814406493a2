"""Fetching a folder of another machine through its agent: pictures and reports, nothing else.

Names from over there are foreign text: they decide no path here."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Protocol, cast

from tui.export.files import safe_name
from tui.hosts.host import Program, RunResult
from tui.model.problem import Problem, ProblemError

FOLDER = "lmdeck-pictures"
"""Where lmdeck puts pictures and reports, below the home (see tui.shot.delivery)."""
KINDS = (".png", ".svg", ".md", ".html", ".json")
_LARGEST = 16 << 20  # what the agent reads at once
_MOST = 2000
_LIST = (
    "import json, os, stat, sys\n"
    "root = os.path.expanduser(os.path.join('~', sys.argv[1]))\n"
    "found = []\n"
    "for folder, _, names in os.walk(root):\n"
    "    for name in sorted(names):\n"
    "        path = os.path.join(folder, name)\n"
    "        facts = os.lstat(path)\n"
    "        if stat.S_ISREG(facts.st_mode) and len(found) < int(sys.argv[2]):\n"
    "            found.append([os.path.relpath(path, root), path, facts.st_size])\n"
    "print(json.dumps({'there': os.path.isdir(root), 'files': found}))\n"
)


class FarSide(Protocol):
    """The machine the files are on (``tui.hosts.host.Host``). Raises ProblemError."""

    async def run(self, program: Program, *, text: str = "", limit: float = 30.0) -> RunResult: ...
    async def read(self, path: str, limit: int = 1 << 20) -> bytes: ...


@dataclass(frozen=True, slots=True)
class FarFile:
    """A file over there: its name below the folder, its path, its bytes."""

    name: str
    path: str
    size: int


@dataclass(frozen=True, slots=True)
class Fetched:
    """What became of a file: ``saved`` under ``path``, ``same`` as the one that is here already, or left there because
    it is ``large`` or ``other`` than what lmdeck writes."""

    file: FarFile
    what: str
    path: Path | None = None


async def list_files(host: FarSide, folder: str = FOLDER) -> list[FarFile]:
    """The regular files below the folder; links are not followed. Raises ProblemError: ``pull.no_folder``,
    ``pull.not_listed``, the link's."""
    program = 'exec "$LMDECK_PYTHON" -c "$0" "$@"'
    answer = await host.run(Program(("sh", "-c", program, _LIST, folder, str(_MOST))))
    try:
        told = cast("dict[str, Any]", json.loads(answer.out))
        files = [FarFile(str(name), str(path), int(size)) for name, path, size in told["files"]]
    except (ValueError, KeyError, TypeError) as error:
        raise ProblemError(Problem("pull.not_listed", {"folder": folder}, answer.err[-500:])) from error
    if not told["there"]:
        raise ProblemError(Problem("pull.no_folder", {"folder": folder}))
    return files


async def fetch(
    host: FarSide, files: Sequence[FarFile], target: Path, *, replace: bool = False
) -> AsyncGenerator[Fetched]:
    """Each file in turn, into ``target``. One that is here with other content keeps its place, the new one gets a free
    name, unless ``replace``. Raises ProblemError (the link's) and OSError."""
    for file in files:
        if PurePosixPath(file.name).suffix.lower() not in KINDS:
            yield Fetched(file, "other")
        elif file.size > _LARGEST:
            yield Fetched(file, "large")
        else:
            data = await host.read(file.path, _LARGEST)
            place = local_path(target, file.name)
            if place.is_file() and place.read_bytes() == data:
                yield Fetched(file, "same", place)
            else:
                yield Fetched(file, "saved", _save(place, data, replace=replace))


def local_path(target: Path, name: str) -> Path:
    """Where a file goes: below ``target``, at most one folder deep, under a name that is one here."""
    pure = PurePosixPath(name)
    suffix = pure.suffix.lower() if pure.suffix.lower() in KINDS else ""
    folders = [part for part in pure.parent.parts if part not in ("", ".", "..", "/")]
    place = target / safe_name(folders[-1], "files") if folders else target
    return place / f"{safe_name(pure.name[: -len(suffix)] if suffix else pure.name, 'file')}{suffix}"


def _save(place: Path, data: bytes, *, replace: bool) -> Path:
    place.parent.mkdir(parents=True, exist_ok=True)
    if not replace:
        place = _free(place)
    fresh = place.with_name(f".{place.name}.part")
    try:
        fresh.write_bytes(data)
        fresh.replace(place)
    finally:
        fresh.unlink(missing_ok=True)
    return place


def _free(place: Path) -> Path:
    found, number = place, 2
    while found.exists() or found.is_symlink():
        found = place.with_name(f"{place.stem}-{number}{place.suffix}")
        number += 1
    return found
