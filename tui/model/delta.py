"""What one request yields, piece by piece, after the server's dialect has been undone (tui.server → tui.chat)."""

from __future__ import annotations

from dataclasses import dataclass

from tui.model.events import ReasoningDelta, TextDelta, Usage


@dataclass(frozen=True, slots=True)
class ToolCallDelta:
    """A piece of a tool call. Pieces are merged by ``index``; ``call_id`` and ``name`` are empty when not repeated."""

    index: int
    call_id: str = ""
    name: str = ""
    arguments: str = ""


@dataclass(frozen=True, slots=True)
class StreamFinished:
    """The server's regular end. ``finish_reason`` is the server's word, None if it gave none."""

    finish_reason: str | None


Delta = TextDelta | ReasoningDelta | ToolCallDelta | Usage | StreamFinished
