"""How the HTTP behaviour of lmdeploy changed from release to release, as far as a client can see it.

Sources: the reference on lmdeploy's HTTP server (§2, §3.2, §3.3, §4.3, §4.4, §6.4) and recordings of 0.18.0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

VERSIONS = ("0.5.3", "0.7.2", "0.9.2", "0.12", "0.13", "0.14", "0.16", "0.18")


def version_key(version: str) -> tuple[int, ...]:
    """``"0.12.2"`` → ``(0, 12, 2)``, ``"0.13"`` → ``(0, 13, 0)``, for comparing."""
    parts = [int(part) for part in version.split(".")]
    return tuple(parts + [0] * (3 - len(parts)))


@dataclass(frozen=True, slots=True)
class Dialect:
    """What one release does.

    ``usage`` – where a stream reports it: never, on the chunk that carries the finish_reason, or in a chunk of its own.
    ``tools`` – ``body``: a JSON body even when a stream was asked for, one call, ids are positions (≤ 0.7.1);
    ``random-ids``: every delta has another id, arguments in fragments (0.7.2); ``whole``: the same, but name and
    arguments in one delta (0.9.1 – 0.12); ``fragments``: name first, then fragments without an id (≥ 0.13).
    ``metrics`` – the generation of names: none, ``finished`` (0.9.2 – 0.12), ``renamed`` (0.13), ``full`` (≥ 0.14).
    """

    version: str
    errors_in_200: bool
    nulls: bool
    compact: bool
    usage: Literal["never", "last", "own"]
    session_ids: bool
    tools: Literal["body", "random-ids", "whole", "fragments"]
    parserless_tools: Literal["raw", "refused"]
    parserless_text: str
    tool_role: bool
    joins_roles: bool
    reasoning: bool
    required_forces: bool
    context_error: bool
    inband_error: Literal["finish", "line"]
    health_json: bool
    metrics: Literal["", "finished", "renamed", "full"]
    metrics_by_default: bool
    auth_everywhere: bool
    needs_json_type: bool


def dialect(version: str) -> Dialect:
    """The behaviour of a release, ``"0.5.3"`` … ``"0.18"``."""
    key = version_key(version)

    def since(*release: int) -> bool:
        return key >= release

    return Dialect(
        version=version,
        errors_in_200=not since(0, 6),
        nulls=not since(0, 14),
        compact=not since(0, 14),
        usage="own" if since(0, 14) else "last" if since(0, 6) else "never",
        session_ids=not since(0, 15),
        tools="fragments"
        if since(0, 13)
        else "whole"
        if since(0, 9, 1)
        else "random-ids"
        if since(0, 7, 2)
        else "body",
        parserless_tools="refused" if since(0, 13) else "raw",
        parserless_text="tools." if since(0, 16) else "tool.",
        tool_role=since(0, 6),
        joins_roles=since(0, 10),
        reasoning=since(0, 7, 2),
        required_forces=since(0, 17),
        context_error=since(0, 16),
        inband_error="line" if since(0, 14) else "finish",
        health_json=since(0, 14),
        metrics="full" if since(0, 14) else "renamed" if since(0, 13) else "finished" if since(0, 9, 2) else "",
        metrics_by_default=since(0, 11),
        auth_everywhere=since(0, 12, 2),
        needs_json_type=since(0, 12, 2),
    )
