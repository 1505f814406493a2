"""Putting tool calls together from their pieces.

Pieces are merged by index only: lmdeploy 0.7.2–0.12 gives every piece another random id, repeats names, skips indices
(lmdeploy issue #3412); 0.13 and later send id and name once.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import cast

from tui.chat.ports import new_id
from tui.model.delta import ToolCallDelta
from tui.model.events import ToolCallArguments, ToolCallStarted


@dataclass(frozen=True, slots=True)
class WrittenCall:
    """A call as the model wrote it; ``arguments`` may be anything."""

    call_id: str
    name: str
    arguments: str


@dataclass(slots=True)
class _Growing:
    call_id: str = ""
    name: str = ""
    fragments: list[str] = field(default_factory=list[str])

    @property
    def arguments(self) -> str:
        if len(self.fragments) > 1:
            self.fragments = ["".join(self.fragments)]
        return self.fragments[0] if self.fragments else ""


class CallAssembler:
    """The calls of one round. ``taken`` are the call ids of the conversation so far; new ones are added to it."""

    def __init__(self, taken: set[str]) -> None:
        self._taken = taken
        self._calls: list[_Growing] = []
        self._by_index: dict[int, _Growing] = {}

    def feed(self, delta: ToolCallDelta) -> Iterable[ToolCallStarted | ToolCallArguments]:
        """The events that a piece makes: a start once the name is known, and argument fragments behind it."""
        call = self._by_index.get(delta.index)
        if call is None or self._is_another(call, delta):
            call = self._by_index[delta.index] = _Growing()
            self._calls.append(call)
        elif delta.name and delta.arguments and delta.arguments == call.arguments:
            return  # the same whole call once more
        if not call.name and delta.name:
            call.name = delta.name
            call.call_id = self._unique(delta.call_id)
            yield ToolCallStarted(call.call_id, call.name)
            if call.fragments:
                yield ToolCallArguments(call.call_id, call.arguments)
        if delta.arguments:
            call.fragments.append(delta.arguments)
            if call.call_id:
                yield ToolCallArguments(call.call_id, delta.arguments)

    def finish(self) -> Iterable[ToolCallStarted | ToolCallArguments]:
        """Calls that never got a name are started without one: they are shown as broken, not lost."""
        for call in self._calls:
            if not call.call_id:
                call.call_id = self._unique("")
                yield ToolCallStarted(call.call_id, call.name)
                if call.fragments:
                    yield ToolCallArguments(call.call_id, call.arguments)

    @property
    def calls(self) -> tuple[WrittenCall, ...]:
        """The calls in the order in which they began."""
        return tuple(WrittenCall(call.call_id, call.name, call.arguments) for call in self._calls)

    def _unique(self, call_id: str) -> str:
        if not call_id or call_id in self._taken:
            call_id = f"call_{new_id()}"
        self._taken.add(call_id)
        return call_id

    @staticmethod
    def _is_another(call: _Growing, delta: ToolCallDelta) -> bool:
        """Some old parsers give a second call the index of the first: a named piece with arguments of its own behind
        arguments that are already whole."""
        begins = delta.name and call.name and delta.arguments.lstrip().startswith("{")
        if not begins or not call.arguments.strip() or delta.arguments == call.arguments:
            return False
        return parse_object(call.arguments) is not None


def parse_object(text: str) -> dict[str, object] | None:
    """The JSON object in ``text``; None when it is anything else. No text at all is an empty object, because servers
    send nothing for a call without arguments."""
    if not text.strip():
        return {}
    try:
        value = json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return None
    return cast("dict[str, object]", value) if isinstance(value, dict) else None


def _refuse(constant: str) -> object:
    raise ValueError(constant)  # NaN and Infinity are not JSON
