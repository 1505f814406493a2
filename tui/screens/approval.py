"""May this tool run? The dialog takes no keys until typing has paused, so that a stray Enter cannot allow anything."""

from __future__ import annotations

import json
from time import monotonic

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.timer import Timer
from textual.widgets import Button, Input, Static

from tui.i18n import _
from tui.model.tool import Decision, ToolCall, ToolSpec, Verdict
from tui.screens.dialog import Dialog, heading, note
from tui.widgets.literal import literal, one_line

QUIET_SECONDS = 0.8
_SHOWN = 6_000


class ApprovalScreen(Dialog[Decision]):
    """Answers with a decision; Esc refuses. None only when the turn ended before the user decided."""

    def __init__(self, call: ToolCall, spec: ToolSpec, quiet: float = QUIET_SECONDS) -> None:
        super().__init__()
        self._call, self._spec, self._quiet = call, spec, quiet
        self._last_key = monotonic()
        self._timer: Timer | None = None
        self.awake = False

    def compose(self) -> ComposeResult:
        arguments = json.dumps(self._call.arguments, indent=2, ensure_ascii=False, default=str)
        with Vertical(classes="box"):
            yield heading(_("The model wants to run a tool"))
            yield Static(
                Content.assemble(literal(one_line(self._call.name, 60), "bold"), "  ",
                                 literal(one_line(self._spec.description, 200), "$text-muted")),
                markup=False, classes="text",
            )  # fmt: skip
            with VerticalScroll(classes="scroll", can_focus=False):
                yield Static(literal(_cut(arguments)), markup=False, id="arguments")
            yield Input(
                placeholder=_("Reason for refusing (the model reads it)"), compact=True, id="reason", disabled=True
            )
            with Horizontal(classes="buttons"):
                yield Button(_("Refuse"), id="refuse", disabled=True)
                yield Button(_("Allow once"), id="allow", variant="warning", disabled=True)
            with Horizontal(classes="buttons"):
                yield Button(_("In this conversation"), id="here", disabled=True)
                yield Button(_("Always"), id="always", disabled=True)
                yield Button(_("Never"), id="never", disabled=True)
            yield note(_("Keys count when you stop typing …"), id="hint")

    def on_mount(self) -> None:
        self._timer = self.set_interval(self._quiet / 4, self._wake)

    def on_key(self, event: events.Key) -> None:
        if not self.awake:
            self._last_key = monotonic()
            event.stop()
            event.prevent_default()

    def _wake(self) -> None:
        if monotonic() - self._last_key < self._quiet:
            return
        if self._timer is not None:
            self._timer.stop()
        self.awake = True
        for widget in self.query("Button, Input"):
            widget.disabled = False
        self.query_one("#hint", Static).update(_("Tab moves · Enter presses · Esc refuses"))
        self.query_one("#refuse", Button).focus()

    def action_close(self) -> None:
        if self.awake:
            self._refuse()

    def _refuse(self) -> None:
        self.dismiss(Decision(Verdict.REFUSE, self.query_one("#reason", Input).value.strip()))

    @on(Input.Submitted)
    def _reason_given(self) -> None:
        self._refuse()

    @on(Button.Pressed, "#refuse")
    def _refuse_pressed(self) -> None:
        self._refuse()

    @on(Button.Pressed, "#allow")
    def _allow_pressed(self) -> None:
        self.dismiss(Decision(Verdict.ALLOW))

    @on(Button.Pressed, "#here")
    def _here_pressed(self) -> None:
        self.dismiss(Decision(Verdict.ALLOW, scope="conversation"))

    @on(Button.Pressed, "#always")
    def _always_pressed(self) -> None:
        self.dismiss(Decision(Verdict.ALLOW, scope="always"))

    @on(Button.Pressed, "#never")
    def _never_pressed(self) -> None:
        reason = self.query_one("#reason", Input).value.strip()
        self.dismiss(Decision(Verdict.REFUSE, reason, scope="always"))


def _cut(text: str) -> str:
    if len(text) <= _SHOWN:
        return text
    rest = _("… {count} more characters").format(count=f"{len(text) - _SHOWN:,}")
    return f"{text[:_SHOWN]}\n{rest}"
