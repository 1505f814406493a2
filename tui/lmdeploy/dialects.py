"""What lmdeploy's HTTP servers of different releases expect and answer, and how to tell a release from outside.

Facts are from the sources of the releases named (0.5.3 … 0.18.0); releases between 0.16 and 0.18 were not inspected one
by one. Bands are pairs of releases as text, oldest and newest that fit: ``("0.14", "0.15")``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from tui.lmdeploy.parsers import is_internlm2, joins_roles
from tui.lmdeploy.versions import Version

Band = tuple[str, str]
ToolResultForm = Literal["tool", "tool-plugin", "environment", "turns"]

RELEASES = (
    "0.5.3", "0.6.0", "0.7.0", "0.7.2", "0.8.0", "0.9.0", "0.9.1", "0.9.2", "0.10.0", "0.10.2", "0.11.0", "0.12.0",
    "0.12.2", "0.13.0", "0.14.0", "0.15.0", "0.16.0", "0.17.0", "0.18.0",
)  # fmt: skip
"""Releases at which something visible over HTTP changed, oldest first, and the newest one known."""

NEWEST = RELEASES[-1]


def _key(version: str) -> Version:
    return Version.parse(version) or Version(0, 0)


def at_least(band: Band | None, version: str) -> bool | None:
    """Whether a server of this band is surely of ``version`` or newer (True), surely older (False), or unknown."""
    if band is None:
        return None
    if _key(band[0]) >= _key(version):
        return True
    return False if _key(band[1]) < _key(version) else None


@dataclass(frozen=True, slots=True)
class Dialect:
    """How to speak to a server and how to read it.

    ``usage_on_request``: ``stream_options.include_usage`` exists (≥ 0.6.0).
    ``modern_sampling``: min_p, seed and response_format exist (not in 0.5.3).
    ``tool_result``: how a tool's result is sent back. ``tool``: role tool with the function's name; ``tool-plugin``:
    role tool with name ``plugin`` (built-in InternLM2 template of 0.6–0.9.2); ``environment``: role environment with
    name ``plugin`` and the calls rendered into the assistant's text (0.5.3, where role tool is a server error);
    ``turns``: the turns of InternLM2's own format, spelled out (≥ 0.10, whose template for these models only joins role
    and content: tools and results reach the model as turns or not at all).
    ``none_keeps_tools``: with tool_choice none the tools still go into the prompt, unparsed (≥ 0.13; before, none
    takes them out, and a server without a parser takes them as they are).
    ``tools_stream``: tool calls come as a stream (≥ 0.7.2); before, one JSON body answers a streaming request.
    ``empty_length_is_full``: an empty answer with finish_reason length means a full context (≤ 0.15).
    """

    usage_on_request: bool = True
    modern_sampling: bool = True
    tool_result: ToolResultForm = "tool"
    none_keeps_tools: bool = True
    tools_stream: bool = True
    empty_length_is_full: bool = True


MODERN = Dialect()
"""For a server of unknown release: what all releases since 0.7.2 understand."""


def dialect_for(band: Band | None, model: str = "") -> Dialect:
    """The dialect of a server whose release lies in ``band``; what is not certain is spoken as newer servers do."""
    internlm2 = is_internlm2(model)
    tool_result: ToolResultForm = "tool"
    if at_least(band, "0.6.0") is False:
        # Of the templates that knew tools in 0.5.3 (InternLM2, Llama 3.1) only Llama's takes another way.
        tool_result = "tool" if "llama" in model.lower() else "environment"
    elif internlm2 and at_least(band, "0.10.0") is False:
        tool_result = "tool-plugin"
    elif joins_roles(model) and at_least(band, "0.10.0"):
        tool_result = "turns"
    return Dialect(
        usage_on_request=at_least(band, "0.6.0") is not False,
        modern_sampling=at_least(band, "0.6.0") is not False,
        tool_result=tool_result,
        none_keeps_tools=at_least(band, "0.13.0") is not False,
        tools_stream=at_least(band, "0.7.2") is not False,
        empty_length_is_full=at_least(band, "0.16.0") is not True,
    )


# Routes of /openapi.json by the release that brought them (sources of the tags named).
_ROUTE_SINCE = {
    "/terminate": "0.9.0",
    "/distserve/engine_info": "0.9.0",
    "/pooling": "0.9.1",
    "/sleep": "0.10.0",
    "/wakeup": "0.10.0",
    "/generate": "0.10.2",
    "/abort_request": "0.11.0",
    "/is_sleeping": "0.11.0",
    "/v1/messages": "0.13.0",
    "/v1/messages/count_tokens": "0.13.0",
    "/v1/responses": "0.14.0",
    "/get_ppl": "0.14.0",
    "/update_weights_from_ipc": "0.17.0",  # in 0.18.0, not in 0.16.0
}
_ROUTE_UNTIL = {"/v1/chat/interactive": "0.15.0", "/v1/chat/completions_qos": "0.5.3", "/v1/completions_qos": "0.5.3"}
_CHAT_ROUTE = "/v1/chat/completions"

_METRIC_SINCE = {
    "num_requests_succeeded": "0.13.0",
    "prefix_cache_hit_rate": "0.14.0",
    "gpu_cache_usage_perc": "0.9.2",
}
_METRIC_UNTIL = {"num_requests_finished": "0.12.2", "num_requests_unfinished": "0.12.2"}


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a probe saw that tells the release. Empty and None mean "not seen", which proves nothing.

    ``metric_names`` come without the ``lmdeploy:`` prefix. ``answering`` and ``missing`` are routes that answered or
    gave 404 when asked directly (servers started with --disable-fastapi-docs)."""

    paths: frozenset[str] = frozenset()
    metric_names: frozenset[str] = frozenset()
    health_is_json: bool | None = None
    answering: frozenset[str] = frozenset()
    missing: frozenset[str] = frozenset()


def band_from(evidence: Evidence) -> Band | None:
    """The releases that fit what was seen; None when nothing was seen. What is there counts more than what is missing:
    an absence that contradicts it is ignored."""
    since, until = list(_since(evidence)), list(_until(evidence))
    absent_until, absent_since = list(_until_by_absence(evidence)), list(_since_by_absence(evidence))
    if not (since or until or absent_until or absent_since):
        return None
    low = max(since, key=_key, default=RELEASES[0])
    high = min(until, key=_key, default=NEWEST)
    high = min([high, *(item for item in absent_until if _key(item) >= _key(low))], key=_key)
    low = max([low, *(item for item in absent_since if _key(item) <= _key(high))], key=_key)
    return (low, high) if _key(low) <= _key(high) else (low, low)


def _since(evidence: Evidence) -> Iterable[str]:
    for route in evidence.paths | evidence.answering:
        if route in _ROUTE_SINCE:
            yield _ROUTE_SINCE[route]
    for name in evidence.metric_names:
        if name in _METRIC_SINCE:
            yield _METRIC_SINCE[name]
    if evidence.health_is_json:
        yield "0.14.0"


def _until(evidence: Evidence) -> Iterable[str]:
    for route in evidence.paths:
        if route in _ROUTE_UNTIL:
            yield _ROUTE_UNTIL[route]
    for name in evidence.metric_names:
        if name in _METRIC_UNTIL:
            yield _METRIC_UNTIL[name]
    if evidence.health_is_json is False:
        yield before("0.14.0")


def _until_by_absence(evidence: Evidence) -> Iterable[str]:
    documented = _CHAT_ROUTE in evidence.paths
    for route, since in _ROUTE_SINCE.items():
        if (documented and route not in evidence.paths | evidence.answering) or route in evidence.missing:
            yield before(since)
    if "num_requests_succeeded" in evidence.metric_names and "prefix_cache_hit_rate" not in evidence.metric_names:
        yield before("0.14.0")


def _since_by_absence(evidence: Evidence) -> Iterable[str]:
    if _CHAT_ROUTE in evidence.paths:
        for route, until in _ROUTE_UNTIL.items():
            if route not in evidence.paths:
                yield after(until)


def after(version: str) -> str:
    """The release after ``version`` in the list of landmarks; the newest one stays itself."""
    return next((release for release in RELEASES if _key(release) > _key(version)), NEWEST)


def before(version: str) -> str:
    """The release before ``version`` in the list of landmarks; the oldest one stays itself."""
    key = _key(version)
    older = [first for first, second in pairwise(RELEASES) if _key(second) <= key]
    return older[-1] if older else RELEASES[0]
