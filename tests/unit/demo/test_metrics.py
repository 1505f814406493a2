"""The simulated server's metrics, read with the library that clients use."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.support.demo import RunningDemo
from tests.unit.demo.talk import ask, get
from tui.demo.metric_names import metrics_of, series
from tui.demo.metrics import Metrics
from tui.demo.options import Options


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def read(text: str) -> dict[str, float]:
    """Sample name → value, the labels of lmdeploy's left out; buckets and reasons with theirs."""
    found: dict[str, float] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            extra = sample.labels.get("le") or sample.labels.get("finished_reason") or ""
            found[f"{sample.name}{'/' if extra else ''}{extra}"] = sample.value
    return found


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def metrics(clock: Clock) -> Iterator[Metrics]:
    return Metrics(Options(), clock)


def test_counters_move_at_once_and_gauges_every_ten_seconds(metrics: Metrics, clock: Clock) -> None:
    with metrics.request(100) as meter:
        clock.now = 1.0
        meter.tokens(1)
        clock.now = 1.5
        meter.tokens(4)
        now = read(metrics.render())
        assert now["lmdeploy:prompt_tokens_total"] == 100
        assert now["lmdeploy:generation_tokens_total"] == 5
        assert now["lmdeploy:num_requests_running"] == 0
        clock.now = 10.0
        later = read(metrics.render())
        assert later["lmdeploy:num_requests_running"] == 1
        assert 0 < later["lmdeploy:gpu_cache_usage_perc"] < 0.001
        clock.now = 12.0
        meter.finish("stop")
    clock.now = 19.9
    assert read(metrics.render())["lmdeploy:num_requests_running"] == 1
    clock.now = 20.0
    end = read(metrics.render())
    assert end["lmdeploy:num_requests_running"] == 0
    assert end["lmdeploy:num_requests_succeeded"] == 1
    assert end["lmdeploy:num_requests_failed"] == 0
    assert end["lmdeploy:time_to_first_token_seconds_sum"] == 1.0
    assert end["lmdeploy:e2e_request_latency_seconds_sum"] == 12.0
    assert end["lmdeploy:request_decode_time_seconds_sum"] == 11.0
    assert end["lmdeploy:time_per_output_token_seconds_sum"] == 11.0 / 4
    assert end["lmdeploy:request_success_total/ResponseType.FINISH"] == 1


def test_a_gauge_shows_the_state_at_its_refresh(metrics: Metrics, clock: Clock) -> None:
    """A request that began and ended between two refreshes is never seen running."""
    clock.now = 11.0
    with metrics.request(10) as meter:
        clock.now = 15.0
        meter.finish("stop")
    clock.now = 21.0
    assert read(metrics.render())["lmdeploy:num_requests_running"] == 0
    clock.now = 25.0
    with metrics.request(10):
        clock.now = 35.0
    clock.now = 36.0
    assert read(metrics.render())["lmdeploy:num_requests_running"] == 1


def test_requests_without_an_end_count_as_failed(metrics: Metrics, clock: Clock) -> None:
    def lose_the_client() -> None:
        with metrics.request(10) as meter:
            meter.tokens(0)
            meter.tokens(1)
            raise ConnectionError

    with pytest.raises(ConnectionError):
        lose_the_client()
    clock.now = 10.0
    now = read(metrics.render())
    assert now["lmdeploy:num_requests_failed"] == 1
    assert now["lmdeploy:request_success_total/ResponseType.CANCEL"] == 1
    assert metrics.running == 0


def test_histograms_are_cumulative(metrics: Metrics) -> None:
    for value in (0.0005, 0.001, 0.002, 9999.0):
        metrics.observe("time_to_first_token_seconds", value)
    metrics.observe("no_such_metric", 1)
    now = read(metrics.render())
    name = "lmdeploy:time_to_first_token_seconds_bucket"
    assert [now[f"{name}/{le}"] for le in ("0.001", "0.005", "2560.0", "+Inf")] == [2, 3, 3, 4]


@pytest.mark.parametrize(("limit", "last"), [(4096, 2000), (32768, 20000), (5000, 5000), (1, 1)])
def test_token_buckets_reach_up_to_the_context_length(limit: int, last: float) -> None:
    assert series(limit)[-1] == last


def test_generations_of_names() -> None:
    names: dict[str, Any] = {
        each: {metric.name for metric in metrics_of(each)} for each in ("finished", "renamed", "full")
    }
    assert names["finished"] - names["full"] == {"num_requests_finished", "num_requests_unfinished"}
    assert names["renamed"] < names["full"]


def test_traffic_moves_the_counters(demo: RunningDemo) -> None:
    before = read(get(demo.url, "/metrics").text)
    usage = ask(demo.url, "Count to 20").usage
    assert usage is not None
    after = read(get(demo.url, "/metrics").text)
    for name, key in (("prompt_tokens_total", "prompt_tokens"), ("generation_tokens_total", "completion_tokens")):
        assert after[f"lmdeploy:{name}"] - before[f"lmdeploy:{name}"] == usage[key]
