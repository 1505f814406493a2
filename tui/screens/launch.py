"""F6: start a server. The form, its plan before the start, the start phase by phase."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Button

from tui.config.action import Place
from tui.i18n import _
from tui.launch import records
from tui.launch.cards import choose_cards
from tui.launch.models import ModelEntry, list_models, measured
from tui.launch.prepare import Survey, prepare, survey, with_flags
from tui.launch.servers import servers
from tui.launch.starting import Spawned
from tui.launch.switching import in_place_of, without_it, words_for
from tui.launch.wish import ServeWish
from tui.lmdeploy.option_table import OPTIONS
from tui.model.launch import ServerEntry
from tui.model.problem import ProblemError
from tui.screens.bindings import bindings_for
from tui.screens.launch_form import LaunchForm
from tui.screens.launch_start import StartRoom
from tui.screens.launch_views import card_step
from tui.screens.room import TYPING_PAUSE, Site
from tui.widgets.row_view import RowView


class LaunchScreen(StartRoom):
    """``wish`` fills the form. ``replaces`` is a server of ours in whose place it is started; ``follows`` a start that
    goes on already and is only watched."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings_for(Place.LAUNCH),
        Binding("escape", "back", show=False, id="launch.back"),
    ]

    def __init__(
        self,
        site: Site,
        wish: ServeWish | None = None,
        *,
        replaces: ServerEntry | None = None,
        follows: Spawned | None = None,
    ) -> None:
        super().__init__(site, replaces)
        if wish is None and follows is not None:
            wish = ServeWish(tuple(map(str, follows.notes.get("words") or ())))
        self.form = LaunchForm(site.wish(wish), id="launch-form")
        self._follows = follows
        self._known: Survey | None = None

    def compose(self) -> ComposeResult:
        return self.form_and_view(Place.LAUNCH, self.form, self.view)

    @property
    def buttons(self) -> Mapping[str, str]:
        return {
            "start": _("Start"),
            "models": _("Models"),
            "options": _("Options"),
            "log": _("Log"),
            "servers": _("Servers"),
            "environment": _("Environment"),
        }

    @property
    def title_text(self) -> str:
        if self.state.replaces is not None:
            return self.headline(_("Another model"), _("Another model on {machine}"))
        return self.headline(_("Start a server"), _("Start a server on {machine}"))

    def on_mount(self) -> None:
        if self._follows is None:
            self.query_one("#launch-model").focus()
        else:
            self.view.focus()
            self.follow_start(self._follows)
        self.look_again()

    # ── before the start ─────────────────────────────────────────────────────────────────────────────────────────────

    @work(group="look", exclusive=True)
    async def look_again(self) -> None:
        """Look at the machine; the plan follows the form from then on."""
        wish = self.form.wish
        try:
            self.own = await asyncio.to_thread(records.own_measurements)
            known = await survey(self.machine, wish.lmdeploy, wish.environment)
            self.state.servers = await servers(self.machine)
            self._known = known
        except ProblemError as error:
            self.state.problem = error.problem
        self.state.checking = False
        self.view.rebuild()
        self._check(self.form.wish)

    @on(LaunchForm.Changed)
    def _wish_changed(self, event: LaunchForm.Changed) -> None:
        if not self.starting:
            self.state.started = False
        if self._known is not None:
            self._check(event.wish)

    @work(group="check", exclusive=True)
    async def _check(self, wish: ServeWish) -> None:
        """The plan of what is written, a moment after the last key."""
        known, self.state.named = self._known, bool(wish.command.model)
        if known is None or not wish.words:
            return
        await asyncio.sleep(TYPING_PAUSE)
        old = self.state.replaces or self._followed
        if old is not None:
            wish, known = in_place_of(wish, old), without_it(known, old)
        busy = [entry.port for entry in self.state.servers if entry.running and entry != old]
        try:
            self.state.prepared = await prepare(self.machine, wish, self.own, dry=True, busy_ports=busy, known=known)
            self.state.problem = None
            self._lend_plan()
        except ProblemError as error:
            self.state.problem = error.problem
        self.view.rebuild()

    @property
    def _followed(self) -> ServerEntry | None:
        """The running server whose start is only watched here."""
        watch = self.following
        if watch is None or self.learns:
            return None
        return next((entry for entry in self.state.servers if entry.id == watch.spawned.id), None)

    def _lend_plan(self) -> None:
        """A start that is only watched gets the plan of its words, so that its card knows which ratio fits."""
        if self.following is not None and self.following.prepared is None and self._followed is not None:
            self.following.prepared = self.state.prepared

    def choose_model(self) -> None:
        self.action_pick_model()

    @work(group="dialog", exclusive=True)
    async def action_pick_model(self) -> None:
        """The model folders of the machine, with their size and whether they fit on the card."""
        nothing = _("No model folder was found; set model_roots, or write the path.")
        model = await self.pick_model(self._models(), nothing)
        if model:
            self._take(self._with_model(model))

    async def _models(self) -> list[ModelEntry]:
        """Usable folders, measured against the card that a start would take."""
        found = [entry for entry in await list_models(self.machine, self.site.roots) if entry.problem is None]
        reading = self._known.reading if self._known else None
        try:
            card = choose_cards(reading, 1, None, {}).smallest
        except ProblemError:
            card = None
        return list(await measured(self.machine, found, card, self.form.wish.command.ratio, self.own))

    def _with_model(self, model: str) -> ServeWish:
        wish = self.form.wish
        if self.state.replaces is not None:
            return replace(wish, words=words_for(wish.words, model))
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
        if not self.starting:
            self.state.started = False
        self._check(wish)

    @property
    def command_line(self) -> Sequence[str]:
        return self.state.prepared.argv if self.state.prepared is not None else ()

    # ── the start, and what follows from it ──────────────────────────────────────────────────────────────────────────

    def action_start(self) -> None:
        """Start what is written."""
        if self.starting:
            self.note(_("A server is starting already."))
        elif self._known is None:
            self.note(_("The machine is still being looked at."))
        else:
            self.start_server(self.form.wish)
            self.view.focus()

    def start_over(self, wish: ServeWish) -> None:
        self._take(wish)
        self.action_start()

    @on(RowView.Chosen, "#launch-view")
    def _chosen(self, event: RowView.Chosen) -> None:
        key = event.row.key
        step = card_step(self.state.cards, key)
        if step is not None:
            self.do_step(self.form.wish, step)
        elif key.startswith("answer-"):
            self.answer(key.removeprefix("answer-"))
        elif key == "before" and self.state.before is not None:
            self.start_over(ServeWish(self.state.before.words))
        elif key.startswith("server-"):
            self.action_servers()

    @work(group="dialog", exclusive=True)
    async def check_environment(self) -> None:
        await self.show_environment(self.form.wish.lmdeploy)

    # ── other screens ────────────────────────────────────────────────────────────────────────────────────────────────

    def action_log(self) -> None:
        """The log of the start, or of the newest server of ours."""
        from tui.screens.logs import LogScreen

        mine = [entry for entry in self.state.servers if entry.mine and entry.log]
        if self.following is not None:
            self.app.push_screen(LogScreen(self.site, self.following.spawned.log, self.form.wish.command.model))
        elif mine:
            self.app.push_screen(LogScreen(self.site, mine[-1].log, mine[-1].model))
        else:
            self.note(_("Nothing that lmdeck started has a log here."))

    @work(group="dialog", exclusive=True)
    async def action_servers(self) -> None:
        from tui.screens.servers import ServersScreen

        landing = await self.app.push_screen_wait(ServersScreen(self.site))
        if landing is not None:
            self.dismiss(landing)
        else:
            self.look_again()

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        event.stop()
        actions = {
            "start": self.action_start,
            "models": self.action_pick_model,
            "options": self.action_add_option,
            "log": self.action_log,
            "servers": self.action_servers,
            "environment": self.check_environment,
        }
        actions[str(event.button.id)]()
