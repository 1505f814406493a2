"""What every command ends with, and which of these codes a problem on the way to a server means."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tui.model.problem import Problem

DONE, FAILED, USAGE, UNREACHABLE, INTERRUPTED = 0, 1, 2, 3, 130

_MISTYPED = frozenset(
    ("ssh.empty_target", "ssh.bad_host", "ssh.bad_user", "ssh.bad_port", "ssh.password_in_url", "ssh.scheme",
     "ssh.bad_command_line", "ssh.unknown_option", "ssh.several_servers", "ssh.listens_elsewhere")
)  # fmt: skip


def code_of(problem: Problem, otherwise: int) -> int:
    """The exit code of a command that a problem ended: a problem of ssh is one of the words that were given
    (``USAGE``), or there is no way to the machine; all others are what the command says."""
    if problem.code in _MISTYPED:
        return USAGE
    return UNREACHABLE if problem.code.startswith("ssh.") else otherwise
