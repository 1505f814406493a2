"""The settings file itself: read whole, written whole. Every failure is one :class:`Problem`, never an exception
that a user sees."""

from __future__ import annotations

import errno
import os
import re
import stat
import sys
import tomllib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, cast

from tui.config.paths import private_folder
from tui.config.settings_lines import key_lines
from tui.model.problem import Problem, ProblemError

LARGEST = 1024 * 1024
Stamp = tuple[int, int, int]
"""Modification time (ns), inode and size: another one means that the file changed."""

_POSITION = re.compile(r"\(at (?:line (\d+), column \d+|end of document)\)$")


@dataclass(frozen=True)
class ConfigFile:
    """What was read: ``data`` is empty where the file is missing or cannot be used, and ``problem`` says why."""

    path: Path
    text: str = ""
    data: Mapping[str, Any] = field(default_factory=dict[str, Any])
    problem: Problem | None = None
    stamp: Stamp | None = None

    @cached_property
    def _lines(self) -> Mapping[tuple[str, ...], int]:
        return key_lines(self.text)

    def table(self, *keys: str) -> Mapping[str, Any]:
        """The table at ``keys``; empty when there is none."""
        node: Any = self.data
        for key in keys:
            node = cast("Mapping[str, Any]", node).get(key) if isinstance(node, Mapping) else None
        return cast("Mapping[str, Any]", node) if isinstance(node, Mapping) else {}

    def line(self, *keys: str) -> int:
        """The line of a key, or of the nearest table around it; 1 where nothing of it is in the file."""
        for length in range(len(keys), 0, -1):
            if found := self._lines.get(keys[:length]):
                return found
        return 1

    def where(self, *keys: str) -> str:
        """``path:line`` of a key, as a problem names it."""
        return f"{shown_path(self.path)}:{self.line(*keys)}"


def shown_path(path: Path) -> str:
    """The path with the home folder as ``~``."""
    try:
        return str(Path("~") / path.relative_to(Path.home()))
    except (ValueError, RuntimeError):
        return str(path)


def stamp_of(path: Path) -> Stamp | None:
    """The stamp of the file that ``path`` names (links are followed); None when there is none or it is hidden."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_ino, status.st_size


def read_config(path: Path) -> ConfigFile:
    """Read a TOML file. Never raises; a missing file is an empty one without a problem."""
    name = shown_path(path)
    try:
        raw, stamp = _read_bytes(path)
    except FileNotFoundError:
        return ConfigFile(path)
    except ProblemError as error:
        return ConfigFile(path, problem=error.problem, stamp=stamp_of(path))
    except OSError as error:
        problem = Problem("config.unreadable", {"path": name}, str(error))
        return ConfigFile(path, problem=problem, stamp=stamp_of(path))
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        return ConfigFile(path, problem=Problem("config.not_utf8", {"where": f"{name}:{line}"}), stamp=stamp)
    try:
        return ConfigFile(path, text, parse_toml(text, name), stamp=stamp)
    except ProblemError as error:
        return ConfigFile(path, text, problem=error.problem, stamp=stamp)


def parse_toml(text: str, name: str) -> dict[str, Any]:
    """The data of a TOML document; ``name`` is how problems call it. Raises ProblemError (``config.broken_toml``)."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        message = str(error)
        match = _POSITION.search(message)
        line = int(match[1]) if match and match[1] else text.rstrip().count("\n") + 1
        raise ProblemError(Problem("config.broken_toml", {"where": f"{name}:{line}"}, message)) from None
    except (RecursionError, ValueError) as error:  # nested too deep; a number with more digits than Python converts
        raise ProblemError(Problem("config.broken_toml", {"where": name}, str(error))) from None


def _read_bytes(path: Path) -> tuple[bytes, Stamp]:
    # Not blocking: a named pipe in the file's place must not hang the start.
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise ProblemError(Problem("config.not_a_file", {"path": shown_path(path)}))
        with open(descriptor, "rb", closefd=False) as stream:
            raw = stream.read(LARGEST + 1)
    finally:
        os.close(descriptor)
    if len(raw) > LARGEST:
        raise ProblemError(Problem("config.too_large", {"path": shown_path(path), "limit": LARGEST // 1024}))
    return raw, (status.st_mtime_ns, status.st_ino, status.st_size)


def write_text(path: Path, text: str) -> None:
    """Replace a file by ``text`` in one step, readable by its owner only; a symbolic link stays and its target is
    replaced. Raises ProblemError: ``config.disk_full``, ``config.read_only``, ``config.cannot_write``."""
    try:
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        target = Path(os.path.realpath(path))
        private_folder(target.parent)
        _replace(target, text.encode())
    except OSError as error:
        code = "config.cannot_write"
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            code = "config.disk_full"
        elif error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
            code = "config.read_only"
        raise ProblemError(Problem(code, {"path": shown_path(path)}, str(error))) from error


def _replace(target: Path, content: bytes) -> None:
    from tempfile import mkstemp

    descriptor, name = mkstemp(prefix=f".{target.name}.", suffix=".tmp", dir=target.parent)  # mode 0600
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(name, target)
    except BaseException:
        with suppress(OSError):
            os.unlink(name)
        raise
    if sys.platform != "win32":
        folder = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
