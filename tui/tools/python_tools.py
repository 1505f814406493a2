"""A folder of Python files whose functions are tools. They run in processes of their own (:mod:`tui.tools.worker`)."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from tui.config.paths import config_folder
from tui.model.message import ImagePart
from tui.model.problem import Problem
from tui.model.tool import ToolCall, ToolOutcome, ToolSpec
from tui.tools.child import Child, ChildError, Json
from tui.tools.source import Offer

Stamp = tuple[int, int, int]
_LARGEST_FILE = 1024 * 1024
_MOST_FILES = 100


def tools_folder() -> Path:
    """Where the user's own tools are: ``tools`` in the config folder. Not created here."""
    return config_folder() / "tools"


@dataclass(frozen=True, slots=True)
class Limits:
    """What one call may use: seconds, and bytes of address space; ``load_seconds`` for importing a file. ``workers``
    calls of one file run at the same time."""

    seconds: float = 30.0
    memory: int = 4 * 1024**3
    load_seconds: float = 20.0
    workers: int = 4


class ToolsFile:
    """One file: its tools, what is wrong with it, and the processes that run it."""

    def __init__(self, path: Path, stamp: Stamp, limits: Limits) -> None:
        self.path = path
        self.stamp = stamp
        self.offers: tuple[Offer, ...] = ()
        self.problems: tuple[Problem, ...] = ()
        self.log = ""
        self._limits = limits
        self._idle: list[Child] = []
        self._all: set[Child] = set()
        self._printed: dict[Child, list[str]] = {}
        self._room = asyncio.Semaphore(limits.workers)

    async def load(self) -> None:
        """Import the file in a process and learn its tools. Never raises."""
        try:
            child, answer = await self._fresh()
        except ChildError as error:
            self.problems = (self._problem_of(error),)
            self.log = error.detail
            return
        self._idle.append(child)
        self.log = "".join(self._printed[child])
        self.offers = tuple(
            Offer(ToolSpec(str(one["name"]), str(one["description"]), one["parameters"]), int(one["line"]))
            for one in answer["tools"]
        )
        self.problems = tuple(self._problem(one) for one in answer["problems"])
        self.log += "".join(str(one.get("traceback", "")) for one in answer["problems"])

    async def run(self, call: ToolCall) -> ToolOutcome:
        """Run a call in a process that is free or new."""
        async with self._room:
            try:
                child = self._idle.pop() if self._idle else (await self._fresh())[0]
            except ChildError as error:
                return self._no_answer(call, error, "")
            self._printed[child] = []
            keep = False
            try:
                request = {"do": "call", "name": call.name, "arguments": dict(call.arguments)}
                answer = await child.request(request, self._limits.seconds)
                keep = True
            except ChildError as error:
                return self._no_answer(call, error, "".join(self._printed[child]))
            finally:
                if keep:
                    self._idle.append(child)
                else:  # too late, dead or cancelled
                    await asyncio.shield(self._end(child))
            return self._outcome(call, answer, "".join(self._printed[child]))

    async def aclose(self) -> None:
        """End all processes."""
        for child in tuple(self._all):
            await self._end(child)

    async def _fresh(self) -> tuple[Child, Json]:
        """A new process that has imported the file. Raises ChildError."""
        printed: list[str] = []

        def note(message: Json) -> None:
            self._printed.setdefault(child, []).append(str(message.get("text", "")))

        arguments = ["-m", "tui.tools.worker", str(self.path), str(self._limits.memory)]
        child = Child(arguments, note)
        self._all.add(child)
        self._printed[child] = printed
        loaded = False
        try:
            await child.start()
            answer = await child.request({"do": "load"}, self._limits.load_seconds)
            loaded = True
        finally:
            if not loaded:
                await asyncio.shield(self._end(child))
        return child, answer

    async def _end(self, child: Child) -> None:
        await child.aclose()
        self._all.discard(child)
        if child in self._idle:
            self._idle.remove(child)

    # Answers as outcomes and problems.

    def _outcome(self, call: ToolCall, answer: Json, printed: str) -> ToolOutcome:
        error = cast("Json | None", answer.get("error"))
        if error is None:
            images = tuple(ImagePart(one["media_type"], one["data"], call.name) for one in answer["images"])
            return ToolOutcome(answer["text"], log=printed, images=images)
        reason, line = str(error.get("reason", "")), int(error.get("line") or 0)
        log = printed + str(error.get("traceback", ""))
        if error["kind"] == "memory":
            return self._failed(call, "tools.memory", "it ran out of memory", log)
        if error["kind"] == "too_large":
            return self._failed(call, "tools.result_too_large", f"its result is too large ({reason})", log)
        where = f"{self.path.name}:{line}" if line else self.path.name
        problem = Problem("tools.raised", {"name": call.name, "reason": reason, "where": where}, log)
        return ToolOutcome(
            f"Error: {reason} (line {line})" if line else f"Error: {reason}", ok=False, problem=problem, log=log
        )

    def _failed(self, call: ToolCall, code: str, reason: str, log: str) -> ToolOutcome:
        return ToolOutcome(f"Error: {reason}.", ok=False, problem=Problem(code, {"name": call.name}, log), log=log)

    def _no_answer(self, call: ToolCall, error: ChildError, printed: str) -> ToolOutcome:
        log = printed + error.detail
        if error.why == "timeout":
            data: Mapping[str, Any] = {"name": call.name, "seconds": self._limits.seconds}
            text = f"Error: no result within {self._limits.seconds:g} s."
            return ToolOutcome(text, ok=False, problem=Problem("chat.call_timeout", data, log), log=log)
        if "MemoryError" in error.detail or "memory" in error.detail.lower():
            return self._failed(call, "tools.memory", "it ran out of memory", log)
        return self._failed(call, "tools.process_ended", "its process ended before it gave a result", log)

    def _problem(self, one: Json) -> Problem:
        line, reason = int(one.get("line") or 0), str(one.get("reason", ""))
        where = f"{self.path.name}:{line}" if line else self.path.name
        if one["kind"] == "signature":
            return Problem("tools.bad_signature", {"name": str(one["name"]), "where": where, "reason": reason})
        if one["kind"] == "memory":
            return Problem("tools.file_memory", {"where": where})
        code = {"import": "tools.file_import", "syntax": "tools.file_syntax"}.get(one["kind"], "tools.file_raised")
        return Problem(code, {"where": where, "reason": reason}, str(one.get("traceback", "")))

    def _problem_of(self, error: ChildError) -> Problem:
        code = "tools.file_slow" if error.why == "timeout" else "tools.file_ended"
        return Problem(code, {"where": self.path.name, "seconds": self._limits.load_seconds}, error.detail)


class PythonTools:
    """All files of a folder. A file that is new or changed is imported again at the next :meth:`refresh`; files whose
    names begin with ``_`` or ``.`` are left alone."""

    name = "python"

    def __init__(self, folder: Path | None = None, limits: Limits | None = None) -> None:
        self.folder = folder or tools_folder()
        self.limits = limits or Limits()
        self._files: dict[Path, ToolsFile] = {}
        self._problem: Problem | None = None
        self._lock = asyncio.Lock()

    @property
    def files(self) -> tuple[ToolsFile, ...]:
        return tuple(self._files.values())

    def offers(self) -> tuple[Offer, ...]:
        return tuple(offer for file in self._files.values() for offer in file.offers)

    def problems(self) -> tuple[Problem, ...]:
        own = (self._problem,) if self._problem else ()
        return (*own, *(problem for file in self._files.values() for problem in file.problems))

    def file_of(self, offer: Offer) -> ToolsFile | None:
        """The file that a tool stands in."""
        return next((file for file in self._files.values() if any(one is offer for one in file.offers)), None)

    async def refresh(self) -> None:
        """Look at the folder; import what is new or changed, all at the same time. Never raises."""
        async with self._lock:
            stamps = await asyncio.to_thread(self._scan)
            gone = [file for path, file in self._files.items() if stamps.get(path) != file.stamp]
            fresh = {
                path: ToolsFile(path, stamp, self.limits)
                for path, stamp in stamps.items()
                if path not in self._files or self._files[path].stamp != stamp
            }
            await asyncio.gather(*(file.load() for file in fresh.values()))
            known = {**self._files, **fresh}
            self._files = {path: known[path] for path in stamps}
            await asyncio.gather(*(file.aclose() for file in gone))

    async def run(self, offer: Offer, call: ToolCall) -> ToolOutcome:
        """Run a call; ``call.name`` is the name that the file gives the function."""
        file = self.file_of(offer)
        if file is None:  # it was edited away while the model wrote the call
            problem = Problem("tools.gone", {"name": call.name})
            return ToolOutcome("Error: this tool is not there any more.", ok=False, problem=problem)
        return await file.run(call)

    async def aclose(self) -> None:
        await asyncio.gather(*(file.aclose() for file in self._files.values()))
        self._files = {}

    def _scan(self) -> dict[Path, Stamp]:
        self._problem = None
        try:
            paths = sorted(path for path in self.folder.glob("*.py") if not path.name.startswith(("_", ".")))
            stamps = {path: path.stat() for path in paths[:_MOST_FILES] if path.is_file()}
        except FileNotFoundError:
            return {}
        except OSError as error:
            self._problem = Problem(
                "tools.folder", {"folder": str(self.folder), "reason": error.strerror or str(error)}
            )
            return {}
        large = [path.name for path, one in stamps.items() if one.st_size > _LARGEST_FILE]
        if large or len(paths) > _MOST_FILES:
            self._problem = Problem("tools.folder_full", {"folder": str(self.folder), "limit": _MOST_FILES})
        return {
            path: (one.st_mtime_ns, one.st_ino, one.st_size)
            for path, one in stamps.items()
            if one.st_size <= _LARGEST_FILE
        }
