"""Plans against the recorded servers. None of the shipped measurements is one of these recordings."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.support.memory_recordings import STARTS, Recording, load
from tui.lmdeploy.kv import block_bytes, slab_for
from tui.lmdeploy.versions import BASELINE
from tui.planner.calibration import Measurement, family_of
from tui.planner.measured import MEASUREMENTS
from tui.planner.planning import load_of, plan

GIB = 1 << 30


def close(predicted: int, measured: int) -> bool:
    return abs(predicted - measured) <= max(0.03 * measured, 0.35 * GIB)


def residual(recording: Recording) -> Measurement:
    """What this recording would teach: its distance from the calculated halves."""
    bare = plan(recording.question(), shipped=())
    facts = recording.read_log().facts
    region = facts.kv_region(recording.model[0])
    assert region is not None
    other = recording.process_bytes - bare.weights - region
    load_ = load_of(recording.question(), BASELINE)
    return Measurement(recording.name, "NVIDIA H200", family_of(load_), 0, other - bare.other)


@pytest.mark.parametrize("name", STARTS)
def test_plan_matches_the_recorded_server(name: str) -> None:
    recording = load(name)
    answer = plan(recording.question())
    region = recording.read_log().facts.kv_region(recording.model[0])
    assert region is not None
    assert close(answer.total_used, recording.process_bytes)
    assert abs(answer.kv_cache - region) <= 0.03 * region
    assert abs(answer.total_used - recording.process_bytes) <= answer.margin
    assert answer.fits


@pytest.mark.parametrize("name", STARTS)
@pytest.mark.parametrize("shipped", [(), MEASUREMENTS], ids=["formula", "shipped"])
def test_leaving_one_out(name: str, shipped: tuple[Measurement, ...]) -> None:
    """Calibrated on the other recordings alone, and on top of the shipped measurements."""
    recording = load(name)
    others = [residual(load(other)) for other in STARTS if other != name]
    answer = plan(recording.question(), others, shipped)
    region = recording.read_log().facts.kv_region(recording.model[0])
    assert region is not None
    assert close(answer.total_used, recording.process_bytes)
    assert abs(answer.kv_cache - region) <= 0.03 * region


@pytest.mark.parametrize("name", STARTS)
def test_blocks_to_the_byte(name: str) -> None:
    recording = load(name)
    facts = recording.read_log().facts
    config = recording.model[0]
    block = block_bytes(config, recording.command.policy)
    for entry in facts.objects:
        assert entry.size == block
        assert (slab_for(block).size, slab_for(block).objects) == (entry.slab, entry.count)
    if facts.num_gpu_blocks:
        assert (
            abs(plan(recording.question()).kv_cache - facts.num_gpu_blocks * block)
            <= 0.03 * facts.num_gpu_blocks * block
        )


@pytest.mark.parametrize("name", STARTS)
def test_the_margin_holds_on_a_card_without_a_name(name: str) -> None:
    """Without --gpu-name batch size and kernels are guessed; the margin says how far that may be off."""
    recording = load(name)
    answer = plan(replace(recording.question(), gpu_name=""))
    assert abs(answer.total_used - recording.process_bytes) <= answer.margin


def test_the_recorded_out_of_memory_is_foreseen() -> None:
    recording = load("turbomind-oom")
    answer = plan(recording.question())
    assert not answer.fits
    assert answer.warnings[0].code == "plan.weights-do-not-fit"
    assert recording.read_log().facts.failure == "out-of-memory"


def test_two_cards_halve_the_block() -> None:
    recording = load("turbomind-tiny-tp2")
    sizes = {entry.size for entry in recording.read_log().facts.objects}
    assert sizes == {131_072}
