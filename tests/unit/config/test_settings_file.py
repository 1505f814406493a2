"""Reading and writing the settings file: comments stay, and every bad file is one sentence."""

from __future__ import annotations

import errno
import os
import stat
import tempfile
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import tomlkit
from hypothesis import given, settings
from hypothesis import strategies as st
from tomlkit.exceptions import ParseError

from tests.support.sentences import sentence_of
from tui.config import settings_file, settings_write
from tui.config.settings_file import ConfigFile, read_config, shown_path, stamp_of, write_text
from tui.config.settings_lines import key_lines
from tui.config.settings_write import change_file, changed_text, save_settings
from tui.model.problem import ProblemError

NOBODY = 65534


@pytest.fixture
def ordinary_folder() -> Iterator[Path]:
    """A folder of an ordinary user's, and the test is that user: root may read and write everything."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if os.geteuid() != 0:
            yield folder
            return
        os.chown(folder, NOBODY, NOBODY)
        os.seteuid(NOBODY)
        try:
            yield folder
        finally:
            os.seteuid(0)


def test_a_missing_file_is_empty_and_no_problem(tmp_path: Path):
    file = read_config(tmp_path / "none.toml")
    assert (file.data, file.problem, file.stamp, file.line("theme")) == ({}, None, None, 1)


def test_it_reads_windows_line_ends_and_a_byte_order_mark(tmp_path: Path):
    path = tmp_path / "c.toml"
    path.write_bytes(b'\xef\xbb\xbftheme = "x"\r\n[keys]\r\na = "b"\r\n')
    file = read_config(path)
    assert file.data == {"theme": "x", "keys": {"a": "b"}}
    assert file.where("keys", "a").endswith("c.toml:3")
    assert file.table("keys") == {"a": "b"}
    assert file.table("theme") == file.table("keys", "a", "b") == {}


@pytest.mark.parametrize(
    ("content", "code", "place"),
    [
        (b"a = 1\nb = = 2\n", "config.broken_toml", ":2"),
        (b'a = 1\nb = """x\n\n', "config.broken_toml", ":2"),
        (b"a = 1\nname = '\xff'\n", "config.not_utf8", ":2"),
        (b"a = " + b"[" * 30_000, "config.broken_toml", ""),
        (b"a = " + b"9" * 10_000, "config.broken_toml", ""),
        (b"# " + b"x" * settings_file.LARGEST, "config.too_large", ""),
    ],
)
def test_bad_content_is_one_sentence(tmp_path: Path, content: bytes, code: str, place: str):
    path = tmp_path / "c.toml"
    path.write_bytes(content)
    file = read_config(path)
    assert file.problem is not None
    assert file.problem.code == code
    assert file.data == {}
    assert f"c.toml{place}" in sentence_of(file.problem)
    with pytest.raises(ProblemError):
        change_file(path, {("theme",): "x"})
    assert path.read_bytes() == content


def test_a_folder_in_its_place(tmp_path: Path):
    folder = tmp_path / "c.toml"
    folder.mkdir()
    problem = read_config(folder).problem
    assert problem is not None
    assert problem.code == ("config.not_a_file" if os.name == "posix" else "config.unreadable")
    sentence_of(problem)
    with pytest.raises(ProblemError) as caught:
        write_text(folder, "x")
    assert caught.value.problem.code == "config.cannot_write"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_named_pipe_in_its_place_does_not_hang(tmp_path: Path):
    os.mkfifo(tmp_path / "c.toml")
    problem = read_config(tmp_path / "c.toml").problem
    assert problem is not None
    assert problem.code == "config.not_a_file"


def test_a_loop_of_links(tmp_path: Path):
    path = tmp_path / "c.toml"
    path.symlink_to(path)
    problem = read_config(path).problem
    assert problem is not None
    assert problem.code == "config.unreadable"


@pytest.mark.skipif(os.name != "posix", reason="permissions are different here")
def test_a_file_and_a_home_that_may_not_be_used(ordinary_folder: Path):
    path = ordinary_folder / "home" / "c.toml"
    path.parent.mkdir()
    path.write_text("a = 1\n")
    path.chmod(0)
    problem = read_config(path).problem
    assert problem is not None
    assert problem.code == "config.unreadable"
    path.chmod(0o600)
    path.parent.chmod(0o500)
    with pytest.raises(ProblemError) as caught:
        change_file(path, {("a",): 2})
    assert caught.value.problem.code == "config.read_only"
    with pytest.raises(ProblemError) as caught:
        change_file(path.parent / "below" / "c.toml", {("a",): 2})
    assert caught.value.problem.code == "config.read_only"
    path.parent.chmod(0o700)
    assert path.read_text() == "a = 1\n"


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (errno.ENOSPC, "config.disk_full"),
        (errno.EDQUOT, "config.disk_full"),
        (errno.EROFS, "config.read_only"),
        (errno.EACCES, "config.read_only"),
        (errno.EIO, "config.cannot_write"),
    ],
)
def test_a_disk_that_refuses_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, code: str
):
    path = tmp_path / "c.toml"
    path.write_text("a = 1\n")

    def refuse(_descriptor: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(ProblemError) as caught:
        change_file(path, {("a",): 2})
    assert caught.value.problem.code == code
    sentence_of(caught.value.problem)
    assert path.read_text() == "a = 1\n"
    assert os.listdir(tmp_path) == ["c.toml"]


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full here")
def test_a_disk_that_is_really_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "c.toml"
    path.write_text("a = 1\n")

    def on_a_full_disk(**_where: object) -> tuple[int, str]:
        (tmp_path / "t.tmp").touch()
        return os.open("/dev/full", os.O_WRONLY), str(tmp_path / "t.tmp")

    monkeypatch.setattr(tempfile, "mkstemp", on_a_full_disk)
    with pytest.raises(ProblemError) as caught:
        change_file(path, {("a",): 2})
    assert caught.value.problem.code == "config.disk_full"
    assert path.read_text() == "a = 1\n"


def test_it_writes_privately_and_leaves_links_in_place(tmp_path: Path):
    real = tmp_path / "dotfiles" / "lmdeck.toml"
    real.parent.mkdir()
    real.write_text("# mine\na = 1\n")
    real.chmod(0o644)
    link = tmp_path / "new" / "c.toml"
    link.parent.mkdir()
    link.symlink_to(real)
    change_file(link, {("a",): 2})
    assert link.is_symlink()
    assert real.read_text() == "# mine\na = 2\n"
    assert stat.S_IMODE(real.stat().st_mode) == 0o600
    fresh = tmp_path / "x" / "y" / "c.toml"
    change_file(fresh, {("b",): True})
    assert stat.S_IMODE(fresh.stat().st_mode) == 0o600
    assert stat.S_IMODE(fresh.parent.stat().st_mode) == 0o700
    assert os.listdir(fresh.parent) == ["c.toml"]


def test_nothing_changes_when_nothing_changes(tmp_path: Path):
    path = tmp_path / "c.toml"
    path.write_text("a = 1\n")
    before = stamp_of(path)
    change_file(path, {("b",): None, ("c", "d"): None})
    assert stamp_of(path) == before


USERS = """\
# My settings
language = "en"   # English, please

[keys]            # the way I like it
"composer.send" = "ctrl+g"

[sampling]
# hot
temperature = 1.5

[profiles.box]
url = "http://h:1" # the big one
"""


def test_comments_and_order_stay(tmp_path: Path):
    path = tmp_path / "c.toml"
    path.write_text(USERS)
    change_file(
        path,
        {("theme",): "ember", ("language",): "zh-CN", ("sampling", "top_p"): 0.5, ("sampling", "temperature"): None},
    )
    text = path.read_text()
    wanted = USERS.replace('"en" ', '"zh-CN" ').replace("temperature = 1.5\n", "top_p = 0.5\n")
    lines = [line for line in text.splitlines() if line != 'theme = "ember"']
    assert [line for line in lines if line] == [line for line in wanted.splitlines() if line]
    assert tomllib.loads(text)["theme"] == "ember"
    change_file(path, {("profiles", "box"): None, ("keys",): None})
    assert tomllib.loads(path.read_text()) == {
        "language": "zh-CN",
        "theme": "ember",
        "sampling": {"top_p": 0.5},
    }


def test_settings_are_checked_before_they_are_saved(tmp_path: Path):
    path = tmp_path / "c.toml"
    save_settings(path, {"theme": "ember", "sampling.top_p": 0.5, "mouse": None})
    assert tomllib.loads(path.read_text()) == {"theme": "ember", "sampling": {"top_p": 0.5}}
    for name, value, code in (
        ("themee", "x", "config.unknown_setting"),
        ("mouse", 3, "config.not_switch"),
        ("frames_local", 1000, "config.out_of_range"),
        ("default_url", "http://u:p@h", "config.secret_in_url"),
    ):
        with pytest.raises(ProblemError) as caught:
            save_settings(path, {"theme": "dusk", name: value})
        assert caught.value.problem.code == code
        sentence_of(caught.value.problem)
    assert "dusk" not in path.read_text()


def test_arrays_nested_deeper_than_the_editor_can_follow(tmp_path: Path):
    path = tmp_path / "c.toml"
    text = f"x = {'[' * 300}{']' * 300}\n"
    path.write_text(text)
    if read_config(path).problem is None:
        with pytest.raises(ProblemError) as caught:
            change_file(path, {("theme",): "x"})
        assert caught.value.problem.code == "config.not_written"
    assert path.read_text() == text


def test_a_file_in_the_place_of_the_folder(tmp_path: Path):
    (tmp_path / "lmdeck").write_text("")
    path = tmp_path / "lmdeck" / "c.toml"
    assert [read_config(path).problem.code] == ["config.unreadable"]  # type: ignore[union-attr]
    with pytest.raises(ProblemError) as caught:
        write_text(path, "x")
    assert caught.value.problem.code == "config.cannot_write"


def test_a_value_in_the_place_of_a_table_is_refused(tmp_path: Path):
    path = tmp_path / "c.toml"
    path.write_text("\nsampling = 3\n")
    with pytest.raises(ProblemError) as caught:
        change_file(path, {("sampling", "top_p"): 1.0})
    assert caught.value.problem.code == "config.no_table"
    assert "c.toml:2" in sentence_of(caught.value.problem)


def test_somebody_else_writing_at_the_same_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "c.toml"
    path.write_text("a = 1\n")
    usual = settings_write.changed_text
    writes = iter(range(2, 9))

    def interrupted(file: ConfigFile, changes: object) -> str:
        number = next(writes)
        if number < stop:
            path.write_text(f"a = 1\nother = {number}{'0' * number}\n")
        return usual(file, changes)  # type: ignore[arg-type]

    monkeypatch.setattr(settings_write, "changed_text", interrupted)
    stop = 4
    change_file(path, {("b",): 2})
    assert tomllib.loads(path.read_text()) == {"a": 1, "other": 3000, "b": 2}
    stop = 99
    writes = iter(range(4, 30))
    with pytest.raises(ProblemError) as caught:
        change_file(path, {("b",): 3})
    assert caught.value.problem.code == "config.busy"
    sentence_of(caught.value.problem)


def test_an_editor_that_loses_something_is_not_trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "c.toml"
    path.write_text("a = 1\nb = 2\n")
    usual = tomlkit.parse
    monkeypatch.setattr(tomlkit, "parse", lambda text: usual(text.replace("b = 2\n", "")))
    with pytest.raises(ProblemError) as caught:
        change_file(path, {("a",): 3})
    assert caught.value.problem.code == "config.not_written"

    def fail(_text: str) -> None:
        raise ParseError(1, 1, "no")

    monkeypatch.setattr(tomlkit, "parse", fail)
    with pytest.raises(ProblemError) as caught:
        change_file(path, {("a",): 3})
    assert caught.value.problem.code == "config.not_written"
    assert path.read_text() == "a = 1\nb = 2\n"


def test_home_is_shown_short(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert shown_path(tmp_path / "a" / "b.toml") == str(Path("~/a/b.toml"))
    assert shown_path(Path("/elsewhere/b.toml")) == str(Path("/elsewhere/b.toml"))


KEYS = st.text(max_size=6)
VALUES = st.recursive(
    st.one_of(st.booleans(), st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False), st.text(max_size=12)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)


@settings(deadline=None)
@given(st.dictionaries(KEYS, VALUES, max_size=5), KEYS, VALUES)
def test_what_is_set_is_there_and_nothing_else_changes(data: dict[str, object], key: str, value: object):
    try:
        text = tomlkit.dumps(data)
        known = tomllib.loads(text) == data
    except (tomllib.TOMLDecodeError, ValueError):
        known = False
    if not known:  # tomlkit itself cannot write this one
        return
    file = ConfigFile(Path("c.toml"), text, data)
    try:
        changed = changed_text(file, {(key,): value})
    except ProblemError as error:
        assert error.problem.code == "config.not_written"  # noqa: PT017 (it may raise, and then only this)
        return
    assert tomllib.loads(changed) == {**data, key: value}
    lines = key_lines(changed)
    assert {path[0] for path in lines} == set(data) | {key}
    for (name, *rest), number in lines.items():
        if not rest and "\n" not in name:
            line = changed.split("\n")[number - 1].replace(" ", "")
            assert line.startswith(("[", '"', "'", name.replace(" ", "")))


def test_a_secret_text_of_several_lines_is_readable_again(tmp_path: Path):
    path = tmp_path / "c.toml"
    for text in ("one\ntwo", "\nfirst line empty", 'quotes """ and \\ inside\n', "a\r\nb", "tab\there", "中文\n"):
        change_file(path, {("system_prompt",): text})
        assert read_config(path).data["system_prompt"] == text
