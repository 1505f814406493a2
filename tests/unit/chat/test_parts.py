"""The small pieces: calls, estimates, titles, trimming, records."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tests.support.chat import ScriptedEndpoint, user
from tui.chat.calls import CallAssembler, parse_object
from tui.chat.context import ContextGauge
from tui.chat.estimate import request_tokens, text_tokens
from tui.chat.records import Settings, TurnLog
from tui.chat.titles import title_from
from tui.model.delta import ToolCallDelta
from tui.model.events import ToolCallArguments, ToolCallStarted, Usage
from tui.model.message import ImagePart, Message, TextPart, ToolCallPart, ToolResultPart
from tui.model.problem import Problem, ProblemError
from tui.model.request import ChatRequest, Sampling
from tui.model.turn import RawLine
from tui.tools.arithmetic import ADD


@given(st.lists(st.tuples(st.integers(0, 2), st.text("ab{}", max_size=3)), max_size=12))
def test_fragments_are_concatenated_by_index(pieces):
    assembler = CallAssembler(set())
    events = [
        event
        for index, fragment in [*((index, "") for index in range(3)), *pieces]
        for event in assembler.feed(ToolCallDelta(index, f"id{index}", "", fragment))
    ]
    events += list(assembler.finish())
    for index, call in enumerate(assembler.calls):
        expected = "".join(fragment for place, fragment in pieces if place == index)
        assert call.arguments == expected
        told = "".join(e.fragment for e in events if isinstance(e, ToolCallArguments) and e.call_id == call.call_id)
        assert told == expected


def test_arguments_before_the_name_are_not_lost():
    assembler = CallAssembler({"x"})
    assert list(assembler.feed(ToolCallDelta(0, "x", "", '{"a"'))) == []
    started, arguments = assembler.feed(ToolCallDelta(0, "x", "add"))
    assert isinstance(started, ToolCallStarted)
    assert started.call_id != "x"
    assert arguments == ToolCallArguments(started.call_id, '{"a"')


def test_a_repeated_name_without_arguments_changes_nothing():
    assembler = CallAssembler(set())
    list(assembler.feed(ToolCallDelta(0, "x", "add", "{}")))
    assert list(assembler.feed(ToolCallDelta(0, "y", "add"))) == []
    assert list(assembler.feed(ToolCallDelta(0, "y", "add", "\n"))) == [ToolCallArguments("x", "\n")]
    assert len(assembler.calls) == 1


def test_only_objects_are_arguments():
    assert parse_object('{"a": 1}') == {"a": 1}
    assert parse_object(" ") == {}
    for text in ("[1]", "3", "{", '{"a": Infinity}', "[" * 100_000):
        assert parse_object(text) is None


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("", 0, 0),
        ("a", 1, 1),
        ("The quick brown fox jumps over the lazy dog.", 9, 14),
        ("从前有一只狐狸住在西瓜地旁边", 7, 14),
        ("\ud800", 1, 2),
    ],
)
def test_estimates_are_in_the_right_region(text, low, high):
    assert low <= text_tokens(text) <= high


def test_everything_that_is_sent_is_estimated():
    message = Message(
        "m",
        "assistant",
        (TextPart("abc"), ImagePart("image/png", "A"), ToolCallPart("c", "add", "{}"), ToolResultPart("c", "add", "8")),
        None,
        user("").created,
    )
    bare = request_tokens(ChatRequest("m", (user("hi"),)))
    assert request_tokens(ChatRequest("m", (user("hi"),), system="Be kind.", tools=(ADD,))) > bare + 20
    assert request_tokens(ChatRequest("m", (message,))) > 300


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("\n\n  hello   world \nmore", "hello world"),
        ("", ""),
        ("\x1b[31mred\x07", "[31mred"),
        ("帮我讲述一个关于狐狸和西瓜的小故事", "帮我讲述一个关于狐狸和西瓜的小故事"),
    ],
)
def test_titles(text, title):
    assert title_from(text) == title


@given(st.text(max_size=120))
def test_titles_fit_and_hold_nothing_unprintable(text):
    title = title_from(text)
    assert cell_len(title) <= 48
    assert title.isprintable()


async def test_a_server_that_fails_to_count_is_estimated():
    class Failing:
        async def count_tokens(self, request, how):
            raise ProblemError(Problem("server.refused"))

    from dataclasses import replace

    endpoint = ScriptedEndpoint()
    endpoint.facts = replace(endpoint.facts, counts_tokens="encode", context_length=100)
    endpoint.client = Failing()  # pyright: ignore
    meter = await ContextGauge(endpoint).measure(ChatRequest("m", (user("hi"),)))
    assert meter.estimated
    assert meter.limit == 100


def test_estimates_are_only_corrected_by_real_counts():
    gauge = ContextGauge(ScriptedEndpoint())
    request = ChatRequest("m", (user("hello there"),))
    before = gauge.estimate(request)
    gauge.learn(request, Usage(before * 2, 1, estimated=True))
    assert gauge.estimate(request) == before
    gauge.learn(request, Usage(before * 2, 1))
    assert gauge.estimate(request) == before * 2


def test_trimming_without_a_limit_or_need_changes_nothing():
    gauge = ContextGauge(ScriptedEndpoint())
    request = ChatRequest("m", (user("hi"),))
    assert gauge.trim(request) == (request, 0)
    gauge.learn_limit(1000)
    assert gauge.trim(request) == (request, 0)
    gauge.learn_limit(1)
    assert gauge.trim(request) == (request, 0)  # the last message always stays


def test_settings_survive_and_broken_ones_fall_back():
    settings = Settings("be kind", Sampling(top_k=1, stop=("x",)), frozenset({"add"}), trim_oldest=True)
    assert Settings.of(settings.encoded()) == settings
    assert Settings.of({"system": 3, "sampling": {"type": "Nope"}, "tools": "x"}) == Settings()
    assert Settings.of({"sampling": {"type": "TextPart", "text": ""}}) == Settings()


def test_raw_lines_are_bounded(monkeypatch):
    monkeypatch.setattr("tui.chat.records._RAW_LIMIT", 10)
    log = TurnLog(ScriptedEndpoint(), tuple)
    for number in range(5):
        log.line(RawLine(number, "12345"))
    assert len(log.record("c", ChatRequest("", ())).raw) == 2
