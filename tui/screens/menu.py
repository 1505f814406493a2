"""The full menu, opened by / in the empty composer: everything lmdeck can do, filtered while typing."""

from __future__ import annotations

from typing import ClassVar

from rich.cells import cell_len
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option

from tui.config.actions import ACTIONS, Action, display_key
from tui.i18n import _
from tui.screens.dialog import Dialog

INSERT_SLASH = "insert-slash"


class MenuScreen(Dialog[str]):
    """Answers with the Textual action of the chosen entry, or with ``INSERT_SLASH``: a second / is meant literally."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1)", show=False),
        Binding("down", "move(1)", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._query = ""

    def compose(self) -> ComposeResult:
        with Vertical(classes="box"):
            yield Input(placeholder=_("Type to find an action; / again writes a slash"), compact=True, id="filter")
            yield OptionList(id="entries")

    def on_mount(self) -> None:
        self.query_one("#entries", OptionList).can_focus = False
        self._fill("")
        self.query_one(Input).focus()

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        if event.value in ("/", "／"):
            self.dismiss(INSERT_SLASH)
        else:
            self._fill(event.value)

    def _fill(self, query: str) -> None:
        self._query = query
        entries = self.query_one("#entries", OptionList)
        entries.set_options(Option(_entry(action), id=action.id) for action in matching(query))
        entries.highlighted = 0 if entries.option_count else None

    def action_move(self, step: int) -> None:
        entries = self.query_one("#entries", OptionList)
        if entries.option_count:
            entries.highlighted = ((entries.highlighted or 0) + step) % entries.option_count

    @on(Input.Submitted)
    def _taken(self, event: Input.Submitted) -> None:
        if event.value != self._query:
            self._fill(event.value)
        option = self.query_one("#entries", OptionList).highlighted_option
        if option is not None:
            self._answer(option.id)

    @on(OptionList.OptionSelected)
    def _clicked(self, event: OptionList.OptionSelected) -> None:
        self._answer(event.option_id)

    def _answer(self, identifier: str | None) -> None:
        self.dismiss(next((action.run for action in ACTIONS if action.id == identifier), None))


def matching(query: str) -> list[Action]:
    """Menu entries whose name, help or id holds every word of the query, in the order of the table."""
    words = query.casefold().split()
    found: list[Action] = []
    for action in ACTIONS:
        text = f"{action.label} {action.description} {action.id} {action.title}".casefold()
        if action.in_menu and all(word in text for word in words):
            found.append(action)
    return sorted(found, key=lambda action: not all(word in action.label.casefold() for word in words))


def _entry(action: Action) -> Content:
    key = display_key(action.keys.split(",")[0]) if action.keys else ""
    name = Content.styled(action.label, "bold").pad_right(max(1, 30 - cell_len(action.label)))
    shown = Content.styled(key, "$text-accent").pad_right(max(1, 9 - cell_len(key)))
    return name + shown + Content.styled(action.description, "$text-muted")
