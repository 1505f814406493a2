"""Colours for code blocks, a few milliseconds at a time, one block after the other."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING
from weakref import WeakSet

if TYPE_CHECKING:
    from tui.markdown.elements import CodeElement
    from tui.markdown.highlight import HighlightJob
    from tui.widgets.part import PartView

_SLICE = 0.004
PAUSE = 0.012  # seconds between two slices


class Colouring:
    """``later`` calls a function after PAUSE; ``painted`` is told which rows of which part are new."""

    def __init__(
        self, later: Callable[[Callable[[], None]], object], painted: Callable[[PartView, range], None]
    ) -> None:
        self._later = later
        self._painted = painted
        self._jobs: deque[tuple[PartView, HighlightJob]] = deque()
        self._taken: WeakSet[CodeElement] = WeakSet()
        self._running = False

    def look_at(self, part: PartView) -> None:
        """Take up the code blocks of a part that is in view."""
        for job in part.highlights():
            if job.element not in self._taken:
                self._taken.add(job.element)
                self._jobs.append((part, job))
        if self._jobs and not self._running:
            self._running = True
            self._later(self._work)

    def forget(self) -> None:
        """Give up what is not done."""
        self._jobs.clear()

    def _work(self) -> None:
        self._running = False
        if not self._jobs:
            return
        part, job = self._jobs[0]
        if job.step(_SLICE):
            self._jobs.popleft()
            if part.is_attached and (rows := part.painted(job)):
                self._painted(part, rows)
        if self._jobs:
            self._running = True
            self._later(self._work)
