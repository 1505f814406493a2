"""``lmdeck ask`` through a real sshd: the answer, the questions on the terminal, the errors and their exit codes."""

from __future__ import annotations

import asyncio
import io
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.support.far import Servers, a_box, url_of, words_for
from tests.support.ports import free_port
from tests.support.pty_app import PtyApp, python
from tests.support.sshd import USER, StartSshd, ssh_processes, sshd
from tests.support.waiting import until
from tui.exit_codes import FAILED, UNREACHABLE, USAGE
from tui.headless import AskOptions, ask

__all__ = ["sshd"]
# As in test_ssh_hosts: a socket of anyio's that a lost link leaves to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore:Exception ignored in. <socket:pytest.PytestUnraisableExceptionWarning")
MAIN = "import sys; from tui.cli import main; sys.exit(main(sys.argv[1:]))"


@pytest.fixture
async def servers(tmp_path: Path) -> AsyncIterator[Servers]:
    async with AsyncExitStack() as stack:
        yield Servers(tmp_path, stack)


async def asked(url: str, **options: object) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    code = await ask(AskOptions("Compute (3+5)*2", url, **options), out, err)  # type: ignore[arg-type]
    return code, out.getvalue(), err.getvalue()


async def test_an_answer_through_the_tunnel(sshd: StartSshd, servers: Servers, tmp_path: Path) -> None:
    port = await servers.start()
    box = await a_box(sshd, tmp_path)
    code, out, _err = await asked(url_of(box, port), ssh_options=words_for(box))
    assert (code, "16" in out) == (0, True)
    await until(lambda: not ssh_processes())


async def test_what_cannot_be_guessed_is_said(sshd: StartSshd, servers: Servers, tmp_path: Path) -> None:
    ports = sorted([await servers.start("one"), await servers.start("two")])
    box = await a_box(sshd, tmp_path)
    code, _out, err = await asked(url_of(box), ssh_options=words_for(box))
    assert code == USAGE
    assert all(str(port) in err for port in ports)
    nothing = free_port()
    code, _out, err = await asked(url_of(box, nothing), ssh_options=words_for(box))
    assert code == USAGE
    assert f"Nothing listens at port {nothing}" in err
    code, out, _err = await asked(url_of(box, ports[1]), ssh_options=words_for(box))
    assert (code, "16" in out) == (0, True)


async def test_errors_and_their_exit_codes(sshd: StartSshd, tmp_path: Path) -> None:
    box = await a_box(sshd, tmp_path)
    port = free_port()
    code, _out, err = await asked(url_of(box, port), ssh_options=words_for(box))
    # Where other tests' servers run, they are named.
    assert (code, "no server listens" in err) == (UNREACHABLE, True) or f"Nothing listens at port {port}" in err
    code, _out, err = await asked("ssh://root@127.0.0.1:99999")
    assert (code, "is no port" in err) == (USAGE, True)
    code, _out, err = await asked("ssh -Z root@host")
    assert (code, "no option" in err) == (USAGE, True)
    code, _out, err = await asked(f"ssh://root@127.0.0.1:{port}", ssh_options=("-F", "none"))
    assert (code, "no ssh server listens there" in err) == (UNREACHABLE, True)
    await box.stop()
    code, _out, _err = await asked(url_of(box, port), ssh_options=("-F", "none"))
    assert code == UNREACHABLE
    assert FAILED == 1


@pytest.mark.pty
async def test_questions_are_asked_on_the_terminal(sshd: StartSshd, servers: Servers, tmp_path: Path) -> None:
    port = await servers.start()
    box = await a_box(sshd, tmp_path, password="geheim", trusted=False)
    words = ["-F", "none", "-o", f"UserKnownHostsFile={box.folder}/known_hosts", "-o", "IdentityAgent=none"]
    line = " ".join(["ssh", url_of(box).removeprefix("ssh://"), "-L", f"1:127.0.0.1:{port}", *words])
    arguments = python("-c", MAIN, "ask", "Compute (3+5)*2", "--url", line, "--tools", "add,mul")

    def talk() -> int:
        with PtyApp(arguments, columns=140, env={"LMDECK_LANGUAGE": "en"}) as app:
            app.wait_for("(yes/no/[fingerprint])", 40)
            app.send("yes\n")
            app.wait_for("password:", 40)
            app.send("geheim\n")
            app.wait_for("16", 40)
            assert "geheim" not in app.text
            return app.wait_exit()

    assert await asyncio.to_thread(talk) == 0


async def test_without_a_terminal_nobody_answers(sshd: StartSshd, servers: Servers, tmp_path: Path) -> None:
    port = await servers.start()
    box = await a_box(sshd, tmp_path, password="x")
    words = [word for option in words_for(box) for word in ("--ssh-option", option)]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", MAIN, "ask", "hello", "--url", url_of(box, port), *words, start_new_session=True,
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    _out, err = await process.communicate()
    assert process.returncode == UNREACHABLE
    assert b"was not answered" in err


@pytest.mark.pty
async def test_the_command_opens_a_pasted_line_and_leaves_nothing_when_killed(
    sshd: StartSshd, servers: Servers, tmp_path: Path
) -> None:
    port = await servers.start("internlm")
    box = await a_box(sshd, tmp_path)
    line = ["-CNg", "-L", f"23333:127.0.0.1:{port}", f"{USER}@127.0.0.1", "-p", str(box.port), *words_for(box)]
    arguments = python("-c", MAIN, "ssh", *line, "--no-mouse")

    def talk() -> None:
        with PtyApp(arguments, columns=120, rows=36, env={"LMDECK_LANGUAGE": "en"}) as app:
            app.wait_for(f"{USER}@127.0.0.1:{box.port} ⇄", 60)
            app.wait_for("NVIDIA Stub 0", 60)
            app.send("Compute (3+5)*2\r")
            app.wait_for("first token", 60)
            assert box.sessions()
            app.signal(signal.SIGKILL)

    await asyncio.to_thread(talk)
    await until(lambda: not box.sessions(), 15, "no session and no agent left")
    await until(lambda: not ssh_processes(), 15, "no ssh process left")


def test_a_line_that_makes_no_sense_is_said_before_the_screen() -> None:
    for words, sentence in (
        (["ssh", "-p", "99999", "root@host"], "is no port"),
        (["ssh"], "There is no machine in this address"),
        (["ssh://root:secret@host"], "A password does not belong into an address"),
        (["ssh://host", "--ssh-option", "-Z"], "no option"),
        (["ssh://host", "--ssh-option", "-i 'key"], "cannot be read"),
    ):
        run = subprocess.run([sys.executable, "-c", MAIN, *words], capture_output=True, text=True, check=False)
        assert run.returncode == USAGE
        assert sentence in run.stderr
        assert "secret" not in run.stderr
