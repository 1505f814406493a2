"""The one-row widgets around the transcript: status, GPU, queue, keys, and the banner for trouble."""

from __future__ import annotations

from dataclasses import dataclass, field
from dataclasses import replace as with_changes

from rich.cells import cell_len
from textual.content import Content
from textual.style import Style
from textual.widget import Widget

from tui.config.actions import ACTIONS, Action, Footer, display_key, first_delivered
from tui.i18n import _, ngettext
from tui.model.events import ContextMeter
from tui.model.gpu import GpuReading, GpuSample
from tui.model.server import LinkPhase, LinkState, ServerFacts
from tui.widgets import words
from tui.widgets.literal import literal, one_line

_BLOCKS = " ▏▎▍▌▋▊▉█"


@dataclass(frozen=True, slots=True)
class Status:
    """What the status line shows. None means not known yet."""

    model: str | None = None
    link: LinkState | None = None
    facts: ServerFacts | None = None
    meter: ContextMeter | None = None
    rate: float | None = None
    title: str = ""
    address: str = ""


class OneRow(Widget):
    """A row of text that gives way by leaving out what matters least."""

    DEFAULT_CSS = "OneRow { height: 1; width: 1fr; }"

    def retranslate(self) -> None:
        self.refresh()


def fit(pieces: list[tuple[int, Content]], width: int, gap: str = "   ") -> Content:
    """Join pieces (importance, text) in order; the least important ones are left out until they fit."""
    kept = [piece for piece in pieces if piece[1].plain]
    while len(kept) > 1 and sum(piece[1].cell_length for piece in kept) + len(gap) * (len(kept) - 1) > width:
        kept.remove(min(kept, key=lambda piece: piece[0]))
    return Content(gap).join([piece[1] for piece in kept]).truncate(max(1, width), ellipsis=True)


class StatusLine(OneRow):
    """Model, link, engine, context, speed."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 (Textual's name)
        super().__init__(id=id)
        self.status = Status()

    def change(self, **changes: object) -> None:
        """Replace some of the figures."""
        self.status = with_changes(self.status, **changes)  # pyright: ignore[reportArgumentType] (fields by name)
        self.refresh()

    def render(self) -> Content:
        status = self.status
        healthy = status.link is not None and status.link.phase is LinkPhase.HEALTHY
        link = Content.styled(words.link(status.link), "$text-success" if healthy else "$text-warning")
        simulated = status.facts is not None and status.facts.simulated
        rate = "" if status.rate is None else _("{rate} tok/s").format(rate=f"{status.rate:.0f}")
        return fit(
            [
                (9, literal(one_line(status.model or _("no model yet"), 60), "bold")),
                (8, Content.styled(_("simulated"), "$text-warning reverse") if simulated else Content("")),
                (7, link),
                (3, literal(one_line(status.address, 60), "$text-muted")),
                (4, Content(words.engine(status.facts))),
                (6, _meter(status.meter)),
                (5, Content(rate)),
            ],
            self.size.width,
        )


def _meter(meter: ContextMeter | None) -> Content:
    text = words.meter(meter)
    if meter is None or not meter.limit:
        return Content(text)
    share = min(1.0, meter.tokens / meter.limit)
    style = "$text-error" if share >= 0.9 else "$text-muted"
    return Content.assemble(text + " ", (_bar(share, 5), style))


def _bar(share: float, cells: int) -> str:
    eighths = round(share * cells * 8)
    full, rest = divmod(eighths, 8)
    return ("█" * full + (_BLOCKS[rest] if rest else "")).ljust(cells, "·")


class GpuLine(OneRow):
    """One card on one line; hidden while there is no reading."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 (Textual's name)
        super().__init__(id=id)
        self.reading: GpuReading | None = None
        self.display = False

    def show_reading(self, reading: GpuReading) -> None:
        self.reading = reading
        self.display = bool(reading.samples) or reading.problem is not None
        self.refresh()

    def render(self) -> Content:
        if self.reading is None:
            return Content("")
        if not self.reading.samples:
            return Content(_("GPU: no figures")).truncate(self.size.width, ellipsis=True)
        card = self.reading.samples[0]
        more = len(self.reading.samples) - 1
        simulated = (
            Content.styled(_("simulated"), "$text-warning") if self.reading.source == "simulated" else Content("")
        )
        return fit(
            [
                (9, Content(_memory(card))),
                (5, Content(_share(card))),
                (8, simulated),
                (
                    4,
                    Content("" if card.utilisation is None else _("{percent} % busy").format(percent=card.utilisation)),
                ),
                (3, Content("" if card.temperature is None else f"{card.temperature} °C")),
                (2, Content("" if card.power is None else f"{card.power:.0f} W")),
                (
                    6,
                    Content(
                        ngettext("and {count} more card", "and {count} more cards", more).format(count=more)
                        if more
                        else ""
                    ),
                ),
                (1, literal(one_line(card.name, 40), "$text-muted")),
            ],
            self.size.width,
            gap="  ",
        )


def _memory(card: GpuSample) -> str:
    return _("GPU {index}  {used}/{total} GiB").format(
        index=card.index, used=words.gib(card.used), total=words.gib(card.total)
    )


def _share(card: GpuSample) -> str:
    return _bar(min(1.0, card.used / card.total), 20) if card.used is not None and card.total else ""


class QueueLine(OneRow):
    """Messages that wait until the running reply is over; hidden when there is none."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 (Textual's name)
        super().__init__(id=id)
        self.waiting: tuple[str, ...] = ()
        self.display = False

    def show_waiting(self, waiting: tuple[str, ...]) -> None:
        self.waiting = waiting
        self.display = bool(waiting)
        self.refresh()

    def render(self) -> Content:
        count = len(self.waiting)
        if not count:
            return Content("")
        head = ngettext("{count} message waits:", "{count} messages wait:", count).format(count=count)
        text = Content.assemble((head + " ", "$text-muted"), literal(one_line(self.waiting[0], 200)))
        return text.truncate(max(1, self.size.width), ellipsis=True)


class Banner(Widget):
    """A sentence that stays until its cause is gone, with the next step; hidden when empty."""

    DEFAULT_CSS = "Banner { height: auto; width: 1fr; max-height: 4; }"

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 (Textual's name)
        super().__init__(id=id)
        self._link: LinkState | None = None
        self.display = False

    def show_link(self, state: LinkState) -> None:
        self._link = state
        self.display = bool(words.link_trouble(state))
        self.refresh(layout=True)

    def retranslate(self) -> None:
        self.refresh(layout=True)

    def render(self) -> Content:
        return literal(words.link_trouble(self._link))


@dataclass(frozen=True, slots=True)
class KeyHints:
    """What decides which keys are shown."""

    eats: frozenset[str] = frozenset()
    keymap: dict[str, str] = field(default_factory=dict[str, str])
    busy: bool = False
    hint: str = ""


class KeysLine(OneRow):
    """The keys that work here, as this terminal delivers them; each can be clicked. A hint replaces it for a while."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 (Textual's name)
        super().__init__(id=id)
        self.hints = KeyHints()

    def change(self, **changes: object) -> None:
        self.hints = with_changes(self.hints, **changes)  # pyright: ignore[reportArgumentType] (fields by name)
        self.refresh()

    def render(self) -> Content:
        width = max(1, self.size.width)
        if self.hints.hint:
            return Content.styled(self.hints.hint, "bold").truncate(width, ellipsis=True)
        kept: list[Content] = []
        used = 0
        for key, action in self.entries():
            text = Content.assemble((key, "bold $text-accent"), " " + action.label)
            text = text.stylize(Style.from_meta({"@click": _clickable(action)}))
            if used + cell_len(text.plain) > width:
                break
            kept.append(text)
            used += cell_len(text.plain) + 3
        return Content("   ").join(kept)

    def entries(self) -> list[tuple[str, Action]]:
        """Key and action, most needed first."""
        wanted = {Footer.ALWAYS, Footer.BUSY if self.hints.busy else Footer.IDLE}
        shown: list[tuple[str, Action]] = []
        for action in ACTIONS:
            if action.footer not in wanted:
                continue
            key = first_delivered(action, self.hints.eats, self.hints.keymap)
            if key is not None:
                shown.append((display_key(key), action))
            elif action.id in _WITHOUT_KEY:
                shown.append((_WITHOUT_KEY[action.id], action))
        return sorted(shown, key=lambda entry: _ORDER.get(entry[1].id, 50))


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
