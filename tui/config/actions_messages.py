"""The actions on one message of a conversation: the selected one, or the last."""

from __future__ import annotations

from tui.config.action import Action, Group, Place
from tui.i18n import N_

MESSAGE_ACTIONS: tuple[Action, ...] = (
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
        "message.wire",
        N_("Show the request"),
        N_("The request behind an answer as curl and Python, and what came back, piece by piece."),
        "screen.wire",
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
        "message.versions",
        N_("Other versions"),
        N_("Choose among the versions of the selected (or last) message that has several."),
        "screen.versions",
        Group.CONVERSATION,
        "",
        Place.CHAT,
    ),
    Action(
        "message.fork",
        N_("Fork here"),
        N_("A new conversation that shares everything up to the selected message."),
        "screen.fork",
        Group.CONVERSATION,
        "",
        Place.CHAT,
    ),
    Action(
        "message.delete",
        N_("Delete the message"),
        N_("Take the selected message out of the conversation: a question with its answers, or one answer."),
        "screen.delete_message",
        Group.CONVERSATION,
        "alt+delete",
    ),
    Action(
        "message.undelete",
        N_("Bring back what was deleted"),
        N_("Undo the last deletion in this conversation; again for the one before."),
        "screen.undelete_message",
        Group.CONVERSATION,
    ),
)
