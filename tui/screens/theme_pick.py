"""Choosing a theme: the screen wears each one as the cursor passes over it."""

from __future__ import annotations

from textual import on
from textual.widgets import OptionList

from tui.i18n import _
from tui.screens.pick import PickScreen


class ThemePickScreen(PickScreen):
    """Answers with the index of the chosen theme; Esc puts the one back that was worn before."""

    def __init__(self, names: list[str], present: str) -> None:
        place = names.index(present) if present in names else 0
        super().__init__(_("Themes"), names, place)
        self._names, self._before = names, present

    @on(OptionList.OptionHighlighted)
    def _worn(self, event: OptionList.OptionHighlighted) -> None:
        self.app.theme = self._names[event.option_index]

    def action_close(self) -> None:
        self.app.theme = self._before
        super().action_close()
