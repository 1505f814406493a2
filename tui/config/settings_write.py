"""Changing values in the settings file while its comments, order and layout stay as the user left them."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, MutableMapping
from pathlib import Path
from typing import Any, cast

from tui.config.secrets import secret_in
from tui.config.settings import ADDRESSES, Settings
from tui.config.settings_check import wrong_value
from tui.config.settings_file import ConfigFile, parse_toml, read_config, shown_path, stamp_of, write_text
from tui.config.settings_options import options_of
from tui.model.problem import Problem, ProblemError

Keys = tuple[str, ...]
_TRIES = 5


def save_settings(path: Path, values: Mapping[str, Any]) -> None:
    """Save settings by dotted name; None goes back to the default. Raises ProblemError: what :func:`change_file`
    raises, ``config.unknown_setting``, or what is wrong with a value (its place is called by the setting's name)."""
    options = options_of(Settings)
    for name, value in values.items():
        if name not in options:
            raise ProblemError(Problem("config.unknown_setting", {"name": name}))
        if value is None:
            continue
        if fault := options[name].fault(value):
            raise ProblemError(wrong_value(options[name], fault, "config"))
        if name in ADDRESSES and secret_in(value):
            raise ProblemError(Problem("config.secret_in_url", {"where": name}))
    change_file(path, {tuple(name.split(".")): value for name, value in values.items()})


def change_file(path: Path, changes: Mapping[Keys, Any]) -> None:
    """Set keys of a TOML file, or remove them where the value is None. A key is its path through the tables.

    Raises ProblemError: the file cannot be read or is broken (it is left alone then), a key leads through something
    that is no table (``config.no_table``), the disk refuses, or somebody else keeps writing (``config.busy``)."""
    for _attempt in range(_TRIES):
        file = read_config(path)
        if file.problem is not None:
            raise ProblemError(file.problem)
        text = changed_text(file, changes)
        if stamp_of(path) != file.stamp:
            continue
        if text != file.text:
            write_text(path, text)
        return
    raise ProblemError(Problem("config.busy", {"path": shown_path(path)}))


def changed_text(file: ConfigFile, changes: Mapping[Keys, Any]) -> str:
    """The file's text after the changes. Raises ProblemError as :func:`change_file` does."""
    from tomlkit import parse
    from tomlkit.exceptions import TOMLKitError

    try:
        expected = cast("dict[str, Any]", copy.deepcopy(file.data))
        document = parse(file.text)
        for keys, value in changes.items():
            _apply(document, keys, _as_item(value), file, _table)
            _apply(expected, keys, value, file, dict)
        text = document.as_string()
    except (TOMLKitError, RecursionError) as error:
        raise ProblemError(Problem("config.not_written", {"path": shown_path(file.path)}, str(error))) from error
    # tomlkit had bugs with tables out of order; a settings file is never replaced by one that says something else.
    if _full(parse_toml(text, shown_path(file.path))) != _full(_plain(expected)):
        raise ProblemError(Problem("config.not_written", {"path": shown_path(file.path)}))
    return text


def _apply(
    root: MutableMapping[str, Any], keys: Keys, value: Any, file: ConfigFile, new_table: Callable[[], Any]
) -> None:
    node = root
    for depth, key in enumerate(keys[:-1], 1):
        if key not in node:
            if value is None:
                return
            node[key] = new_table()
        child: Any = node[key]
        if not isinstance(child, MutableMapping):
            name = ".".join(keys[:depth])
            raise ProblemError(Problem("config.no_table", {"where": file.where(*keys[:depth]), "name": name}))
        node = cast("MutableMapping[str, Any]", child)
    if value is not None:
        node[keys[-1]] = value
    elif keys[-1] in node:
        del node[keys[-1]]


def _as_item(value: Any) -> Any:
    """A tomlkit item: mappings as tables (those inside as well), texts of several lines as such."""
    from tomlkit import item, string, table

    if isinstance(value, Mapping):
        result = table()
        for key, inner in cast("Mapping[str, Any]", value).items():
            result.append(key, _as_item(inner))
        return result
    if isinstance(value, str) and "\n" in value and "\r" not in value:
        return string(value, multiline=True)
    return None if value is None else cast("Any", item(_plain(value)))


def _table() -> Any:
    from tomlkit import table

    return table()


def _plain(value: Any) -> Any:
    """Tuples as lists, mappings as dicts: as ``tomllib`` gives them back."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in cast("Mapping[str, Any]", value).items()}
    return [_plain(item) for item in cast("list[Any]", value)] if isinstance(value, (list, tuple)) else value


def _full(data: Any) -> Any:
    """The same without empty tables: one that lost its last key may stay as a header or go."""
    if not isinstance(data, dict):
        return data
    inner = {key: _full(value) for key, value in cast("dict[str, Any]", data).items()}
    return {key: value for key, value in inner.items() if value != {}}
