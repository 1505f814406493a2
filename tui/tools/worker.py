"""The process that runs a user's Python tools: ``python -m tui.tools.worker FILE``.

Requests are lines of JSON on standard input: ``{"do": "load"}`` and ``{"do": "call", "name": …, "arguments": …}``;
answers go to standard output. What the tools print comes as messages of its own, at once, so that it is not lost when
the process has to be ended.
"""

from __future__ import annotations

import asyncio
import base64
import importlib.util
import inspect
import io
import json
import os
import queue
import sys
import threading
import time
import traceback
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, BinaryIO, cast

Json = dict[str, Any]

MAX_PRINTED = 256 * 1024  # characters of one call
MAX_RESULT = 8 * 1024 * 1024  # characters
MAX_IMAGE = 8 * 1024 * 1024  # bytes
_PAUSE = 0.05  # seconds for which printed text is collected
_IMAGES = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF8": "image/gif",
    b"RIFF": "image/webp",
}
MODULE = "lmdeck_tools_file"


class Wire:
    """Lines of JSON to whoever started us. Used by the thread that runs the tools and by threads of theirs."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._lock = threading.Lock()

    def send(self, message: Mapping[str, Any]) -> None:
        data = json.dumps(message).encode() + b"\n"
        with self._lock:
            self._stream.write(data)
            self._stream.flush()


class Printed(io.TextIOBase):
    """Standard output and error of the tools: sent on in pieces, up to a limit."""

    encoding = "utf-8"

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._lock = threading.RLock()
        self._parts: list[str] = []
        self._filled = threading.Event()
        self._room = MAX_PRINTED
        self._call = 0
        threading.Thread(target=self._send_on, daemon=True).start()

    def begin(self, number: int) -> None:
        with self._lock:
            self._parts.clear()
            self._call, self._room = number, MAX_PRINTED

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        with self._lock:
            if self._room > 0:
                self._parts.append(text[: self._room])
                self._room -= len(text)
                if self._room <= 0:
                    self._parts.append("\n[…]\n")
                self._filled.set()
        return len(text)

    def _send_on(self) -> None:
        while self._filled.wait():
            self._filled.clear()
            time.sleep(_PAUSE)
            self.flush()

    def flush(self) -> None:
        with self._lock:
            text = "".join(self._parts)
            self._parts.clear()
            if text:
                self._wire.send({"more": "printed", "id": self._call, "text": text})


class ToolsFile:
    """A user's file, imported: its functions as tools, and what is wrong with it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.tools: dict[str, Any] = {}
        self.problems: list[Json] = []

    def load(self) -> Json:
        """Import the file and describe its tools."""
        from tui.tools.signature import SignatureError, function_tool

        try:
            module = self._import()
        except BaseException as error:  # noqa: BLE001 (a file may raise anything, SystemExit too)
            return {"tools": [], "problems": [self._failure(error)]}
        given = _given_specs(module)
        specs: list[Json] = []
        for name, function in _functions(module):
            try:
                tool = function_tool(function)
            except SignatureError as error:
                self.problems.append(
                    {"kind": "signature", "name": name, "line": _line_of(function), "reason": str(error)}
                )
                continue
            self.tools[name] = tool
            specs.append({**tool.spec, **given.get(name, {}), "line": _line_of(function)})
        return {"tools": specs, "problems": self.problems}

    def _import(self) -> ModuleType:
        sys.path.insert(0, str(self.path.parent))
        spec = importlib.util.spec_from_file_location(MODULE, self.path)
        if spec is None or spec.loader is None:
            raise ImportError(str(self.path))
        module = importlib.util.module_from_spec(spec)
        sys.modules[MODULE] = module
        spec.loader.exec_module(module)
        return module

    def call(self, name: str, arguments: Mapping[str, Any]) -> Json:
        """Run a tool; everything it raises is an answer."""
        from pydantic import ValidationError

        tool = self.tools.get(name)
        if tool is None:
            return {"error": {"kind": "unknown", "reason": f"there is no function {name}"}}
        try:
            positional, named = tool.bind(arguments)
        except ValidationError as error:
            reasons = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
            return {"error": {"kind": "arguments", "reason": reasons}}
        try:
            value = tool.function(*positional, **named)
            if inspect.isawaitable(value):
                value = asyncio.run(_wait_for(value))
            return describe(value)
        except BaseException as error:  # noqa: BLE001 (a tool may raise anything, SystemExit too)
            return {"error": self._failure(error)}

    def _failure(self, error: BaseException) -> Json:
        """What was raised, with the line of the user's file and the traceback from there on."""
        if isinstance(error, MemoryError):
            return {"kind": "memory", "reason": "", "line": 0, "traceback": ""}
        trace = error.__traceback__
        while trace is not None and Path(trace.tb_frame.f_code.co_filename) != self.path:
            trace = trace.tb_next
        lines = [frame.lineno for frame in traceback.extract_tb(trace) if Path(frame.filename) == self.path]
        line = lines[-1] if lines else 0
        if isinstance(error, SyntaxError) and error.filename and Path(error.filename) == self.path:
            line = error.lineno or 0
        text = "".join(traceback.format_exception(type(error), error, trace))
        reason = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        kind = "import" if isinstance(error, ImportError) else "syntax" if isinstance(error, SyntaxError) else "raised"
        return {"kind": kind, "reason": reason[:2000], "line": line, "traceback": text[-MAX_PRINTED:]}


async def _wait_for(value: Any) -> Any:
    return await value


def _functions(module: ModuleType) -> list[tuple[str, Any]]:
    """The functions that the file itself defines, in its order; with ``__all__`` those it names."""
    named: Any = getattr(module, "__all__", None)
    found: list[tuple[str, Any]] = []
    for name, item in vars(module).items():
        if not inspect.isfunction(item) or name.startswith("_"):
            continue
        if name in named if named is not None else item.__module__ == module.__name__:
            found.append((name, item))
    return sorted(found, key=lambda pair: _line_of(pair[1]))


def _line_of(function: Any) -> int:
    return inspect.unwrap(function).__code__.co_firstlineno


def _given_specs(module: ModuleType) -> dict[str, Json]:
    """Descriptions in OpenAI's form that the file brings along, as the course's script does: name → what differs."""
    found: dict[str, Json] = {}
    for variable in ("tools", "TOOLS"):
        listed: Any = getattr(module, variable, None)
        for item in cast("list[Any]", listed) if isinstance(listed, list) else []:
            function: Any = cast("Json", item).get("function") if isinstance(item, dict) else None
            if isinstance(function, dict) and isinstance(cast("Json", function).get("name"), str):
                given = cast("Json", function)
                found[given["name"]] = {key: given[key] for key in ("description", "parameters") if key in given}
    return found


def describe(value: Any) -> Json:
    """A result as an answer: text as it is, pictures apart, everything else as JSON where possible."""
    picture = _picture(value)
    if picture is not None:
        kind, data = picture
        if len(data) > MAX_IMAGE:
            return {"error": {"kind": "too_large", "reason": f"{len(data)} bytes"}}
        return {"text": "", "images": [{"media_type": kind, "data": base64.b64encode(data).decode("ascii")}]}
    if isinstance(value, str):
        text = value
    else:
        from pydantic_core import to_json

        text = to_json(value, fallback=str, inf_nan_mode="constants").decode()
    if len(text) > MAX_RESULT:
        return {"error": {"kind": "too_large", "reason": f"{len(text)} characters"}}
    return {"text": text, "images": []}


def _picture(value: Any) -> tuple[str, bytes] | None:
    drawn: Any = getattr(value, "_repr_png_", None)
    data: Any = drawn() if callable(drawn) else value
    if not isinstance(data, bytes):
        return None
    return next(((kind, data) for mark, kind in _IMAGES.items() if data.startswith(mark)), None)


def limit_memory(size: int) -> None:
    """No more than so many bytes of address space for this process, where the system can do that."""
    if sys.platform == "win32":
        return
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        resource.setrlimit(resource.RLIMIT_AS, (size, size))


def _read_requests(source: BinaryIO, requests: queue.Queue[Json]) -> None:
    for line in source:
        requests.put(json.loads(line))
    os._exit(0)  # whoever started us is gone, whatever the tool is doing


def main(arguments: list[str]) -> None:
    """Serve until standard input ends."""
    path, memory = Path(arguments[0]), int(arguments[1])
    wire = Wire(os.fdopen(os.dup(1), "wb"))
    source = os.fdopen(os.dup(0), "rb")
    # What the tools and their libraries write to the descriptors themselves must not get between our lines.
    os.dup2(2, 1)
    with open(os.devnull, "rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    printed = Printed(wire)
    sys.stdout = sys.stderr = cast("Any", printed)
    limit_memory(memory)
    requests: queue.Queue[Json] = queue.Queue()
    threading.Thread(target=_read_requests, args=(source, requests), daemon=True).start()
    file = ToolsFile(path)
    while True:
        request = requests.get()
        number = int(request["id"])
        printed.begin(number)
        answer = file.load() if request["do"] == "load" else file.call(request["name"], request["arguments"])
        printed.flush()
        wire.send({"id": number, **answer})


if __name__ == "__main__":
    main(sys.argv[1:])
