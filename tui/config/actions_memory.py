"""The actions around the GPU's memory: the panel, the planner, what the user tells about a server elsewhere."""

from __future__ import annotations

from tui.config.action import Action, Footer, Group, Place
from tui.i18n import N_

MEMORY_ACTIONS: tuple[Action, ...] = (
    Action(
        "memory.panel",
        N_("Memory panel"),
        N_("Go to the memory panel; from there, hide it. Narrow terminals show it as a page."),
        "screen.memory_panel",
        Group.SCREEN,
        "ctrl+t,alt+g",
        Place.CHAT,
        Footer.IDLE,
    ),
    Action(
        "memory.planner",
        N_("Planner"),
        N_("Where memory would go, before a server is started; and the table of all starts."),
        "screen.planner",
        Group.SERVER,
        "f5",
        Place.CHAT,
        Footer.IDLE,
    ),
    Action(
        "memory.tell",
        N_("Name the model and the card"),
        N_("For a server that cannot be looked at: its model and card, so that its memory can be calculated."),
        "screen.tell_memory",
        Group.SERVER,
        "",
        Place.CHAT,
    ),
)
