"""What ``lmdeck ask`` prints: plain text, one JSON object, or the events."""

from __future__ import annotations

import json
from typing import Any, ClassVar, TextIO

from tui.chat.assemble import Assembly
from tui.chat.calls import parse_object
from tui.i18n import _
from tui.i18n.figures import seconds
from tui.i18n.problems import explain
from tui.model.codec import to_json
from tui.model.events import (
    Notice,
    ReasoningDelta,
    ReasoningFinished,
    ReasoningWasAnswer,
    SessionEvent,
    TextDelta,
    TextWasReasoning,
    Timings,
    ToolCallArguments,
    ToolCallStarted,
    ToolResult,
    TurnFailed,
    TurnFinished,
    Usage,
)
from tui.model.message import Message, ToolResultPart
from tui.model.problem import Problem

# Control characters become their pictures (U+2400…), so that nothing a model writes reaches the terminal as a command;
# the C1 ones have no pictures. Line feed and tab stay.
_PICTURES: dict[int, str] = {
    **{code: chr(0x2400 + code) for code in range(0x20) if code not in (0x09, 0x0A)},
    0x7F: "␡",
    **dict.fromkeys(range(0x80, 0xA0), "�"),
}


class Printer:
    """The common part: an output for the answer, one for everything else."""

    def __init__(self, out: TextIO, err: TextIO) -> None:
        self.model = ""
        self._out = out
        self._err = err
        self._out_is_terminal = out.isatty()
        self._err_is_terminal = err.isatty()

    def show(self, event: SessionEvent) -> None:
        """Something happened."""

    def finish(self, problem: Problem | None) -> None:
        """The turn is over; ``problem`` says why there is no (whole) answer."""

    def fail(self, problem: Problem) -> None:
        """There was not even a turn."""
        self.finish(problem)

    def _say(self, text: str) -> None:
        _write(self._out, text.translate(_PICTURES) if self._out_is_terminal else text)

    def _tell(self, line: str) -> None:
        """A line on the error output, dim on a terminal."""
        if self._err_is_terminal:
            line = f"\x1b[2m{line.translate(_PICTURES)}\x1b[0m"
        _write(self._err, line + "\n")


class PlainPrinter(Printer):
    """The answer as it streams; reasoning, tool calls and notices as lines beside it."""

    def __init__(self, out: TextIO, err: TextIO) -> None:
        super().__init__(out, err)
        self._open_line = False
        self._said: list[str] = []
        self._thought: list[str] = []
        self._names: dict[str, str] = {}
        self._arguments: dict[str, list[str]] = {}

    def show(self, event: SessionEvent) -> None:
        if isinstance(event, TextDelta):
            self._answer(event.text)
        elif isinstance(event, ReasoningDelta):
            self._thought.append(event.text)
        elif isinstance(event, ReasoningFinished):
            self._tell_thought()
        elif isinstance(event, TextWasReasoning):
            self._end_line()
            self._tell(_("(the text above was reasoning)"))
        elif isinstance(event, ReasoningWasAnswer):
            self._answer("".join(self._said))
        elif isinstance(event, ToolCallStarted):
            self._names[event.call_id] = event.name
        elif isinstance(event, ToolCallArguments):
            self._arguments.setdefault(event.call_id, []).append(event.fragment)
        else:
            self._show_rest(event)

    def finish(self, problem: Problem | None) -> None:
        self._tell_thought()
        self._end_line()
        if problem is not None:
            self._tell(explain(problem).text)

    def _show_rest(self, event: SessionEvent) -> None:
        if isinstance(event, ToolResult):
            self._end_line()
            arguments = "".join(self._arguments.get(event.call_id, []))
            self._tell(f"⚙ {event.name} {arguments} → {event.content} ({seconds(event.seconds)})")
        elif isinstance(event, Notice) and event.problem.code != "chat.stopped":
            self._end_line()
            self._tell(explain(event.problem).text)

    def _answer(self, text: str) -> None:
        if text:
            self._tell_thought()
            self._say(text)
            self._open_line = not text.endswith("\n")

    def _tell_thought(self) -> None:
        """Reasoning is told as a whole: dim lines between which nothing else can slip."""
        if text := "".join(self._thought).strip():
            self._end_line()
            for line in text.splitlines():
                self._tell(f"· {line}")
        if self._thought:
            self._said = self._thought
        self._thought = []

    def _end_line(self) -> None:
        if self._open_line:
            self._say("\n")
            self._open_line = False


class EventPrinter(Printer):
    """Every event as a line of JSON."""

    def show(self, event: SessionEvent) -> None:
        _write(self._out, json.dumps(to_json(event)) + "\n")

    def fail(self, problem: Problem) -> None:
        self.show(TurnFailed(problem, Timings(0.0)))
        self._tell(explain(problem).text)

    def finish(self, problem: Problem | None) -> None:
        if problem is not None:
            self._tell(explain(problem).text)


class JsonPrinter(Printer):
    """One object at the end."""

    _COUNTS: ClassVar = ("prompt_tokens", "completion_tokens", "reasoning_tokens", "cached_tokens")

    def __init__(self, out: TextIO, err: TextIO) -> None:
        super().__init__(out, err)
        self._assembly = Assembly()
        self._usage: list[Usage] = []
        self._timings: Timings | None = None
        self._reason: str | None = None
        self._notices: list[Problem] = []

    def show(self, event: SessionEvent) -> None:
        self._assembly.apply(event)
        if isinstance(event, Usage):
            self._usage.append(event)
        elif isinstance(event, TurnFinished):
            self._reason, self._timings = event.finish_reason, event.timings
        elif isinstance(event, TurnFailed):
            self._timings = event.timings
        elif isinstance(event, Notice):
            self._notices.append(event.problem)

    def finish(self, problem: Problem | None) -> None:
        messages = self._assembly.messages
        answers = [message for message in messages if message.role == "assistant"]
        data = {
            "answer": answers[-1].text if answers else "",
            "reasoning": "\n\n".join(message.reasoning for message in answers if message.reasoning),
            "tool_calls": _calls(messages),
            "finish_reason": self._reason,
            "usage": self._total(),
            "timings": _timings(self._timings),
            "model": self.model,
            "notices": [_told(notice) for notice in self._notices],
            "error": _told(problem) if problem else None,
        }
        self._say(json.dumps(data, ensure_ascii=not _takes_unicode(self._out)) + "\n")

    def _total(self) -> dict[str, Any] | None:
        """The sum over all rounds; estimated when any of them was."""
        if not self._usage:
            return None
        counts: dict[str, Any] = {name: sum(getattr(usage, name) for usage in self._usage) for name in self._COUNTS}
        return {**counts, "estimated": any(usage.estimated for usage in self._usage)}


def _calls(messages: tuple[Message, ...]) -> list[dict[str, Any]]:
    parts = [part for message in messages for part in message.parts]
    results = {part.call_id: part for part in parts if isinstance(part, ToolResultPart)}
    calls: list[dict[str, Any]] = []
    for message in messages:
        for call in message.tool_calls:
            arguments = parse_object(call.arguments)
            result = results.get(call.call_id)
            calls.append(
                {
                    "name": call.name,
                    "arguments": call.arguments if arguments is None else arguments,
                    "result": result.content if result else None,
                    "ok": bool(result and result.ok),
                    "error": _told(result.problem) if result and result.problem else None,
                }
            )
    return calls


def _timings(timings: Timings | None) -> dict[str, Any] | None:
    if timings is None:
        return None
    return {
        "total": timings.total,
        "first_token": timings.first_token,
        "generation": timings.generation,
        "tools": timings.tools,
        "rounds": timings.rounds,
        "tokens_per_second": timings.tokens_per_second,
    }


def _told(problem: Problem) -> dict[str, str]:
    explanation = explain(problem)
    return {"code": problem.code, "message": explanation.sentence, "next_step": explanation.step}


def _takes_unicode(out: TextIO) -> bool:
    return (out.encoding or "utf-8").lower().replace("-", "") == "utf8"


def _write(out: TextIO, text: str) -> None:
    """Write and flush; what the output's encoding does not have is replaced."""
    try:
        out.write(text)
    except UnicodeEncodeError:
        encoding = out.encoding or "utf-8"
        out.write(text.encode(encoding, "replace").decode(encoding))
    out.flush()
