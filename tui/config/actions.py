"""Every action of the screen, once: key bindings, palette, menu, help and keymap all read this table.

An action's ``id`` is stable (users' keymaps name it). ``run`` is the Textual action it stands for, as text, so that
this module needs no Textual. Keys are Textual key names, several separated by commas; an empty string means that the
menu and the palette are the only ways.
"""

from __future__ import annotations

from collections.abc import Mapping

from tui.config.action import Action, Footer, Group, Place, display_key, first_delivered
from tui.config.actions_homework import HOMEWORK_ACTIONS
from tui.config.actions_launch import LAUNCH_ACTIONS
from tui.config.actions_machines import MACHINE_ACTIONS
from tui.config.actions_memory import MEMORY_ACTIONS
from tui.config.actions_messages import MESSAGE_ACTIONS
from tui.config.actions_reading import READING_ACTIONS
from tui.config.actions_rooms import ROOM_ACTIONS
from tui.config.actions_shot import SHOT_ACTIONS
from tui.i18n import N_

__all__ = (
    "ACTIONS", "BY_ID", "DEFAULT_KEYS", "Action", "Footer", "Group", "Place", "apart", "display_key", "first_delivered",
)  # fmt: skip


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
        "reply.cancel_call",
        N_("Cancel a running tool"),
        N_("End one tool call; the reply goes on, and the model is told. A click on its ✕ does the same."),
        "screen.cancel_call",
        Group.REPLY,
        "alt+x",
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
        "composer.editor",
        N_("Write in an editor"),
        N_("Open the message in $VISUAL or $EDITOR; what is saved there comes back."),
        "screen.editor",
        Group.WRITE,
        "ctrl+g",
        Place.CHAT,
    ),
    Action(
        "conversation.history",
        N_("Conversations"),
        N_("Find, open, rename, fork and delete earlier conversations."),
        "screen.conversations",
        Group.CONVERSATION,
        "f8",
        Place.CHAT,
        Footer.IDLE,
    ),
    Action(
        "conversation.rename",
        N_("Rename the conversation"),
        N_("Give it a title of your own, which no automatic one replaces."),
        "screen.rename",
        Group.CONVERSATION,
        "",
        Place.CHAT,
    ),
    Action(
        "conversation.export",
        N_("Save to a file"),
        N_("Write the conversation as Markdown; /export html makes a page, /export json gives everything."),
        "screen.export('md')",
        Group.CONVERSATION,
        "",
        Place.CHAT,
    ),
    Action(
        "server.connect",
        N_("Connect elsewhere"),
        N_("Look around again: other servers, machines, profiles, the demo."),
        "app.connect",
        Group.SERVER,
        "",
        Place.APP,
    ),
    *MACHINE_ACTIONS,
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
        "program.settings",
        N_("Settings"),
        N_("Every setting with its explanation, the keys, the profiles."),
        "app.preferences",
        Group.PROGRAM,
        "f7",
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
    *MESSAGE_ACTIONS,
    *READING_ACTIONS,
    *MEMORY_ACTIONS,
    *SHOT_ACTIONS,
    *LAUNCH_ACTIONS,
    *ROOM_ACTIONS,
    *HOMEWORK_ACTIONS,
)
BY_ID: Mapping[str, Action] = {action.id: action for action in ACTIONS}
DEFAULT_KEYS: Mapping[str, str] = {action.id: action.keys for action in ACTIONS}
"""What :func:`tui.config.keymap.check_keymap` checks a user's keys against."""


_TOGETHER = frozenset({Place.COMPOSER, Place.CHAT, Place.APP})


def apart(one: str, other: str) -> bool:
    """Whether two actions are never active together, so that they may share a key."""
    places = {BY_ID[one].place, BY_ID[other].place}
    return len(places) > 1 and Place.APP not in places and not places <= _TOGETHER
