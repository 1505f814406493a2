"""Standard streams that are not there, or that take nothing more."""

from __future__ import annotations

import errno
import os
import sys
from contextlib import suppress

from tui.exit_codes import FAILED
from tui.i18n.problems import explain
from tui.model.problem import Problem

_UNWRITTEN = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)


def replace_closed() -> None:
    """Python has None for a stream that was closed before it began (``lmdeck … >&-``)."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), mode, encoding="utf-8", errors="replace"))


def give_up(error: OSError) -> int:
    """The exit code after the output could not be written: silent when whoever read it has gone
    (``lmdeck ask … | head``), said when its disk is full. Raises any other error again."""
    if not isinstance(error, BrokenPipeError):
        if error.errno not in _UNWRITTEN:
            raise error
        problem = Problem("command.unwritten", {"reason": error.strerror or type(error).__name__})
        with suppress(OSError):  # standard error may go there as well
            sys.stderr.write(explain(problem).text + "\n")
    _drop_what_waits()
    return FAILED


def _drop_what_waits() -> None:
    """What cannot be delivered: keep Python from complaining about it at exit."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
