"""The full menu, opened by / in the empty composer: everything lmdeck can do, filtered while typing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.cells import cell_len
from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option

from tui.config.actions import ACTIONS, Action, Place, display_key
from tui.i18n import _
from tui.screens.dialog import Dialog
from tui.screens.slash import BY_NAME, SLASH
from tui.widgets.literal import literal, one_line

INSERT_SLASH = "insert-slash"


class MenuScreen(Dialog[str]):
    """Answers with the Textual action of the chosen entry, with a command such as ``/think on``, or with
    ``INSERT_SLASH``: a second / is meant literally. ``arguments`` gives what may stand behind a command, ``ahead`` the
    keys that were typed before the menu was there: over a slow link a whole command arrives at once."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1)", show=False),
        Binding("down", "move(1)", show=False),
        Binding("tab", "complete", show=False, priority=True),
    ]

    def __init__(
        self,
        arguments: Callable[[str], Sequence[str]] = lambda _name: (),
        ahead: Callable[[], Sequence[events.Key]] = lambda: (),
    ) -> None:
        super().__init__()
        self._query = ""
        self._arguments = arguments
        self._ahead = ahead

    def compose(self) -> ComposeResult:
        with Vertical(classes="box"):
            yield Input(placeholder=_("Type to find an action; / again writes a slash"), compact=True, id="filter")
            yield OptionList(id="entries")

    def on_mount(self) -> None:
        self.query_one("#entries", OptionList).can_focus = False
        self._fill("")
        self.query_one(Input).focus()
        for key in self._ahead():
            if key.key == "escape":
                self.call_after_refresh(self.action_close)
            else:
                self.on_key(key)

    def on_key(self, event: events.Key) -> None:
        """A key that came before the field had the focus."""
        entry = self.query_one(Input)
        if event.is_printable and event.character:
            event.stop()
            entry.insert_text_at_cursor(event.character)
        elif event.key == "enter":
            event.stop()
            self.call_after_refresh(entry.action_submit)

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        if event.value in ("/", "／"):
            self.dismiss(INSERT_SLASH)
        else:
            self._fill(event.value)

    def _fill(self, query: str) -> None:
        self._query = query
        entries = self.query_one("#entries", OptionList)
        commands = [Option(_command(line), id=f"/{line.text}") for line in command_lines(query, self._arguments)]
        entries.set_options([*commands, *(Option(_entry(action), id=action.id) for action in matching(query))])
        entries.highlighted = 0 if entries.option_count else None

    def action_move(self, step: int) -> None:
        entries = self.query_one("#entries", OptionList)
        if entries.option_count:
            entries.highlighted = ((entries.highlighted or 0) + step) % entries.option_count

    def action_complete(self) -> None:
        """Write the chosen command into the field, to be gone on with."""
        option = self.query_one("#entries", OptionList).highlighted_option
        if option is not None and (option.id or "").startswith("/"):
            entry = self.query_one(Input)
            text = (option.id or "")[1:]
            entry.value = text if text.endswith("=") or " " in text else f"{text} "
            entry.cursor_position = len(entry.value)

    @on(Input.Submitted)
    def _taken(self, event: Input.Submitted) -> None:
        if event.value != self._query:
            self._fill(event.value)
        name, _blank, argument = event.value.strip().partition(" ")
        known = BY_NAME.get(name.lower())
        place = self.query_one("#entries", OptionList).highlighted
        if known is not None and known.argument and argument and place == 0:
            self.dismiss(f"/{name.lower()} {argument.strip()}")
            return
        option = self.query_one("#entries", OptionList).highlighted_option
        if option is not None:
            self._answer(option.id)

    @on(OptionList.OptionSelected)
    def _clicked(self, event: OptionList.OptionSelected) -> None:
        self._answer(event.option_id)

    def _answer(self, identifier: str | None) -> None:
        if identifier is not None and identifier.startswith("/"):
            self.dismiss(identifier)
            return
        self.dismiss(next((action.run for action in ACTIONS if action.id == identifier), None))


@dataclass(frozen=True, slots=True)
class CommandLine:
    """A command as far as it is typed or can be completed: ``think on``."""

    text: str
    shown: str
    help: str


def command_lines(query: str, arguments: Callable[[str], Sequence[str]]) -> list[CommandLine]:
    """The commands that take something behind them and begin as the query does; behind a whole one, what may follow."""
    name, blank, argument = query.lstrip().partition(" ")
    name = name.lower()
    if not name:
        return []
    if not blank:
        found = [one for one in SLASH if one.argument and one.name.startswith(name)]
        return [CommandLine(one.name, f"/{one.name} {_(one.argument)}", _(one.help)) for one in found]
    known = BY_NAME.get(name)
    if known is None or not known.argument:
        return []
    typed = argument.strip()
    lines = [CommandLine(f"{name} {typed}", f"/{name} {typed}", _(known.help))] if typed else []
    head, _space, last = typed.rpartition(" ")
    more = [one for one in arguments(name) if one.lower().startswith(last.lower()) and one.lower() != last.lower()]
    whole = [" ".join(part for part in (name, head, one) if part) for one in more]
    lines += [CommandLine(text, f"/{text}", "") for text in whole]
    return lines or [CommandLine(name, f"/{name} {_(known.argument)}", _(known.help))]


def matching(query: str) -> list[Action]:
    """Menu entries of the chat whose name, help or id holds every word of the query, in the order of the table; those
    whose command begins as the query does come first, the one of exactly that command before all."""
    words = query.casefold().split()

    def rank(action: Action) -> int | None:
        names = [one.name for one in SLASH if one.action == action.run and not one.argument] if words else []
        if query.strip().casefold() in names:
            return 0
        if any(name.startswith(query.strip().casefold()) for name in names):
            return 1
        text = f"{action.label} {action.description} {action.id} {action.title}".casefold()
        if not all(word in text for word in words):
            return None
        return 2 if all(word in action.label.casefold() for word in words) else 3

    found = [(place, action) for action in ACTIONS if _offered(action) and (place := rank(action)) is not None]
    return [action for _place, action in sorted(found, key=lambda entry: entry[0])]


def _offered(action: Action) -> bool:
    """Other screens have actions of the same name that mean something else there."""
    return action.in_menu and action.place in (Place.APP, Place.CHAT)


def _command(line: CommandLine) -> Content:
    name = literal(one_line(line.shown, 100), "bold $text-accent").pad_right(max(1, 28 - cell_len(line.shown)))
    return name + Content.styled(line.help, "$text-muted")


def _entry(action: Action) -> Content:
    key = display_key(action.keys.split(",")[0]) if action.keys else ""
    name = Content.styled(action.label, "bold").pad_right(max(1, 30 - cell_len(action.label)))
    shown = Content.styled(key, "$text-accent").pad_right(max(1, 9 - cell_len(key)))
    return name + shown + Content.styled(action.description, "$text-muted")
