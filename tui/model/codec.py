"""Events and messages as JSON and back: for the recorder, ``lmdeck ask --events``, the store and exports.

A dataclass becomes an object with its class name under ``type``; enums become their value, tuples lists, datetimes
ISO text. The reader knows the classes of :mod:`tui.model` by name and ignores fields that it does not know, so that
an older lmdeck can read a newer recording.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from functools import cache
from typing import Any

from tui.model import events, gpu, launch, memory, message, monitor, problem, request, sampling, server, tool, turn


@cache
def _classes() -> dict[str, type]:
    modules = (problem, message, events, gpu, launch, memory, monitor, request, sampling, server, tool, turn)
    return {
        name: item
        for module in modules
        for name, item in vars(module).items()
        if isinstance(item, type) and dataclasses.is_dataclass(item) and item.__module__ == module.__name__
    }


def to_json(value: Any) -> Any:
    """JSON-ready data for a dataclass of :mod:`tui.model`, or for plain data that holds some.

    Raises TypeError for anything else."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {field.name: to_json(getattr(value, field.name)) for field in dataclasses.fields(value)}
        return {"type": type(value).__name__, **fields}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(key): to_json(item) for key, item in typing.cast("Mapping[Any, Any]", value).items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        items = typing.cast("list[Any]", value)
        return [to_json(item) for item in (sorted(items) if isinstance(value, (set, frozenset)) else items)]
    if value is None or isinstance(value, (str, int, float, bool)):
        return value
    raise TypeError(f"cannot encode {type(value).__name__}")


def from_json(data: Any) -> Any:
    """The dataclass that :func:`to_json` made ``data`` from. Raises ValueError when it is not one that we know."""
    if not isinstance(data, dict) or not isinstance(name := typing.cast("dict[str, Any]", data).get("type"), str):
        raise ValueError("not an encoded dataclass")
    cls = _classes().get(name)
    if cls is None:
        raise ValueError(f"unknown type {name!r}")
    return _build(cls, typing.cast("dict[str, Any]", data))


def _build(cls: type, data: dict[str, Any]) -> Any:
    hints = _hints(cls)
    known = {field.name for field in dataclasses.fields(cls)}
    try:
        return cls(**{key: _coerce(hints[key], item) for key, item in data.items() if key in known})
    except (TypeError, AttributeError, KeyError) as error:
        raise ValueError(f"bad {cls.__name__}: {error}") from error


@cache
def _hints(cls: type) -> dict[str, Any]:
    return typing.get_type_hints(cls)


def _coerce(hint: Any, value: Any) -> Any:
    """Turn JSON data into what a field of type ``hint`` holds."""
    origin = typing.get_origin(hint)
    if value is None:
        return None
    if origin in (types.UnionType, typing.Union):
        return _coerce_union(typing.get_args(hint), value)
    if origin is tuple:
        return _coerce_tuple(typing.get_args(hint), value)
    if origin is frozenset:
        return frozenset(value)
    return _coerce_class(hint, value) if isinstance(hint, type) else value


def _coerce_union(arguments: tuple[Any, ...], value: Any) -> Any:
    # Plain data may have a "type" of its own: response_format is {"type": "json_object"}.
    if isinstance(value, dict) and "type" in value and any(dataclasses.is_dataclass(item) for item in arguments):
        return from_json(value)
    return _coerce(next(item for item in arguments if item is not type(None)), value)


def _coerce_tuple(arguments: tuple[Any, ...], value: list[Any]) -> tuple[Any, ...]:
    if arguments[-1] is Ellipsis:
        return tuple(_coerce(arguments[0], item) for item in value)
    return tuple(_coerce(kind, item) for kind, item in zip(arguments, value, strict=True))


def _coerce_class(cls: type, value: Any) -> Any:
    if dataclasses.is_dataclass(cls):
        return _build(cls, value)
    if issubclass(cls, Enum):
        return cls(value)
    return datetime.fromisoformat(value) if cls is datetime else value
