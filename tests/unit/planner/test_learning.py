"""Learning from recorded starts, and the command line of a plan."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.support.memory_recordings import STARTS, load
from tui.lmdeploy.log import LogFacts
from tui.lmdeploy.options import find_server, parse_options
from tui.planner.command import serve_command
from tui.planner.learning import Started, halves, learn, run_of
from tui.planner.planning import plan

GIB = 1 << 30


def started(name: str) -> Started:
    recording = load(name)
    facts = recording.read_log().facts
    return Started(name, 1.0, recording.question(), facts, recording.free_before, recording.process_bytes)


@pytest.mark.parametrize("name", STARTS)
def test_a_start_teaches_little_because_the_formula_is_near(name: str) -> None:
    seen = started(name)
    parts = halves(seen)
    assert parts is not None
    assert sum(parts) == seen.process
    lesson = learn(seen)
    assert lesson is not None
    assert abs(lesson.before) < 0.1 * GIB
    assert abs(lesson.after) < 0.1 * GIB
    taught = plan(seen.question, [lesson] * 20, shipped=())
    assert abs(taught.total_used - seen.process) < 0.05 * GIB


@pytest.mark.parametrize("name", STARTS)
def test_a_run_keeps_predicted_and_measured(name: str) -> None:
    seen = started(name)
    run = run_of(seen, plan(seen.question), ("--tp", "1"))
    assert run.total == seen.process
    assert run.other == (run.other_before or 0) + (run.other_after or 0)
    assert run.predicted_total is not None
    assert abs(run.predicted_total - seen.process) < 0.35 * GIB
    assert run.tokens
    assert run.sources["kv_cache"] == "server log"


def test_without_enough_log_nothing_is_learnt() -> None:
    seen = started(STARTS[0])
    silent = replace(seen, facts=LogFacts())
    assert halves(silent) is None
    assert learn(silent) is None
    run = run_of(silent, None, ())
    assert (run.kv_cache, run.tokens, run.other, run.predicted_total) == (None, None, None, None)
    fixed = replace(seen, question=replace(seen.question, num_gpu_blocks=100))
    assert halves(fixed) is None


def test_the_command_line_reads_back() -> None:
    question = replace(
        started("turbomind-7b-w4a16-ratio0.4-kvint4").question,
        tp=2,
        session_len=8192,
        max_batch=64,
        max_prefill=4096,
        block_tokens=128,
    )
    line = serve_command("/models/m", question)
    rest = find_server(line)
    assert rest is not None
    command = parse_options(rest)
    assert command.unknown == ()
    assert (command.model, command.ratio, command.policy, command.count("tp", 1)) == ("/models/m", 0.4, 4, 2)
    assert command.text("model_format") == "awq"
    assert (command.count("session_len", 0), command.count("cache_block_seq_len", 0)) == (8192, 128)
    assert command.flag("trust_remote_code")
    assert "--trust-remote-code" not in serve_command("m", replace(question, version="0.5.3"))
    pytorch = replace(question, engine="pytorch", eager=True, num_gpu_blocks=50)
    assert {"--eager-mode", "--num-gpu-blocks"} <= set(serve_command("m", pytorch))
