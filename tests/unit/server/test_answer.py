"""Answers of every release and form become the same deltas, however their bytes are cut."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.replay_server import RECORDINGS, body_of, recording
from tests.unit.server.helpers import calls_of, chunk, finish_of, reasoning_of, text_of, usage_of
from tests.unit.server.test_sse import split
from tui.lmdeploy.dialects import dialect_for
from tui.model.delta import Delta, ToolCallDelta
from tui.model.events import ReasoningDelta, TextDelta, Usage
from tui.model.problem import Problem, ProblemError
from tui.server.answer import AnswerReader

SSE = "text/event-stream; charset=utf-8"


def read(pieces: Iterable[bytes], reader: AnswerReader | None = None) -> tuple[list[Delta], Problem | None]:
    """All deltas, and the problem at the end if there was one."""
    reader = reader or AnswerReader(SSE)
    deltas: list[Delta] = []
    try:
        for piece in pieces:
            deltas.extend(reader.feed(piece))
            if reader.done:
                break
        deltas.extend(reader.finish())
    except ProblemError as error:
        return deltas, error.problem
    return deltas, None


def stream(*chunks: Any, done: bool = True) -> bytes:
    lines = [item if isinstance(item, bytes) else b"data: " + json.dumps(item).encode() + b"\n\n" for item in chunks]
    return b"".join(lines) + (b"data: [DONE]\n\n" if done else b"")


def merged(deltas: list[Delta]) -> Any:
    return text_of(deltas), reasoning_of(deltas), calls_of(deltas), usage_of(deltas)


STREAMS = [
    (name, scene)
    for name in RECORDINGS
    for scene, value in recording(name).items()
    if value["path"] == "/v1/chat/completions"
    and value["status"] == 200
    and "event-stream" in str(value["headers"].get("content-type"))
]


@pytest.mark.parametrize(("name", "scene"), STREAMS)
def test_recorded_streams_in_any_split(name: str, scene: str) -> None:
    body = body_of(recording(name)[scene])
    whole, problem = read([body])
    if scene == "chat_after_kill_1":
        assert problem is not None
        assert problem.code == "server.proxy_timeout"
    else:
        assert problem is None
        assert finish_of(whole) in ("stop", "length", "tool_calls")
        # The recorder's own words, counted from the JSON it kept.
        expected = [json.loads(line[6:]) for line in body.decode().split("\n") if line.startswith("data: {")]
        content = [(c.get("choices") or [{}])[0].get("delta", {}).get("content") or "" for c in expected]
        assert text_of(whole) == "".join(content)
    for size in (1, 7, 64):
        pieces = [body[start : start + size] for start in range(0, len(body), size)]
        assert read(pieces) == (whole, problem)


@settings(max_examples=25)
@given(st.lists(st.integers(0, 12000), max_size=30))
def test_a_recorded_tool_stream_cut_anywhere(cuts: list[int]) -> None:
    body = body_of(recording("turbomind-tools")["tools_parallel_stream"])
    deltas, problem = read(split(body, cuts))
    assert problem is None
    calls = calls_of(deltas)
    assert [(name, json.loads(arguments)) for _, name, arguments in calls] == [
        ("add", {"a": 12, "b": 7}),
        ("mul", {"a": 9, "b": 8}),
    ]
    assert all(call_id.startswith("chatcmpl-tool-") for call_id, _, _ in calls)


BODIES = [
    (name, scene)
    for name in RECORDINGS
    for scene, value in recording(name).items()
    if value["path"] == "/v1/chat/completions"
    and value["status"] == 200
    and value["headers"].get("content-type") == "application/json"
    and not scene.startswith("chat_after_kill")
]


@pytest.mark.parametrize(("name", "scene"), BODIES)
def test_recorded_json_bodies(name: str, scene: str) -> None:
    body = body_of(recording(name)[scene])
    whole, problem = read([body], AnswerReader("application/json"))
    assert problem is None
    choice = json.loads(body)["choices"][0]
    assert text_of(whole) == (choice["message"]["content"] or "")
    assert finish_of(whole) == choice["finish_reason"]
    assert usage_of(whole) is not None
    expected = [
        (c["id"], c["function"]["name"], c["function"]["arguments"]) for c in choice["message"]["tool_calls"] or []
    ]
    assert calls_of(whole) == expected
    assert read([body[i : i + 5] for i in range(0, len(body), 5)], AnswerReader("application/json"))[0] == whole


def test_reasoning_usage_and_cached_tokens() -> None:
    usage = {
        "prompt_tokens": 14,
        "total_tokens": 34,
        "completion_tokens": 20,
        "prompt_tokens_details": {"cached_tokens": 3},
        "completion_tokens_details": {"reasoning_tokens": 5},
    }
    body = stream(
        chunk({"role": "assistant", "reasoning_content": "think"}),
        chunk({"role": "assistant", "reasoning_content": " hard", "content": "answer"}),
        chunk({"content": ""}, "stop"),
        {"choices": [], "usage": usage},
    )
    deltas, _ = read([body])
    assert deltas[:3] == [ReasoningDelta("think"), ReasoningDelta(" hard"), TextDelta("answer")]
    assert usage_of(deltas) == Usage(14, 20, 5, 3)
    assert finish_of(deltas) == "stop"


def test_nulls_everywhere_as_until_013() -> None:
    body = stream(
        {
            "id": "17",
            "object": "chat.completion.chunk",
            "choices": [
                {
                    "index": 0,
                    "delta": {"role": "assistant", "content": "Hi", "reasoning_content": None, "tool_calls": None},
                    "logprobs": None,
                    "finish_reason": None,
                }
            ],
            "usage": None,
        },
        {
            "id": "17",
            "choices": [{"index": 0, "delta": {"content": "!", "tool_calls": []}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 1, "completion_tokens": 2, "completion_tokens_details": None},
        },
    )
    deltas, problem = read([body])
    assert problem is None
    assert merged(deltas) == ("Hi!", "", [], Usage(1, 2))


def test_another_random_id_and_the_name_again_with_every_piece() -> None:
    """0.7.2 … 0.12: pieces are merged by index; the first id and name hold."""

    def piece(index: int, call_id: str, name: str | None, arguments: str | None) -> dict[str, Any]:
        call = {"index": index, "id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}
        return chunk({"content": None, "tool_calls": [call]})

    body = stream(
        piece(0, "chatcmpl-tool-a", "add", None),
        piece(0, "chatcmpl-tool-b", None, '{"a": '),
        piece(0, "chatcmpl-tool-c", "add", "3}"),
        piece(2, "chatcmpl-tool-d", "mul", '{"a": 1}'),
        chunk({}, "stop"),
    )
    deltas, _ = read([body])
    assert calls_of(deltas) == [("chatcmpl-tool-a", "add", '{"a": 3}'), ("chatcmpl-tool-d", "mul", '{"a": 1}')]


def test_a_call_whose_name_comes_late() -> None:
    body = stream(
        chunk({"tool_calls": [{"index": 0, "id": "x", "function": {}}]}),
        chunk({"tool_calls": [{"index": 0, "function": {"name": "add", "arguments": "{}"}}, "junk", {"index": 0}]}),
        chunk({}, "tool_calls"),
    )
    deltas, _ = read([body])
    assert [d for d in deltas if isinstance(d, ToolCallDelta)] == [
        ToolCallDelta(0, call_id="x"),
        ToolCallDelta(0, name="add", arguments="{}"),
    ]


def test_a_json_body_where_a_stream_was_asked_for() -> None:
    """≤ 0.7.1 answers tools this way; the id is the tool's position, arguments may be an object."""
    body = {
        "object": "chat.completion",
        "choices": [
            {
                "message": {
                    "role": "assistant",
                    "content": "I need help.",
                    "tool_calls": [
                        {"id": "0", "type": "function", "function": {"name": "add", "arguments": {"a": 3}}},
                        {"id": "1", "type": "function", "function": {"name": "mul", "arguments": '{"b": 2}'}},
                    ],
                },
                "finish_reason": "tool_calls",
            }
        ],
        "usage": {"prompt_tokens": 5, "completion_tokens": 7},
    }
    expected = ("I need help.", "", [("0", "add", '{"a": 3}'), ("1", "mul", '{"b": 2}')], Usage(5, 7))
    for text in (json.dumps(body), json.dumps(body, indent=2)):
        for content_type in ("application/json", "application/json; charset=utf-8"):
            assert merged(read([text.encode()], AnswerReader(content_type))[0]) == expected
    # … and even as a line of a stream.
    assert merged(read([json.dumps(body).encode()])[0]) == expected


def test_a_stream_under_the_wrong_content_type() -> None:
    body = stream(chunk({"content": "Hi"}), chunk({}, "stop"))
    lines: list[str] = []
    deltas, problem = read([body], AnswerReader("application/json", on_line=lines.append))
    assert (text_of(deltas), problem) == ("Hi", None)
    assert len(lines) == 3


def test_emoji_cut_into_surrogates_over_two_chunks() -> None:
    body = stream(
        b'data: {"choices":[{"delta":{"content":"a\\ud83d","reasoning_content":"\\ud83d"}}]}\n\n',
        b'data: {"choices":[{"delta":{"content":"\\ude00b"}}]}\n\n',
        b'data: {"choices":[{"delta":{"tool_calls":[{"id":"i","function":{"name":"f","arguments":"\\ud83d"}}]}}]}\n\n',
        b'data: {"choices":[{"delta":{"content":"\\ud83d"},"finish_reason":"stop"}]}\n\n',
    )
    deltas, _ = read([body])
    assert merged(deltas) == ("a😀b\ufffd", "\ufffd", [("i", "f", "\ufffd")], None)


def test_damaged_lines_are_left_out_and_told() -> None:
    notices: list[Problem] = []
    reader = AnswerReader(SSE, on_notice=notices.append)
    body = stream(
        chunk({"content": "one"}),
        b"data: {broken json\n\n",
        b"data: [1, 2]\n\ndata: 5\n\n: comment\n\nevent: x\n",
        b'data: {"choices":[{"delta":{"content":"\xff"}}]}\n\n',
        chunk({"content": "two"}, "stop"),
    )
    deltas, problem = read([body], reader)
    assert (text_of(deltas), problem) == ("one\ufffdtwo", None)
    assert [notice.code for notice in notices] == ["server.bad_characters", "server.bad_line"]
    assert notices[1].detail == "{broken json"


def test_deeply_nested_json_is_a_damaged_line() -> None:
    body = stream(chunk({"content": "a"}), b"data: " + b'{"a":' * 100_000 + b"\n\n", chunk({}, "stop"))
    assert text_of(read([body])[0]) == "a"


@pytest.mark.parametrize(
    "junk",
    [
        {"choices": [5, None]},
        {"choices": None},
        {"choices": [{"delta": 5}]},
        {"choices": [{"delta": None}]},
        {"choices": [{"delta": {"content": 5, "tool_calls": 5, "reasoning_content": []}, "finish_reason": 7}]},
        {"choices": [{"delta": {"tool_calls": [{"index": "x", "id": 5, "function": 5}]}}]},
        {"usage": {"prompt_tokens": "many", "prompt_tokens_details": 5}},
        {},
    ],
)
def test_wrong_types_do_no_harm(junk: dict[str, Any]) -> None:
    deltas, problem = read([stream(chunk({"content": "a"}), junk, chunk({"content": "b"}, "stop"))])
    assert (text_of(deltas), problem) == ("ab", None)


def test_nothing_after_the_end_mark_counts() -> None:
    deltas, problem = read([stream(chunk({"content": "a"}, "stop")) + stream(chunk({"content": "ghost"}))])
    assert (text_of(deltas), problem) == ("a", None)


def test_raw_lines_are_passed_on_as_they_came() -> None:
    lines: list[str] = []
    body = b": hello\n\ndata: " + json.dumps(chunk({"content": "x"}, "stop")).encode() + b"\r\n\r\ndata: [DONE]\n\n"
    read([body], AnswerReader(SSE, on_line=lines.append))
    assert lines[0] == ": hello"
    assert lines[2] == "data: [DONE]"


# --- ends ---------------------------------------------------------------------------------------------------------


def test_an_end_without_the_mark_but_with_a_finish_reason_is_regular() -> None:
    notices: list[Problem] = []
    deltas, problem = read(
        [stream(chunk({"content": "a"}, "stop"), done=False)], AnswerReader(SSE, on_notice=notices.append)
    )
    assert (finish_of(deltas), problem) == ("stop", None)
    assert [notice.code for notice in notices] == ["server.no_end_mark"]


def test_an_end_in_the_middle_is_a_problem_and_keeps_the_text() -> None:
    deltas, problem = read([stream(chunk({"content": "a"}), done=False) + b'data: {"choices":[{"delta":{"content":"b"'])
    assert text_of(deltas) == "a"
    assert problem is not None
    assert problem.code == "server.cut_off"


def test_a_last_line_without_line_end_counts() -> None:
    deltas, problem = read([stream(chunk({"content": "a"}, "stop"), done=False) + b"data: [DONE]"])
    assert (text_of(deltas), problem) == ("a", None)


def test_an_end_mark_without_a_finish_reason() -> None:
    deltas, problem = read([stream(chunk({"content": "a"}))])
    assert (finish_of(deltas), problem) == (None, None)


def test_a_failure_in_mid_stream_comes_after_what_was_said() -> None:
    error = {"error": {"message": "An internal server error occurred.", "type": "server_error", "code": 500}}
    deltas, problem = read([stream(chunk({"content": "half"}), error)])
    assert text_of(deltas) == "half"
    assert problem is not None
    assert problem.code == "server.engine_failed"
    assert "internal server error" in problem.detail


def test_finish_reason_error() -> None:
    deltas, problem = read([stream(chunk({"content": "half"}), chunk({}, "error"))])
    assert text_of(deltas) == "half"
    assert problem is not None
    assert problem.code == "server.engine_failed"


@pytest.mark.parametrize(
    ("band", "chunks", "full"),
    [
        (None, [chunk({"content": ""}, "length")], True),
        (
            ("0.14.0", "0.15.0"),
            [chunk({"content": ""}, "length"), {"choices": [], "usage": {"completion_tokens": 0}}],
            True,
        ),
        (
            ("0.14.0", "0.15.0"),
            [chunk({"content": ""}, "length"), {"choices": [], "usage": {"completion_tokens": 3}}],
            False,
        ),
        (("0.16.0", "0.18.0"), [chunk({"content": ""}, "length")], False),
        (None, [chunk({"content": "x"}), chunk({}, "length")], False),
        (None, [chunk({"reasoning_content": "x"}), chunk({}, "length")], False),
        (None, [chunk({"content": ""}, "stop")], False),
    ],
)
def test_nothing_with_reason_length_means_a_full_context_until_015(band: Any, chunks: list[Any], full: bool) -> None:
    _, problem = read([stream(*chunks)], AnswerReader(SSE, dialect=dialect_for(band)))
    assert (problem is not None and problem.code == "server.context_full") == full


@pytest.mark.parametrize(("body", "code"), [(b"", "empty_answer"), (b"data: [DONE]\n\n", "empty_answer")])
def test_an_answer_with_nothing_in_it(body: bytes, code: str) -> None:
    for content_type in (SSE, "application/json", ""):
        _, problem = read([body], AnswerReader(content_type))
        assert problem is not None
        assert problem.code == f"server.{code}"


def test_too_long_lines_and_bodies() -> None:
    body = stream(chunk({"content": "a"})) + b"data: " + b"x" * 5000
    deltas, problem = read([body], AnswerReader(SSE, max_line=1000))
    assert text_of(deltas) == "a"
    assert problem is not None
    assert problem.code == "server.line_too_long"
    _, problem = read([b"{" + b" " * 5000], AnswerReader("application/json", max_line=1000))
    assert problem is not None
    assert problem.code == "server.body_too_long"
