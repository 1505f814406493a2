"""Places in a conversation that one wants to go to: code blocks, tool calls, messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui.widgets.sheet import Place

if TYPE_CHECKING:
    from tui.markdown.layout import CodePlace
    from tui.widgets.part import PartView
    from tui.widgets.transcript import Transcript


def last_code(transcript: Transcript, message_id: str | None) -> tuple[Place, CodePlace] | None:
    """The last code block of a message, or of the conversation when no message is named; where it begins."""
    page = transcript.sheet.page
    items = transcript.part_views()
    for index in range(len(items) - 1, -1, -1):
        part = items[index]
        if (message_id is None or part.message_id == message_id) and part.SAID and _may_have_code(part):
            if part.complete(page):
                transcript.sheet.changed(index)
            part.rows(page)
            if codes := part.codes():
                return Place(index, codes[-1].first + part.GAP), codes[-1]
    return None


def _may_have_code(part: PartView) -> bool:
    source = part.source
    return "```" in source or "~~~" in source or "    " in source


def next_of(transcript: Transcript, kind: type[PartView]) -> Place | None:
    """The first part of a kind below the first row in view, around the end."""
    items = transcript.part_views()
    places = [index for index, part in enumerate(items) if isinstance(part, kind)]
    if not places:
        return None
    top = transcript.sheet.top
    after = [index for index in places if index > top.item]
    return Place((after or places)[0], 0)
