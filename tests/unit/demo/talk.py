"""Talking to a demo server over HTTP, and what it answered, read without any of lmdeck's own client code."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import httpx2

INTEGER = {"type": "integer", "description": "A number"}


def tool(name: str, **properties: Any) -> dict[str, Any]:
    """A tool as requests carry it; two integers a and b unless told otherwise."""
    given = properties or {"a": INTEGER, "b": INTEGER}
    parameters = {"type": "object", "properties": given, "required": list(given)}
    return {"type": "function", "function": {"name": name, "description": name, "parameters": parameters}}


ADD_MUL = [tool("add"), tool("mul")]


@dataclass
class Reply:
    """An answer put together from its chunks or its body."""

    status: int
    headers: dict[str, str]
    text: str
    chunks: list[dict[str, Any]] = field(default_factory=list)
    content: str = ""
    reasoning: str = ""
    calls: list[dict[str, Any]] = field(default_factory=list)
    finish: str | None = None
    usage: dict[str, Any] | None = None
    done: bool = False

    @property
    def body(self) -> Any:
        return json.loads(self.text)


def post(base: str, path: str, body: Any, **headers: str) -> httpx2.Response:
    return httpx2.post(base + path, json=body, headers=headers, trust_env=False, timeout=30)


def get(base: str, path: str) -> httpx2.Response:
    return httpx2.get(base + path, trust_env=False, timeout=30)


def ask(base: str, prompt: str | list[dict[str, Any]], *, model: str = "lmdeck-demo", **fields: Any) -> Reply:
    """One chat request: a prompt or whole messages, streamed with usage unless fields say otherwise."""
    messages = [{"role": "user", "content": prompt}] if isinstance(prompt, str) else prompt
    body = {"model": model, "messages": messages, "stream": True, "stream_options": {"include_usage": True}, **fields}
    answer = post(base, "/v1/chat/completions", body)
    reply = Reply(answer.status_code, dict(answer.headers), answer.content.decode(errors="replace"))
    if "event-stream" in answer.headers.get("content-type", ""):
        _read_stream(reply)
    elif "json" in answer.headers.get("content-type", "") and "choices" in reply.body:
        _read_body(reply)
    return reply


def _read_body(reply: Reply) -> None:
    choice = reply.body["choices"][0]
    reply.content = choice["message"]["content"] or ""
    reply.reasoning = choice["message"].get("reasoning_content") or ""
    reply.calls = choice["message"].get("tool_calls") or []
    reply.finish = choice["finish_reason"]
    reply.usage = reply.body["usage"]


def _read_stream(reply: Reply) -> None:
    for line in reply.text.split("\n"):
        if line == "data: [DONE]":
            reply.done = True
        elif line.startswith("data: {"):
            try:
                chunk = json.loads(line[6:])
            except ValueError:
                continue
            reply.chunks.append(chunk)
            reply.usage = chunk.get("usage") or reply.usage
            for choice in chunk.get("choices", []):
                _read_choice(reply, choice)


def _read_choice(reply: Reply, choice: dict[str, Any]) -> None:
    delta = choice["delta"]
    reply.content += delta.get("content") or ""
    reply.reasoning += delta.get("reasoning_content") or ""
    reply.finish = choice.get("finish_reason") or reply.finish
    for piece in delta.get("tool_calls") or []:
        while len(reply.calls) <= piece["index"]:
            reply.calls.append({"id": piece.get("id"), "function": {"name": "", "arguments": ""}})
        for key, value in piece["function"].items():
            reply.calls[piece["index"]]["function"][key] += value


def called(reply: Reply) -> list[tuple[str, dict[str, Any]]]:
    """The calls as (name, parsed arguments)."""
    return [(call["function"]["name"], json.loads(call["function"]["arguments"])) for call in reply.calls]


def with_results(messages: list[dict[str, Any]], reply: Reply, *results: str) -> list[dict[str, Any]]:
    """The conversation, longer by the calls of a reply and what their tools gave."""
    calls = [{**call, "type": "function", "id": call["id"] or f"call-{n}"} for n, call in enumerate(reply.calls)]
    answers = [
        {"role": "tool", "tool_call_id": call["id"], "content": result}
        for call, result in zip(calls, results, strict=True)
    ]
    return [*messages, {"role": "assistant", "content": reply.content, "tool_calls": calls}, *answers]
