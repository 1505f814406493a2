"""A conversation as a server accepts it, whatever happened to it before: stops, crashes, lost links, failed turns."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace

from tui.chat.assemble import results_id
from tui.chat.calls import parse_object
from tui.model.message import Message, NoticePart, Part, TextPart, ToolCallPart, ToolResultPart
from tui.model.problem import Problem

_BROKEN_LENGTH = 1000  # characters of broken arguments that the model sees again
MISSING_RESULT = "Error: this call was interrupted before it gave a result."


def valid_history(messages: Iterable[Message], *, continuing: bool = False) -> tuple[Message, ...]:
    """The messages to send, oldest first.

    - notices are left out, and assistant messages that hold nothing to send (but not the last one when the server is to
      continue it: it may have been cut while it was thinking);
    - a user's message whose answer failed with nothing is left out when another one follows: what the server refused
      (too long, a picture) must not spoil everything behind it;
    - every call has exactly one result, in the order of the calls: missing ones are filled with an error;
    - arguments that are no JSON object are wrapped into one: lmdeploy 0.18 answers 400 to a history with others;
    - neighbouring user messages (the answer between them was stopped before it began) are joined, because many chat
      templates insist on alternation.
    """
    sent: list[Message] = []
    results = _results(messages := tuple(messages))
    kept = messages[-1] if continuing else None
    for message in messages:
        if message.role == "tool":
            continue  # sent behind the calls they belong to
        cleaned = replace(message, parts=tuple(_clean(message.parts)))
        if message.role == "assistant" and message is not kept and not (cleaned.text or cleaned.tool_calls):
            if _failed(message) and sent and sent[-1].role == "user":
                sent.pop()
            continue
        if sent and sent[-1].role == cleaned.role == "user":
            sent[-1] = _join(sent[-1], cleaned)
            continue
        sent.append(cleaned)
        if cleaned.tool_calls:
            sent.append(_answer(cleaned, results.get(message.id, {})))
    return tuple(sent)


def _failed(message: Message) -> bool:
    """Whether this answer ended with a problem, other than the user's own stop."""
    codes = [part.problem.code for part in message.parts if isinstance(part, NoticePart)]
    return bool(codes) and not message.complete and codes[-1] != "chat.stopped"


def missing_result(call: ToolCallPart) -> ToolResultPart:
    """The result of a call that never ended."""
    problem = Problem("chat.call_missing", {"name": call.name})
    return ToolResultPart(call.call_id, call.name, MISSING_RESULT, ok=False, problem=problem)


def _results(messages: tuple[Message, ...]) -> dict[str, dict[str, ToolResultPart]]:
    """Assistant message id → call id → result. A tool message belongs to the last assistant message before it."""
    found: dict[str, dict[str, ToolResultPart]] = {}
    owner = ""
    for message in messages:
        if message.role == "assistant":
            owner = message.id
        elif message.role == "tool":
            for part in message.parts:
                if isinstance(part, ToolResultPart):
                    found.setdefault(owner, {}).setdefault(part.call_id, part)
    return found


def _clean(parts: Iterable[Part]) -> Iterable[Part]:
    for part in parts:
        if isinstance(part, ToolCallPart):
            yield replace(part, arguments=_object(part.arguments))
        elif not isinstance(part, NoticePart):
            yield part


def _object(arguments: str) -> str:
    if not arguments.strip():
        return "{}"
    if parse_object(arguments) is not None:
        return arguments
    return json.dumps({"invalid_arguments": arguments[:_BROKEN_LENGTH]}, ensure_ascii=False)


def _answer(assistant: Message, results: dict[str, ToolResultPart]) -> Message:
    parts = tuple(results.get(call.call_id) or missing_result(call) for call in assistant.tool_calls)
    return Message(results_id(assistant.id), "tool", parts, assistant.id, assistant.created)


def _join(first: Message, second: Message) -> Message:
    between = (TextPart("\n\n"),) if first.text and second.text else ()
    return replace(second, parts=(*first.parts, *between, *second.parts))
