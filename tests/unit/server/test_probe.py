"""What the probe finds out about recorded servers, older ones, proxies, and servers that hang."""

from __future__ import annotations

from time import monotonic
from typing import Any

import pytest

from tests.support.raw_server import Exchange, RawServer
from tests.support.replay_server import routes
from tests.unit.server.helpers import MODELS, connected
from tui.lmdeploy.dialects import NEWEST
from tui.model.problem import ProblemError
from tui.model.server import ServerFacts
from tui.server.probe import BUDGET

BASE_PATHS = ["/v1/chat/completions", "/v1/models", "/v1/encode", "/health"]


def openapi(*paths: str) -> dict[str, Any]:
    return {"openapi": "3.1.0", "paths": {path: {} for path in (*BASE_PATHS, *paths)}}


def raw(body: bytes, status: int = 200, content_type: str = "application/json") -> Any:
    async def handler(exchange: Exchange) -> None:
        await exchange.reply(body, status, content_type)

    return handler


async def facts_of(found: dict[str, Any], **options: Any) -> ServerFacts:
    async with RawServer({"/v1/models": MODELS, **found}) as server, connected(server, **options) as client:
        return await client.probe()


@pytest.mark.parametrize(
    ("name", "engine", "models"),
    [
        ("turbomind-chat", "turbomind", ("/root/models/tiny-chat",)),
        ("pytorch-chat", "pytorch", ("/root/models/tiny-chat",)),
        ("turbomind-tools", "turbomind", ("tiny-chat",)),
        ("turbomind-tools-internlm", "turbomind", ("internlm2_5-tiny",)),
    ],
)
async def test_recorded_servers(name: str, engine: str, models: tuple[str, ...]) -> None:
    facts = await facts_of(routes(name))
    assert (facts.engine, facts.models) == (engine, models)
    assert (facts.healthy, facts.sleeping, facts.metrics, facts.is_proxy) == (True, False, True, False)
    assert facts.version_band is not None
    assert facts.version_band[0] == "0.14.0"  # the recordings hold no /openapi.json
    assert facts.counts_tokens == "messages"
    assert facts.context_length is None
    assert facts.context_at_least == 2000
    assert facts.started
    assert not facts.simulated
    assert facts.problems == ()


async def test_the_recorded_server_without_metrics() -> None:
    facts = await facts_of(routes("turbomind-noparser-apikey"), api_key="sk-x")
    assert (facts.metrics, facts.healthy, facts.engine) == (False, True, "turbomind")


async def test_the_recorded_proxy() -> None:
    facts = await facts_of(routes("proxy-two-nodes"))
    assert facts.is_proxy
    assert set(facts.nodes) == {"http://127.0.0.1:23340", "http://127.0.0.1:23341"}
    assert (facts.engine, facts.version_band, facts.counts_tokens, facts.healthy) == ("unknown", None, "", None)
    assert facts.problems == ()


async def test_the_recorded_proxy_without_servers() -> None:
    facts = await facts_of(routes("proxy-two-nodes", "empty_chat"))
    assert facts.is_proxy
    assert (facts.models, facts.nodes) == ((), ())
    assert [problem.code for problem in facts.problems] == ["server.no_models"]


async def test_018_tells_its_engine_and_its_routes() -> None:
    ready = {"ready": True, "backend": "pytorch", "is_sleeping": True}
    facts = await facts_of(
        {
            "/update_weights_from_ipc": ready,
            "/openapi.json": openapi("/update_weights_from_ipc", "/v1/messages", "/v1/responses", "/is_sleeping"),
            "/health": {"status": "sleeping", "message": ""},
        }
    )
    assert (facts.engine, facts.sleeping, facts.healthy) == ("pytorch", True, True)
    assert facts.version_band == ("0.17.0", NEWEST)
    assert "/v1/messages" in facts.paths


@pytest.mark.parametrize(
    ("answer", "engine"),
    [
        (raw(b'"{\\"num_gpu_blocks\\": 100, \\"block_size\\": 64}"'), "pytorch"),
        (raw(b"Internal Server Error", 500, "text/plain"), "turbomind"),
        (raw(b'"hello"'), "unknown"),
        (None, "unknown"),
    ],
)
async def test_the_engine_of_older_servers(answer: Any, engine: str) -> None:
    found = {"/health": raw(b"", content_type=""), "/openapi.json": openapi("/terminate", "/distserve/engine_info")}
    facts = await facts_of(found | ({"/distserve/engine_info": answer} if answer else {}))
    assert facts.engine == engine
    assert facts.healthy
    assert facts.counts_tokens == "encode"
    assert facts.version_band == ("0.9.0", "0.9.0") or answer is None


async def test_053() -> None:
    paths = openapi(
        "/v1/chat/interactive", "/v1/chat/interactive_qos", "/v1/chat/completions_qos", "/v1/completions_qos"
    )
    facts = await facts_of({"/health": raw(b"", content_type=""), "/openapi.json": paths})
    assert facts.version_band == ("0.5.3", "0.5.3")
    assert (facts.counts_tokens, facts.metrics, facts.is_proxy) == ("encode", False, False)


async def test_a_web_server_that_forwards_v1_only_proves_nothing() -> None:
    facts = await facts_of({})
    assert (facts.version_band, facts.healthy, facts.engine) == (None, None, "unknown")
    assert facts.counts_tokens == ""


@pytest.mark.parametrize("status", ["initializing", "unhealthy"])
async def test_an_engine_that_is_not_there(status: str) -> None:
    health = raw(b'{"status": "%s", "message": "engine hangs"}' % status.encode(), 503)
    facts = await facts_of({"/health": health})
    assert facts.healthy is False
    assert [problem.code for problem in facts.problems] == [f"server.{status}"]
    assert facts.problems[0].data["message"] == "engine hangs"


async def test_a_health_page_of_something_else() -> None:
    facts = await facts_of({"/health": raw(b"<html>ok</html>", content_type="text/html")})
    assert facts.healthy is None
    assert facts.version_band is None


async def test_other_servers_say_so() -> None:
    models = {"object": "list", "data": [{"id": "m", "owned_by": "vllm"}]}
    facts = await facts_of({"/v1/models": models})
    assert [problem.code for problem in facts.problems] == ["server.other_server"]
    assert facts.models == ("m",)


async def test_odd_answers_everywhere() -> None:
    everything = {path: raw(b"[1, 2]") for path in ("/openapi.json", "/nodes/status", "/is_sleeping", "/health")}
    facts = await facts_of({**everything, "/metrics": raw(b"hello"), "/update_weights_from_ipc": raw(b"\xff{")})
    assert (facts.paths, facts.is_proxy, facts.sleeping, facts.metrics) == (frozenset(), False, None, False)


async def test_the_demo_server_is_marked() -> None:
    async def models(exchange: Exchange) -> None:
        await exchange.reply(MODELS, x_lmdeck_demo="1")

    assert (await facts_of({"/v1/models": models})).simulated


async def test_routes_that_hang_cost_no_more_than_the_budget() -> None:
    async def hang(exchange: Exchange) -> None:
        await exchange.until_closed()

    async with RawServer({"*": hang, "/v1/models": MODELS}) as server, connected(server) as client:
        await client.models()  # connected and imported
        started = monotonic()
        facts = await client.probe()
        assert monotonic() - started < BUDGET + 0.6
    assert facts.models == ("tiny-chat",)
    assert {problem.code for problem in facts.problems} == {"server.probe_silent"}
    assert {problem.data["path"] for problem in facts.problems} >= {"/health", "/metrics"}
    assert (facts.is_proxy, facts.metrics, facts.version_band) == (None, None, None)


async def test_without_models_there_is_no_probe() -> None:
    async with RawServer({"/v1/models": raw(b'{"message": "Unauthorized."}', 401)}) as server:
        async with connected(server) as client:
            with pytest.raises(ProblemError) as caught:
                await client.probe()
        assert caught.value.problem.code == "server.key_missing"
        assert len(server.requests) == 1
