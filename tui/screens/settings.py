"""System prompt and sampling of this conversation. Empty fields are not sent: the server's default holds."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, cast

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Button, Input, Static, TextArea

from tui.i18n import N_, _
from tui.model.request import Sampling
from tui.screens.dialog import Dialog, heading


@dataclass(frozen=True, slots=True)
class ConversationSettings:
    system: str
    sampling: Sampling


def _number(low: float, high: float) -> Callable[[str], float]:
    def read(text: str) -> float:
        value = float(text)
        if not low <= value <= high:
            raise ValueError(text)
        return value

    return read


def _whole(low: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        value = int(text)
        if value < low:
            raise ValueError(text)
        return value

    return read


def _object(text: str) -> dict[str, Any]:
    data = json.loads(text)
    if not isinstance(data, dict):
        raise ValueError(text)
    return cast("dict[str, Any]", data)


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split("|") if word.strip())


@dataclass(frozen=True, slots=True)
class _Field:
    """A sampling parameter: its name, what may be written, and how it is read."""

    name: str
    rule: str
    read: Callable[[str], object]


_FIELDS = (
    _Field("temperature", N_("0 to 2"), _number(0, 2)),
    _Field("top_p", N_("above 0, up to 1"), _number(1e-6, 1)),
    _Field("top_k", N_("a whole number, 0 or more"), _whole(0)),
    _Field("min_p", N_("0 to 1"), _number(0, 1)),
    _Field("repetition_penalty", N_("above 0, 1 means none"), _number(1e-6, 10)),
    _Field("max_tokens", N_("a whole number, 1 or more"), _whole(1)),
    _Field("stop", N_("strings, with | between them"), _words),
    _Field("seed", N_("a whole number"), _whole(0)),
    _Field("chat_template_kwargs", N_("a JSON object"), _object),
    _Field("response_format", N_("a JSON object"), _object),
    _Field("extra", N_("a JSON object with any further fields"), _object),
)


def as_text(sampling: Sampling, name: str) -> str:
    """A field's value as it is written in the form; empty when it is not sent."""
    value: object = getattr(sampling, name)
    if value is None or value in ((), {}):
        return ""
    if isinstance(value, tuple):
        return " | ".join(cast("tuple[str, ...]", value))
    return json.dumps(value, ensure_ascii=False) if isinstance(value, Mapping) else str(value)


def read_field(sampling: Sampling, name: str, text: str) -> Sampling:
    """``sampling`` with one field read from the form. Raises ValueError when the text does not fit."""
    field = next(item for item in _FIELDS if item.name == name)
    value = field.read(text.strip()) if text.strip() else getattr(Sampling(), name)
    return replace(sampling, **{name: value})


class SettingsScreen(Dialog[ConversationSettings]):
    """Answers with the new settings."""

    def __init__(self, settings: ConversationSettings) -> None:
        super().__init__()
        self._settings = settings

    def compose(self) -> ComposeResult:
        with Vertical(classes="box"):
            yield heading(_("System prompt and sampling"))
            yield TextArea(self._settings.system, id="system", placeholder=Content(_("What the model is told first")))
            with VerticalScroll(classes="scroll", can_focus=False):
                for field in _FIELDS:
                    with Horizontal(classes="field"):
                        yield Static(Content(field.name), classes="label", markup=False)
                        yield Input(as_text(self._settings.sampling, field.name), placeholder=_(field.rule),
                                    compact=True, id=f"field-{field.name}")  # fmt: skip
            yield Static(id="problem", classes="error", markup=False)
            with Horizontal(classes="buttons"):
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
        sampling = self._settings.sampling
        for field in _FIELDS:
            entry = self.query_one(f"#field-{field.name}", Input)
            try:
                sampling = read_field(sampling, field.name, entry.value)
            except ValueError:
                text = _("{name} must be: {rule}").format(name=field.name, rule=_(field.rule))
                self.query_one("#problem", Static).update(Content(text))
                entry.focus()
                return
        self.dismiss(ConversationSettings(self.query_one("#system", TextArea).text, sampling))
