"""F5: the planner. A form, the plan it asks for, another plan beside it, and the table of all starts."""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.screen import Screen
from textual.style import Style
from textual.widgets import Static

from tui.config.action import Place
from tui.hosts.memory_state import server_bytes
from tui.hosts.run_keeper import RunKeeper
from tui.i18n import N_, _
from tui.i18n.problems import explain
from tui.model.monitor import Attention
from tui.model.plan import Plan, Run
from tui.model.problem import Problem, ProblemError
from tui.planner.cli import resolve_model
from tui.planner.desk import Answer, Model, Wish, ask, changed, tokens_in, wish_of
from tui.planner.models import candidates
from tui.planner.picture import picture
from tui.planner.planning import plan
from tui.planner.runs import markdown
from tui.screens.bindings import bindings_for
from tui.screens.planner_form import PlannerForm
from tui.screens.planner_views import PlanView, RunsView, Shown
from tui.widgets.keyline import PlaceLine
from tui.widgets.lines import OneRow
from tui.widgets.literal import literal
from tui.widgets.plan_rows import Planned, Sizes, sizes_of
from tui.widgets.row_view import RowView

if TYPE_CHECKING:
    from tui.planner.calibration import Measurement
    from tui.screens.seam import MemoryWatch


class PagesLine(OneRow):
    """The two pages of the planner; a click goes to the other one."""

    def render(self) -> Content:
        runs = self.screen.has_class("-runs")
        pieces = [
            Content.styled(_("Planner"), "bold"),
            _tab(_("plan"), chosen=not runs),
            _tab(_("runs"), chosen=runs),
        ]
        return Content("   ").join(pieces)


def _tab(text: str, *, chosen: bool) -> Content:
    if chosen:
        return Content.styled(f"[{text}]", "bold $text-accent")
    return Content(f" {text} ").stylize(Style.from_meta({"@click": "screen.switch_page"}))


class PlannerScreen(Screen[None]):
    """``memory`` is the monitor of the server that is connected, for its card, its flags and what was measured.
    ``launch`` takes the words of a command line and lets the user start it; without it the command can be copied."""

    CSS_PATH = "../styles/planner.tcss"
    HORIZONTAL_BREAKPOINTS: ClassVar[list[tuple[int, str]]] = [(0, "-narrow"), (100, "-wide"), (130, "-roomy")]
    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings_for(Place.PLANNER),
        Binding("escape", "back", show=False, id="planner.back"),
        Binding("up", "app.focus_previous", show=False, id="planner.up"),
        Binding("down", "app.focus_next", show=False, id="planner.down"),
    ]

    def __init__(
        self, memory: MemoryWatch | None = None, launch: Callable[[Sequence[str]], None] | None = None
    ) -> None:
        super().__init__()
        self._launch = launch
        self._memory = memory
        self._keeper = (memory.keeper if memory is not None else None) or RunKeeper()
        self._own: tuple[Measurement, ...] = ()
        self._model: Model | None = None
        self._problem: Problem | None = None
        self._pinned: Answer | None = None
        self._runs: tuple[Run, ...] = ()
        self._base: str = ""
        self._seen: tuple[Sizes, Sizes] | None = None
        self.answer: Answer | None = None

    def compose(self) -> ComposeResult:
        yield PagesLine(id="planner-pages")
        with Horizontal(id="planner-body"):
            yield PlannerForm(self._first_wish(), id="planner-form")
            yield PlanView(id="plan")
            yield PlanView(id="pinned")
        yield RunsView(id="runs")
        yield Static(id="planner-note", markup=False)
        yield PlaceLine(Place.PLANNER, N_("Esc back"), id="planner-keys")

    def on_mount(self) -> None:
        self.query_one("#form-ratio").focus()
        self._load()
        if self._memory is not None:
            self._follow(self._memory)

    @work(group="memory")
    async def _follow(self, memory: MemoryWatch) -> None:
        """Show what the server measures as soon as it is known."""
        subscription = memory.subscribe()
        try:
            with memory.watching(Attention.SHOWN):
                async for _state in subscription:
                    if self._measured() != self._seen:
                        self._show()
        finally:
            subscription.close()

    @work(group="load")
    async def _load(self) -> None:
        self._own = await self._keeper.measurements()
        self._find_model(self.form.wish.model)

    def retranslate(self) -> None:
        self._show()

    @property
    def form(self) -> PlannerForm:
        return self.query_one(PlannerForm)

    def note(self, text: str) -> None:
        """A short sentence below; foreign words may be in it."""
        self.query_one("#planner-note", Static).update(literal(text))

    # the wish

    def _first_wish(self) -> Wish:
        """What the running server was started with; else the card that is there; else the course's example."""
        memory = self._memory
        question = memory.question() if memory is not None else None
        if memory is not None and question is not None:
            return wish_of(question, memory.state.model or question.checkpoint.name)
        if memory is None or not memory.state.cards:
            return Wish()
        card = memory.state.cards[0].breakdown
        total, free = card.total.bytes, card.free.bytes
        return Wish(
            card=Wish().card if total is None else f"{total / 2**30:.2f}GiB",
            free="" if free is None else f"{free / 2**30:.2f}GiB",
            gpu_name=card.name,
        )

    def _take(self, wish: Wish) -> None:
        self.form.show_wish(wish)
        self._find_model(wish.model)

    @on(PlannerForm.Changed)
    def _wish_changed(self, event: PlannerForm.Changed) -> None:
        if event.model:
            self._find_model(event.wish.model)
        else:
            self._show()

    @work(group="model", exclusive=True)
    async def _find_model(self, name: str) -> None:
        """Read the model's folder, or find the model by its name; then show the plan."""
        try:
            self._model = await asyncio.to_thread(_resolve, name)
            self._problem = None
        except ProblemError as error:
            self._model, self._problem = None, error.problem
        self._show()

    # the plan

    def _show(self) -> None:
        wish = self.form.wish
        if self._model is None:
            self.answer = Answer(wish, problem=self._problem)
        else:
            self.answer = ask(wish, self._model, self._own)
        kept, self._seen = self._planned(self._pinned), self._measured()
        pinned = self.query_one("#pinned", PlanView)
        pinned.set_class(kept is not None, "-kept")
        pinned.show(Shown(kept, title=_("kept")))
        self.query_one("#plan", PlanView).show(
            Shown(
                self._planned(self.answer),
                title=_("this plan") if kept is not None else "",
                problem=self.answer.problem,
                beside=kept,
                measured=self._seen,
            )
        )

    def _planned(self, answer: Answer | None) -> Planned | None:
        if answer is None or answer.plan is None or answer.question is None:
            return None
        return Planned(
            answer.question,
            answer.plan,
            picture(answer.question, answer.plan),
            answer.largest,
            answer.wish.leave,
            answer.card,
            shlex.join(answer.command),
        )

    def _measured(self) -> tuple[Sizes, Sizes] | None:
        """What was predicted for the server that runs, and what it holds; None when it is not known."""
        memory = self._memory
        question = memory.question() if memory is not None else None
        if memory is None or question is None or not memory.state.cards:
            return None
        card = memory.state.cards[0].breakdown
        held = server_bytes(card)
        if held is None or card.kv_cache.bytes is None or memory.state.starting is not None:
            return None
        try:
            predicted: Plan = plan(question, self._own)
        except ProblemError:
            return None
        tokens = tokens_in(question, predicted, card.kv_cache.bytes)
        seen = Sizes(_("measured"), card.weights.bytes, card.kv_cache.bytes, card.other.bytes, held, tokens)
        return sizes_of(_("plan"), predicted), seen

    @on(RowView.Chosen, "#plan")
    @on(RowView.Chosen, "#pinned")
    def _figure_chosen(self, event: RowView.Chosen) -> None:
        answer = self.answer if event.view.id == "plan" else self._pinned
        if answer is None or answer.plan is None:
            return
        if event.row.key == "largest" and answer.largest is not None:
            self._take(changed(self.form.wish, ratio=answer.largest))
        else:
            self._explain(event.row.key, answer.plan)

    @work(group="explain", exclusive=True)
    async def _explain(self, key: str, answer: Plan) -> None:
        from tui.screens.explain import ExplainScreen, Page, part_title

        explanation = answer.explanations.get(key)
        if explanation is not None:
            await self.app.push_screen_wait(ExplainScreen(Page(part_title(key), explanation=explanation)))

    # what a user does

    def action_back(self) -> None:
        self.dismiss(None)

    @work(group="dialog")
    async def action_pick_model(self) -> None:
        from tui.screens.pick import PickScreen

        names = await asyncio.to_thread(candidates)
        now = self.form.wish.model
        chosen = await self.app.push_screen_wait(
            PickScreen(_("Models to plan for"), names, names.index(now) if now in names else 0)
        )
        if chosen is not None:
            self._take(changed(self.form.wish, model=names[chosen], weights="stored"))

    def action_pin(self) -> None:
        """Keep this plan beside the next ones; again: forget it."""
        if self._pinned is not None:
            self._pinned = None
        elif self.answer is not None and self.answer.plan is not None:
            self._pinned = self.answer
            self.note(_("Kept. Change something: the difference is shown."))
        self._show()

    def action_take_server(self) -> None:
        memory = self._memory
        question = memory.question() if memory is not None else None
        if memory is None or question is None:
            self.note(_("Nothing is known of a running server's model and card."))
        else:
            self._take(wish_of(question, memory.state.model or question.checkpoint.name))

    def action_copy(self) -> None:
        """The command line, or the table of runs as Markdown."""
        if self.has_class("-runs"):
            text = markdown(self._runs, self._base_run) if self._runs else ""
        else:
            text = shlex.join(self.answer.command) if self.answer is not None else ""
        if not text:
            self.note(_("There is nothing to copy."))
            return
        self.app.copy_to_clipboard(text)
        self.note(_("Sent to the terminal's clipboard: {count} characters.").format(count=f"{len(text):,}"))

    def action_launch_plan(self) -> None:
        """Hand the plan to the launcher; without one the command is copied."""
        if self.answer is None or not self.answer.command:
            self.note(_("There is no plan to start."))
        elif self._launch is None:
            self.action_copy()
        else:
            self.dismiss(None)
            self._launch(self.answer.command)

    # the runs

    def action_switch_page(self) -> None:
        self.toggle_class("-runs")
        self.query_one(PagesLine).refresh()
        self.note("")
        if self.has_class("-runs"):
            self._show_runs()
            self.call_after_refresh(self.query_one(RunsView).focus)
        else:
            self.call_after_refresh(self.query_one("#form-ratio").focus)

    @work(group="runs", exclusive=True)
    async def _show_runs(self) -> None:
        self._runs = await self._keeper.runs()
        self.query_one(RunsView).show(self._runs, self._base_run)
        if self._keeper.problem is not None:
            self.note(explain(self._keeper.problem).text)

    @property
    def _base_run(self) -> Run | None:
        return next((run for run in self._runs if run.id == self._base), self._runs[0] if self._runs else None)

    @on(RowView.Chosen, "#runs")
    def _base_chosen(self, event: RowView.Chosen) -> None:
        self._base = event.row.key
        self.query_one(RunsView).show(self._runs, self._base_run)
        self.note(_("Changes are counted from this run."))

    @work(group="runs")
    async def action_forget_run(self) -> None:
        run = self.query_one(RunsView).chosen if self.has_class("-runs") else ""
        if not run:
            return
        problem = await self._keeper.forget([run])
        if problem is not None:
            self.note(explain(problem).text)
        self._show_runs()


def _resolve(name: str) -> Model:
    if not name.strip():
        raise ProblemError(Problem("plan.model-missing"))
    return resolve_model(name.strip())
