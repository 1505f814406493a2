"""Names, types, help texts and buckets of lmdeploy's /metrics, by generation (recordings of 0.18, reference §6.4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

PREFIX = "lmdeploy:"

SECONDS_FIRST = (0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0, 20.0)
SECONDS_FIRST_LONG = (*SECONDS_FIRST, 40.0, 80.0, 160.0, 640.0, 2560.0)
SECONDS_TOKEN = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0, 20.0)
SECONDS_TOKEN_LONG = (*SECONDS_TOKEN, 40.0, 80.0)
SECONDS_REQUEST = (0.3, 0.5, 0.8, 1.0, 1.5, 2.0, 2.5, 5.0, 10.0, 15.0, 20.0, 30.0, 40.0, 50.0, 60.0, 120.0, 240.0)
SECONDS_REQUEST_LONG = (*SECONDS_REQUEST, 480.0, 960.0, 1920.0, 7680.0)
RATIOS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
ITERATION = (1.0, *(float(2**power) for power in range(3, 15)))

REASONS = (
    "SUCCESS",
    "FINISH",
    "ENGINE_STOP_ERROR",
    "SESSION_REPEAT",
    "SESSION_NOT_EXIST",
    "HANDLER_NOT_EXIST",
    "INPUT_LENGTH_ERROR",
    "INTERNAL_ENGINE_ERROR",
    "CANCEL",
    "PREFIX_CACHE_CONFLICT",
    "NO_QUEUE",
    "NOT_SUPPORTED",
    "OUT_OF_MEMORY",
)

Generation = Literal["finished", "renamed", "full"]
_ORDER: tuple[Generation, ...] = ("finished", "renamed", "full")


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric. ``since`` and ``until`` are the generations that have it. ``buckets`` of a histogram; an empty
    tuple stands for the 1-2-5 series up to the context length. ``silent`` metrics have no sample without
    speculative decoding; ``bare`` ones no labels."""

    name: str
    kind: Literal["gauge", "counter", "histogram"]
    help: str
    buckets: tuple[float, ...] = ()
    since: Generation = "finished"
    until: Generation = "full"
    silent: bool = False
    bare: bool = False


METRICS: tuple[Metric, ...] = (
    Metric("backend_config_info", "gauge", "information of backend_config", bare=True),
    Metric("num_requests_finished", "gauge", "Number of current finished requests.", until="finished"),
    Metric("num_requests_unfinished", "gauge", "Number of current unfinished requests.", until="finished"),
    Metric("num_requests_succeeded", "gauge", "Number of current succeeded requests.", since="renamed"),
    Metric("num_requests_failed", "gauge", "Number of current failed requests.", since="renamed"),
    Metric("num_api_requests_routed", "gauge", "Number of requests routed to request handles.", since="renamed"),
    Metric(
        "num_api_requests_waiting", "gauge", "Number of requests waiting for free request handles.", since="renamed"
    ),
    Metric("num_requests_running", "gauge", "Number of requests in model execution batches."),
    Metric("num_requests_waiting", "gauge", "Number of requests waiting to be processed."),
    Metric("gpu_cache_usage_perc", "gauge", "GPU KV-cache usage. 1 means 100 percent usage."),
    Metric(
        "prefix_cache_hit_rate",
        "gauge",
        "Prefix-cache hit rate. 1 means 100 percent of queried prefix tokens hit.",
        since="full",
    ),
    Metric("prompt_tokens_total", "counter", "Number of prefill tokens processed."),
    Metric("generation_tokens_total", "counter", "Number of generation tokens processed."),
    Metric("spec_decode_num_drafts_total", "counter", "Number of speculative decoding drafts.", since="full"),
    Metric(
        "spec_decode_num_draft_tokens_total", "counter", "Number of speculative decoding draft tokens.", since="full"
    ),
    Metric(
        "spec_decode_num_accepted_tokens_total",
        "counter",
        "Number of speculative decoding accepted tokens.",
        since="full",
    ),
    Metric(
        "spec_decode_num_accepted_tokens_per_pos_total",
        "counter",
        "Number of accepted speculative decoding tokens per draft position.",
        since="full",
        silent=True,
    ),
    Metric(
        "spec_decode_mean_accept_rate",
        "gauge",
        "Mean speculative decoding acceptance rate. 1 means 100 percent accepted.",
        since="full",
    ),
    Metric(
        "spec_decode_mean_accept_length",
        "gauge",
        "Mean speculative decoding acceptance length, including the bonus token.",
        since="full",
    ),
    Metric(
        "spec_decode_per_position_accept_rate",
        "gauge",
        "Speculative decoding acceptance rate per draft position. 1 means 100 percent accepted.",
        since="full",
        silent=True,
    ),
    Metric("request_success_total", "counter", "Count of successfully processed requests."),
    Metric("request_prompt_tokens", "histogram", "Number of prefill tokens processed."),
    Metric("request_generation_tokens", "histogram", "Number of generation tokens processed."),
    Metric("request_cached_tokens", "histogram", "Number of prefix-cached input tokens per request.", since="full"),
    Metric(
        "request_cache_hit_ratio",
        "histogram",
        "Prefix cache hit ratio (cached_tokens / prompt_tokens) per request.",
        RATIOS,
        since="full",
    ),
    Metric("cached_tokens_total", "counter", "Total prefix-cached input tokens served.", since="full"),
    Metric("iteration_tokens_total", "histogram", "Histogram of number of tokens per engine_step.", ITERATION),
    Metric(
        "time_to_first_token_seconds", "histogram", "Histogram of time to first token in seconds.", SECONDS_FIRST_LONG
    ),
    Metric(
        "time_per_output_token_seconds",
        "histogram",
        "Histogram of time per output token in seconds.",
        SECONDS_TOKEN_LONG,
    ),
    Metric("iter_token_latency", "histogram", "Histogram of inter-token latency", SECONDS_TOKEN_LONG),
    Metric(
        "e2e_request_latency_seconds",
        "histogram",
        "Histogram of e2e request latency in seconds.",
        SECONDS_REQUEST_LONG,
    ),
    Metric(
        "request_queue_time_seconds",
        "histogram",
        "Histogram of time spent in WAITING phase for request.",
        SECONDS_REQUEST_LONG,
    ),
    Metric(
        "request_inference_time_seconds",
        "histogram",
        "Histogram of time spent in RUNNING phase for request.",
        SECONDS_REQUEST_LONG,
    ),
    Metric(
        "request_prefill_time_seconds",
        "histogram",
        "Histogram of time spent in PREFILL phase for request.",
        SECONDS_REQUEST_LONG,
    ),
    Metric(
        "request_decode_time_seconds",
        "histogram",
        "Histogram of time spent in DECODE phase for request.",
        SECONDS_REQUEST_LONG,
    ),
)


def metrics_of(generation: Generation) -> tuple[Metric, ...]:
    """The metrics that a generation has, in the order in which it prints them."""
    place = _ORDER.index(generation)
    return tuple(item for item in METRICS if _ORDER.index(item.since) <= place <= _ORDER.index(item.until))


def series(limit: int) -> tuple[float, ...]:
    """1, 2, 5, 10, … up to ``limit``, as lmdeploy builds token buckets from the context length."""
    return tuple(float(first * 10**power) for power in range(12) for first in (1, 2, 5) if first * 10**power <= limit)
