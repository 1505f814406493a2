"""What the word behind ``lmdeck`` means."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tui.config.paths import config_folder
from tui.config.targets import target_fields
from tui.config.terminal import wear_settings
from tui.model.problem import ProblemError


def configured(text: str) -> Path:
    path = config_folder() / "config.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("target", "fields"),
    [
        (None, {"connect": True}),
        ("http://127.0.0.1:23333", {"url": "http://127.0.0.1:23333"}),
        ("localhost", {"url": "localhost"}),
        ("23333", {"url": "23333"}),
        ("ssh://root@box:33", {"ssh": "ssh://root@box:33"}),
        ("root@box", {"ssh": "root@box"}),
        ("ssh -p 33 root@box", {"ssh": "ssh -p 33 root@box"}),
        ("camp", {"profile": "camp"}),
        ("elsewhere", {"url": "elsewhere"}),
    ],
)
def test_targets(target: str | None, fields: dict[str, Any]):
    configured('[profiles.camp]\nurl = "http://camp:1"\n')
    assert target_fields(target) == fields


def test_a_name_almost_right_is_not_taken_for_a_host():
    configured('[profiles.camp]\nurl = "http://camp:1"\n')
    with pytest.raises(ProblemError) as raised:
        target_fields("cmap")
    assert raised.value.problem.data["suggestion"] == "camp"


@pytest.mark.parametrize("text", ['default_url = "http://b:1"\n', 'default_profile = "camp"\n'])
def test_a_default_is_opened_without_asking(text: str):
    configured(text)
    assert target_fields(None) == {"connect": False}


def test_going_on_asks_nothing():
    assert target_fields(None, go_on=True) == {"connect": False}


@pytest.mark.parametrize(
    ("colours", "keyboard", "ssh", "expected"),
    [
        ("auto", "auto", False, {"ANIMATIONS": "basic"}),
        ("16", "on", False, {"ANIMATIONS": "basic", "COLOR_SYSTEM": "standard", "DISABLE_KITTY_KEY": "0"}),
        ("none", "off", True, {"ANIMATIONS": "none", "NO_COLOR": "1", "DISABLE_KITTY_KEY": "1"}),
    ],
)  # fmt: skip
def test_what_textual_reads_at_import(colours: str, keyboard: str, ssh: bool, expected: dict[str, str]):
    environ = {"SSH_CONNECTION": "x"} if ssh else {}
    wear_settings(environ, colours=colours, animations="basic", keyboard=keyboard)
    environ.pop("SSH_CONNECTION", None)
    assert {name.removeprefix("TEXTUAL_"): value for name, value in environ.items()} == expected
    environ = {"TEXTUAL_ANIMATIONS": "full"}
    wear_settings(environ, colours="256", animations="none", keyboard="auto")
    assert environ == {"TEXTUAL_ANIMATIONS": "full", "TEXTUAL_COLOR_SYSTEM": "256"}
