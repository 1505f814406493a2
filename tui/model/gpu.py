"""GPU samples: what a card says about itself at one moment. All sizes in bytes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from tui.model.problem import Problem


@dataclass(frozen=True, slots=True)
class GpuProcess:
    """A process that holds memory on a card. ``used`` is None where the driver does not say;
    ``visible`` is False when the id belongs to another process namespace (containers)."""

    pid: int
    used: int | None
    visible: bool = True


@dataclass(frozen=True, slots=True)
class GpuSample:
    """One card at one moment. A figure that could not be read is None and ``errors[figure]`` says why.

    ``used`` excludes the driver's reserve when ``reserved`` is known (NVML memory v2) and includes it otherwise.
    ``utilisation`` is percent, ``temperature`` °C, ``power`` W.
    """

    index: int
    name: str
    total: int | None
    used: int | None
    free: int | None
    reserved: int | None = None
    uuid: str = ""
    utilisation: int | None = None
    temperature: int | None = None
    power: float | None = None
    processes: tuple[GpuProcess, ...] | None = None
    errors: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class GpuReading:
    """All cards of a machine at one moment. ``time`` is UTC seconds since the epoch; ``source`` names where the memory
    figures come from (nvml, vgpu-smi, nvidia-smi, simulated, none); ``raw`` is that tool's own line, for display."""

    time: float
    samples: tuple[GpuSample, ...]
    source: str
    raw: str = ""
    driver: str = ""
    problem: Problem | None = None


class GpuSource(Protocol):
    """Whoever can sample GPUs. ``readings`` ends when ``aclose`` was called; it never raises for a failing card."""

    def readings(self) -> AsyncIterator[GpuReading]: ...

    def set_interval(self, seconds: float | None) -> None:
        """Sample every so many seconds from now on; None pauses."""
        ...

    async def aclose(self) -> None: ...
