"""What is done to the environment before Textual is imported, and what terminals deliver."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from tui.config.actions import ACTIONS, BY_ID, DEFAULT_KEYS, Footer, Place, apart, display_key, first_delivered
from tui.config.terminal import (
    GNOME,
    JUPYTER,
    PLAIN,
    VSCODE,
    WINDOWS,
    ScreenFile,
    Terminal,
    detect,
    frames_per_second,
    guarded_stderr,
    mend_environment,
    open_private,
)
from tui.config.themes import shipped_folder, theme_files


@pytest.mark.parametrize(
    ("environ", "name", "eaten", "delivered"),
    [
        ({"TERM_PROGRAM": "vscode"}, "vscode", {"f1", "f5", "f6", "ctrl+p", "ctrl+j", "ctrl+g"}, {"f2", "ctrl+r"}),
        ({"JPY_SESSION_NAME": "x"}, "jupyterlab", {"ctrl+b", "ctrl+n"}, {"f1", "ctrl+p"}),
        ({"WT_SESSION": "x"}, "windows-terminal", {"alt+up", "alt+down"}, {"ctrl+j"}),
        ({"GNOME_TERMINAL_SCREEN": "x"}, "gnome-terminal", {"f1", "f10"}, {"ctrl+p"}),
        ({"TMUX": "x"}, "plain", {"ctrl+b", "shift+enter"}, {"ctrl+j"}),
        ({"STY": "x"}, "plain", {"ctrl+a"}, {"ctrl+b"}),
        ({}, "plain", {"shift+enter"}, {"f1"}),
        ({"TERM": "xterm-kitty"}, "kitty", set(), {"shift+enter"}),
    ],
)
def test_terminals_are_known_by_their_variables(
    environ: dict[str, str], name: str, eaten: set[str], delivered: set[str]
):
    terminal = detect(environ)
    assert terminal.name == name
    assert eaten <= terminal.eats
    assert not delivered & terminal.eats


@pytest.mark.parametrize(
    ("environ", "off"),
    [
        ({}, "1"),
        ({"TERM_PROGRAM": "iTerm.app"}, "1"),
        ({"KITTY_WINDOW_ID": "1"}, None),
        ({"KITTY_WINDOW_ID": "1", "TMUX": "x"}, "1"),
        ({"TEXTUAL_DISABLE_KITTY_KEY": "0"}, "0"),
    ],
)
def test_the_kitty_mode_is_off_unless_text_passes_whole_or_the_user_says_so(environ: dict[str, str], off: str | None):
    mend_environment(environ)
    assert environ.get("TEXTUAL_DISABLE_KITTY_KEY") == off


def test_over_ssh_there_are_fewer_frames_and_no_animations():
    environ = {"SSH_CONNECTION": "a b c d"}
    mend_environment(environ)
    assert environ["TEXTUAL_ANIMATIONS"] == "none"
    assert frames_per_second(environ) < frames_per_second({})


def test_the_environment_is_mended_before_textual_is_imported():
    code = """
import os, tui.app, textual.constants
print(textual.constants.DISABLE_KITTY_KEY, os.environ["TEXTUAL_DISABLE_KITTY_KEY"])
"""
    environ = {key: value for key, value in os.environ.items() if not key.startswith(("TEXTUAL", "KITTY", "TERM"))}
    shown = subprocess.run([sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=True).stdout
    assert shown.split() == ["True", "1"]


def test_importing_the_app_loads_nothing_heavy():
    heavy = [
        "openai",
        "httpx2",
        "aiohttp",
        "sqlite3",
        "pynvml",
        "jsonschema",
        "mcp",
        "prometheus_client",
        "pydantic",
        "importlib.metadata",
    ]
    code = f"import sys, tui.app; print([name for name in {heavy!r} if name in sys.modules])"
    # Coverage measures children too, and keeps its figures in SQLite.
    environ = {key: value for key, value in os.environ.items() if not key.startswith("COV")}
    done = subprocess.run([sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_descriptor_2_goes_to_the_log_and_comes_back(tmp_path: Path):
    log = tmp_path / "deep" / "stderr.log"
    code = f"""
import os, sys
from pathlib import Path
from tui.config.terminal import guarded_stderr
with guarded_stderr(Path({str(log)!r})):
    os.write(2, b"from native code\\n")
    print("from the screen", file=sys.__stderr__, flush=True)
os.write(2, b"afterwards\\n")
print("and python", file=sys.stderr)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr == "from the screen\nafterwards\nand python\n"
    assert log.read_text() == "from native code\n"
    assert stat.S_IMODE(log.stat().st_mode) == 0o600


def test_a_log_that_cannot_be_written_changes_nothing(tmp_path: Path, capfd: pytest.CaptureFixture[str]):
    (tmp_path / "file").write_text("")
    with guarded_stderr(tmp_path / "file" / "log"):
        os.write(2, b"still here")
    assert capfd.readouterr().err == "still here"


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_a_terminal_that_is_gone_takes_everything_and_is_told_once():
    reader, writer = os.pipe()
    heard: list[int] = []
    before = signal.signal(signal.SIGHUP, lambda number, _frame: heard.append(number))
    try:
        screen = ScreenFile(writer)
        screen.write("seen")
        screen.flush()
        assert os.read(reader, 10) == b"seen"
        os.close(reader)
        for _ in range(3):
            assert screen.write("lost") == 4
            screen.flush()
        assert (screen.gone, heard) == (True, [signal.SIGHUP])
        with suppress(OSError):
            screen.close()
    finally:
        signal.signal(signal.SIGHUP, before)


def test_private_files_are_appended_to(tmp_path: Path):
    for text in (b"a", b"b"):
        descriptor = open_private(tmp_path / "log")
        os.write(descriptor, text)
        os.close(descriptor)
    assert (tmp_path / "log").read_bytes() == b"ab"


def test_every_action_has_a_way_that_no_terminal_eats():
    for action in ACTIONS:
        always = action.in_menu or action.id.startswith(("composer.", "scroll.")) or action.id == "program.interrupt"
        keys = set(action.keys.split(","))
        delivered = all(keys - terminal.eats for terminal in (VSCODE, JUPYTER, WINDOWS, GNOME))
        assert always or delivered, action.id
    assert len(BY_ID) == len(ACTIONS)


def test_no_two_actions_of_a_place_share_a_key_and_none_is_another_key_in_disguise():
    taken: dict[str, list[str]] = {}
    for action in ACTIONS:
        for key in filter(None, action.keys.split(",")):
            assert all(apart(action.id, other) for other in taken.get(key, [])), (key, action.id, taken[key])
            assert key not in {"ctrl+m", "ctrl+i", "ctrl+h", "ctrl+left_square_bracket"}
            taken.setdefault(key, []).append(action.id)


def test_actions_of_different_screens_may_share_a_key():
    assert apart("history.delete", "settings.reset")
    assert not apart("composer.send", "reply.stop")
    assert not apart("history.undo", "program.help")
    assert not apart("history.undo", "history.delete")


def test_the_default_keys_pass_the_check_that_users_keys_go_through():
    from tui.config.keymap import check_keymap

    keys = {identifier: keys for identifier, keys in DEFAULT_KEYS.items() if keys}
    assert check_keymap(keys, DEFAULT_KEYS).problems == ()


def test_keys_are_shown_as_people_write_them():
    shown = [display_key(key) for key in ("ctrl+j", "shift+enter", "f9", "alt+up", "pageup", "question_mark", "escape")]
    assert shown == ["Ctrl+J", "Shift+Enter", "F9", "Alt+↑", "PgUp", "question_mark", "Esc"]


def test_the_first_delivered_key_respects_keymap_and_terminal():
    newline = BY_ID["composer.newline"]
    assert first_delivered(newline, PLAIN.eats) == "ctrl+j"
    assert first_delivered(newline, {"ctrl+j"}) == "shift+enter"
    assert first_delivered(newline, {"ctrl+j", "shift+enter"}) is None
    assert first_delivered(newline, (), {"composer.newline": "alt+n"}) == "alt+n"
    assert newline.label == "New line"
    assert newline.description
    assert newline.place is Place.COMPOSER
    assert newline.footer is Footer.ALWAYS


def test_themes_are_found_in_the_checkout_and_in_the_users_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LMDECK_CONFIG_DIR", str(tmp_path))
    (tmp_path / "themes").mkdir()
    (tmp_path / "themes" / "mine.toml").write_text("")
    names = [path.name for path in theme_files()]
    assert names[-1] == "mine.toml"
    assert {"lmdeck-dark.toml", "lmdeck-light.toml"} <= {path.name for path in shipped_folder().glob("*.toml")}
    assert isinstance(detect({}), Terminal)
