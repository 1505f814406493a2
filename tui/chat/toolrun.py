"""Running the calls of one round: checked, approved, run at the same time, answered in order."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tui.chat.calls import WrittenCall, parse_object
from tui.chat.ports import Approver
from tui.model.events import Notice, ToolApprovalAsked, ToolResult, ToolRunning, TurnEvent
from tui.model.problem import Problem, ProblemError
from tui.model.tool import ToolCall, ToolOutcome, ToolRunner, ToolSpec, Verdict
from tui.tools.schema import check_arguments


class CallSwitch:
    """Ends single calls of the turn that runs. Made before the turn, connected by it."""

    def __init__(self) -> None:
        self._cancel: Callable[[str], bool] = lambda _call_id: False

    def connect(self, cancel: Callable[[str], bool]) -> None:
        """The turn has begun: ``cancel`` ends a call by its id."""
        self._cancel = cancel

    def cancel(self, call_id: str) -> bool:
        """End this call, the turn goes on; False when it does not run (any more)."""
        return self._cancel(call_id)


class CallRunner:
    """Runs calls for a turn and emits what happens to each; ``seconds`` is the time during which any tool ran."""

    def __init__(
        self,
        runner: ToolRunner,
        approve: Approver,
        emit: Callable[[TurnEvent], None],
        clock: Callable[[], float],
    ) -> None:
        self._runner = runner
        self._approve = approve
        self._emit = emit
        self._clock = clock
        self._asking = asyncio.Lock()
        self._running = 0
        self._since = 0.0
        self._total = 0.0
        self.open: dict[str, str] = {}
        self._tasks: dict[str, asyncio.Task[ToolOutcome]] = {}
        self._cancelled: set[str] = set()

    @property
    def seconds(self) -> float:
        return self._total + (self._clock() - self._since if self._running else 0.0)

    async def run(self, calls: Sequence[WrittenCall], specs: Mapping[str, ToolSpec]) -> None:
        """Run all calls at the same time; every one gets exactly one ``ToolResult``.

        Approvals are asked one after another, in the order of the calls. Cancelling cancels the tools; calls that
        have no result yet stay in ``open`` (id → name)."""
        self.open.update((call.call_id, call.name) for call in calls)
        async with asyncio.TaskGroup() as group:
            for call in calls:
                group.create_task(self._one(call, specs))

    def cancel(self, call_id: str) -> bool:
        """End one running call; the model is told so. False when it does not run."""
        task = self._tasks.get(call_id)
        if task is None or not task.cancel():
            return False
        self._cancelled.add(call_id)
        return True

    def refuse(self, call: WrittenCall, code: str, content: str, **data: str | int) -> None:
        """Answer a call without running it."""
        self._result(call.call_id, call.name, content, Problem(code, {"name": call.name, **data}))

    def give_up(self, code: str, content: str) -> None:
        """Answer everything that is still open: the turn ends."""
        for call_id, name in tuple(self.open.items()):
            self._result(call_id, name, content, Problem(code, {"name": name}))

    async def _one(self, call: WrittenCall, specs: Mapping[str, ToolSpec]) -> None:
        spec = specs.get(call.name)
        if spec is None:
            available = ", ".join(specs) or "none"
            content = f"Error: there is no tool named {call.name!r}. Available tools: {available}."
            self.refuse(call, "chat.call_unknown", content, available=available)
            return
        # In a thread: arguments may be huge, and the first check imports the validator.
        arguments, reason = await asyncio.to_thread(_checked, call.arguments, spec)
        if arguments is None:
            self.refuse(call, "chat.call_not_json", "Error: the arguments are not a JSON object. Write the call again.")
        elif reason:
            content = f"Error: the arguments do not fit the tool's schema: {reason}. Write the call again."
            self.refuse(call, "chat.call_invalid", content, reason=reason)
        elif await self._allowed(tool_call := ToolCall(call.call_id, call.name, arguments, call.arguments), spec):
            await self._execute(tool_call)

    async def _allowed(self, call: ToolCall, spec: ToolSpec) -> bool:
        if not spec.needs_approval:
            return True
        async with self._asking:
            self._emit(ToolApprovalAsked(call.call_id))
            try:
                decision = await self._approve(call, spec)
            except ProblemError as error:
                self._result(call.call_id, call.name, "Error: this call was not allowed.", error.problem)
                return False
        if decision.verdict is Verdict.ALLOW:
            return True
        content = "The user refused this call." + (f" Reason: {decision.reason}" if decision.reason else "")
        code = "chat.call_refused_because" if decision.reason else "chat.call_refused"
        self._result(call.call_id, call.name, content, Problem(code, {"name": call.name, "reason": decision.reason}))
        return False

    async def _execute(self, call: ToolCall) -> None:
        self._emit(ToolRunning(call.call_id))
        start = self._clock()
        if not self._running:
            self._since = start
        self._running += 1
        try:
            outcome = await self._outcome(call)
        finally:
            self._running -= 1
            if not self._running:
                self._total += self._clock() - self._since
        self.open.pop(call.call_id, None)
        seconds = self._clock() - start
        problem = None if outcome.ok else outcome.problem
        self._emit(
            ToolResult(
                call.call_id, call.name, outcome.content, outcome.ok, seconds, problem,
                outcome.full, outcome.log, outcome.images,
            )
        )  # fmt: skip
        if outcome.ok and outcome.problem is not None:
            self._emit(Notice(outcome.problem))

    async def _outcome(self, call: ToolCall) -> ToolOutcome:
        """What the tool gives; cancelled by itself it is a result like others."""
        task = asyncio.create_task(_run(self._runner, call))
        self._tasks[call.call_id] = task
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError:  # the whole turn ends
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            raise
        finally:
            del self._tasks[call.call_id]
        if call.call_id in self._cancelled:
            problem = Problem("chat.call_cancelled", {"name": call.name})
            return ToolOutcome("Error: this call was cancelled by the user.", ok=False, problem=problem)
        if task.cancelled():
            return _failed(call, "CancelledError")
        return task.result()

    def _result(self, call_id: str, name: str, content: str, problem: Problem) -> None:
        self.open.pop(call_id, None)
        self._emit(ToolResult(call_id, name, content, ok=False, problem=problem))


async def _run(runner: ToolRunner, call: ToolCall) -> ToolOutcome:
    try:
        return await runner.run(call)
    except Exception as error:  # noqa: BLE001 (a runner that breaks its promise must not break the turn)
        return _failed(call, f"{type(error).__name__}: {error}")


def _failed(call: ToolCall, reason: str) -> ToolOutcome:
    problem = Problem("chat.call_failed", {"name": call.name, "reason": reason})
    return ToolOutcome(f"Error: {reason}", ok=False, problem=problem)


def _checked(text: str, spec: ToolSpec) -> tuple[Mapping[str, Any] | None, str]:
    """The arguments (None: no JSON object) and why they do not fit the schema (empty: they do)."""
    arguments = parse_object(text)
    return arguments, check_arguments(arguments, spec.parameters) if arguments is not None else ""
