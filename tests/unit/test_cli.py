"""The ``lmdeck`` command itself: what it says before any screen, exit codes, where its output cannot go, Ctrl+C."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
import termios
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.support.pty_app import PtyApp
from tests.support.waiting import until
from tui import __version__
from tui.cli import COMMANDS, main
from tui.config.settings import config_path
from tui.i18n import set_language

Capture = pytest.CaptureFixture[str]
CHATTY = (["--version"], ["--help"], ["config", "keys"], ["homework", "--list"], ["serve", "--help"])


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "tui", *words]


def started(words: Sequence[str], **options: Any) -> subprocess.Popen[str]:
    """lmdeck as users start it: Python keeps output back until there is enough of it."""
    env = {key: value for key, value in os.environ.items() if key != "PYTHONUNBUFFERED"}
    return subprocess.Popen(command(*words), stderr=subprocess.PIPE, text=True, env=env, **options)


def finished(process: subprocess.Popen[str]) -> tuple[int, str]:
    with process:
        _out, err = process.communicate(timeout=30)
    return process.returncode, err


def test_version_and_help_tell_every_command(capsys: Capture) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith(f"lmdeck {__version__}")
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0
    told = capsys.readouterr().out
    assert [name for name in COMMANDS if f"lmdeck {name}" not in told] == []
    assert "130 interrupted" in told


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_has_a_help_with_its_own_name(name: str, capsys: Capture) -> None:
    words = [name, "--help"] if name else ["--help"]
    try:
        code = main(words)
    except SystemExit as ended:
        code = ended.code
    assert code == 0
    assert f"lmdeck {name}".strip() in capsys.readouterr().out


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["-c"],
        ["http://127.0.0.1:1"],
        ["ssh://root@box:48626", "--ssh-option", "-F", "--ssh-option", "my_config"],
        ["ssh", "-CNg", "-L", "23333:127.0.0.1:23333", "root@box", "-p", "48626"],
        ["demo", "--speed", "0"],
        ["homework", "--demo"],
    ],
    ids=lambda words: " ".join(words[:2]) or "lmdeck",
)
def test_without_a_terminal_no_screen_is_opened(words: list[str], capsys: Capture) -> None:
    assert main(words) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert "needs a terminal for its screen" in told.err
    assert "lmdeck ask PROMPT" in told.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["ssh://root@box:port"], "port"),
        (["ssh", "root@box", "--ssh-option", "-i 'key"], "-i 'key"),
        (["ssh", "-p"], "-p"),
        (["replay", "/nowhere/talk"], "/nowhere/talk cannot be read: No such file or directory."),
        (["replay", os.devnull], "is not a recording"),
        (["ask", "hi", "--ssh-option", "'"], "'"),
        (["serve", "m", "--on", "ssh://box:port"], "port"),
        (["env", "--on", "ssh://box:port"], "port"),
        (["env", "--nonsense"], "--nonsense"),
        (["quantize", "m", "--on", "ssh://box:port"], "port"),
        (["pull", "ssh://box:port"], "port"),
        (["ask", "hi", "--url", "ssh://box:port"], "port"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_wrong_command_line_is_one_sentence_and_2(words: list[str], said: str, capsys: Capture) -> None:
    assert main(words) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert said in told.err
    assert "Traceback" not in told.err


@pytest.mark.parametrize("words", [["replay"], ["demo", "--speed", "fast"], ["http://a:1", "b"], ["ask"], ["shot"]])
def test_what_argparse_refuses_is_2_as_well(words: list[str], capsys: Capture) -> None:
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2
    assert "usage: lmdeck" in capsys.readouterr().err


def test_a_profile_spelled_almost_right_is_named(capsys: Capture) -> None:
    config_path().parent.mkdir(parents=True)
    config_path().write_text('[profiles.lab-box]\nurl = "http://127.0.0.1:1"\n')
    assert main(["lab-bx"]) == 2
    assert "lab-box" in capsys.readouterr().err


def test_a_newer_recording_is_refused_before_the_screen(tmp_path: Path, capsys: Capture) -> None:
    path = tmp_path / "talk"
    path.write_text(json.dumps({"lmdeck": "recording", "format": 99}) + "\n")
    assert main(["replay", str(path)]) == 2
    assert "newer lmdeck (format 99)" in capsys.readouterr().err


def test_the_language_of_the_environment(monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    try:
        assert main([]) == 2
    finally:
        set_language("en")
    assert "终端" in capsys.readouterr().err


@pytest.mark.parametrize("words", CHATTY, ids=" ".join)
def test_a_reader_that_has_gone_is_no_error_of_ours(words: list[str]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    process = started(words, stdout=writer)
    os.close(writer)
    assert finished(process) == (1, "")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="Linux has a device that is full")
@pytest.mark.parametrize("words", CHATTY, ids=" ".join)
def test_a_full_disk_is_said_in_one_sentence(words: list[str]) -> None:
    with open("/dev/full", "w") as full:
        code, err = finished(started(words, stdout=full))
    assert code == 1
    assert err.startswith("The output could not be written: No space left on device.")
    assert "Traceback" not in err


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="Linux has a device that is full")
def test_nowhere_to_say_that_the_disk_is_full() -> None:
    with open("/dev/full", "w") as full, subprocess.Popen(command("--version"), stdout=full, stderr=full) as process:
        assert process.wait(30) == 1


def test_streams_that_were_closed_before_it_began() -> None:
    line = 'exec "$0" -m tui "$@" <&- >&-'
    process = subprocess.Popen(["sh", "-c", line, sys.executable, "config", "show"], stderr=subprocess.PIPE, text=True)
    assert finished(process) == (0, "")


async def test_ctrl_c_while_it_reads_the_question() -> None:
    process = started(["ask", "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin is not None
    process.stdin.write("Who are")
    process.stdin.flush()
    pipe = process.stdin.fileno()

    def unread() -> int:
        return int.from_bytes(fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)), sys.byteorder)

    await until(lambda: unread() == 0, what="it reads")
    process.send_signal(signal.SIGINT)
    assert finished(process) == (130, "")


def old_package(folder: Path, name: str, version: str, code: str = "") -> None:
    """What another program's pins leave in an environment."""
    about = folder / f"{name}-{version}.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    if code:
        (folder / f"{name}.py").write_text(code)


@pytest.mark.pty
def test_a_textual_that_is_too_old_is_told_in_the_terminal(tmp_path: Path) -> None:
    old_package(tmp_path, "textual", "0.50.1", "raise ImportError('no such name')")
    path = f"{tmp_path}{os.pathsep}{os.getcwd()}"
    with PtyApp(command("demo"), columns=200, env={"PYTHONPATH": path}) as terminal:
        assert terminal.wait_exit() == 2
        assert "lmdeck needs textual 8.2.8 … <8.3, but found 0.50.1." in terminal.text
        assert "Traceback" not in terminal.text


def test_an_openai_that_is_too_old_is_told_before_asking(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    old_package(tmp_path, "openai", "1.40.1")
    monkeypatch.syspath_prepend(tmp_path)
    assert main(["ask", "hi", "--url", "http://127.0.0.1:1"]) == 2
    assert "openai" in capsys.readouterr().err
