"""Declaring a setting once: type, default, bounds and explanation on the field of a frozen dataclass.

Everything else is derived from that declaration: the light check at start, pydantic's full one, the environment
variable's name, what ``lmdeck config`` prints and what the settings screen shows.
"""

from __future__ import annotations

import dataclasses
import math
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, TypeVar, cast

T = TypeVar("T")
Kind = Literal["switch", "whole", "number", "text", "list", "choice", "table"]
Fault = Literal["", "switch", "whole", "number", "text", "list", "choice", "table", "range"]

_KINDS: dict[object, Kind] = {bool: "switch", int: "whole", float: "number", str: "text"}
_WORDS = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}
_UNBOUNDED = (-math.inf, math.inf)


@dataclass(frozen=True, slots=True)
class Option:
    """One setting. ``name`` is dotted below a section (``sampling.top_p``); ``explanation`` and ``group`` are marked
    for translation; ``default`` None means "not set", which only an ``optional`` one may be. ``bounds`` are inclusive
    and concern numbers."""

    name: str
    kind: Kind
    default: Any
    explanation: str
    group: str = ""
    choices: tuple[str | int, ...] = ()
    bounds: tuple[float, float] = _UNBOUNDED
    optional: bool = False

    @property
    def variable(self) -> str:
        """The environment variable that overrides the file: ``LMDECK_SAMPLING_TOP_P``."""
        return "LMDECK_" + self.name.replace(".", "_").upper()

    def fault(self, value: object) -> Fault:
        """What is wrong with a value read from TOML: the kind it should have, ``range``, or nothing."""
        if self.kind == "choice":
            good = any(type(value) is type(item) and value == item for item in self.choices)
            return "" if good else "choice"
        if not _is_kind(self.kind, value):
            return self.kind
        if self.kind in ("whole", "number"):
            low, high = self.bounds
            return "" if low <= cast("float", value) <= high else "range"
        return ""

    def normal(self, value: Any) -> Any:
        """A value without fault as the settings hold it: whole numbers become floats, lists become tuples."""
        if self.kind == "number":
            return float(value)
        return tuple(value) if self.kind == "list" else value

    def parse(self, text: str) -> Any:
        """The value that ``text`` means on a command line or in the environment; lists are separated by commas.

        Raises ValueError when it means none of this kind; bounds are not checked here."""
        word = text.strip()
        if self.kind == "switch":
            if word.lower() not in _WORDS:
                raise ValueError(word)
            return _WORDS[word.lower()]
        if self.kind in ("whole", "number"):
            return int(word) if self.kind == "whole" else float(word)
        if self.kind == "choice":
            return next((item for item in self.choices if str(item).lower() == word.lower()), word)
        if self.kind == "list":
            return [item.strip() for item in text.split(",") if item.strip()]
        if self.kind == "table":
            raise ValueError(word)
        return text


def _is_kind(kind: Kind, value: object) -> bool:
    if kind == "switch":
        return isinstance(value, bool)
    if kind == "whole":
        return isinstance(value, int) and not isinstance(value, bool)
    if kind == "number":
        return isinstance(value, (int, float)) and not isinstance(value, bool) and _is_finite(value)
    if kind == "list":
        return isinstance(value, (list, tuple)) and all(isinstance(item, str) for item in cast("list[object]", value))
    return isinstance(value, str if kind == "text" else Mapping)


def _is_finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


def option(
    default: T, explanation: str, *, group: str = "", minimum: float = -math.inf, maximum: float = math.inf
) -> T:
    """A dataclass field with what :class:`Option` needs; ``explanation`` and ``group`` come marked with ``N_``."""
    metadata = {"explanation": explanation, "group": group, "bounds": (minimum, maximum)}
    if isinstance(default, dict):
        return cast("T", dataclasses.field(default_factory=dict[str, Any], metadata=metadata))
    return cast("T", dataclasses.field(default=default, metadata=metadata))


def section(cls: type[T]) -> T:
    """A dataclass field that holds a table of further options, all at their defaults."""
    return cast("T", dataclasses.field(default_factory=cls))


@cache
def options_of(cls: type) -> Mapping[str, Option]:
    """Every option a declaring dataclass has, by dotted name, in the order of declaration."""
    hints = typing.get_type_hints(cls)
    found: dict[str, Option] = {}
    for item in dataclasses.fields(cls):
        hint = hints[item.name]
        if dataclasses.is_dataclass(hint):
            inner = options_of(cast("type", hint)).values()
            found |= {
                f"{item.name}.{one.name}": dataclasses.replace(one, name=f"{item.name}.{one.name}") for one in inner
            }
        elif "explanation" in item.metadata:
            found[item.name] = _option(item, hint)
    return found


def _option(item: dataclasses.Field[Any], hint: Any) -> Option:
    optional = False
    if typing.get_origin(hint) is types.UnionType:
        optional = True
        hint = next(one for one in typing.get_args(hint) if one is not type(None))
    origin = typing.get_origin(hint)
    choices: tuple[str | int, ...] = typing.get_args(hint) if origin is Literal else ()
    kind: Kind = "choice" if choices else "list" if origin is tuple else _KINDS.get(hint, "table")
    default: Any = item.default if item.default is not dataclasses.MISSING else {}
    data = item.metadata
    return Option(item.name, kind, default, data["explanation"], data["group"], choices, data["bounds"], optional)


def build(cls: type[T], values: Mapping[str, Any]) -> T:
    """The declaring dataclass with ``values`` (dotted name → value without fault); the rest at its defaults."""
    options = options_of(cls)
    top: dict[str, Any] = {}
    inner: dict[str, dict[str, Any]] = {}
    for name, value in values.items():
        head, dot, tail = name.partition(".")
        if dot:
            inner.setdefault(head, {})[tail] = value
        else:
            top[name] = options[name].normal(value)
    hints = typing.get_type_hints(cls)
    return cls(**top, **{head: build(hints[head], part) for head, part in inner.items()})


def value_of(settings: object, name: str) -> Any:
    """The value of the option ``name`` (dotted) in an instance of its declaring dataclass."""
    for part in name.split("."):
        settings = getattr(settings, part)
    return settings


def flatten(cls: type, data: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """A TOML table as dotted name → value, and the dotted names in it that ``cls`` does not declare.

    A section that is not a table comes back as a value under its own name among the unknown ones."""
    options = options_of(cls)
    sections = {name.partition(".")[0] for name in options if "." in name}
    known: dict[str, Any] = {}
    unknown: list[str] = []
    for key, value in data.items():
        # A quoted key with a dot in it is one key, not a key in a section.
        pairs = [(f'"{key}"' if "." in key else key, value)]
        if key in sections and isinstance(value, Mapping):
            table = cast("Mapping[str, Any]", value)
            pairs = [(f"{key}.{inner}", item) for inner, item in table.items()]
        for name, item in pairs:
            if name in options:
                known[name] = item
            else:
                unknown.append(name)
    return known, unknown
