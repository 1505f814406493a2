"""An error of lmdeck's own: what is told when its report cannot be written, and that no report holds a key."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.pty_app import PtyApp, python
from tui.screens.crash import describe, write_report


@pytest.mark.pty
@pytest.mark.xdist_group("pty")
def test_a_report_that_cannot_be_written_is_told_instead(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    state = {"LMDECK_STATE_DIR": str(tmp_path / "file" / "state")}
    with PtyApp(python("-m", "tests.support.pty_main", "crash"), columns=160, rows=50, env=state) as terminal:
        terminal.wait_for("/ opens the menu")
        terminal.send("boom\r")
        assert terminal.wait_exit() == 1
        assert terminal.left_clean
        told = terminal.raw.rpartition(b"\x1b[?1049l")[2].decode()
    assert "error of its own (RuntimeError)" in told
    assert "The report could not be written (Not a directory)" in told
    assert "builtins.RuntimeError: api_key=[redacted] broke it" in told
    assert " in fail" in told
    assert "verysecret" not in told
    assert "boom" not in told


def test_known_keys_are_in_no_report(tmp_path: Path) -> None:
    """Also one that looks like nothing special; an error that is its own cause is written once."""
    key = "rosebud-1941"
    try:
        try:
            raise ValueError(f"refused: {key}\nand the text of the user")
        except ValueError as cause:
            raise KeyError(f"bearer abcdef0123456789 and http://me:{key}@box/") from cause
    except KeyError as error:
        shown = error
        text, told = write_report(error, (key, "x")).read_text("utf-8"), describe(error, (key, "x"))
    assert shown.__cause__ is not None
    shown.__cause__.__context__ = shown
    assert describe(shown).count("builtins.ValueError") == 1
    assert text.splitlines()[3:] == told.splitlines()[3:]
    assert text.count("builtins.ValueError: refused: [redacted]") == 1
    assert text.count("builtins.KeyError") == 1
    assert "bearer [redacted]" in text
    assert key not in text
    assert "abcdef" not in text
    assert "the text of the user" not in text
