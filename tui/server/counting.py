"""How many tokens: of a prompt before it is sent, and of a model's whole context."""

from __future__ import annotations

import json
import re
from typing import Any, Literal, Protocol, cast

from tui.model.problem import ProblemError
from tui.model.request import ChatRequest
from tui.server.body import message_rows, plain_text, repaired, tool_row
from tui.server.transport import Reply

Json = dict[str, Any]

ANTHROPIC_VERSION = "2023-06-01"

LONGEST = 4_194_304
"""Tokens that no served model's context reaches; used when no better bound is known."""


class Fetcher(Protocol):
    """What can ask a server a small question."""

    async def fetch(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        headers: dict[str, str] | None = None,
        within: float | None = None,
    ) -> Reply: ...


async def count_tokens(fetcher: Fetcher, request: ChatRequest, how: Literal["messages", "encode", ""]) -> int | None:
    """See :meth:`ServerClient.count_tokens`."""
    if how == "messages":
        body, path, headers = (
            anthropic_body(request),
            "/v1/messages/count_tokens",
            {"anthropic-version": ANTHROPIC_VERSION},
        )
        return await _number(fetcher, path, body, headers, "input_tokens")
    if how == "encode":
        body = {"input": plain_text(request), "do_preprocess": False, "add_bos": True}
        return await _number(fetcher, "/v1/encode", body, None, "length")
    return None


async def _number(fetcher: Fetcher, path: str, body: Json, headers: dict[str, str] | None, key: str) -> int | None:
    try:
        reply = await fetcher.fetch("POST", path, json=body, headers=headers)
        answer = json.loads(reply.body) if reply.status == 200 else None
    except (ProblemError, ValueError):
        return None
    value = cast("Json", answer).get(key) if isinstance(answer, dict) else None
    return value if isinstance(value, int) and not isinstance(value, bool) else None


async def context_length(fetcher: Fetcher, model: str, below: int | None = None) -> int | None:
    """See :meth:`ServerClient.context_length`. The prompt's length is checked before any work is done (0.16 …)."""
    tokens = (below or LONGEST) + 1
    body = {"model": model, "messages": [], "input_ids": [1] * tokens, "max_tokens": 1, "stream": True}
    try:
        reply = await fetcher.fetch("POST", "/v1/chat/completions", json=body, within=30.0)
    except ProblemError:
        return None
    match = re.search(r"model context length \((\d+)\)", reply.text) if reply.status == 400 else None
    return int(match[1]) if match else None


def anthropic_body(request: ChatRequest) -> Json:
    """The request in the shape of Anthropic's Messages API, as far as counting needs it."""
    system: list[str] = []
    messages: list[Json] = []
    for row in message_rows(request):
        if row["role"] == "system":
            system.append(row["content"])
        else:
            messages.append(_anthropic_message(row))
    body: Json = {"model": request.model, "messages": messages}
    if system:
        body["system"] = "\n\n".join(system)
    if request.tools:
        functions = [tool_row(spec)["function"] for spec in request.tools]
        body["tools"] = [
            {"name": item["name"], "description": item["description"], "input_schema": item["parameters"]}
            for item in functions
        ]
    return repaired(body)


def _anthropic_message(row: Json) -> Json:
    if row["role"] == "tool":
        block = {"type": "tool_result", "tool_use_id": row["tool_call_id"], "content": row["content"]}
        return {"role": "user", "content": [block]}
    calls: list[Json] = row.get("tool_calls", [])
    content: Any = row["content"]
    if not calls and isinstance(content, str):
        return {"role": row["role"], "content": content}
    blocks: list[Json] = []
    if isinstance(content, list):
        blocks = [_anthropic_block(part) for part in cast("list[Json]", content)]
    elif content:
        blocks = [{"type": "text", "text": content}]
    blocks += [
        {
            "type": "tool_use",
            "id": call["id"],
            "name": call["function"]["name"],
            "input": json.loads(call["function"]["arguments"]),
        }
        for call in calls
    ]
    return {"role": row["role"], "content": blocks}


def _anthropic_block(part: Json) -> Json:
    if part["type"] == "text":
        return part
    media_type, _, data = part["image_url"]["url"].removeprefix("data:").partition(";base64,")
    return {"type": "image", "source": {"type": "base64", "media_type": media_type, "data": data}}
