"""The user's keys: named as Textual names them, and every mistake that Textual would swallow is said."""

from __future__ import annotations

import string
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from textual._keyboard_protocol import FUNCTIONAL_KEYS
from textual.app import App
from textual.binding import Binding
from textual.keys import _character_to_key

from tests.support.sentences import sentence_of
from tui.config.actions import ACTIONS
from tui.config.keymap import Keymap, check_keymap, is_typed, parse_key
from tui.config.settings_file import read_config

DEFAULTS = {
    "composer.send": "enter",
    "composer.newline": "ctrl+j,shift+enter",
    "reply.stop": "escape",
    "dialog.close": "escape",
    "list.next": "j,down",
    "help": "f1",
    "menu.only": "",
}


def _check(table: dict[str, object], **more: object) -> Keymap:
    keymap = check_keymap(table, DEFAULTS, **more)  # type: ignore[arg-type]
    for problem in keymap.problems:
        sentence_of(problem)
    return keymap


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("Ctrl-Shift-A", "ctrl+shift+a"),
        ("shift+ctrl+left", "ctrl+shift+left"),
        ("^G", "ctrl+g"),
        ("^[", "ctrl+left_square_bracket"),
        ("ESC", "escape"),
        ("Return", "enter"),
        ("PgUp", "pageup"),
        ("alt+PgDn", "alt+pagedown"),
        ("?", "question_mark"),
        ("ctrl+/", "ctrl+slash"),
        ("ctrl++", "ctrl+plus"),
        ("ctrl--", "ctrl+minus"),
        ("ctrl+-", "ctrl+minus"),
        ("+", "plus"),
        ("-", "minus"),
        ("alt++", "alt+plus"),
        ("F12", "f12"),
        ("cmd+k", "super+k"),
        ("A", "A"),
        ("a", "a"),
        (" ctrl+space ", "ctrl+space"),
        ("question_mark", "question_mark"),
        ("中", "中"),
        ("？", "fullwidth_question_mark"),
    ],
)
def test_keys_as_people_write_them(text: str, key: str):
    assert parse_key(text) == key


@pytest.mark.parametrize(
    "text",
    ["", "ctrl", "ctrl+", "bogus+key", "ctrl+ctrl+a", "f0", "f36", "control+alt", "a+b", "escp", "\x1b", "ctrl+\n"],
)
def test_what_is_no_key(text: str):
    with pytest.raises(ValueError, match=r".*"):
        parse_key(text)


def test_names_are_textuals_own():
    for character in string.printable.strip():
        assert parse_key(character) == _character_to_key(character)
        if character.isalnum():
            continue
        assert parse_key(_character_to_key(character)) == _character_to_key(character)
        assert is_typed(_character_to_key(character))
    plain = [name for code, name in FUNCTIONAL_KEYS.items() if not code.endswith("u") or int(code[:-1]) < 57399]
    assert {parse_key(name) for name in plain if name != "kp_begin"} == {name for name in plain if name != "kp_begin"}


@settings(deadline=None)
@given(st.text(max_size=12))
def test_any_text_is_a_key_or_none(text: str):
    try:
        key = parse_key(text)
    except ValueError:
        return
    assert parse_key(key) == key
    assert "," not in key
    assert key.isprintable()


def test_a_good_table():
    keymap = _check({"composer.send": "Ctrl-G, F10", "help": ["f2", "F2"], "menu.only": "ctrl+t"})
    assert keymap == Keymap({"composer.send": "ctrl+g,f10", "help": "f2", "menu.only": "ctrl+t"})


def test_ids_without_quotes_are_tables_to_toml(tmp_path: Path):
    path = tmp_path / "c.toml"
    path.write_text("[keys]\ncomposer.send = 'ctrl+g'\ncomposer.sendd = 'x'\n\n'help' = 3\n")
    file = read_config(path)
    keymap = check_keymap(file.table("keys"), DEFAULTS, file=file)
    assert keymap.keys == {"composer.send": "ctrl+g"}
    assert [problem.code for problem in keymap.problems] == ["config.keys_unknown_like", "config.keys_not_text"]
    assert "c.toml:3" in sentence_of(keymap.problems[0])
    assert "c.toml:5" in sentence_of(keymap.problems[1])


@pytest.mark.parametrize(
    ("table", "code", "word"),
    [
        ({"composer.snd": "f5"}, "config.keys_unknown_like", "composer.send?"),
        ({"zzzz": "f5"}, "config.keys_unknown", "zzzz"),
        ({"help": 5}, "config.keys_not_text", "help"),
        ({"help": ["f5", 5]}, "config.keys_not_text", "help"),
        ({"help": True}, "config.keys_not_text", "help"),
        ({"help": " , "}, "config.keys_empty", "help"),
        ({"help": "bogus+key"}, "config.keys_no_key", "bogus+key"),
        ({"help": "ctrl+m"}, "config.keys_reserved", "enter"),
        ({"help": "ctrl+i"}, "config.keys_reserved", "tab"),
        ({"help": "ctrl+["}, "config.keys_reserved", "escape"),
        ({"help": "ctrl+h"}, "config.keys_reserved", "backspace"),
        ({"help": "ctrl+c"}, "config.keys_always", "ctrl+c"),
        ({"help": "h"}, "config.keys_typed", "h"),
        ({"help": "?"}, "config.keys_typed", "?"),
        ({"help": "space"}, "config.keys_typed", "space"),
    ],
)
def test_each_mistake_is_one_sentence_and_the_default_stays(table: dict[str, object], code: str, word: str):
    keymap = _check({**table, "menu.only": "f9"})
    assert [problem.code for problem in keymap.problems] == [code]
    assert word in sentence_of(keymap.problems[0])
    assert keymap.keys == {"menu.only": "f9"}


def test_two_actions_on_one_key():
    keymap = _check({"help": "f5", "menu.only": "ctrl+t,f5"})
    assert keymap.keys == {"help": "f5"}
    assert [problem.code for problem in keymap.problems] == ["config.keys_conflict"]
    assert "help" in sentence_of(keymap.problems[0])


def test_actions_that_share_a_key_by_default_or_are_never_together_may_share():
    assert _check({"reply.stop": "f5", "dialog.close": "f5"}).problems == ()
    apart = _check({"help": "f5", "menu.only": "f5"}, apart=lambda one, other: {one, other} == {"help", "menu.only"})
    assert apart == Keymap({"help": "f5", "menu.only": "f5"})


def test_a_key_is_taken_from_a_default():
    keymap = _check({"help": "ctrl+j"})
    assert keymap.keys == {"help": "ctrl+j", "composer.newline": "shift+enter"}
    assert [problem.code for problem in keymap.problems] == ["config.keys_taken"]
    last = _check({"menu.only": "f1"})
    assert last.keys == {"menu.only": "f1"}
    assert [problem.code for problem in last.problems] == ["config.keys_taken_last"]


def test_swapping_two_keys_is_fine():
    keymap = _check({"help": "escape", "reply.stop": "f1", "dialog.close": "f1"})
    assert keymap.problems == ()


def test_an_action_keeps_a_key_that_others_may_not_have():
    assert _check({"list.next": "j"}) == Keymap({"list.next": "j"})
    assert _check({"list.next": "n,down"}) == Keymap({"list.next": "n,down"})


def test_the_defaults_of_the_program_pass_the_same_check():
    defaults = {action.id: action.keys for action in ACTIONS}
    table = {one: keys for one, keys in defaults.items() if keys}
    assert check_keymap(table, defaults) == Keymap(table)


async def test_textual_takes_it():
    pressed: list[str] = []

    class Small(App[None]):
        BINDINGS = [  # noqa: RUF012 (Textual's own way)
            Binding("f1", "note('help')", id="help"),
            Binding("ctrl+j,shift+enter", "note('newline')", id="composer.newline"),
        ]

        def action_note(self, name: str) -> None:
            pressed.append(name)

    app = Small()
    async with app.run_test() as pilot:
        app.set_keymap(dict(_check({"help": "ctrl+j, Alt-PgUp", "composer.newline": "Ctrl-?"}).keys))
        await pilot.press("ctrl+j", "alt+pageup", "ctrl+question_mark", "f1", "shift+enter")
    assert pressed == ["help", "help", "newline"]
