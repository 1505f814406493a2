"""F1: help for what has the focus, then every action with its keys. Made from the table of actions."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Static

from tui.config.actions import ACTIONS, Action, Group, display_key
from tui.config.terminal import Terminal
from tui.i18n import N_, _
from tui.screens.dialog import Dialog, heading, note

# What the focused thing is for, by its class name; the first line is its name.
_TOPICS = {
    "Composer": (
        N_("The composer"),
        N_(
            "Write your message here. Enter sends it; Ctrl+J, or \\ at the end and Enter, starts a new line. "
            "↑ on the first line brings back what you sent before. / in the empty composer opens the menu of "
            "everything; a second / writes a slash. A very large paste becomes one placeholder and is sent whole."
        ),
    ),
    "OptionList": (N_("A list"), N_("↑ and ↓ choose, Enter takes, Esc closes.")),
    "Input": (N_("A field"), N_("Type the value; Tab goes to the next field, Esc closes.")),
    "Button": (N_("A button"), N_("Enter presses it, Tab goes on.")),
}


class HelpScreen(Dialog[None]):
    """A page to read. Keys that this terminal keeps for itself are marked."""

    def __init__(self, focus_class: str, terminal: Terminal) -> None:
        super().__init__()
        self._focus_class, self._terminal = focus_class, terminal

    def compose(self) -> ComposeResult:
        title, text = _TOPICS.get(self._focus_class, _TOPICS["Composer"])
        with Vertical(classes="box"):
            yield heading(_(title))
            with VerticalScroll(classes="scroll"):
                yield Static(Content("\n").join([Content(_(text)), Content(""), *self._keys()]), markup=False)
            yield note(_("Esc closes · / in the empty composer opens the same actions as a menu"))

    def on_mount(self) -> None:
        self.query_one(VerticalScroll).focus()

    def _keys(self) -> list[Content]:
        lines: list[Content] = []
        for group in Group:
            members = [action for action in ACTIONS if action.group is group]
            lines += [Content.styled(_(group.value), "bold"), *(self._line(action) for action in members), Content("")]
        if self._terminal.eats:
            lines.append(Content.styled(_("* this terminal keeps the key for itself: use the menu"), "$text-muted"))
        return lines

    def _line(self, action: Action) -> Content:
        keys = [display_key(key) + ("*" if key in self._terminal.eats else "") for key in action.keys.split(",") if key]
        shown = Content.styled("  " + (" ".join(keys) or "/"), "$text-accent")
        name = Content(" " * max(1, 24 - shown.cell_length) + action.label)
        return shown + name + Content.styled(" – " + action.description, "$text-muted")
