"""Every machine that could be reached and what is known of it, for a list: open ones, profiles, ~/.ssh/config."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from tui.config.profiles import Profile, load_profiles
from tui.config.settings import config_path
from tui.hosts.remote import RemoteHost, target_of
from tui.hosts.remote_gpu import reading_from
from tui.hosts.serving import servers_there
from tui.hosts.ssh_config import SshHost, ssh_hosts
from tui.model.gpu import GpuReading
from tui.model.machine import MachineLine, Origin, ServerThere
from tui.model.problem import ProblemError
from tui.ssh.forwards import Forward
from tui.ssh.target import Target


@dataclass(frozen=True, slots=True)
class Inside:
    """What a connected machine says of itself. None: it could not be asked."""

    servers: tuple[ServerThere, ...] | None = None
    reading: GpuReading | None = None


@dataclass(frozen=True, slots=True)
class MachineEntry:
    """A machine to choose. ``opens`` is what to open for it: a profile or an address. ``host`` is None before it was
    opened."""

    key: str
    name: str
    origin: Origin
    opens: Profile | str
    detail: str = ""
    host: RemoteHost | None = None

    def line(self, inside: Inside | None) -> MachineLine:
        """How it is shown, with what it said of itself."""
        plain = MachineLine(self.key, self.name, self.origin, self.detail)
        if self.host is None:
            return plain
        reading = inside.reading if inside is not None else None
        return MachineLine(
            self.key, self.name, self.origin, self.detail, self.host.link.state,
            inside.servers if inside is not None else None,
            reading.samples if reading is not None else None,
            reading.problem if reading is not None else None,
            tuple((one.local_port, one.port) for one in opened_ports(self.host)),
        )  # fmt: skip


def opened_ports(host: RemoteHost) -> tuple[Forward, ...]:
    """What was opened on 127.0.0.1 for browsers and scripts."""
    return tuple(one for one in host.link.forwards if one.for_user)


async def look_inside(host: RemoteHost) -> Inside:
    """The servers and the cards of a machine, now. Never raises: what cannot be asked is missing."""
    servers = reading = None
    try:
        servers = await servers_there(host.link.order)
    except ProblemError:
        servers = None
    try:
        answer = await host.link.order("sample")
    except ProblemError:
        return Inside(servers)
    sample = answer.get("sample")
    if isinstance(sample, Mapping) and host.link.hello is not None:
        reading = reading_from(dict(cast("Mapping[str, Any]", sample)), host.link.hello)
    return Inside(servers, reading)


def read_places() -> tuple[tuple[Profile, ...], tuple[SshHost, ...]]:
    """The profiles, and the machines that ~/.ssh/config names. Reads files; never raises."""
    return tuple(load_profiles(config_path()).by_name.values()), ssh_hosts()


def all_machines(
    hosts: Sequence[RemoteHost], profiles: Iterable[Profile], configured: Iterable[SshHost]
) -> list[MachineEntry]:
    """All machines, the open ones first, each once."""
    found = [MachineEntry(f"open {host.name}", host.name, "open", host.name, host=host) for host in hosts]
    known = {host.name for host in hosts}
    for profile in profiles:
        target = _target(profile)
        if target is not None and target.login not in known:
            known.add(target.login)
            found.append(MachineEntry(f"profile {profile.name}", target.login, "profile", profile, profile.name))
    for one in configured:
        if one.alias not in known:
            detail = (f"{one.user}@" if one.user else "") + one.host_name + (f":{one.port}" if one.port else "")
            found.append(MachineEntry(f"config {one.alias}", one.alias, "config", one.alias, detail))
    return found


def _target(profile: Profile) -> Target | None:
    try:
        return target_of(profile) if profile.ssh else None
    except ProblemError:
        return None  # said where profiles are checked
