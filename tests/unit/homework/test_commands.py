"""``lmdeck homework`` and ``lmdeck report`` on a real store."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.unit.export.samples import SETUP, WITNESS, card, say, turn
from tests.unit.homework.test_report import PNG, run
from tui.app_options import AppOptions
from tui.cli import main
from tui.homework.reading import user_folder
from tui.homework_command import Walk, main_homework, read_homework, report_command
from tui.hosts.run_keeper import runs_file
from tui.planner.runs import RunLog
from tui.store.store import Store

STORY = "帮我讲述一个关于狐狸和西瓜的小故事"


@pytest.fixture
async def kept(tmp_path: Path) -> Path:
    """A store with the basic task in it, and an empty conversation that is older."""
    path = tmp_path / "c.sqlite3"
    store = await Store.open(path)
    await store.create_conversation(title="empty")
    info = await store.create_conversation(title="Fox", model="m")
    await store.put_message(info.id, say("user", STORY, id="u"))
    await store.put_message(info.id, replace(say("assistant", "从前…", id="a", turn="t1"), parent="u"))
    split = (card(witness=replace(WITNESS, setup=replace(SETUP, started=1e9))),)
    await store.put_turn(turn("t1", conversation_id=info.id, breakdown=split))
    await store.close()
    return path


def homework(*words: str | Path) -> tuple[Walk | int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    return read_homework([str(word) for word in words], out, err), out.getvalue(), err.getvalue()


def report(*words: str | Path) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    return report_command([str(word) for word in words], out, err), out.getvalue(), err.getvalue()


def test_the_list_and_broken_files(capsys: pytest.CaptureFixture[str]) -> None:
    user_folder().mkdir(parents=True)
    (user_folder() / "x.toml").write_text("id = 3")
    assert main(["homework", "--list"]) == 0
    shown = capsys.readouterr()
    assert "camp-basic       Basic task" in shown.out
    assert str(user_folder()) in shown.out
    assert "x.toml, line 1: id has no value" in shown.err


def test_what_a_kept_conversation_shows(kept: Path, tmp_path: Path) -> None:
    picture = tmp_path / "p.png"
    code, out, _ = homework("camp-basic", "--check", "last", "--store", kept)
    assert code == 1
    assert "  ✓ Weights in 4 bits: awq with 4 bits\n" in out
    assert "  ✗ The picture: not made yet (F12)\n" in out
    picture.write_bytes(PNG)
    code, out, _ = homework("camp-basic", "--check", "Fox", "--store", kept, "--pictures", picture, tmp_path / "no.png")
    assert code == 0
    assert "✗" not in out
    code, out, _ = homework("--check", "last", "--store", kept)
    assert code == 1
    assert "Optional task" in out
    assert homework("nothing")[0] == 2
    assert homework("camp-basic", "nothing", "--check", "last", "--store", kept)[0] == 2
    assert homework("--check", "gone", "--store", kept)[0] == 2


def test_the_walk_is_opened_on_the_demo_a_server_or_the_usual_one() -> None:
    opened: list[AppOptions] = []

    def run_screen(options: AppOptions) -> int:
        opened.append(options)
        return 0

    assert main_homework([], run_screen) == 0
    assert main_homework(["camp-basic", "--demo"], run_screen) == 0
    assert main_homework(["--url", "http://127.0.0.1:1"], run_screen) == 0
    assert main_homework(["--list"], run_screen) == 0
    assert [(one.homework, one.url, one.demo, one.connect) for one in opened] == [
        ("camp", "", None, False), ("camp-basic", "", {}, False), ("camp", "http://127.0.0.1:1", None, False),
    ]  # fmt: skip


def test_a_profile_that_is_almost_there_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "lmdeck-config").mkdir()
    (tmp_path / "lmdeck-config" / "config.toml").write_text("[profiles.camp]\nurl = 'http://127.0.0.1:1'\n")

    def never(_options: Any) -> int:
        raise AssertionError

    assert main_homework(["--url", "cmap"], never) == 2
    assert "camp" in capsys.readouterr().err


def test_a_report_with_its_run_and_pictures_is_written_and_renewed(kept: Path, tmp_path: Path) -> None:
    RunLog(runs_file()).add(run("r1"))
    RunLog(runs_file()).add(run("r2", ratio=0.8))
    picture = tmp_path / "p.png"
    picture.write_bytes(PNG)
    target = tmp_path / "r.md"
    words = ("Fox", "--store", kept, "--out", target, "--task", "camp-basic", "--pictures", picture)
    assert report(*words) == (0, f"Written: {target}\n", "")
    text = target.read_text("utf-8")
    for piece in (
        "# Basic task",
        "✓ The picture",
        "| the server in all | 10.00 GiB",
        "All starts of this model",
        STORY,
    ):
        assert piece in text, piece
    target.write_text(text.replace("从前…", "Once …"), "utf-8")
    code, out, err = report(*words, "--title", "Mine")
    assert (code, out) == (0, f"Renewed: {target}\n")
    assert err == "Left as you changed it: camp-basic.conversation\n"
    page = tmp_path / "r.html"
    assert report("last", "--store", kept, "--out", page, "--blog")[0] == 0
    assert "<h1>Fox</h1>" in page.read_text("utf-8")


def test_what_cannot_be_reported(kept: Path, tmp_path: Path) -> None:
    assert report("empty", "--store", kept, "--out", tmp_path / "x.md")[0] == 1
    assert report("gone", "--store", kept, "--out", tmp_path / "x.md")[0] == 2
    assert report("Fox", "--store", kept, "--out", tmp_path / "x.md", "--task", "no")[0] == 2
    code, _, err = report("Fox", "--store", kept, "--out", tmp_path / "no" / "x.md")
    assert code == 1
    assert "could not be written" in err
    with pytest.raises(SystemExit):
        report("Fox")
