"""One turn: request, stream, tool calls, request … until the model has answered.

``run_turn`` yields the events of a turn. It never raises for what servers, models and tools do wrong: that is an
event. Closing it ends everything at once; setting ``stop`` ends it in order, with what came so far kept.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from time import perf_counter
from typing import Literal

from tui.chat.assemble import Assembly
from tui.chat.calls import WrittenCall, parse_object
from tui.chat.channel import Channel
from tui.chat.estimate import answer_tokens, request_tokens
from tui.chat.history import valid_history
from tui.chat.ports import CONTEXT_FULL, NO_TOOL_PARSER, Approver, ChatServer, LineSink, new_id
from tui.chat.rounds import RoundReader, RoundTimes
from tui.chat.toolrun import CallRunner, CallSwitch
from tui.lmdeploy.parsers import PARSER_NAMES, tool_parser_for
from tui.lmdeploy.tool_markup import MarkupParser
from tui.model.events import (
    Notice,
    ReasoningWasAnswer,
    RoundStarted,
    Timings,
    TurnEvent,
    TurnFailed,
    TurnFinished,
    TurnStarted,
    Usage,
)
from tui.model.message import Message
from tui.model.problem import Problem, ProblemError
from tui.model.request import ChatRequest
from tui.model.tool import ToolRunner, ToolSpec

ROUND_LIMIT = 8
_SLICE = 0.005  # seconds of reading after which other tasks get their turn


async def _no_model() -> str:
    raise ProblemError(Problem("chat.no_model"))


def _ignore() -> None:
    """Nothing to remember."""


@dataclass(frozen=True, slots=True)
class TurnJob:
    """What a turn is to do.

    ``request`` holds model, system prompt, sampling and the conversation so far, as it is stored: the engine makes it
    valid for a server. Its tools are ignored: the runner's specs are offered, those named in ``tools`` (None: all).
    ``taken`` are call ids that must not be used again, beside those in the request.
    With ``continue_last`` the last message is an assistant's and is gone on with. An empty model is asked for with
    ``find_model`` when the first request goes out. ``on_line`` gets every line of the server's answers, with seconds
    since their request; ``no_tool_parser`` is called when the server refused tools. ``tools_raw``: it is known to
    refuse them, so the calls are read out of the text from the start. ``told`` collects what need be said only once.
    ``switch`` ends single tool calls while the turn runs.
    """

    request: ChatRequest
    turn_id: str = field(default_factory=new_id)
    tools: frozenset[str] | None = None
    taken: frozenset[str] = frozenset()
    round_limit: int = ROUND_LIMIT
    find_model: Callable[[], Awaitable[str]] = _no_model
    on_line: LineSink | None = None
    no_tool_parser: Callable[[], None] = _ignore
    tools_raw: bool = False
    told: set[str] = field(default_factory=set[str])
    switch: CallSwitch = field(default_factory=CallSwitch)


async def run_turn(
    job: TurnJob,
    server: ChatServer,
    runner: ToolRunner,
    approve: Approver,
    *,
    stop: asyncio.Event | None = None,
    clock: Callable[[], float] = perf_counter,
) -> AsyncGenerator[TurnEvent, None]:
    """Run a turn and yield its events: ``TurnStarted`` first, ``TurnFinished`` or ``TurnFailed`` last.

    The work goes on while the consumer is busy; nothing of it is left when the generator is closed."""
    channel: Channel[TurnEvent] = Channel()
    stop = stop or asyncio.Event()
    turn = _Turn(job, server, runner, approve, channel.put, clock)
    work = asyncio.create_task(turn.run(stop))
    work.add_done_callback(lambda _: channel.close())
    stopping = asyncio.create_task(_cancel_when(stop, work))
    try:
        async for event in channel:
            yield event
    finally:
        stopping.cancel()
        work.cancel()
        await asyncio.gather(stopping, work, return_exceptions=True)


async def _cancel_when(stop: asyncio.Event, work: asyncio.Task[None]) -> None:
    await stop.wait()
    work.cancel()


class _Turn:
    """The state of a running turn; ``run`` is its only entrance."""

    def __init__(
        self,
        job: TurnJob,
        server: ChatServer,
        runner: ToolRunner,
        approve: Approver,
        emit: Callable[[TurnEvent], None],
        clock: Callable[[], float],
    ) -> None:
        self._job = job
        self._server = server
        self._runner = runner
        self._out = emit
        self._clock = clock
        self._start = clock()
        self._assembly = Assembly(job.request.messages)
        self._taken = {*job.taken, *(call.call_id for message in job.request.messages for call in message.tool_calls)}
        self._calls = CallRunner(runner, approve, self._emit, clock)
        job.switch.connect(self._calls.cancel)
        self._model = job.request.model
        self._tool_way: Literal["server", "raw", "none"] = "raw" if job.tools_raw else "server"
        self._round = 0
        self._reader: RoundReader | None = None
        self._request = job.request
        self._times: list[RoundTimes] = []
        self._completion_tokens = 0
        self._continued_tokens = 0

    async def run(self, stop: asyncio.Event) -> None:
        """Emit the whole turn. Raises CancelledError only when cancelled without ``stop``."""
        self._emit(TurnStarted(self._job.turn_id, self._model))
        try:
            await self._rounds()
        except asyncio.CancelledError:
            if not stop.is_set():
                raise
            self._break_off("chat.call_stopped", "Error: the user stopped the answer before this call was done.")
            self._emit(Notice(Problem("chat.stopped")))
            self._finish("stopped")
        except ProblemError as error:
            if error.problem.code == CONTEXT_FULL:
                self._noticed(error.problem)
                self._break_off("chat.call_cut", "Error: there was no room left in the context.")
                self._finish("context_full")
            else:
                self._fail(error.problem)
        except Exception as error:  # noqa: BLE001 (a turn must end with an event, whatever happens)
            self._fail(Problem("chat.internal", {"error": type(error).__name__}, detail=repr(error)))

    async def _rounds(self) -> None:
        while True:
            specs = self._specs()
            reader = await self._one_round(specs)
            if not reader.calls or reader.finish_reason in ("length", "abort", "error"):
                self._end(reader)
                return
            if self._round >= self._job.round_limit:
                self._refuse_all(reader.calls, "chat.call_over_limit", "Error: too many rounds of tool calls.")
                self._emit(Notice(Problem("chat.round_limit", {"limit": self._job.round_limit})))
                self._finish("round_limit")
                return
            await self._calls.run(reader.calls, specs)

    def _specs(self) -> dict[str, ToolSpec]:
        chosen = self._job.tools
        return {spec.name: spec for spec in self._runner.specs() if chosen is None or spec.name in chosen}

    # One request and its answer.

    async def _one_round(self, specs: dict[str, ToolSpec]) -> RoundReader:
        self._round += 1
        continuing = self._job.request.continue_last and self._round == 1
        last = self._job.request.messages[-1] if continuing else None
        self._continued_tokens = answer_tokens(last)[0] if last else 0
        history = valid_history(self._assembly.messages, continuing=continuing)
        self._emit(RoundStarted(self._round, last.id if last else new_id()))
        self._model = self._model or await self._job.find_model()
        request = replace(self._job.request, model=self._model, messages=history, continue_last=continuing)
        while True:
            tools = tuple(specs.values()) if self._tool_way != "none" else ()
            try:
                return await self._receive(replace(request, tools=tools, tools_raw=self._tool_way == "raw"))
            except ProblemError as error:
                if not (tools and self._finds_another_way(error.problem)):
                    raise

    def _finds_another_way(self, problem: Problem) -> bool:
        """Whether the request can be sent once more in another way: a server without a tool parser is asked to leave
        the calls unparsed; one that refuses even that gets no tools."""
        if problem.code not in NO_TOOL_PARSER or (self._reader and not self._reader.is_empty):
            return False
        if self._tool_way == "raw":
            self._tool_way = "none"
            self._emit(Notice(Problem("chat.tools_left_out")))
            return True
        self._job.no_tool_parser()
        self._tool_way = "raw"
        self._emit(Notice(replace(problem, code=problem.code.replace("server.", "chat."))))
        return True

    async def _receive(self, request: ChatRequest) -> RoundReader:
        self._request = request
        continues = ("text" if request.messages[-1].text else "reasoning") if request.continue_last else ""
        markup = MarkupParser({spec.name: spec.parameters for spec in request.tools}) if request.tools else None
        reader = RoundReader(self._emit, self._clock, request.sampling, self._taken, continues, markup)
        self._reader = reader
        self._times.append(reader.times)
        answer = self._server.chat(request, on_line=self._job.on_line, on_notice=self._noticed)
        async with aclosing(answer) as deltas:
            turn_of_others = self._clock() + _SLICE
            async for delta in deltas:
                if reader.feed(delta):
                    break
                if self._clock() > turn_of_others:
                    # A fast server fills the socket's buffer: reading it never waits, so the screen would.
                    await asyncio.sleep(0)
                    turn_of_others = self._clock() + _SLICE
        self._close_round(reader)
        return reader

    def _close_round(self, reader: RoundReader) -> None:
        """The stream is over: decide what its reasoning was, count its tokens."""
        reader.close()
        self._reader = None
        if reader.has_reasoning and not reader.has_text and not reader.calls and reader.finish_reason in (None, "stop"):
            self._emit(ReasoningWasAnswer())
            self._emit(Notice(Problem("chat.reasoning_was_answer")))
        if reader.calls_read and self._tool_way == "server":
            self._tell_calls_were_read()
        self._count(reader)

    def _tell_calls_were_read(self) -> None:
        """The server let the model's markup through: say so once, with the parser that fits the model."""
        parser = tool_parser_for(self._model)
        code = "chat.calls_read" if parser else "chat.calls_read_unknown"
        if code not in self._job.told:
            self._job.told.add(code)
            data = {"parser": parser.name} if parser else {"parsers": ", ".join(PARSER_NAMES)}
            self._emit(Notice(Problem(code, data)))

    def _count(self, reader: RoundReader) -> None:
        usage = reader.usage
        if usage is None:
            written, reasoning = answer_tokens(self._current())
            usage = Usage(request_tokens(self._request), written - self._continued_tokens, reasoning, estimated=True)
        self._completion_tokens += usage.completion_tokens
        self._emit(usage)

    def _current(self) -> Message:
        """The assistant message of this round."""
        return next(message for message in reversed(self._assembly.messages) if message.role == "assistant")

    # Ways to end.

    def _end(self, reader: RoundReader) -> None:
        reason = reader.finish_reason or "stop"
        if reason == "length":
            content = "Error: the answer was cut off by its length limit before this call was complete."
            self._refuse_all(reader.calls, "chat.call_cut", content)
            full = reader.is_empty
            self._emit(Notice(Problem("chat.server_context_full" if full else "chat.length")))
            self._finish("context_full" if full else "length")
        elif reason in ("error", "parse_error"):
            self._refuse_all(reader.calls, "chat.call_cut", "Error: the answer broke before this call was complete.")
            self._fail(Problem("chat.server_error" if reason == "error" else "chat.parse_error"))
        elif reason == "abort":
            self._refuse_all(reader.calls, "chat.call_cut", "Error: the answer was aborted by the server.")
            self._emit(Notice(Problem("chat.aborted")))
            self._finish("abort")
        else:
            if reader.is_empty and not reader.stop_string:
                self._emit(Notice(Problem("chat.empty_answer")))
            self._finish("stop", reader.stop_string)

    def _refuse_all(self, calls: tuple[WrittenCall, ...], code: str, content: str) -> None:
        for call in calls:
            broken = parse_object(call.arguments) is None
            self._calls.refuse(call, "chat.call_cut" if broken else code, content)

    def _break_off(self, code: str, content: str) -> None:
        """The turn ends in the middle: keep what came, answer the calls that have no result."""
        reader, self._reader = self._reader, None
        if reader is not None:
            reader.close()
            if not reader.is_empty:
                self._count(reader)
            self._refuse_all(reader.calls, code, content)
        self._calls.give_up(code, content)

    def _finish(self, reason: str, stop_string: str = "") -> None:
        self._emit(TurnFinished(reason, self._timings(), stop_string))

    def _fail(self, problem: Problem) -> None:
        self._break_off("chat.call_cut", "Error: the answer was cut off before this call was complete.")
        self._emit(TurnFailed(problem, self._timings()))

    def _timings(self) -> Timings:
        first = next((times.first for times in self._times if times.first is not None), None)
        return Timings(
            total=self._clock() - self._start,
            first_token=None if first is None else first - self._times[0].sent,
            generation=sum(times.generation for times in self._times),
            tools=self._calls.seconds,
            rounds=max(1, self._round),
            completion_tokens=self._completion_tokens,
        )

    def _noticed(self, problem: Problem) -> None:
        self._emit(Notice(problem))

    def _emit(self, event: TurnEvent) -> None:
        self._assembly.apply(event)
        self._out(event)
