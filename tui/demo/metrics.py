"""Counters, gauges and histograms of a simulated server, printed as Prometheus text."""

from __future__ import annotations

import bisect
import os
import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tui.demo.card import kv_capacity
from tui.demo.dialects import dialect
from tui.demo.metric_names import PREFIX, REASONS, Metric, metrics_of, series
from tui.demo.options import Options


@dataclass(slots=True)
class Histogram:
    """Counts per bucket (not cumulated), the last one open."""

    bounds: tuple[float, ...]
    counts: list[int] = field(default_factory=list[int])
    total: float = 0.0

    def __post_init__(self) -> None:
        self.counts = [0] * (len(self.bounds) + 1)

    def observe(self, value: float) -> None:
        self.counts[bisect.bisect_left(self.bounds, value)] += 1
        self.total += value


@dataclass(slots=True)
class Meter:
    """One request on its way through the engine."""

    metrics: Metrics
    prompt: int
    began: float
    generated: int = 0
    first: float | None = None
    last: float = 0.0
    reason: str = ""

    def tokens(self, count: int) -> None:
        """So many tokens were generated."""
        if count <= 0:
            return
        now = self.metrics.step(self, count)
        if self.first is None:
            self.first = now
            self.metrics.observe("time_to_first_token_seconds", now - self.began)
        else:
            self.metrics.observe("iter_token_latency", now - self.last)
        self.last = now

    def finish(self, reason: str) -> None:
        """A regular end; without one the request counts as failed."""
        self.reason = reason


class Metrics:
    """What /metrics shows. Gauges are held still between refreshes, as lmdeploy does (every 10 s)."""

    def __init__(self, options: Options, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._interval = options.metrics_interval
        self._model = options.models[0]
        generation = dialect(options.lmdeploy).metrics or "full"
        self._known = metrics_of(generation)
        tokens = series(options.context_length)
        self._histograms = {
            metric.name: Histogram(metric.buckets or tokens) for metric in self._known if metric.kind == "histogram"
        }
        self._counters = {metric.name: 0.0 for metric in self._known if metric.kind == "counter"}
        self._reasons = dict.fromkeys(REASONS, 0)
        self._capacity = kv_capacity(options)
        self._running: list[Meter] = []
        self._succeeded = 0
        self._failed = 0
        self._started = clock()
        self._refreshed = self._started
        self._shown: dict[str, float] = self._gauges()

    @contextmanager
    def request(self, prompt: int) -> Generator[Meter]:
        """Counts a request from its start to its end, whatever its end is."""
        self._refresh()
        meter = Meter(self, prompt, self._clock())
        self._running.append(meter)
        self._count("prompt_tokens_total", prompt)
        self.observe("iteration_tokens_total", prompt)
        try:
            yield meter
        finally:
            self._refresh()
            self._running.remove(meter)
            self._close(meter)

    def step(self, meter: Meter, count: int) -> float:
        """An engine step that generated tokens; returns the time."""
        self._refresh()
        meter.generated += count
        self._count("generation_tokens_total", count)
        self.observe("iteration_tokens_total", count)
        return self._clock()

    def observe(self, name: str, value: float) -> None:
        if name in self._histograms:
            self._histograms[name].observe(value)

    @property
    def running(self) -> int:
        return len(self._running)

    def render(self) -> str:
        """The whole text in Prometheus' format 0.0.4."""
        self._refresh()
        lines = list(_process_lines(self._started))
        for metric in self._known:
            name = f"{PREFIX}{metric.name}"
            lines += [f"# HELP {name} {metric.help}", f"# TYPE {name} {metric.kind}"]
            lines += self._samples(metric, name)
        return "\n".join(lines) + "\n"

    def _count(self, name: str, amount: float) -> None:
        if name in self._counters:
            self._counters[name] += amount

    def _close(self, meter: Meter) -> None:
        now = self._clock()
        self._succeeded += bool(meter.reason)
        self._failed += not meter.reason
        self._reasons["FINISH" if meter.reason else "CANCEL"] += 1
        first = meter.first if meter.first is not None else now
        for name, value in (
            ("request_prompt_tokens", meter.prompt),
            ("request_generation_tokens", meter.generated),
            ("request_cached_tokens", 0),
            ("request_cache_hit_ratio", 0),
            ("e2e_request_latency_seconds", now - meter.began),
            ("request_queue_time_seconds", 0),
            ("request_inference_time_seconds", now - meter.began),
            ("request_prefill_time_seconds", first - meter.began),
            ("request_decode_time_seconds", now - first),
        ):
            self.observe(name, value)
        if meter.generated > 1:
            self.observe("time_per_output_token_seconds", (now - first) / (meter.generated - 1))

    def _refresh(self) -> None:
        """Catch up with the refreshes that were due since the last change: they saw the state before it."""
        due = int((self._clock() - self._refreshed) / self._interval) if self._interval > 0 else 1
        if due > 0:
            self._refreshed += due * self._interval
            self._shown = self._gauges()

    def _gauges(self) -> dict[str, float]:
        held = sum(meter.prompt + meter.generated for meter in self._running)
        return {
            "num_requests_finished": self._succeeded + self._failed,
            "num_requests_unfinished": len(self._running),
            "num_requests_succeeded": self._succeeded,
            "num_requests_failed": self._failed,
            "num_api_requests_routed": len(self._running),
            "num_requests_running": len(self._running),
            "gpu_cache_usage_perc": min(held / self._capacity, 1.0),
        }

    def _samples(self, metric: Metric, name: str) -> list[str]:
        if metric.silent:
            return []
        if metric.bare:
            return [f"{name} 1.0"]
        label = f'engine="0",model_name="{self._model}"'
        if metric.name == "request_success_total":
            return [
                f'{name}{{engine="0",finished_reason="ResponseType.{reason}",model_name="{self._model}"}} {count:.1f}'
                for reason, count in self._reasons.items()
            ]
        if metric.kind == "histogram":
            return self._buckets(name, self._histograms[metric.name])
        values = self._counters if metric.kind == "counter" else self._shown
        return [f"{name}{{{label}}} {float(values.get(metric.name, 0.0))!r}"]

    def _buckets(self, name: str, histogram: Histogram) -> list[str]:
        lines: list[str] = []
        total = 0
        for bound, count in zip((*histogram.bounds, float("inf")), histogram.counts, strict=True):
            total += count
            le = "+Inf" if bound == float("inf") else repr(bound)
            lines.append(f'{name}_bucket{{engine="0",le="{le}",model_name="{self._model}"}} {total:.1f}')
        label = f'engine="0",model_name="{self._model}"'
        return [*lines, f"{name}_count{{{label}}} {total:.1f}", f"{name}_sum{{{label}}} {float(histogram.total)!r}"]


def _process_lines(started: float) -> Iterator[str]:
    """The figures that every Python process with prometheus_client shows about itself; most are made up here."""
    for name, text in (
        ("python_gc_objects_collected_total", "Objects collected during gc"),
        ("python_gc_objects_uncollectable_total", "Uncollectable objects found during GC"),
        ("python_gc_collections_total", "Number of times this generation was collected"),
    ):
        yield f"# HELP {name} {text}"
        yield f"# TYPE {name} counter"
        yield from (f'{name}{{generation="{generation}"}} 0.0' for generation in range(3))
    version = sys.version_info
    yield "# HELP python_info Python platform information"
    yield "# TYPE python_info gauge"
    yield (
        f'python_info{{implementation="CPython",major="{version.major}",minor="{version.minor}",'
        f'patchlevel="{version.micro}",version="{version.major}.{version.minor}.{version.micro}"}} 1.0'
    )
    times = os.times()
    for name, kind, text, value in (
        ("process_virtual_memory_bytes", "gauge", "Virtual memory size in bytes.", 0.0),
        ("process_resident_memory_bytes", "gauge", "Resident memory size in bytes.", 0.0),
        ("process_start_time_seconds", "gauge", "Start time of the process since unix epoch in seconds.", started),
        ("process_cpu_seconds_total", "counter", "Total user and system CPU time spent in seconds.", times.user),
        ("process_open_fds", "gauge", "Number of open file descriptors.", 0.0),
        ("process_max_fds", "gauge", "Maximum number of open file descriptors.", 0.0),
    ):
        yield f"# HELP {name} {text}"
        yield f"# TYPE {name} {kind}"
        yield f"{name} {value!r}"
