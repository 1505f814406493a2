"""A scripted chat server and an endpoint around it, for tests of the engine and of sessions.

The integration tests use the demo server over HTTP; this one says exactly what a test wants, delta by delta."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Any

from tui.chat.engine import TurnJob, run_turn
from tui.chat.ports import LineSink, ProblemSink
from tui.chat.ports import utc_now as _utc_now
from tui.model.delta import Delta, StreamFinished, ToolCallDelta
from tui.model.events import Notice, TextDelta, TurnEvent
from tui.model.message import Message, TextPart
from tui.model.problem import Problem, ProblemError
from tui.model.request import ChatRequest, Sampling
from tui.model.server import LinkPhase, LinkState, ServerFacts
from tui.model.tool import Decision, ToolCall, ToolRunner, ToolSpec, Verdict
from tui.model.turn import RawLine
from tui.tools.arithmetic import arithmetic

Step = Delta | Notice | Problem | asyncio.Event | BaseException
Answer = Sequence[Step]


def say(*texts: str, reason: str | None = "stop") -> list[Step]:
    """An answer of text."""
    return [*map(TextDelta, texts), StreamFinished(reason)]


def call(
    name: str, arguments: str, *, index: int = 0, call_id: str = "", reason: str | None = "tool_calls"
) -> list[Step]:
    """An answer that calls a tool, as lmdeploy 0.18 streams it: the name first, then fragments."""
    middle = len(arguments) // 2
    return [
        ToolCallDelta(index, call_id or f"chatcmpl-tool-{name}", name),
        ToolCallDelta(index, arguments=arguments[:middle]),
        ToolCallDelta(index, arguments=arguments[middle:]),
        *([StreamFinished(reason)] if reason else []),
    ]


@dataclass
class ScriptedServer:
    """Answers one request after another from ``answers``; a callable gets the request. An event in an answer makes it
    wait, a problem or an exception is raised."""

    answers: list[Answer | Callable[[ChatRequest], Answer]] = field(default_factory=list)
    requests: list[ChatRequest] = field(default_factory=list)
    closed: int = 0
    counts: list[int | None] = field(default_factory=list)

    async def chat(
        self, request: ChatRequest, *, on_line: LineSink | None = None, on_notice: ProblemSink | None = None
    ) -> AsyncGenerator[Delta, None]:
        self.requests.append(request)
        answer = self.answers.pop(0)
        try:
            for step in answer(request) if callable(answer) else answer:
                if on_line:
                    on_line(RawLine(0.0, repr(step)))
                if isinstance(step, asyncio.Event):
                    await step.wait()
                elif isinstance(step, Notice):
                    assert on_notice
                    on_notice(step.problem)
                elif isinstance(step, Problem):
                    raise ProblemError(step)
                elif isinstance(step, BaseException):
                    raise step
                else:
                    await asyncio.sleep(0)
                    yield step
        finally:
            self.closed += 1

    async def count_tokens(self, request: ChatRequest, how: str) -> int | None:
        return self.counts.pop(0) if self.counts else None


@dataclass
class Address:
    base_url: str = "http://127.0.0.1:1"
    reference: str = "http://127.0.0.1:1"


@dataclass
class ScriptedEndpoint:
    """An endpoint that is connected to a scripted server."""

    client: ScriptedServer = field(default_factory=ScriptedServer)
    facts: ServerFacts = field(default_factory=lambda: ServerFacts(models=("tiny-chat",)))
    model: str | None = "tiny-chat"
    link: LinkState = field(default_factory=lambda: LinkState(LinkPhase.HEALTHY, 0.0))
    address: Address = field(default_factory=Address)
    failed: list[Problem] = field(default_factory=list)
    becomes: str | None = None

    async def ready(self, timeout: float) -> bool:
        self.model = self.model or self.becomes
        self.facts = replace(self.facts, models=(self.model,) if self.model else ())
        return self.model is not None

    async def learn_context_length(self) -> int | None:
        return self.facts.context_length

    def request_failed(self, problem: Problem) -> None:
        self.failed.append(problem)

    def remember_no_tool_parser(self) -> None:
        self.facts = replace(self.facts, has_tool_parser=False)


async def allow(call: ToolCall, spec: ToolSpec) -> Decision:
    return Decision(Verdict.ALLOW)


def user(text: str, id: str = "u1", parent: str | None = None) -> Message:
    return Message(id, "user", (TextPart(text),), parent, _utc_now())


async def turn(
    answers: Iterable[Any],
    *,
    messages: Sequence[Message] = (),
    runner: ToolRunner | None = None,
    approve: Any = allow,
    sampling: Sampling | None = None,
    server: ScriptedServer | None = None,
    stop: asyncio.Event | None = None,
    **job: Any,
) -> list[TurnEvent]:
    """Run one turn against scripted answers and return its events."""
    server = server or ScriptedServer()
    server.answers.extend(answers)
    request = ChatRequest("tiny-chat", tuple(messages) or (user("hi"),), sampling=sampling or Sampling())
    todo = TurnJob(request, **job)
    async with aclosing(run_turn(todo, server, runner or arithmetic(), approve, stop=stop)) as stream:
        return [event async for event in stream]


def of(events: Iterable[Any], kind: type) -> list[Any]:
    return [event for event in events if isinstance(event, kind)]
