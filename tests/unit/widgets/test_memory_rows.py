"""The memory panel's rows: they add up, fit, keep unknown apart from zero, in both languages."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tests.support.memory_states import GIB, UNKNOWN, breakdown, nothing_known, state
from tui.i18n import set_language
from tui.model.launch import LaunchPhase, LaunchStage
from tui.model.memory import Figure, KvOccupancy, Source
from tui.model.monitor import HistoryPoint, MemoryState
from tui.model.problem import Problem
from tui.widgets.cell_rows import Row, cut, folded, pad, right, round_up, shares, spark
from tui.widgets.memory_rows import bar, look, memory_line, panel_rows


@pytest.fixture(autouse=True)
def _english() -> Iterator[None]:
    set_language("en")
    yield
    set_language("en")


def texts(rows: list[Row]) -> list[str]:
    return [row.text for row in rows]


def whole(rows: list[Row]) -> str:
    return "\n".join(texts(rows))


@given(st.lists(st.integers(0, 1 << 40), min_size=1, max_size=7), st.integers(1, 200))
def test_cells_add_up_and_nothing_disappears(sizes, cells):
    found = shares(sizes, sum(sizes), cells)
    assert sum(found) == (cells if sum(sizes) else 0)
    assert all(count >= 0 for count in found)
    parts = [size for size in sizes if size]
    if len(parts) <= cells / 2:
        assert all(count >= 1 for size, count in zip(sizes, found, strict=True) if size)
    assert all(count == 0 for size, count in zip(sizes, found, strict=True) if not size)


def test_sizes_beyond_the_total_never_leave_the_bar():
    assert sum(shares([30, 10], 20, 10)) == 10
    assert shares([1, 2], 0, 10) == [0, 0]


@given(st.integers(8, 120))
def test_a_bar_is_as_wide_as_it_should_be(cells):
    drawn = "".join(text for text, _style in bar(breakdown(), cells, breakdown().occupancy))
    assert cell_len(drawn) == cells
    assert {"█", "▒", "▓", "░", "x", "-", "·"} >= set(drawn)
    assert drawn.count("▓") >= 1  # 11 % of the cache is occupied


def test_an_empty_cache_has_no_occupied_cell():
    drawn = "".join(text for text, _style in bar(breakdown(), 40, KvOccupancy(0.0, Source.METRICS)))
    assert "▓" not in drawn
    assert "▒" in drawn


@pytest.mark.parametrize("language", ["en", "zh-CN"])
@pytest.mark.parametrize("width", [20, 30, 40, 60, 98])
def test_no_row_is_wider_than_the_panel(language, width):
    set_language(language)
    problems = (Problem("memory.no-process", {"port": "23333"}), Problem("memory.no-metrics"))
    phases = (LaunchPhase(LaunchStage.WEIGHTS, 11.8, size=2 * GIB), LaunchPhase(LaunchStage.KV_CACHE, 12.0))
    shown = state(breakdown(), nothing_known(card=1), problems=problems, timeline=phases, raw="1 MiB / 2 MiB 有")
    rows = panel_rows(shown, width)
    assert all(row.cells <= width for row in rows), whole(rows)
    assert cell_len("".join(text for text, _style in memory_line(shown, width))) <= width


def test_the_panel_says_sizes_with_their_sources():
    text = whole(panel_rows(state(), 40))
    for part in ("weights     1.44  checkpoint", "kv cache    8.14  server log", "other       1.91  the rest"):
        assert part in text
    assert "11 % · 37k of 333k tokens" in text
    assert "37 % busy  45 °C  210 W" in text
    assert "running 1 · waiting 0" in text
    assert "GPU 0  24.00 GiB" in text


def test_an_old_figure_shows_its_age_in_steps():
    for age, shown in ((14.9, ""), (15.0, "15 s ago"), (24.0, "20 s ago")):
        card = breakdown(occupancy=KvOccupancy(0.5, Source.METRICS, age))
        text = whole(panel_rows(state(card), 60))
        assert ("50 % used · " + shown if shown else "50 % used") in text
        assert bool(shown) == ("ago" in text)


@st.composite
def similar_states(draw: st.DrawFn) -> MemoryState:
    """States that differ in little, so that pairs with the same look are common."""
    occupancy = KvOccupancy(draw(st.sampled_from([0.0, 0.5])), Source.METRICS, draw(st.floats(0, 40)))
    points = [
        HistoryPoint(value, 0.1, 0.0)
        for value in draw(st.lists(st.sampled_from([0.5, 0.9]), max_size=3))
        for _second in range(draw(st.integers(1, 23)))
    ]
    card = breakdown(occupancy=occupancy)
    return replace(state(card, history=tuple(points), raw=draw(st.text(max_size=2))), time=draw(st.floats(0, 9)))


@given(similar_states(), similar_states(), st.integers(20, 130))
def test_states_with_the_same_look_have_the_same_rows(one, other, width):
    assert panel_rows(look(one), width) == panel_rows(one, width)
    if look(one) == look(other):
        assert panel_rows(one, width) == panel_rows(other, width)


def test_the_lines_of_a_quiet_card_grow_by_steps():
    quiet, busy = HistoryPoint(0.5, 0.1, 0.0), HistoryPoint(0.9, 0.1, 0.0)
    drawn = [whole(panel_rows(state(history=(busy, *(quiet,) * count)), 60)) for count in range(1, 21)]
    assert len(set(drawn)) == 5, "at once, then after 5, 10, 15 and 20 seconds"
    assert drawn[-1] != whole(panel_rows(state(history=(busy, *(quiet,) * 20, busy)), 60)), "news are drawn at once"


def test_time_alone_does_not_change_the_look():
    card = breakdown(occupancy=KvOccupancy(0.5, Source.METRICS, 3.0))
    later = breakdown(occupancy=KvOccupancy(0.5, Source.METRICS, 9.0))
    point = HistoryPoint(0.5, 0.1, 0.0)
    assert look(replace(state(card, history=(point,) * 60), time=1.0)) == look(
        replace(state(later, history=(point,) * 90), time=7.0)
    )


def test_estimates_have_a_margin():
    card = breakdown(kv_cache=Figure(8 * GIB, Source.COMMAND_LINE, GIB // 2))
    assert "kv cache    8.00 ±0.50  command line" in whole(panel_rows(state(card), 44))


def test_unknown_is_never_shown_as_zero():
    text = whole(panel_rows(state(nothing_known()), 44))
    assert "weights              ?  unknown" in text
    assert "other + others   12.00" in text
    assert "0.00" not in text
    silent = breakdown(**dict.fromkeys(("total", "weights", "kv_cache", "other", "free"), UNKNOWN), occupancy=None)
    text = whole(panel_rows(state(silent), 44))
    assert "GPU 0  ? GiB" in text
    assert "does not say how its memory is used" in text.replace("\n", " ")
    line = "".join(text for text, _style in memory_line(state(silent), 80))
    assert "GPU ?/? GiB" in line


def test_several_cards_each_have_a_bar_and_the_line_names_the_rest():
    two = state(breakdown(), breakdown(card=1, name="NVIDIA H200"))
    rows = panel_rows(two, 60)
    assert [row.card for row in rows if row.key == "weights"] == [0, 1]
    assert "NVIDIA H200" in whole(rows)
    line = "".join(text for text, _style in memory_line(two, 140))
    assert "and 1 more card" in line
    assert line.startswith("GPU 12.40/24.00 GiB")
    assert "w 1.44 kv 8.14 other 1.91" in line


def test_histories_are_on_fixed_scales():
    points = tuple(HistoryPoint(0.5, None, rate) for rate in (None, 0.0, 5.0, 100.0))
    rows = {
        text.split()[0]: text for text in texts(panel_rows(state(history=points, tokens_per_second=100.0), 40)) if text
    }
    assert "▅▅▅▅" in rows["memory"]
    assert "52 %" not in rows["memory"]
    assert "kv cache" not in "".join(text for text in rows.values() if "▁" in text and "tok/s" not in text)
    assert rows["tok/s"].rstrip().endswith("100")
    assert "▁▁█" in rows["tok/s"]


def test_a_spark_keeps_unknown_apart_from_nothing():
    assert spark([None, 0.0, 0.5, 1.0, 2.0], 6) == "  ▁▅██"
    assert spark([], 3) == "   "


@given(st.floats(0.001, 1e9))
def test_a_scale_ends_at_a_round_number_above(value):
    top = round_up(value)
    assert top >= value
    assert str(top).rstrip("0") in ("1", "2", "5")


def test_a_start_is_shown_phase_by_phase():
    phases = (
        LaunchPhase(LaunchStage.CONTEXT, 11.6),
        LaunchPhase(LaunchStage.WEIGHTS, 11.8, size=3 * GIB),
        LaunchPhase(LaunchStage.WARM_UP, 12.1, size=GIB // 2),
    )
    rows = texts(panel_rows(state(timeline=phases), 40))
    start = rows.index("start of the server")
    assert rows[start + 1].split() == ["11.6", "s", "CUDA", "context"]
    assert rows[start + 2].split() == ["11.8", "s", "weights", "3.00", "GiB"]
    loading = state(starting=LaunchPhase(LaunchStage.WEIGHTS, 4.0, 0.33))
    assert "the server is starting: weights 33 %, 4 s" in whole(panel_rows(loading, 60))
    assert "".join(text for text, _style in memory_line(loading, 60)).startswith("the server is starting")
    waiting = state(starting=LaunchPhase(LaunchStage.STARTING, 2.0))
    assert "the server is starting: starting, 2 s" in whole(panel_rows(waiting, 60))


def test_what_cannot_be_known_is_said_and_can_be_told():
    rows = panel_rows(MemoryState(problems=(Problem("memory.remote"),)), 40)
    assert "cannot be seen over HTTP" in whole(rows).replace("\n", " ")
    assert [row.key for row in rows if row.key] == ["tell"]
    line = "".join(text for text, _style in memory_line(MemoryState(problems=(Problem("memory.remote"),)), 80))
    assert line.startswith("GPU: The server runs on another machine")


def test_without_cards_the_cache_is_still_shown():
    only = MemoryState(occupancy=KvOccupancy(0.25, Source.METRICS, 0.2), running=3, waiting=None)
    text = whole(panel_rows(only, 40))
    assert "kv cache  25 % used" in text
    assert "running 3 · waiting ?" in text
    assert "kv cache 25 % used" in "".join(piece for piece, _style in memory_line(only, 60))
    assert "no figures yet" in "".join(piece for piece, _style in memory_line(MemoryState(), 60))


def test_the_slice_tools_own_line_is_shown_as_it_is():
    raw = "VGPU-SMI 1.7.13 13578MiB / 24566MiB 0% / 30%"
    rows = panel_rows(state(raw=raw, source="vgpu-smi"), 60)
    assert any(row.key == "raw" and row.text == raw for row in rows)
    assert raw not in whole(panel_rows(state(raw=raw), 60))


def test_hostile_names_stay_text():
    rows = panel_rows(state(breakdown(name="\x1b[31m[red]evil\n")), 60)
    assert "\x1b" not in whole(rows)
    assert "[red]evil" in whole(rows)


def test_texts_are_cut_by_cells():
    assert pad("显存规划", 5) == "显存…"
    assert cell_len(pad("显存规划", 6)) == 6
    assert pad("abc", 0) == ""
    assert right("7", 3) == "  7"
    assert right("12345", 3) == "12345"
    assert "".join(text for text, _style in cut([("abc", ""), ("def", "bold")], 4)) == "abc…"
    assert [row.text for row in folded("one two three", 8, indent="  ")] == ["  one", "  two", "  three"]
    assert folded("", 8) == []
