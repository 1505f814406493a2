"""A private folder for sockets, with short names. What a killed lmdeck left behind is swept away at the next start."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import stat
import sys
import tempfile
from pathlib import Path

from tui.model.problem import Problem, ProblemError

LONGEST = 80
"""Bytes of a socket's path: sun_path has 104 (macOS) or 108, and ssh adds 17 while it creates one."""

_LOCK = "lock"
_NAME = 24  # bytes for /, the file's name and room to spare


class SocketFolder:
    """``base/RANDOM/`` of this process, readable by its owner only, with a lock that a sweep respects.

    Raises ProblemError(ssh.no_private_folder) when no place is private, short and writable."""

    def __init__(self, bases: tuple[Path, ...] = ()) -> None:
        reasons: list[str] = []
        for base in bases or _bases():
            try:
                _make_private(base)
                sweep(base)
                self.path = base / secrets.token_hex(3)
                self.path.mkdir(mode=0o700)
                self._lock = _lock(self.path / _LOCK)
                break
            except OSError as error:
                reasons.append(str(error))
        else:
            raise ProblemError(Problem("ssh.no_private_folder", {"reason": reasons[-1][:200]}, "\n".join(reasons)))
        self._count = 0

    def socket(self, kind: str = "s") -> Path:
        """A new path for a socket; nothing is created. At most ``LONGEST`` bytes."""
        self._count += 1
        return self.path / f"{kind}{self._count}"

    def close(self) -> None:
        """Remove the folder with everything in it. May be called twice."""
        shutil.rmtree(self.path, ignore_errors=True)
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def _bases() -> tuple[Path, ...]:
    """Where such folders may stand, the best place first."""
    if sys.platform == "win32":
        return (Path(tempfile.gettempdir()) / "lmdeck-ssh",)
    user = f"lmdeck-{os.getuid()}"
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    places = [Path(runtime) / "lmdeck"] if os.path.isabs(runtime) else []
    return (*places, Path(tempfile.gettempdir()) / user, Path("/tmp") / user)  # noqa: S108 (checked to be ours)


def _make_private(base: Path) -> None:
    """Create ``base``, or make sure that it is our own private folder. Raises OSError."""
    if len(os.fsencode(base)) + _NAME > LONGEST and sys.platform != "win32":
        raise OSError(f"{base}: the path is too long for a socket")
    with contextlib.suppress(FileExistsError):
        base.mkdir(mode=0o700, parents=False)
    facts = base.lstat()
    if not stat.S_ISDIR(facts.st_mode):
        raise OSError(f"{base}: not a folder")
    if sys.platform != "win32" and (facts.st_uid != os.getuid() or facts.st_mode & 0o077):
        raise OSError(f"{base}: not private to this user")


def _lock(path: Path) -> int | None:
    """An open file that is locked as long as this process lives. Raises OSError when another one has it."""
    if sys.platform == "win32":
        return None
    import fcntl

    number = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(number)
        raise
    return number


def sweep(base: Path) -> list[Path]:
    """Remove the folders of processes that are gone; returns them. Never raises."""
    gone: list[Path] = []
    with contextlib.suppress(OSError):
        for folder in base.iterdir():
            # A folder without a lock is just being made by somebody, or half removed: leave it to them.
            if sys.platform == "win32" or not (folder / _LOCK).is_file():
                continue
            try:
                number = _lock(folder / _LOCK)
            except OSError:
                continue
            shutil.rmtree(folder, ignore_errors=True)
            if number is not None:
                os.close(number)
            gone.append(folder)
    return gone
