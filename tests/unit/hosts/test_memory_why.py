"""Every figure has an explanation with its own numbers, whatever is known."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.support.memory_recordings import load
from tests.support.memory_states import GIB, UNKNOWN, breakdown, nothing_known
from tests.unit.hosts.test_monitor import findings
from tui.hosts.findings import Findings
from tui.hosts.memory_why import explain_live
from tui.lmdeploy.known_models import find_model
from tui.model.memory import Figure, KvOccupancy, Source
from tui.model.plan import PlanInput
from tui.planner.cli import say
from tui.planner.planning import plan

PARTS = ("weights", "kv_cache", "other", "other_processes", "driver_reserve", "free", "total", "occupancy")


def formula(part, card, found=None, predicted=None) -> str:
    explanation = explain_live(part, card, found or Findings(), predicted)
    text = say(explanation.formula)
    assert "{" not in text
    return text


@pytest.mark.parametrize("part", PARTS)
def test_figures_without_a_known_server_still_say_what_they_are(part):
    for card in (breakdown(), nothing_known(), breakdown(**dict.fromkeys(PARTS[:7], UNKNOWN), occupancy=None)):
        assert formula(part, card)
    assert formula("no such part", breakdown())


def test_the_kv_cache_is_explained_by_where_it_comes_from():
    turbomind = findings(load("turbomind-1_8b-w4a16-ratio0.4-kvint4"))
    assert formula("kv_cache", breakdown(), turbomind) == (
        "0.4 × 20.34 GiB free after loading = 8.14 GiB, as the server's log says"
    )
    pytorch = findings(load("pytorch-1_8b-w4a16-ratio0.4-kvint4"))
    assert formula("kv_cache", breakdown(), pytorch).startswith("4,636 blocks of 1,671,168 bytes")
    flags = breakdown(kv_cache=Figure(8 * GIB, Source.COMMAND_LINE, GIB))
    assert "from the server's command line" in formula("kv_cache", flags, replace(turbomind, facts=None))
    estimate = breakdown(kv_cache=Figure(8 * GIB, Source.ESTIMATED, GIB))
    assert formula("kv_cache", estimate) == "0.8 × what is free after loading = 8.00 ± 1.00 GiB, calculated"
    starting = breakdown(kv_cache=UNKNOWN)
    assert "has not sized" in formula("kv_cache", starting, turbomind)


def test_other_is_what_remains_and_says_with_whom():
    assert formula("other", breakdown()) == "11.49 GiB held by the server − 1.44 weights − 8.14 kv cache = 1.91 GiB"
    mixed = breakdown(other_includes_foreign=True)
    assert formula("other", mixed).endswith("other processes included")
    guessed = breakdown(other=Figure(2 * GIB, Source.ESTIMATED, GIB // 2), total=Figure(24 * GIB, Source.ESTIMATED))
    assert "2.00 ± 0.50 GiB" in formula("other", guessed)


def test_the_courses_rule_stands_beside_the_measured_figure():
    model = find_model("internlm2_5-1_8b-chat-w4a16-4bit")
    assert model is not None
    predicted = plan(PlanInput(*model, total=24 * GIB, ratio=0.4, quant_policy=4))
    for part in ("weights", "kv_cache", "other"):
        explanation = explain_live(part, breakdown(), Findings(), predicted)
        assert explanation.rule_of_thumb is not None
        assert explanation.difference is not None
    assert "tensors in the checkpoint" in formula("weights", breakdown(), None, predicted)


def test_occupancy_in_tokens_or_in_percent():
    assert formula("occupancy", breakdown()) == "11.0 % of 333,000 tokens = 36,630 tokens"
    bare = breakdown(occupancy=KvOccupancy(0.5, Source.METRICS))
    assert formula("occupancy", bare) == "50.0 % of its blocks hold tokens"
    explanation = explain_live("occupancy", bare, Findings(), None)
    assert explanation.difference is not None
    assert "does not move during a chat" in say(explanation.difference)
