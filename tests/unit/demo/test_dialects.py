"""The older releases' ways, over HTTP."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from tests.support.demo import RunningDemo, StartDemo, running_demo
from tests.unit.demo.talk import ADD_MUL, ask, called, get, post, with_results
from tui.demo.dialects import VERSIONS, dialect

OLD = ("0.5.3", "0.7.2", "0.9.2", "0.12", "0.13", "0.14", "0.16")


@pytest.fixture(scope="module")
def servers() -> Iterator[dict[str, RunningDemo]]:
    """A server of each release with InternLM's or Qwen's parser, as was usual then."""
    with ExitStack() as stack:
        yield {
            version: stack.enter_context(running_demo(lmdeploy=version, context_length=1000)) for version in VERSIONS
        }


@pytest.mark.parametrize("version", VERSIONS)
def test_unknown_models(servers: dict[str, RunningDemo], version: str) -> None:
    answer = ask(servers[version].url, "hello", model="nope")
    assert answer.body["object"] == "error"
    assert (answer.status, answer.body["code"]) == ((200, 400) if version == "0.5.3" else (404, 404))


@pytest.mark.parametrize("version", VERSIONS)
def test_the_shape_of_chunks(servers: dict[str, RunningDemo], version: str) -> None:
    reply = ask(servers[version].url, "Count to 3")
    first, last = reply.chunks[0], reply.chunks[-1]
    nulls = version in ("0.5.3", "0.7.2", "0.9.2", "0.12", "0.13")
    delta = first["choices"][0]["delta"]
    assert delta["role"] == "assistant"
    assert ("finish_reason" in first["choices"][0]) is nulls
    assert ("tool_calls" in delta) is nulls
    assert ("reasoning_content" in delta) is (nulls and version != "0.5.3")
    assert first["id"].isdigit() is (version in OLD[:6])
    assert reply.content == "1 2 3"
    assert reply.done
    if version == "0.5.3":
        assert reply.usage is None
        assert "usage" not in last
    elif nulls:
        assert last["choices"][0]["finish_reason"] == "stop"
        assert last["usage"]["completion_tokens"] == 5
    else:
        assert last["choices"] == []
        assert last["usage"]["completion_tokens"] == 5


@pytest.mark.parametrize("version", VERSIONS)
def test_health(servers: dict[str, RunningDemo], version: str) -> None:
    answer = get(servers[version].url, "/health")
    assert answer.status_code == 200
    assert bool(answer.text) is (version in ("0.14", "0.16", "0.18"))


@pytest.mark.parametrize("version", VERSIONS)
def test_paths_tell_the_release(servers: dict[str, RunningDemo], version: str) -> None:
    paths = set(get(servers[version].url, "/openapi.json").json()["paths"])
    at = VERSIONS.index(version)
    assert ("/v1/chat/completions_qos" in paths) is (at == 0)
    assert ("/terminate" in paths) is (at >= 2)
    assert ("/is_sleeping" in paths) is (at >= 3)
    assert ("/v1/messages/count_tokens" in paths) is (at >= 4)
    assert ("/v1/responses" in paths) is (at >= 5)
    assert ("/v1/chat/interactive" in paths) is (at < 6)
    assert ("/update_weights_from_ipc" in paths) is (at >= 7)
    assert get(servers[version].url, "/is_sleeping").status_code == (200 if at >= 3 else 404)


@pytest.mark.parametrize("version", VERSIONS)
def test_too_long_a_prompt(servers: dict[str, RunningDemo], version: str) -> None:
    reply = ask(servers[version].url, "word " * 2000)
    if version in ("0.16", "0.18"):
        assert reply.status == 400
    else:
        assert (reply.status, reply.content, reply.finish) == (200, "", "length")


@pytest.mark.parametrize("version", [version for version in VERSIONS if version != "0.5.3"])
def test_calls_in_a_stream(servers: dict[str, RunningDemo], version: str) -> None:
    reply = ask(servers[version].url, "Compute 12+7 and 9*8", tools=ADD_MUL)
    assert called(reply) == [("add", {"a": 12, "b": 7}), ("mul", {"a": 9, "b": 8})]
    pieces = [
        piece
        for chunk in reply.chunks
        for choice in chunk["choices"]
        for piece in choice["delta"].get("tool_calls") or []
    ]
    ids = [piece["id"] for piece in pieces if "id" in piece]
    assert len(set(ids)) == len(ids)
    if version == "0.7.2":
        assert len(ids) == len(pieces) > 2
    elif version in ("0.9.2", "0.12"):
        assert len(ids) == len(pieces) == 2
    else:
        assert len(ids) == 2 < len(pieces)


def test_calls_before_there_were_parsers(servers: dict[str, RunningDemo]) -> None:
    """0.5.3: a JSON body in place of the stream, one call, its id is the tool's position; role tool is an error and
    results come back as environment."""
    base = servers["0.5.3"].url
    messages: list[dict[str, Any]] = [{"role": "user", "content": "Compute (3+5)*2"}]
    first = ask(base, messages, tools=ADD_MUL)
    assert first.headers["content-type"] == "application/json"
    assert first.finish == "tool_calls"
    assert [(call["id"], call["function"]["name"]) for call in first.calls] == [("0", "add")]
    assert len(ask(base, "Compute 12+7 and 9*8", tools=ADD_MUL).calls) == 1

    broken = ask(base, with_results(messages, first, "8"), tools=ADD_MUL)
    assert (broken.status, broken.text) == (500, "Internal Server Error")

    messages += [{"role": "assistant", "content": ""}, {"role": "environment", "name": "plugin", "content": "8"}]
    second = ask(base, messages, tools=ADD_MUL)
    assert [(call["id"], call["function"]["name"]) for call in second.calls] == [("1", "mul")]
    messages += [{"role": "assistant", "content": ""}, {"role": "environment", "name": "plugin", "content": "16"}]
    last = ask(base, messages, tools=ADD_MUL)
    assert last.content == "The result of (3+5)*2 is **16**."
    assert ask(base, "hello", stream=False).body["choices"][0]["message"]["tool_calls"] is None


@pytest.mark.parametrize(("version", "refused"), [("0.7.2", ""), ("0.12", ""), ("0.13", "tool."), ("0.16", "tools.")])
async def test_tools_without_a_parser(start_demo: StartDemo, version: str, refused: str) -> None:
    server = await start_demo(lmdeploy=version, tool_call_parser="none")
    reply = ask(server.url, "Compute 3+5", tools=ADD_MUL)
    none = ask(server.url, "Compute 3+5", tools=ADD_MUL, tool_choice="none")
    if refused:
        assert reply.status == 400
        assert reply.body["message"].endswith(f"if you want to use {refused}")
        assert "<tool_call>" in none.content
    else:
        assert "<tool_call>" in reply.content
        assert none.content == "The result of 3+5 is **8**."


@pytest.mark.parametrize("version", VERSIONS)
def test_metrics_by_generation(servers: dict[str, RunningDemo], version: str) -> None:
    answer = get(servers[version].url, "/metrics")
    if version in ("0.5.3", "0.7.2", "0.9.2"):
        assert answer.status_code == 404  # 0.9.2 has them, but only with --enable-metrics
        return
    names = {line.split()[2] for line in answer.text.splitlines() if line.startswith("# TYPE lmdeploy:")}
    assert ("lmdeploy:num_requests_finished" in names) is (version == "0.12")
    assert ("lmdeploy:num_requests_succeeded" in names) is (version != "0.12")
    assert ("lmdeploy:cached_tokens_total" in names) is (version not in ("0.12", "0.13"))
    assert "lmdeploy:gpu_cache_usage_perc" in names


async def test_metrics_of_0_9_2_have_to_be_asked_for(start_demo: StartDemo) -> None:
    server = await start_demo(lmdeploy="0.9.2", enable_metrics=True)
    assert "lmdeploy:num_requests_unfinished" in get(server.url, "/metrics").text


@pytest.mark.parametrize("version", ["0.5.3", "0.12"])
async def test_keys_before_they_covered_everything(start_demo: StartDemo, version: str) -> None:
    server = await start_demo(lmdeploy=version, api_key="k")
    refused = get(server.url, "/v1/models")
    assert refused.status_code == 401
    assert refused.json()["detail"]["error"]["code"] == "invalid_api_key"
    assert get(server.url, "/").status_code == 200


@pytest.mark.parametrize(("version", "in_band"), [("0.9.2", "error"), ("0.13", "error"), ("0.14", None)])
def test_failures_inside_a_stream(servers: dict[str, RunningDemo], version: str, in_band: str | None) -> None:
    reply = ask(servers[version].url, "/demo inband")
    assert reply.finish == in_band
    assert ('{"error":' in reply.text) is (in_band is None)


def test_content_types_were_not_looked_at(servers: dict[str, RunningDemo]) -> None:
    body = json.dumps({"model": "lmdeck-demo", "messages": [{"role": "user", "content": "hello"}]})
    import httpx2

    for version, status in (("0.12", 200), ("0.13", 400)):
        answer = httpx2.post(f"{servers[version].url}/v1/chat/completions", content=body, trust_env=False)
        assert answer.status_code == status


def test_thoughts_had_no_parser_at_first(servers: dict[str, RunningDemo]) -> None:
    assert "</think>" in ask(servers["0.5.3"].url, "Is 31 greater than 29?").content
    assert "</think>" not in ask(servers["0.7.2"].url, "Is 31 greater than 29?").content


def test_required_did_not_always_force(servers: dict[str, RunningDemo]) -> None:
    for version, calls in (("0.13", 0), ("0.18", 1)):
        assert len(ask(servers[version].url, "hello", tools=ADD_MUL, tool_choice="required").calls) == calls


def test_completions_of_old(servers: dict[str, RunningDemo]) -> None:
    body = {"model": "lmdeck-demo", "prompt": "Count to 3", "stream": True}
    text = post(servers["0.9.2"].url, "/v1/completions", body).text
    assert '"finish_reason":null' in text
    assert text.endswith("data: [DONE]\n\n")


def test_releases_are_ordered() -> None:
    assert dialect("0.9.2").metrics == "finished"
    assert dialect("0.12.2").auth_everywhere
    assert not dialect("0.12").auth_everywhere
