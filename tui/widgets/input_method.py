"""What Textual 8.2.8 makes of some bytes of the keyboard, put right before it runs.

Input methods commit whole sentences; Textual gives up on key reports longer than 32 characters.

With the kitty keyboard mode a commit arrives as one report of several code points (six digits a Chinese character), so
from the fifth character on it would be typed as raw digits. The limit is a private name: it is raised only while it
exists, and a test feeds such reports to a real terminal.

Alt with an arrow is one key in every terminal (``CSI 1;3A``). Textual knows that only where the kitty mode is on;
without it, which is how lmdeck runs in most terminals, it makes Escape and the arrow of it.
"""

from __future__ import annotations

import importlib
from typing import Any, NamedTuple

SEQUENCE_LIMIT = 4096
_NAME = "_MAX_SEQUENCE_SEARCH_THRESHOLD"


def raise_sequence_limit() -> bool:
    """Let key reports be ``SEQUENCE_LIMIT`` characters long; returns False when this Textual has no such limit."""
    parser = importlib.import_module("textual._xterm_parser")
    limit = getattr(parser, _NAME, None)
    if not isinstance(limit, int):
        return False
    setattr(parser, _NAME, max(limit, SEQUENCE_LIMIT))
    return True


class _Key(NamedTuple):
    """Looks like an entry of Textual's ``Keys``."""

    value: str


_WITH_LETTER = {"A": "up", "B": "down", "C": "right", "D": "left", "F": "end", "H": "home"}
_WITH_NUMBER = {2: "insert", 3: "delete", 5: "pageup", 6: "pagedown"}


def name_alt_keys() -> bool:
    """Let Alt with an arrow, Home, End, Insert, Delete or a page key be one key; False when Textual has no table of
    keys."""
    table: Any = getattr(importlib.import_module("textual._ansi_sequences"), "ANSI_SEQUENCES_KEYS", None)
    if not isinstance(table, dict):
        return False
    for letter, name in _WITH_LETTER.items():
        table[f"\x1b[1;3{letter}"] = (_Key(f"alt+{name}"),)
    for number, name in _WITH_NUMBER.items():
        table[f"\x1b[{number};3~"] = (_Key(f"alt+{name}"),)
    return True
