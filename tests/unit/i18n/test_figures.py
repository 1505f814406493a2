"""Every part of a split and every source of a figure has its word; what is unknown is never 0."""

from __future__ import annotations

from dataclasses import fields

from tui.i18n.figures import PARTS, gib, part_name, source_name, with_unit
from tui.model.memory import Figure, MemoryBreakdown, Source


def test_every_source_and_every_part_has_a_word() -> None:
    assert {source: source_name(source) for source in Source} == {source: source.value for source in Source}
    known = {field.name for field in fields(MemoryBreakdown) if field.type == Figure.__name__}
    assert known - {"total"} == set(PARTS)
    assert part_name("other") == "other"
    assert part_name("other", with_foreign=True) == "other + others"
    assert part_name("weights", with_foreign=True) == "weights"


def test_sizes() -> None:
    assert (gib(None), with_unit(None)) == ("?", "?")
    assert (gib(3 << 29), with_unit(3 << 29)) == ("1.50", "1.50 GiB")
