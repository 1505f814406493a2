"""What is around lmdeck when it starts: servers, installations, cards, hosts, profiles, the last conversation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tui.model.message import ConversationInfo
from tui.model.problem import Problem

Place = Literal["path", "environment", "conda", "settings"]


@dataclass(frozen=True, slots=True)
class FoundServer:
    """An lmdeploy server that listens here. ``answers`` is False for one whose process is there but which does not
    answer (yet): it is loading its model, or asks for an API key (``needs_key``)."""

    url: str
    models: tuple[str, ...] = ()
    answers: bool = True
    needs_key: bool = False
    simulated: bool = False
    pid: int | None = None
    model_path: str = ""


@dataclass(frozen=True, slots=True)
class FoundLmdeploy:
    """An installation of lmdeploy. ``command`` is its executable, ``root`` the environment it is in; ``version`` is
    read from the dist-info folder and empty where there is none."""

    command: str
    root: str
    version: str = ""
    place: Place = "path"


@dataclass(frozen=True, slots=True)
class FoundCard:
    """A GPU of this machine; bytes."""

    index: int
    name: str
    total: int | None
    free: int | None


@dataclass(frozen=True, slots=True)
class FoundHost:
    """A machine that ~/.ssh/config names. ``shown`` is ``user@host:port`` as far as the file says it."""

    alias: str
    shown: str = ""


@dataclass(frozen=True, slots=True)
class FoundProfile:
    """A profile of the settings file."""

    name: str
    address: str
    model: str = ""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What is known so far. ``searching`` holds the names of the probes that still run."""

    servers: tuple[FoundServer, ...] = ()
    installations: tuple[FoundLmdeploy, ...] = ()
    cards: tuple[FoundCard, ...] = ()
    hosts: tuple[FoundHost, ...] = ()
    profiles: tuple[FoundProfile, ...] = ()
    last: ConversationInfo | None = None
    problems: tuple[Problem, ...] = ()
    searching: frozenset[str] = frozenset()
