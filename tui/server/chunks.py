"""JSON chunks of any lmdeploy since 0.5.3 → deltas.

Differences that end here: nulls or missing keys (≤ 0.13 / ≥ 0.14), usage on the last content chunk (≤ 0.13) or in a
chunk of its own, ``message`` instead of ``delta`` (a JSON body where a stream was asked for, ≤ 0.7.1), another random
id with every piece of a call (0.7.2 … 0.12), repeated names, errors inside a 200 answer.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, cast

from tui.model.delta import Delta, ToolCallDelta
from tui.model.events import ReasoningDelta, TextDelta, Usage
from tui.model.problem import ProblemError
from tui.server.errors import NOTHING_ASKED, Asked, problem_in_answer
from tui.server.text import SurrogateJoiner, repair

Json = dict[str, Any]


class ChunkDecoder:
    """Turns payloads of one answer into deltas and keeps what only becomes known over the whole answer.

    ``finish_reason`` is the server's word once it came; ``produced`` tells whether the model said anything;
    ``bad`` is the first payload that was not JSON (bounded), "" while there was none."""

    def __init__(self, asked: Asked = NOTHING_ASKED) -> None:
        self._asked = asked
        self.finish_reason: str | None = None
        self.produced = False
        self.usage: Usage | None = None
        self.chunks = 0
        self.bad = ""
        self._text = SurrogateJoiner()
        self._reasoning = SurrogateJoiner()
        self._calls: dict[int, _Call] = {}

    def decode(self, payload: str) -> list[Delta]:
        """The deltas of one payload. Raises ProblemError when it is an error message of the server."""
        try:
            data = json.loads(payload)
        except (ValueError, RecursionError):
            self.bad = self.bad or payload[:2000]
            return []
        if not isinstance(data, dict):
            self.bad = self.bad or payload[:2000]
            return []
        chunk = cast("Json", data)
        choices = chunk.get("choices")
        if not isinstance(choices, list):
            problem = problem_in_answer(chunk, payload, self._asked)
            if problem is not None:
                raise ProblemError(problem)
            choices = []
        self.chunks += 1
        deltas: list[Delta] = []
        for choice in cast("list[Any]", choices)[:1]:  # lmdeck never asks for more than one
            if isinstance(choice, dict):
                self._choice(cast("Json", choice), deltas)
        usage = chunk.get("usage")
        if isinstance(usage, dict):
            self.usage = _usage(cast("Json", usage))
            deltas.append(self.usage)
        return deltas

    def finish(self) -> list[Delta]:
        """Halves of characters that were still waiting, as replacement characters."""
        deltas: list[Delta] = []
        if rest := self._reasoning.finish():
            deltas.append(ReasoningDelta(rest))
        if rest := self._text.finish():
            deltas.append(TextDelta(rest))
        deltas.extend(
            ToolCallDelta(index, arguments=rest)
            for index, call in self._calls.items()
            if (rest := call.arguments.finish())
        )
        return deltas

    def _choice(self, choice: Json, deltas: list[Delta]) -> None:
        delta = choice.get("delta")
        if delta is None:
            delta = choice.get("message")
        if isinstance(delta, dict):
            self._delta(cast("Json", delta), deltas)
        reason = choice.get("finish_reason")
        if isinstance(reason, str) and reason:
            self.finish_reason = reason

    def _delta(self, delta: Json, deltas: list[Delta]) -> None:
        reasoning = delta.get("reasoning_content")
        if isinstance(reasoning, str) and reasoning:
            self.produced = True
            if text := self._reasoning.feed(reasoning):
                deltas.append(ReasoningDelta(text))
        content = delta.get("content")
        if isinstance(content, str) and content:
            self.produced = True
            if text := self._text.feed(content):
                deltas.append(TextDelta(text))
        calls = delta.get("tool_calls")
        if isinstance(calls, list):
            for position, call in enumerate(cast("list[Any]", calls)):
                if isinstance(call, dict):
                    self._call(cast("Json", call), position, deltas)

    def _call(self, call: Json, position: int, deltas: list[Delta]) -> None:
        index = call.get("index")
        if not isinstance(index, int):
            index = position  # a JSON body has no indices
        known = self._calls.setdefault(index, _Call())
        function = call.get("function")
        fields: Json = cast("Json", function) if isinstance(function, dict) else {}
        arguments = fields.get("arguments")
        if isinstance(arguments, (dict, list)):
            arguments = json.dumps(arguments, ensure_ascii=False)
        fragment = known.arguments.feed(_text(arguments))
        call_id = "" if known.call_id else _text(call.get("id"))
        name = "" if known.name else repair(_text(fields.get("name")))
        known.call_id = known.call_id or call_id
        known.name = known.name or name
        self.produced = True
        if call_id or name or fragment:
            deltas.append(ToolCallDelta(index, call_id, name, fragment))


@dataclass(slots=True)
class _Call:
    """A call being received: the first id and the first name hold, later ones are ignored."""

    call_id: str = ""
    name: str = ""
    arguments: SurrogateJoiner = field(default_factory=SurrogateJoiner)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _count(value: Any) -> int:
    return value if isinstance(value, int) and value >= 0 else 0


def _usage(usage: Json) -> Usage:
    prompt_details = usage.get("prompt_tokens_details")
    completion_details = usage.get("completion_tokens_details")
    return Usage(
        prompt_tokens=_count(usage.get("prompt_tokens")),
        completion_tokens=_count(usage.get("completion_tokens")),
        reasoning_tokens=_detail(completion_details, "reasoning_tokens"),
        cached_tokens=_detail(prompt_details, "cached_tokens"),
    )


def _detail(details: Any, key: str) -> int:
    return _count(cast("Json", details).get(key)) if isinstance(details, dict) else 0
