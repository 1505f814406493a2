"""Switching the model: our server is stopped, its memory comes back, the other one is started in its place."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable

from tui.launch.machine import Machine
from tui.launch.prepare import prepare, refuse_what_cannot_fit, with_flags
from tui.launch.servers import stop
from tui.launch.starting import start
from tui.launch.watching import Pace, Watch
from tui.launch.wish import ServeWish
from tui.model.launch import LaunchEvent, ServerEntry, StopStep
from tui.model.problem import Problem, ProblemError
from tui.planner.calibration import Measurement


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

    async def events(self) -> AsyncIterator[StopStep | LaunchEvent]:
        """The stop's steps, then the start's events.

        Raises ProblemError: launch.not-yours for a server lmdeck did not start; the old server's words are checked
        before it is stopped, so a wish that cannot be started leaves it running."""
        old = self._old
        if not old.mine:
            data = {"name": old.name, "user": old.user or "?", "pid": str(old.pid)}
            raise ProblemError(Problem("launch.not-yours", data))
        address = ("--server-name", old.host, "--server-port", str(old.port))
        wish = with_flags(self._wish, address)
        refuse_what_cannot_fit(await prepare(self._machine, wish, self._measurements, dry=True), old.memory or 0)
        async for step in stop(self._machine, old):
            yield step
            if step.problem is not None:
                return
        prepared = await prepare(self._machine, wish, self._measurements)
        spawned = await start(self._machine, prepared)
        self.watch = Watch(self._machine, spawned, prepared, self._pace)
        async for event in self.watch.events():
            yield event
