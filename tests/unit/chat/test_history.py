"""Whatever happened to a conversation, the server gets a valid one."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from tui.chat.history import valid_history
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

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def message(role, *parts: Part | str, id: str = "m", complete: bool = True) -> Message:
    whole = tuple(TextPart(part) if isinstance(part, str) else part for part in parts)
    return Message(id, role, whole, None, NOW, complete)


def test_notices_and_empty_answers_are_left_out_and_users_joined():
    picture = ImagePart("image/png", "AA")
    sent = valid_history(
        [
            message("user", "one"),
            message("assistant", NoticePart(Problem("chat.stopped")), complete=False),
            message("user", picture, "two"),
        ]
    )
    (only,) = sent
    assert only.text == "one\n\ntwo"
    assert picture in only.parts


def test_what_a_server_refused_is_not_sent_again_with_the_next_message():
    refused = [
        message("user", "a" * 1000),
        message("assistant", NoticePart(Problem("server.context_too_long")), complete=False),
    ]
    assert [item.text for item in valid_history([*refused, message("user", "two")])] == ["two"]
    half = message("assistant", "half", NoticePart(Problem("server.cut_off")), complete=False)
    assert len(valid_history([refused[0], half, message("user", "two")])) == 3


def test_missing_results_are_filled_and_the_order_is_that_of_the_calls():
    calls = [ToolCallPart(name, "add", "{}") for name in ("a", "b", "c")]
    results = [ToolResultPart("c", "add", "3"), ToolResultPart("a", "add", "1"), ToolResultPart("x", "add", "9")]
    sent = valid_history([message("user", "q"), message("assistant", *calls, id="A"), message("tool", *results)])
    answers = sent[2].parts
    assert [part.call_id for part in answers] == ["a", "b", "c"]
    assert [part.content for part in answers][::2] == ["1", "3"]
    assert answers[1].problem.code == "chat.call_missing"


def test_broken_arguments_are_wrapped():
    sent = valid_history([message("user", "q"), message("assistant", ToolCallPart("a", "add", '{"a": 1,'))])
    assert json.loads(sent[1].tool_calls[0].arguments) == {"invalid_arguments": '{"a": 1,'}
    sent = valid_history([message("user", "q"), message("assistant", ToolCallPart("a", "now", ""))])
    assert sent[1].tool_calls[0].arguments == "{}"


def test_an_answer_that_was_cut_while_thinking_is_kept_only_to_continue_it():
    messages = [message("user", "q"), message("assistant", ReasoningPart("hm"), id="a", complete=False)]
    assert len(valid_history(messages)) == 1
    assert valid_history(messages, continuing=True)[-1].reasoning == "hm"


CALL = st.builds(ToolCallPart, st.sampled_from("abc"), st.just("add"), st.sampled_from(["{}", "", "[", "3", '{"a":1}']))
RESULT = st.builds(ToolResultPart, st.sampled_from("abcd"), st.just("add"), st.text(max_size=2))
MESSAGES = st.lists(
    st.one_of(
        st.builds(lambda text: message("user", text), st.sampled_from(["x", "y"])),
        st.builds(
            lambda calls, text: message("assistant", *text, *calls),
            st.lists(CALL, max_size=2, unique_by=lambda call: call.call_id),
            st.lists(st.sampled_from(["hello"]), max_size=1),
        ),
        st.builds(lambda results: message("tool", *results), st.lists(RESULT, max_size=3)),
    ),
    max_size=10,
)


@given(MESSAGES)
def test_every_history_is_valid(messages):
    sent = valid_history(messages)
    for before, after in pairwise(sent):
        assert (before.role, after.role) != ("user", "user")
    for place, item in enumerate(sent):
        assert item.parts
        if item.role == "tool":
            assert sent[place - 1].tool_calls
        if item.tool_calls:
            answers = sent[place + 1]
            assert [part.call_id for part in answers.parts] == [call.call_id for call in item.tool_calls]
            assert all(isinstance(json.loads(call.arguments), dict) for call in item.tool_calls)
    assert valid_history(sent) == sent
