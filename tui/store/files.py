"""The database's files: where they are, who may read them, what kind of file system they lie on."""

from __future__ import annotations

import os
import sys
from collections.abc import Generator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from tui.config.paths import data_folder, private_folder

MOUNTS = Path("/proc/mounts")
# Shared memory or locks do not work there as WAL needs them (https://www.sqlite.org/wal.html, "all processes must be
# on the same host"). Every fuse.* counts as one: sshfs, glusterfs, rclone, s3fs and the like.
_NETWORK_TYPES = frozenset(
    {
        *("9p", "acfs", "afs", "beegfs", "ceph", "cifs", "coda", "davfs", "drvfs", "fhgfs", "gfs2", "gpfs", "juicefs"),
        *("lustre", "ncpfs", "nfs", "nfs4", "ocfs2", "orangefs", "panfs", "prl_fs", "pvfs2", "smb3", "smbfs"),
        *("vboxsf", "virtiofs", "vmhgfs", "wekafs"),
    }
)
_COMPANIONS = ("", "-wal", "-shm", "-journal")


def default_path() -> Path:
    """The user's conversations."""
    return data_folder() / "conversations.sqlite3"


def make_private_file(path: Path) -> None:
    """Create folder (0700) and file (0600) where they are missing; an existing file is closed to others. SQLite gives
    its companions the mode of the database. Raises OSError."""
    private_folder(path.parent)
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    if path.stat().st_mode & 0o077:
        with suppress(OSError):  # a file system without modes, or somebody else's file
            path.chmod(0o600)


def on_network(path: Path, mounts: Path | None = None) -> bool:
    """Whether ``path`` lies on a network file system, as /proc/mounts says; False where there is no such file."""
    try:
        lines = (mounts or MOUNTS).read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return False
    target = path.resolve()
    best, kind = -1, ""
    for line in lines:
        fields = line.split(" ")
        if len(fields) < 3:
            continue
        point = Path(_unescape(fields[1]))
        # The last of equally deep mounts covers the earlier ones.
        if target.is_relative_to(point) and len(point.parts) >= best:
            best, kind = len(point.parts), fields[2]
    return kind in _NETWORK_TYPES or kind.startswith("fuse.")


def _unescape(field: str) -> str:
    """/proc/mounts writes blanks, tabs, newlines and backslashes as three octal digits."""
    for octal, character in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        field = field.replace(octal, character)
    return field


def beside(path: Path, why: str) -> Path:
    """A new name in the same folder that says why and when: ``conversations.broken-20250131-235959.sqlite3``."""
    stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    candidate = path.with_name(f"{path.stem}.{why}-{stamp}{path.suffix}")
    number = 1
    while candidate.exists():
        number += 1
        candidate = path.with_name(f"{path.stem}.{why}-{stamp}-{number}{path.suffix}")
    return candidate


def set_aside(path: Path) -> Path:
    """Give a broken database and its companions a new name and return it. Raises OSError."""
    kept = beside(path, "broken")
    for companion in _COMPANIONS:
        with suppress(FileNotFoundError):
            path.with_name(path.name + companion).rename(kept.with_name(kept.name + companion))
    return kept


def identity(path: Path | None) -> tuple[int, int] | None:
    """What tells a file from another one under the same name; None when there is none."""
    if path is None:
        return None
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def suspect_mark(path: Path) -> Path:
    """The file whose presence asks for a full check when the database is opened next."""
    return path.with_name(path.name + "-suspect")


@contextmanager
def sole_repairer(path: Path) -> Generator[None]:
    """Only one process at a time looks at a broken file and moves it away. Raises OSError."""
    lock = os.open(path.with_name(path.name + "-lock"), os.O_CREAT | os.O_RDWR, 0o600)
    try:
        if sys.platform != "win32":
            import fcntl

            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)
