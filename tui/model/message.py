"""Conversations as data: messages are nodes of a tree, made of parts in the order in which they arrived."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from tui.model.problem import Problem

Role = Literal["system", "user", "assistant", "tool"]


@dataclass(frozen=True, slots=True)
class TextPart:
    """What was said, as Markdown source."""

    text: str


@dataclass(frozen=True, slots=True)
class ReasoningPart:
    """What the model thought before it answered; ``seconds`` from its first to its last character."""

    text: str
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class ToolCallPart:
    """A call the model made. ``arguments`` is the JSON text exactly as the model wrote it, valid or not."""

    call_id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class ImagePart:
    """A picture sent to the model: its media type, its bytes in base64, and where it came from."""

    media_type: str
    data: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class ToolResultPart:
    """What a call gave back. ``content`` is what the model gets; ``problem`` says why there is no real result.

    For the user only: ``full`` (the whole result when ``content`` is cut), ``log`` (what the tool printed) and
    ``images``."""

    call_id: str
    name: str
    content: str
    ok: bool = True
    seconds: float = 0.0
    problem: Problem | None = None
    full: str = ""
    log: str = ""
    images: tuple[ImagePart, ...] = ()


@dataclass(frozen=True, slots=True)
class NoticePart:
    """Something lmdeck says inside a conversation: why a reply ends here, why tools were left out."""

    problem: Problem


Part = TextPart | ReasoningPart | ToolCallPart | ToolResultPart | ImagePart | NoticePart


@dataclass(frozen=True, slots=True)
class Message:
    """One node of a conversation's tree. ``parent`` is the message it answers, None at the root.

    ``complete`` is False while it is being written and stays False when it was cut (stop, failure, crash).
    ``created`` is UTC.
    """

    id: str
    role: Role
    parts: tuple[Part, ...]
    parent: str | None
    created: datetime
    complete: bool = True
    turn: str | None = None

    @property
    def text(self) -> str:
        """All text parts joined: what "copy message" gives and what the model gets back as content."""
        return "".join(part.text for part in self.parts if isinstance(part, TextPart))

    @property
    def reasoning(self) -> str:
        return "".join(part.text for part in self.parts if isinstance(part, ReasoningPart))

    @property
    def tool_calls(self) -> tuple[ToolCallPart, ...]:
        return tuple(part for part in self.parts if isinstance(part, ToolCallPart))


@dataclass(frozen=True, slots=True)
class ConversationInfo:
    """What a list of conversations shows. ``tip`` is the last message of the branch that was open."""

    id: str
    title: str
    title_is_manual: bool
    created: datetime
    updated: datetime
    tip: str | None
    messages: int = 0
    model: str = ""
    endpoint: str = ""
    settings: dict[str, object] = field(default_factory=dict[str, object])
