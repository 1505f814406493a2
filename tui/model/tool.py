"""Tools as the model sees them and as their runs are told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Literal, Protocol, runtime_checkable

from tui.model.message import ImagePart
from tui.model.problem import Problem


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """A function offered to the model; ``parameters`` is a JSON Schema of type object. ``source`` says where it comes
    from: empty for the built-in ones, ``python``, or the name of an MCP server."""

    name: str
    description: str
    parameters: Mapping[str, Any]
    needs_approval: bool = True
    source: str = ""

    @property
    def key(self) -> str:
        """What settings call it: with its server's name before it when it comes from an MCP server, so that no server
        is trusted for another one's tool."""
        return self.name if self.source in ("", "python") else f"{self.source}/{self.name}"


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A complete call, ready to be approved and run. ``arguments`` were parsed and checked against the schema."""

    call_id: str
    name: str
    arguments: Mapping[str, Any]
    raw_arguments: str = ""


@dataclass(frozen=True, slots=True)
class ToolOutcome:
    """What running a call gave: the text for the model, and the problem when it is not a real result, or (with
    ``ok``) what the user should know about it.

    For the user only: ``full`` is the whole result when ``content`` was cut for the model, ``log`` what the tool
    printed and where it failed, ``images`` the pictures among the results."""

    content: str
    ok: bool = True
    problem: Problem | None = None
    extra: Mapping[str, Any] = field(default_factory=dict[str, Any])
    full: str = ""
    log: str = ""
    images: tuple[ImagePart, ...] = ()


class Verdict(Enum):
    ALLOW = "allow"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class Decision:
    """A user's answer to a call. ``reason`` goes to the model when the call is refused. ``scope`` says for which later
    calls of the same tool it holds as well: none, those of this conversation, all (until the settings are changed)."""

    verdict: Verdict
    reason: str = ""
    scope: Literal["once", "conversation", "always"] = "once"


@runtime_checkable
class Refreshing(Protocol):
    """A runner whose tools may change behind its back: files that were edited, servers that come up."""

    async def refresh(self) -> None:
        """Look for changes; never raises, and returns within a few seconds. Called before a turn."""
        ...


class ToolRunner(Protocol):
    """Whoever can run tools: the built-in registry, Python functions, MCP servers.

    ``run`` never raises for what a tool does wrong: that is a :class:`ToolOutcome` with ``ok=False``. It may be
    cancelled. ``specs`` is read at the start of every round.
    """

    def specs(self) -> tuple[ToolSpec, ...]: ...

    async def run(self, call: ToolCall) -> ToolOutcome: ...
