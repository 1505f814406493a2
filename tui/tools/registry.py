"""The tools that run inside lmdeck: a name, a schema and a function each."""

from __future__ import annotations

import asyncio
import inspect
import json
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from tui.model.problem import Problem
from tui.model.tool import ToolCall, ToolOutcome, ToolSpec

ToolFunction = Callable[[Mapping[str, Any]], Any | Awaitable[Any]]
DEFAULT_TIMEOUT = 30.0


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool and what runs it. ``function`` gets the checked arguments; it must not block when it is no coroutine
    function, or set ``in_thread``. ``timeout`` in seconds; a thread cannot be killed, its result is then dropped."""

    spec: ToolSpec
    function: ToolFunction
    timeout: float = DEFAULT_TIMEOUT
    in_thread: bool = False


class Registry:
    """A ToolRunner over functions. Names are unique: adding a name again raises ValueError."""

    def __init__(self, tools: Iterable[Tool] = ()) -> None:
        self._tools: dict[str, Tool] = {}
        for tool in tools:
            self.add(tool)

    def add(self, tool: Tool) -> None:
        if tool.spec.name in self._tools:
            raise ValueError(f"there is a tool called {tool.spec.name!r} already")
        self._tools[tool.spec.name] = tool

    def remove(self, name: str) -> None:
        """Forget a tool; raises KeyError when there is none of that name."""
        del self._tools[name]

    def specs(self) -> tuple[ToolSpec, ...]:
        return tuple(tool.spec for tool in self._tools.values())

    async def run(self, call: ToolCall) -> ToolOutcome:
        """Run a call; what goes wrong in the tool is an outcome with ``ok=False``. May be cancelled."""
        tool = self._tools.get(call.name)
        if tool is None:
            problem = Problem("chat.call_unknown", {"name": call.name, "available": ", ".join(self._tools)})
            return ToolOutcome(f"Error: there is no tool named {call.name}.", ok=False, problem=problem)
        limit = asyncio.timeout(tool.timeout)
        try:
            async with limit:
                value = await _call(tool, call.arguments)
            return ToolOutcome(as_text(value))
        except Exception as error:  # noqa: BLE001 (whatever a tool raises is its result)
            if limit.expired():
                problem = Problem("chat.call_timeout", {"name": call.name, "seconds": tool.timeout})
                return ToolOutcome(f"Error: no result within {tool.timeout:g} s.", ok=False, problem=problem)
            reason = f"{type(error).__name__}: {error}"
            problem = Problem("chat.call_failed", {"name": call.name, "reason": reason})
            return ToolOutcome(f"Error: {reason}", ok=False, problem=problem)


async def _call(tool: Tool, arguments: Mapping[str, Any]) -> Any:
    if tool.in_thread:
        return await asyncio.to_thread(tool.function, arguments)
    value = tool.function(arguments)
    return await value if inspect.isawaitable(value) else value


def as_text(value: Any) -> str:
    """A tool's result as the text that the model gets: text as it is, everything else as JSON where possible."""
    if isinstance(value, str):
        return value
    try:
        return json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError):
        return str(value)
