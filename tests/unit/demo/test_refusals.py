"""What the demo server refuses, and how: bodies, parameters, keys, content types, routes."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from tests.support.demo import RunningDemo, StartDemo
from tests.unit.demo.talk import ADD_MUL, ask, get, post, tool

OK: dict[str, Any] = {"model": "lmdeck-demo", "messages": [{"role": "user", "content": "hello"}]}


def raw(base: str, content: bytes, content_type: str = "application/json") -> httpx2.Response:
    headers = {"content-type": content_type}
    return httpx2.post(f"{base}/v1/chat/completions", content=content, headers=headers, trust_env=False)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"temperature": 3}, "The temperature 3.0 must be in [0, 2]"),
        ({"top_p": 0}, "The top_p 0.0 must be in (0, 1]."),
        ({"top_k": -1}, "The top_k -1 cannot be a negative integer."),
        ({"min_p": 2}, "The min_p 2.0 must be in [0, 1]."),
        ({"max_completion_tokens": 0}, "The max_completion_tokens 0 must be a positive integer."),
        ({"max_tokens": 1.5}, "max_tokens: Input should be a valid integer, got a number with a fractional part"),
        ({"max_tokens": []}, "max_tokens: Input should be a valid integer"),
        ({"temperature": "warm"}, "temperature: Input should be a valid number, unable to parse string as a number"),
        ({"temperature": []}, "temperature: Input should be a valid number"),
        ({"stream": "perhaps"}, "stream: Input should be a valid boolean, unable to interpret input"),
        ({"model": 5}, "model: Input should be a valid string"),
        ({"messages": 5}, "messages: Input should be a valid list"),
        ({"messages": ["x"]}, "messages: Input should be a valid dictionary"),
        ({"tools": 5}, "tools: Input should be a valid list"),
        ({"tools": [{"type": "function"}]}, "tools.0.function: Field required"),
        ({"tools": [tool("add"), {"function": {}}]}, "tools.1.function.name: Field required"),
        ({"tool_choice": "required"}, '`tool_choice="required"` requires at least one tool.'),
        (
            {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:"}}]}]},
            "Multimodal input is not supported by this model.",
        ),
    ],
)
def test_bad_fields_are_named(demo: RunningDemo, fields: dict[str, Any], message: str) -> None:
    answer = post(demo.url, "/v1/chat/completions", {**OK, **fields})
    assert answer.status_code == 400
    assert answer.json() == {
        "message": message,
        "type": "invalid_request_error",
        "code": 400,
        "param": None,
        "object": "error",
    }


def test_figures_as_text_are_figures(demo: RunningDemo) -> None:
    fields = {"max_tokens": "3", "temperature": "0.5", "stream": "false", "top_k": 1.0}
    assert post(demo.url, "/v1/chat/completions", {**OK, **fields}).json()["usage"]["completion_tokens"] == 3


def test_broken_arguments_in_the_history(demo: RunningDemo) -> None:
    call = {"id": "x", "type": "function", "function": {"name": "add", "arguments": '{"a": '}}
    messages = [*OK["messages"], {"role": "assistant", "content": "", "tool_calls": [call]}]
    answer = post(demo.url, "/v1/chat/completions", {**OK, "messages": messages})
    assert answer.status_code == 400
    assert "Tool call arguments contain invalid JSON at position 6" in answer.json()["message"]


def test_bodies_that_are_not_json(demo: RunningDemo) -> None:
    assert raw(demo.url, b"{").json()["message"] == "1: JSON decode error"
    assert raw(demo.url, b"[]").json()["message"].startswith("Input should be a valid dictionary")
    assert raw(demo.url, b"\xff").json()["message"] == "There was an error parsing the body"
    text = raw(demo.url, b"{}", "text/plain")
    assert (text.status_code, text.json()["message"]) == (
        400,
        "Unsupported Media Type: Only 'application/json' is allowed",
    )
    assert raw(demo.url, b"{}", "application/json; charset=utf-8").json()["message"] == "model: Field required"


def test_what_nobody_foresaw_is_a_500(demo: RunningDemo) -> None:
    answer = post(demo.url, "/v1/chat/completions", {**OK, "messages": [{"role": "assistant", "tool_calls": [5]}]})
    assert (answer.status_code, answer.text) == (500, "Internal Server Error")


async def test_context_lengths(start_demo: StartDemo) -> None:
    server = await start_demo(context_length=100)
    long = ask(server.url, "word " * 200)
    assert long.status == 400
    assert long.body["message"] == "Input length (208) must be smaller than the model context length (100)."
    fits = ask(server.url, "Count to 200", max_tokens=1000)
    assert fits.finish == "length"
    assert fits.usage is not None
    assert fits.usage["total_tokens"] == 100
    probe = {"model": "lmdeck-demo", "messages": [], "input_ids": [1] * 5000, "max_tokens": 1}
    answer = post(server.url, "/v1/chat/completions", probe)
    assert "Input length (5000)" in answer.json()["message"]


async def test_keys(start_demo: StartDemo) -> None:
    server = await start_demo(api_key=["one", "two"])
    for path in ("/", "/metrics", "/openapi.json", "/v1/models"):
        assert get(server.url, path).status_code == 401
        for key in ("one", "two"):
            headers = {"authorization": f"Bearer {key}"}
            assert httpx2.get(server.url + path, headers=headers, trust_env=False).status_code == 200
    basic = httpx2.get(f"{server.url}/v1/models", headers={"authorization": "Basic one"}, trust_env=False)
    assert basic.status_code == 401
    for path in ("/health", "/nodes/status", "/lmdeck-demo/facts"):
        assert get(server.url, path).status_code != 401
    assert httpx2.request("OPTIONS", f"{server.url}/v1/models", trust_env=False).status_code == 405


async def test_tools_need_a_parser(start_demo: StartDemo) -> None:
    server = await start_demo(tool_call_parser="none")
    refused = ask(server.url, "Compute 3+5", tools=ADD_MUL)
    assert refused.status == 400
    assert refused.body["message"].startswith("Please launch the api_server with --tool-call-parser")
    assert "<tool_call>" in ask(server.url, "Compute 3+5", tools=ADD_MUL, tool_choice="none").content


@pytest.mark.parametrize(
    ("flags", "missing"),
    [
        ({"no_metrics": True}, ["/metrics"]),
        ({"disable_fastapi_docs": True}, ["/", "/redoc", "/openapi.json"]),
    ],
)
async def test_routes_that_flags_take_away(start_demo: StartDemo, flags: dict[str, Any], missing: list[str]) -> None:
    server = await start_demo(**flags)
    for path in missing:
        assert get(server.url, path).json() == {"detail": "Not Found"}
    assert get(server.url, "/v1/models").status_code == 200
