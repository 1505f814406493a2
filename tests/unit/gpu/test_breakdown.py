"""The split of a card: recorded servers replayed, hidden process ids, slices, and parts that always add up."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.memory_recordings import GPU, RESERVE, STARTS, Recording, load
from tui.gpu.breakdown import break_down
from tui.gpu.knowledge import Knowledge
from tui.gpu.timeline import MemoryPoint, timeline
from tui.lmdeploy.known_models import find_model
from tui.lmdeploy.log import LogReader
from tui.lmdeploy.options import parse_options
from tui.lmdeploy.versions import Version
from tui.model.gpu import GpuProcess, GpuReading, GpuSample
from tui.model.launch import LaunchStage
from tui.model.memory import Figure, MemoryBreakdown, Source
from tui.model.server import ServerMetrics

GIB = 1 << 30


def parts(split: MemoryBreakdown) -> list[Figure]:
    return [split.weights, split.kv_cache, split.other, split.other_processes, split.driver_reserve, split.free]


def adds_up(split: MemoryBreakdown) -> bool:
    return sum(part.bytes or 0 for part in parts(split)) == split.total.bytes


def knowledge(recording: Recording, until: float = 1e9) -> Knowledge:
    config, checkpoint = recording.model
    return Knowledge(
        config,
        checkpoint,
        facts=recording.read_log(until).facts,
        command=recording.command,
        pids=recording.server_pids,
        cards=(0,),
    )


@pytest.mark.parametrize("name", STARTS)
@pytest.mark.parametrize("version", [2, 1])
def test_a_recorded_server_when_ready(name: str, version: int) -> None:
    recording = load(name)
    known = knowledge(recording)
    (split,) = break_down(recording.reading(recording.ready_sample(version)), known)
    assert known.facts is not None
    assert split.kv_cache.bytes == known.facts.kv_region(recording.model[0])
    assert split.kv_cache.source is Source.SERVER_LOG
    assert split.weights.bytes == recording.model[1].total
    assert split.weights.source is Source.CHECKPOINT
    assert split.other.source is Source.MEASURED
    strangers = sum(used for pid, used in recording.meta["mem_ready"][3].items() if int(pid) in recording.strangers)
    assert split.other_processes.bytes == strangers
    assert 0 <= (split.driver_reserve.bytes or 0) - RESERVE < 32 << 20  # each process costs the driver some MiB too
    assert split.free.bytes == recording.meta["mem_ready"][1]
    assert adds_up(split)


@pytest.mark.parametrize("name", STARTS)
def test_every_recorded_moment_adds_up(name: str) -> None:
    recording = load(name)
    known = knowledge(recording)
    for row in recording.samples:
        facts = recording.read_log(row["t"]).facts
        sample = recording.sample(row["used"], row["free"], row["total"], row["procs"])
        for split in break_down(recording.reading(sample), replace(known, facts=facts)):
            assert adds_up(split)
            assert all((part.bytes or 0) >= 0 for part in parts(split))


@pytest.mark.parametrize("name", STARTS)
def test_hidden_process_ids(name: str) -> None:
    """Inside a container the list is empty: what was used before the launch is subtracted."""
    recording = load(name)
    sample = replace(recording.ready_sample(), processes=())
    known = replace(knowledge(recording), baseline={0: recording.meta["mem_base"][0] - RESERVE})
    (split,) = break_down(recording.reading(sample), known)
    assert adds_up(split)
    assert not split.other_includes_foreign
    server = sum(part.bytes or 0 for part in parts(split)[:3])
    assert abs(server - recording.process_bytes) < 16 << 20
    (unknown,) = break_down(recording.reading(sample), replace(known, baseline={}))
    assert unknown.other_includes_foreign
    assert unknown.other_processes.bytes is None
    assert adds_up(unknown)


@pytest.mark.parametrize("name", STARTS)
def test_a_found_server_without_a_log(name: str) -> None:
    """From the command line alone the kv cache is calculated, with a margin that holds."""
    recording = load(name)
    known = replace(knowledge(recording), facts=None)
    (split,) = break_down(recording.reading(recording.ready_sample()), known)
    region = recording.read_log().facts.kv_region(recording.model[0])
    assert region is not None
    assert split.kv_cache.source is Source.COMMAND_LINE
    assert split.kv_cache.bytes is not None
    assert abs(split.kv_cache.bytes - region) <= max(split.kv_cache.margin, 0.03 * region)
    assert split.other.source is Source.ESTIMATED
    assert split.other.margin == split.kv_cache.margin
    assert adds_up(split)


def test_http_only_knows_what_it_cannot_know() -> None:
    recording = load(STARTS[0])
    (split,) = break_down(recording.reading(recording.ready_sample()), Knowledge())
    assert split.weights.bytes is None
    assert split.kv_cache.bytes is None
    assert split.kv_cache.source is Source.UNKNOWN
    assert split.other_includes_foreign
    assert adds_up(split)


def test_occupancy_from_metrics_with_its_age() -> None:
    recording = load("turbomind-1_8b-w4a16-ratio0.4-kvint4")
    metrics = ServerMetrics(time=100.0, kv_used_fraction=0.11)
    known = replace(knowledge(recording), metrics=metrics)
    (split,) = break_down(recording.reading(recording.ready_sample()), known, now=107.5)
    assert split.occupancy is not None
    assert (split.occupancy.fraction, split.occupancy.age, split.occupancy.source) == (0.11, 7.5, Source.METRICS)
    assert split.occupancy.capacity_tokens == 330_240 + 1_280
    assert split.occupancy.tokens == round(0.11 * split.occupancy.capacity_tokens)
    (logged,) = break_down(recording.reading(recording.ready_sample()), replace(known, metrics=None))
    assert logged.occupancy is not None
    assert logged.occupancy.source is Source.SERVER_LOG


def test_a_slice_adds_up_without_a_reserve() -> None:
    """The course's card: 24,566 MiB, a quantised 7B at ratio 0.4 with an int4 cache on lmdeploy 0.5.3."""
    found = find_model("internlm2_5-7b-chat-w4a16-4bit")
    assert found is not None
    reader = LogReader()
    reader.feed("[TM][INFO] [BlockManager] block_size = 2 MB\n[TM][INFO] [BlockManager] max_block_count = 3000\n")
    command = parse_options(["m", "--quant-policy", "4", "--cache-max-entry-count", "0.4"])
    known = Knowledge(*found, reader.facts, command, version=Version(0, 5, 3), baseline={0: 0})
    total, used = 24566 << 20, 13578 << 20
    reading = GpuReading(0.0, (GpuSample(0, "A100", total, used, total - used),), "vgpu-smi")
    (split,) = break_down(reading, replace(known, facts=replace(reader.facts, policy=4)))
    assert split.kv_cache.bytes == 3000 * 2_228_224
    assert adds_up(split)
    assert split.driver_reserve.bytes is None


def test_integer_megabytes_are_not_used() -> None:
    """0.5.3 with the homework's flags: the printed 1 MB would make 5.53 GiB of 8.81."""
    found = find_model("internlm2_5-1_8b-chat-w4a16-4bit")
    assert found is not None
    reader = LogReader()
    reader.feed("[TM][INFO] [BlockManager] block_size = 1 MB\n[TM][INFO] [BlockManager] max_block_count = 5662\n")
    facts = replace(reader.facts, policy=4)
    assert facts.kv_region(found[0]) == 5662 * 1_671_168
    assert facts.kv_region(None) is None
    assert pytest.approx(8.81, abs=0.01) == 5662 * 1_671_168 / GIB


def test_two_cards_are_split_one_by_one() -> None:
    recording = load("turbomind-tiny-tp2")
    facts = recording.read_log().facts
    peak = max(recording.samples, key=lambda row: row["used"])
    other_used, other_procs = peak["others"][0]
    first = recording.sample(peak["used"], peak["free"], peak["total"], peak["procs"])
    listed = tuple(GpuProcess(int(pid), used) for pid, used in other_procs.items())
    second = GpuSample(
        1, GPU, peak["total"], other_used - RESERVE, peak["total"] - other_used, RESERVE, processes=listed
    )
    idle = GpuSample(2, GPU, peak["total"], 0, peak["total"] - RESERVE, RESERVE, processes=())
    reading = GpuReading(0.0, (first, second, idle), "nvml")
    splits = break_down(reading, Knowledge(facts=facts, pids=recording.server_pids))
    assert [split.card for split in splits] == [0, 1]
    assert all(adds_up(split) for split in splits)
    assert {split.kv_cache.bytes for split in splits} == {facts.budget}


def test_cards_from_the_environment() -> None:
    cards = tuple(GpuSample(index, GPU, 10, 4, 6) for index in range(4))
    reading = GpuReading(0.0, cards, "nvml")
    known = Knowledge(command=parse_options(["m", "--tp", "2"]), cards=(2, 3))
    assert [split.card for split in break_down(reading, known)] == [2, 3]
    assert [split.card for split in break_down(reading, replace(known, cards=None))] == [0, 1]


def test_an_unreadable_card_is_unknown_not_zero() -> None:
    sample = GpuSample(0, "", None, None, None, errors={"memory": "Not Supported"})
    (split,) = break_down(GpuReading(0.0, (sample,), "nvml"), Knowledge())
    assert all(part.bytes is None for part in parts(split))
    assert split.free.explanation == "Not Supported"


def test_processes_without_sizes() -> None:
    processes = (GpuProcess(10, 6 * GIB), GpuProcess(11, None))
    sample = GpuSample(0, GPU, 24 * GIB, 9 * GIB, 15 * GIB, 0, processes=processes)
    (split,) = break_down(GpuReading(0.0, (sample,), "nvml"), Knowledge(pids=frozenset({10})))
    assert split.other_processes.bytes == 3 * GIB
    assert adds_up(split)
    (mixed,) = break_down(GpuReading(0.0, (sample,), "nvml"), Knowledge(pids=frozenset({11})))
    assert mixed.other_includes_foreign


sizes = st.integers(0, 200 * GIB)


@given(
    total=st.integers(1, 200 * GIB),
    used=sizes,
    reserved=st.one_of(st.none(), sizes),
    listed=st.lists(st.tuples(st.integers(1, 4), st.one_of(st.none(), sizes)), max_size=4),
    baseline=st.one_of(st.none(), sizes),
    with_log=st.booleans(),
)
def test_parts_always_add_up(
    total: int,
    used: int,
    reserved: int | None,
    listed: list[tuple[int, int | None]],
    baseline: int | None,
    with_log: bool,
) -> None:
    """Whatever a driver says, the known parts add up and none is negative."""
    recording = _RECORDING
    processes = tuple(GpuProcess(pid, size) for pid, size in listed)
    sample = GpuSample(0, GPU, total, used, max(total - used, 0), reserved, processes=processes)
    before = {} if baseline is None else {0: baseline}
    known = replace(_KNOWN, pids=frozenset({1, 2}), baseline=before, facts=_FACTS if with_log else None)
    (split,) = break_down(recording.reading(sample), known)
    assert adds_up(split)
    assert all((part.bytes or 0) >= 0 for part in parts(split))


_RECORDING = load("turbomind-7b-bf16-ratio0.4")
_KNOWN = knowledge(_RECORDING)
_FACTS = _KNOWN.facts


@pytest.mark.parametrize("name", [name for name in STARTS if name.startswith("turbomind")])
def test_the_timeline_of_a_recorded_start(name: str) -> None:
    recording = load(name)
    reader = recording.read_log()
    ready = reader.stages[-2].at
    points = [
        MemoryPoint(row["t"], sum(used for pid, used in row["procs"].items() if int(pid) in recording.server_pids))
        for row in recording.samples
        if row["t"] <= ready
    ]
    phases = {phase.stage: phase for phase in timeline(reader.stages, points)}
    region = reader.facts.kv_region()
    assert region is not None
    _size, grown_at = max((after.used - before.used, after.at) for before, after in pairwise(points))
    assert abs(phases[LaunchStage.KV_CACHE].at - grown_at) < 0.2
    assert phases[LaunchStage.CONTEXT].at < phases[LaunchStage.WEIGHTS].at < phases[LaunchStage.KV_CACHE].at
    assert (phases[LaunchStage.WARM_UP].size or 0) >= 0
    assert phases[LaunchStage.READY].size is None
    assert reader.facts.free_before_kv is not None
    lost = recording.free_before - reader.facts.free_before_kv
    ramp = max(point.used for point in points if point.at < grown_at)
    weights = recording.model[1].total
    assert weights < lost <= ramp + GIB // 2
    assert 0.5 * GIB < lost - weights < 0.95 * GIB + 0.3 * weights


def test_a_timeline_without_samples() -> None:
    reader = load("pytorch-1_8b-bf16-ratio0.8").read_log()
    assert all(phase.size is None for phase in timeline(reader.stages, []))
