"""Example values for JSON schemas: the arguments of an unknown tool, and answers in a wanted format."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

_PLAIN: Mapping[str, Any] = {"integer": 42, "number": 4.2, "string": "demo", "boolean": True, "null": None}
_DEPTH = 8


def example(schema: Mapping[str, Any], depth: int = 0) -> Any:
    """A value that fits a simple schema: const, enum, the first alternative, objects with all their properties,
    arrays with one item (or as many as ``minItems`` asks for)."""
    if "const" in schema:
        return schema["const"]
    if isinstance(choices := schema.get("enum"), list) and choices:
        return cast("list[Any]", choices)[0]
    for alternatives in ("anyOf", "oneOf"):
        if isinstance(given := schema.get(alternatives), list) and given and depth < _DEPTH:
            return example(cast("list[Mapping[str, Any]]", given)[0], depth + 1)
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = cast("list[Any]", kind)[0] if kind else None
    if kind == "array":
        items = schema.get("items")
        inner = cast("Mapping[str, Any]", items) if isinstance(items, Mapping) else {"type": "integer"}
        count = max(int(schema.get("minItems", 1)), 1)
        return [example(inner, depth + 1) for _ in range(min(count, 100))] if depth < _DEPTH else []
    if isinstance(kind, str) and kind in _PLAIN:
        return (
            max(_PLAIN[kind], schema["minimum"])
            if kind in ("integer", "number") and "minimum" in schema
            else _PLAIN[kind]
        )
    return _object(schema, depth)


def _object(schema: Mapping[str, Any], depth: int) -> dict[str, Any]:
    properties = schema.get("properties")
    if not isinstance(properties, Mapping) or depth >= _DEPTH:
        return {}
    given = cast("Mapping[str, Any]", properties)
    return {
        name: example(cast("Mapping[str, Any]", inner) if isinstance(inner, Mapping) else {}, depth + 1)
        for name, inner in given.items()
    }
