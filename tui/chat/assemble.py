"""Events → messages: the one place that knows what a turn's events mean for a conversation.

Session, replay and the headless printer fold the same events here. Folding events whose neighbouring deltas were
merged gives the same messages as folding the single ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from itertools import takewhile
from typing import ClassVar, TypeVar

from tui.chat.ports import utc_now
from tui.model.events import (
    MessagesDeleted,
    Notice,
    ReasoningDelta,
    ReasoningFinished,
    ReasoningWasAnswer,
    RoundStarted,
    SessionEvent,
    TextDelta,
    TextWasReasoning,
    Timings,
    ToolApprovalAsked,
    ToolCallArguments,
    ToolCallStarted,
    ToolResult,
    ToolRunning,
    TurnFailed,
    TurnFigures,
    TurnFinished,
    TurnStarted,
    Usage,
    UserMessageAdded,
)
from tui.model.message import (
    Message,
    NoticePart,
    Part,
    ReasoningPart,
    Role,
    TextPart,
    ToolCallPart,
    ToolResultPart,
)

# Reasons to end after which the model has nothing to add; after all others its last message can be continued.
_WHOLE = frozenset({"stop", "round_limit"})
P = TypeVar("P", TextPart, ReasoningPart)


def results_id(message_id: str) -> str:
    """The id of the tool message that holds the results of an assistant message's calls."""
    return f"{message_id}-results"


class _Grown:
    """A part being written: fragments, joined when somebody looks."""

    __slots__ = ("fragments", "part")

    def __init__(self, part: TextPart | ReasoningPart | ToolCallPart) -> None:
        self.part: TextPart | ReasoningPart | ToolCallPart = part
        self.fragments: list[str] = []

    def freeze(self) -> TextPart | ReasoningPart | ToolCallPart:
        if self.fragments:
            new = "".join(self.fragments)
            part = self.part
            if isinstance(part, TextPart):
                self.part = TextPart(part.text + new)
            elif isinstance(part, ReasoningPart):
                self.part = ReasoningPart(part.text + new, part.seconds)
            else:
                self.part = ToolCallPart(part.call_id, part.name, part.arguments + new)
            self.fragments.clear()
        return self.part


class _Draft:
    """A message being written."""

    def __init__(self, id: str, role: Role, parent: str | None, created: datetime, turn: str | None) -> None:  # noqa: A002
        self.id = id
        self.role: Role = role
        self.parent = parent
        self.created = created
        self.turn = turn
        self.parts: list[_Grown | Part] = []
        self.complete = False
        self._frozen: Message | None = None

    @classmethod
    def of(cls, message: Message, turn: str | None) -> _Draft:
        draft = cls(message.id, message.role, message.parent, message.created, turn or message.turn)
        draft.parts.extend(part for part in message.parts if not isinstance(part, NoticePart))
        return draft

    def touch(self) -> None:
        self._frozen = None

    def freeze(self) -> Message:
        if self._frozen is None:
            parts = tuple(part.freeze() if isinstance(part, _Grown) else part for part in self.parts)
            self._frozen = Message(self.id, self.role, parts, self.parent, self.created, self.complete, self.turn)
        return self._frozen

    def grow(self, kind: type[P], text: str) -> None:
        last = self.parts[-1] if self.parts else None
        part = last.part if isinstance(last, _Grown) else last
        if not isinstance(part, kind):
            last = _Grown(kind(""))
            self.parts.append(last)
        elif not isinstance(last, _Grown):
            last = self.parts[-1] = _Grown(part)
        last.fragments.append(text)

    def relabel(self, old: type[TextPart] | type[ReasoningPart], new: type[P]) -> None:
        """Turn all parts of a kind into one part of another kind, where the first of them stood."""
        parts = [part.freeze() if isinstance(part, _Grown) else part for part in self.parts]
        places = [place for place, part in enumerate(parts) if isinstance(part, old)]
        if not places:
            return
        text = "".join(
            part.text for part in parts if isinstance(part, (TextPart, ReasoningPart)) and isinstance(part, old)
        )
        joined = _Grown(new(""))
        joined.fragments.append(text)
        rest: list[_Grown | Part] = [part for place, part in enumerate(parts) if place not in places]
        rest.insert(places[0], joined)
        self.parts = rest


class Assembly:
    """The messages of a branch, growing with the events of its turns. O(1) for every delta."""

    def __init__(self, messages: Iterable[Message] = (), now: Callable[[], datetime] = utc_now) -> None:
        self._now = now
        self.deleted: set[str] = set()
        """Messages of the branch that are not shown. They keep their place, so that they can come back."""
        self.turns: dict[str, TurnFigures] = {}
        """The figures of turns that are over, by the turn's id."""
        self._usage: Usage | None = None
        self.replace(messages)

    def replace(self, messages: Iterable[Message]) -> None:
        """Go on from another branch. What was deleted stays so."""
        self._items: dict[str, Message | _Draft] = {message.id: message for message in messages}
        self._turn: str | None = None
        self._assistant: _Draft | None = None
        self._results: _Draft | None = None
        self._calls: dict[str, _Grown] = {}

    @property
    def messages(self) -> tuple[Message, ...]:
        """What is shown, oldest first, the messages being written included."""
        gone = self.deleted
        return tuple(message for message in self.branch() if message.id not in gone) if gone else self.branch()

    def branch(self, before: str | None = None) -> tuple[Message, ...]:
        """The whole branch with what was deleted from it, or what of it comes before a message."""
        items = (
            self._items.values() if before is None else takewhile(lambda item: item.id != before, self._items.values())
        )
        return tuple(item.freeze() if isinstance(item, _Draft) else item for item in items)

    @property
    def tip(self) -> str | None:
        """The end of the branch, deleted or not: what comes next is its child, so that it comes back to its place."""
        return next(reversed(self._items), None)

    @property
    def shown_tip(self) -> str | None:
        """The last message that is shown."""
        return next((item for item in reversed(self._items) if item not in self.deleted), None)

    def message(self, message_id: str) -> Message | None:
        item = self._items.get(message_id)
        return item.freeze() if isinstance(item, _Draft) else item

    def add(self, message: Message) -> None:
        """Append a whole message (a user's)."""
        self._items[message.id] = message

    def apply(self, event: SessionEvent) -> str | None:
        """Fold an event in; returns the id of the message that it changed, None when it changed none."""
        handler = self._HANDLERS.get(type(event))
        draft = handler(self, event) if handler else None
        if draft is None:
            return None
        draft.touch()
        return draft.id

    # One handler for every kind of event; each returns the draft that it changed.

    def _turn_started(self, event: TurnStarted) -> None:
        self._turn = event.turn_id
        self._usage = None
        self._assistant = self._results = None

    def _user_message(self, event: UserMessageAdded) -> None:
        if event.message_id not in self._items:
            part = TextPart(event.text)
            self.add(Message(event.message_id, "user", (part,), self.tip, self._now(), turn=self._turn))

    def _round_started(self, event: RoundStarted) -> _Draft:
        self._seal()
        known = self._items.get(event.message_id)
        if known is None:
            draft = _Draft(event.message_id, "assistant", self.tip, self._now(), self._turn)
        else:
            draft = _Draft.of(known.freeze() if isinstance(known, _Draft) else known, self._turn)
        self._assistant = self._items[event.message_id] = draft
        self._results = None
        self._calls = {}
        return draft

    def _text(self, event: TextDelta) -> _Draft | None:
        if self._assistant:
            self._assistant.grow(TextPart, event.text)
        return self._assistant

    def _reasoning(self, event: ReasoningDelta) -> _Draft | None:
        if self._assistant:
            self._assistant.grow(ReasoningPart, event.text)
        return self._assistant

    def _reasoning_finished(self, event: ReasoningFinished) -> _Draft | None:
        draft = self._assistant
        if draft:
            for place in reversed(range(len(draft.parts))):
                item = draft.parts[place]
                part = item.freeze() if isinstance(item, _Grown) else item
                if isinstance(part, ReasoningPart):
                    draft.parts[place] = _Grown(ReasoningPart(part.text, event.seconds))
                    break
        return draft

    def _was_answer(self, _event: ReasoningWasAnswer) -> _Draft | None:
        if self._assistant:
            self._assistant.relabel(ReasoningPart, TextPart)
        return self._assistant

    def _was_reasoning(self, _event: TextWasReasoning) -> _Draft | None:
        if self._assistant:
            self._assistant.relabel(TextPart, ReasoningPart)
        return self._assistant

    def _call_started(self, event: ToolCallStarted) -> _Draft | None:
        if self._assistant:
            grown = self._calls[event.call_id] = _Grown(ToolCallPart(event.call_id, event.name, ""))
            self._assistant.parts.append(grown)
        return self._assistant

    def _call_arguments(self, event: ToolCallArguments) -> _Draft | None:
        if event.call_id in self._calls:
            self._calls[event.call_id].fragments.append(event.fragment)
        return self._assistant

    def _calls_written(self, _event: ToolApprovalAsked | ToolRunning) -> _Draft | None:
        """The assistant message is whole once one of its calls goes on its way."""
        if self._assistant is None or self._assistant.complete:
            return None
        self._assistant.complete = True
        return self._assistant

    def _result(self, event: ToolResult) -> _Draft | None:
        assistant = self._assistant
        if assistant is None:
            return None
        assistant.complete = True
        assistant.touch()
        if self._results is None:
            self._results = _Draft(results_id(assistant.id), "tool", assistant.id, self._now(), self._turn)
            self._items[self._results.id] = self._results
        draft = self._results
        part = ToolResultPart(
            event.call_id, event.name, event.content, event.ok, event.seconds, event.problem,
            event.full, event.log, event.images,
        )  # fmt: skip
        order = {call_id: place for place, call_id in enumerate(self._calls)}
        draft.parts.append(part)
        draft.parts.sort(key=lambda item: _place(item, order))
        return draft

    def _notice(self, event: Notice) -> _Draft | None:
        """Inside a turn a notice is part of the message it is about; outside it is only shown."""
        draft = self._results or self._assistant
        if draft:
            draft.parts.append(NoticePart(event.problem))
        return draft

    def _finished(self, event: TurnFinished) -> _Draft | None:
        draft = self._results or self._assistant
        if draft:
            draft.complete = draft is self._results or event.finish_reason in _WHOLE
        self._end(event.timings)
        return draft

    def _failed(self, event: TurnFailed) -> _Draft | None:
        draft = self._results or self._assistant
        if draft:
            draft.parts.append(NoticePart(event.problem))
            draft.complete = draft is self._results
        self._end(event.timings)
        return draft

    def _used(self, event: Usage) -> None:
        self._usage = event if self._usage is None else self._usage + event

    def _messages_deleted(self, event: MessagesDeleted) -> None:
        self.deleted.update(event.ids)

    def _seal(self) -> None:
        for draft in (self._assistant, self._results):
            if draft:
                draft.complete = True
                draft.touch()

    def _end(self, timings: Timings) -> None:
        if self._turn is not None:
            self.turns[self._turn] = TurnFigures(self._usage, timings)
        for draft in (self._assistant, self._results):
            if draft:
                draft.touch()
                self._items[draft.id] = draft.freeze()
        self._turn = self._assistant = self._results = None
        self._calls = {}

    # Each handler takes the event class it stands behind, which the type of a dictionary cannot say.
    _HANDLERS: ClassVar[dict[type, Callable[..., _Draft | None]]] = {
        TurnStarted: _turn_started,
        UserMessageAdded: _user_message,
        RoundStarted: _round_started,
        TextDelta: _text,
        ReasoningDelta: _reasoning,
        ReasoningFinished: _reasoning_finished,
        ReasoningWasAnswer: _was_answer,
        TextWasReasoning: _was_reasoning,
        ToolCallStarted: _call_started,
        ToolCallArguments: _call_arguments,
        ToolApprovalAsked: _calls_written,
        ToolRunning: _calls_written,
        ToolResult: _result,
        Notice: _notice,
        TurnFinished: _finished,
        TurnFailed: _failed,
        Usage: _used,
        MessagesDeleted: _messages_deleted,
    }


def _place(item: _Grown | Part, order: dict[str, int]) -> int:
    """Results in the order of their calls, everything else behind them."""
    return order.get(item.call_id, len(order)) if isinstance(item, ToolResultPart) else len(order) + 1
