"""A changed host key: what was known, what is offered, and how to replace the one by the other."""

from __future__ import annotations

import re
from collections.abc import Iterable

from tui.model.problem import Problem, ProblemError
from tui.model.question import ChangedKey
from tui.ssh.client import Client, run_quick

_OFFERED = re.compile(r"fingerprint for the (?P<type>\S+) key sent by the remote host is\s+(?P<print>\S+?)\.?\s")
_OFFENDING = re.compile(r"Offending (?:\S+ )?key in (?P<file>.+?):(?P<line>\d+)\s*$", re.MULTILINE)
_NAME = re.compile(r"(?:Host|The \S+ host) key for (?P<name>\S+) has changed")
_LISTED = re.compile(r"^\d* ?(?:.*\s)?(?P<print>(?:SHA256|MD5):\S+)", re.MULTILINE)


def changed_key(lines: Iterable[str]) -> ChangedKey | None:
    """What ssh said of a changed key, without the known fingerprints; None when it said none of it."""
    text = "\n".join(lines) + "\n"
    offered, offending, name = _OFFERED.search(text), _OFFENDING.search(text), _NAME.search(text)
    if offered is None or name is None:
        return None
    file, line = (offending["file"], int(offending["line"])) if offending else ("", 0)
    return ChangedKey(name["name"], offered["type"], offered["print"], (), file, line)


async def known_prints(client: Client, key: ChangedKey) -> tuple[str, ...]:
    """The fingerprints kept for that name, for comparing. Never raises."""
    if not key.file:
        return ()
    _, out, _ = await run_quick([client.keygen, "-l", "-F", key.name, "-f", key.file])
    return tuple(dict.fromkeys(match["print"] for match in _LISTED.finditer(out) if not match[0].startswith("#")))


async def replace_key(client: Client, key: ChangedKey) -> None:
    """Forget the keys kept under that name; the next login compares the new one. Raises ProblemError."""
    if not key.file:
        raise ProblemError(Problem("ssh.key_not_removed", {"name": key.name, "file": "?", "says": ""}))
    code, out, err = await run_quick([client.keygen, "-R", key.name, "-f", key.file])
    if code != 0:
        data = {"name": key.name, "file": key.file, "says": (err or out).strip()[:200]}
        raise ProblemError(Problem("ssh.key_not_removed", data))
