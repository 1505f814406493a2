"""Playing a recording: what a screen reads of a session, a server and its GPUs, at any speed."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Generator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from time import monotonic

from tui.chat.assemble import Assembly
from tui.chat.merge import merge_events
from tui.model.broadcast import Broadcast, Subscription
from tui.model.events import (
    BranchChanged,
    QueueChanged,
    SessionEvent,
    TitleChanged,
    TurnFailed,
    TurnFigures,
    TurnFinished,
    TurnStarted,
    UserMessageAdded,
)
from tui.model.gpu import GpuReading
from tui.model.memory import MemoryBreakdown
from tui.model.message import Message
from tui.model.monitor import Attention, HistoryPoint, MemoryState
from tui.model.plan import Explanation, PlanInput
from tui.model.server import LinkPhase, LinkState, ServerFacts, ServerMetrics
from tui.recording import Entry, Recording, read_recording

News = LinkState | ServerFacts | ServerMetrics

_STEPS = 64  # events between which other tasks get their turn when everything is played at once


class ReplaySession:
    """Plays a recording with the reading side of a session: ``messages``, ``busy``, ``waiting``, ``subscribe``.

    ``link`` stands for the recorded server, ``gpu`` for its GPUs, ``memory`` for the monitor.
    Nothing happens before :meth:`start`."""

    def __init__(self, recording: Recording, speed: float = 1.0) -> None:
        """``speed`` times as fast as it was; 0 plays everything at once."""
        self.title = recording.title
        self.busy = False
        self.waiting: tuple[str, ...] = ()
        self.link = ReplayedLink()
        self.gpu = ReplayedGpu()
        self.memory = ReplayedMemory()
        self._recording = recording
        self._speed = speed
        self._assembly = Assembly(recording.messages)
        self._events: Broadcast[SessionEvent] = Broadcast(merge=merge_events)
        self._task: asyncio.Task[None] | None = None

    @classmethod
    async def open(cls, path: Path, speed: float = 1.0) -> ReplaySession:
        """Read a recording. Raises ProblemError as :func:`tui.recording.read_recording` does."""
        return cls(await asyncio.to_thread(read_recording, path), speed)

    @property
    def messages(self) -> tuple[Message, ...]:
        return self._assembly.messages

    @property
    def turns(self) -> Mapping[str, TurnFigures]:
        """The figures of the turns that were played."""
        return self._assembly.turns

    def subscribe(self) -> Subscription[SessionEvent]:
        """All events from now on; ends when the replay is closed, not when it is over."""
        return self._events.subscribe()

    def start(self) -> None:
        """Begin to play; calling it again changes nothing."""
        if self._task is None:
            self._task = asyncio.create_task(self._play())

    async def finished(self) -> None:
        """Return when everything was played."""
        if self._task:
            await asyncio.wait([self._task])

    async def aclose(self) -> None:
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self._events.close()
        self.link.close()
        await self.gpu.aclose()
        self.memory.close()

    async def _play(self) -> None:
        begin = monotonic()
        for number, entry in enumerate(self._recording.entries):
            if self._speed > 0:
                wait = entry.seconds / self._speed - (monotonic() - begin)
                if wait > 0:
                    await asyncio.sleep(wait)
            elif number % _STEPS == 0:
                await asyncio.sleep(0)
            self._happen(entry)
        self.busy = False

    def _happen(self, entry: Entry) -> None:
        event = entry.event
        if isinstance(event, GpuReading):
            self.gpu.show(event)
            self.memory.show_reading(event)
        elif isinstance(event, MemoryState):
            self.memory.show(event)
        elif isinstance(event, (LinkState, ServerFacts, ServerMetrics)):
            self.link.show(event)
        else:
            self._note(event, entry.messages)
            self._assembly.apply(event)
            self._events.publish(event)

    def _note(self, event: SessionEvent, messages: tuple[Message, ...]) -> None:
        """Follow what is not in the messages."""
        if isinstance(event, TurnStarted):
            self.busy = True
            self.link.model = event.model or self.link.model
        elif isinstance(event, (TurnFinished, TurnFailed)):
            self.busy = False
        elif isinstance(event, QueueChanged):
            self.waiting = event.waiting
        elif isinstance(event, TitleChanged):
            self.title = event.title
        elif isinstance(event, BranchChanged):
            self._assembly.deleted.clear()  # what the recording holds is what was shown
            self._assembly.replace(messages)
        elif isinstance(event, UserMessageAdded) and messages:
            self._assembly.add(messages[0])


class ReplayedLink:
    """The recorded server as a screen sees an endpoint."""

    def __init__(self) -> None:
        self.facts = ServerFacts()
        self.link = LinkState(LinkPhase.IDLE, monotonic())
        self.model: str | None = None
        self._news: Broadcast[News] = Broadcast()

    def subscribe(self) -> Subscription[News]:
        return self._news.subscribe()

    def retry(self) -> None:
        """A recording connects to nothing."""

    def choose_model(self, name: str) -> None:
        """A recording has the models that it has."""

    def show(self, news: News) -> None:
        if isinstance(news, LinkState):
            # Ages count from now: monotonic clocks of two runs have nothing to do with each other.
            news = self.link = replace(news, since=monotonic(), retry_at=None)
        elif isinstance(news, ServerFacts):
            self.facts = news
            self.model = self.model or next(iter(news.models), None)
        else:
            news = replace(news, time=monotonic())
        self._news.publish(news)

    def close(self) -> None:
        self._news.close()


class ReplayedGpu:
    """The recorded GPU readings as a GpuSource. The interval is that of the recording."""

    def __init__(self) -> None:
        self._last: GpuReading | None = None
        self._news: Broadcast[GpuReading] = Broadcast(limit=16)
        self._closed = False

    async def readings(self) -> AsyncIterator[GpuReading]:
        """The newest reading if there is one, then every further one."""
        if self._closed:
            return
        news = self._news.subscribe()
        try:
            if self._last is not None:
                yield self._last
            async for reading in news:
                yield reading
        finally:
            news.close()

    def set_interval(self, seconds: float | None) -> None:
        """Nothing to set."""

    def show(self, reading: GpuReading) -> None:
        self._last = reading
        self._news.publish(reading)

    async def aclose(self) -> None:
        self._closed = True
        self._news.close()


class ReplayedMemory:
    """The recorded states of memory, with the reading side of :class:`tui.hosts.monitor.MemoryMonitor`. Recordings
    without such states show what the cards' readings alone say."""

    keeper = None

    def __init__(self) -> None:
        self.state = MemoryState()
        self._split = False
        self._history: deque[HistoryPoint] = deque(maxlen=120)
        self._news: Broadcast[MemoryState] = Broadcast(limit=4)

    def subscribe(self) -> Subscription[MemoryState]:
        return self._news.subscribe()

    @contextmanager
    def watching(self, attention: Attention) -> Generator[None]:  # noqa: ARG002 (the monitor's signature)
        """A recording goes on at its own pace."""
        yield

    def snapshot(self) -> tuple[MemoryBreakdown, ...]:
        """The split as it is shown; a recording has no witness."""
        return tuple(entry.breakdown for entry in self.state.cards)

    def explain(self, part: str, card: int = 0) -> Explanation | None:
        from tui.hosts.findings import Findings
        from tui.hosts.memory_why import explain_live

        shown = next((entry.breakdown for entry in self.state.cards if entry.breakdown.card == card), None)
        return None if shown is None else explain_live(part, shown, Findings(), None)

    def question(self, card: int = 0) -> PlanInput | None:  # noqa: ARG002 (the monitor's signature)
        """Not recorded."""
        return None

    def tell(self, told: object) -> None:
        """A recording knows what it knew."""

    def show_reading(self, reading: GpuReading) -> None:
        if self._split:
            return
        from tui.hosts.memory_state import state_of

        self._publish(state_of(reading))

    def show(self, state: MemoryState) -> None:
        self._split = True
        self._publish(state)

    def close(self) -> None:
        self._news.close()

    def _publish(self, state: MemoryState) -> None:
        from tui.hosts.memory_state import point_of

        self._history.append(point_of(state))
        self.state = replace(state, history=tuple(self._history))
        self._news.publish(self.state)
