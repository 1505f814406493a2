"""The actions around the course's homework."""

from __future__ import annotations

from tui.config.action import Action, Group
from tui.i18n import N_

HOMEWORK_ACTIONS: tuple[Action, ...] = (
    Action(
        "homework.walk",
        N_("Homework"),
        N_("Walk through the course's tasks: quantise, start, ask, picture, report; what is missing is said."),
        "screen.homework",
        Group.CONVERSATION,
    ),
)
