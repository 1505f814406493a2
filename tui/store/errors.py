"""What SQLite and the file system complain about, as problems with a sentence."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import TYPE_CHECKING

from tui.model.problem import Problem, ProblemError

if TYPE_CHECKING:
    import sqlite3

# SQLite's primary result codes (https://www.sqlite.org/rescode.html); the low byte of an extended code.
_PERM, _BUSY, _LOCKED, _READONLY, _IOERR, _CORRUPT = 3, 5, 6, 8, 10, 11
_FULL, _CANTOPEN, _PROTOCOL, _TOOBIG, _NOTADB = 13, 14, 15, 18, 26

_CODES = {
    _PERM: "store.read_only",
    _BUSY: "store.locked",
    _LOCKED: "store.locked",
    _PROTOCOL: "store.locked",
    _READONLY: "store.read_only",
    _IOERR: "store.disk_error",
    _CORRUPT: "store.damaged",
    _FULL: "store.disk_full",
    _CANTOPEN: "store.cannot_open",
    _TOOBIG: "store.too_big",
    _NOTADB: "store.damaged",
}
_FULL_ERRNOS = frozenset({errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)})
_READ_ONLY_ERRNOS = frozenset({errno.EROFS, errno.EACCES, errno.EPERM})


def is_broken(error: sqlite3.Error) -> bool:
    """Whether the file is no database, or a damaged one."""
    return _primary(error) in {_CORRUPT, _NOTADB}


def is_locked(error: sqlite3.Error) -> bool:
    return _primary(error) in {_BUSY, _LOCKED, _PROTOCOL}


def from_sqlite(error: sqlite3.Error, path: Path | None) -> ProblemError:
    """The problem behind an error of SQLite's."""
    code = _CODES.get(_primary(error), "store.failed")
    name = getattr(error, "sqlite_errorname", "")
    return ProblemError(Problem(code, {"path": str(path or "")}, f"{name} {error}".strip()))


def from_os(error: OSError, path: Path) -> ProblemError:
    """The problem behind an error of the file system's."""
    if error.errno in _FULL_ERRNOS:
        code = "store.disk_full"
    elif error.errno in _READ_ONLY_ERRNOS:
        code = "store.read_only"
    else:
        code = "store.cannot_open"
    return ProblemError(Problem(code, {"path": str(path)}, str(error)))


def _primary(error: sqlite3.Error) -> int:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF
