"""Merging neighbouring events for a consumer that reads slowly: nothing is lost, only put together."""

from __future__ import annotations

from tui.model.events import (
    ContextMeter,
    QueueChanged,
    ReasoningDelta,
    SessionEvent,
    TextDelta,
    TitleChanged,
    ToolCallArguments,
)

# Past this size a new piece begins, so that merging stays linear for a consumer that does not read at all.
_PIECE = 8192


def merge_events(older: SessionEvent, newer: SessionEvent) -> SessionEvent | None:
    """One event that says what both say; None when they must stay apart."""
    if isinstance(older, TextDelta) and isinstance(newer, TextDelta):
        return TextDelta(older.text + newer.text) if len(older.text) < _PIECE else None
    if isinstance(older, ReasoningDelta) and isinstance(newer, ReasoningDelta):
        return ReasoningDelta(older.text + newer.text) if len(older.text) < _PIECE else None
    if isinstance(older, ToolCallArguments) and isinstance(newer, ToolCallArguments):
        same = older.call_id == newer.call_id and len(older.fragment) < _PIECE
        return ToolCallArguments(older.call_id, older.fragment + newer.fragment) if same else None
    replaced = isinstance(newer, (ContextMeter, QueueChanged, TitleChanged)) and type(older) is type(newer)
    return newer if replaced else None
