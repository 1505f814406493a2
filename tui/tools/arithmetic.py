"""The built-in arithmetic: add and mul, the tools of the course's ``internlm2_5_func.py``. They need no approval."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from tui.model.tool import ToolSpec
from tui.tools.registry import Registry, Tool

Number = int | float

# "number" and not "integer": the tools take both, and integers stay exact because JSON keeps the two apart.
_NUMBERS: Mapping[str, Any] = {
    "type": "object",
    "properties": {
        "a": {"type": "number", "description": "A number"},
        "b": {"type": "number", "description": "A number"},
    },
    "required": ["a", "b"],
}

ADD = ToolSpec("add", "Compute the sum of two numbers", _NUMBERS, needs_approval=False)
MUL = ToolSpec("mul", "Calculate the product of two numbers", _NUMBERS, needs_approval=False)


def _finite(value: Number) -> Number:
    if isinstance(value, float) and not math.isfinite(value):
        raise OverflowError("the result is too large")
    return value


def _add(arguments: Mapping[str, Any]) -> Number:
    first: Number = arguments["a"]
    return _finite(first + arguments["b"])


def _mul(arguments: Mapping[str, Any]) -> Number:
    first: Number = arguments["a"]
    return _finite(first * arguments["b"])


def arithmetic() -> Registry:
    """A registry with add and mul."""
    return Registry((Tool(ADD, _add), Tool(MUL, _mul)))
