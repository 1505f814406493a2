"""One login: from the command line to the agent's hello, or to the reason why not."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from time import monotonic
from typing import Any

from tui.model.problem import Problem, ProblemError
from tui.model.question import Asker, ChangedKey, Question, QuestionKind
from tui.model.server import LinkPhase
from tui.ssh.asking import AskingServer
from tui.ssh.bootstrap import remote_command
from tui.ssh.causes import cause_of, is_authenticated, open_failure
from tui.ssh.client import child_environment
from tui.ssh.host_keys import changed_key
from tui.ssh.hub import JumpHost
from tui.ssh.process import SshProcess
from tui.ssh.questions import Answers, LoginQuestions, Scope
from tui.ssh.timing import Timing
from tui.ssh.wire import AgentChannel

PhaseSink = Callable[[LinkPhase], None]


class Login:
    """A running ssh and its agent. :meth:`open` until the hello, :meth:`over` until it ends, :meth:`close`."""

    def __init__(self, scope: Scope, timing: Timing, on_phase: PhaseSink, on_sample: Callable[[Any], None]) -> None:
        self.changed: ChangedKey | None = None
        self.failures: list[tuple[float, Problem]] = []
        self.refused = asyncio.Event()  # set: the far side refused to open a forwarded connection
        self._scope = scope
        self._host = scope.login
        self._timing = timing
        self._on_phase = on_phase
        self._nonce = secrets.token_hex(8)
        self._asking = 0
        self._authenticated = False
        self._progress = asyncio.Event()
        self.channel = AgentChannel(self._nonce, self._write, on_sample)
        self._process: SshProcess | None = None

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def _write(self, text: str) -> None:
        if self._process is not None:
            self._process.write(text)

    async def open(
        self,
        words: list[str],
        server: AskingServer,
        ask: Asker,
        answers: Answers,
        *,
        interactive: bool,
        trusted: str = "",
        jump: JumpHost | None = None,
    ) -> None:
        """Start ssh with ``words`` (the command is added) and wait for the agent. Raises ProblemError."""

        async def asked(question: Question) -> str | None:
            phases = {QuestionKind.HOST_KEY: LinkPhase.HOST_KEY, QuestionKind.NOTICE: LinkPhase.CONNECTING}
            self._asking += 1
            self._on_phase(phases.get(question.kind, LinkPhase.AUTH))
            try:
                return await ask(question)
            finally:
                self._asking -= 1
                self._progress.set()
                self._on_phase(LinkPhase.CONNECTING)

        questions = LoginQuestions(self._scope, asked, answers, interactive=interactive, trusted=trusted)
        token, variables = server.begin(questions)
        try:
            if jump is not None and not jump.is_up:
                await self._log_in_to(jump, child_environment(variables), questions)
            command = await asyncio.to_thread(remote_command, self._nonce)
            self._process = await SshProcess.start([*words, command], child_environment(variables), self.channel.feed)
            self._process.on_line = self._heard
            await self._wait_for(self.channel.hello, self._process, questions)
            questions.worked()
        finally:
            server.end(token)

    def _heard(self, line: str) -> None:
        self._progress.set()
        self._authenticated |= is_authenticated(line)
        if problem := open_failure(line):
            self.failures = [*self.failures[-20:], (monotonic(), problem)]
            self.refused.set()

    async def _log_in_to(self, jump: JumpHost, environment: dict[str, str], questions: LoginQuestions) -> None:
        """Log in to the jump host, for everybody who goes through it. Raises ProblemError."""
        await jump.close()
        jump.control.unlink(missing_ok=True)
        process = self._process = jump.process = await SshProcess.start(jump.master, environment, _nothing)
        authenticated = asyncio.Event()

        def heard(line: str) -> None:
            self._progress.set()
            if is_authenticated(line):
                authenticated.set()

        async def shared() -> None:
            await authenticated.wait()
            while not jump.control.exists():  # noqa: ASYNC110 (ssh makes it right after that line and tells nobody)
                await asyncio.sleep(0.01)

        process.on_line = heard
        ready = asyncio.create_task(shared())
        try:
            await self._wait_for(ready, process, questions)
        except BaseException:
            await jump.close()
            raise
        finally:
            self._process = None
            ready.cancel()

    async def _wait_for(self, ready: asyncio.Future[Any], process: SshProcess, questions: LoginQuestions) -> None:
        """Until ``ready``. Raises ProblemError when ssh ends, nobody answers it, or it is stuck."""
        ended = asyncio.create_task(process.ended())
        gave_up = asyncio.create_task(questions.gave_up.wait())
        try:
            while True:
                self._progress.clear()
                moved = asyncio.create_task(self._progress.wait())
                limit = None if self._asking else self._timing.stuck
                waiting = {ended, moved, gave_up, ready}
                done, _ = await asyncio.wait(waiting, timeout=limit, return_when=asyncio.FIRST_COMPLETED)
                moved.cancel()
                if ready in done:
                    ready.result()
                    return
                if gave_up in done:
                    raise ProblemError(self._no_answer(questions))
                if ended in done:
                    raise ProblemError(self._why(ended.result()))
                if not done and not self._asking:
                    raise ProblemError(self._stuck())
        finally:
            for task in (ended, gave_up):
                task.cancel()
            await asyncio.gather(ended, gave_up, return_exceptions=True)

    def _stuck(self) -> Problem:
        if self._authenticated:
            return Problem("ssh.no_agent", {"host": self._host, "says": "\n".join(self.channel.noise)[:300]})
        return Problem("ssh.stuck", {"host": self._host})

    def _no_answer(self, questions: LoginQuestions) -> Problem:
        if questions.declined is None:
            prompt = _short(questions.unanswered) if questions.unanswered else "?"
            return Problem("ssh.unanswered", {"host": self._host, "prompt": prompt})
        if questions.declined.kind is QuestionKind.HOST_KEY:
            return Problem("ssh.host_key_declined", {"host": self._host})
        return Problem("ssh.declined", {"host": self._host, "prompt": _short(questions.declined)})

    def _why(self, code: int) -> Problem:
        """Why ssh ended."""
        said = list(self._process.said) if self._process else []
        problem = cause_of(said, code, self._host)
        self.changed = changed_key(said) if problem.code == "ssh.host_key_changed" else None
        if problem.code in ("ssh.ended", "ssh.no_shell", "ssh.failed") and self._authenticated:
            says = "\n".join((*self.channel.noise, *said[-3:]))[:300]
            return Problem("ssh.no_shell", {"host": self._host, "says": says}, problem.detail)
        return problem

    async def over(self) -> Problem:
        """Wait until ssh ends; the reason."""
        assert self._process is not None  # noqa: S101 (open() has succeeded)
        code = await self._process.ended()
        if 0 <= code < 255:
            problem = cause_of((), code, self._host)
            return Problem("ssh.agent_ended", {"host": self._host, "code": code}, problem.detail)
        return cause_of(list(self._process.said)[-40:], code, self._host)

    def refusal_since(self, moment: float) -> Problem | None:
        """The newest refusal to open a forwarded connection since ``moment`` (monotonic)."""
        return next((problem for at, problem in reversed(self.failures) if at >= moment), None)

    async def close(self, problem: Problem) -> None:
        """End ssh; orders that wait end with ``problem``."""
        self.channel.fail(problem)
        if self._process is not None:
            await self._process.stop()


async def _nothing(_data: bytes) -> None:
    """A jump host's output: there is none."""


def _short(question: Question) -> str:
    lines = [line.strip() for line in question.prompt.splitlines() if line.strip()]
    return (lines[-1] if lines else "")[:200]
