"""``lmdeck config`` and ``lmdeck profile``: settings and profiles without the screen.

What was asked for goes to stdout, everything else to stderr. Exit codes: 0 done, 1 not done, 2 not understood.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from tui.config import profiles as book
from tui.config.actions import ACTIONS, DEFAULT_KEYS, apart
from tui.config.keymap import Keymap, check_keymap
from tui.config.mcp import read_mcp
from tui.config.secrets import Secret, forget_key, keep_key
from tui.config.settings import Settings, config_path
from tui.config.settings_check import nearest, wrong_value
from tui.config.settings_file import ConfigFile, read_config
from tui.config.settings_load import Loaded, load_settings
from tui.config.settings_options import Option, options_of, value_of
from tui.config.settings_write import change_file, save_settings
from tui.i18n import _
from tui.i18n.problems import explain
from tui.model.problem import Problem, ProblemError

Run = Callable[[argparse.Namespace], int]
_LARGEST_IMPORT = 1024 * 1024


def config_command(arguments: Sequence[str]) -> int:
    """``lmdeck config path | show | keys | check | set | unset``; returns the exit code."""
    parser = argparse.ArgumentParser("lmdeck config", description=_("Show and change the settings."))
    commands = parser.add_subparsers(required=True, metavar=_("COMMAND"))
    _add(commands, "path", _path, _("where the settings file is"))
    show = _add(commands, "show", _show, _("all settings and where their values come from"))
    show.add_argument("name", nargs="?", help=_("only this one, with its explanation"))
    show.add_argument("--json", action="store_true", help=_("as JSON"))
    _add(commands, "keys", _keys, _("all actions with their keys, as the table [keys]"))
    _add(commands, "check", _check, _("say what is wrong with settings, keys and profiles"))
    change = _add(commands, "set", _set, _("save a value; lists are separated by commas"))
    change.add_argument("name")
    change.add_argument("value")
    _add(commands, "unset", _unset, _("go back to the default")).add_argument("name")
    return _run(parser, arguments)


def profile_command(arguments: Sequence[str]) -> int:
    """``lmdeck profile list | show | export | import | remove | key``; returns the exit code."""
    parser = argparse.ArgumentParser("lmdeck profile", description=_("Show, share and remove profiles."))
    commands = parser.add_subparsers(required=True, metavar=_("COMMAND"))
    listing = _add(commands, "list", _list_profiles, _("all profiles"))
    listing.add_argument("--json", action="store_true", help=_("as JSON"))
    show = _add(commands, "show", _show_profile, _("one profile"))
    show.add_argument("name")
    show.add_argument("--json", action="store_true", help=_("as JSON"))
    export = _add(commands, "export", _export, _("print profiles to give away, without anything secret"))
    export.add_argument("names", nargs="+", metavar="NAME")
    take = _add(commands, "import", _import, _("add profiles from a file; - reads standard input"))
    take.add_argument("file")
    take.add_argument("--replace", action="store_true", help=_("overwrite profiles of the same name"))
    _add(commands, "remove", _remove, _("remove a profile and its key in the keyring")).add_argument("name")
    key = _add(commands, "key", _key, _("put the API key into the keyring"))
    key.add_argument("name")
    key.add_argument("--forget", action="store_true", help=_("remove it from the keyring"))
    return _run(parser, arguments)


def _add(commands: Any, name: str, run: Run, text: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(name, help=text, description=text)
    parser.set_defaults(run=run)
    return parser


def _run(parser: argparse.ArgumentParser, arguments: Sequence[str]) -> int:
    try:
        options = parser.parse_args(arguments)
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else 2
    try:
        return options.run(options)
    except ProblemError as error:
        _complain([error.problem])
        return 1


def _path(_options: argparse.Namespace) -> int:
    _print(str(config_path()))
    return 0


def _show(options: argparse.Namespace) -> int:
    loaded = load_settings()
    chosen = [_setting(options.name)] if options.name else list(options_of(Settings).values())
    if options.json:
        _print(_json(_as_json(loaded, chosen)))
    elif options.name:
        _explain(loaded, chosen[0])
    else:
        _list_settings(loaded, chosen)
    _complain(loaded.problems)
    return 0


def _as_json(loaded: Loaded, chosen: Iterable[Option]) -> dict[str, Any]:
    return {
        "path": str(loaded.file.path),
        "settings": {
            one.name: {
                "value": value_of(loaded.settings, one.name),
                "default": one.default,
                "origin": loaded.origins.get(one.name, "default"),
                "explanation": _(one.explanation),
            }
            for one in chosen
        },
        "problems": [{"code": problem.code, "text": explain(problem).text} for problem in loaded.problems],
    }


def _list_settings(loaded: Loaded, chosen: Iterable[Option]) -> None:
    """As TOML, in groups; what is not set is a comment."""
    group = ""
    origins = {"file": _("from the file"), "environment": _("from the environment")}
    for one in chosen:
        if one.group != group:
            _print(("\n" if group else "") + f"# {_(one.group)}")
            group = one.group
            if "." in one.name:
                _print(f"[{one.name.partition('.')[0]}]")
        key = one.name.rpartition(".")[2]
        value = value_of(loaded.settings, one.name)
        origin = origins.get(loaded.origins.get(one.name, ""), "")
        line = f"{key} = {toml_value(value)}" if value is not None else f"# {key} ="
        _print(f"{line}  # {origin}" if origin else line)


def _explain(loaded: Loaded, one: Option) -> None:
    value = value_of(loaded.settings, one.name)
    _print(f"{one.name} = {toml_value(value) if value is not None else ''}".rstrip())
    _print(_(one.explanation))
    if one.choices:
        _print(_("Choices: {choices}").format(choices=", ".join(str(item) for item in one.choices)))
    if one.default is not None:
        _print(_("Default: {value}").format(value=toml_value(one.default)))
    _print(_("Environment variable: {name}").format(name=one.variable))


def _keymap(file: ConfigFile) -> Keymap:
    return check_keymap(file.table("keys"), DEFAULT_KEYS, file=file, apart=apart)


def _keys(_options: argparse.Namespace) -> int:
    file = read_config(config_path())
    keymap = _keymap(file)
    _print("[keys]")
    for action in ACTIONS:
        _print(f"# {action.label}")
        keys = keymap.keys.get(action.id, action.keys)
        _print(("" if keys else "# ") + f"{toml_value(action.id)} = {toml_value(keys)}")
    _complain([file.problem] if file.problem else keymap.problems)
    return 0


def _check(_options: argparse.Namespace) -> int:
    loaded = load_settings()
    keymap = _keymap(loaded.file)
    problems = [
        *loaded.problems,
        *keymap.problems,
        *book.read_profiles(loaded.file).problems,
        *read_mcp(loaded.file).problems,
    ]
    _complain(problems)
    if not problems:
        _print(_("Nothing is wrong with the settings."))
    return 1 if problems else 0


def _set(options: argparse.Namespace) -> int:
    one = _setting(options.name)
    try:
        value = one.parse(options.value)
        fault = one.fault(value)
    except ValueError:
        value, fault = None, one.kind
    if fault:  # the sentence alone: the next step is about values in a file
        _write(f"lmdeck: {explain(wrong_value(one, fault, 'config')).sentence}", to_errors=True)
        return 1
    save_settings(config_path(), {one.name: value})
    _note_override(one)
    return 0


def _unset(options: argparse.Namespace) -> int:
    one = _setting(options.name)
    save_settings(config_path(), {one.name: None})
    _note_override(one)
    return 0


def _note_override(one: Option) -> None:
    if os.environ.get(one.variable):
        _complain([Problem("config.overridden", {"variable": one.variable})])


def _setting(name: str) -> Option:
    options = options_of(Settings)
    if name in options:
        return options[name]
    if close := nearest(name, options):
        raise ProblemError(Problem("config.unknown_setting_like", {"name": name, "suggestion": close}))
    raise ProblemError(Problem("config.unknown_setting", {"name": name}))


def _profiles() -> book.Profiles:
    found = book.load_profiles(config_path())
    _complain(found.problems)
    return found


def _list_profiles(options: argparse.Namespace) -> int:
    found = _profiles().by_name.values()
    if options.json:
        _print(_json([_profile_json(one) for one in found]))
        return 0
    for one in found:
        _print("\t".join([one.name, one.address, one.model]).rstrip("\t"))
    return 0


def _show_profile(options: argparse.Namespace) -> int:
    profile = _profiles().get(options.name)
    if options.json:
        _print(_json(_profile_json(profile)))
        return 0
    for key, value in _flat(profile.to_table()):
        _print(f"{key} = {toml_value(value)}")
    if profile.api_key is not None and profile.api_key.kind == "env":
        is_set = bool(os.environ.get(profile.api_key.variable))
        text = _("{variable} is set.") if is_set else _("{variable} is not set.")
        _print("# " + text.format(variable=profile.api_key.variable))
    return 0


def _profile_json(profile: book.Profile) -> dict[str, Any]:
    return {"name": profile.name, "address": profile.address, **profile.to_table()}


def _flat(table: Mapping[str, Any], before: str = "") -> Iterable[tuple[str, Any]]:
    for key, value in table.items():
        if isinstance(value, Mapping):
            yield from _flat(cast("Mapping[str, Any]", value), f"{before}{key}.")
        else:
            yield before + key, value


def _export(options: argparse.Namespace) -> int:
    found = _profiles()
    _print("\n".join(book.export_profile(found.get(name)) for name in options.names).rstrip("\n"))
    return 0


def _import(options: argparse.Namespace) -> int:
    found = book.import_profiles(_read_import(options.file), options.file)
    path = config_path()
    taken = read_config(path).table("profiles")
    for profile in found.profiles:
        if profile.name in taken and not options.replace:
            raise ProblemError(Problem("config.profile_exists", {"name": profile.name}))
    for profile in found.profiles:
        book.save_profile(path, profile)
        _print(f"{profile.name}\t{profile.address}")
    _complain(Problem("config.import_dropped", {"name": name}) for name in found.dropped)
    return 0


def _read_import(name: str) -> str:
    if name != "-":
        file = read_config(Path(name))
        if file.problem is not None:
            raise ProblemError(file.problem)
        if file.stamp is None:
            raise ProblemError(Problem("config.import_nothing", {"path": name}))
        return file.text
    raw = sys.stdin.buffer.read(_LARGEST_IMPORT + 1)
    if len(raw) > _LARGEST_IMPORT:
        raise ProblemError(Problem("config.too_large", {"path": name, "limit": _LARGEST_IMPORT // 1024}))
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise ProblemError(Problem("config.not_utf8", {"where": f"{name}:{line}"})) from None


def _remove(options: argparse.Namespace) -> int:
    profile = book.load_profiles(config_path()).by_name.get(options.name)
    book.remove_profile(config_path(), options.name)
    if profile is not None and profile.api_key is not None and profile.api_key.kind == "keyring":
        forget_key(profile.account)
    return 0


def _key(options: argparse.Namespace) -> int:
    profile = _profiles().get(options.name)
    if options.forget:
        return 0 if forget_key(profile.account) else 1
    key = Secret(_ask_key(profile.account))
    if not key:
        return 1
    keep_key(profile.account, key)
    if profile.api_key is None or profile.api_key.kind != "keyring":
        change_file(config_path(), {("profiles", profile.name, "api_key"): "keyring"})
    return 0


def _ask_key(account: str) -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline().strip()
    from getpass import getpass

    return getpass(_("API key for {account} (it is not shown): ").format(account=_visible(account))).strip()


def toml_value(value: Any) -> str:
    """A value as TOML on one line, safe for a terminal."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(toml_value(item) for item in cast("list[Any]", value)) + "]"
    if isinstance(value, Mapping):
        pairs = cast("Mapping[str, Any]", value).items()
        return "{" + ", ".join(f"{toml_value(key)} = {toml_value(item)}" for key, item in pairs) + "}"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else str(value)


def _visible(text: str) -> str:
    """Text from files for the terminal: control and invisible characters become ``\\uXXXX``, which TOML reads as the
    same character; line ends and tabs stay."""
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() or one in "\n\t" else f"\\U{ord(one):08x}" for one in text)


def _json(data: object) -> str:
    """JSON that is safe for a terminal: what is not printable is escaped."""
    text = json.dumps(data, ensure_ascii=False, indent=2)
    return "".join(one if one.isprintable() or one == "\n" else json.dumps(one)[1:-1] for one in text)


def _print(text: str) -> None:
    _write(text, to_errors=False)


def _complain(problems: Iterable[Problem]) -> None:
    for problem in problems:
        _write(f"lmdeck: {explain(problem).text}", to_errors=True)


def _write(text: str, *, to_errors: bool) -> None:
    stream = sys.stderr if to_errors else sys.stdout
    line = _visible(text) + "\n"
    try:
        stream.write(line)
    except UnicodeEncodeError:
        stream.write(line.encode("ascii", "backslashreplace").decode("ascii"))
