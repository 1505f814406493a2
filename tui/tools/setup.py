"""The user's tools, from the settings: arithmetic, the tools folder, the MCP servers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tui.config.mcp import read_mcp
from tui.config.settings import Settings
from tui.config.settings_file import ConfigFile
from tui.model.problem import Problem
from tui.tools.arithmetic import arithmetic
from tui.tools.mcp_servers import McpServer, mcp_servers
from tui.tools.python_tools import Limits, PythonTools
from tui.tools.toolbox import BuiltIn, Toolbox


class UserTools(Toolbox):
    """All tools of a user. ``python`` and ``servers`` are the sources that can be looked at and restarted."""

    def __init__(
        self, python: PythonTools, servers: tuple[McpServer, ...], result_limit: int, problems: tuple[Problem, ...] = ()
    ) -> None:
        super().__init__((BuiltIn(arithmetic()), python, *servers), result_limit)
        self.python = python
        self.servers = servers
        self._from_settings = problems

    def problems(self) -> tuple[Problem, ...]:
        return (*self._from_settings, *super().problems())


def _nobody() -> None:
    """Nobody wants to know."""


def open_tools(
    settings: Settings, file: ConfigFile, folder: Path | None = None, changed: Callable[[], None] = _nobody
) -> UserTools:
    """The tools that the settings name. MCP servers begin to start; files are read by the first ``refresh``. Needs a
    running loop; close it with ``aclose``."""
    limits = Limits(settings.tool_timeout, int(settings.tool_memory * 1024**3))
    found = read_mcp(file)
    servers = mcp_servers(found.servers, changed)
    return UserTools(PythonTools(folder, limits), servers, settings.tool_result_limit, found.problems)
