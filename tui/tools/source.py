"""Where tools come from: one small protocol for the built-in ones, Python files and MCP servers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from tui.model.problem import Problem
from tui.model.tool import ToolCall, ToolOutcome, ToolSpec


@dataclass(frozen=True, slots=True, eq=False)
class Offer:
    """A tool as its source calls it; ``line`` of the source file, 0 where there is none. Compared by identity: two
    sources may offer tools that look alike."""

    spec: ToolSpec
    line: int = 0


class ToolSource(Protocol):
    """A source; ``name`` is short and goes before a tool's name when two sources use the same one. ``run`` gets the
    call with the tool's own name and keeps the promises of :class:`tui.model.tool.ToolRunner`."""

    @property
    def name(self) -> str: ...

    def offers(self) -> tuple[Offer, ...]: ...

    def problems(self) -> tuple[Problem, ...]: ...

    async def refresh(self) -> None: ...

    async def run(self, offer: Offer, call: ToolCall) -> ToolOutcome: ...

    async def aclose(self) -> None: ...
