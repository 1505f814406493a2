"""The streams behind the chat screen – the session's events, the server's news, GPU readings – and where they go.

Loaded after the first frame, with the model's dataclasses.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from tui.config.terminal import frames_per_second
from tui.model import events
from tui.model.server import LinkState, ServerFacts
from tui.screens.feed import TurnFeed
from tui.widgets.lines import Banner, GpuLine, KeysLine, QueueLine, StatusLine

if TYPE_CHECKING:
    from tui.model.gpu import GpuSource
    from tui.model.message import Message
    from tui.screens.chat import ChatScreen
    from tui.screens.seam import ReadableSession, ServerLink


class Streams:
    """Each ``follow_…`` runs as a worker of the screen until its source ends or the screen goes."""

    def __init__(self, screen: ChatScreen) -> None:
        self._screen = screen
        self.feed = TurnFeed(screen.transcript, frames_per_second(os.environ))
        self.feed.on_finished = self._turn_over

    async def follow_session(self, session: ReadableSession) -> None:
        """Show a conversation and everything that happens in it until it is closed."""
        subscription = session.subscribe()
        try:
            await self.feed.show(session.messages)
            self._state(session)
            async for event in subscription:
                if isinstance(event, events.BranchChanged):
                    await self.feed.show(_branch(session, event.tip))
                self._event(session, event)
        finally:
            subscription.close()

    def _event(self, session: ReadableSession, event: events.SessionEvent) -> None:
        self.feed.feed(event)
        status = self._screen.query_one(StatusLine)
        match event:
            case events.TurnStarted(model=model) if model:
                status.change(model=model)
            case events.ContextMeter():
                status.change(meter=event)
            case events.MessageHeld():
                self._screen.choose_for_held(event)
            case _:
                pass
        self._state(session)

    def _state(self, session: ReadableSession) -> None:
        self._screen.query_one(QueueLine).show_waiting(session.waiting)
        self._screen.query_one(KeysLine).change(busy=session.busy)

    def _turn_over(self, event: events.TurnFinished | events.TurnFailed) -> None:
        if rate := event.timings.tokens_per_second:
            self._screen.query_one(StatusLine).change(rate=rate)

    async def follow_link(self, link: ServerLink) -> None:
        """Keep the status line and the banner up to date with the server."""
        subscription = link.subscribe()
        try:
            self._server_news(link)
            async for news in subscription:
                if isinstance(news, (LinkState, ServerFacts)):
                    self._server_news(link)
        finally:
            subscription.close()

    def _server_news(self, link: ServerLink) -> None:
        self._screen.query_one(StatusLine).change(link=link.link, facts=link.facts, model=link.model)
        self._screen.query_one(Banner).show_link(link.link)

    async def follow_gpu(self, source: GpuSource) -> None:
        """Show each reading of the machine's GPUs."""
        line = self._screen.query_one(GpuLine)
        async for reading in source.readings():
            line.show_reading(reading)


def _branch(session: ReadableSession, tip: str | None) -> tuple[Message, ...]:
    """The messages up to ``tip``: what came after it follows as events."""
    ids = [message.id for message in session.messages]
    return session.messages[: ids.index(tip) + 1] if tip in ids else ()
