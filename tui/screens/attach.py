"""Files named in a message: ``@path`` becomes the file's text below the message, or a picture beside it.

Everything here reads files: call it in a thread.
"""

from __future__ import annotations

import base64
import os
import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from tui.model.message import ImagePart
from tui.model.problem import Problem

TEXT_LIMIT = 256 * 1024
IMAGE_LIMIT = 20 * 1024 * 1024
_MENTION = re.compile(r'(?<![^\s（(])@(?:"([^"\n]+)"|(\S+))')
_TAIL = ".,;:!?)]}，。；：！？）】」』”'\""
_MAGIC = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
    (b"BM", "image/bmp"),
)
_IMAGE_ENDINGS = (".png", ".jpg", ".jpeg", ".gif", ".bmp", ".webp")


@dataclass(frozen=True, slots=True)
class Expanded:
    """A message with its files. With a ``problem`` it is not to be sent."""

    text: str
    images: tuple[ImagePart, ...] = ()
    problem: Problem | None = None


def expand(text: str, folder: Path) -> Expanded:
    """Attach the files that ``text`` names; an @ before something that is no file means nothing."""
    images: list[ImagePart] = []
    pieces: list[str] = []
    seen: set[Path] = set()
    for match in _MENTION.finditer(text):
        path = _file(match[1] or match[2], folder, exact=match[1] is not None)
        if path is None or path in seen:
            continue
        seen.add(path)
        read = _read(path)
        if isinstance(read, Problem):
            return Expanded(text, problem=read)
        if isinstance(read, ImagePart):
            images.append(read)
        else:
            pieces.append(_quoted(path, read))
    return Expanded("\n\n".join([text, *pieces]), tuple(images))


def _file(name: str, folder: Path, *, exact: bool) -> Path | None:
    names = [name]
    while not exact and names[-1] and names[-1][-1] in _TAIL:
        names.append(names[-1][:-1])
    for one in names:
        try:
            path = folder / Path(one).expanduser()
            if one and path.is_file():
                return path
        except (OSError, ValueError, RuntimeError):
            continue
    return None


def _read(path: Path) -> str | ImagePart | Problem:
    shown = {"path": path.name}
    try:
        size = path.stat().st_size
        with path.open("rb") as stream:
            head = stream.read(16)
            media_type = media_type_of(head)
            limit = IMAGE_LIMIT if media_type else TEXT_LIMIT
            if size > limit:
                return Problem("app.file_too_large", {**shown, "limit": limit // 1024})
            data = head + stream.read(limit)
    except OSError as error:
        return Problem("app.file_unreadable", {**shown, "reason": error.strerror or ""})
    if media_type:
        return ImagePart(media_type, base64.b64encode(data).decode(), path.name)
    if b"\x00" in data:
        return Problem("app.file_binary", shown)
    return data.decode("utf-8", "replace")


def media_type_of(head: bytes) -> str:
    """What kind of picture begins like this; empty for anything else. The file's ending does not count."""
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for magic, kind in _MAGIC if head.startswith(magic)), "")


def _quoted(path: Path, text: str) -> str:
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{path.name}:\n{fence}{path.suffix[1:]}\n{text.rstrip()}\n{fence}"


def completion(start: str, folder: Path) -> str:
    """What is missing of the first name that begins like this; a folder ends with a slash. Empty: nothing."""
    head, _slash, last = start.rpartition("/")
    try:
        place = folder / Path(f"{head}/" if head or start.startswith("/") else ".").expanduser()
        with os.scandir(place) as entries:
            names = sorted(
                entry.name + ("/" if entry.is_dir() else "")
                for entry in entries
                if entry.name.startswith(last) and (last or not entry.name.startswith(".")) and " " not in entry.name
            )
    except (OSError, ValueError, RuntimeError):
        return ""
    return names[0][len(last) :] if names else ""


def dropped_files(text: str) -> list[str]:
    """The paths in a paste that consists of nothing but paths of existing files, as terminals write files that are
    dropped on them: bare, quoted, with backslashes before blanks, or as file:// addresses."""
    if len(text) > 4096 or "\x00" in text or not text.strip():
        return []
    try:
        words = shlex.split(text.strip())
    except ValueError:
        return []
    paths = [unquote(word[7:]) if word.startswith("file://") else word for word in words]
    absolute = all(path.startswith(("/", "~")) for path in paths)
    return paths if paths and absolute and all(_is_picture(path) for path in paths) else []


def _is_picture(path: str) -> bool:
    try:
        return path.lower().endswith(_IMAGE_ENDINGS) and Path(path).expanduser().is_file()
    except (OSError, ValueError, RuntimeError):
        return False


def mention(path: str) -> str:
    """A path as it is named in a message."""
    return f'@"{path}"' if re.search(r"\s", path) or path[-1:] in _TAIL else f"@{path}"
