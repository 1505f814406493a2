"""The link to one machine: connects, watches, reconnects, and says at every moment where it stands."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from time import monotonic
from typing import Any

from tui.model.broadcast import Broadcast, Subscription
from tui.model.problem import Problem, ProblemError
from tui.model.question import Asker, ChangedKey
from tui.model.server import LinkPhase, LinkState
from tui.ssh.attempt import Login
from tui.ssh.causes import NEEDS_YOU, UNREACHABLE
from tui.ssh.client import Resolved, essential_options, new_host_options, resolve
from tui.ssh.forwards import Forward, Forwarding, check_port, make_forwarding
from tui.ssh.host_keys import known_prints, replace_key
from tui.ssh.hub import Hub, JumpHost
from tui.ssh.questions import Scope
from tui.ssh.target import Target
from tui.ssh.timing import SleepWatch, Timing
from tui.ssh.wire import Hello, Json

UP = (LinkPhase.HEALTHY, LinkPhase.DEGRADED)
Sample = Json | str


class Link:
    """One ssh connection and its agent. ``connect`` starts it; states arrive through ``subscribe``; nothing raises
    while it looks after itself. ``hub`` is shared by all links."""

    def __init__(self, target: Target, ask: Asker, hub: Hub, timing: Timing | None = None) -> None:
        self.target = target
        self.state = LinkState(LinkPhase.IDLE, monotonic())
        self.hello: Hello | None = None
        self.changed: ChangedKey | None = None
        self.samples: Broadcast[Sample] = Broadcast(limit=16)
        self._ask = ask
        self._hub = hub
        self._timing = timing or Timing()
        self._news: Broadcast[LinkState] = Broadcast()
        self._keeper: asyncio.Task[None] | None = None
        self._wake = asyncio.Event()  # set: the user wants an attempt now
        self._settled = asyncio.Event()  # set: up, or known why not
        self._login: Login | None = None
        self._forwarding: Forwarding | None = None
        self._resolved = Resolved()
        self._trusted = ""
        self._again = False  # a new connection is wanted at once (one more forward)

    # What others read and do.

    @property
    def is_up(self) -> bool:
        return self.state.phase in UP

    @property
    def pid(self) -> int | None:
        """The ssh process, while there is one."""
        return self._login.pid if self._login else None

    def subscribe(self) -> Subscription[LinkState]:
        """Every state from now on."""
        return self._news.subscribe()

    def connect(self) -> None:
        """Start, or start again after :meth:`disconnect`. Returns at once."""
        if self._keeper is None:
            self._settled.clear()
            self._keeper = asyncio.create_task(self._keep())

    def retry(self) -> None:
        """Try again now, and ask the user again where ssh asks."""
        self.connect()
        if not self.is_up:
            self._settled.clear()
            self._wake.set()

    async def disconnect(self) -> None:
        """End the connection and stay idle; forwards are kept for the next one."""
        keeper, self._keeper = self._keeper, None
        if keeper is not None:
            keeper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await keeper
        self._set(LinkPhase.IDLE)
        self._settled.set()

    async def aclose(self) -> None:
        await self.disconnect()
        self._news.close()
        self.samples.close()
        for forward in list(self._forwarding.wanted) if self._forwarding else []:
            await self.remove_forward(forward)

    async def up(self) -> None:
        """Wait until the connection is up. Raises ProblemError as soon as it is known that it will not be without the
        user, or that the machine was not there at the first attempt."""
        self.connect()
        while not self.is_up:
            await self._settled.wait()
            if not self.is_up:
                raise ProblemError(self.state.problem or Problem("ssh.disconnected", {"host": self.target.login}))

    async def returning(self, limit: float) -> None:
        """Wait until it is up again, at most so many seconds, or as long as the user thinks about a question. Raises
        ProblemError: the reason why it is down, at once when only the user can help."""
        news = self._news.subscribe()
        try:
            async with asyncio.timeout(limit) as clock:
                while self._keeper is not None and not self.is_up and self.state.phase is not LinkPhase.NEEDS_YOU:
                    await anext(aiter(news))
                    if self.state.phase in (LinkPhase.HOST_KEY, LinkPhase.AUTH):
                        clock.reschedule(None)
                    elif clock.when() is None:
                        clock.reschedule(asyncio.get_running_loop().time() + limit)
        except (TimeoutError, StopAsyncIteration):
            pass
        finally:
            news.close()
        if not self.is_up:
            raise ProblemError(self.state.problem or Problem("ssh.disconnected", {"host": self.target.login}))

    async def order(self, do: str, within: float = 15.0, **fields: Any) -> Json:
        """Give the agent an order (:mod:`tui.agent`, :mod:`tui.agent_orders`) and return its answer.
        Raises ProblemError."""
        login = self._login
        if login is None or not self.is_up:
            raise ProblemError(self.state.problem or Problem("ssh.disconnected", {"host": self.target.login}))
        return await login.channel.order(do, within, **fields)

    async def add_forward(self, host: str, port: int, local_port: int = 0) -> Forward:
        """Open a way to ``host:port`` over there: a private socket, or 127.0.0.1:``local_port`` for the user's other
        programs. It comes back with every new connection. Raises ProblemError."""
        forwarding = await self._ways()
        for one in forwarding.wanted:
            same_end = not local_port or one.local_port == local_port
            if (one.host, one.port, one.for_user) == (host, port, bool(local_port)) and same_end:
                return one
        if local_port:
            await asyncio.to_thread(check_port, local_port)
        wanted = Forward(host, port, local_port=local_port, for_user=True)
        forward = wanted if local_port else forwarding.new(host, port)
        if not await forwarding.add(forward) and self._login is not None:
            self._again = True
            await self._login.close(Problem("ssh.disconnected", {"host": self.target.login}))
        return forward

    async def remove_forward(self, forward: Forward) -> None:
        """Close it here; the others go on."""
        await (await self._ways()).remove(forward)

    @property
    def forwards(self) -> tuple[Forward, ...]:
        return tuple(self._forwarding.wanted) if self._forwarding else ()

    def refusal_since(self, moment: float) -> Problem | None:
        """Why the far side refused to open a forwarded connection since ``moment`` (monotonic), if it did."""
        return self._login.refusal_since(moment) if self._login else None

    async def trust_new_key(self) -> None:
        """The user compared: forget the old key, take the one offered, connect. Raises ProblemError."""
        if self.changed is not None:
            client, _, _ = await self._hub.open()
            await replace_key(client, self.changed)
            self._trusted, self.changed = self.changed.offered, None
            self.retry()

    # How it looks after itself.

    async def _ways(self) -> Forwarding:
        if self._forwarding is None:
            client, folder, _ = await self._hub.open()
            self._forwarding = make_forwarding(folder, client, ("-F", "/dev/null", "--", self.target.host))
        return self._forwarding

    async def _keep(self) -> None:
        failures, interactive, was_up = 0, True, False
        while True:
            self._wake.clear()
            try:
                problem = await self._live(interactive=interactive or not was_up)
                failures, was_up = 0, True
                self._set(LinkPhase.LOST, problem)
            except ProblemError as error:
                problem = error.problem
                failures += 1
            if self._again:
                self._again = False
                continue
            if problem.code in NEEDS_YOU:
                self._set(LinkPhase.NEEDS_YOU, problem)
                self._settled.set()
                await self._wake.wait()
                failures, interactive = 0, True
            else:
                interactive = await self._pause(problem, failures)

    async def _live(self, *, interactive: bool) -> Problem:
        """One connection from its beginning to its end; the reason of its end. Raises ProblemError when it did not
        come up."""
        problem = Problem("ssh.disconnected", {"host": self.target.login})
        login: Login | None = None
        lasting = AsyncExitStack()
        try:
            async with self._jump_turn(lasting) as (words, jump):
                found = self._resolved
                scope = Scope(self.target.login, f"{found.user}@{found.host}", found.jump)
                login = self._login = Login(scope, self._timing, self._set, self.samples.publish)
                await self._log_in(login, words, jump, interactive=interactive)
            self._set(LinkPhase.FORWARDING)
            await (await self._ways()).opened()
            self._set(LinkPhase.HEALTHY)
            self._settled.set()
            problem = await self._watch(login)
            return problem
        except ProblemError as error:
            problem = error.problem
            raise
        finally:
            self._settled.clear()
            self._login, self.hello = None, None
            if login is not None:
                await asyncio.shield(login.close(problem))
            await asyncio.shield(lasting.aclose())

    @asynccontextmanager
    async def _jump_turn(self, lasting: AsyncExitStack) -> AsyncGenerator[tuple[list[str], JumpHost | None]]:
        """The command line for ssh, and the turn at the jump host while it logs in. ``lasting`` keeps the jump host for
        as long as the connection lives. Raises ProblemError."""
        self._set(LinkPhase.RESOLVING)
        client, _, _ = await self._hub.open()
        self._resolved = await resolve(client, self.target)
        forwarding = await self._ways()
        words = [client.program, *forwarding.start_words(), *essential_options(self._timing.connect)]
        if self.target.new_host_each_time:
            words += new_host_options(self._hub.known_hosts(self.target))
        jump = await self._hub.jump_host(self.target, self._resolved.jump) if self._resolved.jump else None
        async with AsyncExitStack() as stack:
            if jump is not None:
                await stack.enter_async_context(jump.turn)
                jump.users += 1
                lasting.push_async_callback(jump.leave)
                words += ["-o", f"ProxyCommand={jump.command}"]
            yield [*words, *self.target.options, *self.target.words], jump

    async def _log_in(self, login: Login, words: list[str], jump: JumpHost | None, *, interactive: bool) -> None:
        client, _, asking = await self._hub.open()
        self._set(LinkPhase.CONNECTING)
        trusted, self._trusted = self._trusted, ""
        try:
            await login.open(
                words,
                asking,
                self._ask,
                self._hub.answers,
                interactive=interactive,
                trusted=trusted,
                jump=jump,
            )
        except ProblemError:
            if login.changed is not None:
                self.changed = replace(login.changed, known=await known_prints(client, login.changed))
            raise
        self.changed = None
        self.hello = login.channel.hello.result()

    async def _watch(self, login: Login) -> Problem:
        """While the connection lives: measure the round trip, notice silence. The reason of its end."""
        over = asyncio.create_task(login.over())
        heart = asyncio.create_task(self._heart(login))
        try:
            await asyncio.wait({over, heart}, return_when=asyncio.FIRST_COMPLETED)
            return over.result() if over.done() else heart.result()
        finally:
            for task in (over, heart):
                task.cancel()
            await asyncio.gather(over, heart, return_exceptions=True)

    async def _heart(self, login: Login) -> Problem:
        """Pings until one is lost."""
        timing = self._timing
        watch = SleepWatch()
        while True:
            started = monotonic()
            ping = asyncio.create_task(login.channel.order("ping", timing.lost))
            try:
                await asyncio.wait({ping}, timeout=timing.late)
                if not ping.done():
                    self._set(LinkPhase.DEGRADED, Problem("ssh.agent_late", {"host": self.target.login}))
                    if watch.woke():
                        return Problem("ssh.woke_up", {"host": self.target.login})
                await ping
                self._set(LinkPhase.HEALTHY, round_trip=monotonic() - started)
            except ProblemError as error:
                if error.problem.code == "ssh.agent_silent":
                    return Problem("ssh.peer_silent", {"host": self.target.login})
                raise
            finally:
                ping.cancel()
            if not watch.woke():
                await asyncio.sleep(timing.ping)

    async def _pause(self, problem: Problem, failures: int) -> bool:
        """Wait before the next attempt; True when the user asked for it. A machine that was not there is looked for
        meanwhile, and a wake-up ends the pause."""
        pause = self._timing.pause(failures)
        end = monotonic() + pause
        self._set(LinkPhase.BACKOFF, problem, retry_at=end)
        self._settled.set()
        watch = SleepWatch()
        looks = problem.code in UNREACHABLE and self._resolved.direct and bool(self._resolved.host)
        while (left := end - monotonic()) > 0:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(min(left, self._timing.look)):
                    await self._wake.wait()
            if self._wake.is_set():
                return True
            if watch.woke() or (looks and await self._answers()):
                break
        self._settled.clear()
        return False

    async def _answers(self) -> bool:
        """Whether something listens at the machine's ssh port again."""
        try:
            async with asyncio.timeout(self._timing.look):
                _, writer = await asyncio.open_connection(self._resolved.host, self._resolved.port)
        except (OSError, TimeoutError):
            return False
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
        return True

    def _set(
        self,
        phase: LinkPhase,
        problem: Problem | None = None,
        *,
        round_trip: float | None = None,
        retry_at: float | None = None,
    ) -> None:
        since = self.state.since if phase is self.state.phase else monotonic()
        known = self.state.round_trip if phase in UP else None
        state = LinkState(phase, since, problem, round_trip if round_trip is not None else known, retry_at)
        if state != self.state:
            self.state = state
            self._news.publish(state)
