"""The app's side of machines over ssh: one set of connections for all screens, their questions as dialogs."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

from tui.i18n import _
from tui.model.problem import ProblemError
from tui.screens.app_settings import SettingsSide

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tui.hosts.machines import Machines
    from tui.hosts.remote import RemoteHost
    from tui.model.broadcast import Subscription
    from tui.model.machine import ServerThere
    from tui.model.question import ChangedKey, Question
    from tui.model.server import LinkState
    from tui.screens.dialog import Dialog
    from tui.screens.places import FarSide

Answer = TypeVar("Answer")


class MachinesSide(SettingsSide):
    """Mixed into the app. ``machines`` are made when the first one is wanted, and live until the app ends: what is
    open on a machine may change without connecting again."""

    def __init__(self) -> None:
        super().__init__()
        self._machines: Machines | None = None
        self._questions = asyncio.Lock()
        self._choices = asyncio.Lock()

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
            return await self._answer(QuestionScreen(question, QUIET_SECONDS if writing else 0.0))

    async def choose_server(self, host: str, servers: Sequence[ServerThere]) -> ServerThere | None:
        """Which of the servers on a machine is meant; asked in the chat, whose server it will be. Cancelled when the
        chat goes elsewhere."""
        from tui.screens.pick import PickScreen

        choices = [f"{one.port} {one.name or '?'}" for one in servers]
        async with self._choices:
            await self._back_in_chat()
            chosen = await self._answer(PickScreen(_("Which server on {host}?").format(host=host), choices))
        return None if chosen is None else servers[chosen]

    async def _back_in_chat(self) -> None:
        """Wait until no other screen is over the chat: the user opened that one for something else."""
        changed = asyncio.Event()

        def another_screen(_screen: object) -> None:
            changed.set()

        self.screen_change_signal.subscribe(self, another_screen, immediate=True)
        try:
            while self.screen is not self.chat:
                changed.clear()
                await changed.wait()
        finally:
            self.screen_change_signal.unsubscribe(self)

    async def _answer(self, screen: Dialog[Answer]) -> Answer | None:
        """A dialog's answer, for tasks that are no workers of Textual's. Cancelled, the dialog closes."""
        answer: asyncio.Future[Answer | None] = asyncio.get_running_loop().create_future()

        def given(value: Answer | None) -> None:
            if not answer.done():
                answer.set_result(value)

        self.call_later(self.push_screen, screen, given)
        try:
            return await answer
        finally:
            self.call_later(screen.withdraw)

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
