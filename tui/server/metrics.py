"""Prometheus text of lmdeploy's /metrics → :class:`ServerMetrics`. Names of 0.9.2–0.12 and of ≥ 0.13."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from tui.model.server import ServerMetrics

PREFIX = "lmdeploy:"
_PROMPT_BUCKET = "request_prompt_tokens_bucket"


@dataclass(frozen=True, slots=True)
class MetricsReading:
    """A reading with what only the probe needs: the names present (without prefix) and the largest finite bucket of
    request_prompt_tokens, which is the largest step of the 1-2-5 series that does not exceed the context length;
    ``started`` is when the server's process began, seconds since the epoch."""

    metrics: ServerMetrics
    names: frozenset[str]
    context_at_least: int | None
    started: float | None


def parse_metrics(text: str, time: float) -> ServerMetrics:
    """``time`` is when it was read, monotonic seconds. Values are summed over labels (data-parallel ranks), fractions
    are the largest one. Unreadable lines count as absent."""
    return read_metrics(text, time).metrics


def read_metrics(text: str, time: float) -> MetricsReading:
    """See :class:`MetricsReading`. Takes milliseconds: call it in a thread."""
    from prometheus_client.parser import text_string_to_metric_families

    values: dict[str, float] = {}
    largest: dict[str, float] = {}
    bound = 0.0
    names: set[str] = set()
    try:
        for family in text_string_to_metric_families(_ours(text)):
            names.add(family.name.removeprefix(PREFIX))
            for sample in family.samples:
                name = sample.name.removeprefix(PREFIX)
                names.add(name)
                if name == _PROMPT_BUCKET:
                    bound = max(bound, _finite(sample.labels.get("le", "")))
                    continue
                values[name] = values.get(name, 0.0) + sample.value
                largest[name] = max(largest.get(name, -math.inf), sample.value)
    except ValueError:  # not Prometheus text (any more): what was read so far holds
        pass
    metrics = ServerMetrics(
        time=time,
        kv_used_fraction=largest.get("gpu_cache_usage_perc"),
        running=_whole(values.get("num_requests_running")),
        waiting=_waiting(values),
        prompt_tokens_total=values.get("prompt_tokens_total"),
        generation_tokens_total=values.get("generation_tokens_total"),
        prefix_cache_hit_rate=largest.get("prefix_cache_hit_rate"),
        values=values,
    )
    return MetricsReading(metrics, frozenset(names), int(bound) or None, _started(text))


def next_step(bound: int) -> int:
    """The step of the 1-2-5 series after ``bound``: a context length is smaller than that."""
    step = 1
    while True:
        for factor in (1, 2, 5):
            if factor * step > bound:
                return factor * step
        step *= 10


def _ours(text: str) -> str:
    """Only lmdeploy's own lines, without the buckets of histograms that nobody reads: parsing takes 0.05 ms a line, and
    foreign lines cannot break it."""
    return "\n".join(line for line in text.splitlines() if _is_ours(line)) + "\n"


def _is_ours(line: str) -> bool:
    if PREFIX not in line[:40] or line.startswith("# HELP"):
        return False
    name = line.partition("{")[0]
    return not name.endswith("_bucket") or name == PREFIX + _PROMPT_BUCKET


def _started(text: str) -> float | None:
    match = re.search(r"^process_start_time_seconds (\S+)", text, re.MULTILINE)
    return (_finite(match[1]) or None) if match else None


def _finite(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        return 0.0
    return value if math.isfinite(value) else 0.0


def _whole(value: float | None) -> int | None:
    return None if value is None or not math.isfinite(value) else int(value)


def _waiting(values: dict[str, float]) -> int | None:
    """Requests that wait in the engine's queue or, since 0.13, for a free handle before it."""
    engine = values.get("num_requests_waiting")
    handles = values.get("num_api_requests_waiting")
    if engine is None and handles is None:
        return None
    return _whole((engine or 0.0) + (handles or 0.0))
