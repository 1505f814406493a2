"""What others say beside our split: the card's own tool, the server's access log, the words that started it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress

from tui.hosts.findings import Findings
from tui.hosts.remote_finder import Orders
from tui.lmdeploy.keys import without_keys
from tui.lmdeploy.options import ServerCommand
from tui.model.memory import ServerSetup, Witness
from tui.model.monitor import MemoryState
from tui.model.plan import PlanInput
from tui.model.problem import ProblemError

QUERY = ("nvidia-smi", "--query-gpu=timestamp,name,memory.used,memory.total,utilization.gpu", "--format=csv,noheader")
_EVERY = 5.0  # seconds; a call takes about 30 ms of another process
_LIMIT = 5.0
_LONGEST = 2000
_BITS = {"bf16": 16, "fp16": 16, "fp32": 32, "fp8": 8, "awq": 4, "gptq": 4, "mxfp4": 4}

Ask = Callable[[], Awaitable[str]]


async def ask_here() -> str:
    """What nvidia-smi of this machine prints; empty where there is none. Never raises."""
    pipe, null = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
    try:
        child = await asyncio.create_subprocess_exec(*QUERY, stdin=null, stdout=pipe, stderr=null)
    except OSError:
        return ""
    try:
        async with asyncio.timeout(_LIMIT):
            out, _nothing = await child.communicate()
    except BaseException as error:
        with suppress(ProcessLookupError):
            child.kill()
        await child.wait()
        if isinstance(error, TimeoutError):
            return ""
        raise
    return out.decode("utf-8", "replace").strip()[:_LONGEST] if child.returncode == 0 else ""


def ask_there(order: Orders) -> Ask:
    """The same on another machine, through its agent."""

    async def ask() -> str:
        try:
            answer = await order("run", _LIMIT + 2.0, arguments=list(QUERY), timeout=_LIMIT)
        except ProblemError:
            return ""
        return str(answer["out"]).strip()[:_LONGEST] if answer["code"] == 0 else ""

    return ask


class GpuTool:
    """The newest line of the card's tool, with its time. ``ask`` runs it; None where there is nothing to run."""

    def __init__(self, ask: Ask | None = None) -> None:
        self.ask = ask
        self.line = ""
        self.time = 0.0
        self._asked = float("-inf")

    @property
    def is_due(self) -> bool:
        return self.ask is not None and time.monotonic() - self._asked >= _EVERY

    async def refresh(self) -> None:
        """Run the tool again."""
        if self.ask is not None:
            self._asked = time.monotonic()
            if line := await self.ask():
                self.line, self.time = line, time.time()


def witness_of(state: MemoryState, tool: GpuTool, found: Findings, question: PlanInput | None) -> Witness:
    """What can be called as a witness for a split: the line that came with the sample, else the tool's own."""
    own = bool(state.raw)
    return Witness(
        gpu_line=state.raw if own else tool.line,
        gpu_tool=state.source if own else "nvidia-smi" if tool.line else "",
        gpu_time=state.time if own else tool.time,
        access_line=found.facts.access_line if found.facts is not None else "",
        setup=setup_of(found, question, simulated=state.simulated),
    )


def setup_of(found: Findings, question: PlanInput | None, *, simulated: bool = False) -> ServerSetup | None:
    """How the server was started; None when nothing was found out about it."""
    if found.kind == "none":
        return None
    command = found.command
    words = tuple(without_keys(found.arguments)) or (words_of(command) if command is not None else ())
    if question is None:
        model = found.model or (command.model if command is not None else "")
        version = str(found.version) if found.version is not None else ""
        return ServerSetup(model, version=version, command=words, started=found.started, simulated=simulated)
    bits = question.config.quant_bits or _BITS.get(question.checkpoint.weight_format)
    return ServerSetup(
        model=found.model or question.checkpoint.name,
        engine=question.engine,
        version=question.version,
        weight_format=question.checkpoint.weight_format,
        weight_bits=bits,
        quant_policy=question.quant_policy,
        ratio=question.ratio,
        session_len=question.session_len,
        tp=question.tp,
        command=words,
        started=found.started,
        simulated=simulated or found.kind == "demo",
        told=found.kind == "told",
    )


def words_of(command: ServerCommand) -> tuple[str, ...]:
    """A command line with these options, without its keys."""
    words = ["lmdeploy", "serve", "api_server", command.model]
    for name, value in command.options.items():
        flag = f"--{name.replace('_', '-')}"
        if value is True:
            words.append(flag)
        elif isinstance(value, tuple):
            words += [flag, *value]
        elif value is not False:
            words += [flag, str(value)]
    return tuple(without_keys((*words, *command.unknown)))
