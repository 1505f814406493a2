"""Sizes, times and the parts of a card's memory as words, the same in every room.

Loaded before the first frame (by ``tui.widgets.words``), so without the model's dataclasses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui.i18n import N_, _

if TYPE_CHECKING:
    from tui.model.memory import Source

PARTS = {
    "weights": N_("weights"),
    "kv_cache": N_("kv cache"),
    "other": N_("other"),
    "other_processes": N_("others"),
    "driver_reserve": N_("reserve"),
    "free": N_("free"),
}
"""The parts of a card's memory in the order they are shown in: field of the breakdown → label, to be translated."""

_WITH_FOREIGN = N_("other + others")

_SOURCES = {
    "MEASURED": N_("measured"),
    "SERVER_LOG": N_("server log"),
    "CHECKPOINT": N_("checkpoint"),
    "METRICS": N_("metrics"),
    "COMMAND_LINE": N_("command line"),
    "ESTIMATED": N_("estimated"),
    "UNKNOWN": N_("unknown"),
}


def gib(size: float | None) -> str:
    """Bytes as GiB with two decimals, without the unit; ``?`` when unknown."""
    return "?" if size is None else f"{size / 2**30:.2f}"


def with_unit(size: float | None) -> str:
    """Bytes as ``1.44 GiB``; ``?`` when unknown."""
    return "?" if size is None else f"{gib(size)} GiB"


def seconds(value: float) -> str:
    """``3 ms``, ``0.8 s``, ``2 min 5 s``."""
    if value < 0.0005:
        return "<1 ms"
    if value < 0.1:
        return f"{value * 1000:.0f} ms"
    if value < 60:
        return f"{value:.1f} s"
    return f"{int(value // 60)} min {int(value % 60)} s"


def part_name(name: str, *, with_foreign: bool = False) -> str:
    """The label of a part; ``with_foreign``: other processes cannot be told apart from "other"."""
    return _(_WITH_FOREIGN if with_foreign and name == "other" else PARTS[name])


def source_name(source: Source) -> str:
    """Where a figure comes from."""
    return _(_SOURCES[source.name])
