"""An assignment: what a task asks for, step by step, and how its fulfilment is told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from tui.i18n import current_language

StepKind = Literal["quantise", "start", "prompt", "picture"]
RequirementKind = Literal["weights", "kv-cache", "model", "memory-split", "reply", "tools", "evidence", "picture"]


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the walk. ``text`` is what a prompt says."""

    kind: StepKind
    text: str = ""


@dataclass(frozen=True, slots=True)
class Requirement:
    """Something that must be so. ``bits`` of a packed weight; ``policies`` of the kv cache that count; ``contains`` is
    part of the model's name; ``prompt`` is what the reply answers ("": anything); ``names`` are the tools to be
    called. What is not ``required`` is only recommended."""

    kind: RequirementKind
    bits: int = 4
    policies: tuple[int, ...] = (4, 8)
    contains: str = ""
    prompt: str = ""
    names: tuple[str, ...] = ()
    required: bool = True


@dataclass(frozen=True, slots=True)
class Quantising:
    """The ``quantise`` step: the model, the folder the result goes to, more words for ``lmdeploy lite auto_awq``."""

    model: str
    folder: str
    flags: tuple[str, ...] = ()

    @property
    def words(self) -> tuple[str, ...]:
        """What follows ``lmdeploy lite auto_awq``."""
        return (self.model, "--work-dir", self.folder, *self.flags)


@dataclass(frozen=True, slots=True)
class Serving:
    """The ``start`` step: the model and its flags."""

    model: str
    flags: tuple[str, ...] = ()

    @property
    def words(self) -> tuple[str, ...]:
        """What follows ``lmdeploy serve api_server``."""
        return (self.model, *self.flags)


@dataclass(frozen=True, slots=True)
class Assignment:
    """A task. ``titles`` and ``abouts`` are by language; the file's own words are shown as they are. ``source`` is
    where it was read from."""

    id: str
    titles: Mapping[str, str]
    steps: tuple[Step, ...]
    requirements: tuple[Requirement, ...]
    abouts: Mapping[str, str] = field(default_factory=dict[str, str])
    quantising: Quantising | None = None
    serving: Serving | None = None
    source: str = ""

    @property
    def title(self) -> str:
        return _in_language(self.titles) or self.id

    @property
    def about(self) -> str:
        return _in_language(self.abouts)


def _in_language(texts: Mapping[str, str]) -> str:
    """The text in the current language, else in English, else whichever there is."""
    wanted = (current_language(), current_language().partition("-")[0], "en")
    return next((texts[name] for name in wanted if name in texts), next(iter(texts.values()), ""))
