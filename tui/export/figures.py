"""The figures of turns and splits as words of the current language."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from tui.export.clean import one_line
from tui.i18n import N_, _
from tui.model.memory import Figure, MemoryBreakdown, Source
from tui.model.turn import TurnRecord

PARTS: tuple[tuple[str, str], ...] = (
    ("weights", N_("weights")),
    ("kv_cache", N_("kv cache")),
    ("other", N_("other")),
    ("other_processes", N_("others")),
    ("driver_reserve", N_("reserve")),
    ("free", N_("free")),
)
_WITH_FOREIGN = N_("other + others")
_SOURCES = {
    Source.MEASURED: N_("measured"),
    Source.SERVER_LOG: N_("server log"),
    Source.CHECKPOINT: N_("checkpoint"),
    Source.METRICS: N_("metrics"),
    Source.COMMAND_LINE: N_("command line"),
    Source.ESTIMATED: N_("estimated"),
    Source.UNKNOWN: N_("unknown"),
}
_ENDS = {
    "length": N_("cut at the token limit"),
    "stopped": N_("stopped by the user"),
    "failed": N_("failed"),
    "abort": N_("cut by the server"),
    "round_limit": N_("stopped: too many tool calls"),
    "context_full": N_("the context is full"),
}


def gib(size: float | None) -> str:
    """Bytes as GiB with two decimals and the unit; ``?`` when unknown."""
    return "?" if size is None else f"{size / 2**30:.2f} GiB"


def seconds(value: float) -> str:
    """``3 ms``, ``0.8 s``, ``2 min 5 s``."""
    if value < 0.1:
        return f"{value * 1000:.0f} ms" if value >= 0.0005 else "<1 ms"
    return f"{value:.1f} s" if value < 60 else f"{int(value // 60)} min {int(value % 60)} s"


def moment(time: datetime) -> str:
    """Local time with its offset, to the second."""
    return f"{time.astimezone():%Y-%m-%d %H:%M:%S %z}"


def source(of: Source) -> str:
    """Where a figure comes from."""
    return _(_SOURCES[of])


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


def split_parts(card: MemoryBreakdown) -> Iterable[tuple[str, str, Figure]]:
    """(field, label, figure) of every part of a card that is known or that belongs to the three of the panel."""
    for name, label in PARTS:
        figure: Figure = getattr(card, name)
        shown = _WITH_FOREIGN if name == "other" and card.other_includes_foreign else label
        if figure.bytes is not None or name in ("weights", "kv_cache", "other"):
            yield name, _(shown), figure


def card_title(card: MemoryBreakdown) -> str:
    """``GPU 0 NVIDIA A100 · 24.00 GiB``; the name is foreign text."""
    name = one_line(card.name, 80)
    return f"GPU {card.card} {name} · {gib(card.total.bytes)}".replace("  ", " ")


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
