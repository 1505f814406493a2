"""Telling reasoning from answer when a server leaves the model's ``<think>`` markers in the content.

Both leaks of lmdeploy are undone (issues #3398, #3664): ``<think>…</think>`` at the start of the answer, and a close
tag without an open tag (the chat template already opened the thought). Markers count only there: an open tag later in
the answer, or a lone close tag inside a code fence or a code span, is text like any other.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import Literal

from tui.lmdeploy.code_state import CodeState

OPEN, CLOSE = "<think>", "</think>"


class Kind(Enum):
    TEXT = auto()
    REASONING = auto()
    TEXT_WAS_REASONING = auto()


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of the answer; TEXT_WAS_REASONING has no text and re-labels all text pieces before it."""

    kind: Kind
    text: str = ""


class _State(Enum):
    START = auto()  # nothing but white space so far
    THINKING = auto()
    WATCH = auto()  # text, but a lone close tag may still turn it into reasoning
    GAP = auto()  # behind a marker: white space is skipped
    TEXT = auto()


class ThinkingSplitter:
    """Feed it the content of one answer in any pieces; the pieces it gives back do not depend on how it was cut."""

    def __init__(self, continues: Literal["", "text", "reasoning"] = "") -> None:
        """``continues``: the content goes on with an answer cut in its text (nothing is a marker any more) or in
        its reasoning (the open tag was sent to the server)."""
        self._state = {"": _State.START, "text": _State.TEXT, "reasoning": _State.THINKING}[continues]
        self._after_gap = _State.TEXT
        self._held = ""
        self._may_watch = True
        self._code = CodeState()

    def server_reasons(self) -> list[Piece]:
        """The server separates reasoning itself: from now on only a close tag that it left at the start is a marker.
        Gives back text that was held."""
        self._may_watch = False
        if self._state is _State.WATCH:
            return self.finish()
        if self._state is _State.THINKING and not self._held:
            self._state = _State.START
        return []

    def feed(self, text: str) -> list[Piece]:
        self._held += text
        pieces: list[Piece] = []
        while self._step(pieces):
            pass
        return pieces

    def finish(self) -> list[Piece]:
        """What was held back, when no more content comes (before a tool call, at the end). White space alone at the
        start is dropped."""
        held, self._held = self._held, ""
        kind = Kind.REASONING if self._state is _State.THINKING else Kind.TEXT
        blank = self._state in (_State.START, _State.GAP) and not held.strip()
        self._state = _State.TEXT
        return [Piece(kind, held)] if held and not blank else []

    def _step(self, pieces: list[Piece]) -> bool:
        """Take one step; False when more content is needed."""
        if self._state is _State.START:
            return self._start()
        if self._state is _State.THINKING:
            return self._thinking(pieces)
        if self._state is _State.WATCH:
            return self._watch(pieces)
        if self._state is _State.GAP:
            self._held = self._held.lstrip()
            if self._held:
                self._state = self._after_gap
            return bool(self._held)
        if self._held:
            pieces.append(Piece(Kind.TEXT, self._held))
            self._held = ""
        return False

    def _start(self) -> bool:
        word = self._held.lstrip()
        for marker, then in ((OPEN, _State.THINKING), (CLOSE, _State.TEXT)):
            if word.startswith(marker):
                self._held = word[len(marker) :]
                self._state, self._after_gap = _State.GAP, then
                return True
        if not word or OPEN.startswith(word) or CLOSE.startswith(word):
            return False
        self._state = _State.WATCH if self._may_watch else _State.TEXT
        return True

    def _thinking(self, pieces: list[Piece]) -> bool:
        found = self._held.find(CLOSE)
        keep = found if found >= 0 else len(self._held) - _overlap(self._held)
        if keep:
            pieces.append(Piece(Kind.REASONING, self._held[:keep]))
        self._held = self._held[keep:]
        if found < 0:
            return False
        self._held = self._held[len(CLOSE) :]
        self._state, self._after_gap = _State.GAP, _State.TEXT
        return True

    def _watch(self, pieces: list[Piece]) -> bool:
        found = self._held.find(CLOSE)
        keep = found if found >= 0 else len(self._held) - _overlap(self._held)
        if keep:
            self._code.feed(self._held[:keep])
            pieces.append(Piece(Kind.TEXT, self._held[:keep]))
            self._held = self._held[keep:]
        if found < 0:
            return False
        self._held = self._held[len(CLOSE) :]
        if self._code.inside:
            self._code.feed(CLOSE)
            pieces.append(Piece(Kind.TEXT, CLOSE))
        else:
            pieces.append(Piece(Kind.TEXT_WAS_REASONING))
            self._state, self._after_gap = _State.GAP, _State.TEXT
        return True


def _overlap(text: str) -> int:
    """How many characters at the end of ``text`` may be the beginning of a close tag."""
    for size in range(min(len(CLOSE) - 1, len(text)), 0, -1):
        if CLOSE.startswith(text[-size:]):
            return size
    return 0
