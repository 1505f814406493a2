"""Bringing a picture to where it is needed: the clipboard of this machine, or a line that fetches it from afar.

What took the picture is said, never that a clipboard holds it: no such program tells.
"""

from __future__ import annotations

import asyncio
import base64
import shutil
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

FOLDER = "lmdeck-pictures"
"""Where pictures go, below the home."""
_SECONDS = 5.0

Find = Callable[[str], str | None]


@dataclass(frozen=True, slots=True)
class Clip:
    """A program that takes a PNG for the clipboard: its words; ``name`` is what is shown."""

    name: str
    words: tuple[str, ...]


def pictures_folder(home: Path | None = None) -> Path:
    """The folder, made now if it is missing. Raises OSError."""
    folder = (home or Path.home()) / FOLDER
    folder.mkdir(exist_ok=True)
    return folder


def clip_for(
    path: Path, environ: Mapping[str, str], platform: str = sys.platform, find: Find = shutil.which
) -> Clip | None:
    """The program that puts this PNG on the clipboard of the screen in front of the user; None where there is none,
    and over ssh, where that clipboard is another machine's."""
    if "SSH_CONNECTION" in environ or "SSH_TTY" in environ:
        return None
    if platform == "darwin":
        script = f'set the clipboard to (read (POSIX file "{_quoted(path)}") as «class PNGf»)'
        return Clip("osascript", ("osascript", "-e", script)) if find("osascript") else None
    if platform == "win32":
        return _powershell(str(path)) if find("powershell.exe") else None
    if "WAYLAND_DISPLAY" in environ and find("wl-copy"):
        return Clip("wl-copy", ("sh", "-c", 'wl-copy --type image/png < "$1"', "sh", str(path)))
    if "DISPLAY" in environ and find("xclip"):
        return Clip("xclip", ("xclip", "-selection", "clipboard", "-t", "image/png", "-i", str(path)))
    if "WSL_DISTRO_NAME" in environ and find("powershell.exe"):
        return _powershell(f"\\\\wsl.localhost\\{environ['WSL_DISTRO_NAME']}" + str(path).replace("/", "\\"))
    return None


def _quoted(path: Path) -> str:
    return str(path).replace("\\", "\\\\").replace('"', '\\"')


def _powershell(path: str) -> Clip:
    quoted = path.replace("'", "''")
    script = (
        "Add-Type -AssemblyName System.Windows.Forms, System.Drawing; "
        f"[Windows.Forms.Clipboard]::SetImage([Drawing.Image]::FromFile('{quoted}'))"
    )
    encoded = base64.b64encode(script.encode("utf-16-le")).decode()
    return Clip("PowerShell", ("powershell.exe", "-NoProfile", "-STA", "-EncodedCommand", encoded))


async def give(clip: Clip) -> bool:
    """Hand the picture over; True when the program took it. Never raises.

    Programs of X11 and Wayland stay behind to serve the picture; only the first process is waited for."""
    null = asyncio.subprocess.DEVNULL
    try:
        child = await asyncio.create_subprocess_exec(*clip.words, stdin=null, stdout=null, stderr=null)
    except OSError:
        return False
    try:
        async with asyncio.timeout(_SECONDS):
            return await child.wait() == 0
    except TimeoutError:
        with suppress(ProcessLookupError):
            child.kill()
        await child.wait()
        return False


def fetch_lines(path: Path, home: Path | None = None) -> tuple[str, str]:
    """Commands that fetch a picture of this machine's home, with lmdeck and with scp. HOST stands for what the user
    wrote behind ``ssh``, which this side of the connection cannot know."""
    home = home or Path.home()
    place = path.relative_to(home).as_posix() if path.is_relative_to(home) else path.as_posix()
    return "lmdeck pull HOST", f"scp 'HOST:{place}' ."
