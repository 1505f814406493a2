"""``lmdeck pull`` over a real sshd."""

from __future__ import annotations

import asyncio
import io
from pathlib import Path

import pytest

from tests.support.ssh_links import StartSshd, sshd
from tests.support.sshd import USER, key_pair
from tui.pull_command import pull_command

__all__ = ["sshd"]
pytestmark = pytest.mark.filterwarnings("ignore:Exception ignored in. <socket:pytest.PytestUnraisableExceptionWarning")


async def test_pictures_come_over_the_ssh_connection(sshd: StartSshd, tmp_path: Path) -> None:
    key = key_pair("plain")
    box = await sshd(keys=(key,))
    folder = box.home / "lmdeck-pictures"
    (folder / "report-files").mkdir(parents=True)
    picture = b"\x89PNG" + bytes(range(256)) * 8000  # 2 MB, no text
    (folder / "狐狸 & 西瓜.png").write_bytes(picture)
    (folder / "report-files" / "a.png").write_bytes(b"a")
    (folder / "evil\x1b[2J.png").write_bytes(b"e")
    line = (
        f"ssh -p {box.port} {USER}@127.0.0.1 -i {key} -o IdentitiesOnly=yes -F none "
        f"-o UserKnownHostsFile={box.folder}/known_hosts -o StrictHostKeyChecking=accept-new"
    )
    out, err = io.StringIO(), io.StringIO()
    target = tmp_path / "here"
    code = await asyncio.to_thread(pull_command, [line, "--to", str(target)], out, err)
    assert code == 0, err.getvalue()
    assert "3 files fetched" in out.getvalue()
    assert "\x1b" not in out.getvalue() + err.getvalue()
    assert (target / "狐狸-西瓜.png").read_bytes() == picture
    assert (target / "report-files" / "a.png").read_bytes() == b"a"
    code = await asyncio.to_thread(pull_command, [line, "--to", str(target), "--folder", "nothing"], out, err)
    assert code == 1
    assert "There is no folder nothing" in err.getvalue()
