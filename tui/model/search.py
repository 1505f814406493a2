"""What a search over all conversations finds."""

from __future__ import annotations

from dataclasses import dataclass

from tui.model.message import ConversationInfo


@dataclass(frozen=True, slots=True)
class SearchHit:
    """A conversation that matches. ``message_id`` is its newest matching message, None when only the title matches.

    ``snippet`` is a piece of that message on one line (or the title), ``spans`` where the query's words stand in it:
    start and end in characters. ``title_spans`` are the same in the title."""

    conversation: ConversationInfo
    message_id: str | None
    snippet: str
    spans: tuple[tuple[int, int], ...]
    title_spans: tuple[tuple[int, int], ...] = ()
