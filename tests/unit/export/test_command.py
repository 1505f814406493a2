"""``lmdeck export`` on a real store, and the files it writes."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path

import pytest

from tests.unit.export.samples import everything
from tui.cli import main
from tui.export.files import files_folder, free_path, safe_name, write
from tui.export_command import export_command
from tui.store.store import Store


@pytest.fixture
async def kept(tmp_path: Path) -> Path:
    """A store with two conversations."""
    path = tmp_path / "c.sqlite3"
    store = await Store.open(path)
    for title in ("Older", "Sums / of 中文"):
        document = everything()
        info = await store.create_conversation(title=title, endpoint="http://h:1", model="m")
        parent = None
        for message in document.messages:
            from dataclasses import replace

            fresh = replace(message, id=f"{title}-{message.id}", parent=parent)
            await store.put_message(info.id, fresh)
            parent = fresh.id
        await store.put_turn(replace(document.turns[0], conversation_id=info.id, id=f"{title}-t"))
    await store.close()
    return path


def run(*words: str | Path) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    code = export_command([str(word) for word in words], out, err)
    return code, out.getvalue(), err.getvalue()


def test_the_last_one_on_standard_output(kept: Path) -> None:
    code, out, err = run("--store", kept)
    assert (code, err) == (0, "")
    assert out.startswith("# Sums / of 中文\n")
    code, out, _ = run("last", "--store", kept, "--format", "json", "--out", "-")
    assert code == 0
    assert json.loads(out)["conversation"]["title"] == "Sums / of 中文"


def test_files_by_their_names(kept: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    code, out, _ = run("Older", "--store", kept, "--out", page, "--blog", "--hide-server")
    assert (code, out) == (0, f"Written: {page}\n")
    assert "<h1>Older</h1>" in page.read_text()
    assert "gpu-box" not in page.read_text()
    code, _, err = run("Older", "--store", kept, "--out", page)
    assert code == 2
    assert "exists already" in err
    text = tmp_path / "talk.md"
    assert run("--store", kept, "--out", text)[0] == 0
    picture = tmp_path / "talk-files" / "picture-1.png"
    assert "(<talk-files/picture-1.png>)" in text.read_text()
    assert picture.read_bytes().startswith(b"\x89PNG")
    text.unlink()
    assert run("--store", kept, "--out", text)[0] == 2  # the picture is somebody's
    assert run("--store", kept, "--out", text, "--force")[0] == 0
    if os.name == "posix":
        assert text.stat().st_mode & 0o077 == 0
    assert sorted(path.name for path in tmp_path.glob(".*")) == []


def test_what_cannot_be_found_or_written(kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code, _, err = run("nothing\x1b[2J", "--store", kept)
    assert code == 2
    assert "␛" in err
    assert "There is no conversation" in err
    code, _, err = run("last", "--store", tmp_path / "none.sqlite3")
    assert code == 2
    data = tmp_path / "kept"
    monkeypatch.setenv("LMDECK_DATA_DIR", str(data))
    assert run("last")[0] == 2
    code, _, err = run("last", "--store", kept, "--out", tmp_path / "no" / "folder" / "x.md")
    assert code == 1
    assert "could not be written" in err


async def test_the_beginning_of_an_id(kept: Path) -> None:
    from tui.export_command import find_conversation
    from tui.model.problem import ProblemError

    store = await Store.open(kept)
    try:
        infos = await store.conversations()
        first = infos[0].id
        others = [info.id for info in infos[1:]]
        length = next(at for at in range(1, 33) if not any(other.startswith(first[:at]) for other in others))
        assert (await find_conversation(store, first[:length])).id == first
        with pytest.raises(ProblemError) as failed:
            await find_conversation(store, "\x00")
        assert failed.value.problem.code == "export.unknown"
        second = (await store.create_conversation(title="third")).id
        same = next((at for at in range(1, 33) if second[:at] != first[:at]), 33) - 1
        if same:
            with pytest.raises(ProblemError) as failed:
                await find_conversation(store, first[:same])
            assert failed.value.problem.code == "export.ambiguous"
    finally:
        await store.close()


def test_through_the_command(
    kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "config"
    config.mkdir()
    (config / "config.toml").write_text(f"history_folder = '{tmp_path / 'history'}'\n")
    (tmp_path / "history").mkdir()
    (tmp_path / "history" / "conversations.sqlite3").write_bytes(kept.read_bytes())
    monkeypatch.setenv("LMDECK_CONFIG_DIR", str(config))
    assert main(["export", "last", "--format", "md"]) == 0
    assert capsys.readouterr().out.startswith("# Sums")


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("Why / not?", "Why-not"),
        ("../../etc/passwd", "etc-passwd"),
        ("狐狸和西瓜", "狐狸和西瓜"),
        ("", "conversation"),
        ("...", "conversation"),
        ("con", "conversation-con"),
        ("NUL.txt", "conversation-NUL.txt"),
        ("a\x1b]0;x\x07\ud83d", "a-0-x"),
        ("x" * 100, "x" * 60),
    ],
)
def test_names_made_of_titles(title: str, name: str) -> None:
    assert safe_name(title) == name


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    first = free_path(tmp_path, "a", "md")
    write(first, "1")
    second = free_path(tmp_path, "a", "md")
    files_folder(tmp_path / "a-3.md").mkdir()
    write(second, "2")
    assert [first.name, second.name, free_path(tmp_path, "a", "md").name] == ["a.md", "a-2.md", "a-4.md"]
    with pytest.raises(FileExistsError):
        write(first, "3")
    write(first, "4 \ud83d", replace=True)
    assert first.read_text() == "4 ?"


async def test_nothing_is_kept_yet(tmp_path: Path) -> None:
    from tui.export_command import find_conversation
    from tui.model.problem import ProblemError

    store = await Store.open(tmp_path / "empty.sqlite3")
    try:
        for wanted in ("last", "anything"):
            with pytest.raises(ProblemError) as failed:
                await find_conversation(store, wanted)
            assert failed.value.problem.code == "export.none"
    finally:
        await store.close()
