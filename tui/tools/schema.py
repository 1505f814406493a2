"""Checking a call's arguments against the tool's JSON Schema. Nothing is ever evaluated or fetched."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# Characters of a validator's message; it quotes the whole value, which may be huge.
_MESSAGE = 300


def check_arguments(arguments: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    """Why the arguments do not fit the schema, in the validator's words (English, for the model); empty when they do.

    A schema that is itself broken is said to be so: the call is not run unchecked."""
    import jsonschema
    from jsonschema import exceptions
    from jsonschema.validators import validator_for
    from referencing import Registry
    from referencing.exceptions import Unresolvable

    # An empty registry: references to other documents must not make the library fetch them.
    registry: Registry[Any] = Registry()
    best_match: Any = vars(exceptions)["best_match"]  # typed as returning an unknown
    validator: Any = validator_for(dict(schema), default=jsonschema.Draft202012Validator)
    try:
        validator.check_schema(dict(schema))
        error: Any = best_match(validator(dict(schema), registry=registry).iter_errors(dict(arguments)))
    except jsonschema.SchemaError as broken:
        return f"the tool's own schema is invalid: {broken.message}"
    except (Unresolvable, RecursionError) as broken:
        return f"the tool's own schema cannot be used: {broken}"
    return _explain(error.message, list(error.absolute_path)) if error is not None else ""


def _explain(message: str, path: list[str | int]) -> str:
    place = "".join(f"[{item}]" if isinstance(item, int) else f".{item}" for item in path).lstrip(".")
    short = message if len(message) <= _MESSAGE else message[: _MESSAGE - 1] + "…"
    return f"{place}: {short}" if place else short
