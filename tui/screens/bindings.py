"""Textual bindings made from the one table of actions."""

from __future__ import annotations

from textual.binding import Binding, BindingType

from tui.config.actions import ACTIONS, Place


def bindings_for(place: Place) -> list[BindingType]:
    """The bindings of a place, each with its action's id (for keymaps); actions without a key get none."""
    return [
        Binding(
            action.keys, action.run.removeprefix("screen.").removeprefix("app."), action.title,
            id=action.id, priority=action.priority, show=False,
        )
        for action in ACTIONS
        if action.place is place and action.keys
    ]  # fmt: skip
