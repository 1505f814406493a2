"""Where a card's memory went. All sizes in bytes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Source(Enum):
    """Where a figure comes from, best first; every figure on screen shows it."""

    MEASURED = "measured"
    SERVER_LOG = "server log"
    CHECKPOINT = "checkpoint"
    METRICS = "metrics"
    COMMAND_LINE = "command line"
    ESTIMATED = "estimated"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Figure:
    """A size with its source. ``bytes`` is None when unknown (never shown as 0); ``margin`` is ± bytes."""

    bytes: int | None
    source: Source
    margin: int = 0
    explanation: str = ""


@dataclass(frozen=True, slots=True)
class KvOccupancy:
    """How much of the reserved kv cache is in use: a fraction 0…1 with the age of the sample in seconds."""

    fraction: float
    source: Source
    age: float = 0.0
    tokens: int | None = None
    capacity_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class ServerSetup:
    """How the server was started, as far as that was found out; "" and None: not found out.

    ``command`` are the words that start it, without its keys. ``weight_format`` is the checkpoint's (``awq``, ``bf16``
    …) and ``weight_bits`` what one packed weight takes; ``ratio`` is --cache-max-entry-count; ``version`` lmdeploy's.
    ``told`` when only the user said so."""

    model: str = ""
    engine: str = ""
    version: str = ""
    weight_format: str = ""
    weight_bits: int | None = None
    quant_policy: int | None = None
    ratio: float | None = None
    session_len: int | None = None
    tp: int = 1
    command: tuple[str, ...] = ()
    started: float | None = None
    simulated: bool = False
    told: bool = False


@dataclass(frozen=True, slots=True)
class Witness:
    """What others said when a split was taken, verbatim; empty where it could not be had.

    ``gpu_line`` is a line of ``gpu_tool`` (studio-smi, vgpu-smi, nvidia-smi) at ``gpu_time`` (UTC seconds),
    ``access_line`` the newest one about a chat in the server's own log."""

    gpu_line: str = ""
    gpu_tool: str = ""
    gpu_time: float = 0.0
    access_line: str = ""
    setup: ServerSetup | None = None


@dataclass(frozen=True, slots=True)
class MemoryBreakdown:
    """The split of one card. Known parts add up to ``total``:
    weights + kv_cache + other + other_processes + driver_reserve + free = total.

    ``witness`` is kept with the split of a turn; while it is only shown there is none."""

    card: int
    name: str
    total: Figure
    weights: Figure
    kv_cache: Figure
    other: Figure
    other_processes: Figure
    driver_reserve: Figure
    free: Figure
    occupancy: KvOccupancy | None = None
    other_includes_foreign: bool = False
    time: float = 0.0
    witness: Witness | None = None
