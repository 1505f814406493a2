"""Schemas as people write them → schemas that servers and validators take.

The course's script writes ``"type": "int"``: lmdeploy takes it, JSON Schema has no such type, and a server that forces
calls by grammar refuses it. Such words are corrected, and the user is told.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

_TYPES = {
    "int": "integer", "long": "integer", "int32": "integer", "int64": "integer", "uint": "integer",
    "float": "number", "double": "number", "decimal": "number", "num": "number",
    "str": "string", "text": "string", "char": "string", "varchar": "string",
    "bool": "boolean", "list": "array", "tuple": "array", "set": "array",
    "dict": "object", "map": "object", "none": "null", "nonetype": "null",
}  # fmt: skip
_KNOWN = frozenset(("string", "number", "integer", "boolean", "object", "array", "null"))
_DEEPEST = 60


class SchemaError(ValueError):
    """A schema that cannot be offered; the text says why."""


def fixed_schema(schema: object) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The schema with the type names that JSON Schema has, and what was corrected (``"int → integer"``, each once).

    A schema without properties, or none at all, becomes an empty object. Raises SchemaError for one that is no
    object, that is nested without end, or that no validator takes."""
    if schema is None:
        schema = {}
    if not isinstance(schema, Mapping):
        raise SchemaError("it is not an object")
    corrections: dict[str, None] = {}
    result = cast("dict[str, Any]", _fixed(cast("Mapping[str, Any]", schema), corrections, 0, is_schema=True))
    result.setdefault("type", "object")
    if result["type"] != "object":
        raise SchemaError(f"its type is {result['type']!r} and must be object")
    result.setdefault("properties", {})
    _check(result)
    return result, tuple(corrections)


def _check(schema: dict[str, Any]) -> None:
    import jsonschema
    from jsonschema.validators import validator_for

    validator: Any = validator_for(schema, default=jsonschema.Draft202012Validator)
    try:
        validator.check_schema(schema)
    except jsonschema.SchemaError as error:
        raise SchemaError(error.message[:300]) from error
    except RecursionError as error:
        raise SchemaError("it is nested too deeply") from error


def _fixed(node: object, corrections: dict[str, None], depth: int, *, is_schema: bool) -> object:
    """``is_schema`` is False for a table of names (properties, definitions), whose keys mean nothing themselves."""
    if depth > _DEEPEST:
        raise SchemaError("it is nested too deeply")
    if isinstance(node, (list, tuple)):
        return [_fixed(item, corrections, depth + 1, is_schema=True) for item in cast("list[object]", node)]
    if not isinstance(node, Mapping):
        return node
    made: dict[str, object] = {}
    for key, value in cast("Mapping[str, object]", node).items():
        if is_schema and key == "type":
            _fix_type(made, value, corrections)
        elif is_schema and key in ("enum", "const", "default", "examples", "required"):
            made[key] = value
        else:
            inner = not (is_schema and key in ("properties", "$defs", "definitions", "patternProperties"))
            made[key] = _fixed(value, corrections, depth + 1, is_schema=inner)
    return made


def _fix_type(made: dict[str, object], value: object, corrections: dict[str, None]) -> None:
    if isinstance(value, str):
        if value.lower() == "any":
            corrections["any"] = None
            return
        made["type"] = _fixed_type(value, corrections)
    elif isinstance(value, (list, tuple)):
        made["type"] = [_fixed_type(str(item), corrections) for item in cast("list[object]", value)]
    elif value is not None:
        made["type"] = value


def _fixed_type(name: str, corrections: dict[str, None]) -> str:
    better = name if name in _KNOWN else _TYPES.get(name.lower(), name.lower() if name.lower() in _KNOWN else name)
    if better != name:
        corrections[f"{name} → {better}"] = None
    return better
