"""The streams behind the chat screen – the session's events, the server's news, all but memory – and where they go.

Loaded after the first frame, with the model's dataclasses.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from tui.chat.merge import merge_events
from tui.model import events
from tui.model.message import ImagePart, NoticePart
from tui.model.problem import Problem
from tui.model.server import LinkState, ServerFacts
from tui.screens.feed import TurnFeed
from tui.screens.silence import Silence
from tui.widgets.tool_call import CallState

if TYPE_CHECKING:
    from tui.model.broadcast import Subscription
    from tui.model.message import Message
    from tui.screens.chat import ChatScreen
    from tui.screens.seam import EndpointNews, ReadableSession, ServerLink


# Notices of lmdeck having read tool calls that the server could have read.
_WITHOUT_PARSER = frozenset({"chat.no_tool_parser", "chat.calls_read"})
_FLUSHES = 15  # how often a second growing text is rendered at most


class Streams:
    """Each ``follow_…`` runs as a worker of the screen until its source ends or the screen goes."""

    def __init__(self, screen: ChatScreen) -> None:
        self._screen = screen
        self._without_parser = False
        self.closed = False  # set when the widgets go: a turn that is stopped then still sends its last events
        self._status, self._banner = screen.status_line, screen.banner
        self._queue, self._keys = screen.queue_line, screen.keys_line
        self.feed = TurnFeed(screen.transcript)
        self.feed.on_finished = self._turn_over
        self._silence = Silence(self._banner.show_silence)
        self.wear_settings()
        self._session_state: tuple[tuple[str, ...], bool] | None = None

    def wear_settings(self) -> None:
        """What of the settings concerns a growing reply; holds at once."""
        self._screen.transcript.seconds_per_frame = 1 / min(_FLUSHES, self._screen.frames)
        self.feed.folds_thoughts = self._screen.folds_thoughts
        self._silence.limit = self._screen.silence_limit

    def follow_session(self, session: ReadableSession, notices: tuple[Problem, ...] = ()) -> Coroutine[Any, Any, None]:
        """Show a conversation, below it the notices, and everything that happens in it until it is closed. Subscribes
        at once."""
        shown = (session.messages, dict(session.turns))
        return self._follow_session(session, session.subscribe(), shown, (*notices, *_broken_off(session)))

    async def _follow_session(
        self,
        session: ReadableSession,
        subscription: Subscription[events.SessionEvent],
        shown: tuple[tuple[Message, ...], Mapping[str, events.TurnFigures]],
        notices: tuple[Problem, ...],
    ) -> None:
        try:
            self.feed.images_of = partial(_images, session)
            self.feed.show(*shown)
            for problem in notices:
                self._screen.tell(problem)
            self._state(session)
            async for first in subscription:
                for event in _together(first, subscription.drain()):
                    if isinstance(event, events.BranchChanged):
                        self._show_branch(session, event)
                    self._event(session, event)
        finally:
            self._silence.end()
            subscription.close()

    def _show_branch(self, session: ReadableSession, event: events.BranchChanged) -> None:
        self.feed.show(_branch(session, event.tip), session.turns)
        if event.restored:
            self._screen.transcript.select(event.restored[0])

    def _event(self, session: ReadableSession, event: events.SessionEvent) -> None:
        if self.closed:
            return
        self.feed.feed(event)
        self._silence.heard(event)
        match event:
            case events.TurnStarted(model=model):
                self._screen.show_tools()
                if model:
                    self._status.change(model=model)
            case events.ToolRunning():
                self._screen.run_worker(self._count_seconds, group="calls", exclusive=True)
            case events.ContextMeter():
                self._status.change(meter=event)
            case events.Notice(problem=problem) if problem.code in _WITHOUT_PARSER:
                self._without_parser = True
            case events.MessageHeld():
                self._screen.choose_for_held(event)
            case _:
                pass
        self._state(session)

    async def _count_seconds(self) -> None:
        """While calls run, their lines are drawn once a second."""
        while calls := self.feed.running():
            await asyncio.sleep(1)
            for call in calls:
                if call.state is CallState.RUNNING:
                    call.redraw()

    def _state(self, session: ReadableSession) -> None:
        state = (session.waiting, session.busy)
        if state != self._session_state:
            self._session_state = state
            self._queue.show_waiting(session.waiting)
            self._keys.change(busy=session.busy)

    def _turn_over(self, event: events.TurnFinished | events.TurnFailed) -> None:
        if rate := event.timings.tokens_per_second:
            self._status.change(rate=rate)
        if self._without_parser:
            self._without_parser = False
            self._screen.offer_tool_parser()

    def follow_link(self, link: ServerLink) -> Coroutine[Any, Any, None]:
        """Keep the status line and the banner up to date with the server. Subscribes at once."""
        return self._follow_link(link, link.subscribe())

    async def _follow_link(self, link: ServerLink, subscription: Subscription[EndpointNews]) -> None:
        try:
            self._server_news(link)
            async for news in subscription:
                if isinstance(news, (LinkState, ServerFacts)):
                    self._server_news(link)
        finally:
            subscription.close()

    def _server_news(self, link: ServerLink) -> None:
        if self.closed:
            return
        self._status.change(link=link.link, facts=link.facts, model=link.model)
        self._banner.show_link(link.link)


def _together(first: events.SessionEvent, rest: list[events.SessionEvent]) -> Iterator[events.SessionEvent]:
    """What waits, neighbouring pieces of text as one: a burst brings dozens at a time."""
    last = first
    for event in rest:
        merged = merge_events(last, event)
        if merged is None:
            yield last
        last = event if merged is None else merged
    yield last


def _broken_off(session: ReadableSession) -> tuple[Problem, ...]:
    """What to say of a kept conversation whose last reply has no end: lmdeck was killed, or the machine went down."""
    last = session.messages[-1] if session.messages else None
    if last is None or last.role != "assistant" or last.complete or session.busy:
        return ()
    told = any(isinstance(part, NoticePart) for part in last.parts)
    return () if told else (Problem("chat.broken_off"),)


def _images(session: ReadableSession, message_id: str) -> list[ImagePart]:
    found = next((message for message in reversed(session.messages) if message.id == message_id), None)
    return [part for part in found.parts if isinstance(part, ImagePart)] if found is not None else []


def _branch(session: ReadableSession, tip: str | None) -> tuple[Message, ...]:
    """The messages up to ``tip``: what came after it follows as events."""
    ids = [message.id for message in session.messages]
    return session.messages[: ids.index(tip) + 1] if tip in ids else ()
