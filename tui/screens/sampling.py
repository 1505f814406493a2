"""Sampling parameters as people write them: the fields of the form and of /sampling, presets."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

from tui.config.settings import SamplingSettings, Settings
from tui.config.settings_options import options_of
from tui.i18n import N_, _
from tui.lmdeploy.dialects import dialect_for
from tui.model.request import Sampling

if TYPE_CHECKING:
    from tui.config.profiles import Profile
    from tui.model.server import ServerFacts


def _number(low: float, high: float) -> Callable[[str], float]:
    def read(text: str) -> float:
        value = float(text)
        if not low <= value <= high:
            raise ValueError(text)
        return value

    return read


def _whole(low: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        value = int(text)
        if value < low:
            raise ValueError(text)
        return value

    return read


def _object(text: str) -> dict[str, Any]:
    data = json.loads(text)
    if not isinstance(data, dict):
        raise ValueError(text)
    return cast("dict[str, Any]", data)


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split("|") if word.strip())


@dataclass(frozen=True, slots=True)
class Field:
    """A sampling parameter: its name, what may be written, and how it is read."""

    name: str
    rule: str
    read: Callable[[str], object]


FIELDS = (
    Field("temperature", N_("0 to 2"), _number(0, 2)),
    Field("top_p", N_("above 0, up to 1"), _number(1e-6, 1)),
    Field("top_k", N_("a whole number, 0 or more"), _whole(0)),
    Field("min_p", N_("0 to 1"), _number(0, 1)),
    Field("repetition_penalty", N_("above 0, 1 means none"), _number(1e-6, 10)),
    Field("max_tokens", N_("a whole number, 1 or more"), _whole(1)),
    Field("stop", N_("strings, with | between them"), _words),
    Field("seed", N_("a whole number"), _whole(0)),
    Field("chat_template_kwargs", N_("a JSON object"), _object),
    Field("response_format", N_("a JSON object"), _object),
    Field("extra", N_("a JSON object with any further fields"), _object),
)


FIELD_NAMES = tuple(field.name for field in FIELDS)
PRESET_FIELDS = frozenset(options_of(SamplingSettings))
# What servers of 0.5.3 do not know (tui.lmdeploy.dialects: modern_sampling).
_NEWER = frozenset({"min_p", "seed", "response_format"})


def supported(facts: ServerFacts | None) -> tuple[Field, ...]:
    """The fields that a server surely takes or may take; those that its release does not know are left out."""
    if facts is None or dialect_for(facts.version_band).modern_sampling:
        return FIELDS
    return tuple(field for field in FIELDS if field.name not in _NEWER)


@dataclass(frozen=True, slots=True)
class Preset:
    """Sampling parameters with a name; the rest of the form stays as it is."""

    name: str
    sampling: Sampling


def presets(settings: Settings, profiles: Iterable[Profile] = ()) -> tuple[Preset, ...]:
    """The server's own defaults, two usual ways, what the settings hold, what the profiles hold."""
    found = [
        Preset(_("The server's defaults"), Sampling()),
        Preset(_("Exact: the likeliest words"), Sampling(temperature=0.0, seed=0)),
        Preset(_("Inventive"), Sampling(temperature=1.0, top_p=0.95)),
    ]
    own = settings.sampling.to_sampling()
    if own != Sampling():
        found.append(Preset(_("From the settings"), own))
    theirs = [profile for profile in profiles if profile.sampling != Sampling()]
    found += [Preset(_("Profile {name}").format(name=profile.name), profile.sampling) for profile in theirs]
    return tuple(found)


def kept_values(sampling: Sampling) -> dict[str, Any]:
    """What the settings file keeps of sampling parameters: dotted name → value, None for what is not set."""
    values = {f"sampling.{name}": getattr(sampling, name) for name in options_of(SamplingSettings)}
    return {name: None if value == () else value for name, value in values.items()}


def as_text(sampling: Sampling, name: str) -> str:
    """A field's value as it is written in the form; empty when it is not sent."""
    value: object = getattr(sampling, name)
    if value is None or value in ((), {}):
        return ""
    if isinstance(value, tuple):
        return " | ".join(cast("tuple[str, ...]", value))
    return json.dumps(value, ensure_ascii=False) if isinstance(value, Mapping) else str(value)


def read_field(sampling: Sampling, name: str, text: str) -> Sampling:
    """``sampling`` with one field read from the form. Raises ValueError when the text does not fit."""
    field = next(item for item in FIELDS if item.name == name)
    value = field.read(text.strip()) if text.strip() else getattr(Sampling(), name)
    return replace(sampling, **{name: value})
