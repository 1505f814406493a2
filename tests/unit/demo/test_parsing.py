"""From scripts to deltas: the server's parsers, limits and tokens."""

from __future__ import annotations

from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.demo.brain import respond
from tui.demo.examples import example
from tui.demo.history import Ask, Made, last_prompt, made_calls
from tui.demo.parsing import Emission, Parsers, Progress, emissions, message
from tui.demo.script import Call, Say, Script, Think
from tui.demo.snippets import snippet
from tui.demo.tokens import count_prompt, split, token_ids

PARSED = Parsers(reasoning=True, tools="parsed", markup="qwen", offered=frozenset(("add",)))


@given(st.text())
def test_tokens_are_the_text(text: str) -> None:
    assert "".join(split(text)) == text
    assert len(token_ids(text)) == len(split(text))


@given(st.text(), st.integers(0, 50))
def test_a_limited_answer_is_a_beginning_of_the_whole(text: str, limit: int) -> None:
    def write(tokens: int) -> tuple[str, str]:
        progress = Progress(tokens)
        return message(progress.run(emissions(Script((Say(text),)), PARSED)))["content"] or "", progress.finish

    whole, finish = write(10**6)
    part, cut = write(limit)
    assert (whole, finish) == (text, "stop")
    assert whole.startswith(part)
    assert (cut == "length") is (len(split(text)) > limit)


def test_calls_that_were_not_offered_are_swallowed() -> None:
    steps = list(emissions(Script((Call("mul", "{}"), Call("add", '{"a": 1}'))), PARSED))
    assert steps[0] == Emission("silent", "", steps[0].tokens)
    assert message(steps)["calls"] == [{"name": "add", "arguments": '{"a": 1}'}]
    long = next(iter(emissions(Script((Call("mul", "x" * 30_000),)), PARSED)))
    assert (long.kind, long.tokens) == ("silent", 20_000)


@pytest.mark.parametrize(
    ("reasoning", "starts", "content", "thought"),
    [
        (True, True, "\n\nB", "A"),
        (True, False, "<think>\nA</think>\n\n\n\nB", None),
        (False, True, "<think>\nA</think>\n\nB", None),
    ],
)
def test_thoughts(reasoning: bool, starts: bool, content: str, thought: str | None) -> None:
    parsers = Parsers(reasoning, "parsed", "qwen", frozenset(), starts_thinking=starts)
    told = message(emissions(Script((Think("A"), Say("B"))), parsers))
    assert (told["content"], told["reasoning"]) == (content, thought)


def test_empty_arguments() -> None:
    call = Script((Call("add", ""),))
    assert message(emissions(call, PARSED))["calls"] == [{"name": "add", "arguments": ""}]


@pytest.mark.parametrize(
    ("messages", "prompt"),
    [
        ([], ("", -1)),
        ([{"role": "alien", "content": "hi"}], ("hi", 0)),
        ([{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}], ("a", 0)),
        ([{"role": "user", "content": [{"type": "text", "text": "a"}, "odd"]}], ("a", 0)),
    ],
)
def test_the_last_prompt(messages: list[dict[str, Any]], prompt: tuple[str, int]) -> None:
    assert last_prompt(messages) == prompt


def test_calls_and_results_find_each_other() -> None:
    def call(name: str, call_id: str, arguments: Any) -> dict[str, Any]:
        return {"id": call_id, "function": {"name": name, "arguments": arguments}}

    messages: list[dict[str, Any]] = [
        {"role": "user", "content": "go"},
        {
            "role": "assistant",
            "tool_calls": [call("a", "1", '{"x": 1}'), call("b", "2", {"y": 2}), call("c", "3", "[")],
        },
        {"role": "tool", "tool_call_id": "2", "content": "two"},
        {"role": "tool", "tool_call_id": "1", "content": "one"},
        {"role": "tool", "tool_call_id": "?", "content": "three"},
        {"role": "tool", "content": "stray"},
        {
            "role": "assistant",
            "content": '<tool_call>{"name": "d", "arguments": 5}</tool_call><tool_call>no</tool_call>',
        },
    ]
    made, strays = made_calls(messages)
    assert made == (
        Made("a", {"x": 1}, "one"),
        Made("b", {"y": 2}, "two"),
        Made("c", {}, "three"),
        Made("d", {}, None),
    )
    assert strays == ("stray",)


def test_counting_counts_everything() -> None:
    plain = [{"role": "user", "content": "hello"}]
    called: list[dict[str, Any]] = [{"role": "assistant", "content": "", "tool_calls": [{"function": {"name": "add"}}]}]
    assert count_prompt(plain) == 8
    assert count_prompt(plain + called) > count_prompt(plain) + 4
    assert count_prompt(plain, [{"type": "function"}]) > count_prompt(plain)


def test_functions_for_tasks() -> None:
    assert "quicksort" in snippet("写一个排序函数")
    assert "fibonacci" in snippet("something else")


def test_examples_end_in_deep_schemas() -> None:
    deep: dict[str, Any] = {"type": "integer"}
    for _ in range(20):
        deep = {"anyOf": [{"type": "array", "items": {"type": "object", "properties": {"x": deep}}}]}
    assert example(deep)
    assert example({"type": []}) == {}
    assert example({"type": "array"}) == [42]


@pytest.mark.parametrize("thinking", ["asked", "always", "unclosed"])
def test_an_answer_in_a_wanted_format_has_no_thoughts(thinking: Literal["asked", "always", "unclosed"]) -> None:
    pieces = respond(Ask("hello", schema={"const": 1}), None, thinking).pieces
    assert isinstance(pieces[0], Think if thinking == "unclosed" else Say)


def test_figures_beyond_the_made_calls() -> None:
    """Calls without figures or without a result are not part of the reckoning."""
    tools = {"add": {}, "mul": {}}
    made = (Made("add", {"a": 3}, "3"), Made("add", {"a": 3, "b": 5}, None))
    script = respond(Ask("Compute 3+5", tools=tools, made=made), None, "asked")
    assert script.pieces == (Call("add", '{"a": 3, "b": 5}'),)
    ready = Ask("Compute 3+5", tools=tools, made=(Made("add", {"a": 3, "b": 5}, "8"),), results_without_calls=("9",))
    assert respond(ready, None, "asked").pieces == (Say("The result of 3+5 is **8**."),)
