"""The log of something lmdeck started: follow, filter, search, copy."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.widgets import Input

from tui.config.action import Place
from tui.i18n import _
from tui.lmdeploy.log import Lines
from tui.model.problem import ProblemError
from tui.screens.bindings import bindings_for
from tui.screens.room import Room, Site
from tui.widgets.cell_rows import Row, cut
from tui.widgets.literal import one_line
from tui.widgets.row_view import RowView

_CHUNK = 256 * 1024
_KEPT = 20_000
_WARNING = ("WARN", "Warning")
_ERROR = ("ERROR", "FATAL", "Error", "Traceback", "out of memory")


class LogRows(RowView):
    """The lines, or with ``hides`` only those that hold the sought words. Lines are text from outside."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 (Textual's name)
        super().__init__(id=id)
        self.lines: deque[str] = deque(maxlen=_KEPT)
        self.unfinished = ""
        self.sought = ""
        self.hides = True
        self.found = -1

    @property
    def shown(self) -> list[str]:
        lines = [*self.lines, *filter(None, (self.unfinished,))]
        return [line for line in lines if self._holds(line)] if self.hides else lines

    def _holds(self, line: str) -> bool:
        return self.sought.lower() in line.lower()

    def make_rows(self, width: int) -> list[Row]:
        return [Row(cut([(one_line(line, 1000), self._look(line))], width)) for line in self.shown]

    def _look(self, line: str) -> str:
        if self.sought and not self.hides and self._holds(line):
            return "accent"
        if any(word in line for word in _ERROR):
            return "error"
        return "warning" if any(word in line for word in _WARNING) else ""

    def find_next(self) -> bool:
        """Go to the next line with the words, from the top again behind the last one; whether there is one."""
        lines = self.shown
        order = [*range(self.found + 1, len(lines)), *range(self.found + 1)]
        place = next((at for at in order if at < len(lines) and self._holds(lines[at])), None)
        if place is None or not self.sought:
            return False
        self.found = place
        self.scroll_to(y=max(place - self.size.height // 3, 0), animate=False)
        return True


class LogScreen(Room):
    """``path`` is a log file on the machine; ``title`` says whose it is."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings_for(Place.LOGS),
        Binding("escape", "back", show=False, id="logs.back"),
    ]

    def __init__(self, site: Site, path: str, title: str, every: float = 0.5) -> None:
        super().__init__(site)
        self._path, self._whose, self._every = path, title, every
        self._cutter = Lines()
        self._offset = 0
        self.following = True
        self.view = LogRows(id="log-rows")

    def compose(self) -> ComposeResult:
        yield from self.first_line()
        with Horizontal(id="log-find"):
            yield Input(placeholder=_("only lines with …"), compact=True, id="log-sought")
        yield self.view
        yield from self.last_lines(Place.LOGS)

    def retranslate(self) -> None:
        super().retranslate()
        self.query_one("#log-sought", Input).placeholder = _("only lines with …")

    @property
    def title_text(self) -> str:
        return f"{one_line(self._whose, 200)} · {one_line(self._path, 300)}"

    def on_mount(self) -> None:
        self.view.focus()
        self._follow()

    @work(group="log")
    async def _follow(self) -> None:
        """Read what is new as long as the screen is open."""
        while True:
            try:
                piece = await self.machine.order("tail", path=self._path, offset=self._offset, limit=_CHUNK)
            except ProblemError as error:
                self.complain(error.problem)
                await asyncio.sleep(self._every)
                continue
            self._offset = int(piece["offset"])
            lines, before = self._cutter.feed(str(piece["text"])), self.view.unfinished
            self.view.unfinished = self._cutter.waiting  # a question waits there, or a progress bar
            if lines or before != self.view.unfinished:
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
        self.view.sought, self.view.hides, self.view.found = event.value, True, -1
        self._redraw()

    @on(Input.Submitted, "#log-sought")
    def _taken(self) -> None:
        self.view.focus()

    def action_find(self) -> None:
        """Only the lines with the words that are typed."""
        self.view.hides = True
        self.query_one("#log-sought", Input).focus()
        self._redraw()

    def action_search(self) -> None:
        """All lines again, at the next one with the words."""
        self.following = False
        self.view.hides = False
        self.view.rebuild()
        self.view.refresh()
        if not self.view.find_next():
            self.note(_("No line has these words.") if self.view.sought else _("F3, then the words to look for."))

    def action_follow(self) -> None:
        """Stay at the end, or stop doing so."""
        self.following = not self.following
        self.note(_("Following the end of the log.") if self.following else _("The view stays where it is."))
        self._redraw()

    def action_copy(self) -> None:
        """The lines that are shown."""
        self.lmdeck.say_copied("\n".join(self.view.shown))
