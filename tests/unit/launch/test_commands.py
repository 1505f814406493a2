"""``lmdeck serve``, ``quantize`` and ``env`` as whole commands: at a terminal, and interrupted there."""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path

import pytest

from tests.support import fake_lmdeploy
from tests.support.launching import AWQ, HOMEWORK, W4A16, Install
from tests.support.pty_app import PtyApp
from tui.cli import main
from tui.launch.machine import LocalMachine
from tui.launch.starting import spawned

pytestmark = [pytest.mark.pty, pytest.mark.xdist_group("pty")]
Capture = pytest.CaptureFixture[str]
MODEL = "internlm2_5-1_8b-chat"


def lmdeck(*words: str) -> PtyApp:
    return PtyApp([sys.executable, "-m", "tui", *words], columns=160, rows=60)


def test_dry_runs_tell_the_command_and_the_plan(
    home: Path, slice_card: object, lmdeploy: Install, models: Path, capsys: Capture
) -> None:
    prefix = lmdeploy()
    assert main(["serve", str(models / AWQ), *HOMEWORK, "--dry-run"]) == 0
    told = capsys.readouterr().out
    assert f"{prefix}/bin/lmdeploy serve api_server" in told
    assert "It fits." in told
    assert main(["quantize", str(models / MODEL), "--work-dir", str(home / "made"), "--dry-run", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["argv"][1:3] == ["lite", "auto_awq"]
    main(["env"])
    assert f"{prefix}/bin/lmdeploy" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["serve", "quantize"])
def test_words_that_make_no_sense(name: str, capsys: Capture) -> None:
    assert main([name, "m", "--gpu", "much"]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith(f"lmdeck {name}: much is not a memory size.")
    assert told.err.count("\n") == 1


async def test_ctrl_c_at_the_prompt_stops_the_server_that_starts(
    machine: LocalMachine, lmdeploy: Install, recording: Install, models: Path
) -> None:
    lmdeploy()
    recording(W4A16, "hang")
    port = str(fake_lmdeploy.free_port())
    with lmdeck("serve", str(models / AWQ), *HOMEWORK, "--server-port", port) as terminal:
        terminal.wait_for("CUDA context")
        terminal.signal(signal.SIGINT)
        assert terminal.wait_exit() == 130
        assert "Interrupted: stopping the server." in terminal.text
        assert "Traceback" not in terminal.text
    assert [entry.running for entry in await spawned(machine)] == [False]


async def test_a_server_that_is_ready_leads_into_the_chat(
    machine: LocalMachine, lmdeploy: Install, recording: Install, models: Path
) -> None:
    lmdeploy()
    recording(W4A16, speed=400.0)
    port = str(fake_lmdeploy.free_port())
    with lmdeck("serve", str(models / AWQ), *HOMEWORK, "--server-port", port) as terminal:
        terminal.wait_for("/ opens the menu")
        terminal.wait_for(f"127.0.0.1:{port}")
        terminal.send("\x03")
        terminal.wait_for("Press Ctrl+C again to quit.")
        terminal.send("\x03")
        assert terminal.wait_exit() == 0
    assert [entry.running for entry in await spawned(machine)] == [True]


@pytest.mark.parametrize("answer", ["y\n", "\x04"])
async def test_a_question_of_the_program_is_asked_on_the_terminal(
    machine: LocalMachine,
    lmdeploy: Install,
    models: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    answer: str,
) -> None:
    lmdeploy()
    monkeypatch.setenv("FAKE_MODE", "ask")
    monkeypatch.setenv("FAKE_RESULT", str(models / AWQ))
    with lmdeck("quantize", str(models / MODEL), "--work-dir", str(tmp_path / "made")) as terminal:
        terminal.wait_for("[y/N]")
        terminal.send(answer)
        code = terminal.wait_exit()
        assert (code == 0) == (answer == "y\n"), terminal.text
        assert "Traceback" not in terminal.text
