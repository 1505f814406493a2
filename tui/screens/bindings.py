"""Textual bindings made from the one table of actions."""

from __future__ import annotations

from textual.binding import Binding, BindingType

from tui.config.actions import ACTIONS, Action, Place


def bindings_for(place: Place) -> list[BindingType]:
    """The bindings of a place, each with its action's id (for keymaps); actions without a key get none."""
    return [
        Binding(
            action.keys, action.run.removeprefix("screen."), action.title,
            id=action.id, priority=action.priority, show=False,
        )
        for action in ACTIONS
        if action.place is place and action.keys
    ]  # fmt: skip


def works_on(action: Action, screen: object) -> bool:
    """Whether a screen has the method behind an action; the app's actions work everywhere."""
    name = action.run.partition("(")[0]
    return not name.startswith("screen.") or hasattr(screen, f"action_{name.removeprefix('screen.')}")
