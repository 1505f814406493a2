"""Comparing the rows on screen with a stored text file. ``LMDECK_UPDATE_GOLDEN=1`` writes the files instead."""

from __future__ import annotations

import os
import re
from pathlib import Path

# How long the bar is depends on how much there is below: not on what the screen looks like.
_SCROLL_BAR = re.compile(r"\s{2,}[▁▂▃▄▅▆▇█]+$")
FOLDER = Path(__file__).parent.parent / "app" / "golden"


def updating() -> bool:
    """Whether the files are written instead of compared."""
    return os.environ.get("LMDECK_UPDATE_GOLDEN") == "1"


def is_golden(name: str, rows: list[str]) -> bool:
    """Whether the rows are the stored ones."""
    path = FOLDER / f"{name}.txt"
    return path.is_file() and path.read_text(encoding="utf-8") == _text(rows)


def _text(rows: list[str]) -> str:
    return "\n".join(_SCROLL_BAR.sub("", row) for row in rows) + "\n"


def check_golden(name: str, rows: list[str]) -> None:
    """Fail with both screens when they differ. A missing file is a failure too: update, look at it, commit it."""
    path = FOLDER / f"{name}.txt"
    text = _text(rows)
    if updating():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return
    assert path.is_file(), f"{path.name} is missing; set LMDECK_UPDATE_GOLDEN=1 and look at what is written"
    stored = path.read_text(encoding="utf-8")
    assert text == stored, f"{path.name} differs\n--- stored\n{stored}\n--- now\n{text}"
