"""Writing what was exported: names made of titles, nothing overwritten that was not meant."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

_NOT_IN_NAMES = re.compile(r"[^\w.-]+")
_RESERVED = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)(?:\..*)?", re.IGNORECASE)  # names Windows keeps for devices
_LONGEST = 60


def safe_name(title: str, fallback: str = "conversation") -> str:
    """A file's name made of foreign text: letters of any script, digits, ``-``, ``_`` and dots inside."""
    name = _NOT_IN_NAMES.sub("-", title.encode("utf-8", "ignore").decode()).strip("-.")[:_LONGEST].rstrip("-.")
    return f"{fallback}-{name}" if _RESERVED.fullmatch(name) else name or fallback


def free_path(folder: Path, title: str, suffix: str) -> Path:
    """A name made of the title that is not taken in the folder, nor is the folder for its pictures."""
    taken = (path for path in _names(folder, safe_name(title), suffix))
    return next(path for path in taken if not path.exists() and not files_folder(path).exists())


def _names(folder: Path, name: str, suffix: str) -> Iterable[Path]:
    yield folder / f"{name}.{suffix}"
    number = 2
    while True:
        yield folder / f"{name}-{number}.{suffix}"
        number += 1


def files_folder(path: Path) -> Path:
    """Where the pictures of a file go."""
    return path.with_name(f"{path.stem}-files")


def write(path: Path, text: str, files: Mapping[str, bytes] | None = None, *, replace: bool = False) -> Path:
    """Write a file, readable by its owner only, and the files that belong beside it. An existing file is replaced, as
    a whole, only with ``replace``. Raises OSError (FileExistsError)."""
    if not replace and path.exists():
        raise FileExistsError(17, "exists", str(path))
    for name, data in (files or {}).items():
        target = path.parent / name
        target.parent.mkdir(mode=0o700, exist_ok=True)
        _put(target, data, replace=replace)
    _put(path, text.encode("utf-8", "replace"), replace=replace)
    return path


def _put(path: Path, data: bytes, *, replace: bool) -> None:
    if not replace:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(data)
        return
    path = path.resolve()  # a link stays one
    fresh = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        _put(fresh, data, replace=False)
        if path.exists():
            fresh.chmod(path.stat().st_mode & 0o777)
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)
