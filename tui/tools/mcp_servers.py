"""MCP servers as a source of tools. Each is spoken to in a process of its own (:mod:`tui.tools.mcp_host`)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress
from importlib.util import find_spec
from time import monotonic
from typing import Any, Literal

from tui import __version__
from tui.config.mcp import McpServerConfig
from tui.model.message import ImagePart
from tui.model.problem import Problem
from tui.model.tool import ToolCall, ToolOutcome, ToolSpec
from tui.tools.child import Child, ChildError, Json
from tui.tools.source import Offer

State = Literal["off", "starting", "ready", "failed"]

FLOODED = 77
_GRACE = 3.0  # seconds for which a turn waits for servers that are coming up
_CLOSE = 3.0  # seconds a server has to end by itself
_MOST_ENDS = 3  # … in a row, until it is left off


def _nobody() -> None:
    """Nobody wants to know."""


class McpServer:
    """One server: its state, its tools, what it printed."""

    def __init__(self, config: McpServerConfig, changed: Callable[[], None] = _nobody) -> None:
        self.config = config
        self.state: State = "off"
        self.problem: Problem | None = None
        self.since = monotonic()
        self.title = ""
        self._changed = changed
        self._child: Child | None = None
        self._task: asyncio.Task[None] | None = None
        self._tools: tuple[Offer, ...] = ()
        self._ends = 0
        self._log = ""
        self._settled = asyncio.Event()

    @property
    def name(self) -> str:
        return self.config.name

    @property
    def log(self) -> str:
        """The end of what the server wrote to its error output."""
        return self._child.errors if self._child else self._log

    def offers(self) -> tuple[Offer, ...]:
        """Its tools, while it is there."""
        return self._tools if self.state == "ready" else ()

    def problems(self) -> tuple[Problem, ...]:
        return (self.problem,) if self.problem else ()

    def start(self) -> None:
        """Begin to start it, unless it runs or is being started."""
        if self.state not in ("starting", "ready"):
            self._set("starting", None)
            self._task = asyncio.create_task(self._run(self._task))

    async def restart(self) -> None:
        """End it and start it anew, however often it has ended."""
        await self.aclose()
        self._ends = 0
        self.start()

    async def refresh(self) -> None:
        """Start it again when it ended by itself; wait a little while it comes up for the first time."""
        if self.state == "failed" and self._ends and self._ends < _MOST_ENDS:
            self.start()
        if self.state == "starting" and monotonic() - self.since < _GRACE:
            await self.settled(_GRACE)

    async def settled(self, within: float) -> None:
        """Return when it is up, when it has failed, or after so many seconds."""
        if self.state == "starting":
            with suppress(TimeoutError):
                async with asyncio.timeout(within):
                    await self._settled.wait()

    async def run(self, offer: Offer, call: ToolCall) -> ToolOutcome:
        """Run a call; a server that is silent or gone is an outcome."""
        child, limit = self._child, self.config.fields.timeout
        if self.state != "ready" or child is None:
            problem = self.problem or Problem("tools.mcp_off", {"name": self.name})
            return ToolOutcome("Error: the server of this tool is not running.", ok=False, problem=problem)
        request = {"do": "call", "name": offer.spec.name, "arguments": dict(call.arguments)}
        try:
            answer = await child.request(request, limit)
        except ChildError as error:
            if error.why == "timeout":
                problem = Problem("chat.call_timeout", {"name": call.name, "seconds": limit})
                return ToolOutcome(f"Error: no result within {limit:g} s.", ok=False, problem=problem)
            problem = Problem("tools.mcp_ended", {"name": self.name}, error.detail)
            return ToolOutcome("Error: the server of this tool ended.", ok=False, problem=problem, log=error.detail)
        return _outcome(call, answer)

    async def aclose(self) -> None:
        """End the server."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        await self._end_child()
        self._set("off", None)

    async def _run(self, before: asyncio.Task[None] | None) -> None:
        """Start the server, then watch it until it ends."""
        if before is not None:
            await asyncio.gather(before, return_exceptions=True)
        if find_spec("mcp") is None:
            self._set("failed", Problem("tools.mcp_missing"))
            return
        child = self._child = Child(["-m", "tui.tools.mcp_host"], self._message)
        limit = self.config.fields.start_timeout
        try:
            await child.start()
            answer = await child.request(self._how(), limit)
        except ChildError as error:
            code = "tools.mcp_silent" if error.why == "timeout" else "tools.mcp_start"
            data = {"name": self.name, "seconds": limit, "reason": _last_line(error.detail)}
            await self._end_child()
            self._set("failed", Problem(code, data, error.detail))
            return
        if "error" in answer:
            log = child.errors
            await self._end_child()
            data = {"name": self.name, "reason": _last_line(log) if log.strip() else str(answer["error"])}
            self._set("failed", Problem("tools.mcp_start", data, log))
            return
        self.title = str(answer.get("server", ""))
        self._take_tools(answer["tools"])
        self._set("ready", None)
        await child.ended.wait()
        await self._ended(child)

    async def _ended(self, child: Child) -> None:
        """It ended by itself."""
        if monotonic() - self.since > 60:
            self._ends = 0
        self._ends += 1
        log, code = child.errors, await child.exit_code()
        await self._end_child()
        if code == FLOODED:
            self._ends = _MOST_ENDS
            self._set("failed", Problem("tools.mcp_flood", {"name": self.name}, log))
        elif self._ends >= _MOST_ENDS:
            self._set("failed", Problem("tools.mcp_keeps_ending", {"name": self.name, "count": self._ends}, log))
        else:
            self._set("failed", Problem("tools.mcp_ended", {"name": self.name}, log))

    def _how(self) -> Json:
        fields = self.config.fields
        environment, headers = self.config.resolved()
        return {
            "do": "connect",
            "command": list(fields.command),
            "folder": fields.folder,
            "env": environment,
            "url": fields.url,
            "headers": headers,
            "timeout": fields.timeout,
            "version": __version__,
        }

    def _message(self, message: Json) -> None:
        if "tools" in message:
            self._take_tools(message["tools"])
            self._changed()

    def _take_tools(self, tools: list[Any]) -> None:
        """Tools that look as before stay the same offers."""
        only = self.config.fields.tools
        before = {offer.spec.name: offer for offer in self._tools}
        made: list[Offer] = []
        for tool in tools:
            spec = ToolSpec(str(tool["name"]), str(tool["description"]), tool["parameters"] or {})
            if only is not None and spec.name not in only:
                continue
            old = before.get(spec.name)
            made.append(old if old is not None and old.spec == spec else Offer(spec))
        self._tools = tuple(made)

    async def _end_child(self) -> None:
        child, self._child = self._child, None
        if child is not None:
            self._log = child.errors
            await child.aclose(_CLOSE)

    def _set(self, state: State, problem: Problem | None) -> None:
        self.state, self.problem, self.since = state, problem, monotonic()
        if state == "starting":
            self._settled.clear()
        else:
            self._settled.set()
        self._changed()


def _outcome(call: ToolCall, answer: Json) -> ToolOutcome:
    reason = str(answer.get("error", ""))
    if not reason and answer.get("is_error"):
        reason = str(answer.get("text", ""))
    if reason:
        short = reason if len(reason) <= 300 else reason[:299] + "…"
        problem = Problem("tools.mcp_error", {"name": call.name, "reason": short}, reason)
        return ToolOutcome(f"Error: {reason}", ok=False, problem=problem)
    images = tuple(ImagePart(one["media_type"], one["data"], call.name) for one in answer["images"])
    return ToolOutcome(answer["text"], images=images)


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:300] if lines else "–"


def mcp_servers(configs: Iterable[McpServerConfig], changed: Callable[[], None] = _nobody) -> tuple[McpServer, ...]:
    """The servers of a settings file; those that are enabled begin to start. Needs a running loop."""
    servers = tuple(McpServer(config, changed) for config in configs)
    for server in servers:
        if server.config.fields.enabled:
            server.start()
    return servers
