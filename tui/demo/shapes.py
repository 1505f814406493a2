"""The JSON that goes over the wire, byte by byte as the releases write it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from tui.demo.dialects import Dialect
from tui.demo.history import Json
from tui.demo.parsing import Emission


def spaced(data: Any) -> str:
    """JSON as json.dumps writes it: chunks since 0.14."""
    return json.dumps(data)


def compact(data: Any) -> str:
    """JSON as FastAPI and pydantic write it: bodies, and chunks before 0.14."""
    return json.dumps(data, ensure_ascii=False, separators=(",", ":"))


def error_body(message: str, status: int) -> Json:
    """lmdeploy's error object, at the top level (reference §2.1)."""
    kinds = {400: "invalid_request_error", 401: "authentication_error", 404: "not_found_error"}
    return {
        "message": message,
        "type": kinds.get(status, "server_error" if status >= 500 else "invalid_request_error"),
        "code": status,
        "param": None,
        "object": "error",
    }


@dataclass(frozen=True, slots=True)
class Counts:
    """Tokens of one answer."""

    prompt: int
    completion: int
    reasoning: int


@dataclass(frozen=True, slots=True)
class Shape:
    """How one answer is written. ``new_id`` makes the random part of ids; ``tool_names`` are the offered tools in
    order, of which releases up to 0.7.1 use the position as the call's id."""

    dialect: Dialect
    id: str
    created: int
    model: str
    include_usage: bool
    reasoning_parser: bool
    new_id: Callable[[], str]
    tool_names: tuple[str, ...] = ()
    logprobs: bool = False

    def line(self, data: Json) -> bytes:
        text = compact(data) if self.dialect.compact else spaced(data)
        return f"data: {text}\n\n".encode()

    def step(self, step: Emission) -> bytes:
        """The chunk of one emission."""
        logprobs = self._logprobs(step.text) if self.logprobs and step.kind in ("content", "reasoning") else None
        return self.line(self._chunk(self._delta(step), None, logprobs, None))

    def whole_call(self, name: Emission, arguments: Emission) -> bytes:
        """Name and arguments in one delta (0.9.1 – 0.12)."""
        call = {
            "id": self._tool_id(),
            "type": "function",
            "index": name.index,
            "function": {"name": name.text, "arguments": arguments.text},
        }
        return self.line(self._chunk(self._full({"tool_calls": [call]}), None, None, None))

    def end(self, finish: str, counts: Counts) -> bytes:
        """The last choice chunk, the usage where it has a chunk of its own, and [DONE]."""
        own = self.include_usage and self.dialect.usage == "own"
        last = self._usage(counts) if self.include_usage and self.dialect.usage == "last" else None
        lines = self.line(self._chunk(self._full({"content": ""}), finish, None, last))
        if own:
            head = {"id": self.id, "object": "chat.completion.chunk", "created": self.created, "model": self.model}
            usage = self._usage(counts)
            lines += f"data: {compact({**head, 'choices': [], 'usage': usage})}\n\n".encode()
        return lines + b"data: [DONE]\n\n"

    def empty(self) -> bytes:
        """A chunk with an empty delta, as the engine sends it when it wrote tokens that are not shown."""
        return self.line(self._chunk(self._full({"content": ""}), None, None, None))

    def body(self, answer: Json, finish: str, counts: Counts) -> Json:
        """The JSON body of an answer that is not streamed."""
        calls = [self._body_call(call) for call in answer["calls"]] or None
        message: Json = {"role": "assistant", "content": answer["content"]}
        if self.dialect.reasoning:
            message["reasoning_content"] = answer["reasoning"]
        elif answer["content"] is None:
            message["content"] = ""
        message["tool_calls"] = calls
        choice: Json = {"index": 0, "message": message, "logprobs": None, "finish_reason": finish}
        body: Json = {
            "id": self.id,
            "object": "chat.completion",
            "created": self.created,
            "model": self.model,
            "choices": [choice],
            "usage": self._usage(counts),
        }
        if self.dialect.nulls:
            return body
        body["choices"] = [
            {
                "index": 0,
                "message": message,
                "logprobs": None,
                "output_token_logprobs": None,
                "finish_reason": finish,
                "output_ids": None,
                "routed_experts": None,
            }
        ]
        body["usage"]["completion_tokens_details"] = self._reasoning_details(counts, nulls=True)
        body["service_tier"] = None
        return body

    def _chunk(self, delta: Json, finish: str | None, logprobs: Json | None, usage: Json | None) -> Json:
        choice: Json = {"index": 0, "delta": delta}
        if logprobs is not None or self.dialect.nulls:
            choice["logprobs"] = logprobs
        if finish is not None or self.dialect.nulls:
            choice["finish_reason"] = finish
        chunk: Json = {
            "id": self.id,
            "object": "chat.completion.chunk",
            "created": self.created,
            "model": self.model,
            "choices": [choice],
        }
        has_usage = self.include_usage if self.dialect.usage == "own" else self.dialect.usage == "last"
        return {**chunk, "usage": usage} if has_usage else chunk

    def _delta(self, step: Emission) -> Json:
        if step.kind == "content":
            return self._full({"content": step.text})
        if step.kind == "reasoning":
            return self._full({"reasoning_content": step.text})
        random_ids = self.dialect.tools == "random-ids"
        function = {"name": step.text} if step.kind == "name" else {"arguments": step.text}
        if step.kind == "name" or random_ids:
            call: Json = {"id": self._tool_id(), "type": "function", "index": step.index, "function": function}
        else:
            call = {"index": step.index, "function": function}
        return self._full({"tool_calls": [call]})

    def _full(self, delta: Json) -> Json:
        """Every delta carries the role; up to 0.13 also the keys that are null."""
        if not self.dialect.nulls:
            return {"role": "assistant", **delta}
        blank: Json = {"content": None}
        if self.dialect.reasoning:
            blank["reasoning_content"] = None
        return {"role": "assistant", **blank, "tool_calls": None, **delta}

    def _tool_id(self) -> str:
        return f"chatcmpl-tool-{self.new_id()}"

    def _body_call(self, call: Json) -> Json:
        if self.dialect.tools == "body":
            names: Sequence[str] = self.tool_names
            call_id = str(names.index(call["name"])) if call["name"] in names else "0"
        else:
            call_id = self._tool_id()
        return {"id": call_id, "type": "function", "function": dict(call)}

    def _usage(self, counts: Counts) -> Json:
        usage: Json = {
            "prompt_tokens": counts.prompt,
            "total_tokens": counts.prompt + counts.completion,
            "completion_tokens": counts.completion,
        }
        if not self.dialect.nulls:
            usage["prompt_tokens_details"] = {"cached_tokens": 0}
            if details := self._reasoning_details(counts, nulls=False):
                usage["completion_tokens_details"] = details
        return usage

    def _reasoning_details(self, counts: Counts, *, nulls: bool) -> Json | None:
        if not self.reasoning_parser:
            return None
        others = ("accepted_prediction_tokens", "rejected_prediction_tokens", "audio_tokens")
        return {"reasoning_tokens": counts.reasoning, **(dict.fromkeys(others) if nulls else {})}

    def _logprobs(self, text: str) -> Json:
        token = {"token": text, "bytes": list(text.encode()), "logprob": 0.0, "top_logprobs": list[Json]()}
        return {"content": [token]}
