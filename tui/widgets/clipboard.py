"""Copying over the terminal (OSC 52), also from inside tmux and GNU screen. There is no answer: nobody can know whether
it arrived, so what is shown never says "copied".

``App._driver`` is private in Textual 8.2.8; its ``copy_to_clipboard`` writes with it too.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping

from textual.app import App

_SCREEN_CHUNK = 760  # GNU screen cuts a device control string at 768 characters
MANY = 74_000
"""Bytes above which many terminals ignore a copy (xterm and iTerm2 cap the base64 text near 100 kB)."""


def osc52(text: str) -> str:
    """The sequence that puts ``text`` on the terminal's clipboard."""
    return f"\x1b]52;c;{base64.b64encode(text.encode('utf-8', 'replace')).decode()}\a"


def wrapped(text: str, environ: Mapping[str, str]) -> str:
    """The same for the terminal outside of tmux or screen; empty where there is neither.

    tmux hands it through only with ``allow-passthrough on`` (since 3.3); with ``set-clipboard on`` it takes the plain
    sequence itself, so both are sent."""
    if "TMUX" in environ:
        return "\x1bPtmux;" + osc52(text).replace("\x1b", "\x1b\x1b") + "\x1b\\"
    if "STY" in environ:
        sequence = osc52(text)
        pieces = [sequence[start : start + _SCREEN_CHUNK] for start in range(0, len(sequence), _SCREEN_CHUNK)]
        return "".join(f"\x1bP{piece}\x1b\\" for piece in pieces)
    return ""


class TerminalClipboard(App[None]):
    """Mixed into the app: copies also reach the terminal outside of tmux and screen."""

    def copy_to_clipboard(self, text: str) -> None:
        super().copy_to_clipboard(text)
        outside = wrapped(text, os.environ)
        if outside and self._driver is not None and not self.is_headless:
            self._driver.write(outside)
