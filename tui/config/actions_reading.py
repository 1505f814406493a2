"""The actions of reading a conversation: finding, jumping, copying, looking at what was really said."""

from __future__ import annotations

from tui.config.action import Action, Group
from tui.i18n import N_

READING_ACTIONS: tuple[Action, ...] = (
    Action(
        "reading.find",
        N_("Find in the conversation"),
        N_("Type a text; Enter or ↓ goes to the next place, ↑ to the one before, Esc ends."),
        "screen.find",
        Group.CONVERSATION,
        "ctrl+f",
    ),
    Action(
        "reading.copy_code",
        N_("Copy the code"),
        N_("The last code block of the selected message, or of the conversation. A click on its label does it too."),
        "screen.copy_code",
        Group.CONVERSATION,
    ),
    Action(
        "reading.copy_selection",
        N_("Copy the selection as Markdown"),
        N_("The original text of the blocks that are selected with the mouse."),
        "screen.copy_selection",
        Group.CONVERSATION,
    ),
    Action(
        "reading.raw",
        N_("Show the message as it came"),
        N_("The original text of the selected (or last) message, to read and to copy."),
        "screen.show_raw",
        Group.CONVERSATION,
    ),
    Action(
        "reading.links",
        N_("Links of the message"),
        N_("Choose a link of the selected (or last) message; its address is shown before anything is opened."),
        "screen.links",
        Group.CONVERSATION,
    ),
    Action(
        "reading.to_code",
        N_("To the last code block"),
        N_("Scroll to the last code block of the selected message, or of the conversation."),
        "screen.jump('code')",
        Group.CONVERSATION,
    ),
    Action(
        "reading.to_call",
        N_("To the next tool call"),
        N_("Scroll to the next tool call below, around the end."),
        "screen.jump('call')",
        Group.CONVERSATION,
    ),
)
