"""Switching the model: our server is stopped, its memory comes back, the other one is started in its place."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Sequence
from dataclasses import replace

from tui.launch.machine import Machine
from tui.launch.prepare import Survey, prepare, survey, with_flags
from tui.launch.servers import stop
from tui.launch.starting import start
from tui.launch.watching import Pace, Watch
from tui.launch.wish import ServeWish
from tui.model.gpu import GpuReading, GpuSample
from tui.model.launch import LaunchEvent, ServerEntry, StopStep
from tui.model.problem import Problem, ProblemError
from tui.planner.calibration import Measurement

OF_THE_MODEL = (
    "--model-format", "--model-name", "--chat-template", "--tool-call-parser", "--reasoning-parser", "--adapters",
    "--revision", "--hf-overrides", "--rope-scaling-factor", "--trust-remote-code", "--speculative-algorithm",
    "--speculative-draft-model", "--speculative-num-draft-tokens",
)  # fmt: skip
"""Flags that belong to one model and are left behind when another one takes its place."""


class Switch:
    """One switch. ``watch`` is there once the new server was started; the address stays the same (host and port of the
    old one), so a conversation goes on where it was."""

    def __init__(
        self,
        machine: Machine,
        old: ServerEntry,
        wish: ServeWish,
        measurements: Iterable[Measurement] = (),
        pace: Pace | None = None,
    ) -> None:
        self.watch: Watch | None = None
        self._machine = machine
        self._old = old
        self._wish = wish
        self._measurements = tuple(measurements)
        self._pace = pace or Pace()

    async def events(self) -> AsyncGenerator[StopStep | LaunchEvent]:
        """The stop's steps, then the start's events.

        Raises ProblemError: launch.not-yours for a server lmdeck did not start; the new words are checked before the
        old server is stopped, so a wish that cannot be started leaves it running."""
        old = self._old
        if not old.mine:
            data = {"name": old.name, "user": old.user or "?", "pid": str(old.pid)}
            raise ProblemError(Problem("launch.not-yours", data))
        wish = in_place_of(self._wish, old)
        known = without_it(await survey(self._machine, wish.lmdeploy, wish.environment), old)
        await prepare(self._machine, wish, self._measurements, known=known)
        async for step in stop(self._machine, old):
            yield step
            if step.problem is not None:
                return
        prepared = await prepare(self._machine, wish, self._measurements)
        spawned = await start(self._machine, prepared)
        self.watch = Watch(self._machine, spawned, prepared, self._pace)
        async for event in self.watch.events():
            yield event


def in_place_of(wish: ServeWish, old: ServerEntry) -> ServeWish:
    """The wish at the old server's address, on its cards where they are enough."""
    wish = with_flags(wish, ("--server-name", old.host, "--server-port", str(old.port)))
    enough = old.cards is not None and len(old.cards) == wish.command.count("tp", 1)
    return replace(wish, cards=old.cards) if wish.cards is None and enough else wish


def words_for(words: Sequence[str], model: str) -> tuple[str, ...]:
    """A server's words for another model: without its own flags."""
    wish = with_flags(ServeWish(tuple(words)), (), OF_THE_MODEL)
    old = wish.command.model
    return (model, *(word for word in wish.words if word != old))


def without_it(known: Survey, entry: ServerEntry) -> Survey:
    """What a machine will have once a server is gone: its memory counted as free, its port too."""
    known, reading = replace(known, leaving=(*known.leaving, entry.port)), known.reading
    if reading is None:
        return known
    samples = tuple(_freed(reading, sample, entry) for sample in reading.samples)
    return replace(known, reading=replace(reading, samples=samples))


def _freed(reading: GpuReading, sample: GpuSample, entry: ServerEntry) -> GpuSample:
    held = [one.used for one in sample.processes or () if one.pid in entry.pids and one.used is not None]
    alone = len(reading.samples) == 1 or entry.cards == (sample.index,)
    size = sum(held) if held else (entry.memory or 0) if alone and not sample.processes else 0
    if not size or sample.free is None:
        return sample
    used = None if sample.used is None else max(sample.used - size, 0)
    return replace(sample, used=used, free=sample.free + size)
