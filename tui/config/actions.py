"""Every action of the screen, once: key bindings, palette, menu, help and keymap all read this table.

An action's ``id`` is stable (users' keymaps name it). ``run`` is the Textual action it stands for, as text, so that
this module needs no Textual. Keys are Textual key names, several separated by commas; an empty string means that the
menu and the palette are the only ways.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum

from tui.i18n import N_, _


class Group(Enum):
    """Headings of the menu and of the help screen."""

    WRITE = N_("Writing")
    REPLY = N_("The reply")
    CONVERSATION = N_("The conversation")
    SERVER = N_("The server")
    SCREEN = N_("The screen")
    PROGRAM = N_("lmdeck")


class Place(Enum):
    """Where a binding lives: on the composer only, on the chat screen, or everywhere."""

    COMPOSER = "composer"
    CHAT = "chat"
    APP = "app"


class Footer(Enum):
    """When the key line shows an action: always, only while a reply runs, only while none does, or never."""

    ALWAYS = "always"
    BUSY = "busy"
    IDLE = "idle"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class Action:
    """One thing a user can do. ``title`` and ``help`` are marked for translation; show them with :meth:`label`."""

    id: str
    title: str
    help: str
    run: str
    group: Group
    keys: str = ""
    place: Place = Place.CHAT
    footer: Footer = Footer.NEVER
    in_menu: bool = True
    priority: bool = True

    @property
    def label(self) -> str:
        return _(self.title)

    @property
    def description(self) -> str:
        return _(self.help)


ACTIONS: tuple[Action, ...] = (
    Action(
        "composer.send",
        N_("Send"),
        N_("Send the message; while a reply runs, it waits in the queue."),
        "submit",
        Group.WRITE,
        "enter",
        Place.COMPOSER,
        Footer.IDLE,
        in_menu=False,
        priority=False,
    ),
    Action(
        "composer.newline",
        N_("New line"),
        N_("Start a new line. A trailing \\ and Enter does the same."),
        "newline",
        Group.WRITE,
        "ctrl+j,shift+enter",
        Place.COMPOSER,
        Footer.ALWAYS,
        in_menu=False,
        priority=False,
    ),
    Action(
        "composer.menu",
        N_("Menu"),
        N_("Everything lmdeck can do. Typing / into the empty composer opens it."),
        "screen.menu",
        Group.PROGRAM,
        "",
        Place.CHAT,
        Footer.ALWAYS,
        in_menu=False,
    ),
    Action(
        "composer.history_back",
        N_("Earlier message"),
        N_("Bring back what you sent before; your draft is kept."),
        "screen.history(-1)",
        Group.WRITE,
        "",
        Place.CHAT,
    ),
    Action(
        "composer.history_forward",
        N_("Later message"),
        N_("Go forward again, to your draft at the end."),
        "screen.history(1)",
        Group.WRITE,
        "",
        Place.CHAT,
    ),
    Action(
        "queue.take_back",
        N_("Take back the waiting message"),
        N_("Move the last message of the queue into the composer."),
        "screen.take_back",
        Group.WRITE,
        "",
        Place.CHAT,
    ),
    Action(
        "reply.stop",
        N_("Stop"),
        N_("Stop the reply; what has arrived is kept."),
        "screen.stop",
        Group.REPLY,
        "escape",
        Place.CHAT,
        Footer.BUSY,
        priority=False,
    ),
    Action(
        "reply.regenerate",
        N_("Answer again"),
        N_("Ask for another answer; the old one is kept as a version."),
        "screen.regenerate",
        Group.REPLY,
        "ctrl+r",
        Place.CHAT,
        Footer.IDLE,
    ),
    Action(
        "reply.continue",
        N_("Continue"),
        N_("Go on with an answer that was cut."),
        "screen.resume",
        Group.REPLY,
        "",
        Place.CHAT,
    ),
    Action(
        "reply.fold",
        N_("Fold or unfold"),
        N_("Show or hide the thoughts and the details of tool calls."),
        "screen.fold",
        Group.REPLY,
        "ctrl+o",
        Place.CHAT,
    ),
    Action(
        "message.edit",
        N_("Edit and send again"),
        N_("Change the selected (or your last) message: a new branch."),
        "screen.edit_message",
        Group.CONVERSATION,
        "",
        Place.CHAT,
    ),
    Action(
        "message.copy",
        N_("Copy the message"),
        N_("Copy the selected (or the last) message as Markdown."),
        "screen.copy_message",
        Group.CONVERSATION,
        "f9",
        Place.CHAT,
    ),
    Action(
        "message.previous",
        N_("Select the message above"),
        N_("Walk through the messages, upwards."),
        "screen.walk(-1)",
        Group.CONVERSATION,
        "alt+up",
        Place.CHAT,
    ),
    Action(
        "message.next",
        N_("Select the message below"),
        N_("Walk through the messages, downwards."),
        "screen.walk(1)",
        Group.CONVERSATION,
        "alt+down",
        Place.CHAT,
    ),
    Action(
        "conversation.new",
        N_("New conversation"),
        N_("Start with an empty conversation on the same server."),
        "screen.new_conversation",
        Group.CONVERSATION,
        "ctrl+n",
        Place.CHAT,
    ),
    Action(
        "conversation.settings",
        N_("System prompt and sampling"),
        N_("What the model is told first, and how it picks its words."),
        "screen.settings",
        Group.CONVERSATION,
        "f3",
        Place.CHAT,
    ),
    Action(
        "conversation.tools",
        N_("Tools on or off"),
        N_("Choose the tools that the model may call."),
        "screen.tools",
        Group.CONVERSATION,
        "f4",
        Place.CHAT,
    ),
    Action(
        "server.model",
        N_("Choose the model"),
        N_("The models that this server offers."),
        "screen.choose_model",
        Group.SERVER,
        "f2",
        Place.CHAT,
    ),
    Action(
        "server.facts",
        N_("About the server"),
        N_("What was found out about the server, and what went wrong."),
        "screen.server_facts",
        Group.SERVER,
        "",
        Place.CHAT,
    ),
    Action(
        "scroll.up",
        N_("Page up"),
        N_("Scroll the conversation up."),
        "screen.scroll_transcript('page_up')",
        Group.SCREEN,
        "pageup",
        Place.CHAT,
        in_menu=False,
    ),
    Action(
        "scroll.down",
        N_("Page down"),
        N_("Scroll the conversation down."),
        "screen.scroll_transcript('page_down')",
        Group.SCREEN,
        "pagedown",
        Place.CHAT,
        in_menu=False,
    ),
    Action(
        "scroll.home",
        N_("To the beginning"),
        N_("Scroll to the first message."),
        "screen.scroll_transcript('home')",
        Group.SCREEN,
        "ctrl+home",
        Place.CHAT,
    ),
    Action(
        "scroll.end",
        N_("To the end"),
        N_("Scroll to the newest text and follow it."),
        "screen.scroll_transcript('end')",
        Group.SCREEN,
        "ctrl+end",
        Place.CHAT,
    ),
    Action(
        "screen.language",
        N_("中文 / English"),
        N_("Switch the language of lmdeck."),
        "app.switch_language",
        Group.SCREEN,
        "",
        Place.APP,
    ),
    Action(
        "screen.theme",
        N_("Choose the theme"),
        N_("Colours of the screen; your own theme files are listed too."),
        "app.choose_theme",
        Group.SCREEN,
        "",
        Place.APP,
    ),
    Action(
        "screen.palette",
        N_("Palette"),
        N_("Find an action by typing a part of its name."),
        "app.command_palette",
        Group.PROGRAM,
        "ctrl+p",
        Place.APP,
        Footer.ALWAYS,
    ),
    Action(
        "program.help",
        N_("Help"),
        N_("Keys and hints for what has the focus."),
        "app.help",
        Group.PROGRAM,
        "f1",
        Place.APP,
        Footer.ALWAYS,
    ),
    Action(
        "program.interrupt",
        N_("Copy, or quit"),
        N_("Copy what is selected; pressed twice with nothing selected: quit."),
        "app.interrupt",
        Group.PROGRAM,
        "ctrl+c",
        Place.APP,
        in_menu=False,
    ),
    Action(
        "program.quit",
        N_("Quit"),
        N_("Leave lmdeck; it asks first while a reply runs."),
        "app.leave",
        Group.PROGRAM,
        "ctrl+q",
        Place.APP,
    ),
)
BY_ID: Mapping[str, Action] = {action.id: action for action in ACTIONS}
DEFAULT_KEYS: Mapping[str, str] = {action.id: action.keys for action in ACTIONS}
"""What :func:`tui.config.keymap.check_keymap` checks a user's keys against."""


def _split(keys: str) -> list[str]:
    return [key for key in keys.split(",") if key]


def first_delivered(action: Action, eats: Iterable[str], keymap: Mapping[str, str] | None = None) -> str | None:
    """The first key of an action that this terminal delivers (Textual name), None when there is none."""
    eaten = frozenset(eats)
    keys = (keymap or {}).get(action.id, action.keys)
    return next((key for key in _split(keys) if key not in eaten), None)


_SHOWN = {
    "enter": "Enter", "escape": "Esc", "pageup": "PgUp", "pagedown": "PgDn", "home": "Home", "end": "End",
    "up": "↑", "down": "↓", "left": "←", "right": "→", "space": "Space", "tab": "Tab", "backspace": "Backspace",
}  # fmt: skip
_MODIFIERS = {"ctrl": "Ctrl", "alt": "Alt", "shift": "Shift", "super": "Super"}


def display_key(key: str) -> str:
    """A Textual key name as people write it: ``ctrl+j`` → ``Ctrl+J``."""
    *modifiers, last = key.split("+")
    shown = _SHOWN.get(last) or (last.upper() if len(last) == 1 or (last[0] == "f" and last[1:].isdigit()) else last)
    return "+".join([*(_MODIFIERS.get(name, name) for name in modifiers), shown])
