"""The user's own editor on a private file: what it changes, and what can go wrong with it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tui.model.problem import ProblemError
from tui.screens import editor
from tui.screens.editor import edit, edit_file, editor_command

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="shell scripts")


def script(folder: Path, text: str) -> list[str]:
    path = folder / "editor"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return [str(path)]


def code(error: pytest.ExceptionInfo[ProblemError]) -> str:
    return error.value.problem.code


def test_what_is_usually_there_is_taken_when_nothing_is_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(editor.shutil, "which", lambda name: name == "vi")
    assert editor_command({"VISUAL": " ", "EDITOR": ""}) == ["vi"]
    assert editor_command({"EDITOR": "code --wait"}) == ["code", "--wait"]
    monkeypatch.setattr(editor.shutil, "which", lambda _name: None)
    assert editor_command({}) == []


async def test_the_file_is_private_and_gone_afterwards(tmp_path: Path):
    command = script(tmp_path, f'ls -l "$1" > {tmp_path}/seen; printf "%s" "$1" > {tmp_path}/name; printf 新 >> "$1"')
    assert await edit(command, "老") == "老新"
    assert (tmp_path / "seen").read_text().startswith("-rw-------")
    assert not Path((tmp_path / "name").read_text()).exists()


@pytest.mark.parametrize(
    ("text", "found"), [(None, "app.no_editor"), ("exit 3", "app.editor_failed"), ("", "app.editor_failed")]
)
async def test_an_editor_that_does_not_work_is_a_sentence(tmp_path: Path, text: str | None, found: str):
    command = [] if text is None else script(tmp_path, text) if text else [str(tmp_path / "nowhere")]
    with pytest.raises(ProblemError) as caught:
        await edit(command, "half a thought")
    assert code(caught) == found
    target = tmp_path / "tools" / "mine.py"
    with pytest.raises(ProblemError) as caught:
        await edit_file(command, target, "# a tool\n")
    assert code(caught) == found
    assert target.read_text() == "# a tool\n", "what was begun is kept"


async def test_a_file_begins_as_its_template_and_is_kept_from_then_on(tmp_path: Path):
    target = tmp_path / "deep" / "tools" / "mine.py"
    command = script(tmp_path, 'echo "# changed" >> "$1"')
    await edit_file(command, target, "# a tool\n")
    await edit_file(command, target, "# another template\n")
    assert target.read_text() == "# a tool\n# changed\n# changed\n"
    assert os.stat(target.parent).st_mode & 0o777 == 0o700


async def test_a_place_that_takes_no_file_is_said(tmp_path: Path):
    (tmp_path / "tools").write_text("in the way")
    with pytest.raises(ProblemError) as caught:
        await edit_file(script(tmp_path, ""), tmp_path / "tools" / "mine.py", "x")
    assert code(caught) == "app.editor_failed"
    assert "mine.py" in str(caught.value.problem.data["command"])
