"""Keeping starts as runs: once, with what is known, honest about what is not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.support.memory_recordings import load
from tests.unit.hosts.test_monitor import findings
from tui.gpu.breakdown import break_down
from tui.hosts.findings import Findings
from tui.hosts.memory_state import Card, free_before, knowledge, question_about
from tui.hosts.run_keeper import RunKeeper, Start, measure, run_from, runs_file
from tui.model.memory import Figure, Source
from tui.model.server import ServerFacts
from tui.planner.calibration import OwnMeasurements
from tui.planner.runs import RunLog

NAME = "turbomind-1_8b-w4a16-ratio0.4-kvint4"


def start(*, simulated: bool = False, **changes: Any) -> Start:
    recording = load(NAME)
    found = replace(findings(recording), **changes)
    card = break_down(recording.reading(recording.ready_sample()), knowledge(found, ServerFacts(), None))[0]
    assert card.total.bytes is not None
    question = question_about(found, ServerFacts(), Card(card.total.bytes, free_before(found, card), card.name))
    assert question is not None
    return Start(found, question, card, simulated)


@pytest.fixture
def keeper(tmp_path) -> RunKeeper:
    return RunKeeper(RunLog(tmp_path / "runs.jsonl"), OwnMeasurements(tmp_path / "own.json"))


async def test_a_run_is_kept_once_even_by_two_keepers(keeper, tmp_path):
    run = await keeper.keep(start())
    assert run is not None
    assert run.sources["kv_cache"] == "server log"
    assert await keeper.keep(start()) is None
    other = RunKeeper(RunLog(tmp_path / "runs.jsonl"), OwnMeasurements(tmp_path / "own.json"))
    assert await other.keep(start()) is None
    assert len(await keeper.runs()) == 1


async def test_a_server_without_a_log_is_kept_with_its_estimate_and_teaches_nothing(keeper):
    seen = start(facts=None)
    assert seen.card.kv_cache.source is Source.COMMAND_LINE
    run = await keeper.keep(seen)
    assert run is not None
    assert run.kv_cache == seen.card.kv_cache.bytes
    assert run.sources["kv_cache"] == "command line"
    assert run.flags
    assert measure(seen) is None
    assert await keeper.measurements() == ()


async def test_what_is_not_known_is_no_run(keeper):
    seen = start()
    unknown = replace(seen, card=replace(seen.card, weights=Figure(None, Source.UNKNOWN)))
    assert await keeper.keep(unknown) is None
    assert await keeper.keep(replace(seen, found=replace(seen.found, identity=""))) is None
    assert await keeper.runs() == ()


async def test_flags_that_lmdeploy_refuses_are_a_run_without_a_prediction(keeper):
    seen = start()
    strange = replace(seen, question=replace(seen.question, quant_policy=42), found=replace(seen.found, facts=None))
    run = await keeper.keep(strange)
    assert run is not None
    assert run.predicted_total is None
    assert measure(replace(seen, question=strange.question)) is None


async def test_simulated_runs_stay_in_memory(keeper, tmp_path):
    assert await keeper.keep(start(simulated=True)) is not None
    assert len(await keeper.runs()) == 1
    assert not (tmp_path / "runs.jsonl").exists()
    await keeper.forget([NAME])
    assert await keeper.runs() == ()


async def test_a_folder_that_cannot_be_written_is_a_problem(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("")
    keeper = RunKeeper(RunLog(blocked / "runs.jsonl"), OwnMeasurements(blocked / "own.json"))
    await keeper.keep(start())
    assert keeper.problem is not None
    assert keeper.problem.code in ("plan.runs", "plan.table")


def test_hidden_processes_leave_the_total_open():
    seen = start()
    foreign = replace(seen, card=replace(seen.card, other_includes_foreign=True))
    run = run_from(foreign, None)
    assert run.total is None
    assert run.other is None
    assert run.weights is not None


def test_nothing_known_is_no_question():
    assert question_about(Findings(), ServerFacts(), Card(1)) is None


def test_runs_are_kept_with_the_users_data(tmp_path, monkeypatch):
    monkeypatch.setenv("LMDECK_DATA_DIR", str(tmp_path))
    assert runs_file() == tmp_path / "runs.jsonl"
    assert RunKeeper() is not None
