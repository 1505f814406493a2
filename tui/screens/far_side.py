"""The app's side of machines over ssh: one set of connections for all screens, their questions as dialogs."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

from tui.i18n import _
from tui.model.problem import ProblemError
from tui.screens.app_settings import SettingsSide

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.screen import Screen

    from tui.hosts.machines import Machines
    from tui.hosts.remote import RemoteHost
    from tui.model.broadcast import Subscription
    from tui.model.machine import ServerThere
    from tui.model.question import ChangedKey, Question
    from tui.model.server import LinkState
    from tui.screens.places import FarSide

Answer = TypeVar("Answer")


class MachinesSide(SettingsSide):
    """Mixed into the app. ``machines`` are made when the first one is wanted, and live until the app ends: what is
    open on a machine may change without connecting again."""

    def __init__(self) -> None:
        super().__init__()
        self._machines: Machines | None = None
        self._questions = asyncio.Lock()

    @property
    def machines(self) -> Machines:
        """The machines over ssh; none is connected before somebody asks for it."""
        if self._machines is None:
            from tui.hosts.machines import Machines

            self._machines = Machines(self.ask_user)
            self.run_worker(self._follow_machines(self._machines.subscribe()), group="machines")
        return self._machines

    @property
    def far(self) -> FarSide:
        """What a workspace needs of this."""
        from tui.screens.places import FarSide

        return FarSide(self.machines, self.choose_server)

    async def on_unmount(self) -> None:
        if self._machines is not None:
            await self._machines.aclose()

    # questions

    async def ask_user(self, question: Question) -> str | None:
        """Ask the user for ssh; one question at a time. Cancelled when ssh no longer waits."""
        from tui.screens.questions import QUIET_SECONDS, QuestionScreen

        async with self._questions:
            writing = self.chat.is_running and self.screen is self.chat and bool(self.chat.composer.draft)
            screen = QuestionScreen(question, QUIET_SECONDS if writing else 0.0)
            try:
                return await self._answer(screen)
            finally:
                self.call_later(screen.withdraw)

    async def choose_server(self, host: str, servers: Sequence[ServerThere]) -> ServerThere | None:
        """Which of the servers on a machine is meant."""
        from tui.screens.pick import PickScreen

        question = _("Which server on {host}?").format(host=host)
        choices = [f"{one.port} {one.name or '?'}" for one in servers]
        chosen = await self._answer(PickScreen(question, choices))
        return None if chosen is None else servers[chosen]

    async def _answer(self, screen: Screen[Answer]) -> Answer | None:
        """A dialog's answer, for tasks that are no workers of Textual's."""
        answer: asyncio.Future[Answer | None] = asyncio.get_running_loop().create_future()

        def given(value: Answer | None) -> None:
            if not answer.done():
                answer.set_result(value)

        self.call_later(self.push_screen, screen, given)
        return await answer

    # what the links say

    async def _follow_machines(self, news: Subscription[tuple[RemoteHost, ...]]) -> None:
        """Follow every machine's link from its first state on."""
        followed: set[RemoteHost] = set()
        try:
            async for hosts in news:
                for host in hosts:
                    if host not in followed:
                        followed.add(host)
                        following = self._follow_link(host, host.link.subscribe())
                        self.run_worker(following, group=f"link {id(host)}")
        finally:
            news.close()

    async def _follow_link(self, host: RemoteHost, states: Subscription[LinkState]) -> None:
        from tui.model.server import LinkPhase

        shown: ChangedKey | None = None
        try:
            async for _state in states:
                changed = host.link.changed
                if changed is not None and changed is not shown and host.link.state.phase is LinkPhase.NEEDS_YOU:
                    shown = changed
                    await self._changed_key(host, changed)
        finally:
            states.close()

    async def _changed_key(self, host: RemoteHost, changed: ChangedKey) -> None:
        """The machine shows another host key: compare, replace, or leave it."""
        from tui.screens.questions import ChangedKeyScreen

        async with self._questions:
            answer = await self._answer(ChangedKeyScreen(host.name, changed))
        if answer == "replace":
            try:
                await host.link.trust_new_key()
            except ProblemError as error:
                self.chat.tell(error.problem)
