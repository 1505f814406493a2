"""The memory monitor: joins the cards' samples with what is known of the server, all the while lmdeck runs.

One monitor watches one server. It samples at the interval it was given, four times a second while the server starts or
somebody looks closely, and not at all while nobody looks.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Coroutine, Generator, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import replace
from typing import Any, Protocol

from tui.gpu.breakdown import break_down
from tui.gpu.timeline import MemoryPoint
from tui.hosts.findings import Finder, Findings, NoFinder, Told
from tui.hosts.memory_state import (
    Card,
    card_states,
    free_before,
    knowledge,
    phase_of,
    point_of,
    question_about,
    server_bytes,
    start_line,
    used_by_card,
)
from tui.hosts.memory_why import explain_live
from tui.hosts.run_keeper import RunKeeper, Start
from tui.hosts.witness import GpuTool, witness_of
from tui.i18n.figures import gib
from tui.model.broadcast import Broadcast, Subscription
from tui.model.gpu import GpuReading, GpuSource
from tui.model.memory import KvOccupancy, MemoryBreakdown, Source, Witness
from tui.model.monitor import Attention, CardState, HistoryPoint, MemoryState
from tui.model.plan import Explanation, Plan, PlanInput
from tui.model.problem import Problem, ProblemError
from tui.model.server import LinkPhase, LinkState, ServerFacts, ServerMetrics
from tui.planner.calibration import Measurement
from tui.planner.picture import picture
from tui.planner.planning import plan

FAST_SECONDS = 0.25
METRICS_SECONDS = 2.0
IDLE_METRICS_SECONDS = 10.0  # lmdeploy refreshes its gauges no more often; counters matter only while it works
_HISTORY = 120
_POINTS = 20_000
_LOOK_SECONDS, _SEEN_SECONDS = 2.0, 5.0
"""Between two looks at the server's process and log: until it is found, and once it is."""
_LIVELY_SECONDS = 15.0


class WatchedServer(Protocol):
    """The server as the monitor sees it (``tui.server.endpoint.Endpoint``)."""

    @property
    def facts(self) -> ServerFacts: ...
    @property
    def link(self) -> LinkState: ...
    @property
    def model(self) -> str | None: ...
    def subscribe(self) -> Subscription[LinkState | ServerFacts | ServerMetrics]: ...
    def watch_metrics(self, interval: float = 5.0) -> AbstractContextManager[None]: ...


class MemoryMonitor:
    """``source`` samples the cards of the server's machine (None: they cannot be seen), ``finder`` finds out about the
    server there. ``port`` is named when no process is found behind it. ``interval`` is seconds between samples."""

    def __init__(
        self,
        server: WatchedServer,
        source: GpuSource | None = None,
        finder: Finder | None = None,
        *,
        keeper: RunKeeper | None = None,
        interval: float = 1.0,
        port: int | None = None,
    ) -> None:
        self.keeper = keeper or RunKeeper()
        self.found = Findings()
        self.state = MemoryState()
        self.on_reading: Callable[[GpuReading], None] | None = None
        self.gpu_tool = GpuTool()
        self._server = server
        self._source = source
        self._finder = finder or NoFinder()
        self._interval = interval
        self._port = port
        self._told: Told | None = None
        self._own: tuple[Measurement, ...] = ()
        self._news: Broadcast[MemoryState] = Broadcast(limit=4)
        self._watchers: list[Attention] = []
        self._polling = ExitStack()
        self._polls: float | None = None
        self._sampling: float | None = -1.0  # nothing was asked for yet
        self._lively_until = 0.0
        self._tasks: list[asyncio.Task[None]] = []
        self._reading: GpuReading | None = None
        self._metrics: ServerMetrics | None = None
        self._rate: float | None = None
        self._looked = float("-inf")
        self._history: deque[HistoryPoint] = deque(maxlen=_HISTORY)
        self._history_second = -1
        self._points: list[MemoryPoint] = []
        self._idle_used: dict[int, int] = {}
        self._kept = ""
        self._keeping: set[asyncio.Task[object]] = set()

    # What others use.

    def subscribe(self) -> Subscription[MemoryState]:
        """States from now on; a slow consumer misses old ones."""
        return self._news.subscribe()

    @contextmanager
    def watching(self, attention: Attention) -> Generator[None]:
        """Somebody looks, this closely, for as long as the block is open."""
        self._watchers.append(attention)
        self._pace()
        try:
            yield
        finally:
            self._watchers.remove(attention)
            self._pace()

    def snapshot(self) -> tuple[MemoryBreakdown, ...]:
        """The newest split with its witnesses, to be kept with a turn. While nobody looks this asks for one fresh
        sample; and a turn means that the server's counters will move."""
        self._lively_until = time.monotonic() + _LIVELY_SECONDS
        if self._watchers:
            self._pace()
        else:
            self._sample_every(self._interval)
        if self.gpu_tool.is_due and not self.state.raw:
            self._go(self.gpu_tool.refresh())
        cards = (card.breakdown for card in self.state.cards)
        return tuple(replace(card, witness=self._witness(card.card)) for card in cards)

    def _witness(self, card: int) -> Witness:
        return witness_of(self.state, self.gpu_tool, self.found, self.question(card))

    def tell(self, told: Told | None) -> None:
        """What the user says about a server that cannot be looked at."""
        self._told = told
        self._looked = float("-inf")
        if self._source is None:
            self._update()

    def question(self, card: int = 0) -> PlanInput | None:
        """The question whose answer would have predicted this server; None when model or card are not known."""
        shown = self._card(card)
        total = shown.total.bytes if shown is not None else self._told.total if self._told else None
        if total is None:
            return None
        free = free_before(self.found, shown) if shown is not None else None
        name = shown.name if shown is not None else ""
        return question_about(self.found, self._server.facts, Card(total, free, name))

    def explain(self, part: str, card: int = 0) -> Explanation | None:
        """Why a figure is what it is; None when there is no such card."""
        shown = self._card(card)
        if shown is None:
            return None
        return explain_live(part, shown, self.found, self._prediction(card))

    async def start(self) -> None:
        """Begin to follow cards and server; returns at once."""
        if not self._tasks:
            self._tasks = [asyncio.create_task(self._follow_server(self._server.subscribe()))]
            if self._source is not None:
                self._tasks.append(asyncio.create_task(self._follow_cards(self._source)))

    async def aclose(self) -> None:
        """Stop; subscriptions end. The source is closed too."""
        self._polling.close()
        tasks = [*self._tasks, *self._keeping]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._tasks.clear()
        if self._source is not None:
            await self._source.aclose()
        self._news.close()

    # The streams.

    async def _follow_cards(self, source: GpuSource) -> None:
        self._own = await self.keeper.measurements()
        async for reading in source.readings():
            await self._look()
            self._take(reading)
            if not self._watchers:
                self._pace()

    async def _follow_server(self, subscription: Subscription[LinkState | ServerFacts | ServerMetrics]) -> None:
        try:
            if self._source is None:
                await self._look()
                self._update()
            async for news in subscription:
                if isinstance(news, ServerMetrics):
                    self._measure_rate(news)
                else:
                    self._looked = float("-inf")
                if self._source is None:
                    await self._look()
                    self._update()
        finally:
            subscription.close()

    async def _look(self) -> None:
        """Ask the finder again when something may have changed."""
        now = time.monotonic()
        pause = FAST_SECONDS if self.state.starting else _LOOK_SECONDS if self.found.kind == "none" else _SEEN_SECONDS
        if now - self._looked < pause:
            return
        self._looked = now
        found = await self._finder.look()
        found = self._told.fill(found) if self._told is not None else found
        if found.identity != self.found.identity:
            self._points.clear()
            if found.identity and not found.baseline and self.found.kind == "none":
                found = replace(found, baseline=dict(self._idle_used))
        elif self.found.baseline:
            found = replace(found, baseline=self.found.baseline)
        self.found = found

    def _measure_rate(self, metrics: ServerMetrics) -> None:
        """Tokens a second from the server's own counter; a counter that went back is a restarted server."""
        before, self._metrics = self._metrics, metrics
        self._rate = None
        if before is None or before.generation_tokens_total is None or metrics.generation_tokens_total is None:
            return
        seconds, tokens = metrics.time - before.time, metrics.generation_tokens_total - before.generation_tokens_total
        if seconds > 0 and tokens >= 0:
            self._rate = tokens / seconds
        if self._rate or metrics.running or metrics.waiting:
            self._lively_until = time.monotonic() + _LIVELY_SECONDS

    def _pace(self) -> None:
        """Sampling and metrics as often as somebody needs them."""
        level = max(self._watchers, key=lambda attention: attention.value, default=Attention.HIDDEN)
        hidden = level is Attention.HIDDEN
        fast = level is Attention.FOCUSED or (self.state.starting is not None and not hidden)
        self._sample_every(None if hidden else FAST_SECONDS if fast else self._interval)
        lively = time.monotonic() < self._lively_until
        every = None if hidden else METRICS_SECONDS if lively else IDLE_METRICS_SECONDS
        if every != self._polls:
            self._polls = every
            self._polling.close()
            if every is not None:
                self._polling.enter_context(self._server.watch_metrics(every))

    def _sample_every(self, seconds: float | None) -> None:
        if self._source is not None and seconds != self._sampling:
            self._sampling = seconds
            self._source.set_interval(seconds)

    # The state.

    def _take(self, reading: GpuReading) -> None:
        self._reading = reading
        if self.on_reading is not None:
            self.on_reading(reading)
        if self.found.kind == "none":
            self._idle_used = used_by_card(reading.samples)
        self._update()

    def _update(self) -> None:
        """Build the state anew, publish it, keep the start once it is complete."""
        known = knowledge(self.found, self._server.facts, self._metrics)
        reading, now = self._reading, time.monotonic()
        cards = self._told_cards() if reading is None else card_states(reading, break_down(reading, known, now))
        starting = phase_of(self.found, self._healthy, time.time())
        was_starting = self.state.starting is not None
        first = cards[0].breakdown if cards else None
        if starting is not None and first is not None and self.found.started is not None and reading is not None:
            self._points.append(MemoryPoint(reading.time - self.found.started, server_bytes(first) or 0))
            del self._points[:-_POINTS]
        metrics = self._metrics
        fresh = metrics is not None and now - metrics.time <= 3 * (self._polls or METRICS_SECONDS)
        occupancy = first.occupancy if first is not None and first.occupancy else self._bare_occupancy(now)
        self.state = MemoryState(
            time=reading.time if reading is not None else time.time(),
            cards=cards,
            source=reading.source if reading is not None else "none",
            raw=reading.raw if reading is not None else "",
            model=self.found.model,
            occupancy=occupancy,
            running=metrics.running if metrics is not None else None,
            waiting=metrics.waiting if metrics is not None else None,
            tokens_per_second=self._rate if fresh else None,
            starting=starting,
            timeline=start_line(self.found, self._points, first),
            problems=tuple(self._problems(cards)),
        )
        self.state = replace(self.state, history=self._remember(self.state))
        if was_starting != (starting is not None) or (self._polls == METRICS_SECONDS) != (now < self._lively_until):
            self._pace()
        self._news.publish(self.state)
        self._keep()

    @property
    def _healthy(self) -> bool:
        return self._server.link.phase in (LinkPhase.HEALTHY, LinkPhase.DEGRADED)

    def _told_cards(self) -> tuple[CardState, ...]:
        """A card nobody can look at, calculated from what the user told."""
        question = self.question()
        if question is None or self._told is None:
            return ()
        answer = self._plan(question)
        if answer is None or not answer.fits:
            return ()
        card = picture(question, answer)
        known = knowledge(self.found, self._server.facts, self._metrics)
        return (CardState(replace(card, occupancy=known.occupancy(answer.kv_cache, time.monotonic()))),)

    def _bare_occupancy(self, now: float) -> KvOccupancy | None:
        metrics = self._metrics
        if metrics is None or metrics.kv_used_fraction is None:
            return None
        return KvOccupancy(metrics.kv_used_fraction, Source.METRICS, max(now - metrics.time, 0.0))

    def _problems(self, cards: tuple[CardState, ...]) -> Iterator[Problem]:
        found, reading = self.found, self._reading
        if self._source is None and not cards:
            if self._told is not None and self._told.total is not None:
                yield Problem("memory.impossible", {"size": gib(self._told.total)})
            else:
                yield Problem("memory.remote")
        if reading is not None and reading.problem is not None:
            yield reading.problem
        elif reading is not None and found.kind == "none" and self._port is not None and self._told is None:
            yield Problem("memory.no-process", {"port": str(self._port)})
        if found.problem is not None:
            yield found.problem
        elif found.kind == "process" and found.config is None:
            yield Problem("memory.model-unknown", {"model": found.model})
        if self._server.facts.metrics is False:
            yield Problem("memory.no-metrics")
        if self.keeper.problem is not None:
            yield self.keeper.problem

    def _remember(self, state: MemoryState) -> tuple[HistoryPoint, ...]:
        """The history with this state; several in one second count as one."""
        second = int(time.monotonic())
        if second == self._history_second and self._history:
            self._history.pop()
        self._history_second = second
        self._history.append(point_of(state))
        return tuple(self._history)

    def _card(self, index: int) -> MemoryBreakdown | None:
        return next((card.breakdown for card in self.state.cards if card.breakdown.card == index), None)

    def _prediction(self, card: int) -> Plan | None:
        question = self.question(card)
        return None if question is None else self._plan(question)

    def _plan(self, question: PlanInput) -> Plan | None:
        try:
            return plan(question, self._own)
        except ProblemError:
            return None

    def _keep(self) -> None:
        """A server that is ready and whose split is known is a run."""
        state, first = self.state, self.state.cards[0].breakdown if self.state.cards else None
        known = first is not None and first.weights.bytes is not None and first.kv_cache.bytes is not None
        if first is None or not known or not self._healthy or state.starting is not None:
            return
        question = self.question(first.card)
        if question is not None and self.found.identity not in ("", self._kept):
            self._kept = self.found.identity
            start = Start(self.found, question, first, state.simulated)
            self._go(self.keeper.keep(start))

    def _go(self, work: Coroutine[Any, Any, object]) -> None:
        task = asyncio.create_task(work)
        self._keeping.add(task)
        task.add_done_callback(self._keeping.discard)
