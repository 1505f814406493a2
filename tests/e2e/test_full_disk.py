"""A disk that takes nothing any more while lmdeck runs: one sentence, and everything goes on."""

from __future__ import annotations

import resource
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.e2e.test_first_start import lmdeck, settings
from tests.support.pty_app import PtyApp

pytestmark = [
    pytest.mark.pty,
    pytest.mark.xdist_group("pty"),
    pytest.mark.skipif(sys.platform != "linux", reason="prlimit is Linux only"),
]
REFUSED = "refused to write"


def largest_file(terminal: PtyApp, size: int) -> None:
    """From now on no file may grow beyond ``size`` bytes, as with a quota; children that run already are spared."""
    resource.prlimit(terminal.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


def said(terminal: PtyApp, words: str) -> int:
    return " ".join(terminal.text.split()).count(words)


def answered(terminal: PtyApp, question: str, answer: str) -> None:
    terminal.send(f"{question}\r")

    def below() -> str:
        return terminal.text.rpartition(question)[2] if question in terminal.text else ""

    terminal.wait(lambda: "first token" in below(), f"the reply to {question}", 40)
    assert answer in below()


def texts(path: Path) -> str:
    with closing(sqlite3.connect(path)) as connection:
        return "\n".join(connection.iterdump())


def test_a_disk_that_becomes_full_is_one_sentence_and_the_chat_goes_on(tmp_path: Path):
    settings(tmp_path, 'language = "en"\n')
    with lmdeck(tmp_path, "demo", "--speed", "500") as terminal:
        terminal.wait_for("lmdeck-demo", 40)
        answered(terminal, "Compute (3+5)*2", "16")
        largest_file(terminal, 1)
        answered(terminal, "Compute (3+5)*3", "24")
        terminal.wait(lambda: said(terminal, REFUSED), "the sentence", 30)
        answered(terminal, "Compute (3+5)*4", "32")
        terminal.send("/theme ember\r")
        terminal.wait(lambda: said(terminal, "config.toml"), "the settings file is named", 30)
        assert said(terminal, "conversations.sqlite3") <= 1
        largest_file(terminal, resource.RLIM_INFINITY)
        answered(terminal, "Compute (3+5)*5", "40")
        terminal.send("\x11")
        assert terminal.wait_exit() == 0
        assert terminal.left_clean
    kept = texts(next((tmp_path / "data").glob("*.sqlite3")))
    for factor in (2, 3, 4, 5):
        assert f"Compute (3+5)*{factor}" in kept
