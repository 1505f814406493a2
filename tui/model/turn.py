"""A turn as it is kept: what was asked, what came back, how long it took, on which server, with which memory."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from tui.model.events import Timings, Usage
from tui.model.memory import MemoryBreakdown
from tui.model.problem import Problem
from tui.model.request import Sampling
from tui.model.server import ServerFacts
from tui.model.tool import ToolSpec


@dataclass(frozen=True, slots=True)
class RawLine:
    """One line of the server's answer as it came: seconds since the request, and the text."""

    seconds: float
    text: str


@dataclass(frozen=True, slots=True)
class TurnRecord:
    """One turn of a conversation. ``raw`` holds the decoded lines of all rounds; ``breakdown`` one entry a card.

    ``finish_reason`` is empty while the turn runs and after a crash. ``started`` is UTC. ``tools`` are those that were
    offered; ``tools_raw``: to a server that parses no calls (see :class:`tui.model.request.ChatRequest`)."""

    id: str
    conversation_id: str
    model: str
    endpoint: str
    started: datetime
    sampling: Sampling = field(default_factory=Sampling)
    system: str = ""
    finish_reason: str = ""
    problem: Problem | None = None
    timings: Timings | None = None
    usage: tuple[Usage, ...] = ()
    raw: tuple[RawLine, ...] = ()
    server: ServerFacts | None = None
    breakdown: tuple[MemoryBreakdown, ...] = ()
    tools: tuple[ToolSpec, ...] = ()
    tools_raw: bool = False
