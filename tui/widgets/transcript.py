"""The conversation on screen: a column of parts with messages to walk through, text to select, links, code, folding."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual import events
from textual.message import Message

from tui.markdown.ink import Page
from tui.widgets.finder import Finder
from tui.widgets.scrolling import ScrollingColumn
from tui.widgets.selecting import around, chosen_text, stretch, touched, whole
from tui.widgets.sheet import Place

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.selection import Selection

    from tui.markdown.ink import Link
    from tui.markdown.layout import CodePlace
    from tui.markdown.strips import Overlay
    from tui.widgets.part import PartView


_WARM_UP_SECONDS = 0.2


class Transcript(ScrollingColumn, can_focus=False):
    """Holds :class:`PartView` parts. The focus stays in the composer; keys scroll it from outside."""

    @dataclass
    class LinkClicked(Message):
        """A link was clicked. Whoever handles it shows the address before anything is opened."""

        link: Link

    @dataclass
    class LinkHovered(Message):
        """The mouse came over a link, or left it (None)."""

        link: Link | None

    @dataclass
    class CodeClicked(Message):
        """The label of a code block was clicked."""

        code: str

    @dataclass
    class CancelClicked(Message):
        """The ✕ of a running tool call was clicked."""

        call_id: str

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 (Textual's name)
        super().__init__(id=id)
        self._selected: str | None = None
        self._link: Link | None = None
        self._pointed: tuple[int, int] | None = None  # column and row on screen of the last click
        self._finder = Finder(self.sheet)

    def on_mount(self) -> None:
        self.set_timer(_WARM_UP_SECONDS, lambda: self.run_worker(_warm_up, thread=True, group="warm-up"))

    def replace(self, parts: Sequence[PartView]) -> None:
        self._selected = None
        super().replace(parts)

    def swap(self, old: Sequence[PartView], new: PartView | None = None) -> None:
        super().swap(old, new)
        if not self._places(self._selected):
            self._selected = None

    # walking through messages

    @property
    def selected(self) -> str | None:
        """The id of the message that the user walked to."""
        return self._selected

    def message_ids(self) -> list[str]:
        """Messages in order, each once."""
        return list(dict.fromkeys(part.message_id for part in self.sheet.items if part.SAID))

    def walk(self, step: int) -> None:
        """Select the message ``step`` further (−1: above); past the last one nothing is selected."""
        ids = self.message_ids()
        if not ids:
            return
        place = ids.index(self._selected) if self._selected in ids else len(ids)
        target = place + step
        self.select(ids[max(0, target)] if target < len(ids) else None)

    def select(self, message_id: str | None) -> None:
        """Mark a message as selected and bring it into view; None goes back to the end."""
        for index in self._places(self._selected):
            self.sheet.items[index].strips.clear()
        self._selected = message_id
        places = self._places(message_id)
        if not places:
            self.follow()
            self.refresh()
            return
        for index in places:
            self.sheet.items[index].strips.clear()
        self.show_place(Place(places[0], 0))
        self.refresh()

    def _places(self, message_id: str | None) -> list[int]:
        if message_id is None:
            return []
        return [index for index, part in enumerate(self.sheet.items) if part.message_id == message_id]

    def _look_of(self, part: PartView) -> tuple[str, bool]:
        return part.TONE, self._selected is not None and part.message_id == self._selected

    # finding

    def find(self, needle: str) -> None:
        """Highlight a text wherever it is shown; "" ends it."""
        self._finder.search(needle)
        self.forget_strips()
        self.refresh()

    def find_step(self, direction: int) -> tuple[int, int]:
        """Go to the next (1) or the last (-1) place of what is looked for; which part it is in and of how many."""
        place = self._finder.step(direction)
        self.forget_strips()
        if place is not None and place not in self._shown:
            self.show_place(Place(place.item, max(0, place.row - self.sheet.view // 3)))
        self.refresh()
        return self._finder.place, len(self._finder.parts)

    def _overlays(self, part: PartView, row: int) -> list[Overlay]:
        return [*self._finder.overlays(part, row), *super()._overlays(part, row)]

    def links_of(self, message_id: str) -> list[Link]:
        """The links of a message from top to bottom, each once."""
        rows = [row for part in self.sheet.items if part.message_id == message_id for row in part.rows(self.sheet.page)]
        found = [run.link for row in rows for run in row.runs if run.link is not None and run.link.address]
        return list({link.address: link for link in found}.values())

    # folding

    def fold_parts(self) -> None:
        """Unfold what folds in the selected message (or everywhere) if anything is folded, else fold it all."""
        every = [part for part in self.sheet.items if part.FOLDS]
        chosen = [part for part in every if part.message_id == self._selected] or every
        opened = any(not part.open for part in chosen)
        for part in chosen:
            part.set_open(opened=opened)

    def retranslate(self) -> None:
        """The language has changed."""
        for part in self.sheet.items:
            part.retranslate()

    # selecting text

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """The selected text without the breaks of wrapping."""
        return chosen_text(self.sheet.items, self.sheet.page, selection), "\n"

    def selected_markdown(self) -> str:
        """The original text of the blocks that the selection touches; empty without a selection."""
        from tui.widgets.parts import TextView

        selection = self.text_selection
        pieces: list[str] = []
        for part, first, last in touched(self.sheet.items, selection) if selection is not None else []:
            end = len(part.rows(self.sheet.page)) - 1 if last is None else last
            pieces.append(part.markdown(first, end) if isinstance(part, TextView) else part.source)
        return "\n\n".join(pieces)

    def text_select_all(self) -> None:
        """Textual calls this after a double click: the word under the mouse."""
        found = self._under(self._pointed)
        if found is not None:
            part, row, column = found
            rows = part.rows(self.sheet.page)
            if 0 <= row < len(rows):
                text = rows[row].text
                character = _character(text, column, self.sheet.page)
                self.screen.selections = {self: stretch(part, row, *around(text, character))}

    def _select_part(self) -> None:
        found = self._under(self._pointed)
        if found is not None:
            self.screen.selections = {self: whole(found[0], self.sheet.page)}

    # the mouse

    def on_click(self, event: events.Click) -> None:
        self._pointed = (event.x, event.y)
        found = self._under(self._pointed)
        if found is None:
            return
        part, row, column = found
        if event.chain == 3:
            event.prevent_default()
            self._select_part()
        elif event.chain == 1 and not self.text_selection:
            self._clicked(part, row, column)

    def _clicked(self, part: PartView, row: int, column: int) -> None:
        if call_id := part.pressed_at(row, column):
            self.post_message(self.CancelClicked(call_id))
        elif part.FOLDS and row == 0:
            part.set_open(opened=not part.open)
        elif (link := part.link_at(row, column)) is not None:
            self.post_message(self.LinkClicked(link))
        elif (place := _label_at(part.codes(), row)) is not None:
            self.post_message(self.CodeClicked(place.code.code))

    def on_mouse_move(self, event: events.MouseMove) -> None:
        found = self._under((event.x, event.y))
        self._hover(found[0].link_at(found[1], found[2]) if found is not None else None)

    def on_leave(self) -> None:
        self._hover(None)

    def _hover(self, link: Link | None) -> None:
        if link is not self._link:
            self._link = link
            self.post_message(self.LinkHovered(link))

    def _under(self, point: tuple[int, int] | None) -> tuple[PartView, int, int] | None:
        """The part, its row and the cell in it at a point of the widget."""
        if point is None or not 0 <= point[1] < len(self._shown):
            return None
        place = self._shown[point[1]]
        part = self.sheet.items[place.item]
        return part, place.row - part.GAP, point[0] - 1


def _label_at(codes: Sequence[CodePlace], row: int) -> CodePlace | None:
    return next((place for place in codes if place.code.language and place.first == row), None)


def _character(text: str, column: int, page: Page) -> int:
    """Which character of a row stands on a cell."""
    for index, character in enumerate(text):
        column -= page.cells(character)
        if column < 0:
            return index
    return len(text)


def _warm_up() -> None:
    """Load what renders Markdown, in a thread, before the first answer needs it: 0.1 s and more."""
    from tui.markdown.reply import Reply

    Reply("**a** `b`\n\n- c\n\n| d | e |\n|---|---|\n").row_count(Page(80))
