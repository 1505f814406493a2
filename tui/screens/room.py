"""What the launch, servers and quantise screens share: the machine they are about, where they end, their last lines."""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Button, Static

from tui.config.action import Place
from tui.i18n import N_, _
from tui.i18n.figures import gib
from tui.i18n.problems import explain
from tui.launch.machine import Machine
from tui.launch.models import ROOTS, ModelEntry
from tui.launch.watching import Pace
from tui.launch.wish import ServeWish
from tui.model.launch import ServerEntry
from tui.model.problem import Problem, ProblemError
from tui.widgets.keyline import PlaceLine
from tui.widgets.literal import literal, one_line

if TYPE_CHECKING:
    from tui.screens.app_settings import SettingsSide

TYPING_PAUSE = 0.25
"""Seconds after the last key before what is written is planned."""


@dataclass(frozen=True, slots=True)
class Landing:
    """Where the chat goes next: a server's address as its own machine reaches it. ``keeps`` the conversation that is
    open, as a switch of models does."""

    url: str
    keeps: bool = False
    api_key: str | None = field(default=None, repr=False)


def landing_on(entry: ServerEntry, *, keeps: bool = False) -> Landing:
    """The way to a server, with the key that it was started with."""
    keys = ServeWish(entry.words).command.options.get("api_keys")
    first = str(keys).split()[0] if keys else None
    return Landing(entry.url, keeps, first)


@dataclass(frozen=True, slots=True)
class Site:
    """A machine to start things on, and what the settings say about it. ``total`` is its card's size in bytes where
    the user knows it; ``eats`` and ``keymap`` are for the key lines."""

    machine: Machine
    roots: tuple[str, ...] = ROOTS
    lmdeploy: str = ""
    total: int | None = None
    pace: Pace = field(default_factory=Pace)
    eats: frozenset[str] = frozenset()
    keymap: Mapping[str, str] = field(default_factory=dict[str, str])

    def wish(self, wish: ServeWish | None = None) -> ServeWish:
        """A wish with what the settings say, where it does not say it itself."""
        wish = wish or ServeWish(())
        return replace(wish, lmdeploy=wish.lmdeploy or self.lmdeploy, total=wish.total or self.total)


async def while_shown(screen: Screen[Any], look: Callable[[], Awaitable[None]], seconds: float) -> None:
    """Look now and again after ``seconds``, for ever; not while another screen covers this one."""
    while True:
        if screen.is_current:
            await look()
        await asyncio.sleep(seconds)


class Room(Screen[Landing | None]):
    """A screen about one machine. Answers with the server that the chat should go to, None when it was left."""

    CSS_PATH = "../styles/launch.tcss"

    def __init__(self, site: Site) -> None:
        super().__init__()
        self.site = site
        # Held, not looked for: a worker may say something while the screen is being closed.
        self._note = Static(id="room-note", markup=False)

    @property
    def machine(self) -> Machine:
        return self.site.machine

    @property
    def lmdeck(self) -> SettingsSide:
        """The app; its clipboard says what became of a copy."""
        from tui.screens.app_settings import SettingsSide

        assert isinstance(self.app, SettingsSide)  # noqa: S101 (no other app opens this screen)
        return self.app

    @property
    def title_text(self) -> str:
        """The heading in the current language; foreign words may be in it."""
        raise NotImplementedError

    @property
    def buttons(self) -> Mapping[str, str]:
        """Ids and labels of the buttons below, in the current language."""
        return {}

    def headline(self, here: str, there: str) -> str:
        """The title, with the machine's name where it is not this one."""
        return there.replace("{machine}", self.machine.name) if self.machine.name else here

    def first_line(self) -> ComposeResult:
        yield Static(literal(self.title_text), id="room-title", markup=False)

    def button_line(self) -> ComposeResult:
        with Horizontal(id="room-buttons"):
            for name, label in self.buttons.items():
                yield Button(label, id=name, variant="primary" if name == "start" else "default", compact=True)

    def retranslate(self) -> None:
        """Set the texts of this screen's own labels again."""
        self.query_one("#room-title", Static).update(literal(self.title_text))
        for name, label in self.buttons.items():
            self.query_one(f"#{name}", Button).label = Content(label)

    def last_lines(self, place: Place) -> ComposeResult:
        """The note and the keys."""
        yield self._note
        yield PlaceLine(place, N_("Esc back"), eats=self.site.eats, keymap=self.site.keymap, id="room-keys")

    def note(self, text: str) -> None:
        """A short sentence below; foreign words may be in it."""
        self._note.update(literal(text))

    def complain(self, problem: Problem) -> None:
        """Say what went wrong, and what to do."""
        self.note(explain(problem).text)

    async def show_environment(self, lmdeploy: str) -> None:
        """What is wrong with lmdeploy's environment, and the pins that repair it, to be copied."""
        from tui.launch.checkup import check_machine, checkup_text
        from tui.screens.tell import TellScreen

        self.note(_("Looking at lmdeploy's environment …"))
        try:
            checkups, _driver = await check_machine(self.machine, lmdeploy)
        except ProblemError as error:
            self.complain(error.problem)
            return
        self.note("")
        text = "\n\n".join(map(checkup_text, checkups)) or _("No lmdeploy was found.")
        repair = checkups[0].repair if checkups else ""
        if await self.app.push_screen_wait(TellScreen(_("lmdeploy's environment"), text, repair)):
            self.lmdeck.say_copied(repair)

    def action_back(self) -> None:
        self.dismiss(None)


class FormRoom(Room):
    """A room with a form at the left, what comes of it at the right, and buttons below."""

    HORIZONTAL_BREAKPOINTS: ClassVar[list[tuple[int, str]]] = [(0, "-narrow"), (100, "-wide")]

    @property
    def command_line(self) -> Sequence[str]:
        """The words that would be run; none while nothing can be planned."""
        raise NotImplementedError

    def form_and_view(self, place: Place, form: Widget, view: Widget) -> ComposeResult:
        """Everything from the heading to the keys."""
        yield from self.first_line()
        with Horizontal(id="room-body"):
            yield form
            yield view
        yield from self.button_line()
        yield from self.last_lines(place)

    async def pick_model(self, looking: Awaitable[Sequence[ModelEntry]], nothing: str) -> str:
        """The path of the model folder that the user chooses among those that are found; "" when he chooses none.
        ``nothing`` is said where there is none."""
        from tui.screens.pick import PickScreen

        self.note(_("Looking for models …"))
        try:
            found = await looking
        except ProblemError as error:
            self.complain(error.problem)
            return ""
        self.note("" if found else nothing)
        if not found:
            return ""
        chosen = await self.app.push_screen_wait(PickScreen(_("Models on this machine"), list(map(_model_line, found))))
        return "" if chosen is None else found[chosen].path

    def action_copy(self) -> None:
        """The command line as it would be run."""
        if self.command_line:
            self.lmdeck.say_copied(shlex.join(self.command_line))
        else:
            self.note(_("There is nothing to copy."))


def _model_line(entry: ModelEntry) -> str:
    """A model in the picker."""
    fits = "" if entry.fits is None else _("fits") if entry.fits else _("does not fit")
    pieces = (entry.name, f"{gib(entry.size)} GiB", entry.format, fits, entry.path)
    return "  ".join(one_line(piece, 200) for piece in pieces if piece)
