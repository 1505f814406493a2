"""The user's own editor on a private file. The terminal must be given up first (``App.suspend``)."""

from __future__ import annotations

import asyncio
import os
import shlex
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from tui.model.problem import Problem, ProblemError

_USUAL = ("sensible-editor", "nano", "vim", "vi")


def editor_command(environ: Mapping[str, str] | None = None) -> list[str]:
    """$VISUAL, $EDITOR, or what is usually there; empty when nothing is."""
    environ = os.environ if environ is None else environ
    for name in ("VISUAL", "EDITOR"):
        if environ.get(name, "").strip():
            return shlex.split(environ[name])
    found = next((program for program in _USUAL if shutil.which(program)), None)
    return [found] if found else []


async def edit(command: Sequence[str], text: str) -> str:
    """Let the user change ``text``; returns what was saved. The loop goes on meanwhile.

    Raises ProblemError: no editor, one that cannot be started, one that ended with a failure."""
    if not command:
        raise ProblemError(Problem("app.no_editor"))
    descriptor, name = tempfile.mkstemp(".md", "lmdeck-")  # 0600
    path = Path(name)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="replace") as stream:
            stream.write(text)
        try:
            child = await asyncio.create_subprocess_exec(*command, name)
        except OSError as error:
            reason = error.strerror or ""
            raise ProblemError(Problem("app.editor_failed", {"command": command[0], "reason": reason})) from error
        if (code := await child.wait()) != 0:
            raise ProblemError(Problem("app.editor_failed", {"command": command[0], "reason": str(code)}))
        return (await asyncio.to_thread(path.read_text, "utf-8", "replace")).rstrip("\n")
    finally:
        await asyncio.to_thread(path.unlink, missing_ok=True)


async def edit_file(command: Sequence[str], path: Path, template: str = "") -> None:
    """Let the user change a file, which begins as ``template`` when there is none. Raises ProblemError as
    :func:`edit`, and when the file cannot be made."""
    try:
        await asyncio.to_thread(_make, path, template)
    except OSError as error:
        reason = error.strerror or str(error)
        raise ProblemError(Problem("app.editor_failed", {"command": str(path), "reason": reason})) from error
    if not command:
        raise ProblemError(Problem("app.no_editor"))
    try:
        child = await asyncio.create_subprocess_exec(*command, str(path))
    except OSError as error:
        reason = error.strerror or ""
        raise ProblemError(Problem("app.editor_failed", {"command": command[0], "reason": reason})) from error
    if (code := await child.wait()) != 0:
        raise ProblemError(Problem("app.editor_failed", {"command": command[0], "reason": str(code)}))


def _make(path: Path, template: str) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not path.exists():
        path.write_text(template, encoding="utf-8")
