"""The room's parts by themselves: questions, causes, lines, folders, pauses, the command for the far side."""

from __future__ import annotations

import ast
import asyncio
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.sentences import sentence_of
from tui.model.problem import Problem, ProblemError
from tui.model.question import Question, QuestionKind
from tui.ssh import askpass, client
from tui.ssh.asking import AskingServer, find_program
from tui.ssh.bootstrap import SMI_QUERY, remote_command
from tui.ssh.causes import cause_of, open_failure
from tui.ssh.client import find_client, jump_command
from tui.ssh.folder import LONGEST, SocketFolder, sweep
from tui.ssh.forwards import Forward, ListForwarding, free_port
from tui.ssh.host_keys import changed_key, known_prints, replace_key
from tui.ssh.hub import Hub
from tui.ssh.questions import Answers, LoginQuestions, Scope, read_question
from tui.ssh.target import Target
from tui.ssh.timing import SleepWatch, Timing
from tui.ssh.wire import AgentChannel, Lines, find_hello

KIND = QuestionKind
HOST_KEY = (
    "The authenticity of host '[127.0.0.1]:51131 ([127.0.0.1]:51131)' can't be established.\n"
    "ED25519 key fingerprint is SHA256:jLk5C1/jLYTOw75DZE6abCtCN7FQA4gB7dEhju8lyFw.\n"
    "This key is not known by any other names.\n"
    "Are you sure you want to continue connecting (yes/no/[fingerprint])? "
)


@pytest.mark.parametrize(
    ("prompt", "kind", "subject"),
    [
        ("root@box's password: ", KIND.PASSWORD, "root@box"),
        ("(root@box) Password: ", KIND.PASSWORD, "root@box"),
        ("(root@box) 密码：", KIND.PASSWORD, "root@box"),
        ("Password for me@REALM: ", KIND.PASSWORD, ""),
        ("Enter passphrase for key '/a b/.ssh/id': ", KIND.PASSPHRASE, "/a b/.ssh/id"),
        ("(root@box) Verification code: ", KIND.CODE, "root@box"),
        ("(root@box) One-time password (OATH) for `root': ", KIND.CODE, "root@box"),
        ("Duo two-factor login for x\n\nPasscode or option (1-3): ", KIND.CODE, ""),
        ("Enter PIN for 'token': ", KIND.CODE, ""),
        ("(root@box) 动态口令: ", KIND.CODE, "root@box"),
        (HOST_KEY, KIND.HOST_KEY, "[127.0.0.1]:51131"),
        ("Please type 'yes', 'no' or the fingerprint: ", KIND.HOST_KEY, ""),
        ("Allow use of key x? (yes/no)", KIND.CONFIRM, ""),
        ("(root@box) Favourite colour? ", KIND.OTHER, "root@box"),
    ],
)
def test_prompts(prompt: str, kind: QuestionKind, subject: str) -> None:
    question = read_question(prompt, "", "me")
    assert (question.kind, question.subject, question.prompt, question.host) == (kind, subject, prompt, "me")
    assert question.secret == (kind not in (KIND.HOST_KEY, KIND.CONFIRM))


def test_hints_of_ssh() -> None:
    assert read_question("Confirm user presence for key", "none", "h").kind is KIND.NOTICE
    assert read_question("Allow it?", "confirm", "h").kind is KIND.CONFIRM
    key = read_question(HOST_KEY, "", "h")
    assert (key.key_type, key.fingerprint) == ("ED25519", "SHA256:jLk5C1/jLYTOw75DZE6abCtCN7FQA4gB7dEhju8lyFw")


def test_two_machines_behind_one_name_keep_their_passwords_apart() -> None:
    password = read_question("root@gate's password: ", "", "")
    one, two = Scope("root@gate:1", "root@gate"), Scope("root@gate:2", "root@gate")
    assert one.key(password) != two.key(password)
    jump = read_question("me@jump's password: ", "", "")
    behind = [Scope(f"box{n}", f"root@box{n}", "me@jump") for n in (1, 2)]
    assert behind[0].key(jump) == behind[1].key(jump)
    phrase = read_question("Enter passphrase for key '/k': ", "", "")
    assert one.key(phrase) == two.key(phrase)


async def test_answers_are_remembered_only_where_they_may_be() -> None:
    typed: list[str | None] = ["p", "c", None]

    async def ask(_question: Question) -> str | None:
        return typed.pop(0)

    answers, scope = Answers(), Scope("box", "r@box")
    first = LoginQuestions(scope, ask, answers, interactive=True)
    assert await first.answer("r@box's password: ", "") == "p"
    assert await first.answer("(r@box) Code: ", "") == "c"
    first.worked()
    second = LoginQuestions(scope, ask, answers, interactive=False)
    assert await second.answer("r@box's password: ", "") == "p"
    waiting = asyncio.create_task(second.answer("(r@box) Code: ", ""))
    await second.gave_up.wait()
    assert second.unanswered is not None
    waiting.cancel()
    again = asyncio.create_task(second.answer("r@box's password: ", ""))  # it was rejected
    await asyncio.sleep(0)
    assert answers.take(("box", "r@box's password: ")) is None
    again.cancel()
    await asyncio.gather(waiting, again, return_exceptions=True)
    assert await second.answer("Touch the key", "none") is None


SAID = [
    ("host_key_changed", "@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @\nHost key verification failed."),
    ("host_key_declined", "Host key verification failed."),
    ("host_key_revoked", "@ WARNING: REVOKED HOST KEY DETECTED! @"),
    ("host_key_unknown", "No ED25519 host key is known for box and you have requested strict checking."),
    ("name_not_found", "ssh: Could not resolve hostname box: Name or service not known"),
    ("refused", "ssh: connect to host box port 22: Connection refused"),
    ("timed_out", "ssh: connect to host box port 22: Connection timed out"),
    ("timed_out", "ssh: connect to host box port 22: Operation timed out"),
    ("timed_out", "Connection timed out during banner exchange\nConnection to 1.2.3.4 port 22 timed out"),
    ("no_route", "ssh: connect to host box port 22: No route to host"),
    ("no_route", "ssh: connect to host box port 22: Network is unreachable"),
    ("permission_denied", "root@box: Permission denied (publickey,password)."),
    ("permission_denied", "Permission denied, please try again.\nroot@box: Permission denied (publickey,password)."),
    ("too_many_keys", "Received disconnect from 1.2.3.4 port 22:2: Too many authentication failures\nDisconnected"),
    ("peer_silent", "Timeout, server box not responding."),
    ("closed_by_host", "Connection to box closed by remote host."),
    ("closed_by_host", "Connection closed by 1.2.3.4 port 22"),
    ("connection_broken", "client_loop: send disconnect: Broken pipe"),
    ("closed_early", "kex_exchange_identification: Connection closed by remote host"),
    ("not_ssh", "Bad remote protocol version identification: 'HTTP/1.1'"),
    ("not_ssh", "banner exchange: Connection to 1.2.3.4 port 80: invalid format"),
    ("no_common_algorithm", "negotiate with 1.2.3.4 port 22: no matching host key type found. Their offer: ssh-rsa"),
    ("key_file_open", "@ WARNING: UNPROTECTED PRIVATE KEY FILE! @\nPermissions 0644 for '/k' are too open."),
    ("config_permissions", "Bad owner or permissions on /a/.ssh/config"),
    ("bad_config", "/a/.ssh/config: line 3: Bad configuration option: foo"),
    ("bad_config", "Can't open user config file x: No such file or directory"),
    ("behind_jump", "channel 0: open failed: connect failed: No route to host\nstdio forwarding failed"),
    ("proxy_failed", "Connection closed by UNKNOWN port 65535"),
    ("port_taken", "bind [127.0.0.1]:23333: Address already in use\nCould not request local forwarding."),
    ("forward_failed", "Could not request local forwarding."),
    ("password_expired", "WARNING: Your password has expired.\nPassword change required but no TTY available."),
    ("account_closed", "This account is currently not available."),
    ("no_methods", "No supported authentication methods available"),
]  # fmt: skip


@pytest.mark.parametrize(("code", "text"), SAID, ids=[f"{n}-{code}" for n, (code, _) in enumerate(SAID)])
def test_causes(code: str, text: str) -> None:
    problem = cause_of(["Authenticated to x", *text.split("\n"), "Transferred: sent 1"], 255, "root@box")
    assert problem.code == f"ssh.{code}"
    sentence_of(problem)


def test_causes_without_words() -> None:
    assert cause_of([], -9, "h") == Problem("ssh.killed", {"host": "h", "signal": 9}, "")
    assert cause_of(["sh: not found"], 127, "h").code == "ssh.no_shell"
    assert cause_of(["something new"], 255, "h").data["says"] == "something new"
    assert cause_of([], 255, "h").code == "ssh.ended"
    for problem in (cause_of([], -9, "h"), cause_of(["x"], 255, "h"), cause_of([], 255, "h"), cause_of([], 126, "h")):
        sentence_of(problem)
    port = cause_of(["ssh: connect to host box port 48626: Connection refused"], 255, "h")
    assert "48626" in sentence_of(port)  # a port is no quantity


def test_refused_channels() -> None:
    line = "channel 3: open failed: {}"
    assert open_failure(line.format("administratively prohibited: open failed")).code == "ssh.forwarding_prohibited"  # type: ignore[union-attr]
    assert open_failure(line.format("connect failed: Connection refused")).code == "ssh.not_listening"  # type: ignore[union-attr]
    other = open_failure(line.format("connect failed: Name or service not known"))
    assert other is not None
    assert other.data["says"] == "connect failed: Name or service not known"
    assert open_failure("something else") is None


async def test_changed_keys(tmp_path: Path) -> None:
    found = changed_key(
        (
            "The fingerprint for the ED25519 key sent by the remote host is\nSHA256:abc.\nPlease contact\n"
            f"Offending RSA key in {tmp_path}/known hosts:7\n  remove with:\n"
            "Host key for [1.2.3.4]:55 has changed and you have requested strict checking."
        ).split("\n")
    )
    assert found is not None
    assert (found.name, found.key_type, found.offered, found.line) == ("[1.2.3.4]:55", "ED25519", "SHA256:abc", 7)
    assert found.file == f"{tmp_path}/known hosts"
    assert changed_key(["nothing"]) is None
    if shutil.which("ssh-keygen"):
        ssh = await find_client()
        assert await known_prints(ssh, found) == ()
        with pytest.raises(ProblemError) as caught:
            await replace_key(ssh, found)
        sentence_of(caught.value.problem)


@given(st.lists(st.binary(max_size=30).filter(lambda part: b"\n" not in part and b"\r" not in part)), st.data())
def test_any_split_gives_the_same_lines(parts: list[bytes], data: st.DataObject) -> None:
    text = b"".join(part + b"\n" for part in parts)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=8)))
    lines = Lines()
    found: list[bytes] = []
    for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True):
        found += lines.feed(text[start:end])
    assert found == parts


def test_a_line_without_end_is_dropped() -> None:
    lines = Lines(limit=10)
    assert lines.feed(b"x" * 8) == []
    assert lines.feed(b"y" * 8 + b"\nshort\n") == [b"short"]


def test_hello() -> None:
    line = '{"agent":1,"nonce":"n","python":"3.8.1","source":"nvml","driver":"1","reasons":["a"]}'
    hello = find_hello("Welcome! " + line, "n")
    assert hello is not None
    assert (hello.python, hello.source, hello.reasons, hello.obeys) == ("3.8.1", "nvml", ("a",), True)
    for other in ("", "{}", line[:-3], '{"agent":1}', line.replace('"n"', '"m"'), '{"agent":[}'):
        assert find_hello(other, "n") is None
    assert find_hello(line.replace('"n"', '""'), "") is None
    with pytest.raises(ProblemError) as caught:
        find_hello(line.replace('"agent":1', '"agent":2'), "n")
    sentence_of(caught.value.problem)


async def test_orders_and_answers() -> None:
    written: list[str] = []
    samples: list[object] = []
    channel = AgentChannel("n", written.append, samples.append)
    with pytest.raises(ProblemError):
        await channel.order("ping", 1.0)
    await channel.feed(b'noise {"x"\n\xff\n{"agent":1,"nonce":"n","python":"3"}\n')
    assert list(channel.noise) == ['noise {"x"', "�"]
    asked = asyncio.create_task(channel.order("stop", 5.0, id="abc"))
    await asyncio.sleep(0)
    assert json.loads(written[-1]) == {"id": 1, "do": "stop", "which": "abc"}
    await channel.feed(b'{"gpus":[]}\nnot json\n{"re":"x"}\n{broken\n[1]\n{"re":7}\n{"re":1,"ok":true}\n')
    assert await asked == {"ok": True}
    assert samples == [{"gpus": []}, "not json", "[1]"]
    refused = asyncio.create_task(channel.order("read", 5.0))
    await asyncio.sleep(0)
    await channel.feed(b'{"re":2,"error":"ValueError: no"}\n')
    with pytest.raises(ProblemError) as caught:
        await refused
    sentence_of(caught.value.problem)
    with pytest.raises(ProblemError) as caught:
        await channel.order("read", 0.01)
    assert caught.value.problem.code == "ssh.agent_silent"
    sentence_of(caught.value.problem)
    lost = asyncio.create_task(channel.order("read", 5.0))
    await asyncio.sleep(0)
    channel.fail(Problem("ssh.killed", {"signal": 9}))
    with pytest.raises(ProblemError, match=r"ssh\.killed"):
        await lost


def test_a_private_folder(tmp_path: Path) -> None:
    base = tmp_path / "b"
    short = Path("/tmp") / f"lmdeck-test-{os.getpid()}"
    try:
        one = SocketFolder((base / "missing" / "x", short))
        assert len(os.fsencode(one.socket())) <= LONGEST
        assert one.path.stat().st_mode & 0o777 == 0o700
        assert sweep(short) == []  # it is in use
        left = short / "dead"
        left.mkdir()
        (left / "lock").touch()
        (left / "s1").touch()
        half = short / "half"
        half.mkdir()
        assert sweep(short) == [left]
        assert half.exists()
        one.close()
        one.close()
        assert not one.path.exists()
    finally:
        shutil.rmtree(short, ignore_errors=True)
    open_to_all = tmp_path / "o"
    open_to_all.mkdir(mode=0o777)
    open_to_all.chmod(0o777)
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to(short)
    for bad in (open_to_all, tmp_path / "file", tmp_path / "link", tmp_path / ("long" * 30)):
        with pytest.raises(ProblemError) as caught:
            SocketFolder((bad,))
        sentence_of(caught.value.problem)


def test_pauses_grow_and_vary() -> None:
    timing = Timing()
    assert [timing.pause(n, lambda: 0.0) for n in range(8)] == [0.2, 1, 2, 4, 8, 15, 30, 30]
    assert timing.pause(6, lambda: 1.0) == 30 * 0.75


def test_a_sleep_is_noticed_once() -> None:
    wall, steady = [100.0], [0.0]
    watch = SleepWatch(lambda: wall[0], lambda: steady[0])
    wall[0], steady[0] = 103.0, 3.0
    assert not watch.woke()
    wall[0], steady[0] = 1000.0, 4.0
    assert watch.woke()
    assert not watch.woke()


@pytest.mark.parametrize("shell", ["sh", "bash", "dash", "zsh", "fish", "tcsh", "csh"])
def test_the_command_runs_in_every_shell(shell: str) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"no {shell}")
    orders = '{"id":1,"do":"ping"}\n'
    done = subprocess.run(
        [shell, "-c", remote_command("abc")], input=orders, capture_output=True, text=True, timeout=30, check=False
    )
    assert done.stderr == ""
    hello, answer = done.stdout.split("\n")[1:3]
    assert json.loads(hello)["nonce"] == "abc"
    assert json.loads(answer) == {"re": 1}


def test_the_command_is_safe_to_quote() -> None:
    command = remote_command("abc")
    assert "!" not in command
    assert "\n" not in command
    assert "\\\\" not in command
    assert len(command) < 30_000  # Windows' limit is 32,767


def test_the_agent_is_python_3_6() -> None:
    import tui.agent
    import tui.agent_orders
    from tui.gpu import smi

    for module in (tui.agent, tui.agent_orders):
        ast.parse(Path(str(module.__file__)).read_text("utf-8"), feature_version=(3, 6))
    assert smi.QUERY == SMI_QUERY


async def test_the_helper_and_its_token(tmp_path: Path) -> None:
    async def ask(question: Question) -> str | None:
        return f"answer to {question.prompt}"

    folder = SocketFolder((Path("/tmp") / f"lmdeck-askt-{os.getpid()}",))
    server = AskingServer(folder)
    await server.start()
    await server.start()
    questions = LoginQuestions(Scope("box"), ask, Answers(), interactive=True)
    token, variables = server.begin(questions)
    environment = {**os.environ, **variables}

    async def helper(**more: str) -> tuple[int | None, str]:
        child = await asyncio.create_subprocess_exec(
            sys.executable,
            "-I",
            askpass.__file__,
            "Wie? 中",
            env={**environment, **more},
            stdout=asyncio.subprocess.PIPE,
        )
        out, _ = await child.communicate()
        return child.returncode, out.decode()

    try:
        assert await helper() == (0, "answer to Wie? 中\n")
        assert await helper(LMDECK_ASKPASS_TOKEN="wrong") == (1, "")
        assert await helper(LMDECK_ASKPASS_SOCKET="/nowhere") == (1, "")
        assert await helper(LMDECK_ASKPASS_SOCKET="127.0.0.1:1") == (1, "")
        server.end(token)
        assert await helper() == (1, "")
        script = find_program(tmp_path)
        assert os.access(script, os.X_OK)
        done = subprocess.run([script, "x"], env={"PATH": os.environ["PATH"]}, capture_output=True, check=False)
        assert done.returncode == 1
    finally:
        await server.aclose()
        await server.aclose()
        folder.close()
        shutil.rmtree(folder.path.parent, ignore_errors=True)


def test_the_helper_knows_nothing_of_lmdeck() -> None:
    tree = ast.parse(Path(askpass.__file__).read_text("utf-8"))
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert names == {"__future__", "json", "os", "socket", "sys"}


async def test_no_ssh_no_openssh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ProblemError) as caught:
        await find_client()
    assert caught.value.problem.code == "ssh.no_client"
    script = tmp_path / "ssh"
    script.write_text("#!/bin/sh\necho dropbear >&2\n")
    script.chmod(0o755)
    with pytest.raises(ProblemError) as caught:
        await Hub().open()
    assert caught.value.problem.code == "ssh.not_openssh"
    script.write_text("#!/bin/sh\necho OpenSSH_for_Windows_8.1p1, LibreSSL >&2\n")
    assert (await find_client()).version == (8, 1)
    monkeypatch.setattr(client.sys, "platform", "win32")
    monkeypatch.setattr(client.shutil, "which", lambda _name: str(script))
    with pytest.raises(ProblemError) as caught:
        await find_client()
    assert caught.value.problem.code == "ssh.old_client"


def test_a_way_through_a_jump_host_is_one_word_for_a_shell() -> None:
    ssh = client.Client("/a b/ssh", (9, 2), "")
    command = jump_command(ssh, Target("h", options=("-F", "my file")), "a@b:1,c", "/run/x y")
    assert command.startswith("'/a b/ssh' -F 'my file' -o ControlMaster=no ")
    assert command.endswith("-W '[%h]:%p' ssh://c")
    assert "-J a@b:1" in " ".join(client.jump_master(ssh, Target("h"), "a@b:1,c", "/run/x"))


async def test_the_way_without_a_master() -> None:
    ways = ListForwarding()
    one = ways.new("127.0.0.1", 23333)
    assert await ways.add(one)
    assert ways.start_words()[-2:] == ["-L", f"127.0.0.1:{one.local_port}:127.0.0.1:23333"]
    await ways.opened()
    assert not await ways.add(Forward("::1", 1, local_port=free_port()))
    await ways.remove(one)
    assert len(ways.wanted) == 1
    assert ways.start_words()[-1].endswith(":[::1]:1")
