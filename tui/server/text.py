"""Unicode repairs: JSON may hold halves of surrogate pairs, alone or spread over two chunks."""

from __future__ import annotations

REPLACEMENT = "�"


def is_clean(text: str) -> bool:
    """Whether ``text`` can be written as UTF-8, that is, holds no surrogates."""
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def repair(text: str) -> str:
    """``text`` with surrogate pairs joined and lone surrogates replaced by U+FFFD."""
    if is_clean(text):
        return text
    joined = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return joined if is_clean(joined) else joined.encode(errors="replace").decode()


class SurrogateJoiner:
    """Repairs a text that arrives in pieces: a high surrogate at the end of a piece waits for the next one.

    Every split of a text gives the same joined result."""

    def __init__(self) -> None:
        self._waiting = ""

    def feed(self, text: str) -> str:
        if not self._waiting and is_clean(text):
            return text
        text = self._waiting + text
        self._waiting = ""
        if text and "\ud800" <= text[-1] <= "\udbff":
            self._waiting, text = text[-1], text[:-1]
        return repair(text)

    def finish(self) -> str:
        """U+FFFD if a half was still waiting, else nothing."""
        waiting, self._waiting = self._waiting, ""
        return REPLACEMENT if waiting else ""
