"""Why a live figure is what it is: the formula with its numbers, and the course's rule of thumb beside it."""

from __future__ import annotations

from collections.abc import Callable

from tui.hosts.findings import Findings
from tui.hosts.memory_state import server_bytes
from tui.i18n import N_
from tui.i18n.figures import gib
from tui.model.memory import Figure, KvOccupancy, MemoryBreakdown, Source
from tui.model.plan import Explanation, Plan, Sentence

UNKNOWN_MODEL = Sentence(
    N_("The model is not known here, so this part cannot be told from the rest of the server's memory.")
)
NOT_SAID = Sentence(N_("This card's driver does not say it."))
HIDDEN = Sentence(N_("Process ids are hidden here, so other processes cannot be told from the server."))


def explain_live(part: str, card: MemoryBreakdown, found: Findings, plan: Plan | None) -> Explanation:
    """The explanation of ``part`` (a field of :class:`MemoryBreakdown`, or ``occupancy``) as it is now. ``plan`` is
    what would have been predicted; its rule of thumb is shown beside the measured figure."""
    explain = _PARTS.get(part)
    formula = explain(card, found) if explain is not None else NOT_SAID
    predicted = plan.explanations.get(part) if plan is not None else None
    if predicted is None:
        difference = _RESERVED if part == "occupancy" and card.occupancy is not None else None
        return Explanation(formula, difference=difference)
    if part == "weights" and card.weights.source is Source.CHECKPOINT:
        formula = predicted.formula
    return Explanation(formula, predicted.rule_of_thumb, predicted.difference)


def _size(figure: Figure) -> str:
    return "?" if figure.bytes is None else gib(figure.bytes)


def _weights(card: MemoryBreakdown, _found: Findings) -> Sentence:
    if card.weights.bytes is None:
        return UNKNOWN_MODEL
    return Sentence(N_("All tensors of the checkpoint on this card: {size} GiB"), {"size": _size(card.weights)})


def _kv_cache(card: MemoryBreakdown, found: Findings) -> Sentence:
    figure, facts = card.kv_cache, found.facts
    if figure.bytes is None:
        return UNKNOWN_MODEL if found.config is None else Sentence(N_("The server has not sized its kv cache yet."))
    if figure.source is Source.SERVER_LOG and facts is not None:
        if facts.budget is not None and facts.free_before_kv is not None:
            return Sentence(
                N_("{ratio} × {free} GiB free after loading = {kv} GiB, as the server's log says"),
                {"ratio": f"{facts.ratio or 0:g}", "free": gib(facts.free_before_kv), "kv": _size(figure)},
            )
        block = facts.block(found.config)
        count = facts.num_gpu_blocks or facts.max_block_count
        if block and count:
            return Sentence(
                N_("{blocks} blocks of {bytes} bytes = {kv} GiB, as the server's log says"),
                {"blocks": count, "bytes": block, "kv": _size(figure)},
            )
    ratio = f"{found.command.ratio:g}" if found.command else "0.8"
    values = {"ratio": ratio, "kv": _size(figure), "margin": gib(figure.margin)}
    if figure.source is Source.ESTIMATED:
        return Sentence(N_("{ratio} × what is free after loading = {kv} ± {margin} GiB, calculated"), values)
    return Sentence(
        N_("{ratio} × what was free after loading = {kv} ± {margin} GiB, from the server's command line"), values
    )


def _other(card: MemoryBreakdown, _found: Findings) -> Sentence:
    if card.other.bytes is None:
        return NOT_SAID
    if card.other.source is Source.ESTIMATED and card.total.source is Source.ESTIMATED:
        return Sentence(
            N_("CUDA context, buffers and graphs: {other} ± {margin} GiB, from measurements of other servers"),
            {"other": _size(card.other), "margin": gib(card.other.margin)},
        )
    held = card.other.bytes + (card.weights.bytes or 0) + (card.kv_cache.bytes or 0)
    values = {
        "held": gib(held), "weights": _size(card.weights), "kv": _size(card.kv_cache), "other": _size(card.other),
    }  # fmt: skip
    if server_bytes(card) is None:
        return Sentence(
            N_("{held} GiB in use − {weights} weights − {kv} kv cache = {other} GiB, other processes included"), values
        )
    return Sentence(N_("{held} GiB held by the server − {weights} weights − {kv} kv cache = {other} GiB"), values)


def _other_processes(card: MemoryBreakdown, _found: Findings) -> Sentence:
    if card.other_processes.bytes is None:
        return HIDDEN
    return Sentence(
        N_("What processes that are not the server's hold on this card: {size} GiB"),
        {"size": _size(card.other_processes)},
    )


def _driver_reserve(card: MemoryBreakdown, _found: Findings) -> Sentence:
    if card.driver_reserve.bytes is None:
        return NOT_SAID
    return Sentence(N_("What the driver keeps for itself: {size} GiB"), {"size": _size(card.driver_reserve)})


def _free(card: MemoryBreakdown, _found: Findings) -> Sentence:
    if card.free.bytes is None or card.total.bytes is None:
        return NOT_SAID
    used = gib(card.total.bytes - card.free.bytes)
    return Sentence(
        N_("{total} GiB of the card − {used} GiB in use = {free} GiB"),
        {"total": _size(card.total), "used": used, "free": _size(card.free)},
    )


def _total(card: MemoryBreakdown, _found: Findings) -> Sentence:
    if card.total.bytes is None:
        return NOT_SAID
    return Sentence(N_("The whole memory of the card: {size} GiB"), {"size": _size(card.total)})


_RESERVED = Sentence(
    N_("The region stays reserved whether or not it is used: the card's memory does not move during a chat.")
)


def _occupancy(card: MemoryBreakdown, _found: Findings) -> Sentence:
    return occupancy_sentence(card.occupancy)


def occupancy_sentence(occupancy: KvOccupancy | None) -> Sentence:
    """How full the kv cache is, in a sentence."""
    if occupancy is None:
        return Sentence(N_("The server does not say how full its kv cache is."))
    percent = f"{occupancy.fraction * 100:.1f}"
    if occupancy.tokens is None or occupancy.capacity_tokens is None:
        return Sentence(N_("{percent} % of its blocks hold tokens"), {"percent": percent})
    return Sentence(
        N_("{percent} % of {capacity} tokens = {tokens} tokens"),
        {"percent": percent, "capacity": occupancy.capacity_tokens, "tokens": occupancy.tokens},
    )


_PARTS: dict[str, Callable[[MemoryBreakdown, Findings], Sentence]] = {
    "weights": _weights,
    "kv_cache": _kv_cache,
    "other": _other,
    "other_processes": _other_processes,
    "driver_reserve": _driver_reserve,
    "free": _free,
    "total": _total,
    "occupancy": _occupancy,
}
