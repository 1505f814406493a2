"""The log of something lmdeck started: follow, filter, search, copy."""

from __future__ import annotations

from collections import deque
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.screen import Screen
from textual.widgets import Input, Static

from tui.i18n import _
from tui.launch.machine import Machine
from tui.lmdeploy.log import Lines
from tui.model.problem import ProblemError
from tui.widgets.cell_rows import Row, cut
from tui.widgets.literal import literal, one_line
from tui.widgets.row_view import RowView

_CHUNK = 256 * 1024
_KEPT = 20_000
_WARNING = ("WARN", "Warning")
_ERROR = ("ERROR", "FATAL", "Error", "Traceback", "out of memory")


class LogRows(RowView):
    """The lines that hold the sought words. Lines are text from outside."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 (Textual's name)
        super().__init__(id=id)
        self.lines: deque[str] = deque(maxlen=_KEPT)
        self.sought = ""

    @property
    def shown(self) -> list[str]:
        sought = self.sought.lower()
        return [line for line in self.lines if sought in line.lower()] if sought else list(self.lines)

    def make_rows(self, width: int) -> list[Row]:
        return [Row(cut([(one_line(line, 1000), _style(line))], width)) for line in self.shown]


def _style(line: str) -> str:
    if any(word in line for word in _ERROR):
        return "error"
    return "warning" if any(word in line for word in _WARNING) else ""


class LogScreen(Screen[None]):
    """``path`` is a log file on ``machine``; ``title`` says whose it is."""

    CSS_PATH = "../styles/launch.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", show=False, id="logs.back"),
        Binding("f3,ctrl+f", "find", show=False, id="logs.find"),
        Binding("f9", "copy", show=False, id="logs.copy"),
        Binding("f4", "follow", show=False, id="logs.follow"),
    ]

    def __init__(self, machine: Machine, path: str, title: str, every: float = 0.5) -> None:
        super().__init__()
        self._machine, self._path, self._whose, self._every = machine, path, title, every
        self._cutter = Lines()
        self._offset = 0
        self.following = True
        self.view = LogRows(id="log-rows")

    def compose(self) -> ComposeResult:
        yield Static(literal(one_line(self._whose, 200)), id="log-title", markup=False)
        with Horizontal(id="log-find"):
            yield Input(placeholder=_("only lines with …"), compact=True, id="log-sought")
        yield self.view
        yield Static(literal(_("Esc back   F3 filter   F4 follow   F9 copy")), id="log-keys", markup=False)

    def on_mount(self) -> None:
        self.view.focus()
        self._follow()

    @work(group="log")
    async def _follow(self) -> None:
        """Read what is new as long as the screen is open."""
        import asyncio

        while True:
            try:
                piece = await self._machine.order("tail", path=self._path, offset=self._offset, limit=_CHUNK)
            except ProblemError:
                await asyncio.sleep(self._every)
                continue
            self._offset = int(piece["offset"])
            lines = self._cutter.feed(str(piece["text"]))
            if lines:
                self.view.lines.extend(lines)
                self._redraw()
            if not piece["text"]:
                await asyncio.sleep(self._every)

    def _redraw(self) -> None:
        self.view.rebuild()
        if self.following:
            self.view.scroll_end(animate=False)

    @on(Input.Changed, "#log-sought")
    def _sought(self, event: Input.Changed) -> None:
        self.view.sought = event.value
        self._redraw()

    def action_find(self) -> None:
        self.query_one("#log-sought", Input).focus()

    def action_follow(self) -> None:
        """Stay at the end, or stop doing so."""
        self.following = not self.following
        self._redraw()

    def action_copy(self) -> None:
        """The lines that are shown."""
        self.app.copy_to_clipboard("\n".join(self.view.shown))
        self.notify(_("Sent to the terminal's clipboard."), markup=False)

    def action_back(self) -> None:
        self.dismiss(None)
