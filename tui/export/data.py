"""A conversation as JSON, with everything that is kept of it. The shape is described in docs/export-schema.md and does
not change within a version: fields may be added, none goes or changes its meaning."""

from __future__ import annotations

import json
import re
from typing import Any

from tui.export.document import Document
from tui.export.markdown import without_secrets
from tui.i18n.problems import explain
from tui.model.memory import Figure, MemoryBreakdown, ServerSetup, Witness
from tui.model.message import (
    ImagePart,
    Message,
    NoticePart,
    Part,
    ReasoningPart,
    TextPart,
    ToolCallPart,
    ToolResultPart,
)
from tui.model.problem import Problem
from tui.model.request import Sampling
from tui.model.turn import TurnRecord

FORMAT = "lmdeck.conversation"
VERSION = 1
_TO_ESCAPE = re.compile("[\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_SPLIT = ("total", "weights", "kv_cache", "other", "other_processes", "driver_reserve", "free")


def as_json(document: Document) -> str:
    """The conversation as JSON text, two spaces deep. What could steer a terminal or is half a character is written as
    an escape."""
    text = json.dumps(as_data(document), ensure_ascii=False, indent=2) + "\n"
    return _TO_ESCAPE.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def as_data(document: Document) -> dict[str, Any]:
    """The conversation as plain data; see docs/export-schema.md."""
    from tui import __version__

    return {
        "format": FORMAT,
        "version": VERSION,
        "lmdeck": __version__,
        "written": document.written.isoformat(),
        "conversation": {"id": document.conversation_id, "title": document.title, "model": document.model},
        "messages": [_message(message) for message in document.messages],
        "turns": [_turn(turn, hide_server=document.hide_server) for turn in document.turns],
    }


def _message(message: Message) -> dict[str, Any]:
    return {
        "id": message.id,
        "parent": message.parent,
        "role": message.role,
        "created": message.created.isoformat(),
        "complete": message.complete,
        "turn": message.turn,
        "content": message.text,
        "parts": [_part(part) for part in message.parts],
    }


def _part(part: Part) -> dict[str, Any]:
    match part:
        case TextPart(text):
            return {"type": "text", "text": text}
        case ReasoningPart(text, seconds):
            return {"type": "reasoning", "text": text, "seconds": seconds}
        case ToolCallPart(call_id, name, arguments):
            return {"type": "tool_call", "call_id": call_id, "name": name, "arguments": arguments}
        case ToolResultPart():
            return _result(part)
        case ImagePart():
            return _image(part)
        case NoticePart(problem):
            return {"type": "notice", **_problem(problem)}


def _result(part: ToolResultPart) -> dict[str, Any]:
    return {
        "type": "tool_result",
        "call_id": part.call_id,
        "name": part.name,
        "content": part.content,
        "ok": part.ok,
        "seconds": part.seconds,
        "problem": None if part.problem is None else _problem(part.problem),
        "full": part.full,
        "log": part.log,
        "images": [_image(image) for image in part.images],
    }


def _image(part: ImagePart) -> dict[str, Any]:
    return {"type": "image", "media_type": part.media_type, "name": part.name, "data": part.data}


def _problem(problem: Problem) -> dict[str, Any]:
    return {"code": problem.code, "data": dict(problem.data), "text": explain(problem).text}


def _turn(turn: TurnRecord, *, hide_server: bool) -> dict[str, Any]:
    timings = turn.timings
    return {
        "id": turn.id,
        "model": turn.model,
        "server": "" if hide_server else without_secrets(turn.endpoint),
        "started": turn.started.isoformat(),
        "finish_reason": turn.finish_reason,
        "problem": None if turn.problem is None else _problem(turn.problem),
        "system": turn.system,
        "sampling": _sampling(turn.sampling),
        "tools": [tool.name for tool in turn.tools],
        "timings": None
        if timings is None
        else {
            "total": timings.total,
            "first_token": timings.first_token,
            "generation": timings.generation,
            "tools": timings.tools,
            "rounds": timings.rounds,
            "tokens_per_second": timings.tokens_per_second,
        },
        "usage": [
            {
                "prompt_tokens": usage.prompt_tokens,
                "completion_tokens": usage.completion_tokens,
                "reasoning_tokens": usage.reasoning_tokens,
                "cached_tokens": usage.cached_tokens,
                "estimated": usage.estimated,
            }
            for usage in turn.usage
        ],
        "simulated": turn.server is not None and turn.server.simulated,
        "memory": [_split(card) for card in turn.breakdown],
    }


def _sampling(sampling: Sampling) -> dict[str, Any]:
    """What was set; what was left to the server is missing."""
    values: dict[str, Any] = {
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "top_k": sampling.top_k,
        "min_p": sampling.min_p,
        "repetition_penalty": sampling.repetition_penalty,
        "max_tokens": sampling.max_tokens,
        "stop": list(sampling.stop) or None,
        "seed": sampling.seed,
        "chat_template_kwargs": dict(sampling.chat_template_kwargs) or None,
        "response_format": sampling.response_format,
        "extra": dict(sampling.extra) or None,
    }
    return {name: value for name, value in values.items() if value is not None}


def _split(card: MemoryBreakdown) -> dict[str, Any]:
    held = card.occupancy
    return {
        "card": card.card,
        "name": card.name,
        "time": card.time,
        **{name: _figure(getattr(card, name)) for name in _SPLIT},
        "other_includes_foreign": card.other_includes_foreign,
        "kv_used": None
        if held is None
        else {
            "fraction": held.fraction,
            "source": held.source.value,
            "tokens": held.tokens,
            "capacity_tokens": held.capacity_tokens,
        },
        "witness": None if card.witness is None else _witness(card.witness),
    }


def _figure(figure: Figure) -> dict[str, Any]:
    return {"bytes": figure.bytes, "source": figure.source.value, "margin": figure.margin}


def _witness(witness: Witness) -> dict[str, Any]:
    return {
        "gpu_line": witness.gpu_line,
        "gpu_tool": witness.gpu_tool,
        "gpu_time": witness.gpu_time,
        "access_line": witness.access_line,
        "setup": None if witness.setup is None else _setup(witness.setup),
    }


def _setup(setup: ServerSetup) -> dict[str, Any]:
    return {
        "model": setup.model,
        "engine": setup.engine,
        "lmdeploy": setup.version,
        "weight_format": setup.weight_format,
        "weight_bits": setup.weight_bits,
        "quant_policy": setup.quant_policy,
        "ratio": setup.ratio,
        "session_len": setup.session_len,
        "tp": setup.tp,
        "command": list(setup.command),
        "started": setup.started,
        "simulated": setup.simulated,
    }
