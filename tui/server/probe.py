"""What a server is: asked once on connecting, every question but the first one optional.

First /v1/models, then everything else at once with short time limits, so that the first chat never waits for more
than a second. What did not answer stays unknown and is recorded as a problem.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from time import monotonic
from typing import TYPE_CHECKING, Any, Literal, cast

from tui.lmdeploy.dialects import Evidence, at_least, band_from
from tui.model.problem import Problem, ProblemError
from tui.model.server import Engine, ServerFacts
from tui.server.metrics import MetricsReading, read_metrics
from tui.server.transport import Reply

if TYPE_CHECKING:
    from tui.server.client import ServerClient

Json = dict[str, Any]

BUDGET = 0.9
"""Seconds that all optional questions together may take before the first chat."""

HEALTH = "/health"
OPENAPI = "/openapi.json"
METRICS = "/metrics"
NODES = "/nodes/status"
ENGINE_INFO = "/distserve/engine_info"
WEIGHTS = "/update_weights_from_ipc"
SLEEPING = "/is_sleeping"
QUESTIONS = (HEALTH, OPENAPI, METRICS, NODES, ENGINE_INFO, WEIGHTS, SLEEPING)


@dataclass(frozen=True, slots=True)
class Probed:
    """Facts, and the fastest round trip seen, in seconds."""

    facts: ServerFacts
    round_trip: float | None = None


async def first_facts(client: ServerClient) -> Probed:
    """The models offered. Raises ProblemError when nothing, or something else, answers there."""
    models, reply = await client.models_reply()
    problems: list[Problem] = []
    if not models:
        problems.append(Problem("server.no_models", {"url": client.address.shown}))
    owner = _owner(reply.body)
    if owner and owner != "lmdeploy":
        problems.append(Problem("server.other_server", {"owner": owner}))
    facts = ServerFacts(models=models, simulated="x-lmdeck-demo" in reply.headers, problems=tuple(problems))
    return Probed(facts, reply.seconds)


async def more_facts(client: ServerClient, first: Probed, budget: float = BUDGET) -> Probed:
    """Everything else, as far as it answers within ``budget`` seconds. Never raises for what a server does."""
    answers = await asyncio.gather(*(_ask(client, path, budget) for path in QUESTIONS))
    replies = {path: answer for path, answer in zip(QUESTIONS, answers, strict=True) if isinstance(answer, Reply)}
    problems = tuple(answer for answer in answers if isinstance(answer, Problem))
    metrics = replies.get(METRICS)
    reading = None
    if metrics is not None and metrics.status == 200:
        reading = await asyncio.to_thread(read_metrics, metrics.text, monotonic())
    facts = facts_from(first.facts, replies, reading)
    times = [reply.seconds for reply in replies.values()]
    if first.round_trip is not None:
        times.append(first.round_trip)
    return Probed(replace(facts, problems=facts.problems + problems), min(times, default=None))


async def _ask(client: ServerClient, path: str, budget: float) -> Reply | Problem:
    try:
        return await client.fetch("GET", path, within=budget)
    except ProblemError as error:
        return Problem("server.probe_silent", {"path": path}, error.problem.code)


def facts_from(first: ServerFacts, replies: Mapping[str, Reply], reading: MetricsReading | None) -> ServerFacts:
    """What the answers prove. ``replies`` holds those questions of QUESTIONS that were answered at all."""
    health = _Health.read(replies.get(HEALTH))
    nodes = _nodes(replies.get(NODES))
    weights = _object(replies.get(WEIGHTS)) or {}
    paths = _paths(replies.get(OPENAPI))
    is_proxy = None if NODES not in replies else nodes is not None
    # Behind a web server that forwards /v1 only, everything is 404 and proves nothing.
    missing = frozenset(path for path, reply in replies.items() if reply.status == 404)
    band = None
    if not is_proxy:
        band = band_from(
            Evidence(
                paths=paths,
                metric_names=reading.names if reading else frozenset(),
                health_is_json=health.is_json,
                answering=frozenset(path for path, reply in replies.items() if reply.status in (200, 500)),
                missing=missing if health.healthy is not None else frozenset(),
            )
        )
    metrics = replies.get(METRICS)
    return replace(
        first,
        engine=_engine(health, weights, replies.get(ENGINE_INFO), is_proxy),
        version_band=band,
        paths=paths,
        healthy=health.healthy,
        sleeping=_sleeping(health, weights, replies.get(SLEEPING)),
        metrics=None if metrics is None else bool(reading and reading.names),
        is_proxy=is_proxy,
        nodes=tuple(nodes) if nodes else (),
        context_at_least=reading.context_at_least if reading else None,
        started=reading.started if reading else None,
        counts_tokens=_counting(is_proxy, paths, band is not None and at_least(band, "0.13.0") is True, health),
        problems=first.problems + health.problems,
    )


@dataclass(frozen=True, slots=True)
class _Health:
    """GET /health: JSON since 0.14, an empty 200 before, 404 from a proxy."""

    healthy: bool | None = None
    sleeping: bool | None = None
    is_json: bool | None = None
    message: str = ""
    problems: tuple[Problem, ...] = ()

    @classmethod
    def read(cls, reply: Reply | None) -> _Health:
        if reply is None or reply.status not in (200, 503):
            return cls()
        body = _object(reply)
        if body is None:
            return cls(healthy=True, is_json=False) if reply.status == 200 and not reply.body.strip() else cls()
        status, message = str(body.get("status", "")), str(body.get("message", ""))
        problems: tuple[Problem, ...] = ()
        if status in ("initializing", "unhealthy"):
            problems = (Problem(f"server.{status}", {"message": message[:300] or "–"}, reply.text[:2000]),)
        return cls(reply.status == 200, status == "sleeping", is_json=True, message=message, problems=problems)


def _engine(health: _Health, weights: Json, info: Reply | None, is_proxy: bool | None) -> Engine:
    """The weights route names the backend (0.18); engine_info works with PyTorch only and is a 500 with TurboMind
    (≥ 0.9); /health names the engine in its message (0.18)."""
    if is_proxy:
        return "unknown"
    told = f"{weights.get('backend', '')} {health.message}".lower()
    if "turbomind" in told:
        return "turbomind"
    if "pytorch" in told:
        return "pytorch"
    if info is not None and info.status == 200 and "num_gpu_blocks" in info.text:
        return "pytorch"
    if info is not None and info.status == 500:
        return "turbomind"
    return "unknown"


def _sleeping(health: _Health, weights: Json, reply: Reply | None) -> bool | None:
    if health.sleeping:
        return True
    for body in (_object(reply) or {}, weights):
        if isinstance(asleep := body.get("is_sleeping"), bool):
            return asleep
    return health.sleeping


def _counting(
    is_proxy: bool | None, paths: frozenset[str], modern: bool, health: _Health
) -> Literal["messages", "encode", ""]:
    """How prompts can be counted: a proxy forwards neither route; /v1/encode is in every server."""
    if is_proxy:
        return ""
    if modern or "/v1/messages/count_tokens" in paths:
        return "messages"
    return "encode" if "/v1/encode" in paths or health.healthy is not None else ""


def _nodes(reply: Reply | None) -> list[str] | None:
    """The nodes' addresses; None when this is no proxy."""
    body = _object(reply) if reply is not None and reply.status == 200 else None
    return None if body is None else list(body)


def _paths(reply: Reply | None) -> frozenset[str]:
    paths = (_object(reply) or {}).get("paths")
    return frozenset(cast("Json", paths)) if isinstance(paths, dict) else frozenset()


def _owner(body: bytes) -> str:
    """``owned_by`` of the first model: lmdeploy's own servers and its proxy say lmdeploy."""
    rows = json.loads(body)["data"]
    row: Any = rows[0] if rows else None
    owner = cast("Json", row).get("owned_by") if isinstance(row, dict) else None
    return owner[:60] if isinstance(owner, str) else ""


def _object(reply: Reply | None) -> Json | None:
    if reply is None:
        return None
    try:
        body = json.loads(reply.body)
    except (ValueError, RecursionError):
        return None
    return cast("Json", body) if isinstance(body, dict) else None
