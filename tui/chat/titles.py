"""A conversation's automatic title."""

from __future__ import annotations

TITLE_CELLS = 48


def title_from(text: str, cells: int = TITLE_CELLS) -> str:
    """The first line that says something, at most so many terminal cells wide; control characters become spaces."""
    from rich.cells import cell_len, set_cell_size

    for line in text.splitlines():
        words = "".join(character if character.isprintable() else " " for character in line).split()
        if title := " ".join(words):
            return title if cell_len(title) <= cells else set_cell_size(title, cells - 1).rstrip() + "…"
    return ""
