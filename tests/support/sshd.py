"""A real sshd on 127.0.0.1 for tests: own host keys, own password, own login shell, nothing of the machine's accounts.

``sshd`` is a fixture that starts servers: ``box = await sshd(password="secret")``; ``box.target()`` is where lmdeck
should go. Without openssh-server the tests skip with the reason, and fail where CI=true. ``no_ssh_left`` (used by
``sshd`` itself) checks that after the test no ssh process of ours is alive.
"""

from __future__ import annotations

import asyncio
import contextlib
import getpass
import os
import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import pytest

from tests.support.ports import free_port
from tests.support.waiting import until
from tui.ssh.target import Target

STUB = Path(__file__).with_name("sshd_stub.c")
USER = getpass.getuser()


def need(*programs: str) -> None:
    """Skip without these programs on a laptop; fail in CI."""
    path = f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin"
    missing = [program for program in programs if shutil.which(program, path=path) is None]
    if missing:
        assert os.environ.get("CI") != "true", f"CI needs {missing}"
        pytest.skip(f"not installed: {', '.join(missing)}")


@cache
def stub_library() -> Path:
    """The compiled stub that is preloaded into sshd."""
    need("cc", "sshd", "ssh", "ssh-keygen")
    target = Path(tempfile.mkdtemp(prefix="lmdeck-sshd-")) / "stub.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", target, STUB, "-ldl"], check=True)
    return target


@cache
def key_pair(name: str, passphrase: str = "") -> Path:
    """A private key; the public one stands beside it."""
    need("ssh-keygen")
    path = Path(tempfile.mkdtemp(prefix="lmdeck-key-")) / name
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", passphrase, "-C", name, "-f", path], check=True)
    return path


@dataclass
class Box:
    """One sshd. ``login_log`` is what it says (one line a login at least)."""

    folder: Path
    port: int
    home: Path
    environment: dict[str, str]
    options: list[str]
    host_key: Path = field(default_factory=Path)
    _child: asyncio.subprocess.Process | None = None

    @property
    def log(self) -> str:
        path = self.folder / "log"
        return path.read_text("utf-8", "replace") if path.exists() else ""

    def logins(self) -> int:
        return len(re.findall(r"^Accepted \S+ for ", self.log, re.MULTILINE))

    async def start(self) -> None:
        """Begin to listen, on the same port as before."""
        command = [shutil.which("sshd", path="/usr/sbin:/usr/local/sbin:/usr/bin") or "sshd", "-D", "-f", "/dev/null"]
        settings = [
            f"ListenAddress 127.0.0.1:{self.port}", f"HostKey {self.host_key}", "PidFile none", "StrictModes no",
            "PermitRootLogin yes", "PrintMotd no", "UsePAM no", "LogLevel VERBOSE", "MaxStartups 100",
            "AcceptEnv none", *self.options,
        ]  # fmt: skip
        # The first value counts in sshd as well: a test's own settings stand before the general ones.
        for setting in [*self.options, *settings]:
            command += ["-o", setting]
        self._child = await asyncio.create_subprocess_exec(
            *command, "-E", str(self.folder / "log"), env=self.environment, start_new_session=True,
            stdin=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        await until(self._answers, what=f"sshd: {self.log}")

    def _answers(self) -> bool:
        import socket

        assert self._child is not None
        assert self._child.returncode is None, self.log
        with socket.socket() as one:
            return one.connect_ex(("127.0.0.1", self.port)) == 0

    def sessions(self) -> list[int]:
        """The process ids of sshd's children: its connections."""
        assert self._child is not None
        return [pid for pid in descendants(self._child.pid) if pid != self._child.pid]

    def signal_sessions(self, number: int) -> None:
        for pid in self.sessions():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    async def stop(self) -> None:
        """Stop listening and end every connection."""
        child, self._child = self._child, None
        if child is None:
            return
        pids = descendants(child.pid)
        for pid in pids:
            for number in (signal.SIGKILL, signal.SIGCONT):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, number)
        await child.wait()

    def target(self, *options: str, **more: object) -> Target:
        """Where lmdeck should go: no configuration of the developer's, host keys in this box's own file."""
        words = ("-F", "none", "-o", f"UserKnownHostsFile={self.folder}/known_hosts", "-o", "IdentityAgent=none")
        plain = Target("127.0.0.1", USER, self.port, options=(*options, *words))
        from dataclasses import replace

        return replace(plain, **more)

    def trust(self) -> None:
        """Put the host key into the file of known ones."""
        public = self.host_key.with_suffix(".pub").read_text().split()[:2]
        line = f"[127.0.0.1]:{self.port} {' '.join(public)}\n"
        (self.folder / "known_hosts").write_text(line)

    def admit(self, key: Path) -> tuple[str, ...]:
        """Let a key log in; the options that use it."""
        folder = self.home / ".ssh"
        folder.mkdir(mode=0o700, exist_ok=True)
        with (folder / "authorized_keys").open("a") as file:
            file.write(Path(f"{key}.pub").read_text())
        return ("-i", str(key), "-o", "IdentitiesOnly=yes")


StartSshd = Callable[..., Awaitable[Box]]


def descendants(pid: int) -> list[int]:
    """A process and everything below it."""
    found = [pid]
    for current in found:
        for path in Path(f"/proc/{current}/task").glob("*/children"):
            with contextlib.suppress(OSError):
                found += [int(child) for child in path.read_text().split()]
    return found


def ssh_processes() -> list[str]:
    """Command lines of every ssh client and every agent below this process, and of orphans that carry our mark."""
    found: list[str] = []
    mine = set(descendants(os.getpid()))
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        with contextlib.suppress(OSError):
            line = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            state = (folder / "stat").read_text().rpartition(")")[2].split()[0]
            ours = (
                int(folder.name) in mine or os.environ["LMDECK_DATA_DIR"].encode() in (folder / "environ").read_bytes()
            )
            if ours and state != "Z" and (line.startswith(("ssh ", "/usr/bin/ssh ")) or "lmdeck-askpass" in line):
                found.append(line[:200])
    return found


@pytest.fixture
async def sshd(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[StartSshd]:
    """Starts sshds that end with the test, and checks that no ssh of ours is left."""
    library = stub_library()
    if os.getuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    async with AsyncExitStack() as stack:

        async def start(
            *, password: str = "", codes: tuple[str, ...] = (), shell: str = "/bin/sh", options: tuple[str, ...] = (),
            trusted: bool = True, keys: tuple[Path, ...] = (), environment: dict[str, str] | None = None,
        ) -> Box:  # fmt: skip
            folder = tmp_path_factory.mktemp("sshd")
            home = folder / "home"
            home.mkdir()
            more = {"LD_PRELOAD": str(library), "SSHD_HOME": str(home), "SSHD_SHELL": shell}
            settings = list(options)
            if codes:
                (folder / "codes").write_text("".join(f"{code}\n" for code in codes))
                more["SSHD_CODES"] = str(folder / "codes")
                settings += ["UsePAM yes", "KbdInteractiveAuthentication yes", "PasswordAuthentication no"]
                settings += ["PubkeyAuthentication no"]
            if password:
                more["SSHD_PASSWORD"] = password
            settings += [f"PasswordAuthentication {'yes' if password else 'no'}", "KbdInteractiveAuthentication no"]
            settings.append(f"AuthorizedKeysFile {home}/.ssh/authorized_keys")
            host_key = folder / "host_key"
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", host_key], check=True)
            environ = {**os.environ, **more, **(environment or {})}
            box = Box(folder, free_port(), home, environ, settings, host_key)
            if trusted:
                box.trust()
            for key in keys:
                box.admit(key)
            await box.start()
            stack.push_async_callback(box.stop)
            return box

        yield start
        await until(lambda: not ssh_processes(), 5.0, f"no ssh process left: {ssh_processes()}")
