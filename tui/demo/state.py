"""What a simulated server remembers while it runs."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from tui.demo.card import SimulatedCard
from tui.demo.dialects import Dialect, dialect
from tui.demo.faults import Fault
from tui.demo.metrics import Metrics
from tui.demo.options import Options

_ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_ID_LENGTH = 22


@dataclass(slots=True)
class State:
    """Everything that changes: ids, counters, the card, sleep, and the errors that were ordered for later."""

    options: Options
    dialect: Dialect
    metrics: Metrics
    card: SimulatedCard
    random: random.Random
    started: float = field(default_factory=time.time)
    sessions: int = 0
    sleeping: bool = False
    ordered: list[Fault] = field(default_factory=list[Fault])

    @classmethod
    def fresh(cls, options: Options, clock: Callable[[], float] = time.monotonic) -> State:
        return cls(
            options=options,
            dialect=dialect(options.lmdeploy),
            metrics=Metrics(options, clock),
            card=SimulatedCard(options, clock),
            random=random.Random(options.seed),  # noqa: S311 (ids that are the same in every run, not secrets)
        )

    def new_id(self) -> str:
        """A random id in the alphabet of shortuuid, as lmdeploy makes them; the same sequence for the same seed."""
        return "".join(self.random.choices(_ALPHABET, k=_ID_LENGTH))

    def answer_id(self) -> str:
        """``chatcmpl-…``, or the session's number up to 0.14."""
        self.sessions += 1
        return str(self.sessions) if self.dialect.session_ids else f"chatcmpl-{self.new_id()}"

    def take_fault(self) -> Fault | None:
        """The next ordered error, used up."""
        return self.ordered.pop(0) if self.ordered else None
