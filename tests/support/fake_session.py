"""A session and a workspace that play scripts: what a screen needs, without a server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Generator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime

from tui.chat.wire import WireView
from tui.hosts.monitor import MemoryMonitor
from tui.hosts.remote import RemoteHost
from tui.model import events
from tui.model.broadcast import Broadcast, Subscription
from tui.model.gpu import GpuReading
from tui.model.message import (
    ImagePart,
    Message,
    NoticePart,
    Part,
    ReasoningPart,
    TextPart,
    ToolCallPart,
    ToolResultPart,
)
from tui.model.problem import Problem
from tui.model.request import Sampling
from tui.model.server import LinkPhase, LinkState, ServerFacts, ServerMetrics
from tui.model.tool import ToolSpec
from tui.screens.seam import EndpointNews, KeptConversations, ToolsRoom

TIMINGS = events.Timings(total=1.2, first_token=0.08, generation=1.0, completion_tokens=142)


class FakeSession:
    """Keeps messages the way a session does and publishes what a test plays."""

    def __init__(self) -> None:
        self.messages: tuple[Message, ...] = ()
        self.busy = False
        self.waiting: tuple[str, ...] = ()
        self.turns: dict[str, events.TurnFigures] = {}
        self.title = ""
        self.conversation_id = "c1"
        self.system = ""
        self.sampling = Sampling()
        self.tools_enabled: frozenset[str] | None = None
        self.calls: list[tuple[object, ...]] = []
        self.closed = False
        self.cancellable = True
        self._broadcast: Broadcast[events.SessionEvent] = Broadcast(limit=10_000)
        self._number = 0
        self._deleted: tuple[Message, ...] = ()

    def subscribe(self) -> Subscription[events.SessionEvent]:
        return self._broadcast.subscribe()

    def play(self, *items: events.SessionEvent) -> None:
        """Publish events, after keeping what they say."""
        for item in items:
            self._keep(item)
            self._broadcast.publish(item)

    def turn(self, *items: events.SessionEvent, question: str = "hello") -> None:
        """A whole turn: question, start, the items, regular end."""
        self._number += 1
        turn, message = f"t{self._number}", f"a{self._number}"
        self.play(
            events.UserMessageAdded(f"u{self._number}", question),
            events.TurnStarted(turn, "demo-model"),
            events.RoundStarted(1, message),
            *items,
            events.Usage(107, 15),
            events.TurnFinished("stop", TIMINGS),
        )

    def _keep(self, item: events.SessionEvent) -> None:  # one branch an event
        match item:
            case events.UserMessageAdded(message_id=identifier, text=text):
                self._append(identifier, "user", TextPart(text))
            case events.RoundStarted(message_id=identifier):
                self._append(identifier, "assistant")
                self.busy = True
            case events.TextDelta(text=text):
                self._grow(TextPart(text))
            case events.ReasoningDelta(text=text):
                self._grow(ReasoningPart(text))
            case events.ToolCallStarted(call_id=call, name=name):
                self._grow(ToolCallPart(call, name, ""))
            case events.ToolCallArguments(call_id=call, fragment=fragment):
                self._grow(ToolCallPart(call, "", fragment))
            case events.ToolResult():
                part = ToolResultPart(item.call_id, item.name, item.content, item.ok, item.seconds, item.problem)
                self._append(f"r-{item.call_id}", "tool", part)
            case events.Notice(problem=problem):
                self._grow(NoticePart(problem))
            case events.QueueChanged(waiting=waiting):
                self.waiting = waiting
            case events.TurnFinished() | events.TurnFailed():
                self.busy = False
            case _:
                pass

    def _append(self, identifier: str, role: str, *parts: Part) -> None:
        if any(message.id == identifier for message in self.messages):
            return
        parent = self.messages[-1].id if self.messages else None
        message = Message(identifier, role, parts, parent, datetime.now(UTC))  # pyright: ignore[reportArgumentType]
        self.messages += (message,)

    def _grow(self, part: Part) -> None:
        last = self.messages[-1]
        parts = list(last.parts)
        match part, parts[-1] if parts else None:
            case (TextPart(new), TextPart(old)):
                parts[-1] = TextPart(old + new)
            case (ReasoningPart(new), ReasoningPart(old)):
                parts[-1] = ReasoningPart(old + new)
            case (ToolCallPart(call, "", new), ToolCallPart(same, name, old)) if call == same:
                parts[-1] = ToolCallPart(call, name, old + new)
            case _:
                parts.append(part)
        self.messages = (*self.messages[:-1], replace(last, parts=tuple(parts)))

    # verbs

    async def submit(
        self, text: str, images: tuple[ImagePart, ...] = (), *, trim_oldest: bool = False, anyway: bool = False
    ) -> None:
        self.calls.append(("submit", text, trim_oldest, anyway))
        self.images = images
        if self.busy:
            self.play(events.QueueChanged((*self.waiting, text)))

    async def stop(self) -> None:
        self.calls.append(("stop",))
        if self.busy:
            self.play(events.TurnFinished("stopped", TIMINGS))

    def cancel_call(self, call_id: str) -> bool:
        self.calls.append(("cancel_call", call_id))
        return self.cancellable

    async def regenerate(self, message_id: str | None = None) -> None:
        self.calls.append(("regenerate", message_id))

    async def edit(self, message_id: str, text: str) -> None:
        self.calls.append(("edit", message_id, text))

    async def resume(self) -> None:
        self.calls.append(("resume",))

    async def rename(self, title: str) -> None:
        self.calls.append(("rename", title))
        self.title = title

    async def delete(self, message_id: str) -> tuple[str, ...]:
        self.calls.append(("delete", message_id))
        self._deleted = self.messages
        self.messages = tuple(message for message in self.messages if message.id != message_id)
        self.play(events.MessagesDeleted((message_id,)))
        return (message_id,)

    async def undelete(self) -> tuple[str, ...]:
        self.calls.append(("undelete",))
        ids = tuple(message.id for message in self._deleted if message not in self.messages)
        if ids:
            self.messages, self._deleted = self._deleted, ()
            self.play(events.BranchChanged("c", self.messages[-1].id))
        return ids

    async def take_back(self, index: int) -> str:
        text = self.waiting[index]
        self.play(events.QueueChanged(self.waiting[:index] + self.waiting[index + 1 :]))
        return text

    async def aclose(self) -> None:
        self.closed = True
        self._broadcast.close()


class FakeLink:
    """A server that is what the test says it is."""

    def __init__(self, facts: ServerFacts | None = None, link: LinkState | None = None) -> None:
        self.facts = facts or ServerFacts(
            models=("demo-model", "other-model"),
            engine="turbomind",
            version_band=("0.18", "0.18"),
            context_length=32768,
        )
        self.link = link or LinkState(LinkPhase.HEALTHY, 0.0, round_trip=0.012)
        self.model: str | None = self.facts.models[0] if self.facts.models else None
        self.watchers = 0
        self.retried = 0
        self._broadcast: Broadcast[EndpointNews] = Broadcast()

    def subscribe(self) -> Subscription[EndpointNews]:
        return self._broadcast.subscribe()

    def retry(self) -> None:
        self.retried += 1

    def choose_model(self, name: str) -> None:
        self.model = name
        self._broadcast.publish(self.facts)

    @contextmanager
    def watch_metrics(self, interval: float = 5.0) -> Generator[None]:
        self.watchers += 1
        try:
            yield
        finally:
            self.watchers -= 1

    def measured(self, metrics: ServerMetrics) -> None:
        self._broadcast.publish(metrics)

    def become(self, *, facts: ServerFacts | None = None, link: LinkState | None = None) -> None:
        if facts is not None:
            self.facts = facts
            self._broadcast.publish(facts)
        if link is not None:
            self.link = link
            self._broadcast.publish(link)


class FakeGpu:
    """Yields the readings it was given, then waits to be closed."""

    def __init__(self, *readings: GpuReading) -> None:
        self._broadcast: Broadcast[GpuReading] = Broadcast()
        self._first = readings

    async def readings(self) -> AsyncIterator[GpuReading]:
        for reading in self._first:
            yield reading
        async for reading in self._broadcast.subscribe():
            yield reading

    def set_interval(self, seconds: float | None) -> None: ...

    async def aclose(self) -> None:
        self._broadcast.close()


class FakeWorkspace:
    """Holds the fakes."""

    def __init__(self, *, link: FakeLink | None = None, gpu: FakeGpu | None = None, replay: bool = False) -> None:
        self.fake = FakeSession()
        self.session: FakeSession | None = None if replay else self.fake
        self.link = link or FakeLink()
        self.memory: MemoryMonitor | None = MemoryMonitor(self.link, gpu) if gpu is not None else None
        self.tools: tuple[ToolSpec, ...] = (
            ToolSpec("add", "Add two numbers.", {"type": "object"}, needs_approval=False),
            ToolSpec("mul", "Multiply two numbers.", {"type": "object"}, needs_approval=False),
        )
        self.tools_room: ToolsRoom | None = None
        self.wired: WireView | None = None
        self.address = "127.0.0.1:23333"
        self.host: RemoteHost | None = None
        self.closed = False
        self.notices: tuple[Problem, ...] = ()
        self.new_conversations = 0
        self.kept: KeptConversations | None = None
        self.opened: list[tuple[str, str | None]] = []

    @property
    def reading(self) -> FakeSession:
        return self.fake

    async def wire(self, message_id: str) -> WireView | None:
        return self.wired

    def begin(self) -> None:
        self.began = True
        if self.memory is not None:
            self.starting = asyncio.ensure_future(self.memory.start())

    async def new_conversation(self) -> None:
        self.new_conversations += 1
        await self.fake.aclose()
        self.fake = FakeSession()
        self.session = self.fake

    async def open_conversation(self, conversation_id: str, tip: str | None = None) -> None:
        self.opened.append((conversation_id, tip))
        await self.fake.aclose()
        self.fake = FakeSession()
        self.fake.conversation_id = conversation_id
        self.session = self.fake

    async def aclose(self) -> None:
        self.closed = True
        if self.memory is not None:
            await self.memory.aclose()
        await self.fake.aclose()
