"""The turn engine against scripted answers."""

from __future__ import annotations

import asyncio
import json
from contextlib import aclosing

import pytest

from tests.support.chat import ScriptedServer, allow, call, of, say, turn, user
from tests.support.waiting import until
from tui.chat.assemble import Assembly
from tui.chat.engine import TurnJob, run_turn
from tui.chat.toolrun import CallSwitch
from tui.model.delta import StreamFinished, ToolCallDelta
from tui.model.events import (
    Notice,
    ReasoningDelta,
    ReasoningFinished,
    ReasoningWasAnswer,
    RoundStarted,
    TextDelta,
    TextWasReasoning,
    ToolApprovalAsked,
    ToolCallArguments,
    ToolCallStarted,
    ToolResult,
    ToolRunning,
    TurnFailed,
    TurnFinished,
    TurnStarted,
    Usage,
)
from tui.model.message import Message, TextPart, ToolResultPart
from tui.model.problem import Problem, ProblemError
from tui.model.request import ChatRequest, Sampling
from tui.model.tool import Decision, ToolCall, ToolOutcome, ToolSpec, Verdict
from tui.tools.arithmetic import arithmetic
from tui.tools.registry import Registry, Tool
from tui.tools.toolbox import BuiltIn, Toolbox


def codes(events) -> list[str]:
    return [event.problem.code for event in of(events, Notice)]


def text(events) -> str:
    return "".join(event.text for event in of(events, TextDelta))


async def test_a_plain_answer_streams_and_ends_once():
    events = await turn([[TextDelta("你"), TextDelta("好"), StreamFinished("stop"), Usage(10, 2)]])
    assert [type(event) for event in events] == [TurnStarted, RoundStarted, TextDelta, TextDelta, Usage, TurnFinished]
    assert events[-2] == Usage(10, 2)
    assert events[-1].finish_reason == "stop"
    assert events[-1].timings.completion_tokens == 2
    assert events[-1].timings.first_token is not None


async def test_two_chained_calls_are_run_and_sent_back():
    server = ScriptedServer()
    answers = [call("add", '{"a": 3, "b": 5}'), call("mul", '{"a": 8, "b": 2}'), say("16")]
    events = await turn(answers, server=server)
    assert [(event.name, event.content, event.ok) for event in of(events, ToolResult)] == [
        ("add", "8", True),
        ("mul", "16", True),
    ]
    assert [event.number for event in of(events, RoundStarted)] == [1, 2, 3]
    assert events[-1].finish_reason == "stop"
    assert events[-1].timings.rounds == 3
    roles = [message.role for message in server.requests[-1].messages]
    assert roles == ["user", "assistant", "tool", "assistant", "tool"]
    assert [spec.name for spec in server.requests[0].tools] == ["add", "mul"]


async def test_call_ids_are_kept_when_unique_and_replaced_when_not():
    answers = [call("add", '{"a": 1, "b": 2}', call_id="0"), call("add", '{"a": 1, "b": 2}', call_id="0"), say("3")]
    first, second = of(await turn(answers), ToolCallStarted)
    assert first.call_id == "0"
    assert second.call_id not in ("", "0")


async def test_calls_decide_not_the_finish_reason():
    events = await turn([call("add", '{"a": 1, "b": 2}', reason="stop"), say("3")])
    assert of(events, ToolResult)[0].content == "3"


async def test_parallel_calls_run_at_the_same_time_and_results_keep_the_order():
    slow = asyncio.Event()
    together: list[str] = []

    async def first(arguments):
        together.append("first")
        await slow.wait()
        return "one"

    async def second(arguments):
        together.append("second")
        slow.set()
        return "two"

    schema = {"type": "object", "properties": {}}
    runner = Registry(
        Tool(ToolSpec(name, "", schema, needs_approval=False), function)
        for name, function in (("first", first), ("second", second))
    )
    server = ScriptedServer()
    both = [*call("first", "{}", reason=None), *call("second", "{}", index=1)]
    events = await turn([both, say("done")], runner=runner, server=server)
    assert together == ["first", "second"]
    results = server.requests[1].messages[-1]
    assert [part.content for part in results.parts] == ["one", "two"]
    assert {event.content for event in of(events, ToolResult)} == {"one", "two"}


@pytest.mark.parametrize(
    ("name", "arguments", "code", "told"),
    [
        ("add", '{"a": 1, "b":', "chat.call_not_json", "not a JSON object"),
        ("add", "[1, 2]", "chat.call_not_json", "not a JSON object"),
        ("add", '{"a": NaN, "b": 1}', "chat.call_not_json", "not a JSON object"),
        ("add", '{"a": "x", "b": 1}', "chat.call_invalid", "a: 'x' is not of type 'number'"),
        ("add", '{"a": 1}', "chat.call_invalid", "'b' is a required property"),
        ("add", "", "chat.call_invalid", "required property"),
        ("divide", '{"a": 1, "b": 2}', "chat.call_unknown", "Available tools: add, mul"),
        ("add", '{"a": 1e308, "b": 1e308}', "chat.call_failed", "too large"),
    ],
)
async def test_bad_calls_become_results_that_the_model_sees(name, arguments, code, told):
    server = ScriptedServer()
    events = await turn([call(name, arguments), say("sorry")], server=server)
    (result,) = of(events, ToolResult)
    assert not result.ok
    assert result.problem.code == code
    assert told in result.content
    assistant, results = server.requests[1].messages[-2:]
    assert results.parts[0].content == result.content
    assert isinstance(json.loads(assistant.tool_calls[0].arguments), dict)
    assert events[-1].finish_reason == "stop"


ASKING = ToolSpec("rm", "", {"type": "object", "properties": {}})


async def test_tools_are_asked_for_one_after_another_and_refusals_reach_the_model():
    asked: list[str] = []
    now: list[str] = []

    async def approve(tool_call: ToolCall, spec: ToolSpec) -> Decision:
        assert not now
        now.append(tool_call.call_id)
        asked.append(tool_call.call_id)
        await asyncio.sleep(0)
        now.clear()
        return Decision(Verdict.ALLOW) if len(asked) == 1 else Decision(Verdict.REFUSE, "too dangerous")

    runner = Registry([Tool(ASKING, lambda arguments: {"gone": True})])
    both = [*call("rm", "{}", call_id="x", reason=None), *call("rm", "{}", index=1, call_id="y")]
    events = await turn([both, say("ok")], runner=runner, approve=approve)
    assert asked == ["x", "y"]
    assert [event.call_id for event in of(events, ToolApprovalAsked)] == ["x", "y"]
    assert [event.call_id for event in of(events, ToolRunning)] == ["x"]
    results = {event.call_id: event for event in of(events, ToolResult)}
    assert results["x"].content == '{"gone": true}'
    assert "too dangerous" in results["y"].content
    assert results["y"].problem.code == "chat.call_refused_because"


async def test_an_approver_that_fails_with_a_problem_refuses():
    async def approve(tool_call, spec):
        raise ProblemError(Problem("chat.call_refused", {"name": "rm"}))

    events = await turn([call("rm", "{}"), say("ok")], runner=Registry([Tool(ASKING, str)]), approve=approve)
    assert of(events, ToolResult)[0].problem.code == "chat.call_refused"
    assert events[-1].finish_reason == "stop"


async def test_a_runner_that_raises_does_not_break_the_turn():
    class Broken:
        def specs(self):
            return arithmetic().specs()

        async def run(self, tool_call):
            raise RuntimeError("boom")

    events = await turn([call("add", '{"a": 1, "b": 2}'), say("hm")], runner=Broken())
    assert of(events, ToolResult)[0].content == "Error: RuntimeError: boom"
    assert events[-1].finish_reason == "stop"


async def test_the_round_limit_answers_open_calls():
    answers = [call("add", '{"a": 1, "b": 2}', call_id=str(number)) for number in range(2)]
    events = await turn(answers, round_limit=2)
    assert codes(events) == ["chat.round_limit"]
    assert [event.ok for event in of(events, ToolResult)] == [True, False]
    assert events[-1].finish_reason == "round_limit"


@pytest.mark.parametrize("code", ["server.no_tool_parser", "server.no_tool_parser_unknown"])
async def test_without_a_tool_parser_the_calls_are_read_out_of_the_text(code):
    remembered: list[bool] = []
    server = ScriptedServer()
    refusal = Problem(code, {"model": "m", "parser": "qwen", "parsers": "a, b"})
    raw = say(
        "Let me see.\n<tool_", 'call>\n{"name": "add", "arguments": {"a": 3, ', '"b": 5}}\n</tool_call><|im_end|>'
    )
    answers = [[refusal], raw, say("It is 8.<|im_end|>")]
    events = await turn(answers, server=server, no_tool_parser=lambda: remembered.append(True))
    assert codes(events) == [code.replace("server", "chat")]
    assert remembered == [True]
    assert [(bool(request.tools), request.tools_raw) for request in server.requests] == [
        (True, False), (True, True), (True, True),
    ]  # fmt: skip
    assert len(of(events, RoundStarted)) == 2
    assert [result.content for result in of(events, ToolResult)] == ["8"]
    assert text(events) == "Let me see.\nIt is 8."
    assert server.requests[2].messages[-2].tool_calls[0].arguments == '{"a": 3, "b": 5}'


async def test_a_server_that_refuses_even_that_gets_no_tools():
    server = ScriptedServer()
    refusal = Problem("server.no_tool_parser", {"model": "m", "parser": "qwen"})
    events = await turn([[refusal], [refusal], say("8")], server=server)
    assert codes(events) == ["chat.no_tool_parser", "chat.tools_left_out"]
    assert [len(request.tools) for request in server.requests] == [2, 2, 0]
    assert text(events) == "8"


@pytest.mark.parametrize(("model", "code"), [("Qwen2.5-7B", "chat.calls_read"), ("m", "chat.calls_read_unknown")])
async def test_markup_that_a_server_passes_on_is_read_and_told_once(model, code):
    told: set[str] = set()
    raw = '<tool_call>{"name": "add", "arguments": {"a": 3, "b": 5}}</tool_call>'
    for expected in ([code], []):
        server = ScriptedServer([say(raw), say(raw), say("8")])
        job = TurnJob(ChatRequest(model, (user("hi"),)), told=told)
        async with aclosing(run_turn(job, server, arithmetic(), allow)) as stream:
            events = [event async for event in stream]
        assert codes(events) == expected
        assert [result.content for result in of(events, ToolResult)] == ["8", "8"]
        assert not any(request.tools_raw for request in server.requests)


async def test_markup_in_thoughts_and_without_tools_is_no_call():
    raw = '<tool_call>{"name": "add", "arguments": {"a": 3, "b": 5}}</tool_call>'
    events = await turn([say(f"<think>Maybe {raw}?</think>No.")])
    assert not of(events, ToolResult)
    assert text(events) == "No."
    events = await turn([say(raw)], tools=frozenset())
    assert text(events) == raw


async def test_text_that_was_held_comes_before_a_call_of_the_server():
    events = await turn([[TextDelta("a <tool_c"), *call("add", '{"a": 1, "b": 2}')], say("3")])
    assert text(events) == "a <tool_c3"
    kinds = [type(event) for event in events if isinstance(event, (TextDelta, ToolCallStarted))]
    assert kinds[-2:] == [ToolCallStarted, TextDelta]


async def test_a_stop_string_ends_a_raw_answer():
    raw = 'one STOP two <tool_call>{"name": "add", "arguments": {}}</tool_call>'
    events = await turn([say(raw)], sampling=Sampling(stop=("STOP",)))
    assert text(events) == "one "
    assert events[-1].stop_string == "STOP"


async def test_a_cut_raw_call_is_not_run():
    events = await turn([say('<tool_call>{"name": "add", "arguments": {"a": 1', reason="length")])
    assert [result.problem.code for result in of(events, ToolResult)] == ["chat.call_cut"]


async def test_the_same_refusal_without_tools_is_a_failure():
    events = await turn([[Problem("server.no_tool_parser")]], tools=frozenset())
    assert isinstance(events[-1], TurnFailed)


async def test_think_markers_become_reasoning():
    events = await turn([say("<thi", "nk>a b</th", "ink>\n\nanswer")])
    assert "".join(event.text for event in of(events, ReasoningDelta)) == "a b"
    assert text(events) == "answer"
    assert len(of(events, ReasoningFinished)) == 1


async def test_a_lone_close_tag_turns_the_text_before_it_into_reasoning():
    events = await turn([say("hm, ", "well</think>", "\n4")])
    assembly = Assembly()
    for event in events:
        assembly.apply(event)
    (message,) = assembly.messages
    assert of(events, TextWasReasoning)
    assert (message.reasoning, message.text) == ("hm, well", "4")


async def test_reasoning_only_is_the_answer():
    events = await turn([[ReasoningDelta("42"), StreamFinished("stop")]])
    assert of(events, ReasoningWasAnswer)
    assert codes(events) == ["chat.reasoning_was_answer"]


async def test_reasoning_cut_by_the_limit_stays_reasoning():
    events = await turn([[ReasoningDelta("hm"), StreamFinished("length")]])
    assert not of(events, ReasoningWasAnswer)
    assert events[-1].finish_reason == "length"


async def test_no_text_at_all_with_length_means_a_full_context():
    events = await turn([[StreamFinished("length")]])
    assert codes(events) == ["chat.server_context_full"]
    assert events[-1].finish_reason == "context_full"


async def test_an_empty_answer_is_said_to_be_empty():
    events = await turn([[StreamFinished("stop")]])
    assert codes(events) == ["chat.empty_answer"]


async def test_half_a_call_at_the_limit_is_broken_and_not_run():
    events = await turn([call("add", '{"a": 3, "b"', reason="length")])
    (result,) = of(events, ToolResult)
    assert result.problem.code == "chat.call_cut"
    assert not of(events, ToolRunning)
    assert events[-1].finish_reason == "length"


@pytest.mark.parametrize(("reason", "code"), [("error", "chat.server_error"), ("parse_error", "chat.parse_error")])
async def test_the_servers_own_failures_keep_the_text(reason, code):
    events = await turn([say("half", reason=reason)])
    assert text(events) == "half"
    assert isinstance(events[-1], TurnFailed)
    assert events[-1].problem.code == code


async def test_abort_ends_the_turn():
    events = await turn([say("half", reason="abort")])
    assert events[-1].finish_reason == "abort"
    assert codes(events) == ["chat.aborted"]


async def test_stop_strings_cut_the_answer_and_close_the_stream():
    server = ScriptedServer()
    never = asyncio.Event()
    events = await turn(
        [[TextDelta("one EN"), TextDelta("D two"), never]], sampling=Sampling(stop=("END",)), server=server
    )
    assert text(events) == "one "
    assert server.closed == 1
    assert events[-1].finish_reason == "stop"
    assert events[-1].stop_string == "END"
    assert of(events, Usage)[0].estimated


async def test_the_stop_string_stays_when_it_was_asked_for():
    sampling = Sampling(stop=("END",), extra={"include_stop_str_in_output": True})
    events = await turn([say("one END two")], sampling=sampling)
    assert text(events) == "one END"


async def test_a_cut_stream_keeps_what_came_and_answers_open_calls():
    cut = Problem("server.cut")
    answer = [TextDelta("Let me"), *call("add", '{"a": 3', reason=None), cut]
    events = await turn([answer])
    assert isinstance(events[-1], TurnFailed)
    assert events[-1].problem == cut
    assert of(events, ToolResult)[0].problem.code == "chat.call_cut"
    assembly = Assembly()
    for event in events:
        assembly.apply(event)
    assistant, results = assembly.messages
    assert assistant.text == "Let me"
    assert results.parts[-1].problem == cut


async def test_a_bug_becomes_a_failed_turn():
    events = await turn([[TextDelta("a"), RuntimeError("bug")]])
    assert events[-1].problem.code == "chat.internal"
    assert text(events) == "a"


async def test_usage_is_estimated_and_marked_when_the_server_gives_none():
    (usage,) = of(await turn([say("十六个字的一句话用来数一数有多少")]), Usage)
    assert usage.estimated
    assert 8 <= usage.completion_tokens <= 16


async def test_stop_closes_the_stream_and_keeps_the_text():
    server, stop, never = ScriptedServer(), asyncio.Event(), asyncio.Event()
    task = asyncio.create_task(turn([[TextDelta("abc"), never]], server=server, stop=stop))
    await until(lambda: server.requests)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    stop.set()
    events = await task
    assert server.closed == 1
    assert codes(events) == ["chat.stopped"]
    assert events[-1].finish_reason == "stopped"


async def test_stop_cancels_running_tools_and_answers_their_calls():
    cancelled: list[bool] = []
    running = asyncio.Event()

    async def slow(arguments):
        running.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.append(True)
            raise

    runner = Registry([Tool(ToolSpec("slow", "", {"type": "object"}, needs_approval=False), slow)])
    stop = asyncio.Event()
    task = asyncio.create_task(turn([call("slow", "{}")], runner=runner, stop=stop))
    await running.wait()
    stop.set()
    events = await task
    assert cancelled == [True]
    assert of(events, ToolResult)[0].problem.code == "chat.call_stopped"
    assert events[-1].finish_reason == "stopped"


def slow_tools(*names: str) -> tuple[Registry, dict[str, asyncio.Event], list[str], list[str]]:
    """Tools that run until their event is set; the lists are of those that began and that were cancelled."""
    begun: list[str] = []
    go: dict[str, asyncio.Event] = {name: asyncio.Event() for name in names}
    cancelled: list[str] = []

    def tool(name: str) -> Tool:
        async def run(arguments):
            begun.append(name)
            try:
                await go[name].wait()
            except asyncio.CancelledError:
                cancelled.append(name)
                raise
            return f"{name} is done"

        return Tool(ToolSpec(name, "", {"type": "object"}, needs_approval=False), run)

    return Registry([tool(name) for name in names]), go, begun, cancelled


async def test_one_of_two_running_calls_is_cancelled_and_the_turn_goes_on():
    runner, go, begun, cancelled = slow_tools("slow", "other")
    server, switch, running = ScriptedServer(), CallSwitch(), 0
    server.answers = [[*call("slow", "{}", reason=None), *call("other", "{}", index=1)], say("well")]
    assert not switch.cancel("x"), "nothing runs before the turn"
    results: list[ToolResult] = []
    job = TurnJob(ChatRequest("tiny-chat", (user("hi"),)), switch=switch)
    async with aclosing(run_turn(job, server, runner, allow)) as stream:
        async for event in stream:
            if isinstance(event, ToolRunning):
                running += 1
                if running == 2:
                    await until(lambda: len(begun) == 2)
                    assert switch.cancel("chatcmpl-tool-slow")
                    assert not switch.cancel("unknown")
            elif isinstance(event, ToolResult):
                results.append(event)
                assert not switch.cancel(event.call_id), "it has ended"
                go["other"].set()
            last = event
    assert cancelled == ["slow"]
    assert [(result.name, result.ok) for result in results] == [("slow", False), ("other", True)]
    assert results[0].problem is not None
    assert results[0].problem.code == "chat.call_cancelled"
    assert results[0].content == "Error: this call was cancelled by the user."
    assert isinstance(last, TurnFinished)
    parts = [part for message in server.requests[1].messages for part in message.parts]
    sent = {part.call_id: part.content for part in parts if isinstance(part, ToolResultPart)}
    assert sent["chatcmpl-tool-slow"] == "Error: this call was cancelled by the user."
    assert sent["chatcmpl-tool-other"] == "other is done"


async def test_a_tool_that_cancels_itself_has_failed():
    async def odd(arguments):
        raise asyncio.CancelledError

    runner = Registry([Tool(ToolSpec("odd", "", {"type": "object"}, needs_approval=False), odd)])
    events = await turn([call("odd", "{}"), say("well")], runner=runner)
    assert of(events, ToolResult)[0].problem.code == "chat.call_failed"
    assert events[-1].finish_reason == "stop"


async def test_closing_the_generator_leaves_no_task_behind():
    server = ScriptedServer(answers=[[TextDelta("a"), asyncio.Event()]])
    before = asyncio.all_tasks()
    events = run_turn(TurnJob(ChatRequest("m", (user("hi"),))), server, arithmetic(), allow)
    async for event in events:
        if isinstance(event, TextDelta):
            break
    await events.aclose()
    assert server.closed == 1
    assert asyncio.all_tasks() == before


async def test_the_model_is_found_when_it_is_not_known():
    async def find() -> str:
        return "late"

    server = ScriptedServer(answers=[say("a")])
    job = TurnJob(ChatRequest("", (user("hi"),)), find_model=find)
    events = [event async for event in run_turn(job, server, arithmetic(), allow)]
    assert server.requests[0].model == "late"
    assert events[-1].finish_reason == "stop"


async def test_no_model_fails_the_turn():
    job = TurnJob(ChatRequest("", (user("hi"),)))
    events = [event async for event in run_turn(job, ScriptedServer(), arithmetic(), allow)]
    assert events[-1].problem.code == "chat.no_model"


async def test_continuing_extends_the_last_message():
    said = Message("a1", "assistant", (TextPart("one "),), "u1", user("x").created, complete=False)
    server = ScriptedServer(answers=[say("</think>two")])
    job = TurnJob(ChatRequest("m", (user("count"), said), continue_last=True))
    assembly = Assembly((user("count"), said))
    async for event in run_turn(job, server, arithmetic(), allow):
        assembly.apply(event)
    assert server.requests[0].continue_last
    assert assembly.messages[-1].id == "a1"
    assert assembly.messages[-1].text == "one </think>two"
    assert assembly.messages[-1].complete


async def test_old_parsers_random_ids_and_repeats_are_merged_by_index():
    deltas = [
        ToolCallDelta(3, "r1", "add", '{"a": 1,'),
        ToolCallDelta(3, "r2", "add", ' "b": 2}'),
        ToolCallDelta(3, "r3", "add", '{"a": 1, "b": 2}'),
        ToolCallDelta(3, "r4", "mul", '{"a": 2, "b": 2}'),
        StreamFinished("stop"),
    ]
    events = await turn([deltas, say("ok")])
    assert [(event.name, event.content) for event in of(events, ToolResult)] == [("add", "3"), ("mul", "4")]
    fragments = "".join(event.fragment for event in of(events, ToolCallArguments))
    assert fragments == '{"a": 1, "b": 2}{"a": 2, "b": 2}'


async def test_a_call_without_a_name_is_shown_as_broken():
    events = await turn([[ToolCallDelta(0, arguments="{}"), StreamFinished("tool_calls")], say("ok")])
    assert of(events, ToolResult)[0].problem.code == "chat.call_unknown"


async def test_a_megabyte_of_arguments_is_handled():
    arguments = json.dumps({"a": 1, "b": 2, "c": "x" * 1_000_000})
    events = await turn([call("add", arguments), say("3")])
    assert of(events, ToolResult)[0].content == "3"


async def test_outcomes_of_a_runner_are_passed_on():
    class Runner:
        def specs(self):
            return arithmetic().specs()

        async def run(self, tool_call):
            return ToolOutcome("partly", ok=False, problem=Problem("chat.call_failed", {"name": "add", "reason": "r"}))

    (result,) = of(await turn([call("add", '{"a": 1, "b": 2}'), say("ok")], runner=Runner()), ToolResult)
    assert (result.content, result.ok) == ("partly", False)


async def test_an_empty_answer_that_the_client_calls_a_full_context():
    events = await turn([[Problem("server.context_full")]])
    assert codes(events) == ["server.context_full"]
    assert events[-1].finish_reason == "context_full"


async def test_what_goes_wrong_on_the_way_is_told_inside_the_answer():
    notice = Notice(Problem("server.bad_line"))
    events = await turn([[TextDelta("a"), notice, StreamFinished("stop")]])
    assert notice in events
    assert events[-1].finish_reason == "stop"


async def test_held_text_keeps_its_place_before_reasoning_and_calls():
    sampling = Sampling(stop=("END",))
    deltas = [TextDelta("a </th"), ReasoningDelta("hm"), TextDelta("b EN"), *call("add", '{"a": 1, "b": 2}')]
    events = await turn([deltas, say("3")], sampling=sampling)
    assembly = Assembly()
    for event in events:
        assembly.apply(event)
    kinds = [(type(part).__name__, getattr(part, "text", "")) for part in assembly.messages[0].parts]
    assert kinds == [
        ("TextPart", "a </th"),
        ("ReasoningPart", "hm"),
        ("TextPart", "b EN"),
        ("ToolCallPart", ""),
    ]


async def test_a_stop_string_does_not_end_the_reasoning():
    events = await turn([say("<think>a END b</think>c END d")], sampling=Sampling(stop=("END",)))
    assert "".join(event.text for event in of(events, ReasoningDelta)) == "a END b"
    assert text(events) == "c "


async def test_text_held_for_a_stop_string_may_turn_out_to_be_reasoning():
    events = await turn([say("a E", "</think>b")], sampling=Sampling(stop=("END",)))
    assembly = Assembly()
    for event in events:
        assembly.apply(event)
    assert (assembly.messages[0].reasoning, assembly.messages[0].text) == ("a E", "b")


async def test_an_open_thought_ends_where_a_call_begins():
    events = await turn([[TextDelta("<think>hm </"), *call("add", '{"a": 1, "b": 2}')], say("3")])
    assert "".join(event.text for event in of(events, ReasoningDelta)) == "hm </"


async def test_empty_deltas_are_nothing():
    events = await turn([[TextDelta(""), ReasoningDelta(""), TextDelta("a"), StreamFinished(None)]])
    assert text(events) == "a"
    assert not of(events, ReasoningDelta)


async def test_a_fast_server_leaves_time_for_others():
    class Fast(ScriptedServer):
        async def chat(self, request, *, on_line=None, on_notice=None):
            for _ in range(20_000):
                yield TextDelta("word ")
            yield StreamFinished("stop")

    turns = 0

    async def watch() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    watching = asyncio.create_task(watch())
    events = await turn([], server=Fast())
    watching.cancel()
    assert len(of(events, TextDelta)) == 20_000
    assert turns > 10  # without slices there are a handful, at the start and the end


async def test_a_result_that_was_cut_is_told_and_kept_whole():
    whole = "x" * 1_000_000
    spec = ToolSpec("read", "", {"type": "object"}, needs_approval=False)
    box = Toolbox([BuiltIn(Registry([Tool(spec, lambda _: whole)]))], result_limit=1000)
    server = ScriptedServer()
    events = await turn([call("read", "{}"), say("done")], runner=box, server=server)
    (result,) = of(events, ToolResult)
    assert result.ok
    assert result.full == whole
    assert len(result.content) < 1100
    assert codes(events) == ["tools.result_cut"]
    sent = server.requests[1].messages[-1].parts[0]
    assert sent.content == result.content
