"""A picture in the conversation: one line about it, and below it the picture itself in half blocks, two pixels a cell.

Terminals with graphics of their own (kitty's protocol, sixel) get the same: their pictures do not move with text that
the terminal scrolls, and every terminal draws coloured cells.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any

from tui.i18n import _
from tui.markdown.ink import Page, Row, Run
from tui.model.message import ImagePart
from tui.widgets import words
from tui.widgets.literal import one_line
from tui.widgets.part import PartView
from tui.widgets.part_rows import plain_rows
from tui.widgets.pixels import Pixels, Refused, develop

COLUMNS, ROWS = 60, 18
"""The most cells a picture takes."""
_UPPER, _LOWER = "▀", "▄"
_INDENT = Run("  ")


class PictureView(PartView):
    """Decoded in a thread when it comes into view; until then, and where it cannot be decoded, its words alone."""

    FOLDS = True

    def __init__(self, message_id: str, image: ImagePart, *, name: str = "") -> None:
        super().__init__(message_id, "picture")
        self.image = image
        self.open = True
        self._name = image.name or name or image.media_type
        self._made: Pixels | Refused | None = None
        self._made_for = (0, 0)
        self._working = False

    @property
    def source(self) -> str:
        return self._words()

    def _words(self) -> str:
        made = self._made
        size = words.size(len(self.image.data) * 3 // 4)
        name = one_line(self._name, 120)
        if isinstance(made, Pixels):
            width, height = made.size
            template = _("picture {name} · {width}×{height} {kind} · {size}")
            return template.format(name=name, width=width, height=height, kind=made.kind, size=size)
        if made is None:
            return _("picture {name} · {size}").format(name=name, size=size)
        if made.reason == "large":
            return _("picture {name} · {size}, too large to be shown here").format(name=name, size=size)
        return _("picture {name} · {size}, cannot be shown here").format(name=name, size=size)

    def draw(self, page: Page) -> Sequence[Row]:
        head = plain_rows(f"{words.fold_mark(self.open)} {self._words()}", page, style="muted")
        made = self._made
        if not self.open or not isinstance(made, Pixels) or not 0 < made.width <= self._room(page)[0]:
            return head
        return [*head, *(_wide(made) if page.wide_ambiguous else _half_blocks(made))]

    @staticmethod
    def _room(page: Page) -> tuple[int, int]:
        """Pixels that fit on a page. Where half blocks might take two cells, a pixel is two cells of background."""
        if page.wide_ambiguous:
            return max(0, min(COLUMNS, page.width - 2) // 2), ROWS
        return max(0, min(COLUMNS, page.width - 2)), 2 * ROWS

    def develop(self, page: Page) -> Coroutine[Any, Any, None] | None:
        room = self._room(page)
        if not self.open or self._working or room[0] == 0 or (self._made is not None and self._made_for == room):
            return None
        self._working = True
        return self._develop(room)

    async def _develop(self, room: tuple[int, int]) -> None:
        try:
            made = await asyncio.to_thread(develop, self.image.data, *room)
        finally:
            self._working = False
        self._made, self._made_for = made, room
        self.redraw()

    def forget(self) -> None:
        super().forget()
        if isinstance(self._made, Pixels):
            self._made = None


def _half_blocks(pixels: Pixels) -> list[Row]:
    lines = [*pixels.lines, (None,) * pixels.width]
    return [
        _row([_cell(*pair) for pair in zip(lines[y], lines[y + 1], strict=True)]) for y in range(0, len(lines) - 1, 2)
    ]


def _wide(pixels: Pixels) -> list[Row]:
    return [_row([("  ", "" if pixel is None else f"on#{pixel:06x}") for pixel in line]) for line in pixels.lines]


def _cell(upper: int | None, lower: int | None) -> tuple[str, str]:
    if upper is None and lower is None:
        return " ", ""
    if upper is None:
        return _LOWER, f"#{lower:06x}"
    if upper == lower:
        return " ", f"on#{upper:06x}"
    return _UPPER, f"#{upper:06x}" if lower is None else f"#{upper:06x} on#{lower:06x}"


def _row(cells: list[tuple[str, str]]) -> Row:
    """Cells as a row; neighbours that look alike are one run."""
    runs = [_INDENT]
    for text, style in cells:
        last = runs[-1]
        if last.style == style and last is not _INDENT:
            runs[-1] = Run(last.text + text, style)
        else:
            runs.append(Run(text, style))
    return Row(tuple(runs), drawn=True)
