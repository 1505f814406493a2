"""The cards of this machine through NVIDIA's own Python package (nvidia-ml-py, module ``pynvml``).

Everything here blocks and belongs into a thread. The library is opened once and stays open: opening it for every
sample costs seconds on machines whose driver is not kept loaded.
"""

from __future__ import annotations

import importlib
import os
import warnings
from collections.abc import Callable
from time import monotonic
from typing import Any, TypeVar

from tui.model.gpu import GpuProcess, GpuSample
from tui.model.problem import Problem, ProblemError

T = TypeVar("T")
_LISTED_SECONDS = 5.0
"""As long as a card's used memory stays the same, its processes are asked for again only after so long: the list takes
the driver longer than all other figures together, and no process comes or goes without memory."""
_OPENING = {4: "gpu.permission", 9: "gpu.driver", 12: "gpu.library", 18: "gpu.mismatch"}


class NvmlCards:
    """NVML, opened once. ``module`` is for tests; by default pynvml is imported when it is opened."""

    def __init__(self, module: Any = None) -> None:
        self._module = module
        self._handles: dict[int, Any] = {}
        self._names: dict[int, tuple[str, str]] = {}
        self._listed: dict[int, tuple[int, float, tuple[GpuProcess, ...]]] = {}
        self.driver = ""
        self._count = 0

    def open(self) -> None:
        """Load the library. Raises ProblemError with a ``gpu.…`` code that says why it cannot be used."""
        nv = self._module = self._module or _import()
        try:
            nv.nvmlInit()
            self._count = int(nv.nvmlDeviceGetCount())
            self.driver = _text(self._ask(nv.nvmlSystemGetDriverVersion, {}, "driver"))
        except nv.NVMLError as error:
            raise ProblemError(_problem(error)) from error

    def close(self) -> None:
        """Let the library go. Never raises."""
        if self._module is not None and self._count:
            nv = self._module
            self._count = 0
            try:
                nv.nvmlShutdown()
            except nv.NVMLError:
                return

    def sample(self) -> tuple[GpuSample, ...]:
        """Every card now. A card or a call that fails blanks its figures only, with the reason in ``errors``."""
        return tuple(self._card(index) for index in range(self._count))

    def _card(self, index: int) -> GpuSample:
        nv = self._module
        errors: dict[str, str] = {}
        handle = self._handles.get(index)
        if handle is None:
            handle = self._ask(lambda: nv.nvmlDeviceGetHandleByIndex(index), errors, "card")
            if handle is None:
                return GpuSample(index, "", None, None, None, errors=errors)
            self._handles[index] = handle
        name, uuid = self._identity(index, handle)
        total, used, free, reserved = self._memory(handle, errors)
        rates = self._ask(lambda: nv.nvmlDeviceGetUtilizationRates(handle), errors, "utilisation")
        power = self._ask(lambda: nv.nvmlDeviceGetPowerUsage(handle), errors, "power")
        return GpuSample(
            index=index,
            name=name,
            uuid=uuid,
            total=total,
            used=used,
            free=free,
            reserved=reserved,
            utilisation=None if rates is None else int(rates.gpu),
            temperature=self._ask(lambda: int(nv.nvmlDeviceGetTemperature(handle, 0)), errors, "temperature"),
            power=None if power is None else power / 1000,
            processes=self._processes(index, handle, used, errors),
            errors=errors,
        )

    def _identity(self, index: int, handle: Any) -> tuple[str, str]:
        if index not in self._names:
            nv, ignored = self._module, dict[str, str]()
            name = _text(self._ask(lambda: nv.nvmlDeviceGetName(handle), ignored, "name"))
            uuid = _text(self._ask(lambda: nv.nvmlDeviceGetUUID(handle), ignored, "uuid"))
            if not name:
                return "", uuid
            self._names[index] = (name, uuid)
        return self._names[index]

    def _memory(self, handle: Any, errors: dict[str, str]) -> tuple[int | None, int | None, int | None, int | None]:
        """total, used, free, reserved: version 2 first, whose ``used`` leaves the reserve out; then version 1."""
        nv = self._module
        new = self._ask(lambda: nv.nvmlDeviceGetMemoryInfo(handle, version=nv.nvmlMemory_v2), {}, "memory")
        if new is not None:
            return int(new.total), int(new.used), int(new.free), int(new.reserved)
        old = self._ask(lambda: nv.nvmlDeviceGetMemoryInfo(handle), errors, "memory")
        if old is None:
            return None, None, None, None
        return int(old.total), int(old.used), int(old.free), None

    def _processes(
        self, index: int, handle: Any, used: int | None, errors: dict[str, str]
    ) -> tuple[GpuProcess, ...] | None:
        nv, now = self._module, monotonic()
        before, since, known = self._listed.get(index, (None, 0.0, ()))
        if used is not None and used == before and now - since < _LISTED_SECONDS:
            return known
        listed = self._ask(lambda: nv.nvmlDeviceGetComputeRunningProcesses(handle), errors, "processes")
        if listed is None:
            return None
        found = tuple(
            GpuProcess(int(entry.pid), _bytes(entry.usedGpuMemory), os.path.isdir(f"/proc/{int(entry.pid)}"))
            for entry in listed
        )
        if used is not None:
            self._listed[index] = (used, now, found)
        return found

    def _ask(self, call: Callable[[], T], errors: dict[str, str], figure: str) -> T | None:
        nv = self._module
        try:
            return call()
        except nv.NVMLError as error:
            errors[figure] = str(error)
            return None


def _import() -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            module: Any = importlib.import_module("pynvml")
    except ImportError as error:
        raise ProblemError(Problem("gpu.no-module", detail=str(error))) from error
    if not hasattr(module, "nvmlMemory_v2"):
        raise ProblemError(Problem("gpu.wrong-module", {"package": _owner()}, str(getattr(module, "__file__", ""))))
    return module


def _owner() -> str:
    """The installed package that put a pynvml module of another origin here."""
    from importlib.metadata import packages_distributions

    owners = [name for name in packages_distributions().get("pynvml", []) if name != "nvidia-ml-py"]
    return owners[0] if owners else "pynvml"


def _problem(error: Any) -> Problem:
    code = _OPENING.get(int(error.value), "gpu.failed")
    return Problem(code, {"reason": str(error)}, str(error))


def _text(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value or "")


def _bytes(value: object) -> int | None:
    """Memory of a process; None where the driver does not say (WDDM, WSL)."""
    return value if isinstance(value, int) and 0 <= value < 1 << 60 else None
