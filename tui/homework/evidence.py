"""The lines beside our own figures: what the card's tool printed and when, and what the server noted of the request."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from tui.export.clean import clean
from tui.export.figures import moment
from tui.i18n import _
from tui.model.memory import MemoryBreakdown, Witness


@dataclass(frozen=True, slots=True)
class EvidenceRow:
    """A line somebody else wrote, verbatim but for control characters. ``label`` says who, and when."""

    label: str
    text: str


def witness_of(cards: Iterable[MemoryBreakdown]) -> Witness | None:
    """The witness of a split; the cards of one moment share it."""
    return next((card.witness for card in cards if card.witness is not None), None)


def evidence_rows(cards: Iterable[MemoryBreakdown]) -> tuple[EvidenceRow, ...]:
    """What to show beside a split; empty when nobody said anything."""
    witness = witness_of(cards)
    if witness is None:
        return ()
    rows: list[EvidenceRow] = []
    if witness.gpu_line:
        when = moment(datetime.fromtimestamp(witness.gpu_time, UTC))
        tool = _("simulated") if witness.gpu_tool == "simulated" else clean(witness.gpu_tool)
        label = _("{tool}, {time}").format(tool=tool, time=when)
        rows += [EvidenceRow(label, clean(line).strip()) for line in witness.gpu_line.splitlines() if line.strip()]
    if witness.access_line:
        rows.append(EvidenceRow(_("the server's access log"), clean(witness.access_line).strip()))
    return tuple(rows)
