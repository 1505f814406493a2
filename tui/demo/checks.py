"""What lmdeploy checks before it answers, in its order and with its sentences (reference §3.3, recordings of 0.18)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from tui.demo.dialects import Dialect
from tui.demo.history import Json
from tui.demo.options import Options
from tui.demo.shapes import error_body
from tui.demo.tokens import count_prompt


class RefusedError(Exception):
    """The request is answered with an error body."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status
        self.body = error_body(message, status)


def decode(raw: bytes, content_type: str, dialect: Dialect) -> Json:
    """The request's JSON object."""
    if dialect.needs_json_type and content_type.partition(";")[0].strip().lower() != "application/json":
        raise RefusedError("Unsupported Media Type: Only 'application/json' is allowed")
    try:
        body: object = json.loads(raw)
    except json.JSONDecodeError as error:
        raise RefusedError(f"{error.pos}: JSON decode error") from error
    except UnicodeDecodeError as error:
        raise RefusedError("There was an error parsing the body") from error
    if not isinstance(body, dict):
        raise RefusedError("Input should be a valid dictionary or object to extract fields from")
    return cast("Json", body)


_INTEGERS = ("max_tokens", "max_completion_tokens", "n", "top_k", "seed", "min_new_tokens")
_FLOATS = ("temperature", "top_p", "min_p", "repetition_penalty")
_BOOLEANS = ("stream", "ignore_eos", "skip_special_tokens", "logprobs")
_ON = ("true", "1", "on", "yes", "t", "y")
_SWITCHES = (*_ON, "false", "0", "off", "no", "f", "n")


def _check_integer(field: str, value: Any) -> None:
    if isinstance(value, str):
        if not value.strip().lstrip("+-").isdigit():
            raise RefusedError(f"{field}: Input should be a valid integer, unable to parse string as an integer")
    elif isinstance(value, float) and not value.is_integer():
        raise RefusedError(f"{field}: Input should be a valid integer, got a number with a fractional part")
    elif not isinstance(value, (int, float)):
        raise RefusedError(f"{field}: Input should be a valid integer")


def _check_float(field: str, value: Any) -> None:
    if isinstance(value, str):
        try:
            float(value)
        except ValueError as error:
            text = f"{field}: Input should be a valid number, unable to parse string as a number"
            raise RefusedError(text) from error
    elif not isinstance(value, (int, float)):
        raise RefusedError(f"{field}: Input should be a valid number")


def _check_boolean(field: str, value: Any) -> None:
    if str(value).lower() not in _SWITCHES:
        raise RefusedError(f"{field}: Input should be a valid boolean, unable to interpret input")


def check_types(body: Json, required: Sequence[str]) -> None:
    """Fields that are missing or of the wrong type: ``field.path: reason``. Switches given as text become booleans."""
    for field in required:
        if field not in body:
            raise RefusedError(f"{field}: Field required")
    if not isinstance(body.get("model"), str):
        raise RefusedError("model: Input should be a valid string")
    for fields, check in ((_INTEGERS, _check_integer), (_FLOATS, _check_float), (_BOOLEANS, _check_boolean)):
        for field in fields:
            if body.get(field) is not None:
                check(field, body[field])
    for field in _BOOLEANS:
        if body.get(field) is not None:
            body[field] = str(body[field]).lower() in _ON
    _check_tools(body.get("tools") or [])


def _check_tools(tools: Any) -> None:
    if not isinstance(tools, list):
        raise RefusedError("tools: Input should be a valid list")
    for place, tool in enumerate(cast("list[Any]", tools)):
        function = cast("Json", tool).get("function") if isinstance(tool, dict) else None
        if not isinstance(function, dict):
            raise RefusedError(f"tools.{place}.function: Field required")
        if not isinstance(cast("Json", function).get("name"), str):
            raise RefusedError(f"tools.{place}.function.name: Field required")


def check_ranges(body: Json) -> None:
    """Sampling parameters outside of their range."""
    for field in ("max_completion_tokens", "max_tokens"):
        if (value := body.get(field)) is not None and int(value) <= 0:
            raise RefusedError(f"The {field} {int(value)!r} must be a positive integer.")
    if (value := body.get("temperature")) is not None and not 0 <= float(value) <= 2:
        raise RefusedError(f"The temperature {float(value)!r} must be in [0, 2]")
    if (value := body.get("top_p")) is not None and not 0 < float(value) <= 1:
        raise RefusedError(f"The top_p {float(value)!r} must be in (0, 1].")
    if (value := body.get("top_k")) is not None and int(value) < 0:
        raise RefusedError(f"The top_k {int(value)!r} cannot be a negative integer.")
    if (value := body.get("min_p")) is not None and not 0 <= float(value) <= 1:
        raise RefusedError(f"The min_p {float(value)!r} must be in [0, 1].")


@dataclass(frozen=True, slots=True)
class ToolChoice:
    """``mode``: auto, none, required; ``only`` are the names that the choice narrows the tools to (None: all)."""

    mode: str
    only: frozenset[str] | None = None


def tool_choice(given: Any) -> ToolChoice:
    """Reads every form of tool_choice that 0.18 knows (reference §3.1)."""
    if isinstance(given, str):
        return ToolChoice(given)
    if not isinstance(given, dict):
        return ToolChoice("auto")
    choice = cast("Json", given)
    if choice.get("type") == "allowed_tools":
        allowed = cast("Json", choice.get("allowed_tools") or {})
        names = frozenset(_name(tool) for tool in cast("list[Json]", allowed.get("tools") or []))
        return ToolChoice(str(allowed.get("mode", "auto")), names)
    return ToolChoice("auto", frozenset((_name(choice),)))


def _name(tool: Mapping[str, Any]) -> str:
    return str(tool.get("function", {}).get("name", ""))


def check_chat(body: Json, options: Options, dialect: Dialect) -> None:
    """Everything about a chat request but its length. Raises RefusedError."""
    check_types(body, ("model", "messages"))
    if not isinstance(body["messages"], (list, str)):
        raise RefusedError("messages: Input should be a valid list")
    check_model(body, options, dialect)
    check_ranges(body)
    if not body["messages"] and body.get("input_ids") is None:
        raise RefusedError("messages must not be empty unless input_ids is set.")
    choice = tool_choice(body.get("tool_choice"))
    if choice.mode == "required" and not body.get("tools"):
        raise RefusedError('`tool_choice="required"` requires at least one tool.')
    wants_parser = bool(body.get("tools")) and choice.mode != "none"
    if wants_parser and not options.tool_call_parser and dialect.parserless_tools == "refused":
        raise RefusedError(
            f"Please launch the api_server with --tool-call-parser if you want to use {dialect.parserless_text}"
        )
    if body.get("logprobs") and options.engine == "pytorch":
        asked = f"Logprobs({body.get('logprobs')})/top_logprobs({body.get('top_logprobs')})"
        raise RefusedError(f"{asked} requested but not enabled logprobs_mode in engine configuration")
    if isinstance(body["messages"], list):
        check_messages(cast("list[Any]", body["messages"]), dialect)


def check_model(body: Json, options: Options, dialect: Dialect) -> None:
    """404 for an unknown model (0.5.3: code 400)."""
    if body["model"] not in options.models:
        raise RefusedError(f"The model '{body['model']}' does not exist.", 400 if dialect.errors_in_200 else 404)


def check_messages(messages: Sequence[Any], dialect: Dialect) -> None:
    """Pictures for a model without eyes, and calls in the history that are not JSON."""
    for message in messages:
        if not isinstance(message, dict):
            raise RefusedError("messages: Input should be a valid dictionary")
        given = cast("Json", message)
        if not dialect.tool_role and given.get("role") == "tool":
            raise KeyError("tool")
        content = given.get("content")
        if isinstance(content, list) and any(
            isinstance(part, dict) and cast("Json", part).get("type") in ("image_url", "image_data", "video_url")
            for part in cast("list[Any]", content)
        ):
            raise RefusedError("Multimodal input is not supported by this model.")
        for call in cast("list[Json]", given.get("tool_calls") or []):
            _check_arguments(call)


def _check_arguments(call: Json) -> None:
    arguments = call.get("function", {}).get("arguments")
    if isinstance(arguments, str):
        try:
            json.loads(arguments)
        except json.JSONDecodeError as error:
            text = f"Tool call arguments contain invalid JSON at position {error.pos}: {error.msg}"
            raise RefusedError(text) from error


def prompt_length(body: Json) -> int:
    """Tokens of the prompt after the chat template (tools included unless they are left out of it)."""
    if body.get("input_ids") is not None:
        return len(cast("list[int]", body["input_ids"]))
    messages = body["messages"]
    listed = [{"role": "user", "content": messages}] if isinstance(messages, str) else cast("list[Json]", messages)
    return count_prompt(listed, cast("list[Any]", body.get("tools") or []))


def check_length(length: int, options: Options, dialect: Dialect) -> None:
    """400 with both numbers since 0.16; before, the answer is empty and ends with ``length``."""
    if dialect.context_error and length >= options.context_length:
        raise RefusedError(
            f"Input length ({length}) must be smaller than the model context length ({options.context_length})."
        )
