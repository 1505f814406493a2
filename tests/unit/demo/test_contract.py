"""The simulated server against recordings of real ones, field by field."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.support.demo import RunningDemo, running_demo
from tests.unit.demo import shapes

RECORDINGS = Path(__file__).parents[2] / "data" / "recordings"
CHAT = {"model": "/root/models/tiny-chat", "context_length": 4096, "thinking": "unclosed"}
TINY = {"model": "tiny-chat", "context_length": 4096, "reasoning_parser": "none"}
SERVERS: dict[str, dict[str, Any]] = {
    "turbomind-chat": CHAT,
    "pytorch-chat": {**CHAT, "engine": "pytorch"},
    "turbomind-tools": TINY,
    "turbomind-tools-internlm": {**TINY, "model": "internlm2_5-tiny", "tool_call_parser": "internlm"},
    "turbomind-noparser-apikey": {**TINY, "tool_call_parser": "none", "api_key": "sk-demo", "no_metrics": True},
    "turbomind-tp2": {**TINY, "tool_call_parser": "none"},
}
# Two scenes in which the tiny recorded model did something of its own: it called and then rambled on, and it called a
# tool that was narrowed away.
RAMBLES = {("turbomind-tools-internlm", "tools_required"), ("turbomind-tools-internlm", "tools_named")}
# Scenes that change the server or need a state of it: they have tests of their own.
STATEFUL = {"sleep", "is_sleeping2", "asleep_chat", "wakeup", "awake_chat", "auth_wrong", "auth_none_health"}


@cache
def recording(name: str) -> dict[str, Any]:
    return json.loads((RECORDINGS / f"{name}.json").read_text(encoding="utf-8"))


def scenes(wanted: str) -> list[tuple[str, str]]:
    """(recording, scene) of the api_server recordings: ``chat``, ``metrics`` or ``plain`` ones."""
    found: list[tuple[str, str]] = []
    for name in SERVERS:
        for scene, told in recording(name).items():
            if scene in STATEFUL or (name, scene) in RAMBLES:
                continue
            group = "metrics" if told["path"] == "/metrics" else "chat" if told["method"] == "POST" else "plain"
            if group == wanted or (wanted == "plain" and group == "metrics" and told["status"] == 404):
                found.append((name, scene))
    return found


@pytest.fixture(scope="module")
def servers() -> Iterator[dict[str, RunningDemo]]:
    """One server for each recording, with the flags of that recording."""
    running: dict[str, RunningDemo] = {}
    stack: list[Any] = []
    for name, options in SERVERS.items():
        manager = running_demo(**options)
        stack.append(manager)
        running[name] = manager.__enter__()
    yield running
    for manager in stack:
        manager.__exit__(None, None, None)


def replay(base: str, told: dict[str, Any], request: Any, key: str = "sk-demo") -> tuple[httpx2.Response, str]:
    """Sends a recorded request to the simulated server."""
    headers = {"authorization": f"Bearer {key}"} if key else {}
    answer = httpx2.request(
        told["method"], base + told["path"], json=request, headers=headers, trust_env=False, timeout=30
    )
    return answer, answer.content.decode()


def request_of(scene: str, told: dict[str, Any]) -> Any:
    """The request as it was sent, see README.md of the recordings; and limits that this brain reaches too."""
    request = json.loads(json.dumps(told["request"]))
    if not isinstance(request, dict):
        return request
    messages = request.get("messages")
    if messages and messages[0].get("content") == "hello (60000 times)":
        messages[0]["content"] = "hello " * 60000
    if found := re.fullmatch(r"tools_(?:plain|stream)_(\d)", scene):
        request["messages"] = messages[: 2 * int(found.group(1)) - 1]
    if scene == "json_schema":
        request["max_tokens"] = 2
    if scene == "chat_stream_zh":
        request["max_tokens"] = 2000
    if scene == "completions_stream":
        request["max_tokens"] = 5
    return request


def text_of(told: dict[str, Any]) -> str:
    return "".join(text for _, text in told["chunks"])


def without_length(text: str) -> str:
    """Another tokenizer counts other lengths; the limit is the same."""
    return re.sub(r"Input length \(\d+\)", "Input length (N)", text)


def order_template_failure(base: str, told: dict[str, Any]) -> None:
    """The recorded models' template breaks on tools; the simulated one's does not unless it is told to."""
    if "Request preprocessing failed." in text_of(told):
        order = {"name": "error", "argument": "400 Request preprocessing failed."}
        httpx2.post(f"{base}/lmdeck-demo/fault", json=order, trust_env=False).raise_for_status()


@pytest.mark.parametrize(("name", "scene"), scenes("chat"))
def test_an_answer_has_the_recorded_shape(servers: dict[str, RunningDemo], name: str, scene: str) -> None:
    told = recording(name)[scene]
    order_template_failure(servers[name].url, told)
    answer, text = replay(servers[name].url, told, request_of(scene, told))
    real = text_of(told)

    assert answer.status_code == told["status"]
    assert shapes.headers(dict(answer.headers)) == shapes.headers(told["headers"])
    if "event-stream" in answer.headers["content-type"]:
        assert shapes.events(text) == shapes.events(real)
        assert shapes.separators(text) == shapes.separators(real)
        assert shapes.calls(text) == shapes.calls(real)
    else:
        assert shapes.style(text) == shapes.style(real) == "compact"
        assert shapes.kind(json.loads(text)) == shapes.kind(json.loads(real))
        if answer.status_code != 200:
            assert without_length(text) == without_length(real)


@pytest.mark.parametrize(("name", "scene"), scenes("plain"))
def test_a_plain_route_answers_as_recorded(servers: dict[str, RunningDemo], name: str, scene: str) -> None:
    told = recording(name)[scene]
    answer, text = replay(servers[name].url, told, None)

    assert answer.status_code == told["status"]
    assert shapes.headers(dict(answer.headers)) == shapes.headers(told["headers"])
    if scene == "models":
        assert shapes.kind(json.loads(text)) == shapes.kind(json.loads(text_of(told)))
        assert json.loads(text)["data"][0]["id"] == json.loads(text_of(told))["data"][0]["id"]
    else:
        assert text == text_of(told)


@pytest.mark.parametrize(("name", "scene"), [pair for pair in scenes("metrics") if pair not in scenes("plain")])
def test_metrics_have_the_recorded_names_types_and_labels(
    servers: dict[str, RunningDemo], name: str, scene: str
) -> None:
    told = recording(name)[scene]
    answer, text = replay(servers[name].url, told, None)

    assert shapes.headers(dict(answer.headers)) == shapes.headers(told["headers"])
    assert shapes.metric_lines(text) == shapes.metric_lines(text_of(told))


@pytest.mark.parametrize("name", ["turbomind-chat", "pytorch-chat"])
def test_sleeping_goes_as_recorded(name: str) -> None:
    """TurboMind answers 500 and cannot be woken; the PyTorch engine sleeps and wakes."""
    with running_demo(**SERVERS[name]) as server:
        for scene in ("sleep", "is_sleeping2", "asleep_chat", "wakeup", "awake_chat"):
            told = recording(name)[scene]
            answer, text = replay(server.url, told, told["request"])
            assert answer.status_code == told["status"], scene
            assert shapes.headers(dict(answer.headers)) == shapes.headers(told["headers"]), scene
            if answer.status_code == 200 and text:
                assert shapes.kind(json.loads(text)) == shapes.kind(json.loads(text_of(told)))
            else:
                assert text == text_of(told)


@pytest.mark.parametrize(("scene", "key"), [("auth_wrong", "sk-wrong"), ("auth_wrong", ""), ("auth_none_health", "")])
def test_keys_are_asked_for_as_recorded(servers: dict[str, RunningDemo], scene: str, key: str) -> None:
    told = recording("turbomind-noparser-apikey")[scene]
    answer, text = replay(servers["turbomind-noparser-apikey"].url, told, None, key)

    assert (answer.status_code, text) == (told["status"], text_of(told))
    assert shapes.headers(dict(answer.headers)) == shapes.headers(told["headers"])


def test_the_proxy_goes_as_recorded() -> None:
    """From no node to two, then one of them dies: the scenes in their order."""
    told = recording("proxy-two-nodes")
    options = {"proxy": True, "model": "tiny-chat", "reasoning_parser": "none", "context_length": 4096}
    with running_demo(**options, nodes=0) as empty:
        for scene in ("empty_models", "empty_status", "empty_chat"):
            _compare_proxy(empty.url, scene, told[scene])
    with running_demo(**options) as proxy:
        for scene, scene_told in told.items():
            if scene.startswith("empty_"):
                continue
            if scene == "status_one_killed":
                httpx2.post(f"{proxy.url}/lmdeck-demo/fault", json={"name": "node-down"}, trust_env=False)
            _compare_proxy(proxy.url, scene, scene_told)


def _compare_proxy(base: str, scene: str, told: dict[str, Any]) -> None:
    answer, text = replay(base, told, told["request"])
    real = text_of(told)
    assert answer.status_code == told["status"], scene
    assert shapes.headers(dict(answer.headers)) == shapes.headers(told["headers"]), scene
    if scene.startswith("status_"):
        ours, theirs = json.loads(text), json.loads(real)
        assert len(ours) == len(theirs)
        assert [list(node) for node in ours.values()] == [list(node) for node in theirs.values()]
    elif "event-stream" in answer.headers["content-type"]:
        assert shapes.events(text) == shapes.events(real), scene
        assert shapes.separators(text) == shapes.separators(real), scene
    elif answer.status_code == 200:
        assert shapes.kind(json.loads(text)) == shapes.kind(json.loads(real)), scene
    else:
        assert text == real, scene


def test_every_answer_says_that_it_is_simulated(servers: dict[str, RunningDemo]) -> None:
    for path in ("/", "/health", "/v1/models", "/metrics", "/nothing"):
        answer = httpx2.get(servers["turbomind-chat"].url + path, trust_env=False)
        assert answer.headers["x-lmdeck-demo"] == "1"
