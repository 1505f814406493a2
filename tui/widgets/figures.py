"""What the one-row widgets show, as :class:`Content`. Loaded when there is something to show: the first frame does
without the model's dataclasses, which take a tenth of a second to build."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

from textual.content import Content
from textual.style import Style

from tui.i18n import _, ngettext
from tui.model.events import ContextMeter
from tui.model.server import LinkPhase, LinkState
from tui.widgets import words
from tui.widgets.literal import literal, one_line

if TYPE_CHECKING:
    from tui.widgets.lines import Status

_BLOCKS = " ▏▎▍▌▋▊▉█"


def fit(pieces: list[tuple[int, Content]], width: int, gap: str = "   ") -> Content:
    """Join pieces (importance, text) in order; the least important ones are left out until they fit."""
    kept = [piece for piece in pieces if piece[1].plain]
    while len(kept) > 1 and sum(piece[1].cell_length for piece in kept) + len(gap) * (len(kept) - 1) > width:
        kept.remove(min(kept, key=lambda piece: piece[0]))
    return Content(gap).join([piece[1] for piece in kept]).truncate(max(1, width), ellipsis=True)


def status_row(status: Status, width: int) -> Content:
    """Model, link, engine, context, speed."""
    healthy = status.link is not None and status.link.phase is LinkPhase.HEALTHY
    told = words.chip(status.link, monotonic()) if status.host or not healthy else words.link(status.link)
    link = Content.styled(told, "$text-success" if healthy else "$text-warning")
    if status.host:
        link = Content.assemble(literal(one_line(status.host, 40), "$text-muted"), " ", link)
        link = link.stylize(Style.from_meta({"@click": "app.connections"}))
    simulated = status.facts is not None and status.facts.simulated
    rate = "" if status.rate is None else _("{rate} tok/s").format(rate=f"{status.rate:.0f}")
    pieces = [
        (9, literal(one_line(status.model or _("no model yet"), 60), "bold")),
        (8, Content.styled(_("simulated"), "$text-warning reverse") if simulated else Content("")),
        (7, link),
        (3, literal("" if status.host else one_line(status.address, 60), "$text-muted")),
        (4, Content(words.engine(status.facts))),
        (6, meter(status.meter)),
        (5, Content(rate)),
    ]
    return fit(pieces, width)


def meter(value: ContextMeter | None) -> Content:
    """The context as figures and, when its limit is known, as a bar."""
    text = words.meter(value)
    if value is None or not value.limit:
        return Content(text)
    share = min(1.0, value.tokens / value.limit)
    style = "$text-error" if share >= 0.9 else "$text-muted"
    return Content.assemble(text + " ", (bar(share, 5), style))


def bar(share: float, cells: int) -> str:
    """A share (0 to 1) as ``cells`` cells, in eighths of a cell."""
    eighths = round(share * cells * 8)
    full, rest = divmod(eighths, 8)
    return ("█" * full + (_BLOCKS[rest] if rest else "")).ljust(cells, "·")


def queue_row(waiting: tuple[str, ...], width: int) -> Content:
    """How many messages wait, and the next one."""
    count = len(waiting)
    head = ngettext("{count} message waits:", "{count} messages wait:", count).format(count=count)
    text = Content.assemble((head + " ", "$text-muted"), literal(one_line(waiting[0], 200)))
    return text.truncate(max(1, width), ellipsis=True)


def trouble(state: LinkState) -> Content:
    """What is wrong with the link and what to do; empty while all is well."""
    return literal(words.link_trouble(state))


def silence(seconds: int) -> Content:
    """A reply runs, and nothing arrives."""
    text = _("The server has sent nothing for {seconds} s. It may be reading a long prompt or be busy; Esc stops.")
    return Content(text.format(seconds=seconds))
