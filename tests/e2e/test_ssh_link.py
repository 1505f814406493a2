"""A link that lives: noise, odd shells, losses of every kind, and nothing left behind."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path
from time import monotonic

import pytest

from tests.support.ports import free_port
from tests.support.sentences import sentence_of
from tests.support.ssh_links import QUICK, OpenLink, StartSshd, open_link, sshd, watched
from tests.support.sshd import USER, Box, descendants, key_pair, need
from tests.support.waiting import until
from tui.hosts.remote import RemoteHost
from tui.model.problem import ProblemError
from tui.model.server import LinkPhase
from tui.ssh.link import Link
from tui.ssh.timing import Timing

__all__ = ["open_link", "sshd"]
UP = (LinkPhase.HEALTHY,)


async def a_box(sshd: StartSshd, **options: object) -> tuple[Box, tuple[str, ...]]:
    key = key_pair("plain")
    box = await sshd(keys=(key,), **options)
    return box, ("-i", str(key), "-o", "IdentitiesOnly=yes")


async def code_of(action: object) -> str:
    with pytest.raises(ProblemError) as caught:
        await action  # type: ignore[misc]
    sentence_of(caught.value.problem)
    return caught.value.problem.code


NOISE = 'echo Welcome to the machine; echo \'{"agent":1,"nonce":"x"}\'; printf \'no newline at the end\'\n'


@pytest.mark.parametrize(
    ("shell", "file"),
    [("bash", ".bashrc"), ("fish", ".config/fish/config.fish"), ("tcsh", ".tcshrc"), ("csh", ".cshrc")],
)
async def test_a_login_shell_that_prints_noise(sshd: StartSshd, open_link: OpenLink, shell: str, file: str) -> None:
    need(shell)
    path = subprocess.run(["which", shell], capture_output=True, text=True, check=True).stdout.strip()
    box, options = await a_box(sshd, shell=path)
    script = box.home / file
    script.parent.mkdir(parents=True, exist_ok=True)
    script.write_text(NOISE)
    link = open_link(box.target(*options))
    await link.up()
    answer = await link.order("run", arguments=["sh", "-c", "echo $0 '!' \"$1\"", "a b", "c'd"])
    assert answer == {"code": 0, "out": "a b ! c'd\n", "err": ""}


async def test_a_python_that_is_only_in_conda(sshd: StartSshd, open_link: OpenLink, tmp_path: Path) -> None:
    shell = tmp_path / "shell"
    shell.write_text(f'#!/bin/sh\nPATH={tools(tmp_path)}; export PATH\nexec /bin/sh "$@"\n')
    shell.chmod(0o755)
    box, options = await a_box(sshd, shell=str(shell))
    place = box.home / "miniconda3" / "bin"
    place.mkdir(parents=True)
    (place / "python").symlink_to("/usr/bin/env")  # no Python: the search goes on
    real = box.home / "miniconda3" / "envs" / "lmdeploy" / "bin"
    real.mkdir(parents=True)
    (real / "python").symlink_to(Path(sys.executable).resolve())
    link = open_link(box.target(*options))
    await link.up()
    assert link.hello is not None
    assert link.hello.python


def tools(folder: Path) -> Path:
    """A PATH with little in it and no Python. /usr/bin/python3 is where the search finds one anyway."""
    place = folder / "bin"
    place.mkdir()
    for name in ("tr", "sh", "cat", "sleep", "kill"):
        found = next(path for path in (Path("/usr/bin") / name, Path("/bin") / name) if path.exists())
        (place / name).symlink_to(found)
    return place


async def test_no_python_at_all(
    sshd: StartSshd, open_link: OpenLink, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tui.ssh.bootstrap._PLACES", ("no-python3",))
    place = tools(tmp_path)
    smi = place / "nvidia-smi"
    smi.write_text(
        "#!/bin/sh\nwhile :; do echo '0, Card A, GPU-0, 24576, 1024, 23552, 300, 7, 41, 60.50'; "
        "echo '1, Card B, GPU-1, 24576, 2048, 22528, 300, [N/A], 42, 61.50'; sleep 0.1; done\n"
    )
    smi.chmod(0o755)
    shell = tmp_path / "shell"
    shell.write_text(f'#!/bin/sh\nPATH={place}; export PATH\nexec /bin/sh "$@"\n')
    shell.chmod(0o755)
    box, options = await a_box(sshd, shell=str(shell))
    host = RemoteHost(box.target(*options), _nobody, timing=QUICK)
    try:
        await host.link.up()
        assert host.link.hello is not None
        assert not host.link.hello.obeys
        async for reading in host.gpus.readings():
            if len(reading.samples) == 2:
                break
        assert reading.source == "nvidia-smi"
        assert [card.name for card in reading.samples] == ["Card A", "Card B"]
        assert reading.samples[0].used == 1024 << 20
        await until(lambda: host.link.state.round_trip is not None, what="a pong")
        assert await code_of(host.processes()) == "ssh.no_python"
        before = box.sessions()
    finally:
        await host.aclose()
    await until(lambda: not any(alive(pid) for pid in before), what="nvidia-smi ends with the link")


async def _nobody(_question: object) -> str | None:
    return None


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


async def test_a_shell_that_ends_at_once(sshd: StartSshd, open_link: OpenLink) -> None:
    box, options = await a_box(sshd, shell="/bin/false")
    link = open_link(box.target(*options))
    assert await code_of(link.up()) in ("ssh.no_shell", "ssh.ended")


async def test_forwards_come_and_go(sshd: StartSshd, open_link: OpenLink) -> None:
    box, options = await a_box(sshd)
    async with await echo() as server:
        port = server.sockets[0].getsockname()[1]
        link = open_link(box.target(*options))
        early = await link.add_forward("127.0.0.1", port)
        await link.up()
        assert await said(early.socket) == b"hello\n"
        assert stat.S_IMODE(os.stat(early.socket).st_mode) == 0o600
        assert stat.S_IMODE(os.stat(Path(early.socket).parent).st_mode) == 0o700
        assert len(early.socket.encode()) <= 80
        later = await link.add_forward("localhost", port)
        assert later.socket != early.socket
        assert await said(later.socket) == b"hello\n"
        assert await link.add_forward("localhost", port) == later
        await link.remove_forward(later)
        with pytest.raises((ConnectionError, FileNotFoundError)):
            await said(later.socket)
        # They come back with a new connection, over the socket file that the old one left behind.
        seen = watched(link)
        box.signal_sessions(signal.SIGKILL)
        await seen.reaches(LinkPhase.LOST, LinkPhase.BACKOFF, LinkPhase.RESOLVING)
        await seen.reaches(*UP)
        assert await said(early.socket) == b"hello\n"


async def echo() -> asyncio.Server:
    async def serve(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"hello\n")
        await writer.drain()
        writer.close()

    return await asyncio.start_server(serve, "127.0.0.1", 0)


async def said(path: str) -> bytes:
    reader, writer = await asyncio.open_unix_connection(path)
    try:
        return await reader.read()
    finally:
        writer.close()


async def test_a_port_for_the_browser(sshd: StartSshd, open_link: OpenLink) -> None:
    box, options = await a_box(sshd)
    async with await echo() as server:
        port = server.sockets[0].getsockname()[1]
        link = open_link(box.target(*options))
        await link.up()
        assert await code_of(link.add_forward("127.0.0.1", port, port)) == "ssh.port_taken"
        local = free_port()
        forward = await link.add_forward("127.0.0.1", port, local)
        reader, writer = await asyncio.open_connection("127.0.0.1", local)
        assert await reader.read() == b"hello\n"
        writer.close()
        listening = Path("/proc/net/tcp").read_text()
        assert f"0100007F:{local:04X}" in listening
        assert f"00000000:{local:04X}" not in listening
        await link.remove_forward(forward)
        with pytest.raises((ConnectionError, FileNotFoundError)):
            await asyncio.open_connection("127.0.0.1", local)
        assert link.is_up


async def test_a_stopped_peer_is_noticed_within_ten_seconds(sshd: StartSshd, open_link: OpenLink) -> None:
    box, options = await a_box(sshd)
    link = open_link(box.target(*options), timing=Timing())
    await link.up()
    await until(lambda: link.state.round_trip is not None, what="a first ping")
    seen = watched(link)
    started = monotonic()
    box.signal_sessions(signal.SIGSTOP)
    state = await seen.reaches(LinkPhase.LOST, LinkPhase.BACKOFF)
    took = monotonic() - started
    print(f"a stopped peer was noticed after {took:.1f} s")
    assert took < 10
    assert state.problem is not None
    assert state.problem.code == "ssh.peer_silent"
    assert LinkPhase.DEGRADED in seen.phases


async def test_a_late_answer_is_degraded_and_recovers(sshd: StartSshd, open_link: OpenLink) -> None:
    box, options = await a_box(sshd)
    link = open_link(box.target(*options), timing=Timing(ping=0.1, late=0.3, lost=300))
    await link.up()
    seen = watched(link)
    box.signal_sessions(signal.SIGSTOP)
    state = await seen.reaches(LinkPhase.DEGRADED)
    assert state.problem is not None
    assert state.problem.code == "ssh.agent_late"
    box.signal_sessions(signal.SIGCONT)
    await seen.reaches(*UP)


async def test_a_killed_ssh_is_replaced(sshd: StartSshd, open_link: OpenLink) -> None:
    box, options = await a_box(sshd)
    link = open_link(box.target(*options))
    await link.up()
    seen = watched(link)
    first = link.pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    await seen.reaches(LinkPhase.LOST, LinkPhase.BACKOFF, LinkPhase.RESOLVING)
    await seen.reaches(*UP)
    assert link.pid not in (None, first)
    causes = [state.problem.code for state in seen.states if state.problem]
    assert causes[0] == "ssh.killed"


async def test_it_is_back_within_two_seconds_of_the_host(sshd: StartSshd, open_link: OpenLink) -> None:
    box, options = await a_box(sshd)
    link = open_link(box.target(*options), timing=Timing())
    await link.up()
    await box.stop()
    # Long enough down that a pause of several seconds has begun.
    await until(lambda: link.state.phase is LinkPhase.BACKOFF and (link.state.retry_at or 0) - monotonic() > 2.5, 15)
    assert link.state.problem is not None
    assert link.state.problem.code == "ssh.refused"
    seen = watched(link)
    started = monotonic()
    await box.start()
    await seen.reaches(*UP)
    took = monotonic() - started
    began = monotonic()
    await open_link(box.target(*options)).up()
    login = monotonic() - began
    print(f"healthy {took:.2f} s after the host was back; a login takes {login:.2f} s")
    assert took < 1.5 + max(1.0, 2 * login)  # sshd's own start is in it; two seconds where a login takes half a one


async def test_a_user_may_retry_now_and_disconnect(sshd: StartSshd, open_link: OpenLink) -> None:
    box, options = await a_box(sshd)
    link = open_link(box.target(*options), timing=Timing(pauses=(60.0,), look=60.0))
    await box.stop()
    assert await code_of(link.up()) == "ssh.refused"
    await box.start()
    link.retry()
    await link.up()
    await link.disconnect()
    assert link.state.phase is LinkPhase.IDLE
    assert await code_of(link.order("ping")) == "ssh.disconnected"
    link.connect()
    await link.up()


async def test_orders_that_wait_end_with_the_connection(sshd: StartSshd, open_link: OpenLink) -> None:
    box, options = await a_box(sshd)
    link = open_link(box.target(*options))
    await link.up()
    waiting = asyncio.create_task(link.order("run", 60.0, arguments=["sleep", "50"]))
    await until(lambda: any("sleep" in line for line in command_lines(box)), what="it runs there")
    box.signal_sessions(signal.SIGKILL)
    assert (await code_of(waiting)).startswith("ssh.")


def command_lines(box: Box) -> list[str]:
    lines: list[str] = []
    for pid in box.sessions():
        try:
            lines.append(Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace"))
        except OSError:
            continue
    return lines


async def test_a_refused_forward_is_named(sshd: StartSshd, open_link: OpenLink) -> None:
    box, options = await a_box(sshd, options=("AllowTcpForwarding no",))
    link = open_link(box.target(*options))
    forward = await link.add_forward("127.0.0.1", box.port)
    await link.up()
    began = monotonic()
    assert await said(forward.socket) == b""
    problem = await until(lambda: link.refusal_since(began), what="ssh's words")
    assert problem.code == "ssh.forwarding_prohibited"
    assert link.is_up


async def test_a_server_that_does_not_listen_is_named(sshd: StartSshd, open_link: OpenLink) -> None:
    box, options = await a_box(sshd)
    link = open_link(box.target(*options))
    forward = await link.add_forward("127.0.0.1", free_port())
    await link.up()
    began = monotonic()
    assert await said(forward.socket) == b""
    problem = await until(lambda: link.refusal_since(began), what="ssh's words")
    assert problem.code == "ssh.not_listening"


async def test_a_killed_lmdeck_leaves_neither_tunnel_nor_agent(sshd: StartSshd, open_link: OpenLink) -> None:
    box, options = await a_box(sshd)
    words = [*options, "-F", "none", "-o", f"UserKnownHostsFile={box.folder}/known_hosts"]
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.support.ssh_child", f"ssh://{USER}@127.0.0.1:{box.port}/{box.port}", *words,
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert child.stdout is not None
    facts = json.loads(await asyncio.wait_for(child.stdout.readline(), 200))
    there = box.sessions()
    assert alive(facts["ssh"])
    assert len(there) >= 2
    mine = descendants(child.pid)
    child.kill()
    await child.wait()
    await until(lambda: not any(alive(pid) for pid in (*mine, *there)), 5, "everything has ended")
    await until(lambda: not box.sessions(), 5, "sshd has no connection left")
    # The next lmdeck sweeps the folder away.
    link = open_link(box.target(*options))
    await link.up()
    assert not Path(facts["socket"]).parent.exists()


async def test_the_users_configuration_keeps_its_master(sshd: StartSshd, open_link: OpenLink) -> None:
    """Closing one of two links to the same machine leaves the other one alone."""
    box, options = await a_box(sshd)
    one, two = open_link(box.target(*options)), open_link(box.target(*options))
    await asyncio.gather(one.up(), two.up())
    await one.disconnect()
    assert await two.order("ping") == {}
    assert isinstance(two, Link)
