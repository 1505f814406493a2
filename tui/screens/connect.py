"""The first screen of a bare ``lmdeck``: what was found around it, as cards, and a line for an address."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from textual import events, on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from tui.app_options import AppOptions
from tui.config.targets import is_far
from tui.i18n import _
from tui.i18n.problems import explain
from tui.model.problem import Problem, ProblemError
from tui.screens.cards import Card, cards_of
from tui.widgets.literal import literal, one_line

if TYPE_CHECKING:
    from tui.model.surroundings import Surroundings

Look = Callable[[], "AsyncIterator[Surroundings]"]


class ConnectScreen(Screen[AppOptions | None]):
    """Answers with what to open, or None when it was closed (only where something is open already).

    ``look`` gives what is found, growing."""

    CSS_PATH = "../styles/connect.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", show=False, id="connect.back"),
        Binding("f5,ctrl+r", "look", show=False, id="connect.look"),
    ]
    HORIZONTAL_BREAKPOINTS: ClassVar[list[tuple[int, str]]] = [(0, "-narrow"), (100, "-wide")]

    def __init__(self, options: AppOptions, look: Look, *, can_leave: bool = False) -> None:
        super().__init__()
        self._options, self._look, self._can_leave = options, look, can_leave
        self._now: Surroundings | None = None
        self._cards: list[Card] = []
        self._moved = False

    def compose(self) -> ComposeResult:
        yield Static(id="connect-title", markup=False)
        with Vertical(id="connect-body"):
            yield Static(id="connect-state", markup=False)
            yield OptionList(id="cards")
            yield Static(id="connect-problem", markup=False)
        with Horizontal(id="connect-entry"):
            yield Static("›", id="connect-prompt", markup=False)
            yield Input(compact=True, id="address", select_on_focus=False)
        yield Static(id="connect-keys", markup=False)

    def on_mount(self) -> None:
        self.retranslate()
        self.query_one("#cards", OptionList).focus()
        self.action_look()

    def retranslate(self) -> None:
        """Set all texts again in the present language."""
        self.query_one("#connect-title", Static).update(Content(_("lmdeck · Where is the model?")))
        self.query_one("#address", Input).placeholder = _("or type an address: 127.0.0.1:23333, ssh://root@host:port")
        keys = [_("↑ ↓ choose · Enter open · Tab address · F1 help · Ctrl+Q quit")]
        keys.append(_("Esc back") if self._can_leave else "")
        link = "[@click=app.switch_language]中文 / English[/]"
        shown = Content(" · ".join(text for text in keys if text) + " · ") + Content.from_markup(link)
        self.query_one("#connect-keys", Static).update(shown)
        if self._now is not None:
            self._show(self._now)

    # looking around

    @work(group="look", exclusive=True)
    async def action_look(self) -> None:
        """Look around (again); what is found appears as it is found."""
        async for now in self._look():
            self._show(now)

    def _show(self, now: Surroundings) -> None:
        self._now = now
        state = _("Looking around on this machine …") if now.searching else ""
        self.query_one("#connect-state", Static).update(Content(state))
        if now.problems and not self.query_one("#connect-problem", Static).has_class("-mine"):
            self._say(explain(now.problems[0]).text)
        cards = cards_of(now)
        if cards == self._cards:
            return
        options = self.query_one("#cards", OptionList)
        before = options.highlighted_option.id if options.highlighted_option and self._moved else None
        self._cards = cards
        options.set_options(Option(self._drawn(card), id=card.id) for card in cards)
        places = [card.id for card in cards]
        options.highlighted = places.index(before) if before in places else 0

    def _drawn(self, card: Card) -> Content:
        title = Content.styled(one_line(card.title, 200), "bold")
        return title + Content("\n  ") + literal(one_line(card.detail, 300), "$text-muted")

    def _say(self, text: str) -> None:
        self.query_one("#connect-problem", Static).update(literal(text))

    # choosing

    def on_key(self, event: events.Key) -> None:
        """Whoever just types an address need not find its field first. Keys that were on their way to the cards when
        the field took the focus are typed as well."""
        options, entry = self.query_one("#cards", OptionList), self.query_one("#address", Input)
        if self.focused in (options, entry) and event.is_printable and event.character and event.character != " ":
            event.stop()
            self.set_focus(entry)
            entry.insert_text_at_cursor(event.character)
        elif self.focused is options and event.key in ("up", "down", "pageup", "pagedown", "home", "end"):
            self._moved = True

    @on(OptionList.OptionSelected, "#cards")
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        card = next((one for one in self._cards if one.id == event.option_id), None)
        if card is None:
            return
        if not card.opens:
            self._want_address()
        else:
            self.dismiss(replace(self._options, connect=False, **card.opens))

    def _want_address(self) -> None:
        """A machine behind ssh that has no name yet: put the cursor where its address goes."""
        entry = self.query_one("#address", Input)
        entry.value = "ssh://"
        entry.focus()
        entry.cursor_position = len(entry.value)

    def _mine(self, text: str) -> None:
        self.query_one("#connect-problem", Static).add_class("-mine")
        self._say(text)

    @on(Input.Changed, "#address")
    def _typed(self) -> None:
        self.query_one("#connect-problem", Static).remove_class("-mine")
        self._say("")

    @on(Input.Submitted, "#address")
    def _address_given(self, event: Input.Submitted) -> None:
        text = event.value.strip()
        if not text:
            return
        if is_far(text):
            self._far_given(text)
            return
        if text in ("demo", "demo:"):
            self.dismiss(replace(self._options, connect=False, demo={}))
            return
        if self._now is not None and any(profile.name == text for profile in self._now.profiles):
            self.dismiss(replace(self._options, connect=False, profile=text))
            return
        if self._now is not None and any(host.alias == text for host in self._now.hosts):
            self.dismiss(replace(self._options, connect=False, ssh=text))
            return
        if (problem := bad_address(text)) is not None:
            self._mine(explain(problem).text)
            return
        self.dismiss(replace(self._options, connect=False, url=text))

    def _far_given(self, text: str) -> None:
        """A machine behind ssh, as an address or as a pasted line."""
        from tui.ssh.target import parse_target

        try:
            parse_target(text)
        except ProblemError as error:
            self._mine(explain(error.problem).text)
        else:
            self.dismiss(replace(self._options, connect=False, ssh=text))

    def action_back(self) -> None:
        entry = self.query_one("#address", Input)
        if self._can_leave:
            self.dismiss(None)
        elif entry.value:
            entry.value = ""
        else:
            self.query_one("#cards", OptionList).focus()


def bad_address(text: str) -> Problem | None:
    """What is wrong with a typed address, None when it can be tried."""
    from tui.server.address import Address

    try:
        Address.parse(text)
    except ProblemError as error:
        return error.problem
    return None
