"""The options of ``lmdeploy serve api_server``, by version, and the reading of its command lines.

Source: reference §1.1 and §1.2 (lmdeploy 0.18.0 with history back to 0.5.3). The parser follows argparse as lmdeploy
uses it: ``--foo_bar`` means ``--foo-bar``, ``--a=b`` works, so do unambiguous prefixes and ``--hf-overrides.x.y v``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from tui.lmdeploy.kv import POLICIES
from tui.lmdeploy.versions import Version

Kind = Literal["text", "int", "float", "flag", "list", "json"]
Value = str | int | float | bool | tuple[str, ...]
Engines = Literal["both", "turbomind", "pytorch"]


@dataclass(frozen=True, slots=True)
class Option:
    """One option. ``since`` and ``until`` are the first and last release that know it (None: not bounded in the
    reference); ``about`` explains it and ``memory`` says what it does to memory ("" for nothing); both are marked for
    translation."""

    flag: str
    kind: Kind
    default: Value | None = None
    engines: Engines = "both"
    since: Version | None = None
    until: Version | None = None
    choices: tuple[str, ...] = ()
    about: str = ""
    memory: str = ""

    @property
    def name(self) -> str:
        """The name without dashes, as lmdeploy's config objects spell it (``cache_max_entry_count``)."""
        return self.flag.lstrip("-").replace("-", "_")

    def known_to(self, version: Version) -> bool:
        return (self.since is None or self.since <= version) and (self.until is None or version <= self.until)


@dataclass(frozen=True, slots=True)
class ServerCommand:
    """A parsed command line: the model and the options given, by their names; what was not understood is kept."""

    model: str = ""
    options: Mapping[str, Value] = field(default_factory=dict[str, Value])
    unknown: tuple[str, ...] = ()

    def text(self, name: str, default: str = "") -> str:
        value = self.options.get(name)
        return value if isinstance(value, str) else default

    def number(self, name: str, default: float) -> float:
        value = self.options.get(name)
        return value if isinstance(value, (int, float)) and not isinstance(value, bool) else default

    def count(self, name: str, default: int) -> int:
        return int(self.number(name, default))

    def flag(self, name: str) -> bool:
        return self.options.get(name) is True

    @property
    def ratio(self) -> float:
        """``--cache-max-entry-count``; 0.8 when it is not given (reference §1.2)."""
        return self.number("cache_max_entry_count", 0.8)

    @property
    def policy(self) -> int:
        """``--quant-policy`` as a number; 0 when absent or unknown."""
        return POLICIES.get(str(self.options.get("quant_policy", "0")).lower(), 0)


def find_server(arguments: Sequence[str]) -> Sequence[str] | None:
    """What follows ``serve api_server`` in a process's command line, or None when it is not an lmdeploy server's."""
    for at in range(len(arguments) - 1):
        if arguments[at] == "serve" and arguments[at + 1] == "api_server":
            return arguments[at + 2 :] if any("lmdeploy" in part for part in arguments[:at]) else None
    return None


def parse_options(arguments: Sequence[str]) -> ServerCommand:
    """Read what follows ``serve api_server``. Never raises: what cannot be read is in ``unknown``."""
    return _Reader(arguments).read()


def find_option(flag: str) -> Option | None:
    """The option a flag means (``--cache_max_entry``, ``--hf-overrides.a.b`` too); None when none or several do."""
    from tui.lmdeploy.option_table import OPTIONS

    wanted = "--" + flag[2:].replace("_", "-")
    if wanted.startswith("--hf-overrides."):
        wanted = "--hf-overrides"
    near = [option for option in OPTIONS if option.flag.startswith(wanted)]
    exact = [option for option in near if option.flag == wanted]
    return exact[0] if exact else near[0] if len(near) == 1 else None


class _Reader:
    def __init__(self, arguments: Sequence[str]) -> None:
        self._rest = list(arguments)
        self._options: dict[str, Value] = {}
        self._unknown: list[str] = []
        self._model = ""

    def read(self) -> ServerCommand:
        while self._rest:
            word = self._rest.pop(0)
            if word.startswith("--") and len(word) > 2:
                self._option(word)
            elif word.startswith("-") and len(word) > 1:
                self._unknown.append(word)
            elif not self._model:
                self._model = word
            else:
                self._unknown.append(word)
        return ServerCommand(self._model, self._options, tuple(self._unknown))

    def _option(self, word: str) -> None:
        flag, equals, inline = word.partition("=")
        option = find_option(flag)
        if option is None:
            self._unknown.append(word)
            return
        if option.kind == "flag":
            self._options[option.name] = True
        elif option.kind == "list":
            self._options[option.name] = (inline,) if equals else self._take_list()
        else:
            value = inline if equals else self._take()
            self._store(option, value, word)

    def _take(self) -> str | None:
        if not self._rest or (self._rest[0].startswith("--") and len(self._rest[0]) > 2):
            return None
        return self._rest.pop(0)

    def _take_list(self) -> tuple[str, ...]:
        values: list[str] = []
        while (value := self._take()) is not None:
            values.append(value)
        return tuple(values)

    def _store(self, option: Option, value: str | None, word: str) -> None:
        if value is None:
            self._unknown.append(word)
            return
        try:
            converted: Value = value
            if option.kind == "int":
                converted = int(value)
            elif option.kind == "float":
                converted = float(value)
            self._options[option.name] = converted
        except ValueError:
            self._unknown.extend((word, value))
