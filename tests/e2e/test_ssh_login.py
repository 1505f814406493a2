"""Logging in to a real sshd: every question ssh asks, every way to be refused."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest

from tests.support.ports import free_port
from tests.support.sentences import sentence_of
from tests.support.ssh_links import QUICK, OpenLink, StartSshd, User, open_link, sshd, watched
from tests.support.sshd import key_pair
from tests.support.waiting import until
from tui.model.problem import ProblemError
from tui.model.question import QuestionKind
from tui.model.server import LinkPhase
from tui.ssh.link import Link
from tui.ssh.target import Target
from tui.ssh.timing import Timing

__all__ = ["open_link", "sshd"]


async def refusal(link: Link) -> str:
    """The code of the problem that keeps a link down; its sentence is complete."""
    with pytest.raises(ProblemError) as caught:
        await link.up()
    sentence_of(caught.value.problem)
    return caught.value.problem.code


async def test_a_new_machine_and_a_password(sshd: StartSshd, open_link: OpenLink) -> None:
    box = await sshd(password="geheim ' \" $x", trusted=False)
    user = User(host_key="yes", password="geheim ' \" $x")
    link = open_link(box.target(), user)
    seen = watched(link)
    await link.up()
    assert user.kinds() == [QuestionKind.HOST_KEY, QuestionKind.PASSWORD]
    key, password = user.asked
    assert key.subject == f"[127.0.0.1]:{box.port}"
    assert key.key_type == "ED25519"
    assert key.fingerprint.startswith("SHA256:")
    assert key.fingerprint in key.prompt
    assert password.secret
    assert seen.phases[:7] == [
        LinkPhase.IDLE, LinkPhase.RESOLVING, LinkPhase.CONNECTING, LinkPhase.HOST_KEY, LinkPhase.CONNECTING,
        LinkPhase.AUTH, LinkPhase.CONNECTING,
    ]  # fmt: skip
    assert seen.phases[7:] == [LinkPhase.FORWARDING, LinkPhase.HEALTHY]
    assert link.hello is not None
    assert link.hello.obeys


async def test_no_secret_is_on_a_command_line_or_in_an_environment(sshd: StartSshd, open_link: OpenLink) -> None:
    box = await sshd(password="very-secret-word")
    link = open_link(box.target(), User(password="very-secret-word"))
    await link.up()
    for process in Path("/proc").iterdir():
        for name in ("cmdline", "environ"):
            try:
                text = (process / name).read_bytes()
            except OSError:
                continue
            # sshd and what it started there know it from the test's own stub.
            assert b"very-secret-word" not in text or b"SSHD_PASSWORD" in text, process
    folder = Path(link.forwards[0].socket).parent if link.forwards else None
    assert folder is None or not any(b"very-secret-word" in path.read_bytes() for path in folder.iterdir())


async def test_a_wrong_password_three_times_needs_the_user(sshd: StartSshd, open_link: OpenLink) -> None:
    box = await sshd(password="right")
    user = User(password=["wrong", "worse", "worst", "right"])
    link = open_link(box.target(), user)
    assert await refusal(link) == "ssh.permission_denied"
    assert link.state.phase is LinkPhase.NEEDS_YOU
    assert [question.again for question in user.asked] == [False, True, True]
    link.retry()
    await link.up()
    assert len(user.asked) == 4


async def test_a_question_that_is_not_answered(sshd: StartSshd, open_link: OpenLink) -> None:
    box = await sshd(password="right")
    link = open_link(box.target(), User(password=None))
    assert await refusal(link) == "ssh.declined"
    assert link.state.phase is LinkPhase.NEEDS_YOU


async def test_a_host_key_that_is_not_accepted(sshd: StartSshd, open_link: OpenLink) -> None:
    box = await sshd(password="right", trusted=False)
    user = User(host_key=["no", "what", "yes"], password="right")
    link = open_link(box.target(), user)
    assert await refusal(link) == "ssh.host_key_declined"
    assert not (box.folder / "known_hosts").exists()
    link.retry()
    await link.up()
    assert user.asked[2].again


async def test_the_fingerprint_as_the_answer(sshd: StartSshd, open_link: OpenLink) -> None:
    box = await sshd(password="right", trusted=False)

    class Careful(User):
        async def __call__(self, question: object) -> str | None:
            answer = await super().__call__(question)  # type: ignore[arg-type]
            return self.asked[-1].fingerprint or answer

    link = open_link(box.target(), Careful(password="right"))
    await link.up()


async def test_a_key_with_a_passphrase(sshd: StartSshd, open_link: OpenLink) -> None:
    key = key_pair("locked", "open sesame")
    box = await sshd(keys=(key,))
    user = User(passphrase=["wrong", "open sesame"])
    link = open_link(box.target("-i", str(key), "-o", "IdentitiesOnly=yes"), user)
    await link.up()
    assert user.kinds() == [QuestionKind.PASSPHRASE] * 2
    assert user.asked[0].subject == str(key)
    assert user.asked[1].again


async def test_a_key_that_is_not_admitted(sshd: StartSshd, open_link: OpenLink) -> None:
    box = await sshd()
    link = open_link(box.target("-i", str(key_pair("stranger"))))
    assert await refusal(link) == "ssh.permission_denied"
    assert link.state.problem is not None
    assert link.state.problem.data["methods"] == "publickey"


async def test_one_time_codes_are_asked_for_every_time(sshd: StartSshd, open_link: OpenLink) -> None:
    box = await sshd(password="right", codes=("111111", "222222"))
    user = User(password="right", code=["111111", "222222"])
    link = open_link(box.target(), user)
    await link.up()
    assert user.kinds() == [QuestionKind.PASSWORD, QuestionKind.CODE]
    # The connection breaks: the password is known, the code is not, and nothing is asked on its own.
    box.signal_sessions(9)
    seen = watched(link)
    state = await seen.reaches(LinkPhase.NEEDS_YOU)
    assert state.problem is not None
    assert state.problem.code == "ssh.unanswered"
    assert "Verification code" in str(state.problem.data["prompt"])
    sentence_of(state.problem)
    assert len(user.asked) == 2
    link.retry()
    await link.up()
    assert user.kinds()[2:] == [QuestionKind.CODE]


async def test_a_password_that_worked_answers_a_reconnect_once(sshd: StartSshd, open_link: OpenLink) -> None:
    box = await sshd(password="first")
    user = User(password=["first", "second"])
    link = open_link(box.target(), user)
    await link.up()
    seen = watched(link)
    await box.stop()
    await box.start()
    await seen.reaches(LinkPhase.LOST, LinkPhase.BACKOFF)
    await seen.reaches(LinkPhase.HEALTHY)
    assert len(user.asked) == 1
    # It is changed over there: dropped at the first rejection, and the user is not asked behind his back.
    await box.stop()
    box.environment["SSHD_PASSWORD"] = "second"
    await box.start()
    state = await watched(link).reaches(LinkPhase.NEEDS_YOU)
    assert state.problem is not None
    assert state.problem.code == "ssh.unanswered"
    assert box.log.count("Failed password") == 1
    link.retry()
    await link.up()
    assert len(user.asked) == 2


async def test_a_changed_host_key_can_be_compared_and_replaced(sshd: StartSshd, open_link: OpenLink) -> None:
    box, other = await sshd(password="x"), await sshd(password="x")
    known = (box.folder / "known_hosts").read_text()
    stranger = other.host_key.with_suffix(".pub").read_text().split()[:2]
    (box.folder / "known_hosts").write_text(f"[127.0.0.1]:{box.port} {' '.join(stranger)}\n")
    user = User(password="x")
    link = open_link(box.target(), user)
    assert await refusal(link) == "ssh.host_key_changed"
    assert link.state.phase is LinkPhase.NEEDS_YOU
    assert link.changed is not None
    assert link.changed.offered.startswith("SHA256:")
    assert len(link.changed.known) == 1
    assert link.changed.known[0] != link.changed.offered
    assert link.changed.file == str(box.folder / "known_hosts")
    assert user.asked == []
    await link.trust_new_key()
    await link.up()
    assert link.changed is None
    assert known.split()[2] in (box.folder / "known_hosts").read_text()
    assert user.kinds() == [QuestionKind.PASSWORD]


async def test_a_machine_that_is_a_new_one_at_each_start(sshd: StartSshd, open_link: OpenLink) -> None:
    box, other = await sshd(password="x"), await sshd(password="x")
    (box.folder / "known_hosts").write_text(
        f"[127.0.0.1]:{box.port} {' '.join(other.host_key.with_suffix('.pub').read_text().split()[:2])}\n"
    )
    user = User(password="x")
    link = open_link(box.target(new_host_each_time=True), user)
    await link.up()
    assert user.kinds() == [QuestionKind.PASSWORD]


async def test_nobody_is_there(sshd: StartSshd, open_link: OpenLink) -> None:
    link = open_link(Target("127.0.0.1", "u", free_port(), options=("-F", "none")))
    assert await refusal(link) == "ssh.refused"
    assert link.state.phase is LinkPhase.BACKOFF
    assert link.state.retry_at is not None


async def test_a_name_that_does_not_exist(sshd: StartSshd, open_link: OpenLink) -> None:
    link = open_link(Target("no-such-host.invalid", options=("-F", "none")))
    assert await refusal(link) == "ssh.name_not_found"


async def test_no_ssh_server_at_the_port(sshd: StartSshd, open_link: OpenLink) -> None:
    async def web(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n" * 100)
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(web, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        link = open_link(Target("127.0.0.1", "u", port, options=("-F", "none")))
        assert await refusal(link) in ("ssh.not_ssh", "ssh.closed_early")


async def test_a_port_that_accepts_and_says_nothing(sshd: StartSshd, open_link: OpenLink) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        target = Target("127.0.0.1", "u", silent.getsockname()[1], options=("-F", "none"))
        link = open_link(target, timing=Timing(connect=1))
        assert await refusal(link) == "ssh.timed_out"


async def test_a_broken_configuration(sshd: StartSshd, open_link: OpenLink, tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text("NoSuchOption yes\n")
    link = open_link(Target("box", options=("-F", str(config))))
    assert await refusal(link) == "ssh.bad_config"
    assert link.state.phase is LinkPhase.NEEDS_YOU


async def test_an_alias_of_a_configuration_that_wants_everything_else(
    sshd: StartSshd, open_link: OpenLink, tmp_path: Path
) -> None:
    """Forwards to taken ports, a master of its own, a remote command, a terminal, no questions: none of it matters."""
    key = key_pair("plain")
    box = await sshd(keys=(key,))
    config = tmp_path / "config"
    config.write_text(
        f"Host box\n  HostName 127.0.0.1\n  Port {box.port}\n  IdentityFile {key}\n  LocalForward {box.port} x:1\n"
        f"  ControlMaster auto\n  ControlPath {tmp_path}/mine\n  ControlPersist 10m\n  RemoteCommand false\n"
        f"  RequestTTY force\n  BatchMode yes\n  LogLevel QUIET\n  UserKnownHostsFile {box.folder}/known_hosts\n"
        "  SessionType none\n  ForkAfterAuthentication yes\n  StdinNull yes\n"
    )
    link = open_link(Target("box", options=("-F", str(config))))
    await link.up()
    assert not (tmp_path / "mine").exists()


async def test_three_boxes_behind_one_jump_host_ask_for_one_code(
    sshd: StartSshd, open_link: OpenLink, tmp_path: Path
) -> None:
    jump = await sshd(codes=("424242", "434343"))
    key = key_pair("inside")
    boxes = [await sshd(keys=(key,)) for _ in range(3)]
    config = tmp_path / "config"
    config.write_text(
        f"Host jump\n  HostName 127.0.0.1\n  Port {jump.port}\n  UserKnownHostsFile {jump.folder}/known_hosts\n"
        "Host box*\n  HostName 127.0.0.1\n  ProxyJump jump\n"
        f"  IdentityFile {key}\n"
        + "".join(
            f"Host box{n}\n  Port {box.port}\n  UserKnownHostsFile {box.folder}/known_hosts\n"
            for n, box in enumerate(boxes)
        )
    )
    user = User(code=["424242", "434343"])
    links = [open_link(Target(f"box{n}", options=("-F", str(config))), user) for n in range(3)]
    await asyncio.gather(*(link.up() for link in links))
    assert user.kinds() == [QuestionKind.CODE]
    assert jump.logins() == 1
    # The one that brought the login goes; the others stay.
    await links[0].disconnect()
    assert (await links[1].order("run", arguments=["sleep", "0.5"]))["code"] == 0
    assert await links[2].order("ping") == {}
    links[0].connect()
    await links[0].up()
    assert jump.logins() == 1


async def test_the_users_own_master_of_a_jump_host_is_used(
    sshd: StartSshd, open_link: OpenLink, tmp_path: Path
) -> None:
    jump = await sshd(codes=("1", "2"))
    key = key_pair("inside")
    box = await sshd(keys=(key,))
    control = tmp_path / "m"
    config = tmp_path / "config"
    config.write_text(
        f"Host jump\n  HostName 127.0.0.1\n  Port {jump.port}\n  UserKnownHostsFile {jump.folder}/known_hosts\n"
        f"  ControlMaster auto\n  ControlPath {control}\n"
        f"Host box\n  HostName 127.0.0.1\n  Port {box.port}\n  ProxyJump jump\n  IdentityFile {key}\n"
        f"  UserKnownHostsFile {box.folder}/known_hosts\n"
    )
    master = open_link(Target("jump", options=("-F", str(config))), User(code="1"))
    # Stands for the user's own: an ssh with the configured control path, logged in by hand.
    script = tmp_path / "answer"
    script.write_text("#!/bin/sh\necho 2\n")
    script.chmod(0o700)
    import os

    own = await asyncio.create_subprocess_exec(
        "ssh", "-F", str(config), "-N", "jump", stdin=asyncio.subprocess.DEVNULL, start_new_session=True,
        env={**os.environ, "SSH_ASKPASS": str(script), "SSH_ASKPASS_REQUIRE": "force"},
    )  # fmt: skip
    try:
        await until(control.exists, what="the user's master")
        user = User()
        link = open_link(Target("box", options=("-F", str(config))), user)
        await link.up()
        assert user.asked == []
        assert jump.logins() == 1
        await link.disconnect()
        assert own.returncode is None
    finally:
        own.terminate()
        await own.wait()
        await master.disconnect()


async def test_a_login_that_hangs_is_given_up(sshd: StartSshd, open_link: OpenLink) -> None:
    box = await sshd(password="x", shell="/bin/cat")
    link = open_link(box.target(), User(password="x"), Timing(stuck=1.5))
    code = await refusal(link)
    assert code in ("ssh.no_agent", "ssh.no_shell"), QUICK
