"""The figures of turns and splits as words of the current language."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from tui.export.clean import one_line
from tui.i18n import N_, _
from tui.i18n.figures import PARTS, part_name, seconds, with_unit
from tui.model.memory import Figure, MemoryBreakdown
from tui.model.turn import TurnRecord

_ENDS = {
    "length": N_("cut at the token limit"),
    "stopped": N_("stopped by the user"),
    "failed": N_("failed"),
    "abort": N_("cut by the server"),
    "round_limit": N_("stopped: too many tool calls"),
    "context_full": N_("the context is full"),
}


def moment(time: datetime) -> str:
    """Local time with its offset, to the second."""
    return f"{time.astimezone():%Y-%m-%d %H:%M:%S %z}"


def turn_figures(turn: TurnRecord) -> list[str]:
    """How long a turn took and how much it said; why it ended, unless it just ended."""
    pieces: list[str] = []
    prompt = sum(usage.prompt_tokens for usage in turn.usage)
    answer = sum(usage.completion_tokens for usage in turn.usage)
    if turn.usage:
        about = "≈" if any(usage.estimated for usage in turn.usage) else ""
        pieces.append(f"↑{about}{prompt:,} ↓{about}{answer:,}")
    timings = turn.timings
    if timings is not None:
        if timings.first_token is not None:
            pieces.append(_("first token {seconds}").format(seconds=seconds(timings.first_token)))
        if rate := timings.tokens_per_second:
            pieces.append(_("{rate} tok/s").format(rate=f"{rate:.0f}"))
        if timings.tools:
            pieces.append(_("tools {seconds}").format(seconds=seconds(timings.tools)))
        pieces.append(_("{seconds} in all").format(seconds=seconds(timings.total)))
    if (end := _ENDS.get(turn.finish_reason)) is not None:
        pieces.append(_(end))
    return pieces


def split_parts(card: MemoryBreakdown) -> Iterable[tuple[str, Figure]]:
    """(label, figure) of every part of a card that is known or that belongs to the three of the panel."""
    for name in PARTS:
        figure: Figure = getattr(card, name)
        if figure.bytes is not None or name in ("weights", "kv_cache", "other"):
            yield part_name(name, with_foreign=card.other_includes_foreign), figure


def card_title(card: MemoryBreakdown) -> str:
    """``GPU 0 NVIDIA A100 · 24.00 GiB``; the name is foreign text."""
    name = one_line(card.name, 80)
    return f"GPU {card.card} {name} · {with_unit(card.total.bytes)}".replace("  ", " ")


def occupancy(card: MemoryBreakdown) -> str:
    """How much of the kv cache is in use; empty when that is not known."""
    held = card.occupancy
    if held is None:
        return ""
    percent = f"{held.fraction * 100:.1f}"
    if held.tokens is not None and held.capacity_tokens is not None:
        text = _("{percent} % used · {tokens} of {capacity} tokens")
        return text.format(percent=percent, tokens=f"{held.tokens:,}", capacity=f"{held.capacity_tokens:,}")
    return _("{percent} % used").format(percent=percent)
