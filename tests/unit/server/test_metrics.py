"""/metrics of real servers, of older releases, and of something else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.raw_server import Exchange, RawServer
from tests.support.replay_server import body_of, recording, routes
from tests.unit.server.helpers import connected
from tui.server.metrics import next_step, parse_metrics, read_metrics


@pytest.mark.parametrize("name", ["turbomind-chat", "pytorch-chat", "turbomind-tools"])
def test_recorded_metrics(name: str) -> None:
    reading = read_metrics(body_of(recording(name)["metrics_before"]).decode(), 5.0)
    metrics = reading.metrics
    assert metrics.time == 5.0
    assert metrics.kv_used_fraction == 0.0
    assert (metrics.running, metrics.waiting) == (0, 0)
    assert metrics.prefix_cache_hit_rate == 0.0
    assert metrics.prompt_tokens_total is not None
    assert metrics.generation_tokens_total is not None
    assert "time_to_first_token_seconds_sum" in metrics.values
    assert not any("bucket" in key or "python" in key for key in metrics.values)
    assert {"num_requests_succeeded", "prefix_cache_hit_rate", "gpu_cache_usage_perc"} <= reading.names
    assert reading.context_at_least == 2000  # the recorded servers have a context of 4096
    assert reading.started is not None
    assert reading.started > 1.7e9


def test_names_of_092_to_012() -> None:
    text = """
# HELP lmdeploy:num_requests_running x
# TYPE lmdeploy:num_requests_running gauge
lmdeploy:num_requests_running{engine="0",model_name="m"} 2.0
# TYPE lmdeploy:num_requests_waiting gauge
lmdeploy:num_requests_waiting{engine="0",model_name="m"} 3.0
# TYPE lmdeploy:num_requests_finished gauge
lmdeploy:num_requests_finished{engine="0",model_name="m"} 7.0
# TYPE lmdeploy:gpu_cache_usage_perc gauge
lmdeploy:gpu_cache_usage_perc{engine="0",model_name="m"} 0.25
"""
    metrics = parse_metrics(text, 0.0)
    assert (metrics.running, metrics.waiting, metrics.kv_used_fraction) == (2, 3, 0.25)
    assert metrics.prefix_cache_hit_rate is None
    assert metrics.prompt_tokens_total is None
    assert metrics.values["num_requests_finished"] == 7.0


def test_several_ranks_are_summed_and_the_fullest_cache_counts() -> None:
    text = (
        'lmdeploy:num_requests_running{engine="0"} 2.0\nlmdeploy:num_requests_running{engine="1"} 1.0\n'
        'lmdeploy:gpu_cache_usage_perc{engine="0"} 0.5\nlmdeploy:gpu_cache_usage_perc{engine="1"} 0.75\n'
        'lmdeploy:num_api_requests_waiting{engine="0"} 4.0\n'
    )
    metrics = parse_metrics(text, 0.0)
    assert (metrics.running, metrics.waiting, metrics.kv_used_fraction) == (3, 4, 0.75)


def test_figures_that_are_no_numbers() -> None:
    text = 'lmdeploy:num_requests_running NaN\nlmdeploy:request_prompt_tokens_bucket{le="x"} 1\n'
    assert parse_metrics(text, 0.0).running is None
    assert read_metrics(text, 0.0).context_at_least is None


@given(st.text(max_size=200) | st.just('lmdeploy:x{a="b} 1\nlmdeploy:y 2'))
def test_any_text_is_survived(text: str) -> None:
    assert parse_metrics(text, 0.0).time == 0.0


def test_steps_of_the_bucket_series() -> None:
    assert [next_step(bound) for bound in (1, 2, 5, 2000, 20000, 50000)] == [2, 5, 10, 5000, 50000, 100000]


async def test_over_http() -> None:
    async with RawServer(routes("turbomind-chat")) as server, connected(server) as client:
        metrics = await client.metrics()
    assert metrics is not None
    assert metrics.running == 0


async def test_metrics_that_are_switched_off() -> None:
    async with RawServer(routes("turbomind-noparser-apikey")) as server, connected(server, "sk-x") as client:
        assert await client.metrics() is None


async def test_the_key_goes_along() -> None:
    async def handler(exchange: Exchange) -> None:
        await exchange.reply(b"lmdeploy:num_requests_running 1\n", content_type="text/plain")

    async with RawServer({"/metrics": handler}) as server, connected(server, "sk-x") as client:
        assert await client.metrics()
        assert server.requests[0].headers["authorization"] == "Bearer sk-x"
