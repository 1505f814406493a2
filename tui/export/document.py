"""What is exported: a conversation's branch with the turns behind it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

from tui.model.memory import MemoryBreakdown
from tui.model.message import ImagePart, Message, Role, ToolCallPart, ToolResultPart
from tui.model.turn import TurnRecord

Kind = Literal["md", "json", "html"]
KINDS: tuple[Kind, ...] = ("md", "json", "html")


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Document:
    """A branch, oldest message first. ``hide_server`` leaves out where the server is (it may name a user and a
    machine). ``written`` is UTC."""

    title: str
    messages: tuple[Message, ...]
    turns: tuple[TurnRecord, ...] = ()
    conversation_id: str = ""
    hide_server: bool = False
    written: datetime = field(default_factory=_now)

    @property
    def turns_by_id(self) -> Mapping[str, TurnRecord]:
        return {turn.id: turn for turn in self.turns}

    @property
    def last_turn(self) -> TurnRecord | None:
        """The newest turn of the branch, else the newest one."""
        shown = {message.turn for message in self.messages}
        mine = [turn for turn in self.turns if turn.id in shown]
        return mine[-1] if mine else self.turns[-1] if self.turns else None

    @property
    def model(self) -> str:
        return self.last_turn.model if self.last_turn is not None else ""


@dataclass(frozen=True, slots=True)
class Call:
    """A tool call with its result, where there is one."""

    call: ToolCallPart
    result: ToolResultPart | None


@dataclass(frozen=True, slots=True)
class Entry:
    """A message as it is read: its parts, its calls with their results, and the turn that ends with it."""

    message: Message
    calls: Mapping[str, Call]
    turn: TurnRecord | None = None

    @property
    def role(self) -> Role:
        return self.message.role


def entries(document: Document) -> list[Entry]:
    """The messages without those of tools: their results stand at the calls. Results that answer no call of the branch
    keep a message of their own."""
    results = {
        part.call_id: part
        for message in document.messages
        for part in message.parts
        if isinstance(part, ToolResultPart)
    }
    called = {call.call_id for message in document.messages for call in message.tool_calls}
    shown = [message for message in document.messages if not _is_answer(message, called)]
    ends = _ends(shown)
    turns = document.turns_by_id
    return [
        Entry(
            message,
            {call.call_id: Call(call, results.get(call.call_id)) for call in message.tool_calls},
            turns.get(message.turn or "") if message.id in ends else None,
        )
        for message in shown
    ]


def _is_answer(message: Message, called: set[str]) -> bool:
    """Whether a message only holds results of calls that are shown."""
    return message.role == "tool" and all(
        isinstance(part, ToolResultPart) and part.call_id in called for part in message.parts
    )


def _ends(messages: Sequence[Message]) -> set[str]:
    """The last message of each turn."""
    last = {message.turn: message.id for message in messages if message.turn and message.role == "assistant"}
    return set(last.values())


def pictures(document: Document) -> list[ImagePart]:
    """Every picture of the branch, in order: those sent to the model and those among tool results."""
    found: list[ImagePart] = []
    for message in document.messages:
        for part in message.parts:
            if isinstance(part, ImagePart):
                found.append(part)
            elif isinstance(part, ToolResultPart):
                found += part.images
    return found


def last_split(document: Document) -> tuple[MemoryBreakdown, ...]:
    """The newest split of the branch's turns, one entry a card; empty when no turn has one."""
    shown = {message.turn for message in document.messages}
    known = [
        turn.breakdown for turn in document.turns if turn.breakdown and (turn.id in shown or not document.messages)
    ]
    return known[-1] if known else ()
