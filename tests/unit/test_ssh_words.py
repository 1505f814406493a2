"""What the command line says about ssh."""

from __future__ import annotations

import pytest

from tui.config.profiles import Profile
from tui.hosts.remote import target_of
from tui.model.problem import ProblemError
from tui.ssh.command_line import with_options
from tui.ssh.target import parse_target
from tui.ssh_words import joined_options, option_words, split_ssh_words


@pytest.mark.parametrize(
    ("words", "line", "ours"),
    [
        (
            ["-CNg", "-L", "23333:127.0.0.1:23333", "root@host", "-p", "48626"],
            "ssh -CNg -L 23333:127.0.0.1:23333 root@host -p 48626",
            [],
        ),
        (["root@host", "--model", "m", "-p", "5", "--no-mouse"], "ssh root@host -p 5", ["--model", "m", "--no-mouse"]),
        (["--ssh-option=-i key", "box"], "ssh box", ["--ssh-option=-i key"]),
        (["ssh -p 41682 root@host"], "ssh -p 41682 root@host", []),
        (["-p 41682 root@host"], "ssh -p 41682 root@host", []),
        (["-o", "ProxyCommand=nc %h %p", "box"], "ssh -o 'ProxyCommand=nc %h %p' box", []),
        (["--", "box"], "ssh -- box", []),
        ([], "", []),
        (["--model"], "", ["--model"]),
    ],
)
def test_the_words_behind_ssh(words: list[str], line: str, ours: list[str]):
    assert split_ssh_words(words) == (line, ours)
    if line:
        assert parse_target(line).host in ("host", "box")


def test_options_with_a_dash_reach_argparse():
    words = ["box", "--ssh-option", "-F", "--ssh-option", "file", "--model", "m", "--ssh-option"]
    assert joined_options(words) == ["box", "--ssh-option=-F", "--ssh-option=file", "--model", "m", "--ssh-option"]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (["-F", "/my file"], ("-F", "/my file")),
        (["-i key"], ("-i", "key")),
        (["-i '/my key'"], ("-i", "/my key")),
        (["-o", "User=root"], ("-o", "User=root")),
        (["StrictHostKeyChecking=no", "Compression=no"], ("-o", "StrictHostKeyChecking=no", "-o", "Compression=no")),
        (["-oUser=root"], ("-oUser=root",)),
        (["-v", "User=root"], ("-v", "-o", "User=root")),
        (["ProxyCommand=ssh -W %h:%p jump"], ("-o", "ProxyCommand=ssh -W %h:%p jump")),
        (["-oProxyCommand=nc %h %p"], ("-oProxyCommand=nc %h %p",)),
        ([""], ()),
    ],
)
def test_ssh_options(values: list[str], words: tuple[str, ...]):
    assert option_words(values) == words


def test_ssh_options_are_understood_as_ssh_does():
    target = with_options(parse_target("ssh://box"), option_words(["-p 5", "-L 1:127.0.0.1:8000", "User=root"]))
    assert (target.login, target.server, target.names_server) == ("root@box:5", "127.0.0.1:8000", True)


def test_a_quote_that_is_not_closed():
    with pytest.raises(ProblemError) as caught:
        option_words(["-i 'key"])
    assert caught.value.problem.code == "ssh.bad_command_line"


def test_a_profile_takes_what_the_command_line_takes():
    profile = Profile("box", ssh="root@box", ssh_options=("-i ~/.ssh/camp", "Compression=yes", "-p", "48626"))
    target = target_of(profile)
    assert target.login == "root@box:48626"
    assert target.options == ("-i", "~/.ssh/camp", "-o", "Compression=yes")
