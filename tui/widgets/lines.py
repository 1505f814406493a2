"""The one-row widgets around the transcript: status, queue, keys, and the banner for trouble."""

from __future__ import annotations

from dataclasses import dataclass, field
from dataclasses import replace as with_changes
from typing import TYPE_CHECKING

from rich.cells import cell_len
from textual.content import Content
from textual.style import Style
from textual.timer import Timer
from textual.widget import Widget

from tui.config.actions import ACTIONS, BY_ID, Action, Footer, Place, display_key, first_delivered
from tui.i18n import _

if TYPE_CHECKING:
    from tui.model.events import ContextMeter
    from tui.model.server import LinkState, ServerFacts


@dataclass(frozen=True, slots=True)
class Status:
    """What the status line shows. None means not known yet; ``host`` is the machine over ssh, if there is one."""

    model: str | None = None
    link: LinkState | None = None
    facts: ServerFacts | None = None
    meter: ContextMeter | None = None
    rate: float | None = None
    address: str = ""
    host: str = ""


_STILL = ("healthy", "degraded", "idle", "needs-you")


class OneRow(Widget):
    """A row of text that gives way by leaving out what matters least."""

    DEFAULT_CSS = "OneRow { height: 1; width: 1fr; }"

    def retranslate(self) -> None:
        self.refresh()


class StatusLine(OneRow):
    """Model, link, engine, context, speed."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 (Textual's name)
        super().__init__(id=id)
        self.status = Status()
        self._clock: Timer | None = None

    def change(self, **changes: object) -> None:
        """Replace some of the figures."""
        before = self.status
        self.status = with_changes(before, **changes)  # pyright: ignore[reportArgumentType] (fields by name)
        if self.status != before:
            self.refresh()
            self._keep_time()

    def _keep_time(self) -> None:
        """A connection that is coming up, or waits for its next attempt, shows the seconds; no other one does."""
        link = self.status.link
        moves = link is not None and link.phase.value not in _STILL
        if moves and self._clock is None:
            self._clock = self.set_interval(1.0, self.refresh)
        elif not moves and self._clock is not None:
            self._clock.stop()
            self._clock = None

    def render(self) -> Content:
        if self.status == Status():
            return Content(_("starting …"))
        from tui.widgets.figures import status_row

        return status_row(self.status, self.size.width)


class QueueLine(OneRow):
    """Messages that wait until the running reply is over; hidden when there is none."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 (Textual's name)
        super().__init__(id=id)
        self.waiting: tuple[str, ...] = ()
        self.display = False

    def show_waiting(self, waiting: tuple[str, ...]) -> None:
        if waiting == self.waiting:
            return
        self.waiting = waiting
        self.display = bool(waiting)
        self.refresh()

    def render(self) -> Content:
        if not self.waiting:
            return Content("")
        from tui.widgets.figures import queue_row

        return queue_row(self.waiting, self.size.width)


class Banner(Widget):
    """A sentence that stays until its cause is gone, with the next step; hidden when empty."""

    DEFAULT_CSS = "Banner { height: auto; width: 1fr; max-height: 4; }"

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 (Textual's name)
        super().__init__(id=id)
        self._link: LinkState | None = None
        self._silence = 0
        self.display = False

    def show_link(self, state: LinkState) -> None:
        self._link = state
        self._changed()

    def show_silence(self, seconds: int) -> None:
        """How long the server has sent nothing of a running reply; 0 while it does."""
        if seconds != self._silence:
            self._silence = seconds
            self._changed()

    def _changed(self) -> None:
        troubled = self._link is not None and self._link.problem is not None
        self.display = troubled or self._silence > 0
        self.refresh(layout=True)

    def retranslate(self) -> None:
        self.refresh(layout=True)

    def render(self) -> Content:
        from tui.widgets.figures import silence, trouble

        if self._link is not None and self._link.problem is not None:
            return trouble(self._link)
        return silence(self._silence) if self._silence else Content("")


@dataclass(frozen=True, slots=True)
class KeyHints:
    """What decides which keys are shown."""

    eats: frozenset[str] = frozenset()
    keymap: dict[str, str] = field(default_factory=dict[str, str])
    busy: bool = False
    hint: str = ""
    tools: str = ""


class KeysLine(OneRow):
    """The keys that work here, as this terminal delivers them; each can be clicked. A hint replaces it for a while."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 (Textual's name)
        super().__init__(id=id)
        self.hints = KeyHints()

    def change(self, **changes: object) -> None:
        before = self.hints
        self.hints = with_changes(before, **changes)  # pyright: ignore[reportArgumentType] (fields by name)
        if self.hints != before:
            self.refresh()

    def render(self) -> Content:
        width = max(1, self.size.width)
        if self.hints.hint:
            return Content.styled(self.hints.hint, "bold").truncate(width, ellipsis=True)
        tools = self._tools()
        # The tools stand at the right; they give way when not even the first keys fit beside them.
        width -= cell_len(tools.plain) + 3 if cell_len(tools.plain) * 2 < width else 0
        kept: list[Content] = []
        used = 0
        for key, action in self.entries():
            text = Content.assemble((key, "bold $text-accent"), " " + action.label)
            text = text.stylize(Style.from_meta({"@click": _clickable(action)}))
            if used + cell_len(text.plain) > width:
                break
            kept.append(text)
            used += cell_len(text.plain) + 3
        line = Content("   ").join(kept)
        if width == self.size.width or not tools.plain:
            return line
        return Content.assemble(line, " " * max(3, self.size.width - cell_len(line.plain + tools.plain)), tools)

    def _tools(self) -> Content:
        """Which tools are on, with the key that changes it."""
        if not self.hints.tools:
            return Content("")
        action = BY_ID["conversation.tools"]
        key = first_delivered(action, self.hints.eats, self.hints.keymap)
        text = Content.assemble((display_key(key) if key else "", "bold $text-accent"), " ", self.hints.tools)
        return text.stylize(Style.from_meta({"@click": _clickable(action)}))

    def entries(self) -> list[tuple[str, Action]]:
        """Key and action, most needed first."""
        wanted = {Footer.ALWAYS, Footer.BUSY if self.hints.busy else Footer.IDLE}
        shown: list[tuple[str, Action]] = []
        for action in ACTIONS:
            if action.footer not in wanted or action.place not in _PLACES:
                continue
            key = first_delivered(action, self.hints.eats, self.hints.keymap)
            if key is not None:
                shown.append((display_key(key), action))
            elif action.id in _WITHOUT_KEY:
                shown.append((_WITHOUT_KEY[action.id], action))
        return sorted(shown, key=lambda entry: _ORDER.get(entry[1].id, 50))


_PLACES = (Place.COMPOSER, Place.CHAT, Place.APP)
# What stands in for a key: these ways work in every terminal.
_WITHOUT_KEY = {"composer.menu": "/", "composer.newline": "\\ Enter"}
_ORDER = {
    "reply.stop": 0,
    "composer.send": 1,
    "composer.menu": 2,
    "composer.newline": 3,
    "screen.palette": 4,
    "program.help": 5,
}


def _clickable(action: Action) -> str:
    return action.run if action.run.startswith(("screen.", "app.")) else f"screen.compose_{action.run}"
