"""Reducing answers to what must be the same between a real server and the simulated one."""

from __future__ import annotations

import json
import re
from itertools import groupby
from typing import Any

# Values that are compared as they are; other texts and figures only by their type.
_KEPT = {
    "object",
    "role",
    "finish_reason",
    "type",
    "index",
    "owned_by",
    "name",
    "parent",
    "group",
    "organization",
    "code",
}
_DROPPED_HEADERS = {"date", "x-lmdeck-demo", "connection", "keep-alive"}
_KEPT_HEADERS = {"content-type", "vary", "server", "allow", "transfer-encoding"}


def kind(value: Any, key: str = "") -> Any:
    """The value with ids, times, texts and figures replaced by their type; keys stay in their order."""
    if isinstance(value, dict):
        return {name: kind(item, name) for name, item in value.items()}
    if isinstance(value, list):
        kinds = [kind(item) for item in value]
        same = {json.dumps(item) for item in kinds}
        return kinds[:1] if len(same) == 1 and not isinstance(value[0], dict) else kinds
    if key in _KEPT or value is None or isinstance(value, bool):
        return value
    return type(value).__name__


def style(raw: str) -> str:
    """How the JSON is spaced."""
    data = json.loads(raw)
    return (
        "spaced"
        if raw == json.dumps(data)
        else "compact"
        if raw == json.dumps(data, ensure_ascii=False, separators=(",", ":"))
        else "neither"
    )


def events(text: str) -> list[str]:
    """An event stream as its normalised events, neighbours that are equal as one. Empty deltas do not count: whether
    the engine sends one depends on how its steps fall."""
    found: list[str] = []
    for line in text.split("\n"):
        if not line.strip():
            continue
        payload = line.removeprefix("data: ")
        prefix = "data: " if line.startswith("data: ") else ""
        if payload == "[DONE]":
            found.append(line)
            continue
        data = json.loads(payload)
        choice = (data.get("choices") or [{}])[0]
        if choice.get("delta") == {"role": "assistant", "content": ""} and "finish_reason" not in choice:
            continue
        found.append(f"{prefix}{style(payload)} {json.dumps(kind(data))}")
    return [event for event, _ in groupby(found)]


def separators(text: str) -> set[str]:
    """What stands between the events of a stream."""
    return set(re.findall(r"(?<=\})\n+", text))


def calls(text: str) -> list[tuple[str, str]]:
    """Name and arguments of the calls in a stream, put together by index."""
    found: dict[int, list[str]] = {}
    for line in text.split("\n"):
        if not line.startswith("data: {"):
            continue
        for choice in json.loads(line[6:])["choices"]:
            for call in choice.get("delta", {}).get("tool_calls") or []:
                entry = found.setdefault(call["index"], ["", ""])
                entry[0] += call["function"].get("name", "")
                entry[1] += call["function"].get("arguments", "")
    return [(name, arguments) for name, arguments in found.values()]


def headers(given: dict[str, str]) -> dict[str, str]:
    """Header names, and the values that do not depend on the answer."""
    lowered = {name.lower(): value for name, value in given.items()}
    return {
        name: value if name in _KEPT_HEADERS else ""
        for name, value in sorted(lowered.items())
        if name not in _DROPPED_HEADERS
    }


def metric_lines(text: str) -> list[str]:
    """The lines of a /metrics answer without figures, model names and Python's version."""
    text = re.sub(r'model_name="[^"]*"', 'model_name=""', text)
    text = re.sub(r'(major|minor|patchlevel|version)="[^"]*"', r'\1=""', text)
    return [line if line.startswith("#") else line.rpartition(" ")[0] for line in text.splitlines()]
