"""Machines behind a jump host: it is lost and comes back, and a killed lmdeck leaves nothing behind on any of them."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from pathlib import Path

import pytest

from tests.support.sentences import sentence_of
from tests.support.ssh_links import OpenLink, StartSshd, User, open_link, sshd, watched
from tests.support.sshd import Box, descendants, key_pair
from tests.support.waiting import until
from tui.model.question import QuestionKind
from tui.model.server import LinkPhase
from tui.ssh.target import Target

__all__ = ["open_link", "sshd"]
UP = LinkPhase.HEALTHY


async def behind(
    sshd: StartSshd, folder: Path, count: int = 1, *, codes: tuple[str, ...] = ()
) -> tuple[Box, list[Box], Path]:
    """A jump host, boxes behind it, and the configuration that names them."""
    key = key_pair("inside")
    jump = await sshd(codes=codes) if codes else await sshd(keys=(key,))
    boxes = [await sshd(keys=(key,)) for _ in range(count)]
    config = folder / "config"
    identity = f"  IdentityFile {key}\n  IdentitiesOnly yes\n  IdentityAgent none\n"
    text = f"Host jump\n  HostName 127.0.0.1\n  Port {jump.port}\n  UserKnownHostsFile {jump.folder}/known_hosts\n"
    text += identity
    for number, box in enumerate(boxes):
        text += f"Host box{number}\n  HostName 127.0.0.1\n  Port {box.port}\n  ProxyJump jump\n"
        text += f"  UserKnownHostsFile {box.folder}/known_hosts\n{identity}"
    config.write_text(text)
    return jump, boxes, config


async def test_a_lost_jump_host_comes_back_for_everybody(sshd: StartSshd, open_link: OpenLink, tmp_path: Path) -> None:
    jump, boxes, config = await behind(sshd, tmp_path, 2)
    links = [open_link(Target(f"box{n}", options=("-F", str(config)))) for n in range(2)]
    await asyncio.gather(*(link.up() for link in links))
    assert jump.logins() == 1
    await jump.stop()
    for link in links:
        state = await watched(link).reaches(LinkPhase.LOST, LinkPhase.BACKOFF)
        assert state.problem is not None
        sentence_of(state.problem)
    assert all(box.logins() == 1 for box in boxes)
    await jump.start()
    for link in links:
        await watched(link).reaches(UP, limit=20.0)
        assert await link.order("ping") == {}
    assert jump.log.count("Accepted publickey") == 2  # one shared login again


async def test_a_jump_host_that_wants_a_code_again_asks_nobody_behind_the_users_back(
    sshd: StartSshd, open_link: OpenLink, tmp_path: Path
) -> None:
    jump, _boxes, config = await behind(sshd, tmp_path, codes=("111111", "222222"))
    user = User(code=["111111", "222222"])
    link = open_link(Target("box0", options=("-F", str(config))), user)
    await link.up()
    jump.signal_sessions(signal.SIGKILL)
    state = await watched(link).reaches(LinkPhase.NEEDS_YOU)
    assert state.problem is not None
    assert state.problem.code == "ssh.unanswered"
    assert user.kinds() == [QuestionKind.CODE]
    link.retry()
    await link.up()
    assert user.kinds() == [QuestionKind.CODE] * 2


async def test_a_jump_host_that_is_not_there(sshd: StartSshd, open_link: OpenLink, tmp_path: Path) -> None:
    jump, _boxes, config = await behind(sshd, tmp_path)
    await jump.stop()
    link = open_link(Target("box0", options=("-F", str(config))))
    seen = watched(link)
    link.connect()
    state = await seen.reaches(LinkPhase.BACKOFF, LinkPhase.NEEDS_YOU)
    assert state.problem is not None
    assert state.problem.code in ("ssh.refused", "ssh.proxy_failed", "ssh.behind_jump", "ssh.closed_early")
    sentence_of(state.problem)


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
async def test_a_killed_lmdeck_leaves_nothing_behind_a_jump_host(sshd: StartSshd, tmp_path: Path) -> None:
    jump, (box,), config = await behind(sshd, tmp_path)
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.support.ssh_child", "ssh://box0", "-F", str(config), start_new_session=True,
        stdout=asyncio.subprocess.PIPE, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert child.stdout is not None
    facts = json.loads(await asyncio.wait_for(child.stdout.readline(), 200))
    clients = {pid for pid in descendants(child.pid) if pid != child.pid}
    assert facts["ssh"] in clients
    assert any(b"-W" in command_of(pid) for pid in clients)  # the way through the jump host
    sessions = [*jump.sessions(), *box.sessions()]
    assert sessions
    os.kill(child.pid, signal.SIGKILL)
    await child.wait()
    await until(lambda: not [pid for pid in clients if alive(pid)], 15.0, "no ssh client left")
    await until(lambda: not jump.sessions() and not box.sessions(), 15.0, "no session left, and no agent")


def command_of(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
