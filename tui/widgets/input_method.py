"""Input methods commit whole sentences; Textual 8.2.8 gives up on key reports longer than 32 characters.

With the kitty keyboard mode a commit arrives as one report of several code points (six digits a Chinese character), so
from the fifth character on it would be typed as raw digits. The limit is a private name: it is raised only while it
exists, and a test feeds such reports to a real terminal.
"""

from __future__ import annotations

import importlib

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
