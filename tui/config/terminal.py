"""What this terminal needs and what it delivers, read from the environment before Textual is imported.

Textual reads its own variables once, when it is imported; :func:`mend_environment` therefore runs in the first lines of
the entry point. It only fills in what the user has not set.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Generator, Mapping, MutableMapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from io import TextIOWrapper
from pathlib import Path

_KITTY_OFF = "TEXTUAL_DISABLE_KITTY_KEY"


@dataclass(frozen=True, slots=True)
class Terminal:
    """A terminal program as far as keys are concerned.

    ``eats`` are Textual key names that never reach a program in it. ``whole_text`` is True only where an input method's
    commit is known to arrive whole with the kitty keyboard mode on (kitty writes it as plain text: ``on_key_input``,
    ``GLFW_IME_COMMIT_TEXT`` in its keys.c).
    """

    name: str
    eats: frozenset[str] = frozenset()
    whole_text: bool = False


# VS Code: the terminal's default "commands to skip the shell". tmux and screen: their prefix key.
# GNOME Terminal: its own help, menu and full-screen keys. Browser tabs keep ctrl+n, ctrl+t and ctrl+w for themselves.
_BROWSER = frozenset({"ctrl+n", "ctrl+t", "ctrl+w"})
VSCODE = Terminal("vscode", frozenset({"f1", "f5", "f6", "ctrl+p", "ctrl+j", "ctrl+g"}))
JUPYTER = Terminal("jupyterlab", _BROWSER | {"ctrl+b", "f12"})
WINDOWS = Terminal("windows-terminal", frozenset({"alt+up", "alt+down", "alt+enter", "f11"}))
GNOME = Terminal("gnome-terminal", frozenset({"f1", "f10", "f11"}))
KITTY = Terminal("kitty", whole_text=True)
PLAIN = Terminal("plain")
_TMUX_PREFIX = frozenset({"ctrl+b"})
_SCREEN_PREFIX = frozenset({"ctrl+a"})
# Only a terminal that speaks the kitty keyboard mode tells Shift+Enter from Enter.
_KITTY_ONLY = frozenset({"shift+enter"})


def detect(environ: Mapping[str, str]) -> Terminal:
    """The terminal that ``environ`` describes. Over ssh most of these variables are lost: then it is PLAIN."""
    base = _program(environ)
    eats = base.eats
    multiplexed = False
    if "TMUX" in environ:
        eats, multiplexed = eats | _TMUX_PREFIX, True
    elif "STY" in environ:
        eats, multiplexed = eats | _SCREEN_PREFIX, True
    whole = base.whole_text and not multiplexed
    if not whole:
        eats |= _KITTY_ONLY
    return Terminal(base.name, frozenset(eats), whole)


def _program(environ: Mapping[str, str]) -> Terminal:
    if environ.get("TERM_PROGRAM") == "vscode":
        return VSCODE
    if "JUPYTER_SERVER_URL" in environ or "JPY_SESSION_NAME" in environ or "JUPYTERHUB_USER" in environ:
        return JUPYTER
    if "WT_SESSION" in environ:
        return WINDOWS
    if "GNOME_TERMINAL_SCREEN" in environ:
        return GNOME
    if "KITTY_WINDOW_ID" in environ or environ.get("TERM") == "xterm-kitty":
        return KITTY
    return PLAIN


def mend_environment(environ: MutableMapping[str, str] | None = None) -> Terminal:
    """Fill in what Textual reads at import; call it before anything imports Textual.

    The kitty keyboard mode stays off unless the terminal is known to hand over an input method's text whole: Textual
    8.2.8 asks for "report all keys" and gives up on reports longer than 32 characters, which is five Chinese characters
    (``_xterm_parser``). Over ssh animations are off. A variable that the user set is left alone.
    """
    environ = os.environ if environ is None else environ
    terminal = detect(environ)
    if not terminal.whole_text:
        environ.setdefault(_KITTY_OFF, "1")
    if over_ssh(environ):
        environ.setdefault("TEXTUAL_ANIMATIONS", "none")
    return terminal


def over_ssh(environ: Mapping[str, str]) -> bool:
    """Whether lmdeck itself runs in an SSH session: every frame costs, and nothing should move for its own sake."""
    return "SSH_CONNECTION" in environ or "SSH_TTY" in environ


_COLOURS = {"truecolor": "truecolor", "256": "256", "16": "standard"}


def wear_settings(environ: MutableMapping[str, str], *, colours: str, animations: str, keyboard: str) -> None:
    """Hand the settings that Textual reads at import over to it, before it is imported; see :func:`mend_environment`.
    What the user set in the environment is left alone."""
    if colours in _COLOURS:
        environ.setdefault("TEXTUAL_COLOR_SYSTEM", _COLOURS[colours])
    elif colours == "none":
        environ.setdefault("NO_COLOR", "1")
    environ.setdefault("TEXTUAL_ANIMATIONS", "none" if over_ssh(environ) else animations)
    if keyboard != "auto":
        environ.setdefault(_KITTY_OFF, "0" if keyboard == "on" else "1")


def frames_per_second(environ: Mapping[str, str]) -> float:
    """How often a streaming reply is repainted: 12 times a second here, 6 over ssh (each frame is 10 to 20 kB)."""
    return 6.0 if over_ssh(environ) else 12.0


def open_private(path: Path) -> int:
    """Open ``path`` for appending, readable by its owner only; returns the descriptor. Raises OSError."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)


class ScreenFile(TextIOWrapper):
    """The terminal as a file that outlives it.

    Textual writes in a thread that ends at the first error; its queue then fills up and the event loop waits in it for
    ever. Here a terminal that is gone takes everything, and the process is told once, by SIGHUP: the system sends that
    only to the leader of the terminal's session."""

    def __init__(self, descriptor: int) -> None:
        raw = open(descriptor, "wb")  # noqa: SIM115 (closed with this file)
        super().__init__(raw, encoding="utf-8", errors="backslashreplace", line_buffering=raw.isatty())
        self.gone = False

    def write(self, text: str, /) -> int:
        if not self.gone:
            try:
                return super().write(text)
            except OSError:
                self._lost()
        return len(text)

    def flush(self) -> None:
        if not self.gone:
            try:
                super().flush()
            except OSError:
                self._lost()

    def _lost(self) -> None:
        self.gone = True
        if sys.platform != "win32":
            os.kill(os.getpid(), signal.SIGHUP)


@contextmanager
def guarded_stderr(log: Path) -> Generator[None]:
    """Send what native libraries and children write to descriptor 2 into ``log`` while the screen is in use.

    Textual draws on ``sys.__stderr__``, so that stream is moved to a copy of the terminal's descriptor first. Without
    a log (a read-only home) descriptor 2 stays what it is; without a descriptor nothing changes.
    """
    original, shown = sys.__stderr__, sys.stderr
    try:
        screen = ScreenFile(os.dup(2))
    except OSError:
        yield
        return
    with suppress(OSError):
        log_descriptor = open_private(log)
        os.dup2(log_descriptor, 2)
        os.close(log_descriptor)
    sys.__stderr__, sys.stderr = screen, screen  # pyright: ignore[reportConstantRedefinition] (Textual's driver reads it)
    try:
        yield
    finally:
        os.dup2(screen.fileno(), 2)
        sys.__stderr__, sys.stderr = original, shown  # pyright: ignore[reportConstantRedefinition] (put back)
        with suppress(OSError):  # the terminal may be gone (SIGHUP)
            screen.close()
