"""The machines that ~/.ssh/config names, for offering them. Nothing is run and nothing is resolved: what a name really
means is asked of ``ssh -G`` when it is used.

Grammar: ssh_config(5) of OpenSSH 9 – keywords in any case, ``keyword value`` or ``keyword=value``, words in double
quotes, ``Include`` with ``~`` and globs relative to ~/.ssh, at most 16 levels deep.
"""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_DEPTH = 16
_LARGEST = 4 * 1024 * 1024
_MOST_FILES = 256
_LINE = re.compile(r"\s*(?P<keyword>[A-Za-z]\w*)\s*(?:=|\s)\s*(?P<rest>.*?)\s*$")
_WORD = re.compile(r'"([^"]*)"|([^\s"]+)')


@dataclass(frozen=True, slots=True)
class SshHost:
    """An alias as it can be given to ssh. The other fields are what its own block says, empty or None where it says
    nothing; ``file`` and ``line`` are where the alias stands."""

    alias: str
    host_name: str = ""
    user: str = ""
    port: int | None = None
    file: str = ""
    line: int = 0


def ssh_hosts(path: Path | None = None) -> tuple[SshHost, ...]:
    """The aliases of an ssh configuration (~/.ssh/config), in their order, each once; patterns are left out.

    Never raises: what cannot be read has no aliases. Reads files, so call it in a thread where they may be remote."""
    reader = _Reader(path or Path(os.path.expanduser("~/.ssh/config")))
    reader.read(str(reader.path), 0)
    return tuple(
        SshHost(alias, found.get("hostname", ""), found.get("user", ""), _port(found.get("port", "")), file, line)
        for alias, (file, line, found) in reader.hosts.items()
    )


def _port(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and 0 < int(text[:6]) < 65536 else None


class _Reader:
    """One pass over a configuration and what it includes."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.hosts: dict[str, tuple[str, int, dict[str, str]]] = {}
        self._files = 0

    def read(self, name: str, depth: int) -> None:
        """Collect the aliases of one file. A ``Host`` line inside an included file counts only where the ``Include``
        itself is reached for every host: at the top, or below ``Host *`` and ``Match all``."""
        self._files += 1
        if depth > _DEPTH or self._files > _MOST_FILES:
            return
        block: list[dict[str, str]] = []
        for_all = True
        for number, keyword, words in _lines(name):
            if keyword == "host":
                block = [self._alias(word, name, number) for word in words if _is_alias(word)]
                for_all = words == ["*"]
            elif keyword == "match":
                block = []
                for_all = [word.lower() for word in words] == ["all"]
            elif keyword == "include" and for_all:
                for pattern in words:
                    for found in self._included(pattern):
                        self.read(found, depth + 1)
            elif keyword in ("hostname", "user", "port") and words:
                for values in block:
                    values.setdefault(keyword, words[0])  # the first value counts

    def _alias(self, word: str, name: str, number: int) -> dict[str, str]:
        return self.hosts.setdefault(word, (name, number, {}))[2]

    def _included(self, pattern: str) -> list[str]:
        if not pattern.isprintable():
            return []
        full = os.path.join(self.path.parent, os.path.expanduser(pattern))
        return sorted(glob.glob(full))


def _is_alias(word: str) -> bool:
    """No pattern, no negation, nothing that ssh would take for an option or a terminal for a command."""
    return word.isprintable() and not word.startswith(("!", "-")) and not set(word) & set("*?")


def _lines(name: str) -> Iterator[tuple[int, str, list[str]]]:
    """Line number, keyword in lower case and words of every line that says something."""
    if not os.path.isfile(name):  # opening a named pipe would wait for ever
        return
    try:
        with open(name, "rb") as stream:
            text = stream.read(_LARGEST).decode("utf-8", "replace")
    except OSError:
        return
    for number, line in enumerate(text.split("\n"), 1):
        if match := _LINE.match(line):
            yield number, match["keyword"].lower(), _words(match["rest"])


def _words(text: str) -> list[str]:
    """The words of a value; a # that begins a word begins a comment (OpenSSH ≥ 8.5)."""
    words: list[str] = []
    for match in _WORD.finditer(text):
        if match[2] is not None and match[2].startswith("#"):
            break
        words.append(match[1] if match[1] is not None else match[2])
    return words
