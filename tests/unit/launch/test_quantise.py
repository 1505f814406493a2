"""Quantising with the stand-in: checked before, progress, questions, the report, seen again after a lost link."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from tests.support import checkpoints
from tests.support.launching import Install
from tui.launch.machine import LocalMachine
from tui.launch.quantise import QuantiseWatch, prepare_quantise, quantisations, start_quantise
from tui.launch.quantise_cli import QuantiseCommand, quantise_help, read_quantise
from tui.launch.starting import spawned
from tui.launch.wish import ServeWish
from tui.lmdeploy.checkpoint import load_checkpoint
from tui.model.launch import Diagnosis, LaunchQuestion, QuantiseProgress, QuantiseReport, QuantiseStage
from tui.model.problem import ProblemError

NAME = "internlm2_5-1_8b-chat"


@pytest.fixture
def model(tmp_path: Path, models: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A 16-bit model in a folder that may be written to."""
    folder = checkpoints.internlm(tmp_path / "models" / NAME, NAME)
    monkeypatch.setenv("FAKE_RESULT", str(models / f"{NAME}-w4a16-4bit"))
    monkeypatch.delenv("FAKE_MODE", raising=False)
    return folder


async def run(machine: LocalMachine, *words: str, ask: Any = None) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    read = read_quantise(words)
    assert read is not None
    command = QuantiseCommand(machine, read, out, err, ask)
    command.every = 0.02
    code = await command.run()
    return code, out.getvalue(), err.getvalue()


async def test_a_quantisation_from_start_to_report(machine: LocalMachine, lmdeploy: Install, model: Path) -> None:
    lmdeploy()
    prepared = await prepare_quantise(machine, ServeWish((str(model),)))
    target = f"{model}-w4a16-4bit"
    assert prepared.work_dir == target
    assert "--trust-remote-code" in prepared.argv
    assert prepared.argv[-4:-1] == ("wikitext2", "--trust-remote-code", "--work-dir")
    watch = QuantiseWatch(machine, await start_quantise(machine, prepared), every=0.02)
    events = [event async for event in watch.events()]
    progress = [event for event in events if isinstance(event, QuantiseProgress)]
    fractions = [event.fraction for event in progress]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    assert {QuantiseStage.CALIBRATING, QuantiseStage.DONE} <= {event.stage for event in progress}
    assert any(event.memory for event in progress)
    report = events[-1]
    assert isinstance(report, QuantiseReport)
    assert report.folder == target
    assert report.disk_after < report.disk_before
    assert report.weights_before == 3_778_220_032
    assert report.tokens_before is not None
    assert report.tokens_after is not None
    assert report.tokens_after > report.tokens_before
    again = QuantiseWatch(machine, quantisations(await spawned(machine))[0], every=0.02)
    assert isinstance([event async for event in again.events()][-1], QuantiseReport)


async def test_the_calculated_size_is_that_of_the_real_checkpoint(models: Path) -> None:
    from tui.lmdeploy.awq import quantised

    config, checkpoint = load_checkpoint(models / NAME)
    _, real = load_checkpoint(models / f"{NAME}-w4a16-4bit")
    assert quantised(config, checkpoint)[1].total == real.total


async def test_the_command_line_shows_progress_and_report(
    machine: LocalMachine, lmdeploy: Install, model: Path
) -> None:
    lmdeploy()
    code, out, err = await run(machine, str(model), "--search-scale", "False")
    assert (code, err) == (0, "")
    assert "calibrating" in out
    assert "100%  done" in out
    assert "tokens" in out.splitlines()[-1]
    assert "--search-scale False was left out" in out
    code, out, _ = await run(machine, "--follow", "--json")
    assert code == 0
    assert json.loads(out.splitlines()[-1])["event"] == "report"
    code, _, err = await run(machine, str(model))
    assert code == 2
    assert "already holds something" in err
    assert f"{model}-w4a16-4bit-2" in err
    code, out, _ = await run(machine, str(model), "--overwrite", "--dry-run", "--json")
    assert code == 0
    assert json.loads(out)["disk_after_bytes"] < json.loads(out)["disk_before_bytes"]


@pytest.mark.parametrize("reply", ["y", "n"])
async def test_questions_are_put_to_the_user(
    machine: LocalMachine, lmdeploy: Install, model: Path, monkeypatch: pytest.MonkeyPatch, reply: str
) -> None:
    lmdeploy()
    monkeypatch.setenv("FAKE_MODE", "ask")
    asked: list[str] = []

    def ask(question: str) -> str:
        asked.append(question)
        return reply

    code, _, _ = await run(machine, str(model), ask=ask)
    assert code == (0 if reply == "y" else 1)
    assert len(asked) == 1
    assert "[y/N]" in asked[0]


async def test_nobody_to_ask(
    machine: LocalMachine, lmdeploy: Install, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lmdeploy()
    monkeypatch.setenv("FAKE_MODE", "ask")
    code, _, err = await run(machine, str(model))
    assert code == 1
    assert "nobody could answer" in err
    code, out, _ = await run(machine, str(model), "--answer", "y", "--json")
    assert code == 0
    assert [json.loads(line)["event"] for line in out.splitlines()].count("question") == 1


async def test_a_full_disk_becomes_a_card(
    machine: LocalMachine, lmdeploy: Install, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lmdeploy()
    monkeypatch.setenv("FAKE_MODE", "disk")
    prepared = await prepare_quantise(machine, ServeWish((str(model),)))
    watch = QuantiseWatch(machine, await start_quantise(machine, prepared), every=0.02)
    last = [event async for event in watch.events()][-1]
    assert isinstance(last, Diagnosis)
    assert last.problem.code == "launch.disk"
    assert not [event for event in watch.tail if isinstance(event, LaunchQuestion)]


async def test_an_end_without_a_model(
    machine: LocalMachine, lmdeploy: Install, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lmdeploy()
    monkeypatch.delenv("FAKE_RESULT")
    prepared = await prepare_quantise(machine, ServeWish((str(model),)))
    watch = QuantiseWatch(machine, await start_quantise(machine, prepared), every=0.02)
    last = [event async for event in watch.events()][-1]
    assert isinstance(last, Diagnosis)
    assert last.problem.code == "quantise.incomplete"


@pytest.mark.parametrize(
    ("version", "words", "code"),
    [
        ("0.18.0", ("--calib-dataset", "ptb"), "quantise.ptb"),
        ("0.5.3", ("--calib-dataset", "ptb"), "quantise.ptb"),
        ("0.5.3", ("--calib-dataset", "gsm8k"), "quantise.dataset"),
        ("0.9.2", ("--trust-remote-code",), "serve.lacks--trust-remote-code"),
        ("0.18.0", ("--calib-samples", "many"), "serve.not-a-number"),
        ("0.18.0", ("--w-bits", "8"), "quantise.bits"),
        ("0.18.0", ("--work-dir",), "serve.no-value"),
        ("0.18.0", ("--tp", "2"), "serve.unknown-flag"),
        ("0.18.0", ("second",), "serve.stray-word"),
        ("0.18.0", ("--batch-size", "0"), "serve.positive"),
        ("0.18.0", ("--work-dir", "."), "quantise.same-folder"),
    ],
)
async def test_refusals(
    machine: LocalMachine, lmdeploy: Install, model: Path, version: str, words: tuple[str, ...], code: str
) -> None:
    lmdeploy(version)
    with pytest.raises(ProblemError) as caught:
        await prepare_quantise(machine, ServeWish((str(model), *words), folder=str(model)))
    assert caught.value.problem.code == code
    assert await spawned(machine) == ()


async def test_models_that_cannot_be_quantised(
    machine: LocalMachine, lmdeploy: Install, models: Path, tmp_path: Path
) -> None:
    lmdeploy()
    cases = {str(models / f"{NAME}-w4a16-4bit"): "quantise.already", str(tmp_path / "no"): "serve.model-missing"}
    for path, code in cases.items():
        with pytest.raises(ProblemError) as caught:
            await prepare_quantise(machine, ServeWish((path,)))
        assert caught.value.problem.code == code
    with pytest.raises(ProblemError) as caught:
        await prepare_quantise(machine, ServeWish(()))
    assert caught.value.problem.code == "quantise.no-model"


async def test_help_and_unknown_follow(machine: LocalMachine) -> None:
    assert read_quantise(["--help"]) is None
    assert "--calib-dataset" in quantise_help()
    code, out, err = await run(machine, "--follow", "nothing", "--json")
    assert code == 2
    assert "nothing" in err
    assert json.loads(out)["problem"]["code"] == "quantise.none"
