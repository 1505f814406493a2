"""Reading the settings: quickly before the first frame, thoroughly after it, and again whenever the file changes."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from tui.config.secrets import secret_in
from tui.config.settings import ADDRESSES, Settings, config_path
from tui.config.settings_check import (
    from_environment,
    good_values,
    nest,
    rejected,
    unknown_key,
    unknown_variables,
    wrong_value,
)
from tui.config.settings_file import ConfigFile, read_config, stamp_of
from tui.config.settings_options import build, flatten, options_of, value_of
from tui.model.problem import Problem

Origin = Literal["default", "file", "environment"]
OTHER_TABLES = ("keys", "profiles", "mcp")


@dataclass(frozen=True)
class Loaded:
    """Settings that can be used whatever the file holds, and everything that is wrong with it.

    ``origins`` has the names that are not at their default. ``file`` still holds ``[keys]``, ``[profiles]`` and
    ``[mcp]``."""

    settings: Settings
    file: ConfigFile
    problems: tuple[Problem, ...] = ()
    origins: Mapping[str, Origin] = field(default_factory=dict[str, Origin])

    @property
    def keys(self) -> Mapping[str, Any]:
        """The table ``[keys]``, unchecked: see :mod:`tui.config.keymap`."""
        return self.file.table("keys")


def quick_settings(path: Path | None = None, environ: Mapping[str, str] | None = None) -> Settings:
    """The settings for the first frame: the same values as :func:`load_settings`, without pydantic and without
    problems. Takes a few milliseconds; never raises."""
    return light_settings(read_config(path or config_path()), os.environ if environ is None else environ)


def light_settings(file: ConfigFile, environ: Mapping[str, str]) -> Settings:
    """The same for a file already read."""
    values, _problems = from_environment(Settings, environ)
    sources = (good_values(Settings, file.data), good_values(Settings, nest(values)))
    for source in sources:
        for name in _with_secret(source):
            del source[name]
    return build(Settings, sources[0] | sources[1])


def _with_secret(values: Mapping[str, Any]) -> list[str]:
    """Names of addresses that carry a password or a key."""
    return [name for name in ADDRESSES if secret_in(values.get(name, ""))]


def load_settings(path: Path | None = None, environ: Mapping[str, str] | None = None) -> Loaded:
    """The settings with every problem of file and environment. What is broken keeps its default. Never raises."""
    return check_settings(read_config(path or config_path()), os.environ if environ is None else environ)


def check_settings(file: ConfigFile, environ: Mapping[str, str]) -> Loaded:
    """The same for a file already read. Takes some 200 ms the first time (pydantic): not on the event loop."""
    problems = [file.problem] if file.problem else []
    data = {key: value for key, value in file.data.items() if key not in OTHER_TABLES}
    from_file, unknown = flatten(Settings, data)
    from_outside, found = from_environment(Settings, environ)
    problems += found
    # Each source is checked alone, so that a bad variable leaves the file's good value in force.
    for name in sorted(rejected(Settings, {}, from_outside)):
        one = options_of(Settings)[name]
        problems.append(wrong_value(one, one.fault(from_outside.pop(name)) or one.kind, one.variable))
    bad = rejected(Settings, {key: value for key, value in data.items() if "." not in key}, {}) | set(unknown)
    problems += _problems_in_file(file, bad, from_file)
    for name in bad:
        from_file.pop(name, None)
    problems += [
        Problem("config.not_table", {"where": file.where(name), "name": name})
        for name in OTHER_TABLES
        if not isinstance(file.data.get(name, {}), Mapping)
    ]
    problems += unknown_variables(Settings, environ)
    for source in (from_outside, from_file):
        for name in _with_secret(source):
            where = file.where(name) if source is from_file else options_of(Settings)[name].variable
            problems.append(Problem("config.secret_in_url", {"where": where, "name": name}))
            del source[name]
    origins: dict[str, Origin] = dict.fromkeys(from_file, "file")
    origins |= dict.fromkeys(from_outside, "environment")
    return Loaded(build(Settings, from_file | from_outside), file, tuple(problems), origins)


def _problems_in_file(file: ConfigFile, bad: Iterable[str], values: Mapping[str, Any]) -> list[Problem]:
    """A sentence for each value or key of the file that was refused, in the order of the file."""
    options = options_of(Settings)
    tables = {name.partition(".")[0] for name in options if "." in name}
    problems: list[Problem] = []

    def keys(name: str) -> list[str]:
        return [name.strip('"')] if name.startswith('"') else name.split(".")

    for name in sorted(bad, key=lambda one: (file.line(*keys(one)), one)):
        where = file.where(*keys(name))
        if name in options:
            problems.append(
                wrong_value(options[name], options[name].fault(values.get(name)) or options[name].kind, where)
            )
        elif name in tables:
            problems.append(Problem("config.not_table", {"where": where, "name": name}))
        else:
            problems.append(unknown_key(name, Settings, where, top_level=options, tables=OTHER_TABLES))
    return problems


@dataclass(frozen=True, slots=True)
class Reload:
    """The settings after a change of the file. ``changed`` has the dotted names of settings with another value, and
    ``keys``, ``profiles`` or ``mcp`` when those tables differ. A file that cannot be read or parsed changes nothing:
    the last good settings stay, and ``loaded.problems`` says why."""

    loaded: Loaded
    changed: tuple[str, ...]


class SettingsWatch:
    """Tells whether the file changed since it was read; somebody asks now and then (one ``stat`` each time)."""

    def __init__(self, loaded: Loaded, environ: Mapping[str, str] | None = None) -> None:
        self._loaded = loaded
        self._environ = os.environ if environ is None else environ

    @property
    def loaded(self) -> Loaded:
        """What was read last."""
        return self._loaded

    def file_changed(self) -> bool:
        """Whether the file is another one than the one that was read last. Never raises."""
        return stamp_of(self._loaded.file.path) != self._loaded.file.stamp

    def reload(self) -> Reload:
        """Read the file again. Never raises; not on the event loop (see :func:`check_settings`)."""
        before = self._loaded
        file = read_config(before.file.path)
        if file.problem is not None:
            kept = replace(before.file, problem=file.problem, stamp=file.stamp)
            self._loaded = replace(before, file=kept, problems=(file.problem,))
            return Reload(self._loaded, ())
        self._loaded = after = check_settings(file, self._environ)
        changed = [
            name for name in options_of(Settings) if value_of(before.settings, name) != value_of(after.settings, name)
        ]
        changed += [name for name in OTHER_TABLES if before.file.data.get(name) != file.data.get(name)]
        return Reload(after, tuple(changed))
