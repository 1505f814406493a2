"""The memory panel as a page, for terminals that are too narrow to have it beside the conversation."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import TYPE_CHECKING

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical

from tui.i18n import _
from tui.model.monitor import Attention
from tui.screens.dialog import Dialog, heading, note
from tui.widgets.memory_panel import MemoryPanel
from tui.widgets.row_view import RowView

if TYPE_CHECKING:
    from tui.screens.seam import MemoryWatch


class MemoryPage(Dialog[None]):
    """Follows the monitor while it is open; ``explain`` opens the explanation of a figure."""

    DEFAULT_CSS = "MemoryPage MemoryPanel { height: 24; max-height: 70vh; }"

    def __init__(self, memory: MemoryWatch, explain: Callable[[str, int], None]) -> None:
        super().__init__()
        self._memory, self._explain = memory, explain
        self._look = ExitStack()

    def compose(self) -> ComposeResult:
        with Vertical(classes="box"):
            yield heading(_("Where the memory went"))
            yield MemoryPanel()
            yield note(_("↑ ↓ choose a figure · Enter explains it · Esc closes"))

    def on_mount(self) -> None:
        self._look.enter_context(self._memory.watching(Attention.FOCUSED))
        self.query_one(MemoryPanel).focus()
        self.run_worker(self._follow())

    async def _follow(self) -> None:
        panel = self.query_one(MemoryPanel)
        subscription = self._memory.subscribe()
        try:
            panel.show_state(self._memory.state)
            async for state in subscription:
                panel.show_state(state)
        finally:
            subscription.close()

    @on(RowView.Chosen)
    def _chosen(self, event: RowView.Chosen) -> None:
        self._explain(event.row.key, event.row.card)

    @on(MemoryPanel.Left)
    def _left(self) -> None:
        self.dismiss(None)

    def on_unmount(self) -> None:
        self._look.close()
