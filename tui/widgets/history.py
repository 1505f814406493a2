"""What was sent before, for the composer's Up and Down; the unfinished draft is kept at the end."""

from __future__ import annotations


class History:
    """Sent texts, oldest first, with a place in them. Knows no widget."""

    def __init__(self, limit: int = 500) -> None:
        self._items: list[str] = []
        self._limit = limit
        self._place: int | None = None  # None: at the draft
        self._draft = ""

    def add(self, text: str) -> None:
        """Remember a sent text (a repetition only once) and go back to the end."""
        self._place = None
        self._draft = ""
        if not self._items or self._items[-1] != text:
            self._items.append(text)
            del self._items[: -self._limit]

    def move(self, step: int, current: str) -> str | None:
        """The text ``step`` further (−1 older, +1 newer, past the newest: the draft); None when there is none.

        ``current`` is what the composer holds now: it becomes the draft when leaving the end.
        """
        place = len(self._items) if self._place is None else self._place
        target = place + step
        if not 0 <= target <= len(self._items) or target == place:
            return None
        if place == len(self._items):
            self._draft = current
        if target == len(self._items):
            self._place = None
            return self._draft
        self._place = target
        return self._items[target]
