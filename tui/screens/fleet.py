"""The fleet: every server on every connected machine and on this one, a line each, live while it is looked at."""

from __future__ import annotations

from contextlib import ExitStack
from time import monotonic
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen

from tui.hosts.fleet import Fleet
from tui.i18n import N_, _
from tui.model.machine import FleetLine
from tui.screens.connections import server_url
from tui.widgets.cell_rows import Row, folded
from tui.widgets.form_rows import Caption
from tui.widgets.machine_rows import fleet_rows
from tui.widgets.row_view import RowView

if TYPE_CHECKING:
    from tui.hosts.machines import Machines


class FleetView(RowView):
    """One row a server; without any, what to do."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 (Textual's name)
        super().__init__(id=id)
        self.lines: tuple[FleetLine, ...] = ()

    def make_rows(self, width: int) -> list[Row]:
        if self.lines:
            return fleet_rows(self.lines, width, monotonic())
        text = _("No server was found, neither here nor on a connected machine. F10 connects machines.")
        return folded(text, width, "muted")


class FleetScreen(Screen[str | None]):
    """Answers with the address of the server to open; None when it was left."""

    CSS_PATH = "../styles/machines.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "back", show=False, id="fleet.back")]

    def __init__(self, machines: Machines) -> None:
        super().__init__()
        self.view = FleetView(id="machines-view")
        self.fleet = Fleet(machines)
        self._looking = ExitStack()

    def compose(self) -> ComposeResult:
        yield Caption(N_("Fleet"), id="machines-title")
        yield self.view
        yield Caption(N_("↑ ↓ choose · Enter opens the chat there · Esc back"), id="machines-keys")

    def on_mount(self) -> None:
        self.view.focus()
        self._follow()

    async def on_unmount(self) -> None:
        self._looking.close()
        await self.fleet.aclose()

    def on_screen_resume(self) -> None:
        self._looking.close()
        self._looking.enter_context(self.fleet.looking())

    def on_screen_suspend(self) -> None:
        self._looking.close()

    @work(group="fleet")
    async def _follow(self) -> None:
        news = self.fleet.subscribe()
        try:
            async for lines in news:
                self.view.lines = lines
                self.view.rebuild()
        finally:
            news.close()

    @on(RowView.Chosen)
    def _row_chosen(self, event: RowView.Chosen) -> None:
        line = next((one for one in self.view.lines if one.key == event.row.key), None)
        if line is None or not line.port:
            return
        self.dismiss(server_url(line.host, line.port) if line.host else f"http://127.0.0.1:{line.port}")

    def action_back(self) -> None:
        self.dismiss(None)
