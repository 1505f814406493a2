"""Quantise a model to 4 bits: the form, what it would gain, the progress, the report, and the server of the result."""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Button

from tui.config.action import Place
from tui.i18n import _
from tui.launch.models import ModelEntry, list_models
from tui.launch.prepare import Survey, survey
from tui.launch.quantise import QuantiseWatch, prepare_quantise, quantisations, start_quantise
from tui.launch.starting import Spawned, spawned
from tui.launch.wish import ServeWish
from tui.model.launch import Diagnosis, LaunchQuestion, NextStep, QuantiseReport
from tui.model.problem import ProblemError
from tui.screens.bindings import bindings_for
from tui.screens.launch_views import card_step
from tui.screens.quantise_form import QuantiseForm
from tui.screens.quantise_views import QuantiseState, QuantiseView
from tui.screens.room import TYPING_PAUSE, FormRoom, Site
from tui.widgets.literal import one_line
from tui.widgets.row_view import RowView


class QuantiseScreen(FormRoom):
    """``wish`` fills the form; ``follows`` is a quantisation that goes on or ended; it is shown from its beginning."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings_for(Place.QUANTISE),
        Binding("escape", "back", show=False, id="quantise.back"),
    ]

    def __init__(self, site: Site, wish: ServeWish | None = None, *, follows: Spawned | None = None) -> None:
        super().__init__(site)
        self.state = QuantiseState()
        self.form = QuantiseForm(site.wish(wish), id="quantise-form")
        self.view = QuantiseView(self.state, id="quantise-view")
        self.following: QuantiseWatch | None = None
        self._follows = follows
        self._known: Survey | None = None
        self._overwrite = ""

    def compose(self) -> ComposeResult:
        return self.form_and_view(Place.QUANTISE, self.form, self.view)

    @property
    def buttons(self) -> Mapping[str, str]:
        return {"start": _("Start"), "models": _("Models"), "log": _("Log"), "environment": _("Environment")}

    @property
    def title_text(self) -> str:
        return self.headline(_("Quantise a model"), _("Quantise a model on {machine}"))

    def on_mount(self) -> None:
        if self._follows is not None:
            self.view.focus()
            self._follow(self._follows)
        else:
            self.query_one("#quantise-model").focus()
        self._look()

    # ── before the start ─────────────────────────────────────────────────────────────────────────────────────────────

    @work(group="look", exclusive=True)
    async def _look(self) -> None:
        wish = self.form.wish
        try:
            self.state.known = quantisations(await spawned(self.machine))
            self._known = known = await survey(self.machine, wish.lmdeploy, wish.environment)
        except ProblemError as error:
            self.state.problem = error.problem
        else:
            from tui.launch.installs import release_of

            release = next((found for one in known.installations if (found := release_of(one))), None)
            if release is not None:
                self.form.offer_datasets(release)
        self.state.checking = False
        self.view.rebuild()
        self._check(self.form.wish)

    @on(QuantiseForm.Changed)
    def _wish_changed(self, event: QuantiseForm.Changed) -> None:
        if not self.running:
            self.state.started = False
        self._check(event.wish)

    @work(group="check", exclusive=True)
    async def _check(self, wish: ServeWish) -> None:
        """What the form comes to, a moment after the last key."""
        state = self.state
        if self._known is None or not wish.words or wish.words[0].startswith("--"):
            return
        await asyncio.sleep(TYPING_PAUSE)
        try:
            state.prepared = await prepare_quantise(
                self.machine, wish, dry=True, overwrite=self._may_overwrite(wish), known=self._known
            )
            state.problem = None
        except ProblemError as error:
            state.prepared, state.problem = None, error.problem
        self.view.rebuild()

    def _may_overwrite(self, wish: ServeWish) -> bool:
        """Whether the user allowed it for just this wish."""
        return self._overwrite == shlex.join(wish.words)

    @work(group="dialog", exclusive=True)
    async def action_pick_model(self) -> None:
        """The 16-bit model folders of the machine."""
        nothing = _("No 16-bit model folder was found; set model_roots, or write the path.")
        model = await self.pick_model(self._models(), nothing)
        if model:
            self.form.set_model(model)

    async def _models(self) -> list[ModelEntry]:
        found = [one for one in await list_models(self.machine, self.site.roots) if one.problem is None]
        return [one for one in found if one.config is not None and not one.config.quant_method]

    @property
    def command_line(self) -> Sequence[str]:
        return self.state.prepared.argv if self.state.prepared is not None else ()

    # ── the quantisation ─────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def running(self) -> bool:
        return any(worker.group == "run" and not worker.is_finished for worker in self.workers)

    def action_start(self) -> None:
        """Start what the form says."""
        if self.running:
            self.note(_("A quantisation is being watched; it goes on when this screen is left."))
        else:
            self._start(self.form.wish)
            self.view.focus()

    @work(group="run")
    async def _start(self, wish: ServeWish) -> None:
        self.note("")
        try:
            prepared = await prepare_quantise(self.machine, wish, overwrite=self._may_overwrite(wish))
            begun = await start_quantise(self.machine, prepared)
        except ProblemError as error:
            self.state.started, self.state.problem = False, error.problem
            self.view.rebuild()
            return
        await self._watch(begun)

    @work(group="run")
    async def _follow(self, begun: Spawned) -> None:
        """Show one from its beginning: after a lost link, or one that another lmdeck started."""
        await self._watch(begun)

    async def _watch(self, begun: Spawned) -> None:
        self.state.begin(str(begun.notes.get("model", "")))
        self.following = watch = QuantiseWatch(self.machine, begun, self.site.pace.log)
        self.view.rebuild()
        try:
            async with aclosing(watch.events()) as events:
                async for event in events:
                    self.state.take(event)
                    self.view.rebuild()
                    if isinstance(event, (Diagnosis, QuantiseReport)):
                        self.view.reveal()
                    elif isinstance(event, LaunchQuestion):
                        self._ask(event.text)
        except ProblemError as error:
            self.state.lost = error.problem
            self.view.rebuild()

    @work(group="question", exclusive=True)
    async def _ask(self, text: str) -> None:
        """The program asks: so is the user. Without an answer the question stays on the screen."""
        from tui.screens.confirm import ConfirmScreen

        wanted = await self.app.push_screen_wait(ConfirmScreen(one_line(text, 400)))
        if wanted is not None and self.state.question:
            self._answer("y" if wanted else "n")

    @work(group="answer")
    async def _answer(self, text: str) -> None:
        if self.following is None:
            return
        self.state.question = ""
        try:
            await self.following.answer(text)
        except ProblemError as error:
            self.complain(error.problem)
        self.view.rebuild()

    # ── rows that are buttons ────────────────────────────────────────────────────────────────────────────────────────

    @on(RowView.Chosen, "#quantise-view")
    def _chosen(self, event: RowView.Chosen) -> None:
        key, state = event.row.key, self.state
        step = card_step(state.cards, key)
        if step is not None:
            self._do(step)
        elif key.startswith("answer-"):
            self._answer(key.removeprefix("answer-"))
        elif key == "use-free" and state.problem is not None:
            self.form.set_work_dir(str(state.problem.data["free"]))
        elif key == "overwrite":
            self._allow_overwriting()
        elif key == "start-it" and state.report is not None:
            self._start_server(state.report.folder)
        elif key == "again" and self.following is not None:
            self._follow(self.following.spawned)
        elif key.startswith("known-"):
            self._follow(next(one for one in state.known if f"known-{one.id}" == key))

    @work(group="dialog", exclusive=True)
    async def _allow_overwriting(self) -> None:
        from tui.screens.confirm import ConfirmScreen

        wish, problem = self.form.wish, self.state.problem
        folder = one_line(str(problem.data.get("folder", "")), 200) if problem is not None else ""
        question = _("Write into {folder}? Files of the same names are replaced.").replace("{folder}", folder)
        if await self.app.push_screen_wait(ConfirmScreen(question)):
            self._overwrite = shlex.join(wish.words)
            self._check(wish)

    @work(group="dialog", exclusive=True)
    async def _start_server(self, folder: str) -> None:
        """A server with the model that was made."""
        from tui.screens.launch import LaunchScreen

        wish = ServeWish((folder, "--model-format", "awq"))
        landing = await self.app.push_screen_wait(LaunchScreen(self.site, wish))
        if landing is not None:
            self.dismiss(landing)

    def _do(self, step: NextStep) -> None:
        """What a card's button says."""
        match step.kind:
            case "flags":
                self.form.set_words(step.flags)
                self.action_start()
            case "variables":
                self.form.set_hub(step.variables)
                self.action_start()
            case "answer":
                self._answer(step.flags[0])
            case "model":
                self.action_pick_model()
            case "environment":
                self._check_environment()
            case _:
                self.action_log()

    @work(group="dialog", exclusive=True)
    async def _check_environment(self) -> None:
        await self.show_environment(self.form.wish.lmdeploy)

    def action_log(self) -> None:
        from tui.screens.logs import LogScreen

        if self.following is None:
            self.note(_("No quantisation is shown whose log could be read."))
        else:
            self.app.push_screen(LogScreen(self.site, self.following.spawned.log, self.state.model))

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        event.stop()
        actions = {
            "start": self.action_start,
            "models": self.action_pick_model,
            "log": self.action_log,
            "environment": self._check_environment,
        }
        actions[str(event.button.id)]()
