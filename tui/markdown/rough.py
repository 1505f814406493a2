"""Text that is shown as it came until it is parsed: only what is added is laid out."""

from __future__ import annotations

from tui.markdown.document import Block
from tui.markdown.elements import TextElement
from tui.markdown.ink import Margin, Run
from tui.markdown.paragraph import LongText


class RoughBlock(Block):
    """Lines as they came; the last one grows."""

    def __init__(self) -> None:
        super().__init__("", [LongText()], 0)
        self.settled = 0

    def add(self, text: str) -> None:
        """More of it."""
        self.source += text
        first, *others = text.split("\n")
        self._grow(first)
        for line in others:
            self._close_line()
            self._grow(line)

    def _grow(self, text: str) -> None:
        last = self.elements[-1]
        if text and isinstance(last, LongText):
            last.grow((Run(text),))

    def _close_line(self) -> None:
        last = self.elements[-1]
        if isinstance(last, LongText):
            self.elements[-1:] = [TextElement(Margin(), last.all_runs()), LongText()]
            self.settled = len(self.elements) - 1
