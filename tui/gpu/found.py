"""Servers found on a machine: process, ports, flags, model folder; from what the agent read there or here."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from tui import agent
from tui.lmdeploy.options import ServerCommand, find_server, parse_options


@dataclass(frozen=True, slots=True)
class FoundServer:
    """An lmdeploy api_server seen in the process list. ``pids`` holds its children and Ray workers too;
    ``model_folder`` is "" when the model is a hub name; ``cards`` are the indices CUDA_VISIBLE_DEVICES leaves, None for
    all (or when it names cards otherwise)."""

    pid: int
    pids: frozenset[int]
    ports: tuple[int, ...]
    command: ServerCommand
    model_folder: str = ""
    cards: tuple[int, ...] | None = None
    environment: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def port(self) -> int:
        """Where it answers (or will, once it has started)."""
        return self.ports[0] if self.ports else self.command.count("server_port", 23333)

    @property
    def engine(self) -> str:
        """As its command line asks; lmdeploy may fall back to pytorch by itself."""
        return self.command.text("backend", "turbomind")


def find_servers() -> list[FoundServer]:
    """Every lmdeploy server on this machine whose process this user may see. Blocks for some milliseconds."""
    return [server_from(entry) for entry in agent.servers()]


def server_from(entry: Mapping[str, Any]) -> FoundServer:
    """From one entry of the agent's ``servers`` answer."""
    arguments = [str(part) for part in cast("Sequence[object]", entry.get("arguments") or ())]
    command = parse_options(find_server(arguments) or ())
    environment = {
        str(key): str(value) for key, value in cast("dict[str, object]", entry.get("environment") or {}).items()
    }
    ports = tuple(int(port) for port in cast("Sequence[int]", entry.get("ports") or ()))
    wanted = command.count("server_port", 23333)
    return FoundServer(
        pid=int(entry["pid"]),
        pids=frozenset(int(pid) for pid in cast("Sequence[int]", entry.get("pids") or (entry["pid"],))),
        ports=tuple(sorted(ports, key=lambda port: (port != wanted, port))),
        command=command,
        model_folder=_folder(command.model, str(entry.get("folder") or "")),
        cards=_cards(environment.get("CUDA_VISIBLE_DEVICES")),
        environment=environment,
    )


def _folder(model: str, working: str) -> str:
    """The model's folder when it is a path; a hub name such as ``internlm/internlm2_5-7b-chat`` exists nowhere here."""
    path = os.path.join(working, os.path.expanduser(model)) if model else ""
    return path if os.path.isabs(model) or model.startswith((".", "~")) or (path and os.path.isdir(path)) else ""


def _cards(visible: str | None) -> tuple[int, ...] | None:
    if not visible:
        return None
    parts = [part.strip() for part in visible.split(",")]
    return tuple(int(part) for part in parts) if all(part.isdigit() for part in parts) else None
