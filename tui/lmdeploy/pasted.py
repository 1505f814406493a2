"""Command lines as blogs and chats print them: en dashes for ``--``, curly quotes, lost backslashes, full-width
characters, prompts before and ``> log 2>&1 &`` after. What a shell would have read is restored; nothing is run.
"""

from __future__ import annotations

import re
import shlex
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["serve", "proxy", "auto_awq", ""]

_DASHES = "-‐‑‒–—―−─－﹣"
_LOOKALIKES = {
    **dict.fromkeys(map(ord, "“”„‟″「」『』＂"), '"'),
    **dict.fromkeys(map(ord, "‘’‚‛′＇`"), "'"),
    **dict.fromkeys((0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF, 0xAD), None),
    ord("＼"): "\\",
}
_FLAG = re.compile(rf"[{re.escape(_DASHES)}]+(?=[A-Za-z])")
_INNER = str.maketrans(dict.fromkeys(_DASHES, "-"))
_PROMPT = re.compile(r"^\s*(?:\([^()\s]{1,60}\)\s*)?(?:[\w.-]+@[\w.-]+[^\s#$%]*\s*)?[$#%>❯]+\s+")
_COMMENT = re.compile(r"\s*#(?!\s*(?:\S*/)?(?:lmdeploy|python|nohup|export|[A-Z_]+=))")
_ASSIGNMENT = re.compile(r"([A-Za-z_]\w*)=(.*)", re.DOTALL)
_AFTER = re.compile(r"(?:[12&]?>{1,2}.*|<.*|\||\|\||&&?|;|2>&1)$")
_WRAPPERS = ("nohup", "setsid", "sudo", "exec", "time", "export", "env")
_PYTHON = re.compile(r"(?:.*/)?python[\d.]*$")


@dataclass(frozen=True, slots=True)
class Pasted:
    """A command line read back: what it does, the words after ``serve api_server`` (or the like), and the variables set
    before it. ``kind`` is "" and ``words`` are all words when it is no lmdeploy command."""

    kind: Kind
    words: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict[str, str])


def read_pasted(text: str) -> Pasted:
    """A pasted text of one command, over one line or many. Raises ValueError for quotes that never close."""
    plain = _joined(text)
    try:
        words = shlex.split(plain)
    except ValueError:
        words = shlex.split(plain.replace("'", ""))  # an apostrophe in the prose around it
    return read_words(words)


def read_words(words: Sequence[str]) -> Pasted:
    """The same from words a shell has split already (``lmdeck serve …`` with a pasted tail)."""
    rest = [mended for word in words if (mended := mend_word(word)) not in ("", "\\")]
    environment: dict[str, str] = {}
    while rest and (rest[0] in _WRAPPERS or _ASSIGNMENT.fullmatch(rest[0])):
        word = rest.pop(0)
        if match := _ASSIGNMENT.fullmatch(word):
            environment[match[1]] = match[2]
    rest = _without_tail(rest)
    kind, start = _command(rest)
    return Pasted(kind, tuple(rest[start:]), environment)


def mend_word(word: str) -> str:
    """One word as a shell should have got it. Only a flag is changed inside; a value keeps its characters."""
    word = word.translate(_LOOKALIKES)
    match = _FLAG.match(word)
    if match is None or (match[0] == "-" and len(word) <= 2):
        return word.strip("\"'") if word[:1] in "\"'" and word[-1:] == word[:1] and len(word) > 1 else word
    if match[0] == "-":  # a real single dash before a long name: one of two was lost
        return "-" + word
    flag, equals, value = word[match.end() :].partition("=")
    name = unicodedata.normalize("NFKC", flag).translate(_INNER)
    return f"--{name}{equals}{value}"


def _joined(text: str) -> str:
    """One line: continuation backslashes (also those whose line break was lost) and line breaks become spaces."""
    lines: list[str] = []
    for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n"):
        clean = unicodedata.normalize("NFKC", line.translate(_LOOKALIKES)) if not line.isascii() else line
        if clean.strip() and not _COMMENT.match(clean):
            lines.append(_PROMPT.sub("", clean).strip())
    joined = " ".join(lines)
    return re.sub(r"\\(?=\s|$)", " ", joined)


def _without_tail(words: list[str]) -> list[str]:
    """Without redirections and what follows a ``|`` or ``&``."""
    for at, word in enumerate(words):
        if _AFTER.fullmatch(word):
            return words[:at]
    return words


def _command(words: Sequence[str]) -> tuple[Kind, int]:
    """What an lmdeploy command does, and where its own words begin."""
    at = 0
    if words and _PYTHON.match(words[0]) and words[1:2] == ["-m"]:
        at = 2
    if not words[at:] or not re.fullmatch(r"(?:.*/)?lmdeploy", words[at]):
        return "", 0
    commands: dict[tuple[str, ...], Kind] = {
        ("serve", "api_server"): "serve",
        ("serve", "proxy"): "proxy",
        ("lite", "auto_awq"): "auto_awq",
    }
    kind = commands.get(tuple(words[at + 1 : at + 3]))
    if kind:
        return kind, at + 3
    return ("serve", at + 2) if list(words[at + 1 : at + 2]) == ["chat"] else ("", 0)
