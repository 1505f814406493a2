"""``lmdeck config`` and ``lmdeck profile``: what is printed where, exit codes, and no secret anywhere."""

from __future__ import annotations

import io
import json
import os
import sys
import tomllib
from types import ModuleType

import pytest

from tui.config import commands
from tui.config.commands import config_command, profile_command
from tui.config.profiles import Profile, load_profiles
from tui.config.settings import Settings, config_path
from tui.config.settings_load import load_settings
from tui.config.settings_options import options_of
from tui.i18n import set_language

Capture = pytest.CaptureFixture[str]


def _write(text: str) -> None:
    config_path().parent.mkdir(parents=True, exist_ok=True)
    config_path().write_text(text)


def test_path(capsys: Capture):
    assert config_command(["path"]) == 0
    assert capsys.readouterr().out == f"{config_path()}\n"


def test_what_show_prints_is_a_settings_file(capsys: Capture, monkeypatch: pytest.MonkeyPatch):
    _write('theme = "ember"\n[sampling]\ntop_k = 3\n')
    monkeypatch.setenv("LMDECK_MOUSE", "off")
    assert config_command(["show"]) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    assert 'theme = "ember"  # from the file' in captured.out
    assert "mouse = false  # from the environment" in captured.out
    assert "# gpu_total =" in captured.out
    before = load_settings()
    monkeypatch.delenv("LMDECK_MOUSE")
    _write(captured.out)
    again = load_settings()
    assert (again.settings, again.problems) == (before.settings, ())


def test_show_as_json_and_one_only(capsys: Capture):
    _write('theme = "ember"\nmouse = 3\n')
    assert config_command(["show", "--json"]) == 0
    captured = capsys.readouterr()
    data = json.loads(captured.out)
    assert set(data["settings"]) == set(options_of(Settings))
    assert data["settings"]["theme"]["value"] == "ember"
    assert data["settings"]["theme"]["origin"] == "file"
    assert [problem["code"] for problem in data["problems"]] == ["config.not_switch"]
    assert "config.toml:2" in captured.err
    assert config_command(["show", "theme", "--json"]) == 0
    assert list(json.loads(capsys.readouterr().out)["settings"]) == ["theme"]
    assert config_command(["show", "language"]) == 0
    out = capsys.readouterr().out
    for text in ('language = "auto"', "auto, en, zh-CN", 'Default: "auto"', "LMDECK_LANGUAGE"):
        assert text in out
    assert config_command(["show", "gpu_total"]) == 0
    assert "Default" not in capsys.readouterr().out


def test_set_and_unset(capsys: Capture, monkeypatch: pytest.MonkeyPatch):
    _write("# mine\n")
    monkeypatch.setenv("LMDECK_THEME", "dusk")
    for arguments in (
        ["theme", "ember"],
        ["tools", "add, mul"],
        ["sampling.top_p", "1"],
        ["mouse", "no"],
        ["language", "ZH-cn"],
    ):
        assert config_command(["set", *arguments]) == 0
    captured = capsys.readouterr()
    assert "LMDECK_THEME is set and wins" in captured.err
    assert captured.out == ""
    assert tomllib.loads(config_path().read_text()) == {
        "theme": "ember", "tools": ["add", "mul"], "mouse": False, "language": "zh-CN", "sampling": {"top_p": 1.0}
    }  # fmt: skip
    assert config_path().read_text().startswith("# mine\n")
    assert config_command(["unset", "sampling.top_p"]) == 0
    assert "top_p" not in config_path().read_text()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["set", "theem", "x"], "theme?"),
        (["set", "zzzz", "x"], "zzzz"),
        (["unset", "zzzz"], "zzzz"),
        (["show", "zzzz"], "zzzz"),
        (["set", "mouse", "maybe"], "true or false"),
        (["set", "frames_local", "many"], "whole number"),
        (["set", "frames_local", "1000"], "between 1 and 60"),
        (["set", "gpu_total", "nan"], "number"),
        (["set", "language", "fr"], "auto, en, zh-CN"),
        (["set", "default_url", "http://u:hunter2@h"], "does not belong"),
    ],
)
def test_what_cannot_be_set_changes_nothing(capsys: Capture, arguments: list[str], words: str):
    assert config_command(arguments) == 1
    captured = capsys.readouterr()
    assert words in captured.err
    assert captured.err.startswith("lmdeck: ")
    assert captured.err.count("\n") == 1
    assert "hunter2" not in captured.err
    assert not config_path().exists()


def test_set_leaves_a_broken_file_alone(capsys: Capture):
    _write("theme = x\n")
    assert config_command(["set", "theme", "ember"]) == 1
    assert "config.toml:1" in capsys.readouterr().err
    assert config_path().read_text() == "theme = x\n"


def test_check(capsys: Capture):
    assert config_command(["check"]) == 0
    assert capsys.readouterr().out == "Nothing is wrong with the settings.\n"
    _write("mouse = 3\n[keys]\nzzzz = 'f5'\n[profiles.x]\nurl = 3\n")
    assert config_command(["check"]) == 1
    assert [line.split(":")[2] for line in capsys.readouterr().err.splitlines()] == ["1", "3", "5"]


def test_the_keys_as_a_table(capsys: Capture):
    _write('[keys]\n"program.help" = "f10"\nzzz = "f5"\n')
    assert config_command(["keys"]) == 0
    captured = capsys.readouterr()
    table = tomllib.loads(captured.out)["keys"]
    assert table["program.help"] == "f10"
    assert table["composer.send"] == "enter"
    assert "config.toml:3" in captured.err
    _write(captured.out)
    assert config_command(["check"]) == 0
    _write("[keys")
    assert config_command(["keys"]) == 0
    assert "not valid TOML" in capsys.readouterr().err


def test_what_is_not_understood(capsys: Capture):
    assert config_command([]) == 2
    assert config_command(["bogus"]) == 2
    assert profile_command(["show"]) == 2
    assert config_command(["--help"]) == 0
    assert "unset" in capsys.readouterr().out


BOX = """
[profiles.box]
ssh = "root@h:22"
api_key = "env:BOX_KEY"
ssh_options = ["-i", "key"]
sampling.temperature = 0.5
chat_template_kwargs.enable_thinking = false
[profiles.plain]
url = "http://h:1"
model = "m"
"""


def test_profiles_are_listed_and_shown_without_their_keys(capsys: Capture, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("BOX_KEY", "sk-hunter2")
    _write(BOX)
    assert profile_command(["list"]) == 0
    assert capsys.readouterr().out == "box\tssh://root@h:22/127.0.0.1:23333\nplain\thttp://h:1\tm\n"
    assert profile_command(["show", "box"]) == 0
    assert profile_command(["list", "--json"]) == 0
    assert profile_command(["show", "box", "--json"]) == 0
    out = capsys.readouterr().out
    assert "# BOX_KEY is set." in out
    assert "sampling.temperature = 0.5" in out
    assert "hunter2" not in out
    monkeypatch.delenv("BOX_KEY")
    profile_command(["show", "box"])
    assert "# BOX_KEY is not set." in capsys.readouterr().out
    assert profile_command(["show", "boxx"]) == 1
    assert "Did you mean box?" in capsys.readouterr().err


def test_profiles_are_exported_and_imported(capsys: Capture, tmp_path_factory: pytest.TempPathFactory):
    _write(BOX)
    assert profile_command(["export", "box", "plain"]) == 0
    text = capsys.readouterr().out
    assert "BOX_KEY" not in text
    assert "ssh_options" not in text
    gift = tmp_path_factory.mktemp("gift") / "gift.toml"
    gift.write_text(text + '[profiles.extra]\nurl = "http://e"\napi_key = "env:HOME"\n')
    assert profile_command(["import", str(gift)]) == 1
    assert "--replace" in capsys.readouterr().err
    assert "extra" not in load_profiles(config_path()).by_name
    assert profile_command(["import", str(gift), "--replace"]) == 0
    captured = capsys.readouterr()
    assert captured.out.splitlines()[-1] == "extra\thttp://e"
    assert "extra.api_key was not taken over" in captured.err
    found = load_profiles(config_path())
    assert found.problems == ()
    assert found.get("extra") == Profile("extra", url="http://e")
    assert profile_command(["remove", "extra"]) == 0
    assert profile_command(["remove", "extra"]) == 1


class _Input(io.TextIOWrapper):
    """Standard input that is not a terminal."""

    def __init__(self, raw: bytes) -> None:
        super().__init__(io.BytesIO(raw), "utf-8")


def test_import_reads_standard_input(capsys: Capture, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "stdin", _Input(b'[profiles.x]\nurl = "http://h"\n'))
    assert profile_command(["import", "-"]) == 0
    assert list(load_profiles(config_path()).by_name) == ["x"]
    for raw, words in ((b"a = '\xff'", "UTF-8"), (b"#" * 2_000_000, "KiB"), (b"", "no profiles")):
        monkeypatch.setattr(sys, "stdin", _Input(raw))
        assert profile_command(["import", "-"]) == 1
        assert words in capsys.readouterr().err


def test_import_of_what_is_not_there(capsys: Capture):
    assert profile_command(["import", str(config_path().parent / "none.toml")]) == 1
    assert "no profiles" in capsys.readouterr().err
    config_path().parent.mkdir(parents=True)
    assert profile_command(["import", str(config_path().parent)]) == 1
    assert "ordinary file" in capsys.readouterr().err


def _keyring(monkeypatch: pytest.MonkeyPatch) -> dict[tuple[str, str], str]:
    kept: dict[tuple[str, str], str] = {}
    module = ModuleType("keyring")
    module.get_password = lambda *where: kept.get(where)  # type: ignore[attr-defined]
    module.set_password = lambda service, name, key: kept.update({(service, name): key})  # type: ignore[attr-defined]
    module.delete_password = lambda *where: kept.pop(where)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "keyring", module)
    return kept


def test_a_key_goes_into_the_keyring_and_nowhere_else(capsys: Capture, monkeypatch: pytest.MonkeyPatch):
    kept = _keyring(monkeypatch)
    _write(BOX)
    monkeypatch.setattr(sys, "stdin", _Input(b"sk-hunter2\n"))
    assert profile_command(["key", "plain"]) == 0
    assert kept == {("lmdeck", "plain @ http://h:1"): "sk-hunter2"}
    assert load_profiles(config_path()).get("plain").find_key().reveal() == "sk-hunter2"  # type: ignore[union-attr]
    assert "hunter2" not in config_path().read_text()
    before = config_path().stat()
    monkeypatch.setattr(sys, "stdin", _Input(b"sk-hunter3\n"))
    assert profile_command(["key", "plain"]) == 0
    assert config_path().stat() == before
    monkeypatch.setattr(sys, "stdin", _Input(b"\n"))
    assert profile_command(["key", "plain"]) == 1
    assert profile_command(["show", "plain"]) == 0
    assert profile_command(["key", "plain", "--forget"]) == 0
    assert profile_command(["key", "plain", "--forget"]) == 1
    monkeypatch.setattr(sys, "stdin", _Input(b"sk-hunter2\n"))
    profile_command(["key", "plain"])
    assert profile_command(["remove", "plain"]) == 0
    assert kept == {}
    captured = capsys.readouterr()
    assert "hunter" not in captured.out + captured.err


def test_a_key_is_asked_for_without_showing_it(monkeypatch: pytest.MonkeyPatch):
    kept = _keyring(monkeypatch)
    _write(BOX)
    asked: list[str] = []
    terminal = _Input(b"")
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stdin", terminal)
    monkeypatch.setattr("getpass.getpass", lambda prompt: asked.append(prompt) or "sk-1")
    assert profile_command(["key", "plain"]) == 0
    assert list(kept.values()) == ["sk-1"]
    assert "plain" in asked[0]


def test_without_a_keyring_it_says_what_else_works(capsys: Capture, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "keyring", None)
    _write(BOX)
    monkeypatch.setattr(sys, "stdin", _Input(b"sk-hunter2\n"))
    assert profile_command(["key", "plain"]) == 1
    assert "env:NAME" in capsys.readouterr().err
    assert 'api_key = "keyring"' not in config_path().read_text()


def test_text_from_files_cannot_steer_the_terminal(capsys: Capture):
    _write('theme = "a\\u001b[31m\\u009b1m\\u202e\\U000E0041中"\n"\\u001b]0;x" = 1\n')
    assert config_command(["show"]) == 0
    assert config_command(["show", "--json"]) == 0
    captured = capsys.readouterr()
    text = captured.out + captured.err
    assert not set(text) & {"\x1b", "\x9b", "\u202e", "\U000e0041"}
    assert "中" in text
    data = json.loads(captured.out[captured.out.index("\n{") :])
    assert data["settings"]["theme"]["value"] == "a\x1b[31m\x9b1m\u202e\U000e0041中"


def test_a_terminal_without_chinese_gets_escapes(monkeypatch: pytest.MonkeyPatch):
    _write('theme = "中"\n')
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, "ascii", write_through=True))
    assert config_command(["show", "theme"]) == 0
    assert b'theme = "\\u4e2d"' in raw.getvalue()


def test_a_read_only_home_and_a_full_disk(capsys: Capture, monkeypatch: pytest.MonkeyPatch):
    import errno

    for number, words in ((errno.EROFS, "may not be written"), (errno.ENOSPC, "disk is full")):

        def refuse(*_arguments: object, _number: int = number, **_more: object) -> None:
            raise OSError(_number, os.strerror(_number))

        monkeypatch.setattr(os, "fsync", refuse)
        assert config_command(["set", "theme", "ember"]) == 1
        assert words in capsys.readouterr().err


def test_values_as_toml():
    for value in (True, 3, 0.5, 'a"b\\\n中', ["a", "b"], {"k y": [1, {"z": "x"}]}):
        assert tomllib.loads(f"x = {commands.toml_value(value)}") == {"x": value}


def test_it_speaks_the_chosen_language(capsys: Capture):
    set_language("zh-CN")
    assert config_command(["show", "theme"]) == 0
    assert "LMDECK_THEME" in capsys.readouterr().out
