"""Where to go: URLs, aliases, and the ssh lines people paste."""

from __future__ import annotations

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.sentences import sentence_of
from tui.model.problem import ProblemError
from tui.ssh.command_line import parse_options, with_options
from tui.ssh.target import Target, parse_target


def code_of(text: str) -> str:
    with pytest.raises(ProblemError) as caught:
        parse_target(text)
    sentence_of(caught.value.problem)
    return caught.value.problem.code


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("ssh://root@host:48626", Target("host", "root", 48626)),
        ("ssh://host", Target("host")),
        ("SSH://host/", Target("host")),
        ("ssh://a@host/24444", Target("host", "a", server_port=24444)),
        ("ssh://a@host/node1:8000", Target("host", "a", server_host="node1", server_port=8000)),
        ("ssh://a@host/node1", Target("host", "a", server_host="node1")),
        ("ssh://a@[::1]:22/[fe80::1]:9", Target("::1", "a", 22, server_host="fe80::1", server_port=9)),
        ("ssh://::1", Target("::1")),
        ("my-box", Target("my-box")),
        ("root@box:22", Target("box", "root", 22)),
        ("“root＠box：22”", Target("box", "root", 22)),
        ("中文主机", Target("中文主机")),
        ("a@b@box", Target("box", "a@b")),
        ("ssh", Target("ssh")),
    ],
)
def test_addresses(text: str, target: Target) -> None:
    assert parse_target(text) == target


@pytest.mark.parametrize(
    ("line", "target"),
    [
        ("ssh -CNg -L 23333:127.0.0.1:23333 root@host -p 48626", Target("host", "root", 48626)),
        (
            "ssh -p 41682 root@host -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null",
            Target("host", "root", 41682, ("-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null")),
        ),
        ("$ ssh －p 22 “root@h”", Target("h", "root", 22)),
        ("root@box:~/x# ssh –p22 h", Target("h", port=22)),
        ("(base) user@box:~$ /usr/bin/ssh h -l me", Target("h", "me")),
        ("PS C:\\Users\\me> ssh.exe -i C:\\Users\\me\\key h", Target("h", options=("-i", "C:\\Users\\me\\key"))),
        ("ssh -J a@b:3,c -i ~/.ssh/id -F 'my file' -4 h", Target(
            "h", options=("-J", "a@b:3,c", "-i", "~/.ssh/id", "-F", "my file", "-4"))),
        ("ssh h -o 'Port 99' -oUser=me -p 1", Target("h", "me", 99)),
        ("ssh -fNL8080:localhost:23334 h uptime -x", Target("h", server_port=23334)),
        ("ssh -L [::1]:1:[fe80::1]:99 -L 5:node:6 h", Target(
            "h", server_host="fe80::1", server_port=99, more_servers=(("node", 6),))),
        ("ssh -L /tmp/a:/tmp/b -L x -L 1:2 h", Target("h")),
        ("ssh \\\n -p 5 \\\n h", Target("h", port=5)),
        ("ssh ssh://me@h:7", Target("h", "me", 7)),
        ("ssh me@h:7", Target("h", "me", 7)),
        ("ssh -o ProxyCommand=none h -v -E log", Target("h", options=("-o", "ProxyCommand=none"))),
        ("ssh -J none -- h", Target("h", options=("-J", "none"))),
    ],
)  # fmt: skip
def test_pasted_lines(line: str, target: Target) -> None:
    assert parse_target(line) == target


def test_what_lmdeck_does_its_own_way_is_dropped() -> None:
    found = parse_target("ssh -gCN -D 1080 -R 1:a:2 -S x -o ControlMaster=auto -o 'LocalForward 1 a:2' h -A uptime")
    assert found.options == ()
    assert set(found.dropped) == {
        "-g", "-C", "-N", "-A", "-D 1080", "-R 1:a:2", "-S x", "-o ControlMaster=auto",
        "-o LocalForward=1 a:2", "uptime",
    }  # fmt: skip


@pytest.mark.parametrize(
    "line",
    [
        "ssh h -o ProxyCommand='nc %h'",
        "ssh h -oLocalCommand=x",
        "ssh -I /tmp/lib.so h",
        "ssh -o 'KnownHostsCommand x' h",
    ],
)
def test_what_runs_programs_here_needs_a_yes(line: str) -> None:
    found = parse_target(line)
    assert found.options == ()
    assert found.dangerous
    assert found.accepted().options == found.dangerous
    assert found.accepted().dangerous == ()


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "ssh.empty_target"), ("  “” ", "ssh.empty_target"), ("ssh -p 1", "ssh.empty_target"),
        ("ssh://", "ssh.empty_target"), ("-oProxyCommand=x", "ssh.bad_host"),
        ("ssh -- -oProxyCommand=x", "ssh.bad_host"),
        ("ssh://-x", "ssh.bad_host"), ("ssh://a@-x:1", "ssh.bad_host"), ("h;reboot", "ssh.bad_host"),
        ("a b", "ssh.bad_host"),
        ("ssh h`x`", "ssh.bad_host"), ("ssh://a;b@h", "ssh.bad_user"), ("ssh://-a@h", "ssh.bad_user"),
        ("ssh -l -x h", "ssh.bad_user"), ("ssh://[::1", "ssh.bad_host"), ("ssh://[::1]x", "ssh.bad_host"),
        ("ssh://h:99999", "ssh.bad_port"), ("ssh://h:0", "ssh.bad_port"), ("ssh -p x h", "ssh.bad_port"),
        ("ssh://h/70000", "ssh.bad_port"), ("ssh://a:secret@h", "ssh.password_in_url"), ("http://h", "ssh.scheme"),
        ("ssh 'h", "ssh.bad_command_line"), ("ssh h -p", "ssh.bad_command_line"), ("ssh -Z h", "ssh.unknown_option"),
        ("ssh h -o novalue", "ssh.unknown_option"), ("ssh -J a,-oX h", "ssh.bad_host"),
        ("ssh://h/-x:1", "ssh.bad_host"),
    ],
)  # fmt: skip
def test_what_is_refused(text: str, code: str) -> None:
    assert code_of(text) == code


def test_a_secret_in_an_address_is_not_repeated() -> None:
    with pytest.raises(ProblemError) as caught:
        parse_target("ssh://a:secret@h")
    assert "secret" not in sentence_of(caught.value.problem).replace("lmdeck", "")


@given(st.text(alphabet="sh -op'\"\\:@/[]CNgLJFiI=%.1h中", max_size=40).map("ssh {}".format) | st.text(max_size=30))
def test_a_host_is_never_an_option(text: str) -> None:
    try:
        target = parse_target(text)
    except ProblemError:
        return
    assert not target.host.startswith("-")
    assert not target.user.startswith("-")
    assert target.words[-2:] == ("--", target.host)
    assert not target.server_host.startswith("-")


@given(
    st.sampled_from(["box", "10.0.0.1", "a.b-c.org"]), st.sampled_from(["", "root", "a.b"]), st.integers(1, 65535),
    st.integers(1, 65535),
)  # fmt: skip
def test_a_url_reads_back(host: str, user: str, port: int, server: int) -> None:
    target = Target(host, user, port, server_port=server)
    assert parse_target(target.url) == target
    line = shlex.join(["ssh", "-L", f"1:127.0.0.1:{server}", *target.words])
    assert parse_target(line) == target


def test_options_of_a_profile() -> None:
    target = Target("box", "root", options=("-4",))
    found = with_options(target, ("-i", "key", "-o", "ProxyCommand=nc %h", "-p", "5", "-L", "1:node:2"))
    assert found.options == ("-i", "key", "-o", "ProxyCommand=nc %h", "-4")
    assert (found.user, found.port, found.server) == ("root", 5, "node:2")
    assert with_options(target, ()) is target
    with pytest.raises(ProblemError):
        parse_options(("host",))
    assert Target("::1", server_host="::2").url == "ssh://[::1]/[::2]:23333"
