"""The full check of the settings by pydantic-settings: file below environment, unknown keys refused.

pydantic takes some 200 ms to import, so nothing here is used before the first frame; the models are made from the
declarations of :mod:`tui.config.settings`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, Literal, cast

from tui.config.settings_options import Option, flatten, options_of
from tui.model.problem import Problem

if TYPE_CHECKING:
    from pydantic import BaseModel

_environment: ContextVar[dict[str, Any]] = ContextVar("_environment")
_ASIDE = {"LMDECK_DATA_DIR", "LMDECK_CONFIG_DIR", "LMDECK_STATE_DIR"}


def nearest(name: str, names: Iterable[str], cutoff: float = 0.6) -> str:
    """The known name that ``name`` was probably meant to be, or an empty text."""
    from difflib import get_close_matches

    found = get_close_matches(name.lower().replace("-", "_"), list(names), 1, cutoff)
    return found[0] if found else ""


@cache
def model_of(cls: type) -> type[BaseModel]:
    """The pydantic model of a declaring dataclass: strict, no unknown keys, every bound, every explanation."""
    from pydantic import ConfigDict, create_model

    fields: dict[str, Any] = {}
    inner: dict[str, dict[str, Any]] = {}
    for name, one in options_of(cls).items():
        head, _dot, tail = name.partition(".")
        if tail:
            inner.setdefault(head, {})[tail] = _field(one)
        else:
            fields[name] = _field(one)
    strict = ConfigDict(extra="forbid", strict=True)
    for head, part in inner.items():
        section = create_model(f"{cls.__name__}_{head}", __config__=strict, **part)
        fields[head] = (section, section())
    return create_model(cls.__name__, __config__=strict, **fields)


def _field(one: Option) -> tuple[Any, Any]:
    from pydantic import BeforeValidator, Field

    def chosen(value: object) -> object:
        if one.fault(value):
            raise ValueError(value)
        return value

    hint: Any = {"switch": bool, "whole": int, "number": float, "text": str, "table": dict[str, Any]}.get(one.kind)
    limits: dict[str, Any] = {}
    if one.kind in ("whole", "number"):
        limits = {"ge": one.bounds[0], "le": one.bounds[1]}
        if one.kind == "number":
            limits["allow_inf_nan"] = False
    elif one.kind == "choice":
        hint = Annotated[Literal[one.choices], BeforeValidator(chosen)]  # to pydantic, true is one of 1 and 2
    elif one.kind == "list":
        hint = Annotated[tuple[str, ...], Field(strict=False)]  # TOML has arrays only
    if one.optional:
        hint = hint | None
    return Annotated[hint, Field(description=one.explanation, **limits)], one.default


@cache
def _settings_model(cls: type) -> Any:
    """The model once more as pydantic-settings' own, fed by the file's data (given to it) and the environment's."""
    from pydantic import create_model
    from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

    class Environment(PydanticBaseSettingsSource):
        """Values that :func:`from_environment` has parsed, as nested tables."""

        def get_field_value(self, field: Any, field_name: str) -> tuple[Any, str, bool]:  # noqa: ARG002 (pydantic's)
            return _environment.get().get(field_name), field_name, False

        def __call__(self) -> dict[str, Any]:
            return _environment.get()

    class Base(BaseSettings):
        model_config = SettingsConfigDict(extra="forbid", strict=True)

        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: Any,
            init_settings: Any,
            env_settings: Any,
            dotenv_settings: Any,
            file_secret_settings: Any,
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            del env_settings, dotenv_settings, file_secret_settings  # they give texts, which strict mode refuses
            return (Environment(settings_cls), init_settings)

    fields: Any = {name: (one.annotation, one) for name, one in model_of(cls).model_fields.items()}
    return create_model(cls.__name__, __base__=Base, **fields)


def rejected(cls: type, file: Mapping[str, Any], environment: Mapping[str, Any]) -> set[str]:
    """Dotted names of the values that pydantic refuses, the environment's (dotted name → value) laid over the file's
    (nested tables); unknown names are among them."""
    from pydantic import ValidationError

    token = _environment.set(nest(environment))
    try:
        _settings_model(cls)(**file)
    except ValidationError as error:
        declared = options_of(cls)
        return {_dotted(item["loc"], declared) for item in error.errors(include_url=False, include_input=False)}
    finally:
        _environment.reset(token)
    return set()


def _dotted(location: tuple[int | str, ...], declared: Mapping[str, Option]) -> str:
    """``("tools", 0)`` is the option ``tools``: the longest declared beginning, else the whole location."""
    words = [str(part) for part in location]
    for length in range(len(words), 0, -1):
        if (name := ".".join(words[:length])) in declared:
            return name
    return ".".join(words)


def nest(values: Mapping[str, Any]) -> dict[str, Any]:
    """Dotted names as nested tables."""
    result: dict[str, Any] = {}
    for name, value in values.items():
        head, dot, tail = name.partition(".")
        if dot:
            cast("dict[str, Any]", result.setdefault(head, {}))[tail] = value
        else:
            result[name] = value
    return result


def from_environment(cls: type, environ: Mapping[str, str]) -> tuple[dict[str, Any], list[Problem]]:
    """Values of ``LMDECK_…`` variables by dotted name (an empty variable counts as absent), and what is wrong."""
    values: dict[str, Any] = {}
    problems: list[Problem] = []
    for name, one in options_of(cls).items():
        text = environ.get(one.variable, "")
        if not text:
            continue
        try:
            values[name] = one.parse(text)
        except ValueError:
            problems.append(wrong_value(one, one.kind, one.variable))
    return values, problems


def unknown_variables(cls: type, environ: Mapping[str, str]) -> list[Problem]:
    """Variables that look like a mistyped setting. Others named LMDECK_… are somebody else's and left alone."""
    from difflib import get_close_matches

    known = {one.variable for one in options_of(cls).values()}
    strange = sorted(name for name in set(environ) - known - _ASIDE if name.startswith("LMDECK_"))
    return [
        Problem("config.unknown_variable", {"name": name, "suggestion": close[0]})
        for name in strange
        if (close := get_close_matches(name, known, 1, 0.88))
    ]


def wrong_value(one: Option, fault: str, where: str) -> Problem:
    """The sentence for a value that option ``one`` cannot have; ``where`` is ``path:line`` or a variable's name."""
    data: dict[str, str | int | float] = {"where": where, "name": one.name}
    if fault == "choice":
        data["choices"] = ", ".join(str(item) for item in one.choices)
    if fault == "range":
        low, high = one.bounds
        data |= {"minimum": f"{low:,.15g}", "maximum": f"{high:,.15g}"}
    return Problem(f"config.not_{fault}" if fault != "range" else "config.out_of_range", data)


def unknown_key(
    name: str, cls: type, where: str, *, top_level: Iterable[str] = (), tables: Iterable[str] = ()
) -> Problem:
    """The sentence for a key that is not declared; with a suggestion where one is near.

    ``top_level`` names belong at the top of the file: a key of that name in a table was put there by accident.
    ``tables`` may stand beside what ``cls`` declares."""
    section, _dot, last = name.rpartition(".")
    if section and last in top_level:
        return Problem("config.wrong_place", {"where": where, "name": last, "table": section})
    before = f"{section}." if section else ""
    inside = {one.removeprefix(before).partition(".")[0] for one in options_of(cls) if one.startswith(before)}
    close = nearest(last, inside if section else inside.union(tables))
    suggestion = before + close if close else ""
    code = "config.unknown_key_like" if suggestion else "config.unknown_key"
    return Problem(code, {"where": where, "name": name, "suggestion": suggestion})


def good_values(cls: type, data: Mapping[str, Any]) -> dict[str, Any]:
    """The light check: declared, without fault, normal; by dotted name. What is wrong is left out silently."""
    options = options_of(cls)
    known, _unknown = flatten(cls, data)
    return {name: value for name, value in known.items() if not options[name].fault(value)}
