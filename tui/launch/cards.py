"""Which cards a server gets: named by the user, else those with the most free memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from tui.model.gpu import GpuReading, GpuSample
from tui.model.problem import Problem, ProblemError

VISIBLE = "CUDA_VISIBLE_DEVICES"


@dataclass(frozen=True, slots=True)
class Cards:
    """The chosen cards of a reading; ``variable`` is what CUDA_VISIBLE_DEVICES must be set to, "" to leave it."""

    samples: tuple[GpuSample, ...]
    variable: str = ""
    there: int = 0

    @property
    def indices(self) -> tuple[int, ...]:
        return tuple(sample.index for sample in self.samples)

    @property
    def baseline(self) -> dict[int, int]:
        """What is used on each card now."""
        return {sample.index: sample.used for sample in self.samples if sample.used is not None}

    @property
    def smallest(self) -> GpuSample | None:
        """The card with the least free memory: it decides."""
        readable = [sample for sample in self.samples if sample.free is not None and sample.total is not None]
        return min(readable, key=lambda sample: sample.free or 0, default=None)


def choose_cards(
    reading: GpuReading | None, tp: int, wanted: Sequence[int] | None, environment: Mapping[str, str]
) -> Cards:
    """The cards for a server of ``tp`` cards.

    Raises ProblemError launch.card for one that is not there, serve.tp-cards for too few."""
    if reading is None or not reading.samples:
        variable = ",".join(map(str, wanted)) if wanted else ""
        return Cards((), variable)
    there = {sample.index: sample for sample in reading.samples}
    visible = environment.get(VISIBLE, "")
    if wanted is None and visible:
        if not all(part.strip().isdigit() for part in visible.split(",")):
            return Cards((), there=len(there))  # cards named by UUID: the user knows
        wanted = [int(part) for part in visible.split(",")]
    if wanted is not None:
        missing = [index for index in wanted if index not in there]
        if missing:
            raise ProblemError(Problem("launch.card", {"card": missing[0], "count": len(there)}))
        chosen = [there[index] for index in wanted]
    else:
        chosen = sorted(there.values(), key=lambda sample: -(sample.free or 0))
    if tp > len(chosen):
        raise ProblemError(Problem("serve.tp-cards", {"tp": tp, "cards": len(chosen)}))
    chosen = chosen[:tp]
    variable = ",".join(str(sample.index) for sample in chosen) if len(there) > 1 else ""
    return Cards(tuple(chosen), variable, len(there))


def imagined(cards: Cards, total: int | None, free: int | None) -> Cards:
    """The cards with a size the user gave: a virtual card without a tool, or a plan for another machine."""
    if total is None:
        return cards
    known = cards.samples or (GpuSample(0, "", None, 0, None),)
    left = [
        replace(
            sample, total=total, free=free if free is not None else max(total - (sample.used or 0), 0), reserved=None
        )
        for sample in known
    ]
    return replace(cards, samples=tuple(left))
