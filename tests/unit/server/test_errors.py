"""Every answer that is not what was asked for becomes a problem with a sentence and a next step, over real HTTP."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import tui.server
from tests.support.raw_server import Exchange, RawServer
from tests.support.replay_server import recording, routes
from tests.unit.server.helpers import ADD, CHAT, MODELS, collect_until_problem, connected, problem_of, request
from tui.i18n.problems import explain
from tui.i18n.tables.server import TABLE
from tui.model.problem import Problem
from tui.server.errors import message_of, problem_in_answer, problem_of_reply

JSON = "application/json"


def check(problem: Problem, code: str, /, **data: Any) -> None:
    """The code, part of its data, and that its sentence and step are complete."""
    assert problem.code == f"server.{code}", problem
    for key, value in data.items():
        assert problem.data[key] == value
    explanation = explain(problem)
    assert explanation.step
    assert not re.search(r"\{\w+\}", explanation.text), explanation


def answer(status: int, body: Any, content_type: str = JSON, **headers: str) -> Any:
    async def handler(exchange: Exchange) -> None:
        await exchange.reply(body, status, content_type, **headers)

    return handler


def error(message: str, status: int = 400) -> Any:
    kind = "invalid_request_error"
    return answer(status, {"message": message, "type": kind, "code": status, "param": None, "object": "error"})


RECORDED = [
    ("turbomind-chat", "err_model", "model_unknown", {"model": "tiny-chat", "offered": "/root/models/tiny-chat"}),
    ("turbomind-chat", "err_temp", "parameter", {"name": "temperature"}),
    ("turbomind-chat", "err_topp", "parameter", {"name": "top_p"}),
    ("turbomind-chat", "err_maxtok0", "parameter", {"name": "max_tokens"}),
    ("turbomind-chat", "err_nomsg", "no_messages", {}),
    ("turbomind-chat", "err_schema", "invalid_field", {"message": "messages: Field required"}),
    ("turbomind-chat", "err_badtype", "invalid_field", {}),
    ("turbomind-chat", "err_long_stream", "context_too_long", {"tokens": 120008, "limit": 4096}),
    ("turbomind-chat", "err_long_plain", "context_too_long", {"tokens": 120008, "limit": 4096}),
    ("turbomind-chat", "err_404", "no_such_route", {}),
    ("turbomind-chat", "err_terminate", "wrong_method", {}),
    ("turbomind-chat", "asleep_chat", "asleep", {}),
    ("turbomind-chat", "tools_stream_1", "template", {}),
    ("turbomind-chat", "sleep", "internal_error", {"status": 500}),
    ("turbomind-chat", "root", "web_page", {}),
    ("pytorch-chat", "chat_stream_logprobs", "no_logprobs", {}),
    ("turbomind-noparser-apikey", "auth_wrong", "key_missing", {}),
    ("turbomind-noparser-apikey", "tools_stream_1", "no_tool_parser_unknown", {"model": "tiny-chat"}),
    ("proxy-two-nodes", "err_model_stream", "model_unknown", {"offered": "tiny-chat"}),
    ("proxy-two-nodes", "empty_chat", "model_unknown_alone", {}),
    ("proxy-two-nodes", "chat_after_kill_0", "proxy_timeout", {"code": 10402}),
    ("proxy-two-nodes", "chat_after_kill_1", "proxy_timeout", {"code": 10402}),
]


@pytest.mark.parametrize(("name", "scene", "code", "data"), RECORDED)
async def test_recorded_errors(name: str, scene: str, code: str, data: dict[str, Any]) -> None:
    problem = await problem_of(routes(name, scene))
    check(problem, code, **data)
    assert problem.detail == "".join(text for _, text in recording(name)[scene]["chunks"]).strip()[:4000] or (
        len(problem.detail) == 4000 or scene == "root"
    )


MADE = [
    (error("The model `x` does not exist.", 404), "model_unknown"),
    (answer(404, {"message": "?", "object": "error"}), "model_unknown"),
    (error("Please launch the api_server with --tool-call-parser if you want to use tool."), "no_tool_parser_unknown"),
    (error('`tool_choice="required"` requires at least one tool.'), "tools_required"),
    (error("tools.0.function: Field required"), "tool_schema"),
    (error("tools.1.function.name: Input should be a valid string"), "tool_schema"),
    (error("Tool call arguments contain invalid JSON at position 3"), "history_arguments"),
    (error("The `top_k` -1 must be greater than or equal to 0."), "parameter"),
    (error("The min_p 2.0 must be in [0, 1]."), "parameter"),
    (error("Multimodal input is not supported by this model."), "no_images"),
    (error("The session_id 5 is occupied."), "session_occupied"),
    (error("The session_id `5` is occupied."), "session_occupied"),
    (error("Unsupported Media Type: Only 'application/json' is allowed"), "media_type"),
    (error("1: JSON decode error"), "invalid_field"),
    (error("something new"), "bad_request"),
    (error("Conversation roles must alternate", 422), "bad_request"),
    (answer(400, b"jinja2.exceptions.TemplateError", "text/plain"), "not_lmdeploy"),
    (error("busy", 503), "unavailable"),
    (error("An internal server error occurred.", 500), "engine_failed"),
    (error("boom", 500), "internal_error"),
    (answer(500, b"Internal Server Error", "text/plain; charset=utf-8"), "internal_error"),
    (answer(405, {"detail": "Method Not Allowed"}), "wrong_method"),
    (answer(404, {"detail": "Not Found"}), "no_such_route"),
    (answer(403, {"detail": "no"}), "forbidden"),
    (answer(429, {"error": {"message": "slow down"}}), "too_many"),
    (answer(401, b"", ""), "key_missing"),
    (
        answer(
            401, {"detail": {"error": {"message": "Please request with valid api key!", "code": "invalid_api_key"}}}
        ),
        "key_missing",
    ),
    (answer(200, {"object": "error", "message": "Please request with valid api key!", "code": 401}), "key_missing"),
    (answer(302, b"", "", Location="https://login.example/"), "redirect"),
    (answer(307, b"", "", Location="/v1/chat/completions/"), "redirect"),
    (answer(502, b"<html>Bad Gateway</html>", "text/html"), "gateway"),
    (answer(503, b"upstream", "text/plain"), "gateway"),
    (answer(404, b"<html>nginx</html>", "text/html"), "web_page"),
    (answer(400, b"400 The plain HTTP request was sent to HTTPS port", "text/html"), "tls_needed"),
    (answer(400, b"Client sent an HTTP request to an HTTPS server.", "text/plain"), "tls_needed"),
    (answer(418, b"[1, 2]"), "not_lmdeploy"),
    # 0.5.3: errors come with status 200
    (answer(200, {"object": "error", "message": "The model `x` does not exist.", "code": 400}), "model_unknown"),
    (answer(200, {"object": "error", "message": "", "code": 404}), "model_unknown"),
    (answer(200, {"object": "error", "message": "Failed to parse fc related info", "code": 400}), "stream_error"),
    (answer(200, {"error_code": 10400, "text": "The request model name does not exist."}), "proxy_model"),
    (answer(200, {"error_code": 10401, "text": "Service unavailable"}), "proxy_unavailable"),
    (answer(200, {"error_code": 10499, "text": "?"}), "proxy_other"),
    (answer(200, {"error": "some text"}), "stream_error"),
    (answer(200, {"detail": "Not Found"}), "stream_error"),
    (answer(200, b"<!DOCTYPE html><html></html>", "text/html"), "web_page"),
    (answer(200, b"<html></html>", ""), "web_page"),
    (answer(200, b"hello", "text/plain"), "not_lmdeploy"),
    (answer(200, b"hello"), "not_lmdeploy"),
    (answer(200, b""), "empty_answer"),
    (answer(204, b"", ""), "not_lmdeploy"),
]


@pytest.mark.parametrize(("handler", "code"), MADE)
async def test_other_releases_and_other_servers(handler: Any, code: str) -> None:
    check(await problem_of({CHAT: handler, "/v1/models": MODELS}), code)


async def test_tools_that_break_the_template_are_named() -> None:
    problem = await problem_of({CHAT: error("Request preprocessing failed.")}, request(tools=(ADD,)))
    check(problem, "template_tools")


async def test_a_key_that_was_sent_is_called_wrong() -> None:
    check(await problem_of({CHAT: answer(401, {"message": "Unauthorized."})}, api_key="sk-x"), "key_rejected")
    body = {"object": "error", "message": "Please request with valid api key!"}
    check(await problem_of({CHAT: answer(200, body)}, api_key="sk-x"), "key_rejected")


async def test_the_models_on_offer_are_remembered_or_asked_for() -> None:
    async with (
        RawServer({CHAT: error("The model 'x' does not exist.", 404), "/v1/models": MODELS}) as server,
        connected(server) as client,
    ):
        check(
            (await collect_until_problem(client, request(model="x")))[1],
            "model_unknown",
            model="x",
            offered="tiny-chat",
        )
        check((await collect_until_problem(client, request(model="x")))[1], "model_unknown")
        assert len(server.asked("/v1/models")) == 1


async def test_an_unknown_model_where_the_models_do_not_answer() -> None:
    check(
        await problem_of({CHAT: error("The model 'x' does not exist.", 404)}), "model_unknown_alone", model="tiny-chat"
    )


@pytest.mark.parametrize(
    ("model", "parser"),
    [
        ("/root/models/internlm2_5-7b-chat", "internlm"),
        ("Qwen3-8B", "qwen3"),
        ("Qwen/Qwen3-Coder-30B-A3B", "qwen3coder"),
        ("Qwen2.5-7B-Instruct-AWQ", "qwen2d5"),
        ("meta-llama/Llama-3.1-8B", "llama3"),
        ("zai/GLM-4.7", "glm47"),
    ],
)
async def test_the_missing_parser_is_named_by_family(model: str, parser: str) -> None:
    handler = error("Please launch the api_server with --tool-call-parser if you want to use tools.")
    problem = await problem_of({CHAT: handler}, request(model=model, tools=(ADD,)))
    check(problem, "no_tool_parser", parser=parser, model=model)
    assert f"--tool-call-parser {parser}" in explain(problem).step


async def test_large_error_bodies_are_kept_in_part() -> None:
    problem = await problem_of({CHAT: answer(400, {"message": "x" * 100_000})})
    check(problem, "bad_request")
    assert len(problem.detail) == 4000
    assert len(str(problem.data["message"])) == 300


async def test_endless_error_bodies_are_given_up() -> None:
    async def endless(exchange: Exchange) -> None:
        await exchange.send(b"HTTP/1.1 500 No\r\nContent-Type: text/plain\r\n\r\n")
        for _ in range(64):
            await exchange.send(b"x" * 65536)

    check(await problem_of({CHAT: endless}), "body_too_long")


async def test_errors_inside_a_stream_keep_what_was_said() -> None:
    async def handler(exchange: Exchange) -> None:
        await exchange.stream(
            {"choices": [{"delta": {"content": "half"}}]},
            {"error": {"message": "An internal server error occurred.", "code": 500, "object": "error"}},
            b"data: [DONE]\n\n",
        )

    async with RawServer({CHAT: handler}) as server, connected(server) as client:
        deltas, problem = await collect_until_problem(client)
    assert len(deltas) == 1
    check(problem, "engine_failed")


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"error": {"message": "a"}}, "a"),
        ({"message": "b"}, "b"),
        ({"detail": {"error": {"message": "c"}}}, "c"),
        ({"detail": "d"}, "d"),
        ({"text": "e"}, "e"),
        ({"error": "f"}, "f"),
        ({"detail": {"error": "x"}}, ""),
        ({}, ""),
        ([], ""),
        ("text", ""),
    ],
)
def test_where_the_message_stands(body: Any, text: str) -> None:
    assert message_of(body) == text


def test_ordinary_answers_are_no_errors() -> None:
    assert problem_in_answer({"object": "chat.completion", "choices": []}, "") is None
    assert problem_in_answer({"object": "list", "data": []}, "") is None


def test_deep_json_is_no_json() -> None:
    assert problem_of_reply(400, JSON, b'{"a":' * 100_000).code == "server.not_lmdeploy"


def test_every_code_has_a_sentence_and_every_sentence_a_code() -> None:
    folder = Path(tui.server.__file__).parent
    source = "\n".join(path.read_text(encoding="utf-8") for path in folder.glob("*.py"))
    used = set(re.findall(r'"(server\.[a-z_]+)"', source))
    used |= {f"server.{name}" for name in ("initializing", "unhealthy")}  # probe.py: by the server's word
    used |= {f"address.{name}" for name in re.findall(r'_bad\("(\w+)"', source)} | {"address.user"}
    assert used == {code for code in TABLE if not code.startswith("link.")}
