"""A server: its client, what is known of it, and the state of the way to it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from time import monotonic

from tui.lmdeploy.dialects import at_least, dialect_for
from tui.model.broadcast import Broadcast, Subscription
from tui.model.problem import Problem, ProblemError
from tui.model.server import LinkPhase, LinkState, ServerFacts, ServerMetrics
from tui.server.address import Address
from tui.server.client import ServerClient
from tui.server.metrics import next_step
from tui.server.probe import BUDGET, first_facts, more_facts
from tui.server.transport import Timeouts

News = LinkState | ServerFacts | ServerMetrics

# Only the user can do something about these: no retrying on our own.
_NEEDS_YOU = frozenset(
    (
        "server.key_missing", "server.key_rejected", "server.forbidden", "server.web_page", "server.not_lmdeploy",
        "server.not_http", "server.redirect", "server.tls_needed", "server.tls_unexpected", "server.tls_certificate",
        "server.no_such_route", "server.wrong_method",
    )
)  # fmt: skip
# The request was wrong, not the server: nothing to look after.
_REQUEST_ONLY = frozenset(
    (
        "server.context_too_long", "server.context_full", "server.no_tool_parser", "server.no_tool_parser_unknown",
        "server.parameter", "server.tool_schema", "server.tools_required", "server.history_arguments",
        "server.no_images", "server.no_logprobs", "server.no_messages", "server.invalid_field", "server.bad_request",
        "server.template", "server.template_tools", "server.session_occupied", "server.line_too_long",
        "server.body_too_long",
    )
)  # fmt: skip


# States of a server that may end without anybody here doing something.
_MAY_PASS = frozenset(("server.asleep", "server.no_models", "server.initializing", "server.unhealthy"))


@dataclass(frozen=True, slots=True)
class Backoff:
    """Seconds between attempts while a server does not answer: doubling from ``first`` to ``longest``."""

    first: float = 0.5
    longest: float = 30.0

    def after(self, failures: int) -> float:
        """The pause after so many failures in a row (1, 2, …)."""
        return min(self.longest, self.first * 2.0 ** min(failures - 1, 30))


class Endpoint:
    """One server. ``connect`` starts a task that probes it, keeps trying while it does not answer, and looks again
    when a request failed; while all is well it does nothing at all."""

    def __init__(
        self,
        address: Address,
        api_key: str | None = None,
        model: str | None = None,
        *,
        timeouts: Timeouts | None = None,
        backoff: Backoff | None = None,
    ) -> None:
        self.address = address
        self.client = ServerClient(address, api_key, timeouts=timeouts)
        self.facts = ServerFacts()
        self.link = LinkState(LinkPhase.IDLE, monotonic())
        self.metrics: ServerMetrics | None = None
        self._chosen = model
        self._backoff = backoff or Backoff()
        self._news: Broadcast[News] = Broadcast()
        self._keeper: asyncio.Task[None] | None = None
        self._poller: asyncio.Task[None] | None = None
        self._warming: asyncio.Task[None] | None = None
        self._watchers = 0
        self._look = asyncio.Event()  # set: look at the server again now
        self._settled = asyncio.Event()  # set: the last look has a result

    @property
    def model(self) -> str | None:
        """The model requests go to: the chosen one, else the first offered; None until one is known."""
        return self._chosen or (self.facts.models[0] if self.facts.models else None)

    def subscribe(self) -> Subscription[News]:
        """Link states, facts and metrics from now on, as they change."""
        return self._news.subscribe()

    async def connect(self) -> None:
        """Start looking after the server; returns at once and never raises. Calling it again changes nothing."""
        if self._keeper is None:
            self._keeper = asyncio.create_task(self._keep())

    async def ready(self, timeout: float) -> bool:  # noqa: ASYNC109 (a time-out is a result here, not an error)
        """Wait until the models are known and the optional questions had their chance, or until it is known why not
        (``link.problem``). Connects first if needed, and does not sit out a pause between attempts."""
        await self.connect()
        if self.link.phase in (LinkPhase.BACKOFF, LinkPhase.NEEDS_YOU):
            self.retry()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                await self._settled.wait()
        return self._settled.is_set() and bool(self.facts.models) and self.link.phase is not LinkPhase.BACKOFF

    def retry(self) -> None:
        """Look at the server now, without waiting for the pause to end."""
        self._settled.clear()
        self._look.set()

    def request_failed(self, problem: Problem) -> None:
        """A request ended with this problem: keep what it teaches and look again unless only the request was wrong."""
        if problem.code in ("server.no_tool_parser", "server.no_tool_parser_unknown"):
            self.remember_no_tool_parser()
        limit = problem.data.get("limit")
        if problem.code == "server.context_too_long" and isinstance(limit, int):
            self._learn(replace(self.facts, context_length=limit))
        if problem.code.startswith("server.") and problem.code not in _REQUEST_ONLY:
            self.retry()

    def remember_no_tool_parser(self) -> None:
        """Tools are left out from now on, until the server was restarted."""
        self._learn(replace(self.facts, has_tool_parser=False))

    def choose_model(self, name: str) -> None:
        self._chosen = name
        self._apply(self.facts)
        self._news.publish(self.facts)

    async def learn_context_length(self) -> int | None:
        """The exact context length, asked from the server if it is not known yet and may be asked: a release that
        is not surely older than 0.16, whose metrics bound the prompt that is sent."""
        facts = self.facts
        bound = facts.context_at_least
        new_enough = at_least(facts.version_band, "0.16") is not False
        if facts.context_length is None and self.model and not facts.is_proxy and bound and new_enough:
            length = await self.client.context_length(self.model, next_step(bound))
            if length is not None:
                self._learn(replace(self.facts, context_length=length))
        return self.facts.context_length

    @contextmanager
    def watch_metrics(self, interval: float = 5.0) -> Generator[None]:
        """Read /metrics every so many seconds while at least one such block is open. lmdeploy refreshes its gauges
        every 10 s, its counters at every step."""
        self._watchers += 1
        if self._poller is None:
            self._poller = asyncio.create_task(self._poll(interval))
        try:
            yield
        finally:
            self._watchers -= 1
            if not self._watchers:
                self._poller.cancel()
                self._poller = None

    def status(self) -> Problem:
        """The link as a code and values; ``explain`` makes the sentence and the next step of it."""
        if self.link.problem is not None:
            return self.link.problem
        data: dict[str, str | int | float] = {"url": self.address.shown, "model": self.model or "?"}
        if self.link.round_trip is not None:
            data["milliseconds"] = max(1, round(self.link.round_trip * 1000))
        return Problem(f"link.{self.link.phase.value}", data)

    async def aclose(self) -> None:
        """Stop looking after the server and close its connections; subscriptions end."""
        tasks = [task for task in (self._keeper, self._poller, self._warming) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._keeper = self._poller = self._warming = None
        await self.client.aclose()
        self._set_link(LinkPhase.IDLE)
        self._news.close()

    async def _keep(self) -> None:
        failures = 0
        asked = True
        while True:
            self._look.clear()
            if asked:
                self._settled.clear()
            try:
                await self._look_at_server(quietly=not asked)
                failures = 0
                self._settled.set()
                asked = await self._asked_again()
            except ProblemError as error:
                asked = True
                failures += 1
                await self._rest(error.problem, failures)

    async def _asked_again(self) -> bool:
        """Wait for the next look: until asked for one, or for a while where the trouble may pass by itself."""
        problem = self.link.problem
        pause = self._backoff.longest / 3 if problem is not None and problem.code in _MAY_PASS else None
        try:
            async with asyncio.timeout(pause):
                return await self._look.wait()
        except TimeoutError:
            return False

    async def _look_at_server(self, *, quietly: bool) -> None:
        known = self.facts if self.link.phase in (LinkPhase.HEALTHY, LinkPhase.DEGRADED) else None
        if not quietly:
            self._set_link(LinkPhase.CONNECTING if known is None else LinkPhase.PROBING)
        first = await first_facts(self.client)
        if self._warming is None:
            self._warming = asyncio.create_task(self.client.warm_up())
        if known is None or known.models != first.facts.models:
            self._learn(first.facts)
        if not quietly:
            self._set_link(LinkPhase.PROBING, round_trip=first.round_trip)
        more = asyncio.create_task(more_facts(self.client, first, self.client.timeouts.quick))
        try:
            await asyncio.wait({more}, timeout=BUDGET)
            if not more.done():
                self._settled.set()  # the first chat need not wait for the slow answers
            probed = await more
        finally:
            more.cancel()
            await asyncio.wait({more})  # its requests must be over before the client may be closed
        self._learn(_remember(known, probed.facts))
        self._set_link(*self._verdict(), round_trip=probed.round_trip)

    def _verdict(self) -> tuple[LinkPhase, Problem | None]:
        """The phase after a probe, and what keeps it from being healthy."""
        if self.facts.sleeping:
            return LinkPhase.DEGRADED, Problem("server.asleep", {"url": self.address.base_url})
        if self._chosen and self.facts.models and self._chosen not in self.facts.models:
            data = {"model": self._chosen, "offered": ", ".join(self.facts.models)}
            return LinkPhase.DEGRADED, Problem("server.model_unknown", data)
        for problem in self.facts.problems:
            if problem.code in _MAY_PASS:
                return LinkPhase.DEGRADED, problem
        return LinkPhase.HEALTHY, None

    async def _rest(self, problem: Problem, failures: int) -> None:
        """Wait after a failed look: until asked when only the user can help, else for the next pause."""
        if problem.code in _NEEDS_YOU:
            self._set_link(LinkPhase.NEEDS_YOU, problem)
            self._settled.set()
            await self._look.wait()
            return
        pause = self._backoff.after(failures)
        if failures == 1 and self.facts.models:
            self._set_link(LinkPhase.LOST, problem)
        self._set_link(LinkPhase.BACKOFF, problem, retry_at=monotonic() + pause)
        self._settled.set()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(pause):
                await self._look.wait()

    async def _poll(self, interval: float) -> None:
        while True:
            if self.facts.metrics:
                try:
                    self.metrics = await self.client.metrics()
                    if self.metrics is not None:
                        self._news.publish(self.metrics)
                except ProblemError as error:
                    self.request_failed(error.problem)
            # The first figures are not waited for as long as the later ones.
            await asyncio.sleep(min(interval, 0.5) if self.facts.metrics is None else interval)

    def _learn(self, facts: ServerFacts) -> None:
        if facts != self.facts:
            self._apply(facts)
            self._news.publish(facts)

    def _apply(self, facts: ServerFacts) -> None:
        self.facts = facts
        self.client.dialect = dialect_for(facts.version_band, self.model or "")

    def _set_link(
        self,
        phase: LinkPhase,
        problem: Problem | None = None,
        *,
        round_trip: float | None = None,
        retry_at: float | None = None,
    ) -> None:
        since = self.link.since if phase is self.link.phase else monotonic()
        state = LinkState(phase, since, problem, round_trip or self.link.round_trip, retry_at)
        if state != self.link:
            self.link = state
            self._news.publish(state)


def _remember(known: ServerFacts | None, facts: ServerFacts) -> ServerFacts:
    """``facts`` with what requests taught about the same running server; a restarted one is a new server."""
    if known is None or known.models != facts.models or known.engine not in ("unknown", facts.engine):
        return facts
    if known.started is not None and facts.started is not None and known.started != facts.started:
        return facts
    return replace(
        facts,
        context_length=facts.context_length or known.context_length,
        has_tool_parser=known.has_tool_parser if facts.has_tool_parser is None else facts.has_tool_parser,
        has_reasoning_parser=(
            known.has_reasoning_parser if facts.has_reasoning_parser is None else facts.has_reasoning_parser
        ),
    )
