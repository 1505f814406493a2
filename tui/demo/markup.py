"""Tool calls as each family of models writes them (lmdeploy's tool parsers, reference §4.1)."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any, cast

from tui.demo.script import Call
from tui.lmdeploy.parsers import tool_parser_for

END_TOKEN = "<|im_end|>"  # noqa: S105 (a token of a model)
_SPECIAL = re.compile(r"<\|[a-z_]+\|>")


def markup(call: Call, family: str) -> str:
    """A call as the model itself writes it; ``family`` is the name of a tool parser, Qwen's for an unknown one."""
    return _WRITERS.get(family, _qwen)(call)


def family_of(model: str) -> str:
    """The family of a model by its name, Qwen's when it tells nothing."""
    parser = tool_parser_for(model)
    return parser.name if parser else "qwen"


def without_special_tokens(text: str) -> str:
    """What a server leaves of it that skips special tokens. Tags such as <tool_call> are ordinary text."""
    return _SPECIAL.sub("", text)


def _qwen(call: Call) -> str:
    return f'<tool_call>\n{{"name": {json.dumps(call.name)}, "arguments": {call.arguments}}}\n</tool_call>'


def _internlm(call: Call) -> str:
    inner = f'{{"name": {json.dumps(call.name)}, "parameters": {call.arguments}}}'
    return f"<|action_start|><|plugin|>\n{inner}<|action_end|>"


def _llama(call: Call) -> str:
    return f'<|python_tag|>{{"name": {json.dumps(call.name)}, "parameters": {call.arguments}}}'


def _kimi(call: Call) -> str:
    inner = f"functions.{call.name}:0<|tool_call_argument_begin|>{call.arguments}<|tool_call_end|>"
    return f"<|tool_calls_section_begin|><|tool_call_begin|>{inner}<|tool_calls_section_end|>"


def _coder(call: Call) -> str:
    inner = "".join(f"<parameter={key}>\n{text}\n</parameter>\n" for key, text, _ in _pairs(call))
    return f"<tool_call>\n<function={call.name}>\n{inner}</function>\n</tool_call>"


def _glm(call: Call) -> str:
    inner = "".join(f"<arg_key>{key}</arg_key>\n<arg_value>{text}</arg_value>\n" for key, text, _ in _pairs(call))
    return f"<tool_call>{call.name}\n{inner}</tool_call>"


def _deepseek(block: str) -> Callable[[Call], str]:
    def write(call: Call) -> str:
        inner = "".join(
            f'<｜DSML｜parameter name="{key}" string="{"true" if is_text else "false"}">{text}</｜DSML｜parameter>\n'
            for key, text, is_text in _pairs(call)
        )
        invoke = f'<｜DSML｜invoke name="{call.name}">\n{inner}</｜DSML｜invoke>'
        return f"\n\n<｜DSML｜{block}>\n{invoke}\n</｜DSML｜{block}>"

    return write


def _pairs(call: Call) -> list[tuple[str, str, bool]]:
    """The arguments as (name, written value, whether it is text)."""
    try:
        given: Any = json.loads(call.arguments)
    except ValueError:
        given = {"text": call.arguments}
    values = cast("dict[str, Any]", given) if isinstance(given, dict) else {"value": given}
    return [
        (key, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False), isinstance(value, str))
        for key, value in values.items()
    ]


_WRITERS: dict[str, Callable[[Call], str]] = {
    "internlm": _internlm,
    "intern-s1": _internlm,
    "llama3": _llama,
    "kimi_k2": _kimi,
    "kimi-k2": _kimi,
    "qwen3coder": _coder,
    "interns2-preview": _coder,
    "glm47": _glm,
    "deepseek-v32": _deepseek("function_calls"),
    "deepseek-v4": _deepseek("tool_calls"),
}
