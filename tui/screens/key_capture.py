"""Press a key: the one that an action shall have."""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical

from tui.i18n import _
from tui.screens.dialog import Dialog, heading, note

_MODIFIERS = frozenset({"shift", "ctrl", "alt", "super", "hyper", "meta"})


class KeyCaptureScreen(Dialog[str]):
    """Answers with Textual's name of the key that was pressed. While it is open, no key does anything else."""

    CAPTURES_KEYS: ClassVar[bool] = True

    def __init__(self, action: str) -> None:
        super().__init__()
        self._action = action

    def compose(self) -> ComposeResult:
        with Vertical(classes="box"):
            yield heading(_("Press the key for: {action}").format(action=self._action))
            yield note(_("A key that does not appear is kept by your terminal. Esc leaves everything as it is."))

    def on_key(self, event: events.Key) -> None:
        event.stop()
        event.prevent_default()
        if event.key == "escape":
            self.dismiss(None)
        elif event.key not in _MODIFIERS:
            self.dismiss(event.key)
