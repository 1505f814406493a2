"""MCP servers: ``[mcp.NAME]`` of the settings file says how each is started or reached."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from tui.config.secrets import secret_in
from tui.config.settings_check import unknown_key, wrong_value
from tui.config.settings_file import ConfigFile
from tui.config.settings_options import build, flatten, option, options_of
from tui.i18n import N_
from tui.model.problem import Problem

START = N_("How the MCP server is reached")
USE = N_("How it is used")

_NAME = re.compile(r"[A-Za-z0-9][\w-]{0,31}")
_FROM_ENVIRONMENT = re.compile(r"env:([A-Za-z_][A-Za-z0-9_]*)")


@dataclass(frozen=True, slots=True)
class McpFields:
    """The table ``[mcp.NAME]`` as it stands in the file; either ``command`` or ``url``."""

    command: tuple[str, ...] = option((), N_("The program that is the server, one word each."), group=START)
    folder: str = option("", N_("The folder it is started in."), group=START)
    env: dict[str, Any] = option(  # noqa: RUF009 (gives a dataclass field)
        {}, N_("Environment variables for it; a value env:NAME is taken from lmdeck's own."), group=START
    )
    url: str = option("", N_("The server's address, for servers that speak HTTP."), group=START)
    headers: dict[str, Any] = option(  # noqa: RUF009 (gives a dataclass field)
        {}, N_("Headers of every request; a value env:NAME is taken from the environment."), group=START
    )
    enabled: bool = option(default=True, explanation=N_("Start it together with lmdeck."), group=USE)
    tools: tuple[str, ...] | None = option(None, N_("Only these of its tools."), group=USE)
    timeout: float = option(60.0, N_("Seconds a call may take."), group=USE, minimum=0.1, maximum=86_400)
    start_timeout: float = option(20.0, N_("Seconds it may take to come up."), group=USE, minimum=0.1, maximum=3600)


@dataclass(frozen=True, slots=True)
class McpServerConfig:
    """A server that can be used. ``env`` and ``headers`` hold what stands in the file: see :meth:`resolved`."""

    name: str
    fields: McpFields

    def resolved(self, environ: Mapping[str, str] | None = None) -> tuple[dict[str, str], dict[str, str]]:
        """Environment and headers with ``env:NAME`` replaced; a variable that is not set gives an empty text."""
        environ = os.environ if environ is None else environ

        def value(text: object) -> str:
            match = _FROM_ENVIRONMENT.fullmatch(str(text))
            return environ.get(match[1], "") if match else str(text)

        return (
            {name: value(text) for name, text in self.fields.env.items()},
            {name: value(text) for name, text in self.fields.headers.items()},
        )


@dataclass(frozen=True, slots=True)
class McpServers:
    """The servers that can be used, in the order of the file, and what is wrong with the others."""

    servers: tuple[McpServerConfig, ...]
    problems: tuple[Problem, ...] = ()


def read_mcp(file: ConfigFile) -> McpServers:
    """The MCP servers of a settings file. Never raises; a server with a mistake is left out."""
    good: list[McpServerConfig] = []
    problems: list[Problem] = []
    for name, data in file.table("mcp").items():
        found = _faults(name, data, file)
        problems += found
        if not found:
            values, _unknown = flatten(McpFields, cast("Mapping[str, Any]", data))
            good.append(McpServerConfig(name, build(McpFields, values)))
    return McpServers(tuple(good), tuple(problems))


def _faults(name: str, data: object, file: ConfigFile) -> list[Problem]:
    where = file.where("mcp", name)
    if not _NAME.fullmatch(name):
        return [Problem("config.mcp_name", {"where": where, "name": name})]
    if not isinstance(data, Mapping):
        return [Problem("config.not_table", {"where": where, "name": f"mcp.{name}"})]
    options = options_of(McpFields)
    values, unknown = flatten(McpFields, cast("Mapping[str, Any]", data))
    problems = [unknown_key(key, McpFields, file.where("mcp", name, key.strip('"'))) for key in unknown]
    problems += [
        wrong_value(options[key], fault, file.where("mcp", name, key))
        for key, value in values.items()
        if (fault := options[key].fault(value))
    ]
    if not problems and bool(values.get("command")) == bool(values.get("url")):
        code = "config.mcp_two_places" if values.get("command") else "config.mcp_no_place"
        problems.append(Problem(code, {"where": where, "name": name}))
    if not problems and secret_in(str(values.get("url", ""))):
        problems.append(Problem("config.secret_in_url", {"where": file.where("mcp", name, "url"), "name": "url"}))
    return problems
