"""What ssh asks while it logs in, as dialogs: its words verbatim, whose words they are, and an answer that is kept
nowhere."""

from __future__ import annotations

from time import monotonic

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.timer import Timer
from textual.widgets import Button, Input, Static

from tui.i18n import _
from tui.model.question import ChangedKey, Question, QuestionKind
from tui.screens.dialog import Dialog, heading, note
from tui.widgets.literal import literal, one_line

QUIET_SECONDS = 0.8
_SHOWN = 4_000


class Comparing(Dialog[str]):
    """A dialog with a line for a fingerprint that somebody else gave, compared with the one shown."""

    offered = ""
    yes = "#yes"

    def comparing(self) -> ComposeResult:
        """The line and its verdict."""
        yield Input(placeholder=_("paste the fingerprint you were given, to compare"), compact=True, id="compare")
        yield Static(id="verdict", markup=False)

    @on(Input.Changed, "#compare")
    def _compare(self, event: Input.Changed) -> None:
        given = event.value.strip()
        button, verdict = self.query_one(self.yes, Button), self.query_one("#verdict", Static)
        button.disabled = bool(given) and not same_print(given, self.offered)
        if not given:
            verdict.update(Content(""))
        elif button.disabled:
            verdict.update(Content.styled(_("Not the same."), "$text-error"))
        else:
            verdict.update(Content.styled(_("The same."), "$text-success"))


def same_print(given: str, offered: str) -> bool:
    """Whether two fingerprints are the same; people leave out ``SHA256:`` or paste the whole line around it."""
    name, _colon, wanted = offered.rpartition(":") if offered.startswith("SHA256") else ("", "", offered)
    words = given.replace("\u200b", "").split()
    return any(word.strip("().,;\"'").removeprefix(f"{name}:") == wanted for word in words)


class QuestionScreen(Comparing):
    """Answers with what ssh is to get; None when it is closed. ``quiet`` seconds without a key must pass before it
    takes any, for somebody who was just typing."""

    def __init__(self, question: Question, quiet: float = 0.0) -> None:
        super().__init__()
        self.question = question
        self.offered = question.fingerprint
        self._quiet = quiet
        self._last_key = monotonic()
        self._timer: Timer | None = None

    def compose(self) -> ComposeResult:
        question = self.question
        with Vertical(classes="box"):
            yield heading(_("{host} asks").format(host=one_line(question.host, 60)))
            if question.again:
                yield Static(_("That was not accepted."), classes="error", markup=False)
            if question.subject == "options":
                yield note(_("This option of the pasted line can run a program on this machine:"))
            with VerticalScroll(classes="scroll", can_focus=False):
                yield Static(literal(question.prompt.strip()[:_SHOWN]), id="prompt-text", markup=False)
            if question.kind is QuestionKind.HOST_KEY and question.fingerprint:
                yield from self.comparing()
            if question.secret:
                yield Input(password=True, compact=True, id="answer")
                yield note(_("It goes to ssh only and is written down nowhere."))
            with Horizontal(classes="buttons"):
                yield from self._buttons()

    def _buttons(self) -> ComposeResult:
        if self.question.kind is QuestionKind.NOTICE:
            yield Button(_("Close"), id="close", variant="primary")
        elif self.question.secret:
            yield Button(_("Cancel"), id="close")
            yield Button(_("Answer"), id="ok", variant="primary")
        else:
            yield Button(_("No"), id="no")
            yield Button(_("Yes"), id="yes", variant="warning")

    def on_mount(self) -> None:
        if self._quiet:
            for widget in self.query("Button, Input"):
                widget.disabled = True
            self._timer = self.set_interval(self._quiet / 4, self._wake)
        else:
            self._take_keys()

    def _wake(self) -> None:
        if self._timer is not None and monotonic() - self._last_key >= self._quiet:
            self._timer.stop()
            self._timer = None
            for widget in self.query("Button, Input"):
                widget.disabled = False
            self._take_keys()

    def _take_keys(self) -> None:
        first = "#answer" if self.question.secret else "#no, #close"
        self.query(first).first().focus()

    def on_key(self, event: events.Key) -> None:
        """Keys that were meant for the composer answer nothing."""
        if self._timer is not None:
            self._last_key = monotonic()
            event.stop()
            event.prevent_default()

    def action_close(self) -> None:
        if self._timer is None:
            self.dismiss(None)

    @on(Button.Pressed, "#close")
    def _close_pressed(self) -> None:
        self.dismiss(None)

    @on(Button.Pressed, "#yes")
    def _yes(self) -> None:
        self.dismiss("yes")

    @on(Button.Pressed, "#no")
    def _no(self) -> None:
        self.dismiss("no")

    @on(Input.Submitted, "#compare")
    def _compared(self, event: Input.Submitted) -> None:
        if same_print(event.value, self.offered):
            self.dismiss("yes")

    @on(Button.Pressed, "#ok")
    @on(Input.Submitted, "#answer")
    def _answered(self) -> None:
        answer = self.query_one("#answer", Input).value
        if answer or self.question.kind is QuestionKind.OTHER:
            self.dismiss(answer)


class ChangedKeyScreen(Comparing):
    """A machine that shows another host key than before. Answers ``replace``, or None: leave it."""

    yes = "#replace"

    def __init__(self, host: str, changed: ChangedKey) -> None:
        super().__init__()
        self._host, self._changed = host, changed
        self.offered = changed.offered

    def compose(self) -> ComposeResult:
        changed = self._changed
        with Vertical(classes="box"):
            yield heading(_("{host} shows another host key than before").format(host=one_line(self._host, 60)))
            yield note(
                _(
                    "Either it is a new machine at the old address, or somebody stands in between. "
                    "Ask its owner for the fingerprint."
                )
            )
            known = "\n".join(changed.known) or "?"
            yield Static(literal(_("kept:  {prints}").format(prints=known)), markup=False)
            offered = f"{changed.key_type} {changed.offered}".strip()
            yield Static(literal(_("shown: {print}").format(print=offered)), markup=False)
            yield note(_("{name} in {file}, line {line}").format(
                name=changed.name, file=changed.file, line=changed.line
            ))  # fmt: skip
            yield from self.comparing()
            with Horizontal(classes="buttons"):
                yield Button(_("Leave it"), id="close", variant="primary")
                yield Button(_("Replace the old key"), id="replace", variant="warning")

    def on_mount(self) -> None:
        self.query_one("#close", Button).focus()

    @on(Button.Pressed, "#close")
    def _close_pressed(self) -> None:
        self.dismiss(None)

    @on(Button.Pressed, "#replace")
    def _replaced(self) -> None:
        self.dismiss("replace")
