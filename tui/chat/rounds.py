"""One round: what a server streams for one request, turned into events."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from tui.chat.calls import CallAssembler, WrittenCall
from tui.chat.stops import StopCutter
from tui.chat.thinking import Kind, ThinkingSplitter
from tui.lmdeploy.tool_markup import MarkupParser
from tui.lmdeploy.tool_markup_input import Piece as MarkupPiece
from tui.model.delta import Delta, StreamFinished, ToolCallDelta
from tui.model.events import (
    ReasoningDelta,
    ReasoningFinished,
    TextDelta,
    TextWasReasoning,
    TurnEvent,
    Usage,
)
from tui.model.request import Sampling

# With fewer pieces than this the time between first and last says nothing about the model's speed (a server that
# does not stream, a call sent in one piece): then the round counts from its request.
_PIECES_FOR_SPEED = 4


@dataclass(slots=True)
class RoundTimes:
    """Moments of one round on the engine's clock, in seconds."""

    sent: float
    first: float | None = None
    last: float | None = None
    pieces: int = 0

    @property
    def generation(self) -> float:
        """Seconds spent receiving."""
        if self.first is None or self.last is None:
            return 0.0
        return self.last - (self.first if self.pieces >= _PIECES_FOR_SPEED else self.sent)


class RoundReader:
    """Feed it the deltas of one answer; it emits events and remembers how the answer ended."""

    def __init__(
        self,
        emit: Callable[[TurnEvent], None],
        clock: Callable[[], float],
        sampling: Sampling,
        taken: set[str],
        continues: Literal["", "text", "reasoning"] = "",
        markup: MarkupParser | None = None,
    ) -> None:
        """``markup`` reads calls out of the text; from the first call that the server itself gives it is not asked any
        more."""
        self.times = RoundTimes(clock())
        self.finish_reason: str | None = None
        self.usage: Usage | None = None
        self.stop_string = ""
        self.has_text = False
        self.has_reasoning = False
        self._emit = emit
        self._clock = clock
        self._splitter = ThinkingSplitter(continues)
        self._cutter = StopCutter(sampling.stop)
        self._keeps_stop = bool(sampling.extra.get("include_stop_str_in_output"))
        self._calls = CallAssembler(taken)
        self._markup = markup
        self.calls_read = 0
        self._thinking_since: float | None = None
        self._text_since: float | None = None
        self._thought_until = 0.0

    @property
    def calls(self) -> tuple[WrittenCall, ...]:
        return self._calls.calls

    @property
    def is_empty(self) -> bool:
        return not (self.has_text or self.has_reasoning or self.calls)

    def feed(self, delta: Delta) -> bool:
        """Take a delta in; True when a stop string ended the answer and the stream should be closed."""
        if isinstance(delta, TextDelta):
            self._text(delta.text)
        elif isinstance(delta, ReasoningDelta):
            if delta.text:
                for piece in self._splitter.server_reasons():
                    self._answer(piece.text, self._clock())
                self._reasoning(delta.text)
        elif isinstance(delta, ToolCallDelta):
            self._call(delta)
        elif isinstance(delta, Usage):
            self.usage = delta
        else:
            self._finished(delta)
        return bool(self.stop_string)

    def close(self) -> None:
        """The answer is over, one way or another: emit what was held back."""
        self._flush()
        self._end_thinking()
        for event in self._calls.finish():
            self._emit(event)

    def _finished(self, delta: StreamFinished) -> None:
        self.finish_reason = delta.finish_reason

    def _arrived(self) -> float:
        now = self._clock()
        if self.times.first is None:
            self.times.first = now
        self.times.last = now
        self.times.pieces += 1
        return now

    def _text(self, text: str) -> None:
        if not text:
            return
        now = self._arrived()
        for piece in self._splitter.feed(text):
            if piece.kind is Kind.REASONING:
                self._reasoning(piece.text, arrived=False)
            elif piece.kind is Kind.TEXT_WAS_REASONING:
                self._text_was_reasoning(now)
            elif not self.stop_string:
                self._answer(piece.text, now)

    def _answer(self, text: str, now: float) -> None:
        if self._markup is None:
            self._write(text, now)
        else:
            self._read_calls(self._markup.feed(text), now)

    def _read_calls(self, pieces: list[MarkupPiece], now: float) -> None:
        for piece in pieces:
            if self.stop_string:
                return
            if isinstance(piece, TextDelta):
                self._write(piece.text, now)
            else:
                self.calls_read += bool(piece.name)
                self._say(self._cutter.finish(), now)
                self._emit_call(piece)

    def _write(self, text: str, now: float) -> None:
        cut = self._cutter.feed(text)
        self.stop_string = cut.stop
        self._say(cut.text + (cut.stop if self._keeps_stop else ""), now)

    def _say(self, text: str, now: float) -> None:
        if not text:
            return
        self._end_thinking()
        self._text_since = now if self._text_since is None else self._text_since
        self.has_text = self.has_text or not text.isspace()
        self._emit(TextDelta(text))

    def _reasoning(self, text: str, *, arrived: bool = True) -> None:
        now = self._arrived() if arrived else self._clock()
        if self._thinking_since is None:
            self._thinking_since = now
        self._thought_until = now
        self.has_reasoning = self.has_reasoning or not text.isspace()
        self._emit(ReasoningDelta(text))

    def _text_was_reasoning(self, now: float) -> None:
        if held := self._cutter.finish():
            self._emit(TextDelta(held))
        self._emit(TextWasReasoning())
        self._emit(ReasoningFinished(now - (self._text_since if self._text_since is not None else now)))
        self.has_reasoning, self.has_text = self.has_reasoning or self.has_text, False

    def _end_thinking(self) -> None:
        if self._thinking_since is not None:
            self._emit(ReasoningFinished(self._thought_until - self._thinking_since))
            self._thinking_since = None

    def _call(self, delta: ToolCallDelta) -> None:
        self._arrived()
        self._flush()
        self._markup = None
        self._emit_call(delta)

    def _emit_call(self, delta: ToolCallDelta) -> None:
        self._end_thinking()
        for event in self._calls.feed(delta):
            self._emit(event)

    def _flush(self) -> None:
        """Emit what the splitter and the cutter hold back, so that the order of the parts is that of the stream."""
        now = self._clock()
        for piece in self._splitter.finish():
            if piece.kind is Kind.REASONING:
                self._reasoning(piece.text, arrived=False)
            elif not self.stop_string:
                self._answer(piece.text, now)
        if self._markup is not None:
            self._read_calls(self._markup.finish(), now)
        if not self.stop_string:
            self._say(self._cutter.finish(), now)
