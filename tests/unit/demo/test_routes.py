"""The demo server's routes beside chat: what a capability probe looks at."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.demo import RunningDemo, StartDemo
from tests.unit.demo.talk import ADD_MUL, ask, get, post

MESSAGES = [{"role": "user", "content": "hello there"}]


def count(base: str, body: dict[str, Any], version: str = "2023-06-01") -> Any:
    headers = {"anthropic-version": version} if version else {}
    return post(base, "/v1/messages/count_tokens", body, **headers)


def test_counting_tokens_agrees_with_usage(demo: RunningDemo) -> None:
    counted = count(demo.url, {"model": "lmdeck-demo", "messages": MESSAGES}).json()["input_tokens"]
    usage = ask(demo.url, "hello there").usage
    assert usage is not None
    assert counted == usage["prompt_tokens"]
    more = {"model": "lmdeck-demo", "messages": MESSAGES, "system": "Be nice", "tools": ADD_MUL}
    assert count(demo.url, more).json()["input_tokens"] > counted


@pytest.mark.parametrize(
    ("body", "version", "status", "message"),
    [
        ({"model": "lmdeck-demo", "messages": MESSAGES}, "", 400, "Missing required header: anthropic-version"),
        ({"model": "lmdeck-demo"}, "2023-06-01", 400, "messages: Field required"),
        ({"model": "nope", "messages": MESSAGES}, "2023-06-01", 404, "The model 'nope' does not exist."),
        ([], "2023-06-01", 400, "Input should be a valid dictionary or object to extract fields from"),
    ],
)
def test_counting_tokens_refuses_in_anthropics_shape(
    demo: RunningDemo, body: Any, version: str, status: int, message: str
) -> None:
    answer = count(demo.url, body, version)
    assert answer.status_code == status
    assert answer.json()["type"] == "error"
    assert answer.json()["error"]["message"] == message


def test_encode(demo: RunningDemo) -> None:
    one = post(demo.url, "/v1/encode", {"input": "one two three"}).json()
    assert one["length"] == len(one["input_ids"]) == 4
    plain = post(demo.url, "/v1/encode", {"input": "one two three", "add_bos": False}).json()
    assert plain["input_ids"] == one["input_ids"][1:]
    several = post(demo.url, "/v1/encode", {"input": ["one", "one two"]}).json()
    assert several["length"] == [2, 3]
    assert post(demo.url, "/v1/encode", {}).json()["message"] == "input: Field required"


def test_routes_that_exist_but_are_not_played_say_so(demo: RunningDemo) -> None:
    answer = post(demo.url, "/generate", {})
    assert answer.status_code == 501
    assert "simulated" in answer.json()["message"]
    assert post(demo.url, "/v1/embeddings", {}).json()["message"] == "Unsupported by turbomind."


@pytest.mark.parametrize(("engine", "status"), [("turbomind", 500), ("pytorch", 200)])
async def test_which_engine_is_running(start_demo: StartDemo, engine: str, status: int) -> None:
    server = await start_demo(engine=engine)
    assert get(server.url, "/update_weights_from_ipc").json()["backend"] == engine
    info = get(server.url, "/distserve/engine_info")
    assert info.status_code == status
    if status == 200:
        assert json.loads(info.json())["num_gpu_blocks"] == 4636
    else:
        assert info.text == "Internal Server Error"


async def test_sleeping(start_demo: StartDemo) -> None:
    server = await start_demo(engine="pytorch")
    awake = get(server.url, "/lmdeck-demo/gpu?count=1").json()["samples"][0]["used"]
    assert post(server.url, "/sleep?level=3", {}).status_code == 400
    assert post(server.url, "/sleep?level=2", {}).status_code == 200
    assert get(server.url, "/health").json() == {"status": "sleeping", "message": "PyTorch engine is sleeping."}
    assert get(server.url, "/update_weights_from_ipc").json()["sleeping_tags"] == ["weights", "kv_cache"]
    assert get(server.url, "/lmdeck-demo/gpu?count=1").json()["samples"][0]["used"] < awake / 2
    assert ask(server.url, "hello").status == 503
    assert post(server.url, "/wakeup", {}).status_code == 200
    assert ask(server.url, "hello").status == 200


async def test_terminating(start_demo: StartDemo) -> None:
    refusing = await start_demo()
    assert get(refusing.url, "/terminate").status_code == 400
    server = await start_demo(allow_terminate_by_client=True)
    assert get(server.url, "/terminate").status_code == 200
    assert await server.wait() == 0


async def test_facts(start_demo: StartDemo) -> None:
    for engine, budget in (("turbomind", "Object cache budget: 8332.63 MB"), ("pytorch", "num_gpu_blocks=4636")):
        server = await start_demo(engine=engine, api_key="secret", reasoning_parser="none", tool_call_parser="none")
        facts = get(server.url, "/lmdeck-demo/facts").json()
        assert facts["simulated"] is True
        assert facts["engine"] == engine
        assert "--cache-max-entry-count" in facts["command"]
        assert "secret" not in json.dumps(facts)
        assert any(budget in line for _, line in facts["log"])
        assert round(facts["checkpoint"]["weights_bytes"] / 2**30, 2) == 1.44
        assert facts["kv_cache_bytes"] // facts["kv_block_bytes"] * 64 > 290_000


def test_the_gpu_as_json_lines(demo: RunningDemo) -> None:
    answer = get(demo.url, "/lmdeck-demo/gpu?count=3&interval=0.02")
    lines = [json.loads(line) for line in answer.text.splitlines()]
    assert [line["type"] for line in lines] == ["GpuReading"] * 3
    assert lines[0]["source"] == "simulated"
    assert "simulated" in lines[0]["samples"][0]["name"]
    assert get(demo.url, "/lmdeck-demo/gpu?count=x").status_code == 400
    assert post(demo.url, "/lmdeck-demo/gpu", {}).status_code == 405


def test_any_suffix_of_metrics_works(demo: RunningDemo) -> None:
    assert "lmdeploy:num_requests_running" in get(demo.url, "/metrics/anything").text
