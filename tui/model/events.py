"""The seam: what happens during a turn, as small frozen dataclasses.

The engine yields them; the screen, the headless printer, the recorder and the tests consume the same stream.
Order within a turn: ``TurnStarted``, then per round ``RoundStarted``, deltas and tool calls, ``Usage``; at the end
exactly one of ``TurnFinished`` and ``TurnFailed``. Times are seconds as float.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from tui.model.message import ImagePart
from tui.model.problem import Problem


@dataclass(frozen=True, slots=True)
class TurnStarted:
    """A turn begins: ``turn_id`` is unique, ``model`` is the id the request names."""

    turn_id: str
    model: str


@dataclass(frozen=True, slots=True)
class RoundStarted:
    """A request was sent: round 1 answers the user, later rounds answer tool results. A new assistant message."""

    number: int
    message_id: str


@dataclass(frozen=True, slots=True)
class TextDelta:
    text: str


@dataclass(frozen=True, slots=True)
class ReasoningDelta:
    text: str


@dataclass(frozen=True, slots=True)
class ReasoningWasAnswer:
    """The round ended with reasoning only: consumers turn that reasoning part into the answer's text part."""


@dataclass(frozen=True, slots=True)
class ReasoningFinished:
    """The model stopped thinking, for now: ``seconds`` from the first to the last character of that reasoning part."""

    seconds: float


@dataclass(frozen=True, slots=True)
class TextWasReasoning:
    """A close tag without an open tag arrived: all text of this round so far was reasoning, consumers turn it into one
    reasoning part."""


@dataclass(frozen=True, slots=True)
class ToolCallStarted:
    """The model began to write a call. ``call_id`` is unique in the conversation."""

    call_id: str
    name: str


@dataclass(frozen=True, slots=True)
class ToolCallArguments:
    """A fragment of a call's arguments, verbatim; fragments are concatenated."""

    call_id: str
    fragment: str


@dataclass(frozen=True, slots=True)
class ToolApprovalAsked:
    """The call waits for the user's decision."""

    call_id: str


@dataclass(frozen=True, slots=True)
class ToolRunning:
    """The call was allowed and runs now."""

    call_id: str


@dataclass(frozen=True, slots=True)
class ToolResult:
    """A call ended; also sent for calls that never ran (refused, unknown name, broken JSON): then ``ok`` is False
    and ``problem`` says why. ``content`` is what the model gets. ``full`` (when ``content`` is cut), ``log`` and
    ``images`` are for the user: see :class:`tui.model.tool.ToolOutcome`."""

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
class Usage:
    """Token counts of one round. ``estimated`` when the server gave none and lmdeck counted."""

    prompt_tokens: int
    completion_tokens: int
    reasoning_tokens: int = 0
    cached_tokens: int = 0
    estimated: bool = False

    def __add__(self, other: Usage) -> Usage:
        """Both rounds together."""
        return Usage(
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
            self.reasoning_tokens + other.reasoning_tokens,
            self.cached_tokens + other.cached_tokens,
            self.estimated or other.estimated,
        )

    @staticmethod
    def total(rounds: Iterable[Usage]) -> Usage | None:
        """All rounds of a turn together; None when there is none."""
        found = list(rounds)
        return sum(found[1:], found[0]) if found else None


@dataclass(frozen=True, slots=True)
class Notice:
    """Something the user should read inside the conversation; the turn goes on."""

    problem: Problem


@dataclass(frozen=True, slots=True)
class Timings:
    """Seconds of one turn. ``first_token`` from the request to the first visible character (None: there was none);
    ``generation`` is the time spent receiving, over all rounds; ``tools`` the time spent running tools."""

    total: float
    first_token: float | None = None
    generation: float = 0.0
    tools: float = 0.0
    rounds: int = 1
    completion_tokens: int = 0

    @property
    def tokens_per_second(self) -> float | None:
        """Completion tokens over generation time; None when either is zero."""
        if self.generation <= 0 or self.completion_tokens <= 0:
            return None
        return self.completion_tokens / self.generation


@dataclass(frozen=True, slots=True)
class TurnFigures:
    """What is shown below a turn: the tokens of all its rounds, and its times. None: not known."""

    usage: Usage | None
    timings: Timings | None


@dataclass(frozen=True, slots=True)
class TurnFinished:
    """A regular end. ``finish_reason``: stop, length, abort, stopped (by the user), round_limit, context_full.

    ``stop_string`` is the stop string at which lmdeck cut the answer, empty when the server ended it."""

    finish_reason: str
    timings: Timings
    stop_string: str = ""


@dataclass(frozen=True, slots=True)
class TurnFailed:
    """The turn broke; whatever arrived before is kept."""

    problem: Problem
    timings: Timings


TurnEvent = (
    TurnStarted
    | RoundStarted
    | TextDelta
    | ReasoningDelta
    | ReasoningWasAnswer
    | ReasoningFinished
    | TextWasReasoning
    | ToolCallStarted
    | ToolCallArguments
    | ToolApprovalAsked
    | ToolRunning
    | ToolResult
    | Usage
    | Notice
    | TurnFinished
    | TurnFailed
)


@dataclass(frozen=True, slots=True)
class UserMessageAdded:
    """A user's message joined the conversation (at once, or when it left the queue)."""

    message_id: str
    text: str


@dataclass(frozen=True, slots=True)
class BranchChanged:
    """The visible branch of the conversation is another one (edit, regenerate, open): read the messages again.
    ``tip`` is its last message at this moment, None when it is empty; ``restored`` are messages that were deleted and
    are back."""

    conversation_id: str
    tip: str | None = None
    restored: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MessagesDeleted:
    """The user took messages out of the visible branch; :class:`BranchChanged` says when they are back."""

    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class QueueChanged:
    """The messages that wait until the running turn is over, oldest first."""

    waiting: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ContextMeter:
    """How full the model's context is: ``tokens`` of ``limit`` (None: unknown). ``estimated`` when lmdeck counted."""

    tokens: int
    limit: int | None
    estimated: bool = False


@dataclass(frozen=True, slots=True)
class TitleChanged:
    title: str


@dataclass(frozen=True, slots=True)
class MessageHeld:
    """A message was not sent, because the model's context is full: nothing was added to the conversation.

    ``problem`` is ``chat.context_full``. The user chooses; then the message is submitted again with ``trim_oldest``
    (leave the oldest turns out of the requests), to a new session, or with ``anyway``."""

    text: str
    problem: Problem
    images: tuple[ImagePart, ...] = ()


SessionEvent = (
    TurnEvent
    | UserMessageAdded
    | BranchChanged
    | MessagesDeleted
    | QueueChanged
    | ContextMeter
    | TitleChanged
    | MessageHeld
)
