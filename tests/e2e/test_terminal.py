"""The app in a pseudo-terminal: what bytes go in and out, and how it leaves."""

from __future__ import annotations

import os
import re
import signal
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.hostile import MARK
from tests.support.pty_app import PtyApp, python

pytestmark = [pytest.mark.pty, pytest.mark.xdist_group("pty")]
READY = "/ opens the menu"
# Commits of an input method: 4, 5, 17 (the homework's prompt) and 160 characters.
COMMITS = ("狐狸西瓜", "狐狸和西瓜", "帮我讲述一个关于狐狸和西瓜的小故事", "很长的一句话" * 26 + "结束了吗")


@contextmanager
def app(mode: str = "echo", *arguments: str, **options: object) -> Iterator[PtyApp]:
    with PtyApp(python("-m", "tests.support.pty_main", mode, *arguments), **options) as running:  # pyright: ignore
        running.wait_for("demo-model" if mode != "demo" else "lmdeck-demo")
        running.wait_for(READY)
        running.settle()
        yield running


def child_of(terminal: PtyApp) -> int:
    """The process that the workspace of the mode ``child`` holds; its id is a whole one, as the screen is complete."""
    return int(terminal.text.split("child-")[1].split()[0])


def flat(terminal: PtyApp) -> str:
    """The screen without wrapping, blanks and the bar beside a user's message."""
    return "".join(terminal.text.split()).replace("▌", "")


def test_first_paint_shows_composer_and_keys():
    with app() as terminal:
        assert "Enter Send" in terminal.text
        assert b"\x1b[>25u" not in terminal.raw, "the kitty keyboard mode was asked for"


@pytest.mark.parametrize("text", COMMITS, ids=len)
def test_an_input_method_commit_arrives_whole_as_text(text: str):
    assert len(text) in (4, 5, 17, 160)
    with app() as terminal:
        terminal.send(text)
        terminal.send("\r")
        terminal.wait_for(f"got {len(text)} characters")
        assert text in flat(terminal)


@pytest.mark.parametrize("text", COMMITS, ids=len)
def test_an_input_method_commit_arrives_whole_as_key_reports(text: str):
    """With the kitty mode forced on, a commit is one report of all code points."""
    with app(env={"TEXTUAL_DISABLE_KITTY_KEY": "0"}) as terminal:
        assert b"\x1b[>25u" in terminal.raw
        terminal.send("\x1b[0;1;" + ":".join(str(ord(character)) for character in text) + "u")
        terminal.send("\x1b[13u")
        terminal.wait_for(f"got {len(text)} characters")
        assert text in flat(terminal)


def test_kitty_itself_keeps_its_keyboard_mode():
    with app(env={"TERM": "xterm-kitty", "KITTY_WINDOW_ID": "1"}) as terminal:
        assert b"\x1b[>25u" in terminal.raw


def test_a_bracketed_paste_keeps_its_lines_and_does_not_send():
    with app() as terminal:
        terminal.send("\x1b[200~first\r\nsecond\nthird\x1b[201~")
        terminal.wait_for("third")
        assert "got" not in terminal.text
        terminal.send("\r")
        terminal.wait_for(r"'first\nsecond\nthird'")


def test_an_unbracketed_paste_keeps_the_order_of_keys_and_lines():
    with app() as terminal:
        terminal.send("x1\nx2\nx3\r")
        terminal.wait_for(r"got 8 characters: 'x1\nx2\nx3'")


def test_a_huge_paste_becomes_a_placeholder_and_is_sent_whole():
    with app() as terminal:
        terminal.send(b"\x1b[200~" + b"a" * 300_000 + b"\x1b[201~")
        terminal.wait_for("[pasted text 1: 1 lines, 300,000 characters]")
        terminal.send("\r")
        terminal.wait_for("got 300000 characters")


def test_a_trailing_backslash_and_enter_makes_a_line():
    with app() as terminal:
        terminal.send("one\\\rtwo\r")
        terminal.wait_for(r"got 7 characters: 'one\ntwo'")


def test_resizing_and_a_terminal_that_is_too_small():
    with app() as terminal:
        terminal.resize(120, 36)
        terminal.wait(lambda: "Enter Send" in terminal.text.split("\n")[35], "keys in the last row")
        terminal.resize(50, 12)
        terminal.wait_for("needs 60 columns")
        terminal.resize(80, 24)
        terminal.wait_for(READY)
        terminal.send("still here\r")
        terminal.wait_for("got 10 characters")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_leaves_a_clean_terminal_and_no_child(number: signal.Signals):
    with app("child") as terminal:
        child = child_of(terminal)
        terminal.signal(number)
        assert terminal.wait_exit() == 128 + number
        assert terminal.left_clean
    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)


def test_a_terminal_that_is_gone_ends_the_app_and_its_children(tmp_path: Path):
    with app("child") as terminal:
        child = child_of(terminal)
        terminal.hang_up()
        assert terminal.wait_exit() != 0
    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)


def test_a_terminal_that_goes_away_in_the_middle_of_a_reply_ends_the_app():
    with app("endless") as terminal:
        terminal.wait_for("Message")
        terminal.send("tell me\r")
        terminal.wait_for("on and on and")
        terminal.hang_up()
        assert terminal.wait_exit() != 0


def test_a_crash_names_the_report_and_leaks_no_key(tmp_path: Path):
    with app("crash") as terminal:
        terminal.send("boom\r")
        assert terminal.wait_exit() == 1
        assert terminal.left_clean
        terminal.wait_for("error of its own")
        assert b"sk-verysecret" not in terminal.raw
        assert b"Traceback" not in terminal.raw
        assert b"boom" not in terminal.raw.rpartition(b"\x1b[?1049l")[2]
    (report,) = (tmp_path / "lmdeck-state" / "crashes").iterdir()
    assert stat.S_IMODE(report.stat().st_mode) == 0o600
    text = report.read_text("utf-8")
    assert "RuntimeError: api_key=[redacted] broke it" in text
    assert "in fail" in text
    assert "verysecret" not in text


def test_what_native_code_writes_to_descriptor_2_goes_to_a_log(tmp_path: Path):
    with app("native") as terminal:
        terminal.send("go\r")
        terminal.wait_for("got 2 characters")
        assert b"NATIVE" not in terminal.raw
    assert "NATIVE LIBRARY NOISE" in (tmp_path / "lmdeck-state" / "stderr.log").read_text()


def test_hostile_text_leaks_no_escape():
    with app("hostile", rows=100, columns=100) as terminal:
        before = len(terminal.raw)
        terminal.send("show me\r")
        terminal.wait_for("tok/s")
        terminal.send("\x1bOP")  # F1 and back: everything is painted once more
        terminal.wait_for("The composer")
        terminal.send("\x1b")
        terminal.wait_gone("The composer")
        end = terminal.settle()  # no frame cut in two
        painted = terminal.raw[before:end]
        assert MARK.encode() in painted
        assert "STOLEN" not in terminal.screen.title
        assert foreign_controls(painted) == []


def foreign_controls(painted: bytes) -> list[bytes]:
    """Controls that are none of what Textual itself writes: cursor, colours, scrolling, modes, the mouse's shape."""
    rest = re.sub(rb"\x1b\[[0-9;?]*[A-HJKLMPSTXZhlmrsu]|\x1b\]22;[a-z-]*(?:\x1b\\\\|\x07)|\x1b[MD]", b"", painted)
    text = rest.decode("utf-8", "replace")
    return [
        match.encode()
        for match in re.findall("[\x00-\x09\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069].{0,20}", text)
    ]


def test_ctrl_c_twice_quits_and_once_does_not():
    with app() as terminal:

        def left() -> bool:
            """The second time counts within two seconds; a machine that has no time for that is asked again."""
            if "Ctrl+C again" not in terminal.text:
                terminal.send("\x03")
                terminal.wait_for("Ctrl+C again")
            terminal.send("\x03")
            return terminal.is_gone(within=1.0)

        terminal.send("\x03")
        terminal.wait_for("Ctrl+C again")
        terminal.settle()
        assert not terminal.is_gone(within=0.0)
        terminal.wait(left, "the end")
        assert terminal.wait_exit() == 0
        assert terminal.left_clean


def test_quitting_while_busy_asks():
    with app("busy") as terminal:
        terminal.send("hi\r")
        terminal.wait_for("begun")
        terminal.send("\x11")
        terminal.wait_for("Quit anyway?")
        terminal.settle()
        terminal.send("\t\r")
        assert terminal.wait_exit() == 0


def test_the_slash_opens_the_menu_also_in_full_width():
    for slash in ("/", "／"):
        with app() as terminal:
            terminal.send(slash)
            terminal.wait_for("Type to find an action")
            terminal.send("quit")
            terminal.wait_gone("Choose the model")
            terminal.settle()
            terminal.send("\r")
            assert terminal.wait_exit() == 0
