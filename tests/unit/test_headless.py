"""lmdeck ask against the demo server, over real HTTP, in this process and as a program of its own."""

from __future__ import annotations

import asyncio
import io
import json
import os
import signal
import sys
from pathlib import Path

import pytest

from tests.support import demo as demo_server
from tui.headless import AskOptions, ask
from tui.headless_command import ask_command
from tui.headless_output import EventPrinter, JsonPrinter, PlainPrinter
from tui.model.events import (
    Notice,
    ReasoningDelta,
    ReasoningFinished,
    ReasoningWasAnswer,
    RoundStarted,
    TextDelta,
    TextWasReasoning,
    Timings,
    ToolCallArguments,
    ToolCallStarted,
    ToolResult,
    TurnFailed,
    TurnFinished,
    TurnStarted,
)
from tui.model.problem import Problem
from tui.model.request import Sampling
from tui.store.store import Store

RUN = (
    "import sys; from tui.headless_command import ask_command; "
    "sys.exit(ask_command(sys.argv[1:], sys.stdin, sys.stdout, sys.stderr))"
)


demo, start_demo = demo_server.demo, demo_server.start_demo


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


async def asked(url: str, prompt: str = "Compute (3+5)*2", **options) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    code = await ask(AskOptions(prompt, url, **options), out, err)
    return code, out.getvalue(), err.getvalue()


async def test_the_answer_goes_to_stdout_and_the_calls_to_stderr(demo):
    code, out, err = await asked(demo.url)
    assert code == 0
    assert out == "The result of (3+5)*2 is **16**.\n"
    assert [line.split(" (")[0] for line in err.splitlines()] == [
        '⚙ add {"a": 3, "b": 5} → 8',
        '⚙ mul {"a": 8, "b": 2} → 16',
    ]


async def test_json_tells_everything_in_one_object(demo):
    code, out, err = await asked(demo.url, json=True)
    told = json.loads(out)
    assert code == 0
    assert err == ""
    assert told["answer"] == "The result of (3+5)*2 is **16**."
    assert [(call["name"], call["arguments"], call["result"]) for call in told["tool_calls"]] == [
        ("add", {"a": 3, "b": 5}, "8"),
        ("mul", {"a": 8, "b": 2}, "16"),
    ]
    assert told["finish_reason"] == "stop"
    assert told["error"] is None
    assert told["usage"]["prompt_tokens"] > 0
    assert not told["usage"]["estimated"]
    assert told["timings"]["rounds"] == 3
    assert told["model"] == "lmdeck-demo"


async def test_events_are_lines_of_json(demo):
    code, out, _ = await asked(demo.url, events=True)
    kinds = [json.loads(line)["type"] for line in out.splitlines()]
    assert code == 0
    assert kinds[0] == "UserMessageAdded"
    assert kinds[-1] == "TurnFinished"
    assert kinds.count("ToolResult") == 2


async def test_a_story_in_chinese_without_tools_and_without_streaming(demo):
    code, out, _ = await asked(demo.url, "帮我讲述一个关于狐狸和西瓜的小故事", tools=(), stream=False)
    assert code == 0
    assert "狐狸" in out


async def test_saved_conversations_are_in_the_store(demo, tmp_path):
    path = tmp_path / "store.sqlite"
    code, _, _ = await asked(demo.url, save=True, store=path, system="Be brief.", sampling=Sampling(top_k=1))
    assert code == 0
    store = await Store.open(path)
    (info,) = await store.conversations()
    messages = await store.branch(info.id)
    (turn,) = await store.turns(info.id)
    assert info.title == "Compute (3+5)*2"
    assert [message.role for message in messages] == ["user", "assistant", "tool", "assistant", "tool", "assistant"]
    assert messages[-1].text == "The result of (3+5)*2 is **16**."
    assert (turn.finish_reason, turn.system, turn.sampling.top_k) == ("stop", "Be brief.", 1)
    assert (await store.turn(turn.id)).raw
    assert await store.verify(info.id) == []
    await store.close()


@pytest.mark.parametrize(
    ("options", "code", "problem"),
    [
        ({"url": "http://127.0.0.1:1"}, 3, "server.refused"),
        ({"url": ""}, 2, "address.empty"),
        ({"prompt": " \n"}, 2, "ask.nothing"),
        ({"tools": ("divide",)}, 2, "ask.unknown_tool"),
        ({"allow": frozenset({"rm"})}, 2, "ask.unknown_tool"),
        ({"model": "nope"}, 2, "ask.unknown_model"),
        ({"sampling": Sampling(temperature=9.0)}, 1, "server.parameter"),
        ({"save": True, "store": Path("/proc/nope/store.sqlite")}, 1, None),
    ],
)
async def test_what_goes_wrong_has_a_code_a_sentence_and_an_exit_code(demo, options, code, problem):
    url = options.pop("url", demo.url)
    got, out, _ = await asked(url, json=True, **options)
    told = json.loads(out)
    assert got == code
    assert told["answer"] == ""
    assert told["error"]["message"]
    if problem:
        assert told["error"]["code"] == problem
    got, out, err = await asked(url, **options)
    assert (got, out) == (code, "")
    assert told["error"]["message"] in err


async def test_a_wrong_key_is_refused(start_demo):
    server = await start_demo(api_key="right")
    code, out, _ = await asked(server.url, json=True, api_key="wrong")
    assert (code, json.loads(out)["error"]["code"]) == (3, "server.key_rejected")
    code, out, _ = await asked(server.url, api_key="right")
    assert code == 0


async def test_without_a_tool_parser_the_answer_comes_without_tools(start_demo):
    server = await start_demo(tool_call_parser="none")
    code, out, err = await asked(server.url, "hello")
    assert code == 0
    assert out
    assert "--tool-call-parser" in err


async def test_an_old_server_is_spoken_to_in_its_dialect(start_demo):
    server = await start_demo(lmdeploy="0.5.3")
    code, out, _ = await asked(server.url, json=True)
    assert code == 0
    assert [call["result"] for call in json.loads(out)["tool_calls"]] == ["8", "16"]


async def program(*words: str, **environment: str) -> asyncio.subprocess.Process:
    pipe = asyncio.subprocess.PIPE
    return await asyncio.create_subprocess_exec(
        sys.executable, "-c", RUN, *words, stdin=pipe, stdout=pipe, stderr=pipe, env={**os.environ, **environment}
    )


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
async def test_an_interrupt_keeps_what_had_arrived(start_demo):
    server = await start_demo(speed=30)
    child = await program("帮我讲述一个关于狐狸和西瓜的小故事", "--url", server.url, "--events", "--tools", "none")
    events = []
    async for line in child.stdout:
        events.append(json.loads(line))
        if events[-1]["type"] == "TextDelta":
            child.send_signal(signal.SIGINT)
            break
    out, err = await child.communicate()
    events += map(json.loads, out.splitlines())
    assert child.returncode == 130
    assert events[-1]["type"] == "TurnFinished"
    assert events[-1]["finish_reason"] == "stopped"
    assert b"Interrupted" in err


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
async def test_an_interrupt_before_the_server_answered():
    accepted = asyncio.Event()

    async def silent(reader, writer):
        accepted.set()
        await reader.read()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    child = await program("hi", "--url", f"http://127.0.0.1:{port}", "--json")
    await accepted.wait()
    child.send_signal(signal.SIGINT)
    out, _ = await child.communicate()
    assert child.returncode == 130
    assert json.loads(out)["error"]["code"] == "ask.interrupted"
    server.close()
    await server.wait_closed()


async def test_the_prompt_may_come_from_standard_input(demo):
    child = await program("-", "--url", demo.url, "--tools", "none", PYTHONIOENCODING="ascii:strict")
    out, err = await child.communicate("讲一个故事".encode())
    assert child.returncode == 0, err
    assert b"?" in out


def test_a_wrong_command_line_exits_with_2(capsys):
    with pytest.raises(SystemExit) as caught:
        ask_command(["hi", "--json", "--events"], io.StringIO(), io.StringIO(), io.StringIO())
    assert caught.value.code == 2


def test_the_command_line_becomes_options(monkeypatch):
    seen: list[AskOptions] = []

    async def fake(options, out, err) -> int:
        seen.append(options)
        return 7

    monkeypatch.setattr("tui.headless_command.ask", fake)
    monkeypatch.setenv("MY_KEY", "k")
    words = "hi --url x --tools none --no-stream --allow a --allow b --api-key-env MY_KEY --top-p 0.5 --stop END"
    assert ask_command(words.split(), io.StringIO(), io.StringIO(), io.StringIO()) == 7
    (options,) = seen
    assert options == AskOptions(
        "hi",
        "x",
        tools=(),
        stream=False,
        allow=frozenset({"a", "b"}),
        api_key="k",
        sampling=Sampling(top_p=0.5, stop=("END",)),
    )


# Printers.

HOSTILE = "\x1b]0;owned\x07\x9b31m[red]ok[/red]\r\n"


def shown(printer_class, events, problem=None, terminal=True) -> tuple[str, str]:
    kind = Terminal if terminal else io.StringIO
    out, err = kind(), kind()
    printer = printer_class(out, err)
    for event in events:
        printer.show(event)
    printer.finish(problem)
    return out.getvalue(), err.getvalue()


def test_nothing_from_a_model_reaches_a_terminal_as_a_command():
    events = [
        TurnStarted("t", "m"),
        RoundStarted(1, "a"),
        TextDelta(HOSTILE),
        ReasoningDelta(HOSTILE),
        ReasoningFinished(1),
    ]
    for printer in (PlainPrinter, JsonPrinter, EventPrinter):
        out, err = shown(printer, events, Problem("chat.call_failed", {"name": HOSTILE, "reason": "r"}))
        assert not set(out + err.replace("\x1b[2m", "").replace("\x1b[0m", "")) & {"\x1b", "\x07", "\x9b", "\r"}
    out, _ = shown(PlainPrinter, events, terminal=False)
    assert out == HOSTILE


def test_reasoning_is_told_beside_the_answer():
    events = [
        ReasoningDelta("I think\nso"),
        ReasoningFinished(1),
        TextDelta("yes"),
        Notice(Problem("chat.length")),
        TurnFinished("length", Timings(1.0)),
    ]
    out, err = shown(PlainPrinter, events, terminal=False)
    assert out == "yes\n"
    assert err.splitlines()[:2] == ["· I think", "· so"]
    assert "length limit" in err


def test_reasoning_that_was_the_answer_is_printed_as_the_answer():
    events = [ReasoningDelta("42"), ReasoningFinished(1), ReasoningWasAnswer()]
    assert shown(PlainPrinter, events, terminal=False)[0] == "42\n"


def test_text_that_was_reasoning_is_marked():
    out, err = shown(PlainPrinter, [TextDelta("hm"), TextWasReasoning(), TextDelta("4")], terminal=False)
    assert out == "hm\n4\n"
    assert "was reasoning" in err


def test_broken_arguments_stay_text_in_json():
    events = [
        TurnStarted("t", "m"),
        RoundStarted(1, "a"),
        ToolCallStarted("c", "add"),
        ToolCallArguments("c", '{"a":'),
        ToolCallStarted("d", "add"),
        ToolResult("c", "add", "Error", ok=False, problem=Problem("chat.call_not_json", {"name": "add"})),
        Notice(Problem("chat.round_limit", {"limit": 8})),
        TurnFailed(Problem("server.cut_off"), Timings(1.0)),
    ]
    told = json.loads(shown(JsonPrinter, events, Problem("server.cut_off"))[0])
    first, second = told["tool_calls"]
    assert first["arguments"] == '{"a":'
    assert first["error"]["code"] == "chat.call_not_json"
    assert (second["arguments"], second["result"]) == ({}, None)
    assert told["notices"][0]["code"] == "chat.round_limit"
    assert told["error"]["code"] == "server.cut_off"
    assert told["usage"] is None


def test_an_output_that_cannot_take_a_character_gets_a_replacement():
    raw = io.BytesIO()
    out = io.TextIOWrapper(raw, encoding="ascii")
    PlainPrinter(out, io.StringIO()).show(TextDelta("狐 ok"))
    assert raw.getvalue() == b"? ok"
    out.detach()


async def test_a_tool_that_needs_approval_runs_only_when_it_was_allowed(demo, monkeypatch):
    from dataclasses import replace

    from tui.tools import arithmetic
    from tui.tools.registry import Registry, Tool

    def careful() -> Registry:
        specs = (replace(arithmetic.ADD, needs_approval=True), arithmetic.MUL)
        return Registry([Tool(spec, lambda values: values["a"] + values["b"]) for spec in specs])

    monkeypatch.setattr(arithmetic, "arithmetic", careful)
    _, out, _ = await asked(demo.url, "Compute 3+5", json=True)
    assert json.loads(out)["tool_calls"][0]["error"]["code"] == "ask.not_allowed"
    code, out, _ = await asked(demo.url, "Compute 3+5", json=True, allow=frozenset({"add"}))
    assert code == 0
    assert json.loads(out)["tool_calls"][0]["result"] == "8"


async def test_an_empty_answer_is_no_answer(demo):
    code, out, _ = await asked(demo.url, "/demo empty", json=True)
    told = json.loads(out)
    assert code == 1
    assert told["error"]["code"] == "ask.no_answer"
    assert told["notices"][0]["code"] == "chat.empty_answer"


async def test_a_failure_in_the_middle_keeps_the_text(demo):
    code, out, _ = await asked(demo.url, "/demo cut", json=True)
    told = json.loads(out)
    assert (code, told["error"]["code"]) == (1, "server.cut_off")
    assert told["answer"]


async def test_events_end_with_a_failure_when_there_was_not_even_a_turn():
    code, out, err = await asked("http://127.0.0.1:1", events=True)
    assert code == 3
    assert json.loads(out)["type"] == "TurnFailed"
    assert err


async def test_standard_input_in_another_encoding():
    class Gbk(io.TextIOWrapper):
        pass

    from tui.headless_command import _read

    stdin = Gbk(io.BytesIO("狐狸".encode("gbk")), encoding="gbk")
    assert _read(stdin) == "狐狸"
