"""``lmdeck ask``: one answer without a screen.

Exit codes: 0 an answer came; 1 the turn failed or ended without an answer; 2 the request makes no sense (no question,
address, tool or model name); 3 the server cannot be reached or refuses us; 130 interrupted (what had arrived was
printed).
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from tui.exit_codes import DONE, FAILED, INTERRUPTED, UNREACHABLE, USAGE, code_of
from tui.headless_output import EventPrinter, JsonPrinter, PlainPrinter, Printer
from tui.headless_server import open_server
from tui.headless_tools import open_ask_tools
from tui.model.events import MessageHeld, SessionEvent, TurnFailed, TurnFinished
from tui.model.problem import Problem, ProblemError
from tui.model.request import Sampling

if TYPE_CHECKING:
    from tui.session import Session

_WRONG = frozenset(("ask.nothing", "ask.unknown_tool", "ask.unknown_model"))
_OF_THE_TURN = frozenset(("ssh.reply_cut", "ssh.agent_refused", "ssh.agent_silent"))

# Problems of a running turn that mean "no way to the server", not "a bad answer".
_REFUSALS = frozenset(
    (
        "server.refused", "server.name_not_found", "server.no_route", "server.connect_timeout", "server.no_reply",
        "server.socket_missing", "server.proxy_failed", "server.hung_up", "server.not_http",
        "server.connection_failed", "server.tls_needed", "server.tls_unexpected", "server.tls_certificate",
        "server.tls_failed", "server.redirect", "server.web_page", "server.not_lmdeploy", "server.key_missing",
        "server.key_rejected", "server.forbidden", "server.no_such_route", "server.no_models", "ask.not_ready",
    )
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class AskOptions:
    """What to ask, and how. ``tools`` None: the built-in ones and those of ``allow``. ``allow`` names
    tools that may run although they need approval. ``store`` is the file that ``save``
    writes to, None the user's own. ``ssh_options`` are more words for ssh, where ``url`` names a machine behind it."""

    prompt: str
    url: str
    model: str | None = None
    system: str = ""
    tools: tuple[str, ...] | None = None
    stream: bool = True
    save: bool = False
    json: bool = False
    events: bool = False
    allow: frozenset[str] = frozenset()
    api_key: str | None = None
    ssh_options: tuple[str, ...] = ()
    sampling: Sampling = field(default_factory=Sampling)
    store: Path | None = None


async def ask(options: AskOptions, out: TextIO, err: TextIO) -> int:
    """Ask, print the answer to ``out`` and everything about it to ``err``; returns the exit code.

    SIGINT and SIGTERM end the answer where it is: what came is printed (and saved), the exit code is 130."""
    printer = _printer(options, out, err)
    interrupt = _Interrupt()
    try:
        async with AsyncExitStack() as stack:
            stack.enter_context(interrupt)
            session = await _prepare(options, stack)
            printer.model = session.endpoint.model or ""
            return await _run(options.prompt, session, printer, interrupt)
    except ProblemError as error:
        printer.fail(error.problem)
        return _exit_code(error.problem)
    except asyncio.CancelledError:
        if not interrupt.happened:
            raise
        printer.fail(Problem("ask.interrupted"))
        return INTERRUPTED


def _printer(options: AskOptions, out: TextIO, err: TextIO) -> Printer:
    if options.json:
        return JsonPrinter(out, err)
    return EventPrinter(out, err) if options.events else PlainPrinter(out, err)


async def _prepare(options: AskOptions, stack: AsyncExitStack) -> Session:
    """Everything that may be wrong before the question is sent. Raises ProblemError."""
    from tui.session import Session

    if not options.prompt.strip():
        raise ProblemError(Problem("ask.nothing"))
    tools = await open_ask_tools(options.tools, options.allow)
    stack.push_async_callback(tools.aclose)
    store = None
    if options.save:
        from tui.store.store import Store

        store = await Store.open(options.store)
        stack.push_async_callback(store.close)
    endpoint = await open_server(options, stack)
    if options.model and options.model not in endpoint.facts.models:
        offered = ", ".join(endpoint.facts.models)
        raise ProblemError(Problem("ask.unknown_model", {"model": options.model, "offered": offered}))
    session = Session(
        endpoint,
        tools.runner,
        store=store,
        approve=tools.approve,
        system=options.system,
        sampling=options.sampling,
    )
    stack.push_async_callback(session.aclose)
    session.stream = options.stream
    session.tools_enabled = tools.offered
    return session


async def _run(prompt: str, session: Session, printer: Printer, interrupt: _Interrupt) -> int:
    events = session.subscribe()
    await session.submit(prompt)
    interrupt.stop = session.stop
    end: SessionEvent | None = None
    async for event in events:
        printer.show(event)
        if isinstance(event, (TurnFinished, TurnFailed, MessageHeld)):
            end = event
            break
    events.close()
    problem = Problem("ask.interrupted") if interrupt.happened else _problem(end, session)
    printer.finish(problem)
    if interrupt.happened:
        return INTERRUPTED
    return _exit_code(problem) if problem else DONE


def _problem(end: SessionEvent | None, session: Session) -> Problem | None:
    """Why this is no answer; None when it is one, even one that reached its length limit."""
    if isinstance(end, (TurnFailed, MessageHeld)):
        return end.problem
    reason = end.finish_reason if isinstance(end, TurnFinished) else ""
    last = session.messages[-1]
    if last.role == "assistant" and last.text and reason in ("stop", "length"):
        return None
    return Problem("ask.no_answer", {"reason": reason})


def _exit_code(problem: Problem) -> int:
    wrong = problem.code.startswith("address.") or problem.code in _WRONG
    if wrong:
        return USAGE
    if problem.code in _OF_THE_TURN:
        return FAILED
    return code_of(problem, UNREACHABLE if problem.code in _REFUSALS else FAILED)


class _Interrupt:
    """While it is entered, SIGINT and SIGTERM end the answer in order; before there is one, and the second time, they
    cancel the task."""

    def __init__(self) -> None:
        self.happened = False
        self.stop: Callable[[], Coroutine[None, None, None]] | None = None
        self._stopping: asyncio.Task[None] | None = None
        self._set: list[int] = []

    def __enter__(self) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 (for the type checker: this runs in one)
        for number in (signal.SIGINT, signal.SIGTERM):
            # Only the main thread of a POSIX process can; elsewhere Ctrl+C cancels the task.
            with suppress(NotImplementedError, RuntimeError, ValueError):
                asyncio.get_running_loop().add_signal_handler(number, self._interrupt, task)
                self._set.append(number)

    def __exit__(self, *_: object) -> None:
        for number in self._set:
            asyncio.get_running_loop().remove_signal_handler(number)

    def _interrupt(self, task: asyncio.Task[object]) -> None:
        self.happened = True
        if self.stop is None or self._stopping is not None:
            task.cancel()
        else:
            self._stopping = asyncio.create_task(self.stop())
