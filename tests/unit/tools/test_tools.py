"""The registry, the arithmetic, the checks of arguments."""

from __future__ import annotations

import asyncio
import json
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.model.tool import ToolCall, ToolSpec
from tui.tools.arithmetic import arithmetic
from tui.tools.registry import Registry, Tool
from tui.tools.schema import check_arguments

ANYTHING = {"type": "object"}


def spec(name: str = "t") -> ToolSpec:
    return ToolSpec(name, "", ANYTHING)


async def run(registry: Registry, name: str, **arguments):
    return await registry.run(ToolCall("c", name, arguments))


@pytest.mark.parametrize(
    ("name", "a", "b", "result"),
    [
        ("add", 3, 5, "8"),
        ("mul", 8, 2, "16"),
        ("add", 0.1, 0.2, "0.30000000000000004"),
        ("mul", 10**30, 10**30, str(10**60)),
        ("add", 2**63, 1, str(2**63 + 1)),
        ("mul", -1.5, 2, "-3.0"),
    ],
)
async def test_arithmetic(name, a, b, result):
    assert (await run(arithmetic(), name, a=a, b=b)).content == result


@given(st.integers(), st.integers())
def test_integers_are_exact(a, b):
    outcome = asyncio.run(run(arithmetic(), "mul", a=a, b=b))
    assert json.loads(outcome.content) == a * b


@pytest.mark.parametrize(("a", "b"), [(1e308, 1e308), (10**400, 0.5)])
async def test_results_without_bounds_are_errors(a, b):
    outcome = await run(arithmetic(), "mul", a=a, b=b)
    assert not outcome.ok
    assert outcome.problem.code == "chat.call_failed"


def test_arithmetic_needs_no_approval_and_takes_both_kinds_of_numbers():
    for tool in arithmetic().specs():
        assert not tool.needs_approval
        assert check_arguments({"a": 1, "b": 2.5}, tool.parameters) == ""
        assert check_arguments({"a": True, "b": 2}, tool.parameters)


async def test_unknown_tools_and_timeouts_and_errors_are_outcomes():
    async def hang(arguments):
        await asyncio.Event().wait()

    def fail(arguments):
        raise TimeoutError("mine")

    registry = Registry([Tool(spec("hang"), hang, timeout=0.01), Tool(spec("fail"), fail)])
    assert (await run(registry, "nope")).problem.code == "chat.call_unknown"
    assert (await run(registry, "hang")).problem.code == "chat.call_timeout"
    failed = await run(registry, "fail")
    assert (failed.problem.code, failed.content) == ("chat.call_failed", "Error: TimeoutError: mine")


async def test_results_become_text():
    class Odd:
        def __str__(self):
            return "odd"

    values = {"狐狸": 1}, "text", None, [1, 2.5], Odd()
    registry = Registry([Tool(spec(str(number)), lambda _, value=value: value) for number, value in enumerate(values)])
    texts = [(await run(registry, str(number))).content for number in range(len(values))]
    assert texts == ['{"狐狸": 1}', "text", "null", "[1, 2.5]", "odd"]


async def test_blocking_functions_run_in_a_thread():
    registry = Registry([Tool(spec(), lambda _: threading.current_thread().name, in_thread=True)])
    assert (await run(registry, "t")).content != threading.main_thread().name


def test_names_are_unique_and_can_be_removed():
    registry = Registry([Tool(spec(), str)])
    with pytest.raises(ValueError, match="already"):
        registry.add(Tool(spec(), str))
    registry.remove("t")
    assert registry.specs() == ()
    with pytest.raises(KeyError):
        registry.remove("t")


@pytest.mark.parametrize(
    ("schema", "arguments", "told"),
    [
        ({"type": "object", "properties": {"a": {"enum": ["x"]}}}, {"a": "y"}, "a: 'y' is not one of ['x']"),
        ({"properties": {"a": {"items": {"type": "integer"}}}}, {"a": [1, "x"]}, "a[1]: 'x' is not of type 'integer'"),
        ({"type": "int"}, {}, "the tool's own schema is invalid"),
        ({"$ref": "http://127.0.0.1:1/schema.json"}, {}, "the tool's own schema cannot be used"),
        ({"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/a"}}}, {}, "the tool's own schema cannot be used"),
        ({"properties": {"a": {"type": "integer"}}}, {"a": "x" * 10_000}, "…"),
        ({"type": "object"}, {"anything": [{}]}, ""),
    ],
)
def test_checks(schema, arguments, told):
    message = check_arguments(arguments, schema)
    assert told in message
    assert bool(message) == bool(told)
    assert len(message) < 400
