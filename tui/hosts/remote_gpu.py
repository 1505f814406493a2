"""The GPUs of a machine over ssh: what its agent samples, as readings."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, Mapping
from dataclasses import replace
from typing import Any, cast

from tui.gpu.smi import parse_query
from tui.gpu.source import with_total
from tui.model.gpu import GpuProcess, GpuReading, GpuSample
from tui.model.problem import Problem, ProblemError
from tui.ssh.link import UP, Link
from tui.ssh.wire import Hello, Json

_REASONS = (
    ("library not found", "gpu.library"),
    ("driver not loaded", "gpu.driver"),
    ("version mismatch", "gpu.mismatch"),
    ("no permission", "gpu.permission"),
)


class SamplePace:
    """How often the one agent of a link samples: as often as the most curious of its readers wants."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._wishes: dict[object, float | None] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def want(self, reader: object, seconds: float | None) -> None:
        """``reader`` wants a sample every so many seconds; None: it does not mind."""
        self._wishes[reader] = seconds
        self.tell_soon()

    def leave(self, reader: object) -> None:
        """``reader`` reads no more."""
        if self._wishes.pop(reader, None) is not None:
            self.tell_soon()

    @property
    def seconds(self) -> float | None:
        """None while nobody wants samples."""
        return min((wish for wish in self._wishes.values() if wish is not None), default=None)

    def tell_soon(self) -> None:
        if self._link.is_up:
            task = asyncio.create_task(self.tell())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def tell(self) -> None:
        """Tell the agent. One that obeys nothing (nvidia-smi alone) samples anyway."""
        with contextlib.suppress(ProblemError):
            await self._link.order("interval", seconds=self.seconds)

    async def aclose(self) -> None:
        """Tell nothing more."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


class RemoteGpuSource:
    """A :class:`tui.model.gpu.GpuSource` over a link. The agent samples only while somebody iterates; while the link
    is down there is one reading without cards that says why. ``pace`` is shared by all sources of a link."""

    def __init__(self, link: Link, pace: SamplePace, interval: float | None = 1.0) -> None:
        self._link = link
        self._pace = pace
        self._interval = interval
        self._readers = 0
        self._total: int | None = None
        self._closing = asyncio.Event()

    def set_total(self, total: int | None) -> None:
        """The cards' size as the user knows it (a virtual card without a tool); None trusts the driver."""
        self._total = total

    def set_interval(self, seconds: float | None) -> None:
        """Sample every so many seconds from now on (at least 0.1); None pauses."""
        self._interval = None if seconds is None else max(seconds, 0.1)
        if self._readers:
            self._pace.want(self, self._interval)

    async def readings(self) -> AsyncGenerator[GpuReading, None]:
        """Readings as they come, until :meth:`aclose`."""
        readings: asyncio.Queue[GpuReading] = asyncio.Queue(8)
        tasks = [asyncio.create_task(self._samples(readings)), asyncio.create_task(self._states(readings))]
        closing = asyncio.create_task(self._closing.wait())
        self._readers += 1
        self._pace.want(self, self._interval)
        try:
            while not self._closing.is_set():
                item = asyncio.create_task(readings.get())
                try:
                    await asyncio.wait({item, closing}, return_when=asyncio.FIRST_COMPLETED)
                    if item.done():
                        yield self._sized(item.result())
                finally:
                    item.cancel()
        finally:
            self._readers -= 1
            closing.cancel()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            if not self._readers:
                self._pace.leave(self)

    def _sized(self, reading: GpuReading) -> GpuReading:
        total = self._total
        if total is None:
            return reading
        return replace(reading, samples=tuple(with_total(sample, total) for sample in reading.samples))

    async def aclose(self) -> None:
        """End the readings. May be called twice."""
        self._closing.set()
        self._pace.leave(self)

    async def _states(self, readings: asyncio.Queue[GpuReading]) -> None:
        """Each new connection has to be told; each loss is shown once."""
        was_up = self._link.is_up
        async for state in self._link.subscribe():
            is_up = state.phase in UP
            if is_up and not was_up:
                await self._pace.tell()
            elif was_up and not is_up:
                _offer(readings, GpuReading(time.time(), (), "none", problem=state.problem))
            was_up = is_up

    async def _samples(self, readings: asyncio.Queue[GpuReading]) -> None:
        cards: dict[int, GpuSample] = {}
        async for sample in self._link.samples.subscribe():
            hello = self._link.hello or Hello("none", "", "")
            if not isinstance(sample, str):
                _offer(readings, reading_from(sample, hello))
            elif (card := parse_query(sample)) is not None:
                cards[card.index] = card
                if card.index == max(cards):
                    found = tuple(cards[index] for index in sorted(cards))
                    _offer(readings, GpuReading(time.time(), found, "nvidia-smi", driver=hello.driver))


def _offer(readings: asyncio.Queue[GpuReading], reading: GpuReading) -> None:
    """A slow reader loses the oldest one."""
    if readings.full():
        readings.get_nowait()
    readings.put_nowait(reading)


def reading_from(sample: Json, hello: Hello) -> GpuReading:
    """A reading from the agent's line (see :mod:`tui.agent`)."""
    source = str(sample.get("source") or "none")
    samples = tuple(_card(cast("Json", card)) for card in cast("list[Any]", sample.get("gpus") or []))
    problem = None if samples else _why(hello)
    when = float(sample.get("time") or time.time())
    return GpuReading(when, samples, source, raw=str(sample.get("raw") or ""), driver=hello.driver, problem=problem)


def _why(hello: Hello) -> Problem:
    text = "; ".join(hello.reasons)
    for words, code in _REASONS:
        if words in text:
            return Problem(code, {}, text)
    return Problem("gpu.none", {"reason": text[:200] or "?"})


def _card(card: Json) -> GpuSample:
    entries = cast("list[list[Any]] | None", card.get("processes"))
    processes = None
    if entries is not None:
        processes = tuple(GpuProcess(int(pid), used, bool(visible)) for pid, used, visible in entries)
    errors = cast("Mapping[str, Any]", card.get("errors") or {})
    return GpuSample(
        index=int(card["index"]),
        name=str(card.get("name") or ""),
        total=card.get("total"),
        used=card.get("used"),
        free=card.get("free"),
        reserved=card.get("reserved"),
        uuid=str(card.get("uuid") or ""),
        utilisation=card.get("utilisation"),
        temperature=card.get("temperature"),
        power=card.get("power"),
        processes=processes,
        errors={str(key): str(value) for key, value in errors.items()},
    )
