"""What the command line says about ssh: ``lmdeck ssh …`` and ``--ssh-option``."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING

from tui.i18n import _

if TYPE_CHECKING:
    import argparse

_FLAGS = frozenset({"--no-mouse", "--continue", "--help"})


def split_ssh_words(words: Sequence[str]) -> tuple[str, list[str]]:
    """The words behind ``lmdeck ssh`` as one ssh line, and lmdeck's own options among them: ssh has no long ones."""
    theirs: list[str] = []
    ours: list[str] = []
    rest = iter(words)
    for word in rest:
        if not word.startswith("--") or word == "--":
            theirs.append(word)
            continue
        ours.append(word)
        if "=" not in word and word not in _FLAGS:
            ours += [value for value in (next(rest, None),) if value is not None]
    if len(theirs) == 1 and " " in theirs[0]:  # the whole line was quoted
        return theirs[0] if theirs[0].startswith("ssh ") else f"ssh {theirs[0]}", ours
    return shlex.join(["ssh", *theirs]) if theirs else "", ours


def add_ssh_option(parser: argparse.ArgumentParser) -> None:
    """``--ssh-option`` of every command that may go over ssh; parse with :func:`joined_options`, then
    :func:`option_words`."""
    parser.add_argument(
        "--ssh-option",
        action="append",
        default=[],
        metavar="OPTION",
        help=_("an option for ssh, such as '-i key', '-F file' or Key=value; may be given several times"),
    )


def joined_options(words: Sequence[str]) -> list[str]:
    """``--ssh-option -F`` as ``--ssh-option=-F``: to argparse a value with a dash is the next option."""
    found: list[str] = []
    rest = iter(words)
    for word in rest:
        value = next(rest, None) if word == "--ssh-option" else None
        found.append(word if value is None else f"{word}={value}")
    return found


def option_words(values: Sequence[str]) -> tuple[str, ...]:
    """Words for ssh of what followed ``--ssh-option``, or of a profile's ``ssh_options``: ``-i key`` (one value or
    two), or ``Key=value`` as behind ``-o``. Raises ProblemError(ssh.bad_command_line)."""
    found: list[str] = []
    for value in values:
        if _waits(found) or (value.startswith("-o") and _SETTING.match(value[2:])):
            found.append(value)
        elif _SETTING.match(value):
            found += ["-o", value]
        else:
            found += _split(value)
    return tuple(found)


_SETTING = re.compile(r"\w+=")


def _split(value: str) -> list[str]:
    try:
        return shlex.split(value)
    except ValueError:
        from tui.ssh.target import bad

        raise bad("bad_command_line", text=value) from None


def _waits(found: list[str]) -> bool:
    """Whether the last word is an option whose value comes next."""
    if not found or re.fullmatch("-[A-Za-z]", found[-1]) is None:
        return False
    from tui.ssh.command_line import WITH_VALUE

    return found[-1][1] in WITH_VALUE
