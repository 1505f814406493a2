"""What is known of a server: found by the probe, kept with every turn."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Literal

from tui.model.problem import Problem

Engine = Literal["turbomind", "pytorch", "unknown"]


@dataclass(frozen=True, slots=True)
class ServerFacts:
    """Everything the capability probe found out. None and "unknown" mean "not found out", never "no".

    ``version_band`` is the oldest and the newest lmdeploy release that fits, as text (``"0.14"``); ``paths`` are the
    routes of /openapi.json. ``has_tool_parser`` becomes False when the server refused tools for lack of one.
    ``simulated`` is True for lmdeck's own demo server. ``context_at_least`` is a lower bound of the context length,
    below the next step of 1-2-5 (from /metrics); ``started`` when the server process began, seconds since the epoch.
    """

    models: tuple[str, ...] = ()
    engine: Engine = "unknown"
    version_band: tuple[str, str] | None = None
    paths: frozenset[str] = frozenset()
    healthy: bool | None = None
    sleeping: bool | None = None
    metrics: bool | None = None
    is_proxy: bool | None = None
    nodes: tuple[str, ...] = ()
    context_length: int | None = None
    has_tool_parser: bool | None = None
    has_reasoning_parser: bool | None = None
    counts_tokens: Literal["messages", "encode", ""] = ""
    simulated: bool = False
    problems: tuple[Problem, ...] = ()
    context_at_least: int | None = None
    started: float | None = None


class LinkPhase(Enum):
    """States of the way to a server; ``ssh`` adds its own before CONNECTING."""

    IDLE = "idle"
    RESOLVING = "resolving"
    CONNECTING = "connecting"
    HOST_KEY = "host-key"
    AUTH = "auth"
    FORWARDING = "forwarding"
    PROBING = "probing"
    HEALTHY = "healthy"
    DEGRADED = "degraded"
    LOST = "lost"
    BACKOFF = "backoff"
    NEEDS_YOU = "needs-you"


@dataclass(frozen=True, slots=True)
class LinkState:
    """Where the way to a server stands, since when (monotonic seconds), how fast it is and what is wrong with it."""

    phase: LinkPhase
    since: float
    problem: Problem | None = None
    round_trip: float | None = None
    retry_at: float | None = None


@dataclass(frozen=True, slots=True)
class ServerMetrics:
    """One reading of /metrics (lmdeploy ≥ 0.9.2). ``time`` is monotonic; gauges are refreshed by the server every
    10 s. Counters and gauges that the server does not offer are None."""

    time: float
    kv_used_fraction: float | None = None
    running: int | None = None
    waiting: int | None = None
    prompt_tokens_total: float | None = None
    generation_tokens_total: float | None = None
    prefix_cache_hit_rate: float | None = None
    values: dict[str, float] = field(default_factory=dict[str, float])
