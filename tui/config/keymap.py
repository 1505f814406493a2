"""The user's keys: the table ``[keys]`` (binding id → keys), checked, because Textual does not check it.

Textual's key names are modifiers in alphabetical order before a key, joined by ``+`` (``ctrl+shift+a``); punctuation
has its Unicode name in lower case (``question_mark``), a few have a shorter one (``_character_to_key`` in Textual's
keys.py).
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from tui.config.settings_file import ConfigFile
from tui.model.problem import Problem

MODIFIERS = frozenset({"alt", "ctrl", "hyper", "meta", "shift", "super"})
_SYNONYMS = {
    "control": "ctrl", "option": "alt", "opt": "alt", "cmd": "super", "command": "super", "win": "super",
    "esc": "escape", "return": "enter", "del": "delete", "ins": "insert", "pgup": "pageup", "page_up": "pageup",
    "pgdn": "pagedown", "pgdown": "pagedown", "page_down": "pagedown", "bs": "backspace", "spacebar": "space",
    "dot": "full_stop", "period": "full_stop", "dash": "minus", "hyphen": "minus", "equal": "equals_sign",
    "equals": "equals_sign", "backtick": "grave_accent", "solidus": "slash", "reverse_solidus": "backslash",
}  # fmt: skip
_NAMED = frozenset(
    {"escape", "enter", "tab", "backspace", "insert", "delete", "space", "left", "right", "up", "down", "pageup"}
    | {"pagedown", "home", "end", "caps_lock", "scroll_lock", "num_lock", "print_screen", "pause", "menu"}
)
_SHORTER = {
    "solidus": "slash", "reverse_solidus": "backslash", "commercial_at": "at", "hyphen_minus": "minus",
    "plus_sign": "plus", "low_line": "underscore",
}  # fmt: skip
_FUNCTION = re.compile(r"f(?:[1-9]|[12][0-9]|3[0-5])")
# The same byte as another key on terminals without the extended keyboard protocol, and the keys that always work.
RESERVED = {
    "ctrl+m": "enter", "ctrl+i": "tab", "ctrl+left_square_bracket": "escape", "ctrl+h": "backspace",
    "ctrl+shift+m": "enter", "ctrl+shift+i": "tab",
}  # fmt: skip
ALWAYS = frozenset({"ctrl+c"})
"""Keys that keep their meaning whatever the user sets: the way out."""


def _name_of(character: str) -> str:
    """Textual's name of a printable character."""
    if character.isalnum():
        return character
    name = unicodedata.name(character, "").lower().replace("-", "_").replace(" ", "_")
    return _SHORTER.get(name, name)


_PUNCTUATION = frozenset(_name_of(chr(code)) for code in range(33, 127) if not chr(code).isalnum())


def parse_key(text: str) -> str:
    """Textual's name for a key as people write it: ``Ctrl-Shift-A``, ``^g``, ``PgUp``, ``?``, ``alt+left``.

    Raises ValueError when there is no such key."""
    word = text.strip()
    if len(word) == 2 and word[0] == "^":
        word = f"ctrl+{word[1]}"
    *modifiers, key = _split(word)
    held = {_SYNONYMS.get(one.lower(), one.lower()) for one in modifiers}
    if not held <= MODIFIERS or len(held) != len(modifiers):
        raise ValueError(text)
    return "+".join([*sorted(held), _key(key, held, text)])


def _split(word: str) -> list[str]:
    """``ctrl++`` and ``ctrl--`` end in the key that also separates."""
    if len(word) < 2:
        return [word]
    body, last = word[:-1], word[-1]
    if last in "+-" and (body[-1] in "+-"):
        return [*re.split(r"[+-]", body[:-1]), last]
    return re.split(r"[+-]", word)


def _key(key: str, held: set[str], text: str) -> str:
    name = _SYNONYMS.get(key.lower(), key.lower())
    if len(key) == 1 and key.isprintable():
        name = "space" if key == " " else _name_of(key)
        name = name.lower() if held else name
    if len(name) == 1 and name.isprintable() and name.isalnum():
        return name
    if name in _NAMED or name in _PUNCTUATION or _FUNCTION.fullmatch(name) or _is_character(name):
        return name
    raise ValueError(text)


def _is_character(name: str) -> bool:
    """Whether Textual would call a character so, such as ``fullwidth_question_mark``."""
    try:
        return _name_of(unicodedata.lookup(name.replace("_", " "))) == name
    except KeyError:
        return False


def is_typed(key: str) -> bool:
    """Whether the key, pressed in a text field, writes a character."""
    return len(key) == 1 or key == "space" or key in _PUNCTUATION


@dataclass(frozen=True, slots=True)
class Keymap:
    """What ``App.set_keymap`` gets (binding id → keys, joined by commas) and what was refused or deserves a word."""

    keys: Mapping[str, str] = field(default_factory=dict[str, str])
    problems: tuple[Problem, ...] = ()


def check_keymap(
    table: Mapping[str, Any],
    defaults: Mapping[str, str],
    *,
    file: ConfigFile | None = None,
    apart: Callable[[str, str], bool] = lambda _one, _other: False,
) -> Keymap:
    """Check the table ``[keys]``: id → a text with keys separated by commas, or a list of keys.

    ``defaults`` are the registry's ids with their keys. ``apart`` tells whether two ids are never active together and
    may share a key. A key that the user gives to one id is taken from the default of another, with a notice; two ids
    that the user gives the same key are a conflict, and the first one has it. A value that is wrong is left out
    whole, so that the default stays."""
    check = _Check(defaults, file, apart)
    for identifier, value in table.items():
        check.entry(identifier, value)
    check.take_from_defaults()
    return Keymap({one: ",".join(keys) for one, keys in check.good.items()}, tuple(check.problems))


class _Check:
    def __init__(self, defaults: Mapping[str, str], file: ConfigFile | None, apart: Callable[[str, str], bool]) -> None:
        self._defaults = {one: _listed(keys) for one, keys in defaults.items()}
        self._file = file
        self._apart = apart
        self.good: dict[str, list[str]] = {}
        self.problems: list[Problem] = []
        self._paths: dict[str, tuple[str, ...]] = {}

    def _say(self, code: str, identifier: str, **data: str) -> None:
        path = self._paths.get(identifier, (identifier,))
        where = self._file.where("keys", *path) if self._file else "[keys]"
        self.problems.append(Problem(f"config.{code}", {"where": where, "name": identifier, **data}))

    def entry(self, identifier: str, value: Any, path: tuple[str, ...] = ()) -> None:
        """One line of the table; ``path`` are the keys that lead to it, where they are not the id itself."""
        self._paths[identifier] = path = path or (identifier,)
        if identifier not in self._defaults:
            close = difflib.get_close_matches(identifier, self._defaults, 1)
            if isinstance(value, Mapping):  # `composer.send = "…"` without quotes is a table to TOML
                for inner, item in cast("Mapping[str, Any]", value).items():
                    self.entry(f"{identifier}.{inner}", item, (*path, inner))
            elif close:
                self._say("keys_unknown_like", identifier, suggestion=close[0])
            else:
                self._say("keys_unknown", identifier)
            return
        items = cast("list[Any]", value) if isinstance(value, list) else value.split(",") if _is_text(value) else None
        if items is None or not all(isinstance(item, str) for item in items):
            self._say("keys_not_text", identifier)
            return
        keys = self._keys(identifier, [item.strip() for item in items if item.strip()])
        if keys:
            self.good[identifier] = keys

    def _keys(self, identifier: str, texts: Iterable[str]) -> list[str]:
        """The keys of one line; empty when the line cannot be used."""
        keys: list[str] = []
        for text in texts:
            try:
                key = parse_key(text)
            except ValueError:
                self._say("keys_no_key", identifier, key=text)
                return []
            if fault := self._fault(identifier, key):
                self._say(fault[0], identifier, key=text, other=fault[1])
                return []
            if key not in keys:
                keys.append(key)
        if not keys:
            self._say("keys_empty", identifier)
        return keys

    def _fault(self, identifier: str, key: str) -> tuple[str, str] | None:
        own = self._defaults[identifier]
        if key in own:
            return None
        if key in RESERVED:
            return "keys_reserved", RESERVED[key]
        if key in ALWAYS:
            return "keys_always", ""
        # One typed by its letter alone would either never arrive or make that letter untypable.
        if is_typed(key) and not any(is_typed(one) for one in own):
            return "keys_typed", ""
        other = next((one for one, keys in self.good.items() if key in keys and self._clash(identifier, one)), None)
        return None if other is None else ("keys_conflict", other)

    def _clash(self, one: str, other: str) -> bool:
        if one == other or self._apart(one, other):
            return False
        # Two ids that share a key by default are active at different moments.
        return not set(self._defaults[one]) & set(self._defaults[other])

    def take_from_defaults(self) -> None:
        """Where a key of the user's is another id's default: that id keeps its other keys, if it has any."""
        for identifier, keys in list(self.good.items()):
            for other, theirs in self._defaults.items():
                lost = [key for key in keys if key in theirs and key not in self._defaults[identifier]]
                if other in self.good or not lost or not self._clash(identifier, other):
                    continue
                rest = [key for key in theirs if key not in lost]
                self._say("keys_taken" if rest else "keys_taken_last", identifier, key=lost[0], other=other)
                if rest:
                    self.good[other] = rest


def _listed(keys: str) -> list[str]:
    return [key.strip() for key in keys.split(",") if key.strip()]


def _is_text(value: Any) -> bool:
    return isinstance(value, str)
