"""From a :class:`ChatRequest` to the JSON body that a server of a given dialect understands."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, cast

from tui.lmdeploy.dialects import MODERN, Dialect
from tui.lmdeploy.parsers import has_special_markers
from tui.model.message import ImagePart, Message, ReasoningPart, TextPart, ToolCallPart, ToolResultPart
from tui.model.request import ChatRequest, Sampling
from tui.model.tool import ToolSpec
from tui.server.text import repair

Row = dict[str, Any]

# Behind a role, in a template that only joins role and content: InternLM2's turns of tools and their results.
_PLUGIN = "name=<|plugin|>"


def request_body(request: ChatRequest, dialect: Dialect = MODERN) -> Row:
    """The whole body of POST /v1/chat/completions. Fields of ``sampling.extra`` win over everything else.

    All text is valid Unicode afterwards: surrogates, which no server takes, are joined or replaced."""
    body: Row = {"model": request.model, "messages": message_rows(request, dialect), "stream": request.stream}
    if request.stream and dialect.usage_on_request:
        body["stream_options"] = {"include_usage": True}
    body.update(_tool_fields(request, dialect))
    body.update(_sampling_fields(request.sampling, dialect))
    body.update(request.sampling.extra)
    return repaired(body)


def _tool_fields(request: ChatRequest, dialect: Dialect) -> Row:
    """The tools; and for a server without a parser, what brings them into the prompt and the markup back."""
    if not request.tools:
        return {}
    fields: Row = {}
    in_turns = dialect.tool_result == "turns"
    if not (in_turns and request.tools_raw):
        fields["tools"] = [tool_row(spec) for spec in request.tools]
    if not request.tools_raw:
        return fields
    if dialect.none_keeps_tools and not in_turns:
        fields["tool_choice"] = "none"
    if has_special_markers(request.model):
        fields |= {"skip_special_tokens": False, "spaces_between_special_tokens": False}
    return fields


def tool_row(spec: ToolSpec) -> Row:
    """A tool as OpenAI's schema wants it."""
    return {
        "type": "function",
        "function": {"name": spec.name, "description": spec.description, "parameters": dict(spec.parameters)},
    }


def message_rows(request: ChatRequest, dialect: Dialect = MODERN) -> list[Row]:
    """The conversation as rows with roles: system first, each tool result in a row of its own behind its call.

    Left out: reasoning, notices, calls that never got a result (templates stumble over them), and assistant
    messages with nothing in them."""
    rows: list[Row] = [{"role": "system", "content": request.system}] if request.system else []
    if request.tools and dialect.tool_result == "turns":
        functions = [tool_row(spec)["function"] for spec in request.tools]
        rows.append({"role": f"system {_PLUGIN}", "content": json.dumps(functions, ensure_ascii=False)})
    answered = {
        part.call_id for message in request.messages for part in message.parts if isinstance(part, ToolResultPart)
    }
    for message in request.messages:
        if message.role == "user":
            rows.append({"role": "user", "content": _user_content(message)})
        elif message.role == "system":
            rows.append({"role": "system", "content": message.text})
        else:
            rows.extend(_assistant_rows(message, answered, dialect))
    if request.continue_last and request.messages and not _ends_with_text(rows):
        # Cut while it was thinking: the open tag lets the model think on.
        rows.append({"role": "assistant", "content": f"<think>\n{request.messages[-1].reasoning}"})
    return rows


def _ends_with_text(rows: list[Row]) -> bool:
    return bool(rows) and rows[-1]["role"] == "assistant" and bool(rows[-1]["content"])


def _user_content(message: Message) -> str | list[Row]:
    if not any(isinstance(part, ImagePart) for part in message.parts):
        return message.text
    content: list[Row] = []
    for part in message.parts:
        if isinstance(part, TextPart):
            content.append({"type": "text", "text": part.text})
        elif isinstance(part, ImagePart):
            content.append({"type": "image_url", "image_url": {"url": f"data:{part.media_type};base64,{part.data}"}})
    return content


def _assistant_rows(message: Message, answered: set[str], dialect: Dialect) -> Iterator[Row]:
    """Rows of an assistant or tool message, cut wherever a tool result follows its call."""
    text = ""
    calls: list[ToolCallPart] = []
    for part in message.parts:
        if isinstance(part, TextPart):
            text += part.text
        elif isinstance(part, ToolCallPart):
            if part.call_id in answered:
                calls.append(part)
        elif isinstance(part, ToolResultPart):
            if text or calls:
                yield _assistant_row(text, calls, dialect)
                text, calls = "", []
            yield _result_row(part, dialect)
    if text or calls:
        yield _assistant_row(text, calls, dialect)


def _assistant_row(text: str, calls: list[ToolCallPart], dialect: Dialect) -> Row:
    if not calls:
        return {"role": "assistant", "content": text}
    if dialect.tool_result in ("environment", "turns"):
        return {"role": "assistant", "content": text + "".join(_plugin_markup(call) for call in calls)}
    rows = [
        {"id": call.call_id, "type": "function", "function": {"name": call.name, "arguments": _arguments(call)}}
        for call in calls
    ]
    return {"role": "assistant", "content": text, "tool_calls": rows}  # content must be there, even if empty


def _plugin_markup(call: ToolCallPart) -> str:
    """A call as InternLM2 writes it, for servers that do not render tool_calls."""
    payload = json.dumps({"name": call.name, "parameters": json.loads(_arguments(call))}, ensure_ascii=False)
    return f"<|action_start|><|plugin|>\n{payload}<|action_end|>"


def _arguments(call: ToolCallPart) -> str:
    """The call's arguments, wrapped into an object when the model wrote none: lmdeploy ≥ 0.13 answers 400 to history
    whose arguments are not JSON, and templates expect an object."""
    try:
        parsed = json.loads(call.arguments or "{}")
    except ValueError:
        parsed = None
    if isinstance(parsed, dict):
        return call.arguments or "{}"
    return json.dumps({"invalid_arguments": call.arguments}, ensure_ascii=False)


def _result_row(part: ToolResultPart, dialect: Dialect) -> Row:
    if dialect.tool_result == "environment":
        return {"role": "environment", "name": "plugin", "content": part.content}
    if dialect.tool_result == "turns":
        return {"role": f"environment {_PLUGIN}", "content": part.content}
    name = "plugin" if dialect.tool_result == "tool-plugin" else part.name
    return {"role": "tool", "tool_call_id": part.call_id, "name": name, "content": part.content}


def _sampling_fields(sampling: Sampling, dialect: Dialect) -> Row:
    fields: Row = {
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "top_k": sampling.top_k,
        "repetition_penalty": sampling.repetition_penalty,
        "max_tokens": sampling.max_tokens,
        "stop": list(sampling.stop) or None,
        "chat_template_kwargs": dict(sampling.chat_template_kwargs) or None,
    }
    if dialect.modern_sampling:
        fields["min_p"] = sampling.min_p
        fields["seed"] = sampling.seed
        fields["response_format"] = dict(sampling.response_format) if sampling.response_format else None
    return {key: value for key, value in fields.items() if value is not None}


def repaired(value: Any) -> Any:
    """``value`` with every string in it made valid Unicode; mappings and sequences become dicts and lists."""
    if isinstance(value, str):
        return repair(value)
    if isinstance(value, Mapping):
        mapping = cast("Mapping[Any, Any]", value)
        return {repair(str(key)): repaired(item) for key, item in mapping.items()}
    if isinstance(value, (list, tuple)):
        items = cast("list[Any]", value)
        return [repaired(item) for item in items]
    return value


def plain_text(request: ChatRequest) -> str:
    """Everything the model reads, as one text: for counting tokens where a server counts plain text only."""
    texts = [request.system]
    for message in request.messages:
        for part in message.parts:
            if isinstance(part, TextPart):
                texts.append(part.text)
            elif isinstance(part, ToolCallPart):
                texts.append(f"{part.name} {part.arguments}")
            elif isinstance(part, ToolResultPart):
                texts.append(part.content)
            elif isinstance(part, ReasoningPart) and request.continue_last and message is request.messages[-1]:
                texts.append(part.text)
    texts.extend(json.dumps(tool_row(spec), ensure_ascii=False) for spec in request.tools)
    return repair("\n".join(text for text in texts if text))
