"""A profile's fields that are not secret. Its API key goes into the keyring, never through this form's fields."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Button, Input, Static

from tui.config.profiles import Profile
from tui.config.secrets import KeySource
from tui.i18n import N_, _
from tui.screens.dialog import Dialog, heading, note
from tui.widgets.literal import literal


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    label: str
    hint: str


_FIELDS = (
    _Field("name", N_("Name"), N_("letters, digits, . _ -")),
    _Field("url", N_("Server address"), N_("http://127.0.0.1:23333; or leave it empty and fill in SSH")),
    _Field("ssh", N_("Machine by SSH"), N_("an alias of ~/.ssh/config, or user@host:port")),
    _Field("ssh_server", N_("Server there"), N_("where it listens on that machine")),
    _Field("model", N_("Model"), N_("empty: the first one of the server")),
    _Field("api_key", N_("API key"), N_("env:NAME or keyring, never the key itself")),
    _Field("system_prompt", N_("System prompt"), N_("empty: the general one")),
)


class ProfileForm(Dialog[Profile]):
    """Answers with the profile. ``check`` says what is wrong with one, or nothing."""

    def __init__(self, profile: Profile | None, check: Callable[[Profile], str]) -> None:
        super().__init__()
        self._profile, self._check = profile, check

    def compose(self) -> ComposeResult:
        with Vertical(classes="box"):
            yield heading(_("Profile"))
            with VerticalScroll(classes="scroll", can_focus=False):
                for field in _FIELDS:
                    with Horizontal(classes="field"):
                        yield Static(Content(_(field.label)), classes="label", markup=False)
                        known = field.name == "name" and self._profile is not None
                        yield Input(self._text(field.name), placeholder=_(field.hint), compact=True, disabled=known,
                                    id=f"profile-{field.name}")  # fmt: skip
            yield note(_("The key itself goes into the keyring: choose the profile in the list and press Enter."))
            yield Static(id="problem", classes="error", markup=False)
            with Horizontal(classes="buttons"):
                yield Button(_("Cancel"), id="cancel")
                yield Button(_("Save"), id="ok", variant="primary")

    def on_mount(self) -> None:
        self.query_one("#profile-url" if self._profile else "#profile-name", Input).focus()

    def _text(self, name: str) -> str:
        if self._profile is None:
            return "127.0.0.1:23333" if name == "ssh_server" else ""
        value: object = getattr(self._profile, name)
        return "" if value is None else str(value)

    @on(Button.Pressed, "#cancel")
    def _cancelled(self) -> None:
        self.dismiss(None)

    @on(Button.Pressed, "#ok")
    @on(Input.Submitted)
    def _saved(self) -> None:
        texts = {field.name: self.query_one(f"#profile-{field.name}", Input).value.strip() for field in _FIELDS}
        try:
            source = KeySource.parse(texts["api_key"]) if texts["api_key"] else None
        except ValueError:
            # What stands there may be a key: it must not stay on screen.
            self.query_one("#profile-api_key", Input).value = ""
            self._say(_("The API key field takes env:NAME (capital letters) or keyring, never the key itself."))
            return
        base = self._profile or Profile(texts["name"])
        profile = replace(
            base,
            url=texts["url"],
            ssh=texts["ssh"],
            ssh_server=texts["ssh_server"] or "127.0.0.1:23333",
            model=texts["model"],
            api_key=source,
            system_prompt=texts["system_prompt"] or None,
        )
        if fault := self._check(profile):
            self._say(fault)
        else:
            self.dismiss(profile)

    def _say(self, text: str) -> None:
        self.query_one("#problem", Static).update(literal(text))
