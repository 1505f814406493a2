"""Profiles: servers with a name. ``[profiles.NAME]`` of the settings file says where a server is, which model to use
there, where its API key is (never the key itself) and how to talk to the model.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

from tui.config.secrets import KeySource, Secret, find_key, secret_in
from tui.config.settings import SamplingSettings
from tui.config.settings_check import nearest, unknown_key, wrong_value
from tui.config.settings_file import ConfigFile, parse_toml, read_config, shown_path
from tui.config.settings_options import build, flatten, option, options_of, section
from tui.config.settings_write import change_file, changed_text
from tui.i18n import N_
from tui.model.problem import Problem, ProblemError
from tui.model.sampling import Sampling

SERVER = N_("Where the server is")
TALK = N_("How to talk to the model")

_NAME = re.compile(r"[^\W_][\w.-]{0,63}")
_NEVER_TAKEN = ("api_key", "ssh_options", "new_host_each_time", "allow_tools")


@dataclass(frozen=True, slots=True)
class ProfileFields:
    """The table ``[profiles.NAME]`` as it stands in the file; either ``url`` or ``ssh`` says where the server is."""

    url: str = option("", N_("The server's address, such as http://127.0.0.1:23333."), group=SERVER)
    ssh: str = option(
        "", N_("The machine the server is on: an alias of ~/.ssh/config, or user@host:port."), group=SERVER
    )
    ssh_options: tuple[str, ...] = option(
        (), N_("More options for ssh, one word each, such as -i and a key file."), group=SERVER
    )
    ssh_server: str = option(
        "127.0.0.1:23333", N_("Where the server listens, as seen from the machine behind ssh."), group=SERVER
    )
    new_host_each_time: bool = option(
        default=False, explanation=N_("The machine is a new one at each start, with another host key."), group=SERVER
    )
    api_key: str = option("", N_("Where the API key is: env:NAME or keyring. Never the key itself."), group=SERVER)
    model: str = option("", N_("The model to use; empty for the first one the server offers."), group=TALK)
    system_prompt: str | None = option(None, N_("The system prompt, instead of the general one."), group=TALK)
    tools: tuple[str, ...] | None = option(
        None, N_("The tools offered to the model, instead of the general ones."), group=TALK
    )
    allow_tools: tuple[str, ...] | None = option(
        None, N_("Tools that may run without asking, instead of the general ones."), group=TALK
    )
    never_tools: tuple[str, ...] | None = option(
        None, N_("Tools that never run, besides the general ones."), group=TALK
    )
    chat_template_kwargs: dict[str, Any] = option(  # noqa: RUF009 (gives a dataclass field)
        {}, N_("Values for the chat template, such as enable_thinking."), group=TALK
    )
    sampling: SamplingSettings = section(SamplingSettings)  # noqa: RUF009 (gives a dataclass field)


@dataclass(frozen=True, slots=True)
class Profile:
    """A server with a name. Exactly one of ``url`` and ``ssh`` is not empty; what is None follows the settings."""

    name: str
    url: str = ""
    ssh: str = ""
    ssh_options: tuple[str, ...] = ()
    ssh_server: str = "127.0.0.1:23333"
    new_host_each_time: bool = False
    api_key: KeySource | None = None
    model: str = ""
    system_prompt: str | None = None
    tools: tuple[str, ...] | None = None
    allow_tools: tuple[str, ...] | None = None
    never_tools: tuple[str, ...] | None = None
    sampling: Sampling = field(default_factory=Sampling)

    @property
    def address(self) -> str:
        """Where the server is, in one text: the URL, or ``ssh://HOST/SERVER``."""
        if not self.ssh:
            return self.url
        return f"ssh://{self.ssh.removeprefix('ssh://')}/{self.ssh_server}"

    @property
    def account(self) -> str:
        """The API key's name in the keyring. It holds the address: a profile that comes to point elsewhere does not
        send the old server's key there."""
        return f"{self.name} @ {self.address}"

    def find_key(self) -> Secret | None:
        """The API key, None when the profile needs none. Raises ProblemError; may be slow (:func:`find_key`)."""
        return None if self.api_key is None else find_key(self.api_key, self.account)

    def to_table(self) -> dict[str, Any]:
        """The table that describes this profile; what is at its default is left out."""
        sampling = {
            name: value
            for name in options_of(SamplingSettings)
            if (value := getattr(self.sampling, name)) not in (None, ())
        }
        table: dict[str, Any] = {
            "url": self.url,
            "ssh": self.ssh,
            "ssh_options": self.ssh_options,
            "ssh_server": self.ssh_server if self.ssh_server != "127.0.0.1:23333" else "",
            "new_host_each_time": self.new_host_each_time,
            "api_key": str(self.api_key or ""),
            "model": self.model,
            "sampling": sampling,
            "chat_template_kwargs": dict(self.sampling.chat_template_kwargs),
        }
        table = {name: value for name, value in table.items() if value}
        if self.system_prompt is not None:
            table["system_prompt"] = self.system_prompt
        lists = {"tools": self.tools, "allow_tools": self.allow_tools, "never_tools": self.never_tools}
        table |= {name: value for name, value in lists.items() if value is not None}
        return table


@dataclass(frozen=True, slots=True)
class Profiles:
    """The profiles that can be used, by name in the order of the file, and what is wrong with the others."""

    by_name: Mapping[str, Profile]
    problems: tuple[Problem, ...] = ()

    def get(self, name: str) -> Profile:
        """Raises ProblemError (``config.no_profile``, with the name that was probably meant)."""
        if name in self.by_name:
            return self.by_name[name]
        if close := nearest(name, self.by_name):
            raise ProblemError(Problem("config.no_profile_like", {"name": name, "suggestion": close}))
        raise ProblemError(Problem("config.no_profile", {"name": name}))


def read_profiles(file: ConfigFile) -> Profiles:
    """The profiles of a settings file. Never raises; a profile with a mistake that changes where it leads or what it
    gives away is left out, other mistakes cost only the value."""
    good: dict[str, Profile] = {}
    problems: list[Problem] = []
    for name, data in file.table("profiles").items():
        profile, found = _read_profile(name, data, file)
        problems += found
        if profile is not None:
            good[name] = profile
    return Profiles(good, tuple(problems))


def load_profiles(path: Path) -> Profiles:
    """The same for the file at ``path``, its own problem included."""
    file = read_config(path)
    found = read_profiles(file)
    return replace(found, problems=(file.problem, *found.problems)) if file.problem else found


def _read_profile(name: str, data: Any, file: ConfigFile) -> tuple[Profile | None, list[Problem]]:
    where = file.where("profiles", name)
    if not _NAME.fullmatch(name):
        return None, [Problem("config.profile_name", {"where": where, "name": name})]
    if not isinstance(data, Mapping):
        return None, [Problem("config.not_table", {"where": where, "name": f"profiles.{name}"})]
    options = options_of(ProfileFields)
    values, unknown = flatten(ProfileFields, cast("Mapping[str, Any]", data))
    problems: list[Problem] = []
    fatal = False
    for key in unknown:
        at = file.where("profiles", name, *key.split("."))
        problems.append(unknown_key(key, ProfileFields, at))
        if key in ("sampling", "chat_template_kwargs"):
            problems[-1] = Problem("config.not_table", {"where": at, "name": key})
    for key, value in list(values.items()):
        fault = options[key].fault(value) or ("" if key != "chat_template_kwargs" or _is_json(value) else "table")
        if fault:
            problems.append(wrong_value(options[key], fault, file.where("profiles", name, *key.split("."))))
            fatal |= options[key].group == SERVER
            del values[key]
    fields = build(ProfileFields, values)
    for code, key in _faults_of(fields) if not fatal else []:
        fatal = True
        at = file.where("profiles", name, *([key] if key else []))
        problems.append(Problem(f"config.{code}", {"where": at, "name": name, "key": key}))
    return None if fatal else _profile(name, fields), problems


def _is_json(value: object) -> bool:
    """TOML has dates and infinite numbers, a request has not."""
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError):
        return False
    return True


def _faults_of(fields: ProfileFields) -> list[tuple[str, str]]:
    """Mistakes that make a profile unusable: (code, key)."""
    faults: list[tuple[str, str]] = []
    if bool(fields.url) == bool(fields.ssh):
        faults.append(("profile_two_places" if fields.url else "profile_no_place", ""))
    faults += [("secret_in_url", key) for key in ("url", "ssh") if secret_in(getattr(fields, key))]
    for key in ("ssh", "ssh_server"):
        # A host that begins with a dash would be an option to ssh.
        if getattr(fields, key).startswith("-") or re.search(r"[\s\x00-\x1f\x7f]", getattr(fields, key)):
            faults.append(("profile_bad_host", key))
    if fields.api_key:
        try:
            KeySource.parse(fields.api_key)
        except ValueError:
            faults.append(("secret_in_file", "api_key"))
    return faults


def _profile(name: str, fields: ProfileFields) -> Profile:
    sampling = replace(fields.sampling.to_sampling(), chat_template_kwargs=fields.chat_template_kwargs)
    return Profile(
        name=name,
        url=fields.url,
        ssh=fields.ssh,
        ssh_options=fields.ssh_options,
        ssh_server=fields.ssh_server,
        new_host_each_time=fields.new_host_each_time,
        api_key=KeySource.parse(fields.api_key) if fields.api_key else None,
        model=fields.model,
        system_prompt=fields.system_prompt,
        tools=fields.tools,
        allow_tools=fields.allow_tools,
        never_tools=fields.never_tools,
        sampling=sampling,
    )


def save_profile(path: Path, profile: Profile) -> None:
    """Add or replace a profile in the file; comments elsewhere stay. Raises ProblemError: a profile that could not be
    read back (see :func:`read_profiles`), or what :func:`tui.config.settings_write.change_file` raises."""
    table = profile.to_table()
    _checked(profile.name, table)
    keys = dict.fromkeys(read_config(path).table("profiles", profile.name))
    change_file(path, {("profiles", profile.name, key): value for key, value in (keys | table).items()})


def _checked(name: str, table: Mapping[str, Any]) -> Profile:
    """The profile a table describes; raises ProblemError with the first thing that is wrong."""
    found = read_profiles(ConfigFile(Path(name), data={"profiles": {name: table}}))
    if found.problems:
        raise ProblemError(found.problems[0])
    return found.by_name[name]


def remove_profile(path: Path, name: str) -> None:
    """Remove a profile from the file, usable or not; its key in the keyring stays. Raises ProblemError."""
    if name not in read_config(path).table("profiles"):
        raise ProblemError(Problem("config.no_profile", {"name": name}))
    change_file(path, {("profiles", name): None})


def export_profile(profile: Profile) -> str:
    """A TOML document to give away: without the key's whereabouts and without the options for this machine's ssh."""
    table = {key: value for key, value in profile.to_table().items() if key not in _NEVER_TAKEN}
    empty = ConfigFile(Path(f"{profile.name}.toml"))
    return changed_text(empty, {("profiles", profile.name, key): value for key, value in table.items()})


@dataclass(frozen=True, slots=True)
class Imported:
    """Profiles out of somebody's file; ``dropped`` are dotted keys that were not taken over, and why is
    ``config.import_dropped``."""

    profiles: tuple[Profile, ...]
    dropped: tuple[str, ...]


def import_profiles(text: str, name: str) -> Imported:
    """Read an exported document; nothing is written. ``name`` is how problems call it.

    A key's whereabouts are not taken from others: an address of theirs together with a variable of ours would send
    them what it holds. Nor are ssh options, which can name programs to run. Raises ProblemError."""
    file = ConfigFile(Path(name), text, parse_toml(text, name))
    if not file.table("profiles"):
        raise ProblemError(Problem("config.import_nothing", {"path": shown_path(file.path)}))
    kept: dict[str, Any] = {}
    dropped: list[str] = []
    for one, fields in file.table("profiles").items():
        kept[one] = fields
        if isinstance(fields, Mapping):
            pairs = cast("Mapping[str, Any]", fields)
            kept[one] = {key: value for key, value in pairs.items() if key not in _NEVER_TAKEN}
            dropped += [f"{one}.{key}" for key in _NEVER_TAKEN if key in pairs]
    found = read_profiles(replace(file, data={"profiles": kept}))
    if found.problems:
        raise ProblemError(found.problems[0])
    return Imported(tuple(found.by_name.values()), tuple(dropped))
