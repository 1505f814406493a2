"""Hosts of ~/.ssh/config, read without running anything."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tui.hosts.ssh_config import SshHost, ssh_hosts


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty ~/.ssh."""
    monkeypatch.setenv("HOME", str(tmp_path))
    folder = tmp_path / ".ssh"
    folder.mkdir()
    return folder


def _aliases(text: str, folder: Path) -> list[str]:
    (folder / "config").write_text(text)
    return [host.alias for host in ssh_hosts()]


def test_no_file_no_hosts(folder: Path):
    assert ssh_hosts() == ()
    (folder / "config").mkdir()
    assert ssh_hosts() == ()


def test_what_is_said_of_a_host(folder: Path):
    text = """\
# mine
Host box other  # the big ones
    HostName 10.0.0.1
    HostName 10.0.0.2
    Port=48626
  user = root
host="with space"
\tPORT nonsense
HOST box
    IdentityFile x
"""
    (folder / "config").write_text(text)
    file = str(folder / "config")
    assert ssh_hosts() == (
        SshHost("box", "10.0.0.1", "root", 48626, file, 2),
        SshHost("other", "10.0.0.1", "root", 48626, file, 2),
        SshHost("with space", "", "", None, file, 7),
    )


def test_patterns_and_options_are_no_hosts(folder: Path):
    text = "Host * !not *.example.com gpu-? good -oProxyCommand=x \x1b[31m\nMatch host a\n  HostName x\nHost last\n"
    assert _aliases(text, folder) == ["good", "last"]


def test_includes(folder: Path, tmp_path: Path):
    (folder / "conf.d").mkdir()
    (folder / "conf.d" / "b.conf").write_text("Host b\nInclude config\n")
    (folder / "conf.d" / "a.conf").write_text("Host a\n Port 1\nHost *\nInclude deeper\n")
    (folder / "deeper").write_text("Host deep\nInclude ~/home.conf\nHost *\nInclude ~/home.conf\n")
    (tmp_path / "home.conf").write_text("Host home\n")
    (tmp_path / "abs.conf").write_text("Host absolute\n")
    text = (
        f'Include conf.d/*.conf "{tmp_path}/abs.conf" none\nHost z\n  Include only-for-z\nMatch all\nInclude deeper\n'
    )
    (folder / "only-for-z").write_text("Host hidden\n")
    assert _aliases(text, folder) == ["a", "deep", "home", "b", "absolute", "z"]


def test_an_include_of_itself_comes_to_an_end(folder: Path):
    assert _aliases("Include config config\nHost a\n", folder) == ["a"]


def test_what_cannot_be_read_is_left_out(folder: Path):
    if hasattr(os, "mkfifo"):
        os.mkfifo(folder / "pipe")
    (folder / "latin").write_bytes(b"Host caf\xe9 ok\r\n")
    (folder / "loop").symlink_to(folder / "loop")
    assert _aliases("Include pipe latin loop\nHost a\n", folder)[-2:] == ["ok", "a"]


@pytest.mark.parametrize(
    ("port", "value"), [("0", None), ("65535", 65535), ("65536", None), ("9" * 5000, None), ("²", None)]
)
def test_ports(folder: Path, port: str, value: int | None):
    (folder / "config").write_text(f"Host a\nPort {port}\n")
    assert ssh_hosts()[0].port == value


@settings(deadline=None)
@given(
    st.lists(
        st.sampled_from(["Include ", "Host ", "Match ", "all", "*", "\n", '"', "=", "#", "\0", "["]) | st.text()
    ).map("".join)
)
def test_any_text_is_read(text: str):
    import tempfile

    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "config"
        path.write_text(text, "utf-8", "surrogatepass", newline="")
        for host in ssh_hosts(path):
            assert host.alias.isprintable()


@pytest.mark.skipif(shutil.which("ssh") is None, reason="no ssh here")
def test_openssh_reads_the_same(folder: Path):
    (folder / "inc").write_text('Host inner\n  HostName "inner.example"\n')
    (folder / "config").write_text(
        f"Include {folder}/inc\nHost box\n  HostName=10.0.0.1\n  Port 2222 # why\n  User root\n"
        f"Host x\n Include {folder}/late\nHost *\n  Port 22\n"
    )
    (folder / "late").write_text("Host late\n  HostName late.example\n")
    assert [host.alias for host in ssh_hosts()] == ["inner", "box", "x"]
    for host in ssh_hosts():
        done = subprocess.run(
            ["ssh", "-G", "-F", str(folder / "config"), host.alias], capture_output=True, text=True, check=True
        )
        found = dict(line.split(" ", 1) for line in done.stdout.splitlines() if " " in line)
        if host.host_name:
            assert found["hostname"] == host.host_name
        if host.port:
            assert found["port"] == str(host.port)
        if host.user:
            assert found["user"] == host.user
