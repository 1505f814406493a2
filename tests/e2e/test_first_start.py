"""``lmdeck`` itself in a pseudo-terminal: the first start, and starting with broken or unwritable files."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from time import monotonic

import pytest

from tests.support.pty_app import PtyApp, python

pytestmark = [pytest.mark.pty, pytest.mark.xdist_group("pty")]


@contextmanager
def lmdeck(tmp_path: Path, *arguments: str, **env: str) -> Iterator[PtyApp]:
    places = {f"LMDECK_{name.upper()}_DIR": str(tmp_path / name) for name in ("config", "data", "state")}
    with PtyApp(python("-m", "tui", *arguments), env={"HOME": str(tmp_path), **places, **env}) as running:
        yield running


def settings(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "config" / "config.toml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def take_the_demo(terminal: PtyApp) -> None:
    """Type it where the cards are; Enter belongs to the line once the word stands in it."""
    terminal.send("demo")
    terminal.wait_for("› demo")
    terminal.send("\r")


def test_a_newcomer_gets_to_a_first_reply_with_a_few_keys(tmp_path: Path):
    with lmdeck(tmp_path) as terminal:
        terminal.wait_for("中文 / English ?")
        terminal.send("2")
        terminal.wait_for("Try the demo")
        terminal.wait_gone("Looking around")
        take_the_demo(terminal)
        terminal.wait_for("lmdeck-demo", 40)
        terminal.send("Compute (3+5)*2\r")
        terminal.wait_for("16", 40)
        terminal.wait_for("first token", 40)
        terminal.send("\x11")
        assert terminal.wait_exit() == 0
    assert 'language = "en"' in (tmp_path / "config" / "config.toml").read_text("utf-8")
    with lmdeck(tmp_path, "-c") as terminal:
        terminal.wait_for("Compute (3+5)*2", 40)
        terminal.send("\x11")
        assert terminal.wait_exit() == 0


def test_the_first_question_is_answered_in_chinese_with_one_key(tmp_path: Path):
    with lmdeck(tmp_path) as terminal:
        terminal.wait_for("中文 / English ?")
        terminal.send("1")
        terminal.wait_gone("中文 / English ?")
        terminal.wait((tmp_path / "config" / "config.toml").exists, "the settings file")
        terminal.send("\x11")
        assert terminal.wait_exit() == 0
    assert 'language = "zh-CN"' in (tmp_path / "config" / "config.toml").read_text("utf-8")
    with lmdeck(tmp_path) as terminal:
        terminal.wait_for("127.0.0.1:23333")
        assert "中文 / English ?" not in terminal.text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("theme = \n", "not valid TOML"),
        ('theme = "nowhere"\n', "no theme called nowhere"),
        ("frames_local = 900\n", "must be between 1 and 60"),
        ('[keys]\n"reply.stopp" = "f9"\n', "reply.stop"),
    ],
)
def test_broken_settings_are_one_sentence_and_it_starts(tmp_path: Path, text: str, said: str):
    settings(tmp_path, text)
    with lmdeck(tmp_path, "http://127.0.0.1:9") as terminal:
        terminal.wait(lambda: said in " ".join(terminal.text.split()), said, 30)
        terminal.send("still works")
        terminal.wait_for("still works")


def test_a_broken_theme_of_ones_own_is_said(tmp_path: Path):
    settings(tmp_path, 'theme = "mine"\n')
    themes = tmp_path / "config" / "themes"
    themes.mkdir()
    (themes / "mine.toml").write_text('name = "mine"\nprimary = "no colour"\n')
    with lmdeck(tmp_path, "http://127.0.0.1:9") as terminal:
        terminal.wait(lambda: "cannot be used" in " ".join(terminal.text.split()), "the sentence", 30)
        terminal.send("still works")
        terminal.wait_for("still works")


def test_a_broken_database_is_put_aside(tmp_path: Path):
    data = tmp_path / "data"
    data.mkdir()
    from tui.store.files import default_path

    name = default_path().name
    (data / name).write_bytes(b"this is no database at all, " * 500)
    with lmdeck(tmp_path, "http://127.0.0.1:9") as terminal:
        terminal.wait(lambda: "conversations" in terminal.text.lower(), "a sentence", 30)
        terminal.send("still works")
        terminal.wait_for("still works")


def test_a_broken_history_does_not_stop_going_on(tmp_path: Path):
    data = tmp_path / "data"
    data.mkdir()
    from tui.store.files import default_path

    path = data / default_path().name
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE somebody_elses (x)")
    with lmdeck(tmp_path, "-c") as terminal:
        terminal.wait_for("/ opens the menu", 30)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_home(tmp_path: Path):
    for name in ("config", "data", "state"):
        (tmp_path / name).mkdir()
        (tmp_path / name).chmod(0o500)
    with lmdeck(tmp_path) as terminal:
        terminal.wait_for("中文 / English ?")
        terminal.send("2")
        terminal.wait_for("Where is the model?")


def test_a_home_that_takes_nothing(tmp_path: Path):
    """The same for root: the folders' places are files."""
    for name in ("config", "data", "state"):
        (tmp_path / name).write_text("in the way")
    with lmdeck(tmp_path) as terminal:
        terminal.wait_for("中文 / English ?")
        terminal.send("2")
        terminal.wait_for("Where is the model?")
        terminal.wait_gone("Looking around")
        take_the_demo(terminal)
        terminal.wait_for("lmdeck-demo", 40)
        terminal.send("Compute (3+5)*2\r")
        terminal.wait_for("first token", 40)


def test_the_users_editor_gets_the_terminal_and_gives_it_back(tmp_path: Path):
    settings(tmp_path, 'language = "en"\n')
    editor = tmp_path / "editor"
    editor.write_text("#!/bin/sh\nprintf 'THE EDITOR IS HERE\\n'\nread answer\nprintf ' and more' >> \"$1\"\n")
    editor.chmod(0o755)
    with lmdeck(tmp_path, "http://127.0.0.1:9", VISUAL=str(editor)) as terminal:
        terminal.wait_for("/ opens the menu", 30)
        terminal.send("half a thought")
        terminal.wait_for("half a thought")
        terminal.send("\x07")
        terminal.wait_for("THE EDITOR IS HERE")
        terminal.send("\n")
        terminal.wait_for("half a thought and more")
        terminal.send("\x03\x03")
        assert terminal.wait_exit() == 0
        assert terminal.left_clean
    with lmdeck(tmp_path, "http://127.0.0.1:9") as terminal:
        terminal.wait_for("half a thought and more", 30)


def test_the_connect_screen_is_silent_when_nothing_happens(tmp_path: Path):
    settings(tmp_path, 'language = "en"\n')
    with lmdeck(tmp_path) as terminal:
        terminal.wait_for("Where is the model?")
        terminal.wait_gone("Looking around")

        def written() -> int:
            """Bytes in the next five seconds."""
            before, end = len(terminal.raw), monotonic() + 5
            while (left := end - monotonic()) > 0:
                terminal.read(left)
            return len(terminal.raw) - before

        # On a busy machine the first frames take their time.
        terminal.wait(lambda: written() <= 250, "five seconds of silence")


def test_an_unknown_profile_is_a_sentence_on_the_command_line(tmp_path: Path):
    settings(tmp_path, '[profiles.camp]\nurl = "http://127.0.0.1:9"\n')
    with lmdeck(tmp_path, "cmap") as terminal:
        assert terminal.wait_exit() == 2
        assert "camp" in terminal.text
    with lmdeck(tmp_path, "camp") as terminal:
        terminal.wait_for("127.0.0.1:9", 30)
