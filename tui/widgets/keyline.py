"""The key line of a screen beside the chat: its actions with their keys, each to be clicked."""

from __future__ import annotations

from collections.abc import Mapping

from rich.cells import cell_len
from textual.content import Content
from textual.style import Style

from tui.config.action import Action, Place, display_key, first_delivered
from tui.config.actions import ACTIONS
from tui.i18n import _
from tui.widgets.lines import OneRow


class PlaceLine(OneRow):
    """``lead`` are words for what needs no action of ours, such as the arrow keys."""

    def __init__(
        self,
        place: Place,
        lead: str,
        *,
        eats: frozenset[str] = frozenset(),
        keymap: Mapping[str, str] | None = None,
        id: str | None = None,  # noqa: A002 (Textual's name)
    ) -> None:
        super().__init__(id=id)
        self._actions = [action for action in ACTIONS if action.place is place]
        self._lead, self._eats, self._keymap = lead, eats, dict(keymap or {})

    def render(self) -> Content:
        pieces = [Content(_(self._lead)), *(self._drawn(action) for action in self._actions)]
        kept: list[Content] = []
        used = 0
        for piece in pieces:
            used += cell_len(piece.plain) + 3
            if used - 3 > max(1, self.size.width):
                break
            kept.append(piece)
        return Content("   ").join(kept)

    def _drawn(self, action: Action) -> Content:
        key = first_delivered(action, self._eats, self._keymap)
        shown = (display_key(key) + " ", "bold $text-accent") if key else ""
        text = Content.assemble(shown, action.label)
        return text.stylize(Style.from_meta({"@click": action.run}))
