"""The line of the card's own tool on a machine behind a real sshd, kept beside the split."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.ssh_links import QUICK, StartSshd, User, sshd
from tests.support.sshd import key_pair
from tui.hosts.remote import RemoteHost
from tui.hosts.witness import GpuTool, ask_there

__all__ = ["sshd"]
pytestmark = pytest.mark.filterwarnings("ignore:Exception ignored in. <socket:pytest.PytestUnraisableExceptionWarning")
LINE = "2026/11/22 08:25:40.123, NVIDIA H200, 11759 MiB, 24576 MiB, 3 %"


async def test_nvidia_smi_of_the_far_machine_is_asked(sshd: StartSshd, tmp_path: Path) -> None:
    programs = tmp_path / "programs"
    programs.mkdir()
    shell = tmp_path / "shell"
    shell.write_text(f'#!/bin/sh\nPATH={programs}:$PATH; export PATH\nexec /bin/sh "$@"\n')
    shell.chmod(0o755)
    key = key_pair("plain")
    box = await sshd(keys=(key,), shell=str(shell))
    host = RemoteHost(box.target("-i", str(key), "-o", "IdentitiesOnly=yes"), User(), timing=QUICK)
    try:
        host.link.connect()
        await host.link.up()
        tool = GpuTool(ask_there(host.link.order))
        await tool.refresh()
        assert tool.line == ""
        program = programs / "nvidia-smi"
        program.write_text(f"#!/bin/sh\necho '{LINE}'\n")
        program.chmod(0o755)
        await tool.refresh()
        assert tool.line == LINE
    finally:
        await host.aclose()
    await tool.refresh()
    assert tool.line == LINE
