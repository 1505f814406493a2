"""What an action is. The table of all of them is :mod:`tui.config.actions`."""

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
    """Where a binding lives: on the composer only, on one of the screens, or everywhere."""

    COMPOSER = "composer"
    CHAT = "chat"
    CONNECT = "connect"
    HISTORY = "history"
    SETTINGS = "settings"
    PLANNER = "planner"
    CONNECTIONS = "connections"
    LAUNCH = "launch"
    SERVERS = "servers"
    QUANTISE = "quantise"
    NODES = "nodes"
    LOGS = "logs"
    HOMEWORK = "homework"
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
    "delete": "Del", "insert": "Ins",
}  # fmt: skip
_MODIFIERS = {"ctrl": "Ctrl", "alt": "Alt", "shift": "Shift", "super": "Super"}


def display_key(key: str) -> str:
    """A Textual key name as people write it: ``ctrl+j`` → ``Ctrl+J``."""
    *modifiers, last = key.split("+")
    shown = _SHOWN.get(last) or (last.upper() if len(last) == 1 or (last[0] == "f" and last[1:].isdigit()) else last)
    return "+".join([*(_MODIFIERS.get(name, name) for name in modifiers), shown])
