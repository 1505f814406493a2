"""The chat screen: what it is made of, and the streams it follows. What the user can do is in ``chat_actions``."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from contextlib import suppress
from time import monotonic
from typing import TYPE_CHECKING, ClassVar

from textual import events as ui
from textual import on, work
from textual.app import ComposeResult
from textual.containers import Container, Horizontal, Vertical
from textual.widgets import Static

from tui.config.actions import Place
from tui.config.terminal import frames_per_second, over_ssh
from tui.i18n import _
from tui.model.problem import Problem, ProblemError
from tui.screens.app_settings import SettingsSide
from tui.screens.bindings import bindings_for
from tui.screens.chat_conversations import ConversationActions
from tui.screens.chat_homework import HomeworkActions
from tui.screens.chat_reading import ReadingActions
from tui.screens.chat_shot import ShotActions
from tui.screens.chat_tools import ToolActions
from tui.screens.chat_writing import WritingActions
from tui.screens.memory import MemorySide
from tui.widgets.composer import Composer
from tui.widgets.find_bar import FindBar
from tui.widgets.lines import Status
from tui.widgets.memory_panel import MemoryLine
from tui.widgets.transcript import Transcript

if TYPE_CHECKING:
    from tui.config.settings import Settings
    from tui.config.terminal import Terminal
    from tui.screens.seam import WorkspaceFactory
    from tui.screens.streams import Streams

_HINT_SECONDS = 4.0


class ChatScreen(
    WritingActions, ReadingActions, ShotActions, HomeworkActions, ConversationActions, ToolActions, MemorySide
):
    """Transcript, composer, status. Works from the first frame; the workspace behind it arrives a moment later."""

    BINDINGS = bindings_for(Place.CHAT)
    HORIZONTAL_BREAKPOINTS: ClassVar[list[tuple[int, str]]] = [(0, "-tiny"), (60, "-narrow"), (100, "-wide")]
    VERTICAL_BREAKPOINTS: ClassVar[list[tuple[int, str]]] = [(0, "-flat"), (16, "-short"), (30, "-tall")]

    def __init__(self, factory: WorkspaceFactory | None, terminal: Terminal) -> None:
        super().__init__()
        self._factory = factory
        self._terminal = terminal
        self._hint_until = 0.0
        self.frames = frames_per_second(os.environ)
        self.copy_on_select = False
        self.folds_thoughts = True
        self.silence_limit = 15.0
        self.panel_wanted = True
        self.streams: Streams | None = None
        self._begun = self._left = False

    def compose(self) -> ComposeResult:
        small = _("lmdeck needs 60 columns and 16 rows; this terminal has fewer. Enlarge it or use a smaller font.")
        yield Static(small, id="too-small", markup=False)
        with Vertical(id="main"):
            yield self.status_line
            with Horizontal(id="middle"):
                with Vertical(id="conversation"):
                    yield FindBar(id="find")
                    yield Transcript(id="transcript")
                    yield Static(id="news", markup=False)
                yield Container(id="side", classes="-empty")
            yield self.banner
            yield MemoryLine(id="gpu-line")
            yield self.queue_line
            with Horizontal(id="entry"):
                yield Static("›", id="prompt", markup=False)
                yield Composer(id="composer")
            yield self.keys_line

    def on_mount(self) -> None:
        self.keys_line.change(eats=self._terminal.eats)
        self.box = self.composer
        self.box.dropped = self.mentions_of
        self.composer.focus()
        self._begun = True
        if self._factory is not None:
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
        from tui.screens.streams import Streams

        if self._factory is None:
            return
        try:
            workspace = await self._factory(self.approve, self.tell)
        except ProblemError as error:
            self.tell(error.problem)
            return
        if self._left:  # the user left while it was being opened
            await workspace.aclose()
            return
        self.workspace = workspace
        host = workspace.host.name if workspace.host is not None else ""
        self.status_line.change(address=workspace.address, host=host)
        self.streams = Streams(self)
        self.session_changed(workspace.notices)
        await self.bring_draft()
        if workspace.link is not None:
            self.run_worker(self.streams.follow_link(workspace.link), group="link", exclusive=True)
        if workspace.tools_room is not None:
            self.run_worker(self.read_tools(workspace.tools_room), group="tools", exclusive=True)
        if workspace.memory is not None:
            self.run_worker(self.follow_memory(workspace.memory), group="memory", exclusive=True)
        self.send_early()
        self.call_after_refresh(workspace.begin)

    def session_changed(self, notices: tuple[Problem, ...] = ()) -> None:
        if self.workspace is not None and self.streams is not None:
            following = self.streams.follow_session(self.workspace.reading, notices)
            self.run_worker(following, group="session", exclusive=True)
            self.show_tools()
            self.change_draft()

    def use(self, factory: WorkspaceFactory) -> None:
        """Open something else: what is open is closed first. Before the screen is there it opens by itself."""
        self._factory = factory
        if self._begun:
            self._change_workspace()

    @work(group="change-workspace", exclusive=True)
    async def _change_workspace(self) -> None:
        await self.close()
        self._left = False
        self.status_line.status = Status()
        self.open_workspace()

    @property
    def is_open(self) -> bool:
        """Whether there is, or will be, something behind the screen."""
        return self._factory is not None

    def show_keys(self, keys: Mapping[str, str]) -> None:
        """The user's keys, for the key line."""
        self.keys_line.change(keymap=dict(keys))

    def follow_settings(self, settings: Settings) -> None:
        """What of the settings this screen wears."""
        self.frames = float(settings.frames_per_second(over_ssh=over_ssh(os.environ)))
        self.silence_limit = settings.stall_notice
        self.set_class(settings.panel_side == "left", "-panel-left")
        self.composer.large_paste = settings.large_paste
        self.copy_on_select = settings.copy_on_select
        self.transcript.wide_ambiguous = settings.ambiguous_width == 2
        self.folds_thoughts = settings.reasoning_folded
        if self.streams is not None:
            self.streams.wear_settings()
        if settings.panel_shown != self.panel_wanted:
            self.panel_wanted = settings.panel_shown
            self._set_panel(shown=settings.panel_shown)

    @property
    def eats(self) -> frozenset[str]:
        return self._terminal.eats

    def run_slash(self, name: str, argument: str) -> None:
        from tui.screens.slash import obey

        self.run_worker(obey(self, name, argument), group="slash", exclusive=True)

    def copy_text(self, text: str) -> None:
        if isinstance(self.app, SettingsSide):
            self.app.say_copied(text)

    @on(ui.TextSelected)
    def _text_selected(self) -> None:
        text = self.get_selected_text() if self.copy_on_select else None
        if text:
            self.copy_text(text)

    # small things that others tell the screen

    def tell(self, problem: Problem) -> None:
        """Say something inside the conversation."""
        from tui.widgets.parts import NoticeView

        self.transcript.add(NoticeView("", problem))

    def hint(self, text: str) -> None:
        """A short sentence in the key line that goes away by itself."""
        self._hint_until = monotonic() + _HINT_SECONDS
        self.keys_line.change(hint=text)
        self.set_timer(_HINT_SECONDS + 0.1, self._end_hint)

    def _end_hint(self) -> None:
        if monotonic() >= self._hint_until:
            self.keys_line.change(hint="")

    @on(Transcript.FollowChanged)
    def _follow_changed(self, event: Transcript.FollowChanged) -> None:
        self._show_news(None if event.following else event.news)

    def _show_news(self, news: int | None) -> None:
        self._news = news
        label = self.query_one("#news", Static)
        label.display = news is not None
        some = _("↓ {count} new – To the end: Ctrl+End or click")
        label.update(some.format(count=news) if news else _("↓ to the end"))

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

    def on_unmount(self) -> None:
        if self.streams is not None:
            self.streams.closed = True

    async def close(self) -> None:
        """End the streams and everything behind the screen; waits at most a few seconds."""
        self._left = True
        await self.keep_draft()
        workspace, self.workspace = self.workspace, None
        if workspace is not None:
            with suppress(TimeoutError):  # whatever does not end must not turn leaving into a crash
                await asyncio.wait_for(workspace.aclose(), 8)
