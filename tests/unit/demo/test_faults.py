"""Errors on demand, over HTTP."""

from __future__ import annotations

import json
from time import monotonic
from typing import Any

import httpx2
import pytest

from tests.support.demo import RunningDemo, StartDemo
from tests.support.waiting import until
from tests.unit.demo.talk import ADD_MUL, ask, called, get, post, with_results
from tui.demo import faults
from tui.demo.faults import Fault


def stream(base: str, prompt: str, timeout: float = 30) -> tuple[bytes, Exception | None]:
    """The raw bytes of a stream and how it broke."""
    body = {"model": "lmdeck-demo", "stream": True, "messages": [{"role": "user", "content": prompt}]}
    got = b""
    try:
        with httpx2.stream(
            "POST", f"{base}/v1/chat/completions", json=body, trust_env=False, timeout=timeout
        ) as answer:
            for piece in answer.iter_raw():
                got += piece
    except httpx2.HTTPError as error:
        return got, error
    return got, None


@pytest.mark.parametrize(
    ("prompt", "status", "message"),
    [
        ("/demo error 500", 500, "An error on demand."),
        ("/demo error 429 Too many requests", 429, "Too many requests"),
        ("/demo error", 500, "An error on demand."),
        ("/demo error 200", 500, "An error on demand."),
    ],
)
def test_statuses(demo: RunningDemo, prompt: str, status: int, message: str) -> None:
    for streamed in (True, False):
        reply = ask(demo.url, prompt, stream=streamed)
        assert (reply.status, reply.body["message"], reply.body["code"]) == (status, message, status)


def test_a_web_page(demo: RunningDemo) -> None:
    reply = ask(demo.url, "/demo html")
    assert reply.headers["content-type"].startswith("text/html")
    assert reply.text.startswith("<!DOCTYPE html>")


def test_a_broken_connection(demo: RunningDemo) -> None:
    got, error = stream(demo.url, "/demo cut")
    assert b'"content"' in got
    assert b"[DONE]" not in got
    assert isinstance(error, httpx2.RemoteProtocolError)
    got, error = stream(demo.url, "/demo hangup")
    assert (got, isinstance(error, httpx2.HTTPError)) == (b"", True)


def test_silence(demo: RunningDemo) -> None:
    got, error = stream(demo.url, "/demo silence 3600", timeout=0.3)
    assert b'"content"' in got
    assert isinstance(error, httpx2.ReadTimeout)
    began = monotonic()
    got, error = stream(demo.url, "/demo silence 0.2")
    assert monotonic() - began > 0.2
    assert got.endswith(b"data: [DONE]\n\n")


def test_a_late_first_token(demo: RunningDemo) -> None:
    began = monotonic()
    assert ask(demo.url, "/demo delay 0.2").finish == "stop"
    assert monotonic() - began > 0.2


def test_an_error_inside_the_stream(demo: RunningDemo) -> None:
    reply = ask(demo.url, "/demo inband")
    assert reply.status == 200
    assert reply.content
    assert (
        '\ndata: {"error":{"message":"An internal server error occurred.","type":"server_error","code":500'
        in reply.text
    )
    assert reply.done
    assert ask(demo.url, "/demo inband", stream=False).status == 500


def test_the_proxys_bare_line(demo: RunningDemo) -> None:
    reply = ask(demo.url, "/demo proxy-error")
    assert reply.text == '{"error_code": 10402, "text": "Failed to get response after a period of time"}\n'
    assert ask(demo.url, "/demo proxy-error", stream=False).body["error_code"] == 10402


def test_bytes_that_are_not_text(demo: RunningDemo) -> None:
    got, _ = stream(demo.url, "/demo invalid-utf8")
    with pytest.raises(UnicodeDecodeError):
        got.decode()
    assert got.endswith(b"data: [DONE]\n\n")


def test_a_line_that_is_not_json(demo: RunningDemo) -> None:
    got, _ = stream(demo.url, "/demo bad-json")
    assert b'"content": \n\n' in got
    assert got.endswith(b"data: [DONE]\n\n")


def test_no_done(demo: RunningDemo) -> None:
    reply = ask(demo.url, "/demo no-done")
    assert (reply.finish, reply.done) == ("stop", False)


def test_a_long_line(demo: RunningDemo) -> None:
    got, _ = stream(demo.url, "/demo long-line 3000000")
    longest = max(got.split(b"\n"), key=len)
    assert 2_999_000 < len(longest) <= 3_000_100
    assert json.loads(longest[6:])


def test_escape_sequences_and_markup(demo: RunningDemo) -> None:
    content = ask(demo.url, "/demo escape").content
    for part in ("\x1b[31m", "\x1b]0;", "\x07", "\x00", "[bold red]", "\u202e"):
        assert part in content


def test_big_arguments(demo: RunningDemo) -> None:
    reply = ask(demo.url, "/demo big-args", tools=ADD_MUL)
    assert len(reply.calls[0]["function"]["arguments"]) == 1 << 20
    assert called(reply)[0][0] == "add"
    small = ask(demo.url, "/demo big-args 1000", tools=ADD_MUL)
    assert len(small.calls[0]["function"]["arguments"]) == 1000


def test_broken_arguments_and_unknown_tools(demo: RunningDemo) -> None:
    broken = ask(demo.url, "/demo broken-args", tools=ADD_MUL)
    assert broken.finish == "tool_calls"
    with pytest.raises(ValueError, match="Expecting value"):
        called(broken)
    messages: list[dict[str, Any]] = [{"role": "user", "content": "/demo unknown-tool"}]
    unknown = ask(demo.url, messages, tools=ADD_MUL)
    assert called(unknown) == [("no_such_tool", {"a": 1})]
    after = ask(demo.url, with_results(messages, unknown, "no such tool"), tools=ADD_MUL)
    assert (after.calls, "no such tool" in after.content) == ([], True)
    assert len(ask(demo.url, "/demo many-calls 5", tools=ADD_MUL).calls) == 5


def test_thoughts_only_and_a_lone_closing_tag(demo: RunningDemo) -> None:
    only = ask(demo.url, "/demo reasoning-only")
    assert (only.content, bool(only.reasoning), only.finish) == ("", True, "stop")
    lone = ask(demo.url, "/demo lone-think-close")
    assert "</think>" in lone.content
    assert "<think>" not in lone.content


def test_lengths(demo: RunningDemo) -> None:
    assert ask(demo.url, "/demo length").finish == "length"
    reply = ask(demo.url, "/demo tokens 300")
    assert reply.usage is not None
    assert reply.usage["completion_tokens"] == 300
    empty = ask(demo.url, "/demo empty")
    assert (empty.content, empty.finish) == ("", "stop")


def test_help_lists_everything(demo: RunningDemo) -> None:
    for prompt in ("/demo", "/demo nonsense", "  /demo  "):
        content = ask(demo.url, prompt).content
        for name in (*faults.SERVED, *faults.SCRIPTED):
            assert f"`/demo {name}" in content
    assert "| `/demo cut` | 中途断开连接 |" in ask(demo.url, "/demo 帮助").content
    assert ask(demo.url, "/demonstrate").content.startswith("I am lmdeck's")


def test_errors_can_be_ordered(demo: RunningDemo) -> None:
    def order(body: Any) -> httpx2.Response:
        return post(demo.url, "/lmdeck-demo/fault", body)

    assert order({"name": "error", "argument": "503 busy", "times": 2}).json() == {"ordered": 2}
    assert [ask(demo.url, "hello").status for _ in range(3)] == [503, 503, 200]
    assert order({"name": "broken-args"}).json() == {"ordered": 1}
    assert ask(demo.url, "hello", tools=ADD_MUL).calls
    order({"name": "cut"})
    assert order({}).json() == {"ordered": 0}
    assert ask(demo.url, "hello").done
    assert order({"name": "nonsense"}).status_code == 400
    assert order([]).status_code == 400
    bad = httpx2.post(f"{demo.url}/lmdeck-demo/fault", content=b"{", trust_env=False)
    assert bad.status_code == 400


@pytest.mark.parametrize(
    ("prompt", "fault"),
    [
        ("/demo cut", Fault("cut")),
        (" /demo  silence 30 ", Fault("silence", "30")),
        ("/demo what", Fault("help")),
        ("/demo", Fault("help")),
        ("/democut", None),
        ("tell me about /demo cut", None),
    ],
)
def test_commands(prompt: str, fault: Fault | None) -> None:
    assert faults.parse_command(prompt) == fault


def test_figures_of_commands() -> None:
    assert Fault("silence", "2.5 seconds").figure(1) == 2.5
    assert Fault("silence", "long").figure(1) == 1
    assert Fault("silence", "-3").figure(1) == 0


async def test_a_client_that_leaves_ends_the_request(start_demo: StartDemo) -> None:
    """Closing the socket cancels the generation, which counts as failed (reference §3.4)."""
    server = await start_demo(metrics_interval=0.01)

    def gauge(name: str) -> float:
        text = get(server.url, "/metrics").text
        return float(next(line for line in text.splitlines() if line.startswith(f"lmdeploy:{name}{{")).split()[-1])

    for prompt in ("/demo silence 3600", "/demo delay 3600"):
        _, error = stream(server.url, prompt, timeout=0.3)
        assert isinstance(error, httpx2.TimeoutException)
    await until(lambda: gauge("num_requests_failed") == 2, what="two failed requests")
    assert gauge("num_requests_running") == 0
