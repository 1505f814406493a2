"""Log readers: recorded logs, lines of every version band, and any way of cutting the stream."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.memory_recordings import STARTS, load
from tui.lmdeploy.log import LogFacts, LogReader, plain
from tui.model.launch import LaunchStage

MIB = 1 << 20
FULL = [LaunchStage.CONTEXT, LaunchStage.WEIGHTS, LaunchStage.KV_CACHE, LaunchStage.WARM_UP, LaunchStage.READY]


def facts_of(*lines: str) -> LogFacts:
    reader = LogReader()
    for line in lines:
        reader.feed(line + "\n")
    return reader.facts


@pytest.mark.parametrize("name", STARTS)
def test_recorded_starts(name: str) -> None:
    recording = load(name)
    reader = recording.read_log()
    facts, command = reader.facts, recording.command
    assert [change.stage for change in reader.stages] == [*FULL, LaunchStage.STOPPING]
    assert facts.engine == command.text("backend")
    assert (facts.ratio, facts.policy, facts.tp) == (command.ratio, command.policy, 1)
    assert (facts.session_len, facts.max_batch, facts.max_prefill, facts.block_tokens) == (32_768, 1024, 8192, 64)
    assert facts.ready_url == f"http://127.0.0.1:{command.count('server_port', 0)}"
    assert facts.failure == ""
    assert facts.kv_region(recording.model[0])


def test_the_recorded_homework() -> None:
    facts = load("turbomind-1_8b-w4a16-ratio0.4-kvint4").read_log().facts
    assert facts.budget == round(8332.63 * MIB)
    assert facts.free_before_kv == round(20831.56 * MIB)
    assert facts.model_format == "awq"
    assert facts.dtype == "float16"
    assert facts.kv_used_fraction == 0.113


def test_a_start_that_fails() -> None:
    reader = load("turbomind-oom").read_log()
    assert reader.facts.failure == "out-of-memory"
    assert "CUDA error: out of memory" in reader.facts.failure_line
    assert reader.facts.kv_region() is None


def test_block_managers_of_all_bands() -> None:
    newest = facts_of("[TM][INFO][0101.00:00:00.000001][x.cc:1] block_size = 6.000 MB", "max_block_count = 10")
    assert (newest.printed_block, newest.max_block_count, newest.kv_region()) == (6 * MIB, 10, 60 * MIB)
    middle = facts_of(
        "[TM][INFO] [BlockManager] block_size = 1.594 MB", "[TM][INFO] [BlockManager] max_block_count = 9"
    )
    assert middle.printed_block == round(1.594 * MIB)
    oldest = facts_of("[TM][INFO] [BlockManager] block_size = 6 MB", "[TM][INFO] [BlockManager] max_block_count = 10")
    assert (oldest.printed_block, oldest.max_block_count, oldest.kv_region()) == (None, 10, None)
    hybrid = facts_of("max_block_count = 10", "[SeqMgr] Adjusted block_count to 7")
    assert hybrid.max_block_count == 7


@pytest.mark.parametrize(
    "line",
    [
        "[TM][WARNING] No enough blocks for `session_len` (32768), `session_len` truncated to 4928.",
        "[TM][WARN][0101.00:00:00.1][a.cc:2] `session_len` truncated to 4928 due to limited KV cache memory",
    ],
)
def test_a_truncated_context(line: str) -> None:
    assert facts_of("x PytorchEngineConfig(session_len=32768)", line).session_len == 4928


@pytest.mark.parametrize(
    ("line", "fraction"),
    [
        ("[2026-01-01 00:00:00 DP0] Avg thr (in/out): 1 / 2 tokens/s, KV cache: 11.3%, ", 0.113),
        ("[DP0] Running: 1 reqs, Waiting: 0 reqs, GPU KV cache usage: 42%", 0.42),
    ],
)
def test_throughput_lines(line: str, fraction: float) -> None:
    assert facts_of(line).kv_used_fraction == fraction


@pytest.mark.parametrize(
    ("line", "failure"),
    [
        ("RuntimeError: No enough gpu memory for kv cache.", "no-kv-memory"),
        ("torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2 GiB", "out-of-memory"),
        ("[TM][ERROR] CUDA runtime error: out of memory /x/allocator.h:1", "out-of-memory"),
        ("ERROR: [Errno 98] error while attempting to bind: address already in use", "port"),
        ("lmdeploy: error: unrecognized arguments: --zz", "arguments"),
        ("Do you wish to run the custom code? [y/N]", "remote-code"),
        ("CUDA driver version is insufficient for CUDA runtime version", "driver"),
        ("requests.exceptions.ConnectionError: Max retries exceeded", "hub"),
        ("OSError: [Errno 28] No space left on device", "disk"),
        ("INFO: all is well", ""),
    ],
)
def test_failures(line: str, failure: str) -> None:
    assert facts_of(line).failure == failure


def test_a_silent_fallback_is_noticed() -> None:
    facts = facts_of("TurbomindEngineConfig(tp=1)", "WARNING - Fallback to pytorch engine because X is not supported.")
    assert (facts.engine, facts.fallback) == ("pytorch", "X is not supported.")


def test_an_exhausted_cache() -> None:
    line = "dp0 ID 7: cache out of memory, no request can be admitted; failing head-of-line request"
    assert facts_of(line).cache_exhausted


def test_several_cards_count_the_smallest() -> None:
    line = "Object cache budget: {} MB from free {} MB and ratio 0.500"
    facts = facts_of(line.format("100.00", "200.00"), line.format("90.00", "180.00"))
    assert (facts.budget, facts.free_before_kv) == (90 * MIB, 180 * MIB)
    objects = facts_of(*["slab_size 33554432, object_size 262144, object_count 128, ratio 1"] * 2).objects
    assert len(objects) == 1


def test_progress_bars() -> None:
    reader = LogReader()
    reader.feed("\rLoading:  12%|#| 4/32\rLoading:  44%|##| 14/32\r", 3.0)
    assert (reader.facts.stage, reader.facts.fraction) == (LaunchStage.WEIGHTS, 0.12)
    reader.feed("\x1b[0mConvert to turbomind format: 50%|", 4.0)
    reader.finish(5.0)
    assert reader.facts.fraction == 0.5
    assert reader.finish() == ()
    reader.feed("Fetching 12 files: 10%|\n", 9.0)
    assert reader.facts.stage is LaunchStage.WEIGHTS  # a start does not go backwards
    assert [change.at for change in reader.stages] == [3.0]


def test_escape_codes_never_come_through() -> None:
    assert plain("\x1b[93m\x1b[1mhttp://h:1\x1b[0m \x1b]0;title\x07\x08x\x00") == "http://h:1 x"
    hint = "HINT:    Please open \x1b[93m\x1b[1mhttp://127.0.0.1:1\x1b[0m in a browser"
    assert facts_of(hint).ready_url == "http://127.0.0.1:1"


def test_odd_settings_are_ignored() -> None:
    facts = facts_of("CacheConfig(num_gpu_blocks=x, cache_max_entry_count=abc, quant_policy=<QuantPolicy.X: 3>)")
    assert (facts.num_gpu_blocks, facts.ratio, facts.policy) == (None, None, None)


PIECES = "".join(text for _, text in load("turbomind-7b-w4a16-ratio0.4-kvint4").log[:40]).replace("\n", "\r\n", 5)


@given(st.lists(st.integers(0, len(PIECES)), max_size=20), st.booleans())
def test_any_split_reads_the_same(cuts: list[int], bars: bool) -> None:
    text = PIECES.replace("it/s]\n", "it/s]\r") if bars else PIECES
    whole = LogReader()
    lines = whole.feed(text) + whole.finish()
    pieces = LogReader()
    places = sorted({0, len(text), *(min(cut, len(text)) for cut in cuts)})
    found: tuple[str, ...] = ()
    for start, end in pairwise(places):
        found += pieces.feed(text[start:end])
    found += pieces.finish()
    assert found == lines
    assert pieces.facts == whole.facts


def test_an_endless_line_is_cut() -> None:
    reader = LogReader()
    for _ in range(5):
        reader.feed("x" * 60_000)
    (line,) = reader.feed("\n")
    assert len(line) <= 64 * 1024
