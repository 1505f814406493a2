"""From a Python function to a tool: its signature and docstring become a JSON Schema (with pydantic).

Runs in the process that runs the function; nothing of a user's file is ever imported into the app.
"""

from __future__ import annotations

import inspect
import re
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from pydantic import BaseModel, ConfigDict, Field, create_model
from pydantic.errors import PydanticInvalidForJsonSchema, PydanticSchemaGenerationError, PydanticUserError

Json = dict[str, Any]


class SignatureError(Exception):
    """A function that cannot be offered to a model; the text says why."""


@dataclass(frozen=True)
class FunctionTool:
    """A function with the model of its arguments."""

    function: Callable[..., Any]
    model: type[BaseModel]
    positional: tuple[str, ...]
    names: Mapping[str, str]
    spec: Json

    def bind(self, arguments: Mapping[str, Any]) -> tuple[list[Any], dict[str, Any]]:
        """The arguments as the function wants them: enums, dataclasses and defaults made. Raises ValidationError."""
        made = self.model.model_validate(dict(arguments))
        values = {parameter: getattr(made, field) for parameter, field in self.names.items()}
        return [values.pop(name) for name in self.positional], values


def function_tool(function: Callable[..., Any]) -> FunctionTool:
    """Raises SignatureError."""
    summary, about = read_docstring(inspect.getdoc(function) or "")
    try:
        hints = typing.get_type_hints(function, include_extras=True)
    except Exception as error:
        raise SignatureError(f"its type hints cannot be read: {error}") from error
    fields: Json = {}
    names: dict[str, str] = {}
    positional: list[str] = []
    for name, parameter in inspect.signature(function).parameters.items():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            raise SignatureError(f"it takes *{name}, and a model needs to know every argument by name")
        if parameter.kind is parameter.POSITIONAL_ONLY:
            positional.append(name)
        field = f"field_{len(fields)}"  # a parameter may be called like something of pydantic's own
        names[name] = field
        default: Any = ... if parameter.default is parameter.empty else parameter.default
        described: Json = {"description": about[name]} if name in about else {}
        fields[field] = (hints.get(name, Any), Field(default, alias=name, **described))
    model, schema = _model(function.__name__, fields)
    spec: Json = {"name": function.__name__, "description": summary, "parameters": tidy(schema)}
    return FunctionTool(function, model, tuple(positional), names, spec)


def _model(name: str, fields: Json) -> tuple[type[BaseModel], Json]:
    config = ConfigDict(arbitrary_types_allowed=False, extra="forbid")
    try:
        model = create_model(name, __config__=config, **fields)
        return model, model.model_json_schema(mode="validation")
    except (PydanticSchemaGenerationError, PydanticInvalidForJsonSchema, PydanticUserError) as error:
        reason = str(error).partition("\n")[0]
        raise SignatureError(f"one of its types cannot come from a model: {reason}") from error


_PARAMETER = re.compile(r"^(?P<indent>\s*)\*{0,2}(?P<name>\w+)\s*(?:\([^)]*\))?\s*:\s*(?P<text>.*)$")
_SPHINX = re.compile(r"^\s*:param\s+(?:[\w\[\], .]+\s+)?(?P<name>\w+)\s*:\s*(?P<text>.*)$")
_NUMPY = re.compile(r"^(?P<name>\w+)\s*(?::.*)?$")
_GOOGLE_HEADS = ("args:", "arguments:", "parameters:", "参数:", "参数：")
_OTHER_HEADS = re.compile(
    r"^(returns?|raises|yields?|examples?|notes?|see also|返回|异常|示例)\s*[:：]\s*$", re.IGNORECASE
)


def read_docstring(text: str) -> tuple[str, dict[str, str]]:
    """The description of a function and those of its parameters: Google's, Sphinx' and NumPy's style."""
    about: dict[str, str] = {}
    kept: list[str] = []
    lines = text.splitlines()
    place = 0
    while place < len(lines):
        line = lines[place]
        underlined = place + 1 < len(lines) and re.fullmatch(r"\s*-{3,}\s*", lines[place + 1]) is not None
        if line.strip().lower() in _GOOGLE_HEADS:
            place = _google(lines, place + 1, about)
        elif underlined:
            place = _numpy(lines, place + 2, about if line.strip().lower() == "parameters" else {})
        elif match := _SPHINX.match(line):
            about[match["name"]] = match["text"].strip()
            place += 1
        elif _OTHER_HEADS.match(line.strip()) or line.strip().startswith((":return", ":raise", ":rtype", ":type")):
            place = _skip_section(lines, place + 1)
        else:
            kept.append(line)
            place += 1
    return "\n".join(kept).strip(), about


def _google(lines: list[str], place: int, about: dict[str, str]) -> int:
    indent = -1
    name = ""
    while place < len(lines):
        line = lines[place]
        if line.strip() and not line[:1].isspace():
            break
        match = _PARAMETER.match(line)
        if match and (indent < 0 or len(match["indent"]) <= indent):
            indent, name = len(match["indent"]), match["name"]
            about[name] = match["text"].strip()
        elif name and line.strip():
            about[name] = f"{about[name]} {line.strip()}".strip()
        place += 1
    return place


def _numpy(lines: list[str], place: int, about: dict[str, str]) -> int:
    name = ""
    while place < len(lines):
        line = lines[place]
        if place + 1 < len(lines) and re.fullmatch(r"\s*-{3,}\s*", lines[place + 1]):
            break
        match = _NUMPY.match(line)
        if match:
            name = match["name"]
            about[name] = ""
        elif name and line.strip():
            about[name] = f"{about[name]} {line.strip()}".strip()
        place += 1
    return place


def _skip_section(lines: list[str], place: int) -> int:
    while place < len(lines) and (not lines[place].strip() or lines[place][:1].isspace()):
        place += 1
    return place


def tidy(schema: Json) -> Json:
    """The schema without titles, with references put in their place where that ends: small models read it better."""
    definitions = cast("Json", schema.get("$defs") or {})
    recursive = {name for name in definitions if name in _reached(definitions, name)}
    result = cast("Json", _inline(schema, definitions, recursive))
    result.pop("$defs", None)
    if used := {name for name in recursive if f"#/$defs/{name}" in repr(result)}:
        result["$defs"] = {name: _inline(definitions[name], definitions, recursive) for name in sorted(used)}
    result.setdefault("properties", {})
    return result


def _reached(definitions: Json, start: str) -> set[str]:
    found: set[str] = set()
    todo = [start]
    while todo:
        for name in re.findall(r"'#/\$defs/([^']+)'", repr(definitions.get(todo.pop()))):
            if name not in found:
                found.add(name)
                todo.append(name)
    return found


def _inline(node: Any, definitions: Json, recursive: set[str]) -> Any:
    if isinstance(node, list):
        return [_inline(item, definitions, recursive) for item in cast("list[Any]", node)]
    if not isinstance(node, dict):
        return node
    fields = dict(cast("Json", node))
    name = str(fields.get("$ref", "")).removeprefix("#/$defs/")
    if name in definitions and name not in recursive:
        rest = {key: value for key, value in fields.items() if key != "$ref"}
        fields = {**cast("Json", definitions[name]), **rest}
    made: Json = {}
    for key, value in fields.items():
        if key == "title" and isinstance(value, str):
            continue
        if key == "properties" and isinstance(value, dict):
            # A property may be called "title".
            inner = cast("Json", value)
            made[key] = {one: _inline(item, definitions, recursive) for one, item in inner.items()}
        else:
            made[key] = _inline(value, definitions, recursive)
    return made
