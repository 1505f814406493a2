"""GPU samples of this machine, taken in one thread of their own.

Memory comes from, in this order: a virtual card's own tool (``vgpu-smi`` in PATH or the file of InternStudio; NVML
shows the whole physical card there, with strangers' processes, so it then gives only temperature and utilisation),
NVML, a repeating nvidia-smi, nothing with the reason.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from tui.agent import SLICE_FILE, parse_slice, run_slice, slice_command
from tui.gpu.nvml import NvmlCards
from tui.gpu.smi import SmiLoop
from tui.model.gpu import GpuReading, GpuSample
from tui.model.problem import Problem, ProblemError

_SLICE_PERIOD = 1.0


class LocalReader:
    """Takes one sample after the other; blocks. ``total`` is a card size set by the user, in bytes."""

    def __init__(self, slice_file: str = SLICE_FILE, total: int | None = None) -> None:
        self.total = total
        self._slice_file = slice_file
        self._command: list[str] | None = None
        self._nvml: NvmlCards | None = None
        self._smi: SmiLoop | None = None
        self._problem: Problem | None = None
        self._opened = False
        self._slice_text = ""
        self._slice_time = 0.0

    def read(self) -> GpuReading:
        """All cards now. Never raises for a failing card."""
        if not self._opened:
            self._open()
        samples, source, problem = self._physical()
        raw = ""
        if self._command is not None:
            slices = self._slices()
            raw = "\n".join(line for _, _, line in slices)
            if slices:
                samples, source, problem = _with_slices(samples, slices), "vgpu-smi", None
            else:
                problem = Problem("gpu.slice", {"tool": self._command[-1]}, self._slice_text[:300])
        if self.total is not None:
            samples = tuple(with_total(sample, self.total) for sample in samples)
        driver = self._nvml.driver if self._nvml else ""
        return GpuReading(time.time(), samples, source, raw=raw, driver=driver, problem=problem)

    def close(self) -> None:
        """Let library and processes go."""
        if self._nvml:
            self._nvml.close()
        if self._smi:
            self._smi.close()
        self._opened, self._nvml, self._smi = False, None, None

    def _open(self) -> None:
        self._opened = True
        self._command = slice_command(self._slice_file)
        cards = NvmlCards()
        try:
            cards.open()
            self._nvml, self._problem = cards, None
        except ProblemError as error:
            self._problem = error.problem
            if self._command is None:
                self._smi = SmiLoop.start()

    def _physical(self) -> tuple[tuple[GpuSample, ...], str, Problem | None]:
        if self._nvml:
            return self._nvml.sample(), "nvml", None
        samples = self._smi.sample() if self._smi else ()
        if samples:
            return samples, "nvidia-smi", None
        return (), "none", self._problem

    def _slices(self) -> list[tuple[int, int, str]]:
        """The slice tool is a program of its own: it runs at most once a second."""
        now = time.monotonic()
        if self._command is not None and (not self._slice_text or now - self._slice_time >= _SLICE_PERIOD):
            self._slice_text, self._slice_time = run_slice(self._command), now
        return parse_slice(self._slice_text)


def _with_slices(cards: tuple[GpuSample, ...], found: list[tuple[int, int, str]]) -> tuple[GpuSample, ...]:
    blank = GpuSample(0, "", None, None, None)
    padded = [*cards, *(replace(blank, index=index) for index in range(len(cards), len(found)))]
    return tuple(
        replace(card, total=total, used=used, free=total - used, reserved=None, processes=None)
        for card, (used, total, _) in zip(padded, found, strict=False)
    )


def with_total(sample: GpuSample, total: int) -> GpuSample:
    """A card whose size the user set: what is used stays, the rest is free."""
    free = None if sample.used is None else max(total - sample.used, 0)
    return replace(sample, total=total, reserved=None, free=free)


class LocalGpuSource:
    """A :class:`tui.model.gpu.GpuSource` for this machine. Sampling runs while somebody iterates."""

    def __init__(self, interval: float | None = 1.0, reader: Callable[[], LocalReader] = LocalReader) -> None:
        self._interval = interval
        self._reader = reader()
        self._changed = asyncio.Event()
        self._closed = False
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="lmdeck-gpu")

    def set_interval(self, seconds: float | None) -> None:
        """Sample every so many seconds from now on (at least 0.1); None pauses."""
        self._interval = None if seconds is None else max(seconds, 0.1)
        self._changed.set()

    def set_total(self, total: int | None) -> None:
        """The card's size as the user knows it (a virtual card without a tool); None trusts the driver."""
        self._reader.total = total

    async def readings(self) -> AsyncIterator[GpuReading]:
        """A reading at once, then one an interval, until :meth:`aclose`."""
        loop = asyncio.get_running_loop()
        while not self._closed:
            started = loop.time()
            if self._interval is not None:
                yield await loop.run_in_executor(self._thread, self._reader.read)
            await self._pause(started)

    async def _pause(self, started: float) -> None:
        """Wait for the next sample; a changed interval counts from the last sample on."""
        loop = asyncio.get_running_loop()
        while not self._closed:
            left = None if self._interval is None else started + self._interval - loop.time()
            if left is not None and left <= 0:
                return
            self._changed.clear()
            try:
                # Not wait_for: before 3.12 it may swallow a cancellation that meets the event.
                async with asyncio.timeout(left):
                    await self._changed.wait()
            except TimeoutError:
                return

    async def aclose(self) -> None:
        """End the readings and let the driver go. May be called twice."""
        if self._closed:
            return
        self._closed = True
        self._changed.set()
        await asyncio.get_running_loop().run_in_executor(self._thread, self._reader.close)
        self._thread.shutdown(wait=False)
