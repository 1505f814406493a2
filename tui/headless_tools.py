"""The tools of ``lmdeck ask``: the built-in ones, and the user's own when somebody asks for them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tui.model.problem import Problem, ProblemError
from tui.model.tool import Decision, ToolCall, ToolRunner, ToolSpec, Verdict

if TYPE_CHECKING:
    from tui.tools.setup import UserTools

_COME_UP = 20.0  # seconds that an MCP server may take: there is no later message for which it could be ready


@dataclass(frozen=True, slots=True)
class AskTools:
    """Who runs the tools, which of them are offered, which may run, and what must be closed at the end."""

    runner: ToolRunner
    offered: frozenset[str]
    allowed: frozenset[str]
    opened: UserTools | None = None

    async def approve(self, call: ToolCall, spec: ToolSpec) -> Decision:
        """Nobody is there to ask. Raises ProblemError (``ask.not_allowed``)."""
        if {call.name, spec.key} & self.allowed:
            return Decision(Verdict.ALLOW)
        raise ProblemError(Problem("ask.not_allowed", {"name": call.name}))

    async def aclose(self) -> None:
        if self.opened is not None:
            await self.opened.aclose()


async def open_ask_tools(wanted: Iterable[str] | None, allow: Iterable[str]) -> AskTools:
    """The tools that were asked for: with ``wanted`` None the built-in ones and those that may run.

    The user's files and MCP servers are opened only when a name of theirs is among them. Raises ProblemError
    (``ask.unknown_tool``) for a name that nobody knows."""
    from tui.tools.arithmetic import arithmetic

    plain = arithmetic()
    built_in = {spec.name for spec in plain.specs()}
    allowed = frozenset(allow)
    names = allowed if wanted is None else frozenset(wanted) | allowed
    if names <= built_in:
        return AskTools(plain, frozenset(built_in if wanted is None else wanted), allowed)
    tools = await _open()
    try:
        specs = tools.specs()
        _check_names(names, specs)
    except ProblemError:
        await tools.aclose()
        raise
    chosen = built_in | allowed if wanted is None else set(wanted)
    return AskTools(tools, frozenset(spec.name for spec in specs if {spec.name, spec.key} & chosen), allowed, tools)


async def _open() -> UserTools:
    from tui.config.settings import config_path
    from tui.config.settings_file import read_config
    from tui.config.settings_load import quick_settings
    from tui.tools.setup import open_tools

    path = config_path()
    tools = open_tools(quick_settings(path), read_config(path))
    await tools.refresh()
    for server in tools.servers:
        await server.settled(_COME_UP)
    return tools


def _check_names(names: Iterable[str], specs: tuple[ToolSpec, ...]) -> None:
    known = {name for spec in specs for name in (spec.name, spec.key)}
    for name in sorted(names):
        if name not in known:
            available = ", ".join(spec.name for spec in specs)
            raise ProblemError(Problem("ask.unknown_tool", {"name": name, "available": available}))
