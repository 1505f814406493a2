"""Fetching files: whatever a file over there is called, it lands below the folder here, and nothing is lost."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.hostile import HOSTILE
from tests.support.local_host import LocalHost
from tui.cli import main
from tui.hosts.fetching import FarFile, fetch, list_files, local_path
from tui.hosts.host import Program, RunResult
from tui.model.problem import ProblemError
from tui.pull_command import pull_command, pull_into


class Stub:
    """A machine without Python whose every file holds an x."""

    async def run(self, program: Program, *, text: str = "", limit: float = 30.0) -> RunResult:
        return RunResult(127, "", "exec: not found")

    async def read(self, path: str, limit: int = 1 << 20) -> bytes:
        return b"x"


@pytest.fixture
def there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with pictures in it."""
    home = tmp_path / "home"
    folder = home / "lmdeck-pictures"
    (folder / "r-files").mkdir(parents=True)
    (folder / "狐狸.png").write_bytes(b"\x89PNG fox")
    (folder / "r-files" / "p 1.svg").write_text("<svg/>")
    (folder / "r.md").write_text("# report")
    (folder / "notes.txt").write_text("mine")
    (folder / "key.png").symlink_to(home / "secret")
    (home / "secret").write_text("secret")
    monkeypatch.setenv("HOME", str(home))
    return folder


async def pull(target: Path, **options: Any) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    code = await pull_into(LocalHost(), target, out, err, **options)
    return code, out.getvalue(), err.getvalue()


async def test_pictures_and_reports_arrive_and_nothing_is_overwritten(there: Path, tmp_path: Path) -> None:
    target = tmp_path / "here"
    code, out, err = await pull(target)
    assert code == 0
    assert "3 files fetched" in out
    assert "notes.txt is no picture or report" in err
    assert sorted(str(path.relative_to(target)) for path in target.rglob("*") if path.is_file()) == [
        "r-files/p-1.svg", "r.md", "狐狸.png",
    ]  # fmt: skip
    assert (target / "狐狸.png").read_bytes() == b"\x89PNG fox"
    (target / "r.md").write_text("# mine")
    code, out, _ = await pull(target)
    assert "1 file fetched" in out
    assert "2 files were here already" in out
    assert (target / "r.md").read_text() == "# mine"
    assert (target / "r-2.md").read_text() == "# report"
    await pull(target, replace=True)
    assert (target / "r.md").read_text() == "# report"
    assert not list(target.glob(".*"))


async def test_large_files_are_named(there: Path, tmp_path: Path) -> None:
    with (there / "huge.png").open("wb") as file:
        file.truncate((16 << 20) + 1)
    code, _, err = await pull(tmp_path / "here")
    assert code == 1
    assert "huge.png has 16 MiB and was left there" in err


async def test_without_the_folder_or_an_answer(there: Path, tmp_path: Path) -> None:
    with pytest.raises(ProblemError) as caught:
        await pull(tmp_path / "here", folder="nowhere")
    assert caught.value.problem.code == "pull.no_folder"

    with pytest.raises(ProblemError) as caught:
        await list_files(Stub())
    assert caught.value.problem.code == "pull.not_listed"
    assert "not found" in caught.value.problem.detail


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.png", "a.png"),
        ("../../.bashrc.png", "bashrc.png"),
        ("/etc/cron.d/x.md", "cron.d/x.md"),
        ("a/b/c/d.svg", "c/d.svg"),
        ("..\\..\\x.png", "x.png"),
        ("con.html", "file-con.html"),
        (".png", "png"),
        ("A.PNG", "A.png"),
    ],
)
def test_names_decide_no_path(name: str, expected: str) -> None:
    assert str(local_path(Path("here"), name).relative_to("here")) == expected


@given(st.text(max_size=60), st.sampled_from(["", ".png", ".md"]))
def test_every_name_stays_inside(text: str, suffix: str) -> None:
    place = local_path(Path("/here"), text + suffix)
    inside = place.relative_to("/here")
    assert ".." not in inside.parts
    assert 1 <= len(inside.parts) <= 2
    assert not any(ord(char) < 32 for char in str(inside))


async def test_hostile_names_are_files_here(tmp_path: Path) -> None:
    files = [FarFile(f"{text[:80]}.png", "p", 1) for text in HOSTILE]
    places = [one.path async for one in fetch(Stub(), files, tmp_path)]
    assert all(place is not None and tmp_path in place.parents for place in places)


def test_the_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "lmdeck-config"
    config.mkdir()
    assert main(["pull"]) == 2
    assert "Which machine?" in capsys.readouterr().err
    (config / "config.toml").write_text("[profiles.far]\nssh = 'nobody@127.0.0.1:1'\n")
    out, err = io.StringIO(), io.StringIO()
    assert pull_command([], out, err) in (1, 3)
    assert "lmdeck pull:" in err.getvalue()
    (config / "config.toml").write_text(
        "default_profile = 'b'\n[profiles.a]\nssh = 'nobody@127.0.0.1:1'\n[profiles.b]\nssh = 'nobody@127.0.0.1:1'\n"
    )
    assert pull_command([], out, err) in (1, 3)
    (config / "config.toml").write_text("[profiles.a]\nssh = 'a'\n[profiles.b]\nssh = 'b'\n")
    assert pull_command([], out, err) == 2
    monkeypatch.setattr("tui.pull_command._pull", _failing(OSError(28, "No space left on device")))
    assert pull_command(["h", "--to", str(tmp_path)], out, err) == 1
    assert "No space left" in err.getvalue()
    monkeypatch.setattr("tui.pull_command._pull", _failing(KeyboardInterrupt()))
    assert pull_command(["h"], out, err) == 130


def _failing(error: BaseException) -> Any:
    async def fail(*_arguments: object) -> int:
        raise error

    return fail
