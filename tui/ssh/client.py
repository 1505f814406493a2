"""The system's OpenSSH client: which one, how old, what it makes of a name, and the options of our connection."""

from __future__ import annotations

import asyncio
import os
import re
import shlex
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tui.model.problem import Problem, ProblemError
from tui.ssh.target import Target

ASKPASS_REQUIRE = (8, 4)
"""The OpenSSH release that learned SSH_ASKPASS_REQUIRE."""

KEEP_ALIVE = ("-o", "ServerAliveInterval=2", "-o", "ServerAliveCountMax=3")
_QUICK = 15.0


@dataclass(frozen=True, slots=True)
class Client:
    """An ssh program and its version."""

    program: str
    version: tuple[int, int]
    banner: str

    @property
    def keygen(self) -> str:
        """The ssh-keygen that came with it, else the one in PATH."""
        name = "ssh-keygen.exe" if sys.platform == "win32" else "ssh-keygen"
        beside = Path(self.program).with_name(name)
        return str(beside) if beside.is_file() else name


async def find_client() -> Client:
    """The ``ssh`` in PATH. Raises ProblemError: ssh.no_client; ssh.not_openssh; ssh.old_client on Windows before 8.4,
    where it can ask nothing."""
    program = shutil.which("ssh")
    if program is None:
        raise ProblemError(Problem("ssh.no_client"))
    code, out, err = await run_quick([program, "-V"])
    banner = (err or out).strip()
    match = re.match(r"OpenSSH_(?:for_Windows_)?(\d+)\.(\d+)", banner)
    if code != 0 or match is None:
        raise ProblemError(Problem("ssh.not_openssh", {"program": program, "says": banner[:100]}))
    version = (int(match[1]), int(match[2]))
    if sys.platform == "win32" and version < ASKPASS_REQUIRE:
        raise ProblemError(Problem("ssh.old_client", {"version": f"{version[0]}.{version[1]}"}))
    return Client(program, version, banner)


async def run_quick(
    arguments: Sequence[str], environment: Mapping[str, str] | None = None, limit: float = _QUICK
) -> tuple[int, str, str]:
    """A short program: exit code (-1: it took too long or could not be started), output, errors. Never raises."""
    pipe, null = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
    try:
        child = await asyncio.create_subprocess_exec(
            *arguments, stdin=null, stdout=pipe, stderr=pipe, env=environment, start_new_session=True
        )
    except OSError as error:
        return -1, "", str(error)
    try:
        async with asyncio.timeout(limit):
            out, err = await child.communicate()
    except TimeoutError:
        child.kill()
        await child.communicate()
        return -1, "", f"no end within {limit:g} s"
    except asyncio.CancelledError:
        child.kill()
        await child.communicate()
        raise
    return child.returncode or 0, out.decode(errors="replace"), err.decode(errors="replace")


@dataclass(frozen=True, slots=True)
class Resolved:
    """What ssh makes of a target (``ssh -G``): keys in lower case, the first value of each."""

    values: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def host(self) -> str:
        return self.values.get("hostname", "")

    @property
    def port(self) -> int:
        text = self.values.get("port", "")
        return int(text) if text.isdigit() else 22

    @property
    def user(self) -> str:
        return self.values.get("user", "")

    @property
    def jump(self) -> str:
        """The jump hosts, comma separated; empty without."""
        text = self.values.get("proxyjump", "none")
        return "" if text.lower() == "none" else text

    @property
    def direct(self) -> bool:
        """Whether ssh itself opens the TCP connection."""
        command = self.values.get("proxycommand", "none")
        return not self.jump and command.lower() == "none"


async def resolve(client: Client, target: Target) -> Resolved:
    """Ask ``ssh -G``. Raises ProblemError(ssh.bad_config) with ssh's own words."""
    code, out, err = await run_quick([client.program, "-G", *target.options, *target.words])
    if code != 0:
        raise ProblemError(Problem("ssh.bad_config", {"says": _last_line(err)}, err))
    values: dict[str, str] = {}
    for line in out.splitlines():
        key, _, value = line.partition(" ")
        values.setdefault(key.lower(), value)
    return Resolved(values)


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[0][:300] if lines else "ssh"


def essential_options(connect_timeout: int = 15) -> list[str]:
    """Options of every connection of ours. ssh takes the first value it sees, so these stand before the user's; what
    an older ssh does not know it ignores."""
    settings = [
        "IgnoreUnknown=ForkAfterAuthentication,SessionType,StdinNull,ObscureKeystrokeTiming",
        "ForkAfterAuthentication=no", "SessionType=default", "StdinNull=no", "RemoteCommand=none", "RequestTTY=no",
        "BatchMode=no", "ExitOnForwardFailure=yes", "StreamLocalBindUnlink=yes", "LogLevel=VERBOSE", "GatewayPorts=no",
        f"ConnectTimeout={connect_timeout}", "EscapeChar=none", "Tunnel=no",
    ]  # fmt: skip
    words = [word for setting in settings for word in ("-o", setting)]
    return ["-T", "-a", "-x", *words, *KEEP_ALIVE]


def config_option(target: Target) -> tuple[str, ...]:
    """``-F file`` of the target's options, if it has one: it holds for jump hosts too."""
    for at, word in enumerate(target.options[:-1]):
        if word == "-F":
            return ("-F", target.options[at + 1])
    return ()


def new_host_options(known_hosts: Path) -> list[str]:
    """For machines that are new ones at each start: a file of host keys of this run alone; the first key is taken,
    another one during the run is not."""
    return [
        "-o", f"UserKnownHostsFile={_quoted(known_hosts)}", "-o", "GlobalKnownHostsFile=/dev/null",
        "-o", "StrictHostKeyChecking=accept-new", "-o", "CheckHostIP=no", "-o", "UpdateHostKeys=no",
    ]  # fmt: skip


def _quoted(path: Path) -> str:
    return f'"{path}"' if " " in str(path) else str(path)


# ssh as a master without a command of its own would outlive us: it is killed when its input, our pipe, ends. Whoever
# watches the pipe holds none of ssh's own ones, whose end tells us that ssh has ended.
_TIED = 'exec 3<&0; (cat <&3; kill $$) >/dev/null 2>&1 & exec "$@" 3<&- </dev/null'


def jump_master(client: Client, target: Target, jump: str, control: str) -> list[str]:
    """The command line of a login to the last of the jump hosts, to be shared through ``control``. No shell is needed
    over there; it ends with its standard input."""
    *before, last = jump.split(",")
    words = [client.program, *config_option(target), *(["-J", ",".join(before)] if before else []), *KEEP_ALIVE]
    words += ["-M", "-S", control, "-N", "-T", "-a", "-x", "-o", "IgnoreUnknown=ForkAfterAuthentication"]
    for setting in (
        "ForkAfterAuthentication=no", "ControlPersist=no", "BatchMode=no", "ConnectTimeout=15", "LogLevel=VERBOSE",
        "ClearAllForwardings=yes", "RemoteCommand=none",
    ):  # fmt: skip
        words += ["-o", setting]
    return ["sh", "-c", _TIED, "lmdeck", *words, f"ssh://{last.removeprefix('ssh://')}"]


def jump_command(client: Client, target: Target, jump: str, control: str) -> str:
    """A ProxyCommand through the master at ``control``; the shell that ssh starts reads it."""
    last = jump.rpartition(",")[2].removeprefix("ssh://")
    words = [client.program, *config_option(target), "-o", "ControlMaster=no", "-o", f"ControlPath={control}"]
    text = shlex.join([*words, "-W", "HERE", f"ssh://{last}"]).replace("%", "%%")
    return text.replace("HERE", "'[%h]:%p'")


def child_environment(more: Mapping[str, str]) -> dict[str, str]:
    """Our environment for ssh, without the keys of servers, with ``more``."""
    kept = {name: value for name, value in os.environ.items() if not name.endswith("API_KEY")}
    return {**kept, **more}
