"""What went over the wire: a turn's requests as commands that can be run, its answers delta by delta."""

from __future__ import annotations

import json
import pprint
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

from tui.chat.history import valid_history
from tui.lmdeploy.dialects import dialect_for
from tui.model.message import Message
from tui.model.request import ChatRequest
from tui.model.turn import RawLine, TurnRecord
from tui.server.body import request_body
from tui.server.sse import DONE, payload_of

Json = dict[str, Any]
Kind = Literal["text", "reasoning", "call", "usage", "finish", "error", "end", "other"]

KEY_VARIABLE = "LMDECK_API_KEY"
# What the OpenAI client takes by name; everything else goes through its extra_body.
_NAMED = (
    "temperature", "top_p", "max_tokens", "stop", "seed", "stream", "stream_options", "tools", "tool_choice",
    "response_format",
)  # fmt: skip
_WIDTH = 100


@dataclass(frozen=True, slots=True)
class WireDelta:
    """One line of an answer: round (from 1), seconds since that round's request, what it holds, and the text of it
    (the line itself where nothing is known of it)."""

    round: int
    seconds: float
    kind: Kind
    text: str


@dataclass(frozen=True, slots=True)
class WireView:
    """Everything about the request behind one assistant message. ``parsed_by`` says who read the turn's tool calls out
    of the model's text; ``deltas`` are those of the whole turn, all rounds."""

    curl: str
    python: str
    deltas: tuple[WireDelta, ...]
    parsed_by: Literal["", "server", "lmdeck"]


def wire_view(record: TurnRecord, branch: Sequence[Message], message_id: str, *, with_key: bool = False) -> WireView:
    """Raises KeyError when the message is not on the branch. May take a while for long turns: call it in a thread."""
    body = request_of(record, branch, message_id)
    own = [message for message in branch if message.turn == record.id]
    return WireView(
        as_curl(record.endpoint, body, with_key=with_key),
        as_python(record.endpoint, body, with_key=with_key),
        tuple(deltas(record.raw)),
        calls_parsed_by(record, own),
    )


def request_of(record: TurnRecord, branch: Sequence[Message], message_id: str) -> Json:
    """The body of the request that an assistant message of the turn answers, from what is kept of it: ``branch`` is
    the conversation that the message is part of. Raises KeyError when it is not."""
    place = next((place for place, message in enumerate(branch) if message.id == message_id), None)
    if place is None:
        raise KeyError(message_id)
    band = record.server.version_band if record.server else None
    request = ChatRequest(
        record.model,
        valid_history(branch[:place]),
        record.system,
        record.tools,
        record.sampling,
        tools_raw=record.tools_raw,
    )
    return request_body(request, dialect_for(band, record.model))


def calls_parsed_by(record: TurnRecord, messages: Iterable[Message]) -> Literal["", "server", "lmdeck"]:
    """Who read the turn's tool calls out of the model's text; empty when there were none. ``messages`` are the
    turn's."""
    if not any(message.tool_calls for message in messages):
        return ""
    return "server" if any(delta.kind == "call" for delta in deltas(record.raw)) else "lmdeck"


def as_curl(url: str, body: Mapping[str, Any], *, with_key: bool = False) -> str:
    """The request for a POSIX shell; a key is taken from the environment, never written out."""
    data = _visible(json.dumps(body, ensure_ascii=False, indent=2))
    quoted = data.replace("'", "'\\''")
    words = ["curl -N", _shell(f"{url.rstrip('/')}/v1/chat/completions"), "-H 'Content-Type: application/json'"]
    if with_key:
        words.append(f'-H "Authorization: Bearer ${KEY_VARIABLE}"')
    return " \\\n  ".join([*words, f"-d '{quoted}'"]) + "\n"


def as_python(url: str, body: Mapping[str, Any], *, with_key: bool = False) -> str:
    """The request as a script with the OpenAI client, in the manner of the course's ``internlm2_5_func.py``."""
    key = f"os.environ[{KEY_VARIABLE!r}]" if with_key else "'none'"
    rest = {name: body[name] for name in body if name not in (*_NAMED, "model", "messages")}
    lines = ["import os\n"] if with_key else []
    lines += [
        "from openai import OpenAI\n",
        f"client = OpenAI(api_key={key}, base_url={_literal(url.rstrip('/') + '/v1')})",
        f"model_name = {_literal(body['model'])}",
        f"messages = {_literal(body['messages'])}",
    ]
    if "tools" in body:
        lines.append(f"tools = {_literal(body['tools'])}")
    lines += ["response = client.chat.completions.create(", "    model=model_name,", "    messages=messages,"]
    for name in _NAMED:
        if name in body:
            lines.append(f"    {name}={name if name == 'tools' else _literal(body[name])},")
    if rest:
        lines.append(f"    extra_body={_literal(rest)},")
    lines.append(")")
    lines.append(_STREAM if body.get("stream") else "print(response.choices[0].message)")
    return "\n".join(lines) + "\n"


_STREAM = """\
for chunk in response:
    for choice in chunk.choices:
        if choice.delta.content:
            print(choice.delta.content, end='', flush=True)
        for call in choice.delta.tool_calls or []:
            print(call.function)
print()"""


def _literal(value: object) -> str:
    """A Python literal, safe to show: what is not printable is escaped."""
    return _visible(pprint.pformat(value, width=_WIDTH, sort_dicts=False))


def _visible(text: str) -> str:
    """The same text for JSON and for Python's literals, with ``\\uXXXX`` for what is not printable."""
    if all(one.isprintable() or one == "\n" for one in text):
        return text
    return "".join(one if one.isprintable() or one == "\n" else _escaped(one) for one in text)


def _escaped(character: str) -> str:
    return json.dumps(character)[1:-1]


def _shell(text: str) -> str:
    quoted = text.replace("'", "'\\''")
    return f"'{quoted}'"


def deltas(raw: Iterable[RawLine]) -> list[WireDelta]:
    """The lines of all rounds, told apart: a round ends with its end mark, or when time starts again."""
    found: list[WireDelta] = []
    number, before, over = 1, 0.0, False
    for line in raw:
        payload = payload_of(line.text)
        if payload is None:
            continue
        if over or line.seconds < before:
            number += 1
        before, over = line.seconds, payload == DONE
        found += [WireDelta(number, line.seconds, kind, text) for kind, text in _parts(payload)]
    return found


def _parts(payload: str) -> list[tuple[Kind, str]]:
    if payload == DONE:
        return [("end", DONE)]
    try:
        data: Any = json.loads(payload)
    except (ValueError, RecursionError):
        return [("other", payload)]
    if not isinstance(data, dict):
        return [("other", payload)]
    chunk = cast("Json", data)
    choices: Any = chunk.get("choices")
    if not isinstance(choices, list):
        return [("error", payload)]
    parts: list[tuple[Kind, str]] = []
    for choice in cast("list[Any]", choices):
        if isinstance(choice, dict):
            parts += _choice(cast("Json", choice))
    if isinstance(chunk.get("usage"), dict):
        parts.append(("usage", json.dumps(chunk["usage"])))
    return parts or [("other", payload)]


def _choice(choice: Json) -> list[tuple[Kind, str]]:
    given: Any = choice.get("delta") or choice.get("message")
    delta = cast("Json", given) if isinstance(given, dict) else {}
    parts: list[tuple[Kind, str]] = []
    for key, kind in (("reasoning_content", "reasoning"), ("content", "text")):
        if isinstance(delta.get(key), str) and delta[key]:
            parts.append((cast("Kind", kind), delta[key]))
    if delta.get("tool_calls"):
        parts.append(("call", json.dumps(delta["tool_calls"], ensure_ascii=False)))
    if choice.get("finish_reason"):
        parts.append(("finish", str(choice["finish_reason"])))
    return parts
