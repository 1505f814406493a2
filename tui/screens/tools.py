"""Which tools the model may call."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Button, SelectionList
from textual.widgets.selection_list import Selection

from tui.i18n import _
from tui.model.tool import ToolSpec
from tui.screens.dialog import Dialog, heading, note
from tui.widgets.literal import literal, one_line


class ToolsScreen(Dialog[frozenset[str]]):
    """Answers with the names of the tools that are on."""

    def __init__(self, specs: Sequence[ToolSpec], enabled: frozenset[str]) -> None:
        super().__init__()
        self._specs, self._enabled = specs, enabled

    def compose(self) -> ComposeResult:
        with Vertical(classes="box"):
            yield heading(_("Tools that the model may call"))
            yield SelectionList[str](
                *(Selection(_line(spec), spec.name, spec.name in self._enabled) for spec in self._specs)
            )
            yield note(_("Space switches a tool. Tools other than the built-in arithmetic ask before they run."))
            with Horizontal(classes="buttons"):
                yield Button(_("Cancel"), id="cancel")
                yield Button(_("Use these"), id="ok", variant="primary")

    def on_mount(self) -> None:
        self.query_one("SelectionList").focus()

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        chosen = cast("SelectionList[str]", self.query_one("SelectionList"))
        self.dismiss(frozenset(chosen.selected) if event.button.id == "ok" else None)


def _line(spec: ToolSpec) -> Content:
    return Content.assemble(literal(one_line(spec.name, 40), "bold"), "  ", literal(one_line(spec.description, 120)))
