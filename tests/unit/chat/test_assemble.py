"""Folding events into messages."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from tui.chat.assemble import Assembly, results_id
from tui.chat.merge import merge_events
from tui.model.events import (
    BranchChanged,
    ContextMeter,
    Notice,
    QueueChanged,
    ReasoningDelta,
    ReasoningFinished,
    ReasoningWasAnswer,
    RoundStarted,
    SessionEvent,
    TextDelta,
    TextWasReasoning,
    Timings,
    TitleChanged,
    ToolApprovalAsked,
    ToolCallArguments,
    ToolCallStarted,
    ToolResult,
    ToolRunning,
    TurnFailed,
    TurnFinished,
    TurnStarted,
    UserMessageAdded,
)
from tui.model.message import Message, NoticePart, ReasoningPart, TextPart, ToolCallPart, ToolResultPart
from tui.model.problem import Problem

NOW = datetime(2026, 1, 1, tzinfo=UTC)
DONE = Timings(1.0)


def fold(events: list[SessionEvent], messages: tuple[Message, ...] = ()) -> tuple[Message, ...]:
    assembly = Assembly(messages, now=lambda: NOW)
    for event in events:
        assembly.apply(event)
    return assembly.messages


def test_a_turn_with_tools_becomes_four_messages():
    messages = fold(
        [
            UserMessageAdded("u", "Compute (3+5)"),
            TurnStarted("t", "m"),
            RoundStarted(1, "a"),
            ReasoningDelta("I "),
            ReasoningDelta("add"),
            ReasoningFinished(0.5),
            TextDelta("Let me."),
            ToolCallStarted("c1", "add"),
            ToolCallArguments("c1", '{"a": 3,'),
            ToolCallStarted("c2", "mul"),
            ToolCallArguments("c1", ' "b": 5}'),
            ToolApprovalAsked("c2"),
            ToolRunning("c1"),
            ToolResult("c2", "mul", "no", ok=False),
            ToolResult("c1", "add", "8", seconds=0.1),
            RoundStarted(2, "b"),
            TextDelta("8"),
            TurnFinished("stop", DONE),
        ]
    )
    user, first, results, second = messages
    assert user == Message("u", "user", (TextPart("Compute (3+5)"),), None, NOW)
    assert first.parts == (
        ReasoningPart("I add", 0.5),
        TextPart("Let me."),
        ToolCallPart("c1", "add", '{"a": 3, "b": 5}'),
        ToolCallPart("c2", "mul", ""),
    )
    assert (results.id, results.role, results.parent) == (results_id("a"), "tool", "a")
    assert results.parts == (
        ToolResultPart("c1", "add", "8", seconds=0.1),
        ToolResultPart("c2", "mul", "no", ok=False),
    )
    assert second.parts == (TextPart("8"),)
    assert [message.parent for message in messages] == [None, "u", "a", results.id]
    assert all(message.complete for message in messages)
    assert {message.turn for message in messages[1:]} == {"t"}


def test_failures_and_cuts_leave_messages_incomplete_and_say_why():
    problem = Problem("server.cut_off")
    begin = [TurnStarted("t", "m"), RoundStarted(1, "a"), TextDelta("half")]
    (failed,) = fold([*begin, TurnFailed(problem, DONE)])
    assert failed.parts == (TextPart("half"), NoticePart(problem))
    assert not failed.complete
    (cut,) = fold([*begin, Notice(Problem("chat.length")), TurnFinished("length", DONE)])
    assert not cut.complete
    (writing,) = fold(begin)
    assert not writing.complete


def test_a_failure_behind_results_is_told_there():
    events = [
        TurnStarted("t", "m"),
        RoundStarted(1, "a"),
        ToolCallStarted("c", "add"),
        ToolResult("c", "add", "8"),
        TurnFailed(Problem("x"), DONE),
    ]
    assistant, results = fold(events)
    assert assistant.complete
    assert results.complete
    assert results.parts[-1] == NoticePart(Problem("x"))


def test_a_continued_message_grows_and_loses_its_notice():
    cut = Message("a", "assistant", (TextPart("one"), NoticePart(Problem("chat.stopped"))), None, NOW, complete=False)
    (message,) = fold(
        [TurnStarted("t2", "m"), RoundStarted(1, "a"), TextDelta(" two"), TurnFinished("stop", DONE)], (cut,)
    )
    assert message.parts == (TextPart("one two"),)
    assert message.complete
    assert message.turn == "t2"


def test_continued_reasoning_grows_too():
    cut = Message("a", "assistant", (ReasoningPart("hm", 1.0),), None, NOW, complete=False)
    (message,) = fold(
        [TurnStarted("t", "m"), RoundStarted(1, "a"), ReasoningDelta("!"), ReasoningFinished(2.0)], (cut,)
    )
    assert message.parts == (ReasoningPart("hm!", 2.0),)


def test_reasoning_that_was_the_answer_and_text_that_was_reasoning():
    (answer,) = fold([RoundStarted(1, "a"), ReasoningDelta("4"), ReasoningFinished(1), ReasoningWasAnswer()])
    assert answer.parts == (TextPart("4"),)
    (split,) = fold([RoundStarted(1, "a"), TextDelta("hm"), TextWasReasoning(), ReasoningFinished(1.5), TextDelta("4")])
    assert split.parts == (ReasoningPart("hm", 1.5), TextPart("4"))
    (empty,) = fold([RoundStarted(1, "a"), TextWasReasoning()])
    assert empty.parts == ()


def test_events_outside_a_round_change_nothing():
    stray = [
        TextDelta("x"),
        ReasoningDelta("x"),
        ReasoningFinished(1),
        ReasoningWasAnswer(),
        TextWasReasoning(),
        ToolCallStarted("c", "add"),
        ToolCallArguments("c", "{}"),
        ToolRunning("c"),
        ToolResult("c", "add", "8"),
        Notice(Problem("x")),
        TurnFinished("stop", DONE),
        TurnFailed(Problem("x"), DONE),
        BranchChanged("c"),
    ]
    assert fold(stray) == ()


def test_the_changed_message_is_named():
    assembly = Assembly()
    assert assembly.apply(RoundStarted(1, "a")) == "a"
    assert assembly.apply(TextDelta("x")) == "a"
    assert assembly.apply(TitleChanged("x")) is None
    assert assembly.apply(ToolCallStarted("c", "add")) == "a"
    assert assembly.apply(ToolRunning("c")) == "a"
    assert assembly.apply(ToolRunning("c")) is None
    assert assembly.apply(ToolResult("c", "add", "8")) == results_id("a")
    assert assembly.message("nobody") is None
    assert assembly.message("a") == assembly.messages[0]
    assert assembly.tip == results_id("a")


def test_a_known_user_message_is_not_added_twice():
    assert len(fold([UserMessageAdded("u", "a"), UserMessageAdded("u", "a")])) == 1


# Merging.

IDS = st.sampled_from(["c1", "c2"])
EVENTS = st.one_of(
    st.text(max_size=3).map(TextDelta),
    st.text(max_size=3).map(ReasoningDelta),
    st.builds(ToolCallStarted, IDS, st.just("add")),
    st.builds(ToolCallArguments, IDS, st.text(max_size=3)),
    st.builds(ToolResult, IDS, st.just("add"), st.text(max_size=3)),
    st.builds(RoundStarted, st.just(1), st.sampled_from(["a", "b"])),
    st.sampled_from(
        [
            ReasoningFinished(0.5),
            ReasoningWasAnswer(),
            TextWasReasoning(),
            Notice(Problem("x")),
            TurnStarted("t", "m"),
            TurnFinished("stop", DONE),
            TurnFailed(Problem("y"), DONE),
            ContextMeter(1, 2),
            ContextMeter(2, 2),
            QueueChanged(("a",)),
            TitleChanged("t"),
        ]
    ),
)


@given(st.lists(EVENTS, max_size=30))
def test_merged_events_mean_the_same(events):
    merged: list[SessionEvent] = []
    for event in events:
        both = merge_events(merged[-1], event) if merged else None
        if both is None:
            merged.append(event)
        else:
            merged[-1] = both
    begin = [TurnStarted("t", "m"), RoundStarted(1, "a")]
    assert fold([*begin, *merged]) == fold([*begin, *events])


def test_merging_is_bounded():
    assert merge_events(TextDelta("x" * 9000), TextDelta("y")) is None
    assert merge_events(ReasoningDelta("x" * 9000), ReasoningDelta("y")) is None
    assert merge_events(ToolCallArguments("c", "x" * 9000), ToolCallArguments("c", "y")) is None
    assert merge_events(ToolCallArguments("c", "x"), ToolCallArguments("d", "y")) is None


def test_what_is_replaced_by_the_newest():
    assert merge_events(ContextMeter(1, 2), ContextMeter(2, 2)) == ContextMeter(2, 2)
    assert merge_events(QueueChanged(("a",)), TitleChanged("t")) is None
