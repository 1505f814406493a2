"""Searching the conversation: candidates by their text, places by their rows, highlights only where it is drawn."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tui.markdown.search import Match, find
from tui.widgets.sheet import Place

if TYPE_CHECKING:
    from tui.markdown.ink import Page
    from tui.markdown.strips import Overlay
    from tui.widgets.part import PartView
    from tui.widgets.sheet import Sheet

_MARKS = re.compile(r"[*_`~\\]")  # what Markdown may put between two letters that stand side by side on screen


class Finder:
    """``search`` names what is looked for, ``step`` goes from place to place; ``parts`` and ``part`` tell the place."""

    def __init__(self, sheet: Sheet[PartView]) -> None:
        self._sheet = sheet
        self.needle = ""
        self.parts: list[PartView] = []
        """Parts whose text has it."""
        self._keys: set[int] = set()
        self._part: PartView | None = None
        self._match = 0
        self._found: dict[int, tuple[int, Page, list[Match]]] = {}

    @property
    def place(self) -> int:
        """Which of ``parts`` we are in, counted from 1; 0 before the first step."""
        return self.parts.index(self._part) + 1 if self._part in self.parts else 0

    def search(self, needle: str) -> None:
        """Look for something else; "" ends the search."""
        self.needle = needle
        self._part, self._match = None, 0
        self._found.clear()
        wanted = _MARKS.sub("", needle).casefold()
        items = self._sheet.items if wanted else []
        self.parts = [part for part in items if wanted in _MARKS.sub("", part.searched).casefold()]
        self._keys = {part.key for part in self.parts}

    def step(self, direction: int) -> Place | None:
        """Go to the next place (1) or the one before (-1), around the ends; the row it stands on, None for nowhere."""
        if not self.parts:
            return None
        if self._part is not None and self._part in self.parts:
            at, match = self.parts.index(self._part), self._match + direction
        else:
            at, match = self._start(), 0 if direction > 0 else -1
        for _ in range(len(self.parts) + 1):
            matches = self._seen_matches(self.parts[at])
            if match == -1 and direction < 0:
                match = len(matches) - 1
            if 0 <= match < len(matches):
                self._part, self._match = self.parts[at], match
                return self._row(self.parts[at], matches[match])
            at = (at + direction) % len(self.parts)
            match = 0 if direction > 0 else -1
        return None

    def _start(self) -> int:
        """The first part with a place from the top of the view on, else the last one."""
        top = self._sheet.items[self._sheet.top.item].key  # keys rise from top to bottom
        below = (number for number, part in enumerate(self.parts) if part.key >= top)
        return next(below, len(self.parts) - 1)

    def _row(self, part: PartView, match: Match) -> Place:
        return Place(self._sheet.items.index(part), match[0].row + part.GAP)

    def _seen_matches(self, part: PartView) -> list[Match]:
        """The places in a part that we come to: what is folded is unfolded for it."""
        unfolded = part.FOLDS and not part.open and not self._matches(part)
        if unfolded:
            part.set_open(opened=True)
        if part.complete(self._sheet.page) or unfolded:
            self._sheet.changed(self._sheet.items.index(part))
        matches = self._matches(part)
        if unfolded and not matches:
            part.set_open(opened=False)
        return matches

    def _matches(self, part: PartView) -> list[Match]:
        rows, page = part.rows(self._sheet.page), self._sheet.page
        kept = self._found.get(part.key)
        if kept is None or kept[0] != len(rows) or kept[1] != page:
            kept = self._found[part.key] = (len(rows), page, find(rows, self.needle))
        return kept[2]

    def overlays(self, part: PartView, row: int) -> list[Overlay]:
        """The highlights on a row of a part."""
        if part.key not in self._keys:
            return []
        return [
            (
                stretch.start,
                stretch.end,
                "match-current" if part is self._part and number == self._match else "match",
            )
            for number, match in enumerate(self._matches(part))
            for stretch in match
            if stretch.row == row
        ]
