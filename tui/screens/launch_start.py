"""The start itself: a new server, one in another's place, or one that is starting already; what its cards offer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace

from textual import work

from tui.i18n.problems import explain
from tui.launch import records
from tui.launch.prepare import prepare, with_flags
from tui.launch.servers import servers
from tui.launch.starting import Spawned, start
from tui.launch.switching import Switch
from tui.launch.watching import Watch
from tui.launch.wish import ServeWish
from tui.model.launch import Diagnosis, LaunchEvent, LaunchQuestion, NextStep, ServerEntry, StopStep
from tui.model.problem import ProblemError
from tui.planner.calibration import Measurement
from tui.screens.launch_views import LaunchState, LaunchView
from tui.screens.room import FormRoom, Landing, Site, landing_on


class StartRoom(FormRoom):
    """Starts and watches. ``replaces`` is a server of ours that the new one takes the place of; it is forgotten once
    it was stopped, and what is reached then still keeps the conversation."""

    def __init__(self, site: Site, replaces: ServerEntry | None = None) -> None:
        super().__init__(site)
        self.state = LaunchState(replaces=replaces)
        self.view = LaunchView(self.state, id="launch-view")
        self.own: list[Measurement] = []
        self.following: Watch | None = None
        self.learns = True
        self._switches = replaces is not None
        self._landing: Landing | None = None

    @property
    def starting(self) -> bool:
        return any(worker.group == "start" and not worker.is_finished for worker in self.workers)

    def start_over(self, wish: ServeWish) -> None:
        """Show a wish in the form and start it: what a card's button does."""
        raise NotImplementedError

    def look_again(self) -> object:
        """Look at the machine anew: its servers and its cards changed."""
        raise NotImplementedError

    def choose_model(self) -> object:
        raise NotImplementedError

    def action_log(self) -> object:
        raise NotImplementedError

    def action_servers(self) -> object:
        raise NotImplementedError

    def check_environment(self) -> object:
        raise NotImplementedError

    # ── from the start to the end ────────────────────────────────────────────────────────────────────────────────────

    @work(group="start")
    async def start_server(self, wish: ServeWish) -> None:
        """Start it, or switch to it, and follow it to its end."""
        self.note("")
        self.following, self.learns = None, True
        await self._follow(self._switched(wish) if self.state.replaces else self._started(wish))

    @work(group="start")
    async def follow_start(self, spawned: Spawned) -> None:
        """Watch a start that somebody began earlier: from its log's first line. The card as it was before is not known
        any more, so nothing is learnt from it."""
        self.learns = False
        self.state.begin()
        self.following = Watch(self.machine, spawned, None, self.site.pace)
        await self._follow(self.following.events())

    async def _started(self, wish: ServeWish) -> AsyncGenerator[LaunchEvent]:
        busy = [entry.port for entry in await servers(self.machine) if entry.running]
        prepared = await prepare(self.machine, wish, self.own, busy_ports=busy)
        spawned = await start(self.machine, prepared)
        self.state.begin()
        self.following = Watch(self.machine, spawned, prepared, self.site.pace)
        async for event in self.following.events():
            yield event

    async def _switched(self, wish: ServeWish) -> AsyncGenerator[StopStep | LaunchEvent]:
        old = self.state.replaces
        assert old is not None  # noqa: S101 (the caller looked)
        switch = Switch(self.machine, old, wish, self.own, self.site.pace)
        began = False
        async for event in switch.events():
            if not began:
                began = True
                self.state.begin()
            if isinstance(event, StopStep) and event.done and event.alive == 0:
                self.state.replaces, self.state.before = None, old
            self.following = switch.watch or self.following
            yield event

    async def _follow(self, events: AsyncGenerator[StopStep | LaunchEvent]) -> None:
        try:
            async with aclosing(events):
                async for event in events:
                    self.state.take(event)
                    self.view.rebuild()
                    if isinstance(event, Diagnosis):
                        self.view.reveal()
                    elif isinstance(event, LaunchQuestion):
                        self.ask(event.text)
        except ProblemError as error:
            self.refused(error)
            return
        watch = self.following
        if watch is not None and watch.ready:
            await self._arrived(watch)
        else:
            self.look_again()

    def refused(self, error: ProblemError) -> None:
        """It was not started, or the machine cannot be asked any more; a server that was started goes on."""
        if self.following is not None and self.state.started:
            self.note(explain(error.problem).text)
        else:
            self.state.problem = error.problem
        self.view.rebuild()

    async def _arrived(self, watch: Watch) -> None:
        prepared, spawned = watch.prepared, watch.spawned
        if prepared is not None and self.learns:
            name = await records.identity(self.machine, spawned)
            await asyncio.to_thread(records.keep, prepared, spawned, watch, name)
        notes = spawned.notes
        host, port = str(notes.get("host") or ""), int(notes.get("port") or 0)
        words = tuple(map(str, notes.get("words") or ()))
        entry = ServerEntry(spawned.pid, str(notes.get("model", "")), port, spawned.id, host, mine=True, words=words)
        self._landing = landing_on(entry, keeps=self._switches)
        self._leave_with_it()

    def on_screen_resume(self) -> None:
        """Back from the log or a dialog: the server may have become ready meanwhile."""
        self._leave_with_it()

    def _leave_with_it(self) -> None:
        if self._landing is not None and self.app.screen is self:
            landing, self._landing = self._landing, None
            self.dismiss(landing)

    # ── questions and cards ──────────────────────────────────────────────────────────────────────────────────────────

    @work(group="question", exclusive=True)
    async def ask(self, text: str) -> None:
        """The program asks: so is the user. Without an answer the question stays on the screen."""
        from tui.screens.confirm import ConfirmScreen
        from tui.widgets.literal import one_line

        wanted = await self.app.push_screen_wait(ConfirmScreen(one_line(text, 400)))
        if wanted is not None and self.state.question:
            self.answer("y" if wanted else "n")

    @work(group="answer")
    async def answer(self, text: str) -> None:
        """Type a line into the program."""
        if self.following is None:
            return
        self.state.question = ""
        try:
            await self.machine.order("answer", id=self.following.spawned.id, text=text)
        except ProblemError as error:
            self.complain(error.problem)
        self.view.rebuild()

    def do_step(self, wish: ServeWish, step: NextStep) -> None:
        """What a card's button says."""
        match step.kind:
            case "flags" | "port":
                self.start_over(with_flags(wish, step.flags))
            case "drop":
                self.start_over(with_flags(wish, (), step.flags))
            case "variables":
                self.start_over(replace(wish, environment={**wish.environment, **step.variables}))
            case "answer":
                self.answer(step.flags[0])
            case "model":
                self.choose_model()
            case "environment":
                self.check_environment()
            case "log":
                self.action_log()
            case "stop-other":
                self.action_servers()
            case "wait":
                self.state.drop_card(step)
                self.view.rebuild()
