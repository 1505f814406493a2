"""System prompt and sampling of this conversation. Empty fields are not sent: the server's default holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Button, Input, Static, TextArea

from tui.i18n import _
from tui.model.request import Sampling
from tui.screens.dialog import Dialog, heading
from tui.screens.sampling import PRESET_FIELDS, Preset, as_text, read_field, supported

if TYPE_CHECKING:
    from tui.model.server import ServerFacts


@dataclass(frozen=True, slots=True)
class ConversationSettings:
    """``keep``: they are to be the defaults of new conversations too."""

    system: str
    sampling: Sampling
    keep: bool = False


class SettingsScreen(Dialog[ConversationSettings]):
    """Answers with the new settings."""

    def __init__(
        self, settings: ConversationSettings, facts: ServerFacts | None = None, presets: Sequence[Preset] = ()
    ) -> None:
        super().__init__()
        self._settings = settings
        self._fields = supported(facts)
        self._presets = presets

    def compose(self) -> ComposeResult:
        with Vertical(classes="box"):
            yield heading(_("System prompt and sampling"))
            yield TextArea(self._settings.system, id="system", placeholder=Content(_("What the model is told first")))
            with VerticalScroll(classes="scroll", can_focus=False):
                for field in self._fields:
                    with Horizontal(classes="field"):
                        yield Static(Content(field.name), classes="label", markup=False)
                        yield Input(as_text(self._settings.sampling, field.name), placeholder=_(field.rule),
                                    compact=True, id=f"field-{field.name}")  # fmt: skip
            yield Static(id="problem", classes="error", markup=False)
            with Horizontal(classes="buttons"):
                if self._presets:
                    yield Button(_("Preset …"), id="preset")
                    yield Button(_("Keep as default"), id="keep")
                yield Button(_("Cancel"), id="cancel")
                yield Button(_("Use these"), id="ok", variant="primary")

    def on_mount(self) -> None:
        self.query_one("#system", TextArea).focus()

    @on(Button.Pressed, "#cancel")
    def _cancelled(self) -> None:
        self.dismiss(None)

    @on(Button.Pressed, "#ok")
    @on(Input.Submitted)
    def _used(self) -> None:
        if (sampling := self._read()) is not None:
            self.dismiss(ConversationSettings(self.query_one("#system", TextArea).text, sampling))

    @on(Button.Pressed, "#keep")
    def _kept(self) -> None:
        if (sampling := self._read()) is not None:
            text = self.query_one("#system", TextArea).text
            self.dismiss(ConversationSettings(text, sampling, keep=True))

    @work(group="preset", exclusive=True)
    async def _choose_preset(self) -> None:
        from tui.screens.pick import PickScreen

        names = [preset.name for preset in self._presets]
        chosen = await self.app.push_screen_wait(PickScreen(_("Presets"), names))
        if chosen is not None:
            for field in self._fields:
                if field.name in PRESET_FIELDS:
                    entry = self.query_one(f"#field-{field.name}", Input)
                    entry.value = as_text(self._presets[chosen].sampling, field.name)

    @on(Button.Pressed, "#preset")
    def _preset_wanted(self) -> None:
        self._choose_preset()

    def _read(self) -> Sampling | None:
        """What stands in the form; None after saying what is wrong with it."""
        sampling = self._settings.sampling
        for field in self._fields:
            entry = self.query_one(f"#field-{field.name}", Input)
            try:
                sampling = read_field(sampling, field.name, entry.value)
            except ValueError:
                text = _("{name} must be: {rule}").format(name=field.name, rule=_(field.rule))
                self.query_one("#problem", Static).update(Content(text))
                entry.focus()
                return None
        return sampling
