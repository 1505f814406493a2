"""The simulated GPU as a source of readings, over HTTP."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from typing import cast

from tui.demo.getting import Getter
from tui.model.codec import from_json
from tui.model.gpu import GpuReading
from tui.model.problem import Problem

_TIMEOUT = 5.0


class DemoGpuSource:
    """A :class:`tui.model.gpu.GpuSource` that reads ``url`` (:attr:`tui.demo.process.DemoServer.gpu_url`).

    While the server does not answer, the readings have no samples and the problem ``demo.gpu-unreachable``.
    """

    def __init__(self, url: str, interval: float | None = 0.5) -> None:
        self._url = url
        self._interval = interval
        self._changed = asyncio.Event()
        self._closed = False

    async def readings(self) -> AsyncIterator[GpuReading]:
        """A reading at once, then one every interval, until :meth:`aclose`."""
        getter = Getter(f"{self._url}?count=1", _TIMEOUT)
        try:
            while not self._closed:
                if self._interval is not None:
                    try:
                        reading = from_json(json.loads(await getter.get()))
                    except (OSError, ValueError) as error:
                        reading = self._failed(str(error))
                    yield cast("GpuReading", reading)
                await self._pause()
        finally:
            await getter.aclose()

    def set_interval(self, seconds: float | None) -> None:
        """Sample every so many seconds from now on; None pauses."""
        self._interval = seconds
        self._changed.set()

    async def aclose(self) -> None:
        """Ends the iteration."""
        self._closed = True
        self._changed.set()

    def _failed(self, detail: str) -> GpuReading:
        problem = Problem("demo.gpu-unreachable", {"url": self._url}, detail)
        return GpuReading(time=time.time(), samples=(), source="simulated", problem=problem)

    async def _pause(self) -> None:
        if self._closed:
            return
        try:
            # Not wait_for: before 3.12 it may swallow a cancellation that meets the event.
            async with asyncio.timeout(self._interval):
                await self._changed.wait()
        except TimeoutError:
            return
        self._changed.clear()
