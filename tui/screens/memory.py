"""The memory side of the chat screen: the panel beside the conversation, its one-line form, what they can be asked."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from contextlib import AbstractContextManager, ExitStack
from typing import TYPE_CHECKING, Any

from textual import events as ui
from textual import on, work
from textual.containers import Container
from textual.screen import ModalScreen

from tui.i18n import _
from tui.screens.chat_actions import ChatActions
from tui.widgets.memory_panel import MemoryLine, MemoryPanel
from tui.widgets.row_view import RowView

if TYPE_CHECKING:
    from tui.model.broadcast import Subscription
    from tui.model.monitor import MemoryState
    from tui.screens.seam import MemoryWatch


class MemorySide(ChatActions):
    """Follows the memory monitor. While the panel has the focus the cards are looked at four times a second; while
    another screen covers this one, not at all. ``launch_plan`` is what the planner hands a command line to."""

    def __init__(self) -> None:
        super().__init__()
        self.panel_shown = True
        self.launch_plan: Callable[[Sequence[str]], None] | None = None
        self._panel: MemoryPanel | None = None
        self._look = ExitStack()

    @property
    def memory(self) -> MemoryWatch | None:
        return self.workspace.memory if self.workspace is not None else None

    def follow_memory(self, memory: MemoryWatch) -> Coroutine[Any, Any, None]:
        """Show every state of memory. Subscribes at once."""
        return self._follow_memory(memory, memory.subscribe())

    async def _follow_memory(self, memory: MemoryWatch, subscription: Subscription[MemoryState]) -> None:
        side = self.query_one("#side", Container)
        if self._panel is None:
            self._panel = MemoryPanel(id="memory")
            await side.mount(self._panel)
        line = self.query_one(MemoryLine)
        self._set_panel(shown=self.panel_shown)
        self._attend()
        try:
            self._panel.show_state(memory.state)
            async for state in subscription:
                if side.has_class("-empty"):
                    side.remove_class("-empty")
                    self.call_after_refresh(self._panel.rebuild)
                self._panel.show_state(state)
                line.show_state(state)
        finally:
            subscription.close()
            self._look.close()

    # how closely to look

    def _attend(self) -> None:
        """Watch as closely as what is seen of the memory needs."""
        memory, panel = self.memory, self._panel
        self._look.close()
        if memory is None or panel is None or self._covered:
            return
        from tui.model.monitor import Attention  # many classes, which wait for the first frame

        close = Attention.FOCUSED if panel.has_focus else Attention.SHOWN
        watch: AbstractContextManager[None] = memory.watching(close)
        self._look.enter_context(watch)

    @property
    def _covered(self) -> bool:
        """Whether another whole screen hides this one; a dialog does not."""
        return self.app.screen is not self and not isinstance(self.app.screen, ModalScreen)

    def on_screen_suspend(self) -> None:
        self._attend()

    def on_screen_resume(self) -> None:
        self._attend()

    @on(ui.DescendantFocus)
    @on(ui.DescendantBlur)
    def _focus_moved(self) -> None:
        if self._panel is not None:
            self.call_after_refresh(self._attend)

    # the panel

    def _set_panel(self, *, shown: bool) -> None:
        self.panel_shown = shown
        self.set_class(not shown, "-panel-off")

    @property
    def _wide(self) -> bool:
        return self.has_class("-wide")

    @on(MemoryLine.Pressed)
    def action_memory_panel(self) -> None:
        """Go to the panel; from there, hide it. A narrow screen shows it as a page."""
        if self.memory is None or self._panel is None:
            self.hint(_("There is no server whose memory could be shown yet."))
        elif not self._wide:
            self._memory_page()
        elif self._panel.has_focus:
            self._set_panel(shown=False)
            self.composer.focus()
        else:
            self._set_panel(shown=True)
            self.call_after_refresh(self._panel.focus)

    @on(MemoryPanel.Left)
    def _panel_left(self) -> None:
        self.composer.focus()

    @work(group="dialog")
    async def _memory_page(self) -> None:
        from tui.screens.memory_page import MemoryPage

        if (memory := self.memory) is not None:
            await self.app.push_screen_wait(MemoryPage(memory, self.explain_memory))

    @on(RowView.Chosen)
    def _figure_chosen(self, event: RowView.Chosen) -> None:
        self.explain_memory(event.row.key, event.row.card)

    def explain_memory(self, key: str, card: int) -> None:
        """Open the explanation of a figure, or what a row offers."""
        from tui.widgets.memory_rows import TELL

        if key == TELL:
            self.action_tell_memory()
        else:
            self._explain(key, card)

    @work(group="explain", exclusive=True)
    async def _explain(self, key: str, card: int) -> None:
        from tui.screens.explain import ExplainScreen, explain_part

        memory = self.memory
        page = explain_part(memory, key, card) if memory is not None else None
        if page is not None:
            await self.app.push_screen_wait(ExplainScreen(page))

    @work(group="dialog")
    async def action_tell_memory(self) -> None:
        from tui.screens.tell_memory import TellMemoryScreen

        memory = self.memory
        if memory is None or memory.keeper is None:
            self.hint(_("There is no server whose memory could be shown yet."))
            return
        told = await self.app.push_screen_wait(TellMemoryScreen())
        if told is not None:
            memory.tell(told)

    @work(group="dialog")
    async def action_planner(self) -> None:
        from tui.screens.planner import PlannerScreen

        await self.app.push_screen(PlannerScreen(self.memory, self.launch_plan))
