"""The chat screen: what it is made of, and the streams it follows. What the user can do is in ``chat_actions``."""

from __future__ import annotations

import asyncio
import os
from time import monotonic
from typing import ClassVar

from textual import events as ui
from textual import on, work
from textual.app import ComposeResult
from textual.containers import Container, Horizontal, Vertical
from textual.widgets import Static

from tui.config.actions import Place
from tui.config.terminal import Terminal, frames_per_second
from tui.i18n import _
from tui.model import events
from tui.model.gpu import GpuSource
from tui.model.problem import Problem, ProblemError
from tui.model.server import LinkState, ServerFacts
from tui.screens.bindings import bindings_for
from tui.screens.chat_actions import ChatActions
from tui.screens.feed import TurnFeed
from tui.screens.seam import ReadableSession, ServerLink, WorkspaceFactory
from tui.widgets.composer import Composer
from tui.widgets.lines import Banner, GpuLine, KeysLine, QueueLine, StatusLine
from tui.widgets.parts import NoticeView
from tui.widgets.transcript import Transcript

_HINT_SECONDS = 4.0
# Events that a branch read anew already contains.
_CONTENT = (
    events.TextDelta, events.ReasoningDelta, events.ReasoningFinished, events.ReasoningWasAnswer,
    events.TextWasReasoning, events.ToolCallStarted, events.ToolCallArguments, events.ToolResult, events.Notice,
    events.UserMessageAdded, events.BranchChanged,
)  # fmt: skip


class ChatScreen(ChatActions):
    """Transcript, composer, status. Works from the first frame; the workspace behind it arrives a moment later."""

    BINDINGS = bindings_for(Place.CHAT)
    HORIZONTAL_BREAKPOINTS: ClassVar[list[tuple[int, str]]] = [(0, "-tiny"), (60, "-narrow"), (100, "-wide")]
    VERTICAL_BREAKPOINTS: ClassVar[list[tuple[int, str]]] = [(0, "-flat"), (16, "-short"), (30, "-tall")]

    def __init__(self, factory: WorkspaceFactory, terminal: Terminal) -> None:
        super().__init__()
        self._factory = factory
        self._terminal = terminal
        self._hint_until = 0.0

    def compose(self) -> ComposeResult:
        yield Static(id="too-small", markup=False)
        with Vertical(id="main"):
            yield StatusLine(id="status")
            with Horizontal(id="middle"):
                with Vertical(id="conversation"):
                    yield Transcript(id="transcript")
                    yield Static(id="news", markup=False)
                yield Container(id="side", classes="-empty")
            yield Banner(id="banner")
            yield GpuLine(id="gpu-line")
            yield QueueLine(id="queue")
            with Horizontal(id="entry"):
                yield Static("›", id="prompt", markup=False)
                yield Composer(id="composer")
            yield KeysLine(id="keys")

    def on_mount(self) -> None:
        self.feed = TurnFeed(self.transcript, frames_per_second(os.environ))
        self.feed.on_finished = self._turn_over
        self.query_one(KeysLine).change(eats=self._terminal.eats)
        self.retranslate()
        self.composer.focus()
        self.call_after_refresh(self.open_workspace)

    def on_resize(self) -> None:
        if self.focused is None:
            self.call_after_refresh(self.composer.focus)

    def retranslate(self) -> None:
        """Set the texts of this screen's own labels again."""
        self.query_one("#too-small", Static).update(
            _("lmdeck needs 60 columns and 16 rows; this terminal has fewer. Enlarge it or use a smaller font.")
        )
        self._show_news(self._news)

    # the workspace and its streams

    @work(group="workspace", exclusive=True)
    async def open_workspace(self) -> None:
        """Build what is behind the screen, then follow its streams and send what was typed meanwhile."""
        try:
            workspace = await self._factory(self.approve)
        except ProblemError as error:
            self.tell(error.problem)
            return
        self.workspace = workspace
        self.query_one(StatusLine).change(address=workspace.address)
        for problem in workspace.notices:
            self.tell(problem)
        self.follow_session(workspace.reading)
        if workspace.link is not None:
            self.follow_link(workspace.link)
        if workspace.gpu is not None:
            self.follow_gpu(workspace.gpu)
        self.send_early()

    @work(group="session", exclusive=True)
    async def follow_session(self, session: ReadableSession) -> None:
        """Show a conversation and everything that happens in it until it is closed."""
        subscription = session.subscribe()
        try:
            await self.feed.show(session.messages)
            self._session_state(session)
            async for event in subscription:
                if isinstance(event, events.BranchChanged):
                    # What is queued up to this moment is part of the branch that is read now.
                    late = [item for item in subscription.drain() if not isinstance(item, _CONTENT)]
                    await self.feed.show(session.messages)
                    for item in late:
                        self._session_event(session, item)
                else:
                    self._session_event(session, event)
        finally:
            subscription.close()

    def _session_event(self, session: ReadableSession, event: events.SessionEvent) -> None:
        self.feed.feed(event)
        match event:
            case events.TurnStarted(model=model):
                self.query_one(StatusLine).change(model=model or self.query_one(StatusLine).status.model)
            case events.ContextMeter():
                self.query_one(StatusLine).change(meter=event)
            case events.MessageHeld():
                self.choose_for_held(event)
            case _:
                pass
        self._session_state(session)

    def _session_state(self, session: ReadableSession) -> None:
        self.query_one(QueueLine).show_waiting(session.waiting)
        self.query_one(KeysLine).change(busy=session.busy)

    def _turn_over(self, event: events.TurnFinished | events.TurnFailed) -> None:
        if rate := event.timings.tokens_per_second:
            self.query_one(StatusLine).change(rate=rate)

    @work(group="link", exclusive=True)
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
        self.query_one(StatusLine).change(link=link.link, facts=link.facts, model=link.model)
        self.query_one(Banner).show_link(link.link)

    @work(group="gpu", exclusive=True)
    async def follow_gpu(self, source: GpuSource) -> None:
        """Show each reading of the machine's GPUs."""
        line = self.query_one(GpuLine)
        async for reading in source.readings():
            line.show_reading(reading)

    def session_changed(self) -> None:
        if self.workspace is not None:
            self.follow_session(self.workspace.reading)

    # small things that others tell the screen

    def tell(self, problem: Problem) -> None:
        """Say something inside the conversation."""
        self.transcript.add(NoticeView("", problem))

    def hint(self, text: str) -> None:
        """A short sentence in the key line that goes away by itself."""
        self._hint_until = monotonic() + _HINT_SECONDS
        self.query_one(KeysLine).change(hint=text)
        self.set_timer(_HINT_SECONDS + 0.1, self._end_hint)

    def _end_hint(self) -> None:
        if monotonic() >= self._hint_until:
            self.query_one(KeysLine).change(hint="")

    @on(Transcript.FollowChanged)
    def _follow_changed(self, event: Transcript.FollowChanged) -> None:
        self._show_news(None if event.following else event.news)

    def _show_news(self, news: int | None) -> None:
        self._news = news
        label = self.query_one("#news", Static)
        label.display = news is not None
        label.update(_("↓ new text below – To the end: Ctrl+End or click") if news else _("↓ to the end"))

    @on(ui.Click, "#news")
    def _news_clicked(self) -> None:
        self.transcript.follow()

    @on(Composer.Submitted)
    def _submitted(self, event: Composer.Submitted) -> None:
        self.transcript.select(None)
        self.send(event.text)

    @on(Composer.MenuAsked)
    def _menu_asked(self) -> None:
        self.action_menu()

    async def close(self) -> None:
        """End the streams and everything behind the screen; waits at most a few seconds."""
        workspace, self.workspace = self.workspace, None
        if workspace is not None:
            await asyncio.wait_for(workspace.aclose(), 8)
