"""The actions around pictures."""

from __future__ import annotations

from tui.config.action import Action, Footer, Group, Place
from tui.i18n import N_

SHOT_ACTIONS: tuple[Action, ...] = (
    Action(
        "shot.preview",
        N_("Picture"),
        N_("Memory, reply and tool calls in one picture (PNG and SVG): look at it first, then write it."),
        "screen.shot",
        Group.CONVERSATION,
        "f12,alt+s",
        Place.CHAT,
        Footer.IDLE,
    ),
)
