"""What is kept of a turn and of a conversation beside the messages."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from tui.chat.ports import EndpointPort, new_id, utc_now
from tui.model.codec import from_json, to_json
from tui.model.events import Timings, TurnEvent, TurnFailed, TurnFinished, Usage
from tui.model.memory import MemoryBreakdown
from tui.model.problem import Problem
from tui.model.request import ChatRequest, Sampling
from tui.model.turn import RawLine, TurnRecord

# Characters of a server's lines that are kept for one turn; a model that runs wild must not fill the memory.
_RAW_LIMIT = 16 * 1024 * 1024


class TurnLog:
    """Collects a turn's record while it runs."""

    def __init__(self, endpoint: EndpointPort, breakdown: Callable[[], tuple[MemoryBreakdown, ...]]) -> None:
        self.turn_id = new_id()
        self._endpoint = endpoint
        self._breakdown = breakdown
        self._started = utc_now()
        self._raw: list[RawLine] = []
        self._room = _RAW_LIMIT
        self._usage: list[Usage] = []
        self._reason = ""
        self._problem: Problem | None = None
        self._timings: Timings | None = None

    def line(self, line: RawLine) -> None:
        """A line of the server's answer."""
        if self._room > 0:
            self._room -= len(line.text)
            self._raw.append(line)

    def note(self, event: TurnEvent) -> None:
        """Something happened in the turn."""
        if isinstance(event, Usage):
            self._usage.append(event)
        elif isinstance(event, TurnFinished):
            self._reason, self._timings = event.finish_reason, event.timings
        elif isinstance(event, TurnFailed):
            self._reason, self._problem, self._timings = "failed", event.problem, event.timings

    def record(self, conversation_id: str, request: ChatRequest) -> TurnRecord:
        """The turn as far as it came. Server facts and memory are those of this moment."""
        return TurnRecord(
            self.turn_id,
            conversation_id,
            model=request.model or self._endpoint.model or "",
            endpoint=self._endpoint.address.base_url,
            started=self._started,
            sampling=request.sampling,
            system=request.system,
            finish_reason=self._reason,
            problem=self._problem,
            timings=self._timings,
            usage=tuple(self._usage),
            raw=tuple(self._raw),
            server=self._endpoint.facts,
            breakdown=self._breakdown(),
            tools=request.tools,
            tools_raw=self._endpoint.facts.has_tool_parser is False,
        )


@dataclass(frozen=True, slots=True)
class Settings:
    """What a conversation remembers of how it is held. ``tools`` None: all."""

    system: str = ""
    sampling: Sampling = field(default_factory=Sampling)
    tools: frozenset[str] | None = None
    trim_oldest: bool = False

    def encoded(self) -> dict[str, Any]:
        tools = None if self.tools is None else sorted(self.tools)
        sampling = to_json(self.sampling)
        return {"system": self.system, "sampling": sampling, "tools": tools, "trim_oldest": self.trim_oldest}

    @classmethod
    def of(cls, data: Mapping[str, object]) -> Settings:
        """Read them back; what is missing or broken has its default."""
        system, tools = data.get("system"), data.get("tools")
        try:
            sampling = from_json(data.get("sampling"))
        except ValueError:
            sampling = Sampling()
        return cls(
            system if isinstance(system, str) else "",
            sampling if isinstance(sampling, Sampling) else Sampling(),
            frozenset(str(name) for name in cast("list[object]", tools)) if isinstance(tools, list) else None,
            bool(data.get("trim_oldest")),
        )
