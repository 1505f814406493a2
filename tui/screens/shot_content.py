"""What is chosen for a picture: turns of a conversation with what is kept about them, or with the present."""

from __future__ import annotations

import getpass
import platform
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from tui.homework.evidence import evidence_rows
from tui.model.events import TurnFigures, Usage
from tui.model.memory import MemoryBreakdown
from tui.model.message import Message
from tui.model.monitor import MemoryState
from tui.model.problem import Problem, ProblemError
from tui.model.server import ServerFacts
from tui.model.turn import TurnRecord
from tui.screens.shot_facts import facts_of
from tui.screens.shot_picture import ShotContent
from tui.screens.shot_rows import turns_of

if TYPE_CHECKING:
    from tui.export.document import Document

_RANGE = re.compile(r"(\d+)(?:\s*[-–:]\s*(\d+))?")


def chosen_turns(text: str, count: int) -> range:
    """``3``, ``2-4``, ``last`` or ``all`` of ``count`` turns, as a range from 0.

    Raises ProblemError("shot.bad_turns")."""
    wanted = text.strip().lower()
    if wanted in ("all", ""):
        return range(count)
    if wanted == "last" and count:
        return range(count - 1, count)
    found = _RANGE.fullmatch(wanted)
    first, last = (int(found[1]), int(found[2] or found[1])) if found else (0, 0)
    if not 1 <= first <= last <= count:
        raise ProblemError(Problem("shot.bad_turns", {"text": text, "count": count}))
    return range(first - 1, last)


def kept_content(document: Document, turns: str = "all", *, who: str = "") -> ShotContent:
    """Turns of a kept conversation with the memory of the last one's moment.

    Raises ProblemError: "shot.nothing", "shot.bad_turns"."""
    every = turns_of(document.messages)
    if not every:
        raise ProblemError(Problem("shot.nothing"))
    messages = [message for number in chosen_turns(turns, len(every)) for message in every[number]]
    records = {turn.id: turn for turn in document.turns}
    figures = {turn.id: TurnFigures(Usage.total(turn.usage), turn.timings) for turn in document.turns}
    return content_of(document.title, messages, records, figures, who=who)


def content_of(
    title: str,
    messages: Sequence[Message],
    records: Mapping[str, TurnRecord],
    figures: Mapping[str, TurnFigures],
    *,
    who: str = "",
) -> ShotContent:
    """Messages with what is kept of their turns: figures of each, server and memory of the newest that has them."""
    turn = newest(messages, records)
    cards = turn.breakdown if turn is not None else ()
    facts = facts_of(turn, cards, who=who)
    return ShotContent(messages, title, figures, cards, None, evidence_of(cards), facts)


def live_content(
    kept: ShotContent,
    memory: MemoryState,
    cards: Sequence[MemoryBreakdown],
    turn: TurnRecord | None,
    server: ServerFacts | None,
    model: str,
) -> ShotContent:
    """The same messages with the memory of this moment; ``cards`` with their witness, where there is one."""
    facts = facts_of(turn, cards, server, model, kept.facts.who)
    return ShotContent(kept.messages, kept.title, kept.figures, cards, memory, evidence_of(cards), facts)


def newest(messages: Sequence[Message], records: Mapping[str, TurnRecord]) -> TurnRecord | None:
    """The record of the last message that has one; better one that has a memory split."""
    found = [records[message.turn] for message in messages if message.turn is not None and message.turn in records]
    return next((turn for turn in reversed(found) if turn.breakdown), found[-1] if found else None)


def evidence_of(cards: Sequence[MemoryBreakdown]) -> tuple[tuple[str, str], ...]:
    return tuple((row.label, row.text) for row in evidence_rows(cards))


def user_at_host() -> str:
    """Who runs lmdeck, and where; what is not known is left out."""
    try:
        user = getpass.getuser()
    except (OSError, KeyError):
        user = ""
    host = platform.node().split(".")[0]
    return f"{user}@{host}" if user and host else user or host
