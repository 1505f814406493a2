"""Name the model and the card of a server that cannot be looked at, so that its memory can be calculated."""

from __future__ import annotations

import asyncio

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Button, Input, Static

from tui.hosts.findings import Told
from tui.hosts.telling import told_from
from tui.i18n import _
from tui.i18n.problems import explain
from tui.model.problem import ProblemError
from tui.screens.dialog import Dialog, heading, note
from tui.widgets.literal import literal


class TellMemoryScreen(Dialog[Told]):
    """Answers with what the user told."""

    def compose(self) -> ComposeResult:
        with Vertical(classes="box"):
            yield heading(_("Name the model and the card"))
            yield note(
                _(
                    "Give the model's folder or name, or paste the whole command line that started the server: "
                    "then its flags are known too."
                )
            )
            with Horizontal(classes="field"):
                yield Static(Content(_("model or command")), classes="label", markup=False)
                yield Input(placeholder="internlm2_5-7b-chat", compact=True, id="model")
            with Horizontal(classes="field"):
                yield Static(Content(_("card's memory")), classes="label", markup=False)
                yield Input(placeholder="24GiB", compact=True, id="card")
            yield Static(id="problem", classes="error", markup=False)
            with Horizontal(classes="buttons"):
                yield Button(_("Cancel"), id="cancel")
                yield Button(_("Use these"), id="ok", variant="primary")

    def on_mount(self) -> None:
        self.query_one("#model", Input).focus()

    @on(Button.Pressed, "#cancel")
    def _cancelled(self) -> None:
        self.dismiss(None)

    @on(Button.Pressed, "#ok")
    @on(Input.Submitted)
    @work(exclusive=True)
    async def _used(self) -> None:
        model, card = (self.query_one(f"#{name}", Input).value for name in ("model", "card"))
        try:
            told = await asyncio.to_thread(told_from, model, card)
        except ProblemError as error:
            self.query_one("#problem", Static).update(literal(explain(error.problem).text))
            return
        self.dismiss(told)
