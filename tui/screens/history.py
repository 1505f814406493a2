"""F8: all conversations, the last used first; found by any word while it is typed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Protocol

from rich.cells import cell_len, set_cell_size
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from tui.config.action import Place
from tui.i18n import N_, _, ngettext
from tui.i18n.problems import explain
from tui.model.problem import Problem, ProblemError
from tui.screens.bindings import bindings_for
from tui.widgets.dates import when
from tui.widgets.keyline import PlaceLine
from tui.widgets.literal import literal, one_line

if TYPE_CHECKING:
    from tui.model.message import ConversationInfo
    from tui.model.search import SearchHit

_PAGE = 200  # an option list with thousands of lines takes half a second to build
_FOUND = 40  # a screenful first: that is what makes an answer quick
_FOUND_MORE = 160
_TIME = 15  # cells
_PAUSE = 0.02  # seconds of quiet typing before a search


class Conversations(Protocol):
    """The conversations that are kept (``tui.store``). Every call may raise ProblemError."""

    async def conversations(self, limit: int = 200, offset: int = 0) -> list[ConversationInfo]: ...
    async def search(self, query: str, limit: int = 50) -> list[SearchHit]: ...
    async def rename(self, conversation_id: str, title: str, *, manual: bool) -> object: ...
    async def delete(self, conversation_id: str) -> None: ...
    async def restore(self, conversation_id: str) -> None: ...
    async def fork(self, conversation_id: str, message_id: str, *, title: str | None = None) -> ConversationInfo: ...


@dataclass(frozen=True, slots=True)
class Opened:
    """What is to be shown: a conversation, and the message that was found in it."""

    conversation_id: str
    message_id: str | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the list; ``hit`` where it was found by its text."""

    info: ConversationInfo
    hit: SearchHit | None = None


class HistoryScreen(Screen[Opened | None]):
    """Answers with the conversation to open; None when it was closed. ``current`` is the one that is open: it is
    marked, and cannot be deleted from here while it is; ``rename_open`` tells it its new title."""

    CSS_PATH = "../styles/history.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings_for(Place.HISTORY),
        Binding("up", "move(-1)", show=False),
        Binding("down", "move(1)", show=False),
        Binding("pageup", "move(-10)", show=False),
        Binding("pagedown", "move(10)", show=False),
        Binding("escape", "back", show=False, id="history.back"),
    ]

    def __init__(
        self,
        kept: Conversations,
        current: str = "",
        words: str = "",
        *,
        rename_open: Callable[[str], Awaitable[None]] | None = None,
        eats: frozenset[str] = frozenset(),
    ) -> None:
        super().__init__()
        self._rename_open = rename_open
        self._kept, self._current, self._words, self._eats = kept, current, words, eats
        self._rows: list[Row] = []
        self._complete = False
        self._loading = False
        self._deleted: list[str] = []

    def compose(self) -> ComposeResult:
        with Horizontal(id="history-entry"):
            yield Static("›", id="history-prompt", markup=False)
            yield Input(self._words, compact=True, id="search", select_on_focus=False)
            yield Static(id="history-count", markup=False)
        yield OptionList(id="conversations")
        yield Static(id="history-note", markup=False)
        lead = N_("↑ ↓ choose · Enter open · Esc back")
        yield PlaceLine(Place.HISTORY, lead, eats=self._eats, id="history-keys")

    def on_mount(self) -> None:
        self.retranslate()
        self.query_one("#conversations", OptionList).can_focus = False
        self.query_one("#search", Input).focus()
        self.find(self._words)

    def retranslate(self) -> None:
        self.query_one("#search", Input).placeholder = _("Find a conversation by any word in it")

    def on_resize(self) -> None:
        if self._rows:
            self._draw(self.chosen.info.id if self.chosen else "")

    # what is shown

    @on(Input.Changed, "#search")
    def _typed(self, event: Input.Changed) -> None:
        self.find(event.value)

    @work(group="find", exclusive=True)
    async def find(self, query: str, keep: str = "") -> None:
        """Show what matches; with an empty query the most recent conversations. ``keep`` stays chosen."""
        if query.strip():
            await asyncio.sleep(_PAUSE)
        try:
            rows = await self._look_up(query)
        except ProblemError as error:
            self._tell(error.problem)
            return
        self._rows, self._complete = rows, len(rows) < (_FOUND if query.strip() else _PAGE)
        self._draw(keep)

    async def _look_up(self, query: str) -> list[Row]:
        if query.strip():
            return [Row(hit.conversation, hit) for hit in await self._kept.search(query, _FOUND)]
        return [Row(info) for info in await self._kept.conversations(_PAGE)]

    def _draw(self, keep: str = "") -> None:
        options = self.query_one("#conversations", OptionList)
        place = next((number for number, row in enumerate(self._rows) if row.info.id == keep), 0)
        options.set_options(self._option(row) for row in self._rows)
        options.highlighted = place if self._rows else None
        self._count()
        if not self._rows and not self.query_one("#search", Input).value:
            self._note(_("There is no conversation yet. What you write in the chat is kept here."))
        elif not self._rows:
            self._note(_("Nothing was found."))

    def _count(self) -> None:
        shown = f"{len(self._rows):,}" + ("" if self._complete else "+")
        text = ngettext("{count} conversation", "{count} conversations", len(self._rows)).format(count=shown)
        self.query_one("#history-count", Static).update(Content(text))

    def _option(self, row: Row) -> Option:
        return Option(drawn(row, max(40, self.size.width - 4), current=row.info.id == self._current), id=row.info.id)

    @on(OptionList.OptionHighlighted, "#conversations")
    def _moved(self, event: OptionList.OptionHighlighted) -> None:
        if not self._complete and event.option_index >= len(self._rows) - 30:
            self._more()

    @work(group="more")
    async def _more(self) -> None:
        """The next page, before the end of this one is reached."""
        if self._loading:
            return
        self._loading = True
        entry = self.query_one("#search", Input)
        query, before = entry.value, self._rows
        try:
            more, complete = await self._next_rows(query)
        except ProblemError as error:
            self._tell(error.problem)
            return
        finally:
            self._loading = False
        if entry.value != query or self._rows is not before:
            return  # something else is shown meanwhile
        self._complete = complete
        known = {row.info.id for row in self._rows}
        rows = [row for row in more if row.info.id not in known]
        self._rows = before + rows
        self.query_one("#conversations", OptionList).add_options(self._option(row) for row in rows)
        self._count()

    async def _next_rows(self, query: str) -> tuple[list[Row], bool]:
        """Further rows, and whether there are no more behind them."""
        if query.strip():
            limit = len(self._rows) + _FOUND_MORE
            hits = await self._kept.search(query, limit)
            return [Row(hit.conversation, hit) for hit in hits], len(hits) < limit
        infos = await self._kept.conversations(_PAGE, len(self._rows))
        return [Row(info) for info in infos], len(infos) < _PAGE

    def _note(self, text: str) -> None:
        self.query_one("#history-note", Static).update(literal(text))

    def _tell(self, problem: Problem) -> None:
        self._note(explain(problem).text)

    # choosing

    @property
    def chosen(self) -> Row | None:
        """The row under the cursor."""
        place = self.query_one("#conversations", OptionList).highlighted
        return self._rows[place] if place is not None and place < len(self._rows) else None

    def action_move(self, step: int) -> None:
        options = self.query_one("#conversations", OptionList)
        if options.option_count:
            place = (options.highlighted or 0) + step
            options.highlighted = max(0, min(options.option_count - 1, place))
            options.scroll_to_highlight()

    @on(Input.Submitted, "#search")
    def _entered(self) -> None:
        self._open(self.chosen)

    @on(OptionList.OptionSelected, "#conversations")
    def _clicked(self, event: OptionList.OptionSelected) -> None:
        self._open(self._rows[event.option_index])

    def _open(self, row: Row | None) -> None:
        if row is not None:
            self.dismiss(Opened(row.info.id, row.hit.message_id if row.hit else None))

    def action_back(self) -> None:
        entry = self.query_one("#search", Input)
        if entry.value:
            entry.value = ""
        else:
            self.dismiss(None)

    # changing

    @work(group="change")
    async def action_rename(self) -> None:
        from tui.screens.ask import AskScreen

        row = self.chosen
        if row is None:
            return
        hint = _("An automatic title never replaces it.")
        title = await self.app.push_screen_wait(AskScreen(_("Title of this conversation"), row.info.title, hint=hint))
        if title and title.strip():
            await self._change(self._rename(row.info.id, title.strip()), row.info.id)

    async def _rename(self, conversation_id: str, title: str) -> None:
        await self._kept.rename(conversation_id, title, manual=True)
        if conversation_id == self._current and self._rename_open is not None:
            await self._rename_open(title)

    @work(group="change")
    async def action_delete(self) -> None:
        row = self.chosen
        if row is None:
            return
        if row.info.id == self._current:
            self._note(_("This conversation is open. Open another one first."))
            return
        place = self._rows.index(row)
        follower = self._rows[place + 1 : place + 2] or self._rows[place - 1 : place]
        if await self._change(self._kept.delete(row.info.id), follower[0].info.id if follower else ""):
            self._deleted.append(row.info.id)
            title = row.info.title or _("untitled")
            self._note(_("Deleted “{title}”. Ctrl+Z brings it back.").format(title=one_line(title, 60)))

    @work(group="change")
    async def action_undo(self) -> None:
        if not self._deleted:
            self._note(_("Nothing was deleted here."))
            return
        identity = self._deleted.pop()
        if await self._change(self._kept.restore(identity), identity):
            self._note(_("Brought back."))

    @work(group="change")
    async def action_fork(self) -> None:
        row = self.chosen
        if row is None:
            return
        tip = (row.hit.message_id if row.hit else None) or row.info.tip
        if tip is None:
            self._note(_("An empty conversation cannot be forked."))
            return
        try:
            made = await self._kept.fork(row.info.id, tip)
        except ProblemError as error:
            self._tell(error.problem)
            return
        self.dismiss(Opened(made.id))

    async def _change(self, verb: Awaitable[object], keep: str) -> bool:
        """Do something to the store, then read the list again. What the store refuses is said."""
        try:
            await verb
        except ProblemError as error:
            self._tell(error.problem)
            return False
        self._note("")
        await self.find(self.query_one("#search", Input).value, keep).wait()
        return True


def drawn(row: Row, width: int, *, current: bool = False) -> Content:
    """One conversation: title, model, messages, time; below it the piece of text that was found."""
    info = row.info
    time = when(info.updated)
    time = " " * (_TIME - cell_len(time)) + time
    right = f"{set_cell_size(one_line(info.model), min(24, width // 5))}  {info.messages:>4}  {time}"
    title = one_line(info.title or _("untitled"), 300)
    room = max(12, width - cell_len(right) - 4)
    shown = _marked(title, row.hit.title_spans if row.hit else (), "bold")
    mark = "● " if current else "  "
    line = Content(mark) + shown.truncate(room, ellipsis=True).pad_right(max(0, room - min(room, cell_len(title))))
    line += Content.styled("  " + right, "$text-muted")
    if row.hit is None or row.hit.message_id is None:
        return line
    snippet = _marked(row.hit.snippet, row.hit.spans, "$text-muted")
    return line + Content("\n    ") + snippet.truncate(width - 4, ellipsis=True)


def _marked(text: str, spans: Sequence[tuple[int, int]], style: str) -> Content:
    """Foreign text with the matches marked. Cleaning keeps every character's place."""
    content = Content.styled(_same_length(text), style)
    for start, end in spans:
        content = content.stylize("bold $text-accent underline", start, end)
    return content


def _same_length(text: str) -> str:
    """Controls as blanks, so that the places of matches stay right."""
    return "".join(character if character.isprintable() else " " for character in text)
