"""What a request's conversation says: the last prompt, and the tool calls and results since then."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from tui.demo.tokens import content_text

Json = dict[str, Any]
_MARKUP = re.compile(
    r"<tool_call>\s*(.*?)\s*</tool_call>|<\|action_start\|>\s*<\|plugin\|>\s*(.*?)\s*<\|action_end\|>", re.DOTALL
)
_RESULT_ROLES = ("tool", "environment", "function")


@dataclass(frozen=True, slots=True)
class Made:
    """A call that was made since the last prompt, and what came back (None: nothing yet)."""

    name: str
    arguments: Json
    result: str | None = None


@dataclass(frozen=True, slots=True)
class Ask:
    """A chat request as the brain sees it.

    ``tools`` maps the offered names to their parameter schemas. ``force_call`` wants a call whatever the prompt says.
    ``enable_thinking`` is the template's switch, None when not given. ``one_call`` for servers that parse only one.
    ``prefix`` is the text of a last assistant message, which is to be continued.
    """

    prompt: str
    made: tuple[Made, ...] = ()
    tools: Mapping[str, Json] = field(default_factory=dict[str, Json])
    force_call: bool = False
    one_call: bool = False
    enable_thinking: bool | None = None
    schema: Json | None = None
    prefix: str = ""
    results_without_calls: tuple[str, ...] = ()


def last_prompt(messages: Sequence[Mapping[str, Any]]) -> tuple[str, int]:
    """The text of the last user message and its position; the last message's when there is none from a user."""
    for place in range(len(messages) - 1, -1, -1):
        if messages[place].get("role") == "user":
            return content_text(messages[place].get("content")), place
    return (content_text(messages[-1].get("content")), len(messages) - 1) if messages else ("", -1)


def made_calls(messages: Sequence[Mapping[str, Any]]) -> tuple[tuple[Made, ...], tuple[str, ...]]:
    """Calls with their results since the last prompt, and results to which no call is known.

    A result belongs to the call with its id, or else to the oldest call that has none. Calls are read from
    ``tool_calls`` or, for servers without a parser, from the markup in the content.
    """
    _, place = last_prompt(messages)
    calls: list[tuple[str, Made]] = []
    strays: list[str] = []
    for message in messages[place + 1 :]:
        if message.get("role") == "assistant":
            calls.extend(_calls_of(message))
        elif str(message.get("role")).partition(" ")[0] in _RESULT_ROLES:
            text = content_text(message.get("content"))
            index = _owner(calls, str(message.get("tool_call_id", "")))
            if index is None:
                strays.append(text)
            else:
                call_id, made = calls[index]
                calls[index] = (call_id, Made(made.name, made.arguments, text))
    return tuple(made for _, made in calls), tuple(strays)


def plugin_turn(messages: Sequence[Mapping[str, Any]]) -> list[Json]:
    """The functions that InternLM2's own turn for them lists."""
    for message in messages:
        if message.get("role") == "system name=<|plugin|>":
            found: object = json.loads(content_text(message.get("content")))
            return cast("list[Json]", found) if isinstance(found, list) else []
    return []


def _owner(calls: Sequence[tuple[str, Made]], call_id: str) -> int | None:
    waiting = [index for index, (_, made) in enumerate(calls) if made.result is None]
    return next((index for index in waiting if call_id and calls[index][0] == call_id), next(iter(waiting), None))


def _calls_of(message: Mapping[str, Any]) -> list[tuple[str, Made]]:
    given = cast("list[Json]", message.get("tool_calls") or [])
    if given:
        return [
            (str(call.get("id", "")), Made(str(call.get("function", {}).get("name", "")), _arguments(call)))
            for call in given
        ]
    found = (qwen or internlm for qwen, internlm in _MARKUP.findall(content_text(message.get("content"))))
    calls = (_object(text) for text in found)
    return [("", Made(str(call.get("name", "")), _inner(call))) for call in calls if call]


def _inner(call: Json) -> Json:
    inner = call.get("arguments", call.get("parameters"))
    return cast("Json", inner) if isinstance(inner, dict) else {}


def _arguments(call: Json) -> Json:
    given = call.get("function", {}).get("arguments")
    return cast("Json", given) if isinstance(given, dict) else _object(str(given or ""))


def _object(text: str) -> Json:
    try:
        value: object = json.loads(text)
    except ValueError:
        return {}
    return cast("Json", value) if isinstance(value, dict) else {}
