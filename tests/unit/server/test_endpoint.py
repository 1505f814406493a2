"""An endpoint's life: connecting, losing the server, getting it back changed, and doing nothing in between."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import monotonic
from typing import Any

import pytest

from tests.support.raw_server import Exchange, RawServer
from tests.support.replay_server import routes
from tests.support.waiting import until
from tests.unit.server.helpers import CHAT, MODELS, QUICK, collect_until_problem, request
from tests.unit.server.test_probe import openapi, raw
from tui.i18n.problems import explain
from tui.i18n.tables.server import TABLE
from tui.model.problem import Problem
from tui.model.server import LinkPhase, LinkState, ServerFacts, ServerMetrics
from tui.server.address import Address
from tui.server.endpoint import Backoff, Endpoint, News

FAST = Backoff(first=0.02, longest=0.05)
PATIENT = Backoff(first=60.0)


@asynccontextmanager
async def endpoint_to(
    server: RawServer, api_key: str | None = None, model: str | None = None, backoff: Backoff = FAST
) -> AsyncIterator[Endpoint]:
    endpoint = Endpoint(Address.parse(server.url), api_key, model, timeouts=QUICK, backoff=backoff)
    try:
        yield endpoint
    finally:
        await endpoint.aclose()


def phases(news: list[News]) -> list[LinkPhase]:
    return [item.phase for item in news if isinstance(item, LinkState)]


def models(*names: str) -> dict[str, Any]:
    return {"object": "list", "data": [{"id": name, "owned_by": "lmdeploy"} for name in names]}


async def test_connecting_to_a_healthy_server() -> None:
    async with RawServer(routes("turbomind-chat")) as server, endpoint_to(server) as endpoint:
        assert endpoint.link.phase is LinkPhase.IDLE
        assert endpoint.model is None
        news = endpoint.subscribe()
        assert await endpoint.ready(5)
        await until(lambda: endpoint.link.phase is LinkPhase.HEALTHY)
        seen = news.drain()
        assert phases(seen) == [LinkPhase.CONNECTING, LinkPhase.PROBING, LinkPhase.HEALTHY]
        facts = [item for item in seen if isinstance(item, ServerFacts)]
        assert facts[-1] == endpoint.facts
        assert endpoint.model == "/root/models/tiny-chat"
        assert endpoint.link.round_trip is not None
        assert endpoint.status().code == "link.healthy"
        assert " ms" in explain(endpoint.status()).sentence
        # and then: nothing at all
        asked = len(server.requests)
        await asyncio.sleep(0.2)
        assert len(server.requests) == asked
        assert news.drain() == []
        await endpoint.connect()
        assert len(server.requests) == asked


async def test_the_dialect_follows_the_facts() -> None:
    paths = openapi("/v1/chat/interactive", "/v1/chat/completions_qos", "/v1/completions_qos")
    found = {"/v1/models": models("internlm2_5-7b"), "/health": raw(b"", content_type=""), "/openapi.json": paths}
    async with RawServer(found) as server, endpoint_to(server) as endpoint:
        await endpoint.ready(5)
        await until(lambda: endpoint.link.phase is LinkPhase.HEALTHY)
        assert endpoint.client.dialect.tool_result == "environment"
        endpoint.choose_model("llama-3.1")
        assert endpoint.client.dialect.tool_result == "tool"


async def test_a_server_that_is_not_there_yet() -> None:
    async with RawServer(routes("turbomind-chat")) as server:
        await server.stop()
        async with endpoint_to(server) as endpoint:
            news = endpoint.subscribe()
            assert not await endpoint.ready(5)
            assert endpoint.link.phase is LinkPhase.BACKOFF
            assert endpoint.link.problem is not None
            assert endpoint.link.problem.code == "server.refused"
            assert endpoint.status() == endpoint.link.problem
            assert endpoint.link.retry_at is not None
            await server.start()
            await until(lambda: endpoint.link.phase is LinkPhase.HEALTHY)
            assert endpoint.link.problem is None
            assert LinkPhase.LOST not in phases(news.drain())


async def test_asking_for_readiness_does_not_sit_out_the_pause() -> None:
    async with RawServer(routes("turbomind-chat")) as server:
        await server.stop()
        async with endpoint_to(server, backoff=PATIENT) as endpoint:
            assert not await endpoint.ready(5)
            await server.start()
            assert await endpoint.ready(5)


async def test_readiness_has_a_limit() -> None:
    async def hang(exchange: Exchange) -> None:
        await exchange.until_closed()

    async with RawServer({"*": hang}) as server, endpoint_to(server) as endpoint:
        started = monotonic()
        assert not await endpoint.ready(0.1)
        assert monotonic() - started < 2
        assert endpoint.link.phase is LinkPhase.CONNECTING


async def test_slow_extras_do_not_hold_up_the_first_chat() -> None:
    async def hang(exchange: Exchange) -> None:
        await exchange.until_closed()

    async with RawServer({"*": hang, "/v1/models": MODELS}) as server, endpoint_to(server) as endpoint:
        assert await endpoint.ready(4)
        assert endpoint.link.phase is LinkPhase.PROBING
        assert endpoint.model == "tiny-chat"


async def test_a_restart_with_another_model_is_noticed_after_a_failed_request() -> None:
    async with RawServer(routes("turbomind-chat")) as server, endpoint_to(server) as endpoint:
        assert await endpoint.ready(5)
        endpoint.remember_no_tool_parser()
        assert endpoint.facts.has_tool_parser is False
        server.routes = routes("turbomind-tools")
        news = endpoint.subscribe()
        endpoint.request_failed(Problem("server.model_unknown", {"model": "x"}))
        await until(lambda: endpoint.facts.models == ("tiny-chat",))
        await until(lambda: endpoint.link.phase is LinkPhase.HEALTHY)
        assert endpoint.model == "tiny-chat"
        assert endpoint.facts.has_tool_parser is None  # another server may have a parser
        assert any(isinstance(item, ServerFacts) for item in news.drain())


async def test_what_requests_taught_is_kept_while_the_same_server_runs() -> None:
    async with RawServer(routes("turbomind-chat")) as server, endpoint_to(server) as endpoint:
        assert await endpoint.ready(5)
        await until(lambda: endpoint.link.phase is LinkPhase.HEALTHY)
        endpoint.request_failed(Problem("server.no_tool_parser", {"model": "m", "parser": "qwen"}))
        endpoint.request_failed(Problem("server.context_too_long", {"tokens": 5000, "limit": 4096}))
        asked = len(server.requests)
        await asyncio.sleep(0.1)
        assert len(server.requests) == asked  # only the requests were wrong
        endpoint.request_failed(Problem("server.cut_off"))
        await until(lambda: len(server.asked("/is_sleeping")) == 2)
        await until(lambda: endpoint.link.phase is LinkPhase.HEALTHY)
        assert endpoint.facts.has_tool_parser is False
        assert endpoint.facts.context_length == 4096


async def test_a_restart_with_the_same_model_is_a_new_server() -> None:
    def metrics(started: int) -> Any:
        return raw(f"process_start_time_seconds {started}\nlmdeploy:num_requests_running 0\n".encode())

    async with RawServer({"/v1/models": MODELS, "/metrics": metrics(100)}) as server, endpoint_to(server) as endpoint:
        assert await endpoint.ready(5)
        await until(lambda: endpoint.link.phase is LinkPhase.HEALTHY)
        endpoint.remember_no_tool_parser()
        server.routes["/metrics"] = metrics(200)
        endpoint.retry()
        await until(lambda: endpoint.facts.started == 200)
        assert endpoint.facts.has_tool_parser is None


async def test_losing_a_server_and_getting_it_back() -> None:
    async with RawServer(routes("turbomind-chat")) as server, endpoint_to(server) as endpoint:
        assert await endpoint.ready(5)
        await until(lambda: endpoint.link.phase is LinkPhase.HEALTHY)
        news = endpoint.subscribe()
        await server.stop()
        _, problem = await collect_until_problem(endpoint.client, request())
        endpoint.request_failed(problem)
        await until(lambda: endpoint.link.phase is LinkPhase.BACKOFF)
        assert endpoint.model == "/root/models/tiny-chat"  # still what a message would go to
        await server.start()
        await until(lambda: endpoint.link.phase is LinkPhase.HEALTHY)
        seen = phases(news.drain())
        assert seen[:3] == [LinkPhase.PROBING, LinkPhase.LOST, LinkPhase.BACKOFF]
        assert seen[-1] is LinkPhase.HEALTHY


@pytest.mark.parametrize(
    ("handler", "code"),
    [
        (raw(b'{"message": "Unauthorized."}', 401), "server.key_missing"),
        (raw(b"<html>", content_type="text/html"), "server.web_page"),
        (raw(b"{}"), "server.not_lmdeploy"),
    ],
)
async def test_what_only_the_user_can_mend_is_not_tried_again_and_again(handler: Any, code: str) -> None:
    async with RawServer({"*": handler}) as server, endpoint_to(server) as endpoint:
        assert not await endpoint.ready(5)
        assert endpoint.link.phase is LinkPhase.NEEDS_YOU
        assert endpoint.status().code == code
        await asyncio.sleep(0.2)
        assert len(server.requests) == 1
        server.routes = {"/v1/models": MODELS}
        assert await endpoint.ready(5)


async def test_a_sleeping_server() -> None:
    found = {"/v1/models": MODELS, "/health": {"status": "sleeping", "message": ""}}
    async with RawServer(found) as server, endpoint_to(server) as endpoint:
        assert await endpoint.ready(5)
        await until(lambda: endpoint.link.phase is LinkPhase.DEGRADED)
        assert endpoint.status().code == "server.asleep"
        assert server.url in explain(endpoint.status()).step


async def test_a_server_that_wakes_up_by_itself_is_noticed() -> None:
    found: dict[str, Any] = {"/v1/models": MODELS, "/health": {"status": "sleeping", "message": ""}}
    async with RawServer(found) as server, endpoint_to(server) as endpoint:
        assert await endpoint.ready(5)
        await until(lambda: endpoint.link.phase is LinkPhase.DEGRADED)
        news = endpoint.subscribe()
        looks = len(server.asked("/health"))
        await until(lambda: len(server.asked("/health")) >= looks + 2)
        assert set(phases(news.drain())) <= {LinkPhase.DEGRADED}  # nothing flickers while it is looked at
        server.routes["/health"] = {"status": "healthy", "message": ""}
        await until(lambda: endpoint.link.phase is LinkPhase.HEALTHY)
        assert endpoint.facts.sleeping is False


async def test_a_proxy_without_servers() -> None:
    async with RawServer(routes("proxy-two-nodes", "empty_chat")) as server, endpoint_to(server) as endpoint:
        assert not await endpoint.ready(5)
        await until(lambda: endpoint.link.phase is LinkPhase.DEGRADED)
        assert endpoint.status().code == "server.no_models"


async def test_several_models_and_a_choice() -> None:
    async with RawServer({"/v1/models": models("a", "b")}) as server, endpoint_to(server) as endpoint:
        assert await endpoint.ready(5)
        await until(lambda: endpoint.link.phase is LinkPhase.HEALTHY)
        assert endpoint.model == "a"
        news = endpoint.subscribe()
        endpoint.choose_model("b")
        assert endpoint.model == "b"
        assert news.drain() == [endpoint.facts]


async def test_a_chosen_model_that_is_not_offered() -> None:
    async with RawServer({"/v1/models": models("a", "b")}) as server, endpoint_to(server, model="c") as endpoint:
        assert endpoint.model == "c"
        assert await endpoint.ready(5)
        await until(lambda: endpoint.link.phase is LinkPhase.DEGRADED)
        status = endpoint.status()
        assert (status.code, status.data["offered"]) == ("server.model_unknown", "a, b")
        endpoint.choose_model("a")
        endpoint.retry()
        await until(lambda: endpoint.link.phase is LinkPhase.HEALTHY)


async def test_the_context_length_is_asked_for_once() -> None:
    found = routes("turbomind-chat", "err_long_plain")
    async with RawServer(found) as server, endpoint_to(server) as endpoint:
        assert await endpoint.ready(5)
        await until(lambda: endpoint.link.phase is LinkPhase.HEALTHY)
        assert await endpoint.learn_context_length() == 4096
        assert await endpoint.learn_context_length() == 4096
        assert len(server.asked(CHAT)) == 1
        assert len(server.asked(CHAT)[0].json["input_ids"]) == 5001  # the step after the largest bucket
        assert endpoint.facts.context_length == 4096


async def test_the_context_length_of_an_unknown_server_stays_unknown() -> None:
    async with RawServer({"/v1/models": models()}) as server, endpoint_to(server) as endpoint:
        await endpoint.ready(5)
        assert await endpoint.learn_context_length() is None
        assert server.asked(CHAT) == []  # without a bound the question would be megabytes long


async def test_metrics_are_read_only_while_somebody_watches() -> None:
    async with RawServer(routes("turbomind-chat")) as server, endpoint_to(server) as endpoint:
        assert await endpoint.ready(5)
        await until(lambda: endpoint.link.phase is LinkPhase.HEALTHY)
        assert len(server.asked("/metrics")) == 1
        news = endpoint.subscribe()
        with endpoint.watch_metrics(0.01), endpoint.watch_metrics(0.01):
            await until(lambda: len(server.asked("/metrics")) >= 4)
        await until(lambda: endpoint.metrics)
        assert any(isinstance(item, ServerMetrics) for item in news.drain())
        asked = len(server.asked("/metrics"))
        await asyncio.sleep(0.1)
        assert len(server.asked("/metrics")) <= asked + 1
        with endpoint.watch_metrics(0.01):
            await server.stop()
            await until(lambda: endpoint.link.phase is LinkPhase.BACKOFF)


async def test_a_server_without_metrics_is_not_asked_for_them() -> None:
    async with RawServer({"/v1/models": MODELS}) as server, endpoint_to(server) as endpoint:
        assert await endpoint.ready(5)
        await until(lambda: endpoint.link.phase is LinkPhase.HEALTHY)
        with endpoint.watch_metrics(0.01):
            await asyncio.sleep(0.1)
        assert len(server.asked("/metrics")) == 1


async def test_closing_ends_subscriptions() -> None:
    async with RawServer({"/v1/models": MODELS}) as server, endpoint_to(server) as endpoint:
        news = endpoint.subscribe()
        await endpoint.ready(5)
        await endpoint.aclose()
        seen = [item async for item in news]
        assert seen[-1] == endpoint.link
        assert endpoint.link.phase is LinkPhase.IDLE


def test_pauses_double_up_to_a_limit() -> None:
    backoff = Backoff(first=0.5, longest=30.0)
    assert [backoff.after(failures) for failures in (1, 2, 3, 7, 500)] == [0.5, 1.0, 2.0, 30.0, 30.0]


def test_every_state_of_the_link_has_a_sentence() -> None:
    shown = {phase for phase in LinkPhase if phase not in (LinkPhase.RESOLVING, LinkPhase.HOST_KEY, LinkPhase.AUTH)}
    for phase in shown - {LinkPhase.FORWARDING, LinkPhase.NEEDS_YOU}:
        assert TABLE[f"link.{phase.value}"][0]
