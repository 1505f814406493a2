"""One conversation on one endpoint. It owns the running turn, which goes on whether or not anybody looks."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import aclosing, suppress
from dataclasses import replace
from functools import partial

from tui.chat.context import NEAR, ContextGauge
from tui.chat.conversation import Conversation, with_answers
from tui.chat.endpoints import continues_answers, find_model, known_model
from tui.chat.engine import ROUND_LIMIT, TurnJob, run_turn
from tui.chat.history import valid_history
from tui.chat.ports import CONTEXT_TOO_LONG, Approver, EndpointPort, StorePort, new_id, utc_now
from tui.chat.records import Settings, TurnLog
from tui.chat.titles import title_from
from tui.chat.toolrun import CallSwitch
from tui.chat.writer import Heading
from tui.i18n import _
from tui.model.events import (
    ContextMeter,
    MessageHeld,
    Notice,
    QueueChanged,
    RoundStarted,
    TurnEvent,
    TurnFailed,
    TurnFinished,
    Usage,
    UserMessageAdded,
)
from tui.model.memory import MemoryBreakdown
from tui.model.message import ImagePart, Message, Part, TextPart
from tui.model.problem import Problem, ProblemError
from tui.model.request import ChatRequest, Sampling
from tui.model.tool import Decision, Refreshing, ToolCall, ToolRunner, ToolSpec, Verdict

_GOES_ON = frozenset({"stop", "length", "round_limit"})  # ends after which the queue goes on


async def refuse(_call: ToolCall, _spec: ToolSpec) -> Decision:
    """The approver of a session without a user: nothing that needs approval is run."""
    return Decision(Verdict.REFUSE, "nobody is there to approve it")


def _no_breakdown() -> tuple[MemoryBreakdown, ...]:
    return ()


class Session(Conversation):
    """One conversation: its messages, its queue, its turn.

    ``system``, ``sampling``, ``tools_enabled`` (None: all), ``approve``, ``breakdown`` (the memory picture to keep with
    a turn), ``endpoint`` and ``stream`` may be set at any time and hold from the next turn on. With a ``store`` the
    conversation is created there with its first message. Call :meth:`load` first for one that exists.
    """

    def __init__(
        self,
        endpoint: EndpointPort,
        runner: ToolRunner,
        *,
        store: StorePort | None = None,
        approve: Approver = refuse,
        conversation_id: str | None = None,
        system: str = "",
        sampling: Sampling | None = None,
    ) -> None:
        super().__init__(store, conversation_id)
        self.endpoint = endpoint
        self.runner = runner
        self.approve = approve
        self.system = system
        self.sampling = sampling or Sampling()
        self.stream = True
        self.round_limit = ROUND_LIMIT
        self.tools_enabled: frozenset[str] | None = None
        self.breakdown: Callable[[], tuple[MemoryBreakdown, ...]] = _no_breakdown
        self.trim_oldest = False
        self.waiting: tuple[str, ...] = ()
        self.busy = False
        self._queue: list[tuple[str, tuple[ImagePart, ...]]] = []
        self._gauge = ContextGauge(endpoint)
        self._warned = False
        self._told: set[str] = set()
        self._asked_length = False
        self._stop = asyncio.Event()
        self._switch = CallSwitch()
        self._task: asyncio.Task[None] | None = None
        self._measuring: asyncio.Task[ContextMeter] | None = None

    # What a user does.

    async def load(self, tip: str | None = None) -> None:
        """Read the conversation from the store, its open branch or the one that ends at ``tip``. Raises ProblemError
        (the store's, or ``chat.no_conversation``)."""
        await self.stop()
        await self._settle()
        settings = await self._read(tip)
        self.system, self.sampling, self.tools_enabled = settings.system, settings.sampling, settings.tools
        self.trim_oldest = settings.trim_oldest

    async def submit(
        self, text: str, images: tuple[ImagePart, ...] = (), *, trim_oldest: bool = False, anyway: bool = False
    ) -> None:
        """Send a message, or queue it while a turn runs. A queue that a stop or a failure left waiting goes first;
        submitting nothing starts it. ``trim_oldest``: from now on leave out old turns when the context is full;
        ``anyway``: send this one even so."""
        self.trim_oldest = self.trim_oldest or trim_oldest
        if self.busy or (self._queue and not anyway and not trim_oldest):
            if text or images:
                self._queue.append((text, tuple(images)))
            if self.busy:
                self._queue_changed()
                return
            text, images = self._queue.pop(0)
            self._queue_changed()
        if text or images:
            self._begin(lambda: self._answer(text, images, anyway=anyway or trim_oldest))

    async def take_back(self, index: int) -> str:
        """Remove a message from the queue and return its text; raises IndexError."""
        text, _images = self._queue.pop(index)
        self._queue_changed()
        return text

    async def stop(self) -> None:
        """End the running turn: the socket is closed, the text kept. Returns when the turn is over."""
        self._stop.set()
        if self._task:
            await asyncio.wait([self._task])

    def cancel_call(self, call_id: str) -> bool:
        """End one running tool call, the turn goes on: the model is told that the user cancelled it. False when it
        does not run."""
        return self._switch.cancel(call_id)

    async def regenerate(self, message_id: str | None = None) -> None:
        """Answer again the user's message that leads to ``message_id`` (without it: the last one), on a new branch."""
        await self.stop()
        messages = self.messages
        end = len(messages) if message_id is None else self._index(message_id) + 1
        asked = next((message for message in reversed(messages[:end]) if message.role == "user"), None)
        if asked is not None:
            self._show((*self._assembly.branch(asked.id), asked))
            self._begin(self._turn)

    async def edit(self, message_id: str, text: str) -> None:
        """Say something else in place of a user's message, and answer that, on a new branch. Raises ValueError for a
        message that is not a user's, KeyError for one that is not on the visible branch."""
        await self.stop()
        place = self._index(message_id)
        message = self.messages[place]
        if message.role != "user":
            raise ValueError(f"not a user's message: {message_id}")
        images = tuple(part for part in message.parts if isinstance(part, ImagePart))
        self._show(self._assembly.branch(message_id))
        self._begin(lambda: self._answer(text, images))

    async def resume(self) -> None:
        """Go on where the conversation was cut: inside the last answer or its reasoning where the server can do
        that (it continues an assistant message at the end), by asking to continue where it cannot; an answer that never
        came is asked for again, interrupted tool calls count as failed."""
        if self.busy or not self.messages:
            return
        last = self.messages[-1]
        if last.role != "assistant" or last.tool_calls:
            self._begin(self._turn)
        elif (
            not last.complete
            and (last.text or last.reasoning)
            and last.id == self._assembly.tip
            and continues_answers(self.endpoint.facts)
        ):
            self._begin(lambda: self._turn(continue_last=True))
        elif last.text:
            self._begin(lambda: self._answer(_("Please continue."), ()))
        else:
            await self.regenerate()

    async def delete(self, message_id: str) -> tuple[str, ...]:
        """Take a message out of the conversation, with what cannot be without it (:func:`with_answers`); the ids of all
        that went. Nothing is lost: see :class:`tui.chat.conversation.Conversation`. Raises KeyError for a message that
        is not on the visible branch."""
        await self.stop()
        await self._settle()
        ids = with_answers(self.messages, message_id)
        self._hide(ids)
        self._measuring = asyncio.create_task(self._measure())
        return ids

    async def undelete(self) -> tuple[str, ...]:
        """Bring back what was deleted last on this branch, where it was; its ids, none when there is nothing."""
        await self.stop()
        await self._settle()
        ids = self._unhide()
        if ids:
            self._measuring = asyncio.create_task(self._measure())
        return ids

    async def measure(self, draft: str = "") -> ContextMeter:
        """How full the context would be with this draft; also published, with a notice when it passes 90 %."""
        request = self._request()
        if draft:
            extra = Message("draft", "user", (TextPart(draft),), None, utc_now())
            request = replace(request, messages=valid_history((*request.messages, extra)))
        meter = await self._gauge.measure(request)
        self._publish(meter)
        share = meter.tokens / meter.limit if meter.limit else 0.0
        if share >= NEAR and not self._warned:
            data = {"percent": round(share * 100), "tokens": meter.tokens, "limit": meter.limit or 0}
            self._publish(Notice(Problem("chat.context_near", data)))
        self._warned = share >= NEAR
        return meter

    async def aclose(self) -> None:
        """Stop the turn, write what there is, end all subscriptions."""
        self._queue.clear()
        await self.stop()
        await self._settle()
        await self._keeper.aclose()
        self._events.close()

    # The turn.

    def _begin(self, work: Callable[[], Awaitable[bool]]) -> None:
        self.busy = True
        self._stop = asyncio.Event()
        self._task = asyncio.create_task(self._work(self._task, work))

    async def _work(self, before: asyncio.Task[None] | None, work: Callable[[], Awaitable[bool]]) -> None:
        """Run a piece of work, then the queue while everything goes well."""
        if before:
            await asyncio.wait([before])
        await self._settle()
        while await work():
            text, images = self._queue.pop(0)
            self._queue_changed()
            work = partial(self._answer, text, images)

    async def _answer(self, text: str, images: tuple[ImagePart, ...], *, anyway: bool = False) -> bool:
        """Add a user's message and run its turn; True when the next one of the queue should follow."""
        parts: tuple[Part, ...] = (*images, TextPart(text)) if text else images
        message = Message(new_id(), "user", parts, self._assembly.tip, utc_now())
        if not (anyway or self.trim_oldest):
            request = self._request()
            full = await self._gauge.full(replace(request, messages=(*request.messages, message)))
            if full is not None:
                self._hold(text, images, full)
                return False
        self._assembly.add(message)
        self._keeper.touch(message.id)
        self._publish(UserMessageAdded(message.id, text))
        if not self.title:
            self._set_title(title_from(text), manual=False)
        return await self._turn()

    def _hold(self, text: str, images: tuple[ImagePart, ...], meter: ContextMeter) -> None:
        self.busy = False
        self._publish(meter)
        data = {"tokens": meter.tokens, "limit": meter.limit or 0}
        self._publish(MessageHeld(text, Problem("chat.context_full", data), images))

    async def _turn(self, *, continue_last: bool = False) -> bool:
        """Run one turn on the visible branch; True when it ended well and messages wait."""
        if isinstance(self.runner, Refreshing):
            await self.runner.refresh()
        request = self._request(continuing=continue_last)
        dropped = 0
        if self.trim_oldest:
            request, dropped = self._gauge.trim(request)
        request = replace(request, stream=self.stream, continue_last=continue_last)
        log = TurnLog(self.endpoint, self.breakdown)
        job = TurnJob(
            request,
            log.turn_id,
            frozenset(spec.name for spec in request.tools),
            frozenset(call.call_id for message in self._assembly.branch() for call in message.tool_calls),
            self.round_limit,
            find_model=partial(find_model, self.endpoint),
            on_line=log.line,
            no_tool_parser=self.endpoint.remember_no_tool_parser,
            tools_raw=self.endpoint.facts.has_tool_parser is False,
            told=self._told,
            switch=self._switch,
        )
        self._keeper.settings(self._settings(), request.model)
        self._keeper.turn(log.record("", request))
        go_on = False
        async with aclosing(run_turn(job, self.endpoint.client, self.runner, self.approve, stop=self._stop)) as turn:
            async for event in turn:
                if isinstance(event, Usage) and not (dropped or continue_last):
                    self._gauge.learn(self._request(self.messages[:-1]), event)
                elif isinstance(event, (TurnFinished, TurnFailed)):
                    go_on = self._over(event)
                log.note(event)
                self._happened(event)
                if dropped and isinstance(event, RoundStarted) and event.number == 1:
                    self._happened(Notice(Problem("chat.trimmed", {"count": dropped})))
        self._keeper.turn(log.record("", request))
        self._measuring = asyncio.create_task(self._measure())
        return go_on

    def _over(self, event: TurnFinished | TurnFailed) -> bool:
        """The turn ends; True when the queue goes on. A stop or a failure leaves the queue waiting."""
        if isinstance(event, TurnFailed):
            problem = event.problem
            limit = problem.data.get("limit")
            if problem.code == CONTEXT_TOO_LONG and isinstance(limit, int):
                self._gauge.learn_limit(limit)
            if problem.code.startswith("server."):
                self.endpoint.request_failed(problem)
            self.busy = False
        else:
            self.busy = bool(self._queue) and event.finish_reason in _GOES_ON
        return self.busy

    def _happened(self, event: TurnEvent) -> None:
        changed = self._assembly.apply(event)
        if changed:
            self._keeper.touch(changed)
        self._publish(event)

    def _request(self, messages: tuple[Message, ...] | None = None, *, continuing: bool = False) -> ChatRequest:
        """The visible branch (or a part of it) as a request, with the tools that would be offered."""
        chosen = self.tools_enabled
        return ChatRequest(
            known_model(self.endpoint),
            valid_history(self.messages if messages is None else messages, continuing=continuing),
            self.system,
            tuple(spec for spec in self.runner.specs() if chosen is None or spec.name in chosen),
            self.sampling,
        )

    # The small things.

    def _index(self, message_id: str) -> int:
        for place, message in enumerate(self.messages):
            if message.id == message_id:
                return place
        raise KeyError(message_id)

    def _queue_changed(self) -> None:
        self.waiting = tuple(text for text, _images in self._queue)
        self._publish(QueueChanged(self.waiting))

    async def _measure(self) -> ContextMeter:
        """After a turn: the server has shown that it answers, so its context length may be asked for, once."""
        if not self._asked_length:
            self._asked_length = True
            with suppress(ProblemError):
                await self.endpoint.learn_context_length()
        return await self.measure()

    async def _settle(self) -> None:
        """Nothing of the last turn is left."""
        if self._measuring:
            self._measuring.cancel()
            await asyncio.gather(self._measuring, return_exceptions=True)
            self._measuring = None

    # What is kept.

    def _settings(self) -> Settings:
        return Settings(self.system, self.sampling, self.tools_enabled, self.trim_oldest)

    def _heading(self) -> Heading:
        return Heading(self.title, self.endpoint.address.reference, self.endpoint.model or "", self._settings())
