"""A machine over ssh: its link, its GPUs, its servers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from tui.config.profiles import Profile
from tui.hosts.host import Json
from tui.hosts.orders import OrderingHost
from tui.hosts.remote_gpu import RemoteGpuSource, SamplePace
from tui.hosts.tunnel import TunnelEndpoint
from tui.model.gpu import GpuSource
from tui.model.problem import Problem, ProblemError
from tui.model.question import Asker, Question, QuestionKind
from tui.server.transport import Timeouts
from tui.ssh.command_line import with_options
from tui.ssh.forwards import Forward
from tui.ssh.hub import Hub
from tui.ssh.link import Link
from tui.ssh.target import Target, parse_target
from tui.ssh.timing import Timing
from tui.ssh_words import option_words


class RemoteHost(OrderingHost):
    """A machine that is reached through one ssh process. ``link`` says where the connection stands and is what
    reconnects, disconnects and compares keys. Nothing is left on the machine but what ``spawn`` was asked for."""

    def __init__(self, target: Target, ask: Asker, hub: Hub | None = None, timing: Timing | None = None) -> None:
        self._own_hub = Hub() if hub is None else None
        self.link = Link(target, ask, hub or self._own_hub or Hub(), timing)
        self._pace = SamplePace(self.link)
        self._gpus: RemoteGpuSource | None = None

    @property
    def name(self) -> str:
        return self.link.target.login

    @property
    def target(self) -> Target:
        return self.link.target

    @property
    def gpus(self) -> GpuSource:
        """The machine's GPUs; sampled only while somebody reads them."""
        return self._source()

    def new_gpu_source(self) -> RemoteGpuSource:
        """The GPUs for somebody who closes his source himself (a monitor); all share the agent's samples."""
        return RemoteGpuSource(self.link, self._pace)

    def _source(self) -> RemoteGpuSource:
        if self._gpus is None:
            self._gpus = self.new_gpu_source()
        return self._gpus

    async def _order(self, do: str, within: float = 15.0, **fields: Any) -> Json:
        return await self.link.order(do, within, **fields)

    async def endpoint(
        self,
        api_key: str | None = None,
        model: str | None = None,
        *,
        server: tuple[str, int] | None = None,
        timeouts: Timeouts | None = None,
    ) -> TunnelEndpoint:
        """A server on this machine, ``(host, port)`` as seen from there, the target's own by default. Several share
        the connection. To be closed by the caller. Raises ProblemError."""
        host, port = server or (self.target.server_host, self.target.server_port)
        forward = await self.link.add_forward(host, port)
        return TunnelEndpoint(self.link, forward, api_key, model, timeouts=timeouts)

    async def open_port(self, port: int, local_port: int | None = None) -> Forward:
        """``/forward PORT``: 127.0.0.1:``local_port`` (the same number by default) leads to that port of the machine's
        loopback, for browsers and scripts. Raises ProblemError(ssh.port_taken)."""
        return await self.link.add_forward("127.0.0.1", port, port if local_port is None else local_port)

    async def close_port(self, port: int) -> None:
        """Close what :meth:`open_port` opened to that port."""
        for forward in self.link.forwards:
            if forward.port == port and forward.for_user:
                await self.link.remove_forward(forward)

    async def aclose(self) -> None:
        """End the connection. Endpoints are closed by their owners, before."""
        if self._gpus is not None:
            await self._gpus.aclose()
        await self._pace.aclose()
        await self.link.aclose()
        if self._own_hub is not None:
            await self._own_hub.aclose()


def target_of(profile: Profile) -> Target:
    """Where a profile's machine and server are. Raises ProblemError."""
    target = parse_target(f"ssh://{profile.ssh.removeprefix('ssh://')}/{profile.ssh_server}")
    named = profile.ssh_server != Profile(profile.name).ssh_server
    target = replace(target, new_host_each_time=profile.new_host_each_time, names_server=named)
    return with_options(target, option_words(profile.ssh_options))


async def open_remote(
    target: str | Target | Profile,
    questions: Asker,
    *,
    options: Sequence[str] = (),
    hub: Hub | None = None,
    timing: Timing | None = None,
) -> RemoteHost:
    """A host whose link is being connected; ``await host.link.up()`` waits for it.

    ``target`` is a URL, an alias, a pasted ssh line, a Target or a profile; ``options`` are more words for ssh. An
    option of a pasted line that runs a program here is asked about first. Raises ProblemError: what
    :func:`tui.ssh.target.parse_target` says, or ssh.dangerous_refused."""
    host = RemoteHost(await confirmed(read_target(target, options), questions), questions, hub, timing)
    host.link.connect()
    return host


def read_target(target: str | Target | Profile, options: Sequence[str] = ()) -> Target:
    """What a URL, an alias, a pasted line or a profile means, with more options for ssh. Raises ProblemError."""
    if isinstance(target, Profile):
        found = target_of(target)
    else:
        found = parse_target(target) if isinstance(target, str) else target
    return with_options(found, options)


async def confirmed(target: Target, questions: Asker) -> Target:
    """The target with the user's yes to options that run programs here. Raises ProblemError(ssh.dangerous_refused)."""
    if not target.dangerous:
        return target
    prompt = " ".join(target.dangerous)
    answer = await questions(Question(QuestionKind.CONFIRM, prompt, target.login, subject="options"))
    if (answer or "").strip().lower() not in ("y", "yes"):
        raise ProblemError(Problem("ssh.dangerous_refused", {"options": prompt[:200]}))
    return target.accepted()
