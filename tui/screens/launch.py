"""F6: start a server. The form, its plan before the start, the start phase by phase, the servers that run."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.screen import Screen
from textual.widgets import Button, Static

from tui.i18n import _
from tui.i18n.problems import explain
from tui.launch import records
from tui.launch.machine import Machine
from tui.launch.models import ROOTS, list_models
from tui.launch.prepare import Survey, prepare, survey, with_flags
from tui.launch.servers import may_stop, servers, stop
from tui.launch.starting import start
from tui.launch.watching import Pace, Watch
from tui.launch.wish import ServeWish
from tui.lmdeploy.option_table import OPTIONS
from tui.model.launch import NextStep, ServerEntry
from tui.model.problem import ProblemError
from tui.planner.calibration import Measurement
from tui.screens.launch_form import LaunchForm
from tui.screens.launch_views import LaunchState, LaunchView
from tui.widgets.literal import literal, one_line
from tui.widgets.row_view import RowView

_TYPING_PAUSE = 0.25


class LaunchScreen(Screen[str | None]):
    """Answers with the URL of a server that became ready (as its own machine reaches it), None when left.

    ``machine`` is where things are started; its owner closes it."""

    CSS_PATH = "../styles/launch.tcss"
    HORIZONTAL_BREAKPOINTS: ClassVar[list[tuple[int, str]]] = [(0, "-narrow"), (100, "-wide")]
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", show=False, id="launch.back"),
        Binding("f6", "start", show=False, id="launch.start"),
        Binding("f2", "pick_model", show=False, id="launch.model"),
        Binding("f3", "add_option", show=False, id="launch.option"),
        Binding("f4", "log", show=False, id="launch.log"),
    ]

    def __init__(
        self,
        machine: Machine,
        wish: ServeWish | None = None,
        *,
        roots: tuple[str, ...] = ROOTS,
        pace: Pace | None = None,
    ) -> None:
        super().__init__()
        self.state = LaunchState()
        self._machine = machine
        self._first = wish or ServeWish(())
        self._roots = roots
        self._pace = pace or Pace()
        self._known: Survey | None = None
        self._own: list[Measurement] = []
        self._following: Watch | None = None
        self._ready_url = ""

    def compose(self) -> ComposeResult:
        yield Static(literal(self._headline), id="launch-title", markup=False)
        with Horizontal(id="launch-body"):
            yield LaunchForm(self._first, id="launch-form")
            yield LaunchView(self.state, id="launch-view")
        with Horizontal(id="launch-buttons"):
            yield Button(_("Start"), id="start", variant="primary", compact=True)
            yield Button(_("Models"), id="models", compact=True)
            yield Button(_("Options"), id="options", compact=True)
            yield Button(_("Log"), id="log", compact=True)
        yield Static(id="launch-note", markup=False)
        yield Static(
            literal(_("Esc back   F6 start   F2 models   F3 options   F4 log")), id="launch-keys", markup=False
        )

    @property
    def _headline(self) -> str:
        place = self._machine.name
        return _("Start a server on {machine}").replace("{machine}", place) if place else _("Start a server")

    def on_mount(self) -> None:
        self.query_one("#launch-model").focus()
        self._look()

    @property
    def form(self) -> LaunchForm:
        return self.query_one(LaunchForm)

    @property
    def view(self) -> LaunchView:
        return self.query_one(LaunchView)

    def note(self, text: str) -> None:
        """A short sentence below; foreign words may be in it."""
        self.query_one("#launch-note", Static).update(literal(text))

    # ── before the start ─────────────────────────────────────────────────────────────────────────────────────────────

    @work(group="look", exclusive=True)
    async def _look(self) -> None:
        """Look at the machine once; the plan follows the form from then on."""
        try:
            self._own = await asyncio.to_thread(records.own_measurements)
            self._known = await survey(self._machine, self._first.lmdeploy, self._first.environment)
            self.state.servers = await servers(self._machine)
        except ProblemError as error:
            self.state.problem = error.problem
        self.state.checking = False
        self.view.rebuild()
        self._check(self.form.wish)

    @on(LaunchForm.Changed)
    def _wish_changed(self, event: LaunchForm.Changed) -> None:
        if self._known is not None:
            self._check(event.wish)

    @work(group="check", exclusive=True)
    async def _check(self, wish: ServeWish) -> None:
        """The plan of what is written, a moment after the last key."""
        if self._known is None or not wish.words:
            return
        await asyncio.sleep(_TYPING_PAUSE)
        busy = [entry.port for entry in self.state.servers if entry.running]
        try:
            self.state.prepared = await prepare(
                self._machine, wish, self._own, dry=True, busy_ports=busy, known=self._known
            )
            self.state.problem = None
        except ProblemError as error:
            self.state.problem = error.problem
        if not self.starting:
            self.state.started = False
        self.view.rebuild()

    @property
    def starting(self) -> bool:
        return any(worker.group == "start" and not worker.is_finished for worker in self.workers)

    @work(group="dialog", exclusive=True)
    async def action_pick_model(self) -> None:
        """The model folders of the machine."""
        from tui.screens.pick import PickScreen

        try:
            found = [entry for entry in await list_models(self._machine, self._roots) if entry.problem is None]
        except ProblemError as error:
            self.note(explain(error.problem).text)
            return
        if not found:
            self.note(_("No model folder was found; set model_roots, or write the path."))
            return
        lines = [f"{entry.name}  {entry.size / 2**30:.2f} GiB  {entry.format}  {entry.path}" for entry in found]
        chosen = await self.app.push_screen_wait(PickScreen(_("Models on this machine"), lines))
        if chosen is not None:
            self._take(self._with_model(found[chosen].path))

    def _with_model(self, model: str) -> ServeWish:
        wish = self.form.wish
        kept = [word for word in wish.words if word != wish.command.model]
        return replace(wish, words=(model, *kept))

    @work(group="dialog", exclusive=True)
    async def action_add_option(self) -> None:
        """Every option this release knows, with what it does."""
        from tui.screens.pick import PickScreen

        release = self.state.prepared.release if self.state.prepared else None
        known = [entry for entry in OPTIONS if release is None or entry.known_to(release)]
        lines = [f"{entry.flag}  {_(entry.about)}" + (f" {_(entry.memory)}" if entry.memory else "") for entry in known]
        chosen = await self.app.push_screen_wait(PickScreen(_("Options of lmdeploy serve api_server"), lines))
        if chosen is None:
            return
        entry = known[chosen]
        value = "" if entry.kind == "flag" else entry.choices[0] if entry.choices else str(entry.default or "")
        self._take(with_flags(self.form.wish, (entry.flag, value) if value else (entry.flag,)))
        self.query_one("#launch-words").focus()

    def _take(self, wish: ServeWish) -> None:
        self.form.show_wish(wish)
        self._check(wish)

    # ── the start ────────────────────────────────────────────────────────────────────────────────────────────────────

    @work(group="start")
    async def _start_server(self, wish: ServeWish) -> None:
        self.note("")
        try:
            busy = [entry.port for entry in await servers(self._machine) if entry.running]
            prepared = await prepare(self._machine, wish, self._own, busy_ports=busy)
            spawned = await start(self._machine, prepared)
        except ProblemError as error:
            self.state.problem = error.problem
            self.state.started = False
            self.view.rebuild()
            return
        self.state.begin()
        self._following = watch = Watch(self._machine, spawned, prepared, self._pace)
        try:
            async for event in watch.events():
                self.state.take(event)
                self.view.rebuild()
        except ProblemError as error:
            self.note(explain(error.problem).text)
            return
        if watch.ready:
            name = await records.identity(self._machine, spawned)
            await asyncio.to_thread(records.keep, prepared, spawned, watch, name)
            self._ready_url = f"http://{prepared.host}:{prepared.port}"
            self._leave_with_it()
            return
        self._look()

    def on_screen_resume(self) -> None:
        """Back from the log or a dialog: the server may have become ready meanwhile."""
        self._leave_with_it()

    def _leave_with_it(self) -> None:
        if self._ready_url and self.app.screen is self:
            url, self._ready_url = self._ready_url, ""
            self.dismiss(url)

    def action_start(self) -> None:
        """Start what is written."""
        if self.starting:
            self.note(_("A server is starting already."))
        elif self._known is None:
            self.note(_("The machine is still being looked at."))
        else:
            self._start_server(self.form.wish)

    @on(RowView.Chosen, "#launch-view")
    def _chosen(self, event: RowView.Chosen) -> None:
        key = event.row.key
        step = self.state.step(key)
        if step is not None:
            self._do(step)
        elif key.startswith("answer-"):
            self._answer(key.removeprefix("answer-"))
        elif key.startswith("server-"):
            self._ask_to_stop(int(key.removeprefix("server-")))

    def _do(self, step: NextStep) -> None:
        """What a card's button says."""
        wish = self.form.wish
        if step.kind in ("flags", "port"):
            self._take(with_flags(wish, step.flags))
            self.action_start()
        elif step.kind == "drop":
            self._take(with_flags(wish, (), step.flags))
            self.action_start()
        elif step.kind == "variables":
            self._take(replace(wish, environment={**wish.environment, **step.variables}))
            self.action_start()
        elif step.kind == "answer":
            self._answer(step.flags[0])
        elif step.kind == "model":
            self.action_pick_model()
        elif step.kind == "environment":
            self._check_environment()
        elif step.kind == "log":
            self.action_log()
        else:
            self._look()

    @work(group="answer")
    async def _answer(self, text: str) -> None:
        if self._following is None:
            return
        try:
            await self._machine.order("answer", id=self._following.spawned.id, text=text)
            self.state.question = ""
        except ProblemError as error:
            self.note(explain(error.problem).text)

    @work(group="dialog", exclusive=True)
    async def _check_environment(self) -> None:
        from tui.launch.checkup import check_machine, checkup_text
        from tui.screens.tell import TellScreen

        try:
            checkups, _driver = await check_machine(self._machine, self.form.wish.lmdeploy)
        except ProblemError as error:
            self.note(explain(error.problem).text)
            return
        text = checkup_text(checkups[0])
        if await self.app.push_screen_wait(TellScreen(_("lmdeploy's environment"), text, checkups[0].repair)):
            self.app.copy_to_clipboard(checkups[0].repair)

    # ── servers and the log ──────────────────────────────────────────────────────────────────────────────────────────

    @work(group="dialog", exclusive=True)
    async def _ask_to_stop(self, pid: int) -> None:
        """Ours after a yes; anybody else's only when its name is typed."""
        entry = next((one for one in self.state.servers if one.pid == pid), None)
        if entry is None or not await self._allowed(entry):
            return
        self.state.stops = []
        try:
            async for step in stop(self._machine, entry):
                self.state.take_stop(step)
                self.view.rebuild()
        except ProblemError as error:
            self.note(explain(error.problem).text)
        self._look()

    async def _allowed(self, entry: ServerEntry) -> bool:
        from tui.screens.ask import AskScreen
        from tui.screens.confirm import ConfirmScreen

        name = one_line(entry.name, 100)
        if entry.mine:
            question = _("Stop {name}?").replace("{name}", name)
            return bool(await self.app.push_screen_wait(ConfirmScreen(question)))
        question = _("{name} belongs to {user}. Type its name to stop it.")
        question = question.replace("{name}", name).replace("{user}", one_line(entry.user, 40) or "?")
        typed = await self.app.push_screen_wait(AskScreen(question))
        return may_stop(entry, typed or "")

    def action_log(self) -> None:
        """The log of the start, or of the newest server of ours."""
        from tui.screens.logs import LogScreen

        mine = [entry for entry in self.state.servers if entry.mine and entry.log]
        if self._following is not None:
            self.app.push_screen(LogScreen(self._machine, self._following.spawned.log, self.form.wish.command.model))
        elif mine:
            self.app.push_screen(LogScreen(self._machine, mine[-1].log, mine[-1].model))
        else:
            self.note(_("Nothing that lmdeck started has a log here."))

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        event.stop()
        actions = {
            "start": self.action_start,
            "models": self.action_pick_model,
            "options": self.action_add_option,
            "log": self.action_log,
        }
        actions[str(event.button.id)]()

    def action_back(self) -> None:
        """Leave; a server that is starting goes on, and is listed the next time."""
        self.dismiss(None)
