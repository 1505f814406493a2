"""Messages for tests."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import count

from tui.model.message import Message, Part, Role, TextPart

WHEN = datetime(2026, 3, 1, 12, 30, 45, 123456, tzinfo=UTC)
_numbers = count(1)


def message(
    text: str | tuple[Part, ...] = "hello",
    parent: str | None = None,
    role: Role = "user",
    *,
    id: str | None = None,
    complete: bool = True,
    turn: str | None = None,
) -> Message:
    parts = (TextPart(text),) if isinstance(text, str) else text
    return Message(id or f"message-{next(_numbers)}", role, parts, parent, WHEN, complete, turn)
