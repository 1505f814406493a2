"""The actions around the course's homework."""

from __future__ import annotations

from tui.config.action import Action, Footer, Group, Place
from tui.i18n import N_

HOMEWORK_ACTIONS: tuple[Action, ...] = (
    Action(
        "homework.walk",
        N_("Homework"),
        N_("Walk through the course's tasks: quantise, start, ask, picture, report; what is missing is said."),
        "screen.homework",
        Group.CONVERSATION,
    ),
    Action(
        "homework.skip",
        N_("Skip, or not"),
        N_("Leave the chosen step out, or take that back."),
        "screen.skip",
        Group.CONVERSATION,
        "s",
        Place.HOMEWORK,
        Footer.ALWAYS,
        in_menu=False,
    ),
    Action(
        "homework.report",
        N_("Report"),
        N_("Write the report: Markdown and HTML, beside the pictures."),
        "screen.report",
        Group.CONVERSATION,
        "r",
        Place.HOMEWORK,
        Footer.ALWAYS,
        in_menu=False,
    ),
    Action(
        "homework.again",
        N_("Begin anew"),
        N_("Forget how far the chosen task is; its files stay."),
        "screen.again",
        Group.CONVERSATION,
        "x",
        Place.HOMEWORK,
        Footer.ALWAYS,
        in_menu=False,
    ),
)
