"""Requests as servers of each release want them."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from tests.unit.server.helpers import ADD, message, request, sampling
from tui.lmdeploy.dialects import Dialect, dialect_for
from tui.model.message import ImagePart, NoticePart, ReasoningPart, TextPart, ToolCallPart, ToolResultPart
from tui.model.problem import Problem
from tui.model.request import ChatRequest
from tui.server.body import message_rows, plain_text, request_body

CALL = ToolCallPart("call-1", "add", '{"a": 3, "b": 5}')
RESULT = ToolResultPart("call-1", "add", "8")


def tool_conversation() -> ChatRequest:
    return request(
        messages=(
            message("user", "Compute (3+5)*2"),
            message("assistant", ReasoningPart("hm"), CALL),
            message("tool", RESULT),
            message("assistant", "It is 8."),
        )
    )


def rows(asked: ChatRequest, dialect: Dialect | None = None) -> list[dict[str, Any]]:
    return message_rows(asked, dialect) if dialect else message_rows(asked)


def test_a_plain_request() -> None:
    assert request_body(request("你好", system="Be kind.")) == {
        "model": "tiny-chat",
        "messages": [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "你好"}],
        "stream": True,
        "stream_options": {"include_usage": True},
    }


def test_usage_is_asked_for_only_in_streams_and_where_it_exists() -> None:
    assert "stream_options" not in request_body(request(stream=False))
    assert "stream_options" not in request_body(request(), dialect_for(("0.5.3", "0.5.3")))
    assert "stream_options" in request_body(request(), dialect_for(("0.6.0", "0.6.0")))


def test_sampling_fields_are_sent_only_when_set() -> None:
    body = request_body(
        request(
            sampling=sampling(
                temperature=0,
                top_p=0.9,
                top_k=1,
                min_p=0.05,
                repetition_penalty=1.1,
                max_tokens=64,
                stop=("END",),
                seed=7,
                chat_template_kwargs={"enable_thinking": False},
                response_format={"type": "json_object"},
                extra={"min_new_tokens": 2, "temperature": 0.5},
            )
        )
    )
    for key in ("model", "messages", "stream", "stream_options"):
        del body[key]
    assert body == {
        "temperature": 0.5,  # an extra field wins
        "top_p": 0.9,
        "top_k": 1,
        "min_p": 0.05,
        "repetition_penalty": 1.1,
        "max_tokens": 64,
        "stop": ["END"],
        "seed": 7,
        "chat_template_kwargs": {"enable_thinking": False},
        "response_format": {"type": "json_object"},
        "min_new_tokens": 2,
    }


def test_053_gets_no_fields_it_does_not_know() -> None:
    asked = request(sampling=sampling(temperature=0.1, min_p=0.1, seed=1, response_format={"type": "json_object"}))
    body = request_body(asked, dialect_for(("0.5.3", "0.5.3")))
    assert set(body) == {"model", "messages", "stream", "temperature"}


def test_tools_and_their_results() -> None:
    asked = tool_conversation()
    body = request_body(ChatRequest(asked.model, asked.messages, tools=(ADD,)))
    assert body["tools"] == [
        {
            "type": "function",
            "function": {"name": "add", "description": ADD.description, "parameters": dict(ADD.parameters)},
        }
    ]
    assert body["messages"] == [
        {"role": "user", "content": "Compute (3+5)*2"},
        {
            "role": "assistant",
            "content": "",
            "tool_calls": [
                {"id": "call-1", "type": "function", "function": {"name": "add", "arguments": '{"a": 3, "b": 5}'}}
            ],
        },
        {"role": "tool", "tool_call_id": "call-1", "name": "add", "content": "8"},
        {"role": "assistant", "content": "It is 8."},
    ]


def test_results_inside_the_assistants_message_are_put_behind_their_calls() -> None:
    inline = request(
        messages=(
            message("user", "Compute (3+5)*2"),
            message("assistant", ReasoningPart("hm"), CALL, RESULT, "It is 8."),
        )
    )
    assert rows(inline) == rows(tool_conversation())


def test_parallel_calls_share_one_row() -> None:
    second = ToolCallPart("call-2", "mul", '{"a": 1}')
    asked = request(
        messages=(message("assistant", "Both.", CALL, second, RESULT, ToolResultPart("call-2", "mul", "2")),)
    )
    made = rows(asked)
    assert [row["role"] for row in made] == ["assistant", "tool", "tool"]
    assert [call["id"] for call in made[0]["tool_calls"]] == ["call-1", "call-2"]
    assert made[0]["content"] == "Both."


def test_053_internlm2_knows_only_the_environment_role() -> None:
    made = rows(tool_conversation(), dialect_for(("0.5.3", "0.5.3"), "internlm2_5-7b-chat"))
    assert made[1] == {
        "role": "assistant",
        "content": '<|action_start|><|plugin|>\n{"name": "add", "parameters": {"a": 3, "b": 5}}<|action_end|>',
    }
    assert made[2] == {"role": "environment", "name": "plugin", "content": "8"}


def test_the_built_in_internlm2_template_of_06_to_09_wants_the_name_plugin() -> None:
    made = rows(tool_conversation(), dialect_for(("0.6.0", "0.9.2"), "/root/internlm2_5-7b-chat"))
    assert made[1]["tool_calls"]
    assert made[2] == {"role": "tool", "tool_call_id": "call-1", "name": "plugin", "content": "8"}


def test_internlm2_since_010_gets_its_own_turns_spelled_out() -> None:
    """Its template only joins role and content from then on."""
    dialect = dialect_for(("0.10.0", "0.18.0"), "/root/internlm2_5-7b-chat")
    asked = replace(tool_conversation(), model="/root/internlm2_5-7b-chat", tools=(ADD,), system="Be kind.")
    made = rows(asked, dialect)
    assert [row["role"] for row in made] == [
        "system", "system name=<|plugin|>", "user", "assistant", "environment name=<|plugin|>", "assistant",
    ]  # fmt: skip
    assert [function["name"] for function in json.loads(made[1]["content"])] == ["add"]
    assert made[3]["content"].startswith('<|action_start|><|plugin|>\n{"name": "add"')
    assert "tool_calls" not in made[3]
    assert made[4]["content"] == "8"
    body = request_body(asked, dialect)
    assert body["tools"]  # a parser lets only these names through
    assert "tool_choice" not in body
    raw = request_body(replace(asked, tools_raw=True), dialect)
    assert "tools" not in raw
    assert raw["skip_special_tokens"] is False


@pytest.mark.parametrize(
    ("band", "model", "choice", "special"),
    [
        (("0.13.0", "0.18.0"), "Qwen2.5-7B-Instruct", "none", False),
        (("0.13.0", "0.18.0"), "Meta-Llama-3.1-8B", "none", True),
        (("0.13.0", "0.18.0"), "my-model", "none", True),
        (None, "GLM-4.5", "none", False),
        (("0.7.2", "0.12.2"), "Qwen2.5-7B-Instruct", "", False),
        (("0.9.0", "0.9.2"), "internlm2_5-7b-chat", "", True),
    ],
)
def test_tools_for_a_server_without_a_parser(
    band: tuple[str, str] | None, model: str, choice: str, special: bool
) -> None:
    asked = replace(request(tools=(ADD,)), model=model, tools_raw=True)
    body = request_body(asked, dialect_for(band, model))
    assert body["tools"]
    assert body.get("tool_choice", "") == choice
    assert ("skip_special_tokens" in body) is special
    assert ("spaces_between_special_tokens" in body) is special
    plain_body = request_body(replace(asked, tools_raw=False), dialect_for(band, model))
    assert {"tool_choice", "skip_special_tokens"}.isdisjoint(plain_body)
    assert "tool_choice" not in request_body(replace(asked, tools=()), dialect_for(band, model))


@pytest.mark.parametrize("arguments", ["{broken", "[1, 2]", '"text"', "3"])
def test_arguments_that_are_no_object_are_wrapped(arguments: str) -> None:
    """lmdeploy ≥ 0.13 answers 400 to a history with invalid arguments."""
    asked = request(
        messages=(message("assistant", ToolCallPart("c", "add", arguments), ToolResultPart("c", "add", "no")),)
    )
    sent = rows(asked)[0]["tool_calls"][0]["function"]["arguments"]
    assert json.loads(sent) == {"invalid_arguments": arguments}


def test_empty_arguments_are_an_empty_object() -> None:
    asked = request(messages=(message("assistant", ToolCallPart("c", "now", ""), ToolResultPart("c", "now", "12:00")),))
    assert rows(asked)[0]["tool_calls"][0]["function"]["arguments"] == "{}"


def test_calls_without_a_result_and_empty_messages_are_left_out() -> None:
    notice = NoticePart(Problem("server.cut_off"))
    asked = request(
        messages=(
            message("user", "hi"),
            message("assistant", CALL),
            message("assistant", "Half an", ToolCallPart("x", "mul", "{")),
            message("assistant", ReasoningPart("…"), notice),
            message("user", "again"),
        )
    )
    assert rows(asked) == [
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": "Half an"},
        {"role": "user", "content": "again"},
    ]


def test_pictures_become_parts_in_order() -> None:
    asked = request(
        messages=(message("user", "What is", ImagePart("image/png", "QUJD"), NoticePart(Problem("x")), "this?"),)
    )
    assert rows(asked)[0]["content"] == [
        {"type": "text", "text": "What is"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,QUJD"}},
        {"type": "text", "text": "this?"},
    ]


def test_system_messages_inside_a_conversation_stay() -> None:
    asked = request(messages=(message("system", "New rules."), message("user", "ok")))
    assert rows(asked)[0] == {"role": "system", "content": "New rules."}


def test_continuing_sends_the_cut_answer_last() -> None:
    asked = request(
        messages=(message("user", "Count"), message("assistant", ReasoningPart("t"), "1, 2")), continue_last=True
    )
    assert rows(asked)[-1] == {"role": "assistant", "content": "1, 2"}


def test_continuing_an_answer_cut_while_thinking_reopens_the_thought() -> None:
    asked = request(
        messages=(message("user", "Count"), message("assistant", ReasoningPart("First I"))), continue_last=True
    )
    assert rows(asked)[-1] == {"role": "assistant", "content": "<think>\nFirst I"}


def test_halves_of_surrogate_pairs_never_reach_the_wire() -> None:
    asked = request("a\ud83d\ude00\ud83d", system="\udc00", sampling=sampling(extra={"\ud800": ("\ud800", 1)}))
    text = json.dumps(request_body(asked), ensure_ascii=False)
    assert text.encode().decode() == text
    assert "a😀\ufffd" in text


def test_plain_text_holds_everything_the_model_reads() -> None:
    asked = tool_conversation()
    text = plain_text(ChatRequest(asked.model, asked.messages, system="Rules.", tools=(ADD,)))
    for piece in ("Rules.", "Compute (3+5)*2", 'add {"a": 3', "8", "It is 8.", "Compute the sum"):
        assert piece in text
    assert "hm" not in text
    thinking = request(messages=(message("assistant", ReasoningPart("deep"), TextPart("x")),), continue_last=True)
    assert "deep" in plain_text(thinking)
