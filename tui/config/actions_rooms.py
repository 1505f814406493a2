"""The actions of the screens beside the chat: connect, history, settings."""

from __future__ import annotations

from tui.config.action import Action, Footer, Group, Place
from tui.i18n import N_

ROOM_ACTIONS: tuple[Action, ...] = (
    Action(
        "connect.look",
        N_("Look around again"),
        N_("Search this machine for servers, installations and cards once more."),
        "screen.look",
        Group.SERVER,
        "f5,ctrl+r",
        Place.CONNECT,
        Footer.ALWAYS,
        priority=False,
    ),
    Action(
        "history.rename",
        N_("Rename"),
        N_("Give the chosen conversation a title of your own."),
        "screen.rename",
        Group.CONVERSATION,
        "f2",
        Place.HISTORY,
        Footer.ALWAYS,
    ),
    Action(
        "history.fork",
        N_("Fork"),
        N_("A new conversation that shares everything with the chosen one."),
        "screen.fork",
        Group.CONVERSATION,
        "f4",
        Place.HISTORY,
        Footer.ALWAYS,
    ),
    Action(
        "history.delete",
        N_("Delete"),
        N_("Delete the chosen conversation; it can be brought back."),
        "screen.delete",
        Group.CONVERSATION,
        "delete,ctrl+d",
        Place.HISTORY,
        Footer.ALWAYS,
    ),
    Action(
        "history.undo",
        N_("Bring back"),
        N_("Bring back the conversation that was deleted last."),
        "screen.undo",
        Group.CONVERSATION,
        "ctrl+z",
        Place.HISTORY,
        Footer.ALWAYS,
    ),
    Action(
        "settings.reset",
        N_("Back to the default"),
        N_("Remove the chosen line from the settings file."),
        "screen.reset",
        Group.PROGRAM,
        "delete,ctrl+d",
        Place.SETTINGS,
        Footer.ALWAYS,
    ),
    Action(
        "settings.add",
        N_("New profile"),
        N_("Add a profile: a server with a name."),
        "screen.add",
        Group.PROGRAM,
        "ctrl+n,insert",
        Place.SETTINGS,
        Footer.ALWAYS,
    ),
)
