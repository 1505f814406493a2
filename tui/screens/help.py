"""F1: help for what has the focus, then every action with its keys. Made from the table of actions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.geometry import Size
from textual.widget import Widget

from tui.config.actions import ACTIONS, Action, Group, Place, display_key
from tui.config.terminal import Terminal
from tui.i18n import N_, _
from tui.screens.dialog import Dialog, heading, note
from tui.screens.slash import SLASH
from tui.widgets.cell_rows import folded

# What the focused thing is for, by its class name; the first line is its name.
TOPICS = {
    "Composer": (
        N_("The composer"),
        N_(
            "Write your message here. Enter sends it; Ctrl+J, or \\ at the end and Enter, starts a new line. "
            "↑ on the first line brings back what you sent before. / in the empty composer opens the menu of "
            "everything; a second / writes a slash. A very large paste becomes one placeholder and is sent whole."
        ),
    ),
    "ConnectScreen": (
        N_("Where is the model?"),
        N_(
            "Cards of what was found on this machine, the likeliest first: ↑ and ↓ choose, Enter or a click opens. "
            "Typing goes to the address line below: a server's address, ssh://user@host:port, an ssh line that you "
            "paste, a profile's name, or the word demo. F5 looks around again."
        ),
    ),
    "HistoryScreen": (
        N_("Conversations"),
        N_(
            "Type any word, also a single Chinese character, to find conversations by what was said in them. "
            "↑ and ↓ choose, Enter opens, F2 renames, F4 forks, Del deletes and Ctrl+Z brings back."
        ),
    ),
    "PreferencesScreen": (
        N_("Settings"),
        N_(
            "← and → turn between settings, keys and profiles; Enter changes the chosen line, Del goes back to the "
            "default. Everything is kept in one file that you may edit as well: lmdeck config path names it, and a "
            "change of it holds at once."
        ),
    ),
    "ShotScreen": (
        N_("The picture"),
        N_(
            "What you see is what will be drawn; the arrow keys and Page up and down scroll. The keys below choose the "
            "turns, the width, the theme and what is in it. Enter writes a PNG and an SVG into the folder "
            "lmdeck-pictures of your home; m shows the memory of this moment instead of the turn's own."
        ),
    ),
    "HomeworkScreen": (
        N_("The homework"),
        N_(
            "The course's tasks, step by step. ↑ and ↓ choose a step, Enter does it, and the walk comes back after it. "
            "Ticks come from what is really there: the running server, the conversation, the files. Esc goes back to "
            "the chat; what is done stays done."
        ),
    ),
    "PlannerScreen": (
        N_("The planner"),
        N_(
            "What a model would take on a card, before it is started: ↑ and ↓ choose a field, ← and → change it, and "
            "the plan beside it follows. Every start is kept as a run; the runs make the table of measurements."
        ),
    ),
    "LaunchScreen": (
        N_("Starting a server"),
        N_(
            "Name a model or choose one; ↑ and ↓ or Tab go through the form, ← and → change a row. The field below "
            "holds lmdeploy's own options, and takes a whole pasted command. The plan beside it follows what is "
            "written. After the start it shows each phase with the memory; rows in brackets are buttons: ↑, ↓ and "
            "Enter. The server goes on without lmdeck; Esc leaves it alone."
        ),
    ),
    "ServersScreen": (
        N_("Servers"),
        N_(
            "Every lmdeploy server of the machine: what it holds, since when, where it answers and whose it is. Enter "
            "opens one in the chat, or watches one that is starting. Yours stop after a yes, anybody else's only when "
            "their name is typed. Below are quantisations, and the logs of what has ended."
        ),
    ),
    "QuantiseScreen": (
        N_("Quantising"),
        N_(
            "Makes a 4-bit model of a 16-bit one with lmdeploy lite auto_awq. What it will need and gain stands beside "
            "the form. It goes on when this screen is left, and is found again here and in the list of servers."
        ),
    ),
    "NodesScreen": (
        N_("Nodes of the proxy"),
        N_(
            "What the proxy says about the servers behind it: unfinished requests, the mean of the last latencies, the "
            "models. Enter asks a node itself whether it is alive; Del takes it out of the proxy's list."
        ),
    ),
    "LogScreen": (
        N_("A log"),
        N_(
            "F3 shows only lines with the words you type; F5 goes from one such line to the next among all of them. F4 "
            "stays at the end or stops doing so, F9 copies the lines that are shown."
        ),
    ),
    "ConnectionsScreen": (
        N_("Connections"),
        N_(
            "The machines over ssh: open ones, those of your profiles and of ~/.ssh/config. Enter connects a machine, "
            "or opens its server; on a server's row it opens that one, on a port's row it closes the port. Nothing is "
            "installed on a machine, and what runs there goes on when you disconnect."
        ),
    ),
    "FleetScreen": (
        N_("Fleet"),
        N_("Every server on this machine and on every connected one. ↑ and ↓ choose, Enter opens the chat there."),
    ),
    "OptionList": (N_("A list"), N_("↑ and ↓ choose, Enter takes, Esc closes.")),
    "Input": (N_("A field"), N_("Type the value; Tab goes to the next field, Esc closes.")),
    "Button": (N_("A button"), N_("Enter presses it, Tab goes on.")),
}

# Screens with keys of their own: there the chat's keys do nothing and are not listed.
PLACES = {
    "ConnectScreen": Place.CONNECT,
    "HistoryScreen": Place.HISTORY,
    "PreferencesScreen": Place.SETTINGS,
    "PlannerScreen": Place.PLANNER,
    "LaunchScreen": Place.LAUNCH,
    "ServersScreen": Place.SERVERS,
    "QuantiseScreen": Place.QUANTISE,
    "NodesScreen": Place.NODES,
    "LogScreen": Place.LOGS,
    "HomeworkScreen": Place.HOMEWORK,
    "ConnectionsScreen": Place.CONNECTIONS,
}


class HelpScreen(Dialog[None]):
    """A page to read: what ``focus_class`` (a screen with keys of its own, or the class of the widget with the focus)
    is for, and its keys. Those that this terminal keeps for itself are marked."""

    def __init__(self, focus_class: str, terminal: Terminal, keymap: Mapping[str, str] | None = None) -> None:
        super().__init__()
        self._focus_class, self._terminal, self._keymap = focus_class, terminal, keymap or {}

    def compose(self) -> ComposeResult:
        title, text = TOPICS.get(self._focus_class, TOPICS["Composer"])
        with Vertical(classes="box"):
            yield heading(_(title))
            with VerticalScroll(classes="scroll"):
                yield HelpPage(_(text), list(self._sections()), self._terminal, self._keymap)
            yield note(_("Esc closes · / in the empty composer opens the same actions as a menu"))

    def on_mount(self) -> None:
        self.query_one(VerticalScroll).focus()

    def _sections(self) -> Iterator[tuple[str, list[Action]]]:
        """Headings and the actions below them."""
        place = PLACES.get(self._focus_class)
        if place is None:
            for group in Group:
                yield _(group.value), [action for action in ACTIONS if action.group is group]
        else:
            yield _("On this screen"), [action for action in ACTIONS if action.place is place]
            yield _("Everywhere"), [action for action in ACTIONS if action.place is Place.APP]


class HelpPage(Widget):
    """The text, and the actions of each section in two columns; what is longer goes on below itself. Chinese breaks
    between characters, which Textual's own wrapping does not do."""

    def __init__(
        self,
        text: str,
        sections: Sequence[tuple[str, Sequence[Action]]],
        terminal: Terminal,
        keymap: Mapping[str, str],
    ) -> None:
        super().__init__()
        self._text, self._sections, self._terminal, self._keymap = text, sections, terminal, keymap

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:  # noqa: ARG002 (Textual's signature)
        return len(self._lines(width))

    def render(self) -> Content:
        return Content("\n").join(self._lines(self.size.width))

    def _lines(self, width: int) -> list[Content]:
        width = max(width, 24)
        lines = [Content(row.text) for row in folded(self._text, width)]
        column = 2 + max(cell_len(self._keys(action)) for _title, members in self._sections for action in members)
        for title, members in self._sections:
            lines += [Content(""), Content.styled(title, "bold")]
            for action in members:
                lines += self._entry(action, width, min(column, width // 3) + 2)
        if self._terminal.eats:
            note_below = _("* this terminal keeps the key for itself: use the menu")
            lines += [Content(""), *(Content.styled(row.text, "$text-muted") for row in folded(note_below, width))]
        return lines

    def _keys(self, action: Action) -> str:
        """The action's keys, or the command that does it."""
        given = self._keymap.get(action.id, action.keys)
        keys = [display_key(key) + ("*" if key in self._terminal.eats else "") for key in given.split(",") if key]
        return " ".join(keys) or "/" + next((one.name for one in SLASH if one.action == action.run), "")

    def _entry(self, action: Action, width: int, column: int) -> list[Content]:
        keys = self._keys(action)
        label = action.label + " – "
        rows = [row.text for row in folded(label + action.description, width - column)]
        beside = cell_len(keys) + 3 <= column
        lines = [Content.styled("  " + keys, "$text-accent")]
        if beside:
            lines[0] = lines[0].pad_right(column - lines[0].cell_length)
            lines[0] += self._inked(rows[0], label)
            rows = rows[1:]
            label = ""
        for row in rows:
            lines.append(Content(" " * column) + self._inked(row, label))
            label = ""
        return lines

    @staticmethod
    def _inked(row: str, label: str) -> Content:
        """The name as it is, what it does quieter."""
        name = row[: len(label)] if row.startswith(label.rstrip(" –")) else ""
        return Content(name) + Content.styled(row[len(name) :], "$text-muted")
