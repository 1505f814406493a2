"""What the brain wants to say, before the server's parsers and dialect turn it into an answer."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Think:
    """Thoughts. ``closed`` is False for a model that never writes ``</think>``; ``opened`` for one that writes the
    opening tag itself."""

    text: str
    closed: bool = True
    opened: bool = True


@dataclass(frozen=True, slots=True)
class Say:
    text: str


@dataclass(frozen=True, slots=True)
class Call:
    """A tool call; ``arguments`` is the model's own text and need not be JSON. ``forced`` calls reach the client even
    when the request offered no such tool (a real server swallows those)."""

    name: str
    arguments: str
    forced: bool = False


Piece = Think | Say | Call


@dataclass(frozen=True, slots=True)
class Script:
    """Pieces in order. ``finish`` overrides the finish_reason that follows from them."""

    pieces: tuple[Piece, ...]
    finish: str = ""


def say(text: str) -> Script:
    return Script((Say(text),))
