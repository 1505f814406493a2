"""Machines over ssh and their servers, as lists show them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tui.model.gpu import GpuSample
from tui.model.problem import Problem
from tui.model.server import LinkPhase, LinkState

Origin = Literal["open", "profile", "config"]
IDLE = LinkState(LinkPhase.IDLE, 0.0)


@dataclass(frozen=True, slots=True)
class ServerThere:
    """A server as its machine lists it. ``model`` is what its command line names, empty for one whose process cannot be
    seen; ``listens`` is False while it loads its model."""

    port: int
    model: str = ""
    pid: int | None = None
    listens: bool = True

    @property
    def name(self) -> str:
        """The model without the folders before it."""
        return self.model.rstrip("/").rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class MachineLine:
    """A machine in the list of connections. ``origin`` says where its name is from, ``detail`` what else is known of
    it there. ``servers`` and ``cards`` are None before it was asked, and ``no_cards`` why there are none. ``ports`` are
    (here on 127.0.0.1, over there)."""

    key: str
    name: str
    origin: Origin
    detail: str = ""
    link: LinkState = IDLE
    servers: tuple[ServerThere, ...] | None = None
    cards: tuple[GpuSample, ...] | None = None
    no_cards: Problem | None = None
    ports: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class FleetLine:
    """A server in the fleet. Bytes; None: not known. ``kv_used`` is a fraction of ``kv_reserved``, ``free`` what its
    cards have left, ``rate`` tokens a second."""

    key: str
    host: str
    port: int
    model: str = ""
    link: LinkState = IDLE
    kv_used: float | None = None
    kv_reserved: int | None = None
    running: int | None = None
    waiting: int | None = None
    rate: float | None = None
    free: int | None = None
