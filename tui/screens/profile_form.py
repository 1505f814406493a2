"""A profile's fields that are not secret. Its API key goes into the keyring, never through this form's fields."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Button, Input, Static, TextArea

from tui.config.profiles import Profile
from tui.config.secrets import KeySource
from tui.i18n import N_, _
from tui.model.request import Sampling
from tui.screens.dialog import Dialog, heading, note
from tui.screens.sampling import FIELDS, PRESET_FIELDS, as_text, read_field
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
)
_LISTS = (
    _Field("tools", N_("Tools"), N_("names with commas; empty: the general ones; none: no tools")),
    _Field("allow_tools", N_("Run without asking"), N_("names with commas; empty: the general ones; none: no tools")),
    _Field("never_tools", N_("Never run"), N_("names with commas, besides the general ones")),
)
_SAMPLING = tuple(field for field in FIELDS if field.name in PRESET_FIELDS | {"chat_template_kwargs"})
_NONE = "none"


class ProfileForm(Dialog[Profile]):
    """Answers with the profile. ``check`` says what is wrong with one, or nothing."""

    def __init__(self, profile: Profile | None, check: Callable[[Profile], str]) -> None:
        super().__init__()
        self._profile, self._check = profile, check

    def compose(self) -> ComposeResult:
        base = self._profile or Profile("")
        with Vertical(classes="box"):
            yield heading(_("Profile"))
            with VerticalScroll(classes="scroll", can_focus=False):
                for field in _FIELDS:
                    known = field.name == "name" and self._profile is not None
                    yield from _row(_(field.label), field.name, _plain(base, field.name), _(field.hint), off=known)
                with Horizontal(classes="field"):
                    yield Static(Content(_("System prompt")), classes="label", markup=False)
                    yield TextArea(base.system_prompt or "", placeholder=Content(_("empty: the general one")),
                                   id="profile-system_prompt")  # fmt: skip
                for field in _LISTS:
                    yield from _row(_(field.label), field.name, _listed(getattr(base, field.name)), _(field.hint))
                for one in _SAMPLING:
                    yield from _row(one.name, one.name, as_text(base.sampling, one.name), _(one.rule))
            yield note(_("The key itself goes into the keyring: choose the profile in the list and press Enter."))
            yield Static(id="problem", classes="error", markup=False)
            with Horizontal(classes="buttons"):
                yield Button(_("Cancel"), id="cancel")
                yield Button(_("Save"), id="ok", variant="primary")

    def on_mount(self) -> None:
        self.query_one("#profile-url" if self._profile else "#profile-name", Input).focus()

    @on(Button.Pressed, "#cancel")
    def _cancelled(self) -> None:
        self.dismiss(None)

    @on(Button.Pressed, "#ok")
    @on(Input.Submitted)
    def _saved(self) -> None:
        profile = self._read()
        if profile is None:
            return
        if fault := self._check(profile):
            self._say(fault)
        else:
            self.dismiss(profile)

    def _read(self) -> Profile | None:
        """What stands in the form; None after saying what is wrong with it."""
        key = self._text("api_key")
        try:
            source = KeySource.parse(key) if key else None
        except ValueError:
            # What stands there may be a key: it must not stay on screen.
            self._entry("api_key").value = ""
            self._say(_("The API key field takes env:NAME (capital letters) or keyring, never the key itself."))
            return None
        sampling = self._sampling()
        if sampling is None:
            return None
        return replace(
            self._profile or Profile(self._text("name")),
            url=self._text("url"),
            ssh=self._text("ssh"),
            ssh_server=self._text("ssh_server") or "127.0.0.1:23333",
            model=self._text("model"),
            api_key=source,
            system_prompt=self.query_one("#profile-system_prompt", TextArea).text.strip() or None,
            sampling=sampling,
            **{field.name: _names(self._text(field.name)) for field in _LISTS},
        )

    def _sampling(self) -> Sampling | None:
        sampling = self._profile.sampling if self._profile is not None else Sampling()
        for field in _SAMPLING:
            try:
                sampling = read_field(sampling, field.name, self._text(field.name))
            except ValueError:
                self._say(_("{name} must be: {rule}").format(name=field.name, rule=_(field.rule)))
                self._entry(field.name).focus()
                return None
        return sampling

    def _entry(self, name: str) -> Input:
        return self.query_one(f"#profile-{name}", Input)

    def _text(self, name: str) -> str:
        return self._entry(name).value.strip()

    def _say(self, text: str) -> None:
        self.query_one("#problem", Static).update(literal(text))


def _row(label: str, name: str, value: str, hint: str, *, off: bool = False) -> Iterator[Horizontal]:
    """One line: its label and its field."""
    entry = Input(value, placeholder=hint, compact=True, disabled=off, id=f"profile-{name}")
    yield Horizontal(Static(Content(label), classes="label", markup=False), entry, classes="field")


def _plain(profile: Profile, name: str) -> str:
    value: Any = getattr(profile, name)
    return "" if value is None else str(value)


def _listed(names: tuple[str, ...] | None) -> str:
    """A list as it is written here: nothing where the general one holds, a word where it is empty."""
    return "" if names is None else ", ".join(names) or _NONE


def _names(text: str) -> tuple[str, ...] | None:
    words = tuple(word.strip() for word in text.replace("，", ",").split(",") if word.strip())
    if not words:
        return None
    return () if words == (_NONE,) else words
