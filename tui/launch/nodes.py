"""The nodes of ``lmdeploy serve proxy``: each with its models, its load and how fast it was (reference §8).

lmdeck balances nothing itself: it shows what the proxy says.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from tui.model.problem import Problem, ProblemError

ROLES = {1: "hybrid", 2: "prefill", 3: "decode"}
ERRORS = {10400: "node.no-model", 10401: "node.unavailable", 10402: "node.timeout"}


@dataclass(frozen=True, slots=True)
class ProxyNode:
    """A server behind a proxy. ``unfinished`` requests it works on; ``latency`` the mean of its last answers, seconds
    (None before the first); ``speed`` what it said about itself; ``problem`` when it does not answer."""

    url: str
    models: tuple[str, ...] = ()
    role: str = "hybrid"
    unfinished: int = 0
    latency: float | None = None
    speed: float | None = None
    problem: Problem | None = None


def read_nodes(text: str) -> tuple[ProxyNode, ...]:
    """The answer of GET /nodes/status. Raises ProblemError node.answer for something else."""
    try:
        answer = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ProblemError(Problem("node.answer", {}, text[:300])) from error
    if not isinstance(answer, dict):
        raise ProblemError(Problem("node.answer", {}, text[:300]))
    nodes = cast("dict[str, object]", answer)
    return tuple(_node(url, cast("dict[str, Any]", facts)) for url, facts in nodes.items() if type(facts) is dict)


def _node(url: str, facts: Mapping[str, Any]) -> ProxyNode:
    times = [float(value) for value in _list(facts.get("latency")) if isinstance(value, (int, float))]
    speed = facts.get("speed")
    return ProxyNode(
        url=url,
        models=tuple(str(name) for name in _list(facts.get("models"))),
        role=ROLES.get(facts.get("role", 1), "hybrid"),
        unfinished=int(facts.get("unfinished") or 0),
        latency=sum(times) / len(times) if times else None,
        speed=float(speed) if isinstance(speed, (int, float)) else None,
    )


def _list(value: object) -> list[object]:
    return cast("list[object]", value) if isinstance(value, list) else []


def node_error(text: str) -> Problem | None:
    """The problem behind a proxy's in-band error (HTTP 200 with ``{"error_code": 10402, …}``), None for other text."""
    try:
        answer = json.loads(text.strip().removeprefix("data:"))
        code = cast("dict[str, Any]", answer)["error_code"] if isinstance(answer, dict) else None
    except (ValueError, KeyError, RecursionError):
        return None
    if not isinstance(code, int) or code not in ERRORS:
        return None
    return Problem(ERRORS[code], {"code": code, "says": str(cast("dict[str, Any]", answer).get("text", ""))[:200]})
