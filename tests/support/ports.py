"""Ports for programs that are started a moment later: below those that the system gives to everybody else."""

from __future__ import annotations

import os
import socket
from itertools import count

FIRST, LAST = 12_000, 23_000  # lmdeploy's own are above, which discovery looks at
_PLACES = count(os.getpid() * 101)  # every worker begins somewhere else


def free_port() -> int:
    """A TCP port of 127.0.0.1 where nothing listens, and which neither the system nor this process gives away again."""
    while not _binds(port := FIRST + next(_PLACES) % (LAST - FIRST)):
        pass
    return port


def _binds(port: int) -> bool:
    with socket.socket() as one:
        try:
            one.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
