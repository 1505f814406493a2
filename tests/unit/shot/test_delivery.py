"""Clipboards and the line that fetches a picture."""

from __future__ import annotations

import base64
import sys
from pathlib import Path

import pytest

from tui.shot.delivery import FOLDER, Clip, clip_for, fetch_lines, give, pictures_folder

PICTURE = Path("/srv/me/lmdeck-pictures/a b.png")


def has(*names: str):
    return lambda name: f"/usr/bin/{name}" if name in names else None


def test_wayland_before_x11() -> None:
    environ = {"WAYLAND_DISPLAY": "wayland-0", "DISPLAY": ":0"}
    clip = clip_for(PICTURE, environ, "linux", has("wl-copy", "xclip"))
    assert clip is not None
    assert (clip.name, clip.words[-1]) == ("wl-copy", str(PICTURE))
    clip = clip_for(PICTURE, environ, "linux", has("xclip"))
    assert clip == Clip("xclip", ("xclip", "-selection", "clipboard", "-t", "image/png", "-i", str(PICTURE)))


@pytest.mark.parametrize("platform", ["linux", "darwin", "win32"])
def test_over_ssh_no_program_can_reach_the_users_clipboard(platform: str) -> None:
    environ = {"DISPLAY": ":10", "SSH_CONNECTION": "10.0.0.1 5 10.0.0.2 22"}
    assert clip_for(PICTURE, environ, platform, has("xclip", "osascript", "powershell.exe")) is None


@pytest.mark.parametrize("platform", ["linux", "darwin", "win32"])
def test_nothing_to_use_is_none(platform: str) -> None:
    assert clip_for(PICTURE, {"DISPLAY": ":0", "WAYLAND_DISPLAY": "w"}, platform, has()) is None
    assert clip_for(PICTURE, {}, "linux", has("xclip", "wl-copy", "powershell.exe")) is None


def test_a_mac_reads_the_file_as_png() -> None:
    clip = clip_for(Path('/Volumes/me/a "b".png'), {}, "darwin", has("osascript"))
    assert clip is not None
    assert clip.words[2] == 'set the clipboard to (read (POSIX file "/Volumes/me/a \\"b\\".png") as «class PNGf»)'


@pytest.mark.parametrize(
    ("platform", "environ", "path"),
    [
        ("win32", {}, "/srv/me/lmdeck-pictures/it''s.png"),
        ("linux", {"WSL_DISTRO_NAME": "Ubuntu"}, "\\\\wsl.localhost\\Ubuntu\\srv\\me\\lmdeck-pictures\\it''s.png"),
    ],
)
def test_windows_gets_the_image_by_powershell(platform: str, environ: dict[str, str], path: str) -> None:
    clip = clip_for(PICTURE.with_name("it's.png"), environ, platform, has("powershell.exe"))
    assert clip is not None
    assert clip.name == "PowerShell"
    script = base64.b64decode(clip.words[-1]).decode("utf-16-le")
    assert f"FromFile('{path}')" in script.replace(str(PICTURE.parent), str(PICTURE.parent).replace("\\", "/"))


async def test_a_program_says_whether_it_took_the_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    assert await give(Clip("x", (sys.executable, "-c", "")))
    assert not await give(Clip("x", (sys.executable, "-c", "raise SystemExit(3)")))
    assert not await give(Clip("x", ("/no/such/program",)))
    monkeypatch.setattr("tui.shot.delivery._SECONDS", 0.2)
    assert not await give(Clip("x", (sys.executable, "-c", "import time; time.sleep(60)")))


def test_the_folder_is_made_below_the_home(tmp_path: Path) -> None:
    assert pictures_folder(tmp_path) == tmp_path / FOLDER
    assert pictures_folder(tmp_path).is_dir()


def test_the_lines_name_the_place_from_the_home() -> None:
    assert fetch_lines(PICTURE, Path("/srv/me")) == ("lmdeck pull HOST", "scp 'HOST:lmdeck-pictures/a b.png' .")
    assert fetch_lines(PICTURE, Path("/srv/other"))[1] == f"scp 'HOST:{PICTURE}' ."
