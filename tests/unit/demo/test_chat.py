"""Chat with the demo server over HTTP: texts, thoughts, limits, tools."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.demo import RunningDemo, StartDemo
from tests.unit.demo.talk import ADD_MUL, ask, called, get, post, tool, with_results

FOX = "帮我讲述一个关于狐狸和西瓜的小故事"


@pytest.mark.parametrize(
    ("prompt", "words"),
    [
        (FOX, ["狐狸", "西瓜", "模拟", "| 朋友 |"]),
        ("Tell me a story about a fox and a watermelon", ["fox", "watermelon", "simulated"]),
        ("hello", ["simulated", "How can I help you today?"]),
        ("你好", ["模拟"]),
        ("What can you do?", ["simulated", "Compute (3+5)*2", "/demo"]),
        ("你能做什么？", ["模拟", "计算 (3+5)*2"]),
        ("Show Markdown", ["# A tour", "```python", "| engine |", "- [x]", "$$", "> A quote"]),
        ("展示 Markdown", ["# Markdown 展示", "```python", "| 引擎 |"]),
        ("Count to 5", ["1 2 3 4 5"]),
        ("数到 3", ["1 2 3"]),
        ("Write a Python function to reverse a string", ["```python", "[::-1]"]),
        ("写一个 Python 函数来反转字符串", ["```python", "[::-1]"]),
        ("Is 31 greater than 29?", ["Yes, 31 is greater than 29."]),
        ("3 比 5 大吗？", ["不，3 不比 5 大"]),
        ("Compute (3+5)*2", ["The result of (3+5)*2 is **16**."]),
        ("计算 12+7 和 9*8", ["12+7 的结果是 **19**", "9*8 的结果是 **72**"]),
        ("Compute 1/0", ["no result"]),
        ("How is the weather on the moon?", ["simulated", "weather on the moon", "What can you do?"]),
        ("Please think about it", ["thinking"]),
        ("", ["simulated"]),
    ],
)
def test_what_it_says(demo: RunningDemo, prompt: str, words: list[str]) -> None:
    reply = ask(demo.url, prompt)
    assert reply.finish == "stop"
    assert reply.done
    for word in words:
        assert word in reply.content


def test_the_story_is_a_longer_one(demo: RunningDemo) -> None:
    assert len(ask(demo.url, FOX).content) > 600


@pytest.mark.parametrize("prompt", [FOX, "Is 31 greater than 29?", "Show Markdown"])
def test_streamed_and_whole_answers_are_the_same(demo: RunningDemo, prompt: str) -> None:
    streamed, whole = ask(demo.url, prompt), ask(demo.url, prompt, stream=False)
    assert (streamed.content, streamed.reasoning) == (whole.content, whole.reasoning)
    assert streamed.usage is not None
    assert whole.usage is not None
    assert streamed.usage["completion_tokens"] == whole.usage["completion_tokens"]
    assert whole.usage["total_tokens"] == whole.usage["prompt_tokens"] + whole.usage["completion_tokens"]


def test_usage_only_comes_when_asked_for(demo: RunningDemo) -> None:
    reply = ask(demo.url, "hello", stream_options=None)
    assert reply.usage is None
    assert all("usage" not in chunk for chunk in reply.chunks)


def test_answers_are_the_same_every_time(demo: RunningDemo) -> None:
    assert ask(demo.url, FOX).content == ask(demo.url, FOX).content


def test_thoughts_come_apart_with_a_parser(demo: RunningDemo) -> None:
    reply = ask(demo.url, "Is 31 greater than 29?")
    assert "I compare 31 with 29: 31 is greater than 29." in reply.reasoning
    assert reply.content.strip() == "Yes, 31 is greater than 29."
    assert reply.usage is not None
    assert 0 < reply.usage["completion_tokens_details"]["reasoning_tokens"] < reply.usage["completion_tokens"]


@pytest.mark.parametrize(("switch", "thinks"), [(True, True), (False, False)])
def test_the_template_switch_for_thinking(demo: RunningDemo, switch: bool, thinks: bool) -> None:
    reply = ask(demo.url, "hello", chat_template_kwargs={"enable_thinking": switch})
    assert bool(reply.reasoning) is thinks
    assert "simulated" in reply.content


async def test_thoughts_are_in_the_text_without_a_parser(start_demo: StartDemo) -> None:
    server = await start_demo(reasoning_parser="none", thinking="always")
    reply = ask(server.url, "hello")
    assert reply.reasoning == ""
    assert reply.content.startswith("<think>\n")
    assert "</think>\n\nHello!" in reply.content
    assert reply.usage is not None
    assert "completion_tokens_details" not in reply.usage


async def test_a_model_that_never_closes_its_thoughts(start_demo: StartDemo) -> None:
    server = await start_demo(thinking="unclosed")
    reply = ask(server.url, "hello")
    assert reply.content == ""
    assert "How can I help you" in reply.reasoning


def test_the_token_limit_cuts(demo: RunningDemo) -> None:
    reply = ask(demo.url, "Count to 200", max_tokens=20)
    assert reply.finish == "length"
    assert reply.usage is not None
    assert reply.usage["completion_tokens"] == 20
    assert "1 2 3" in reply.content
    assert ask(demo.url, "Count to 200", max_completion_tokens=7, stream=False).finish == "length"


def test_stop_words_of_one_token_stop(demo: RunningDemo) -> None:
    assert ask(demo.url, "Count to 20", stop="7").content == "1 2 3 4 5 6 "
    assert ask(demo.url, "Count to 20", stop=["7"], include_stop_str_in_output=True).content == "1 2 3 4 5 6 7"
    assert ask(demo.url, "Count to 9", stop=["7 8"]).content == "1 2 3 4 5 6 7 8 9"


def test_a_cut_answer_is_continued(demo: RunningDemo) -> None:
    whole = ask(demo.url, FOX).content
    user = {"role": "user", "content": FOX}
    rest = ask(demo.url, [user, {"role": "assistant", "content": whole[:100]}])
    assert whole[:100] + rest.content == whole
    assert ask(demo.url, [user, {"role": "assistant", "content": whole}]).content == ""
    assert ask(demo.url, [user, {"role": "assistant", "content": "Something else"}]).content == "……到这里就结束了。"


def test_json_schema_gives_json_that_fits(demo: RunningDemo) -> None:
    schema = {
        "type": "object",
        "properties": {
            "answer": {"type": "integer", "minimum": 100},
            "kind": {"enum": ["a", "b"]},
            "fixed": {"const": 7},
            "list": {"type": "array", "minItems": 2, "items": {"type": ["string", "null"]}},
            "either": {"anyOf": [{"type": "boolean"}, {"type": "string"}]},
            "inner": {"type": "object", "properties": {"x": {"type": "number"}}},
            "free": {},
        },
    }
    wanted = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
    assert json.loads(ask(demo.url, "hello", response_format=wanted).content) == {
        "answer": 100,
        "kind": "a",
        "fixed": 7,
        "list": ["demo", "demo"],
        "either": True,
        "inner": {"x": 4.2},
        "free": {},
    }
    assert json.loads(ask(demo.url, "hello", response_format={"type": "json_object"}).content) == {"answer": "demo"}


def test_logprobs(demo: RunningDemo) -> None:
    reply = ask(demo.url, "hello", logprobs=True, top_logprobs=2, max_tokens=3)
    tokens = [chunk["choices"][0]["logprobs"]["content"][0]["token"] for chunk in reply.chunks[:3]]
    assert "".join(tokens) == reply.content


def test_chained_calls_until_the_result(demo: RunningDemo) -> None:
    messages: list[dict[str, Any]] = [{"role": "user", "content": "Compute (3+5)*2"}]
    first = ask(demo.url, messages, tools=ADD_MUL)
    assert first.finish == "tool_calls"
    assert called(first) == [("add", {"a": 3, "b": 5})]
    messages = with_results(messages, first, "8")
    second = ask(demo.url, messages, tools=ADD_MUL)
    assert called(second) == [("mul", {"a": 8, "b": 2})]
    messages = with_results(messages, second, "16")
    last = ask(demo.url, messages, tools=ADD_MUL)
    assert (last.content, last.finish, last.calls) == ("The result of (3+5)*2 is **16**.", "stop", [])


def test_two_calls_at_once_in_chinese(demo: RunningDemo) -> None:
    messages: list[dict[str, Any]] = [{"role": "user", "content": "计算 12+7 和 9*8"}]
    first = ask(demo.url, messages, tools=ADD_MUL)
    assert called(first) == [("add", {"a": 12, "b": 7}), ("mul", {"a": 9, "b": 8})]
    last = ask(demo.url, with_results(messages, first, "19", "72"), tools=ADD_MUL)
    assert last.content == "12+7 的结果是 **19**。9*8 的结果是 **72**。"
    only = ask(demo.url, messages, tools=ADD_MUL, parallel_tool_calls=False)
    assert called(only) == [("add", {"a": 12, "b": 7})]


def test_the_model_uses_what_the_tool_says_even_if_wrong(demo: RunningDemo) -> None:
    messages: list[dict[str, Any]] = [{"role": "user", "content": "Compute (3+5)*2"}]
    first = ask(demo.url, messages, tools=ADD_MUL)
    assert called(ask(demo.url, with_results(messages, first, "9"), tools=ADD_MUL)) == [("mul", {"a": 9, "b": 2})]
    refused = ask(demo.url, with_results(messages, first, "The user said no"), tools=ADD_MUL)
    assert "`add`" in refused.content
    assert "The user said no" in refused.content


def test_names_of_the_operands_come_from_the_schema(demo: RunningDemo) -> None:
    tools = [tool("add", left={"type": "number"}, right={"type": "number"}), tool("mul")]
    assert called(ask(demo.url, "Compute 3+5", tools=tools)) == [("add", {"left": 3, "right": 5})]
    bare = [{"type": "function", "function": {"name": "add"}}]
    assert called(ask(demo.url, "Compute 3-5", tools=bare)) == [("add", {"a": 3, "b": -5})]


def test_tool_choice(demo: RunningDemo) -> None:
    def choose(choice: Any, prompt: str = "Compute 4+4") -> Any:
        return ask(demo.url, prompt, tools=ADD_MUL, tool_choice=choice)

    assert called(choose("required", "hello")) == [("add", {"a": 42, "b": 42})]
    assert called(choose({"type": "function", "function": {"name": "add"}})) == [("add", {"a": 4, "b": 4})]
    assert choose({"type": "function", "function": {"name": "zzz"}}).content == "The result of 4+4 is **8**."
    allowed = {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [tool("mul")]}}
    assert choose(allowed).calls == []
    raw = choose("none")
    assert raw.content == '<tool_call>\n{"name": "add", "arguments": {"a": 4, "b": 4}}\n</tool_call>'
    assert (raw.calls, raw.finish) == ([], "stop")


def test_raw_markup_is_understood_when_it_comes_back(demo: RunningDemo) -> None:
    messages: list[dict[str, Any]] = [{"role": "user", "content": "Compute (3+5)*2"}]
    raw = ask(demo.url, messages, tools=ADD_MUL, tool_choice="none")
    messages += [{"role": "assistant", "content": raw.content}, {"role": "tool", "content": "8"}]
    assert (
        '"name": "mul", "arguments": {"a": 8, "b": 2}'
        in ask(demo.url, messages, tools=ADD_MUL, tool_choice="none").content
    )


async def test_internlms_markup(start_demo: StartDemo) -> None:
    server = await start_demo(tool_call_parser="internlm")
    messages: list[dict[str, Any]] = [{"role": "user", "content": "Compute (3+5)*2"}]
    stripped = ask(server.url, messages, tools=ADD_MUL, tool_choice="none").content
    assert stripped == '\n{"name": "add", "parameters": {"a": 3, "b": 5}}'
    raw = ask(server.url, messages, tools=ADD_MUL, tool_choice="none", skip_special_tokens=False).content
    assert raw == '<|action_start|><|plugin|>\n{"name": "add", "parameters": {"a": 3, "b": 5}}<|action_end|><|im_end|>'
    messages += [{"role": "assistant", "content": raw}, {"role": "environment", "name": "plugin", "content": "8"}]
    assert called(ask(server.url, messages, tools=ADD_MUL)) == [("mul", {"a": 8, "b": 2})]


def test_other_tools_are_called_by_name(demo: RunningDemo) -> None:
    weather = tool("get_weather", city={"type": "string"}, days={"type": "integer"})
    messages: list[dict[str, Any]] = [{"role": "user", "content": 'Use get_weather {"city": "Beijing"}'}]
    reply = ask(demo.url, messages, tools=[weather])
    assert called(reply) == [("get_weather", {"city": "Beijing"})]
    assert called(ask(demo.url, "Use get_weather", tools=[weather])) == [("get_weather", {"city": "demo", "days": 42})]
    last = ask(demo.url, with_results(messages, reply, "sunny"), tools=[weather])
    assert last.content == "The tool `get_weather` answered: sunny"


def test_calls_of_tools_that_were_not_offered_stay_inside(demo: RunningDemo) -> None:
    """What the model writes for a narrowed-away tool never reaches the client (reference §4.2)."""
    reply = ask(demo.url, "Compute 2*3", tools=ADD_MUL, tool_choice={"type": "function", "function": {"name": "add"}})
    assert reply.calls == []


def test_content_in_parts(demo: RunningDemo) -> None:
    parts = [{"type": "text", "text": "Count "}, {"type": "text", "text": "to 3"}]
    assert ask(demo.url, [{"role": "user", "content": parts}]).content == "1 2 3"
    assert ask(demo.url, [{"role": "user", "content": 5}]).status == 200


def test_several_models(demo: RunningDemo) -> None:
    assert [model["id"] for model in get(demo.url, "/v1/models").json()["data"]] == ["lmdeck-demo"]


async def test_every_named_model_answers(start_demo: StartDemo) -> None:
    server = await start_demo(model=["one", "two"])
    assert [model["id"] for model in get(server.url, "/v1/models").json()["data"]] == ["one", "two"]
    assert ask(server.url, "hello", model="two").chunks[0]["model"] == "two"


async def test_speed_is_kept(start_demo: StartDemo) -> None:
    """Not a timed test of this machine: a stream of 20 tokens at 100/s cannot take less than 0.19 s."""
    from time import monotonic

    server = await start_demo(speed=100, first_token=0.05)
    began = monotonic()
    assert ask(server.url, "Count to 200", max_tokens=20).finish == "length"
    assert monotonic() - began > 0.2
    began = monotonic()
    ask(server.url, "Count to 200", max_tokens=20, stream=False)
    assert monotonic() - began > 0.2


def test_completions(demo: RunningDemo) -> None:
    whole = post(
        demo.url, "/v1/completions", {"model": "lmdeck-demo", "prompt": ["Count to 9"], "max_tokens": 30}
    ).json()
    assert whole["choices"][0]["text"] == "1 2 3 4 5 6 7 8 9"
    assert whole["choices"][0]["finish_reason"] == "stop"
    assert whole["usage"]["completion_tokens"] == 17
    bad = post(demo.url, "/v1/completions", {"model": "nope", "prompt": "x"})
    assert bad.status_code == 404
    assert post(demo.url, "/v1/completions", {"model": "lmdeck-demo", "prompt": []}).status_code == 500
