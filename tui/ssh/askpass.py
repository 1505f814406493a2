"""``lmdeck-askpass``: the program ssh starts to ask something (SSH_ASKPASS). It hands the question to the lmdeck that
started ssh and prints the answer; it knows nothing else. Standard library only, nothing of lmdeck: it must start fast.

The environment names a socket (a path, or ``127.0.0.1:port`` where there are no unix sockets) and a token that is good
for this one login. One JSON line goes out, ``{"token", "prompt", "hint"}``; one comes back, ``{"answer": text}``, or
nothing when nobody answers.
"""

from __future__ import annotations

import json
import os
import socket
import sys

SOCKET = "LMDECK_ASKPASS_SOCKET"
TOKEN = "LMDECK_ASKPASS_TOKEN"  # noqa: S105 (the name of a variable)


def main() -> int:
    """Ask; 0 with the answer on standard output, 1 without one."""
    place = os.environ.get(SOCKET, "")
    question = {
        "token": os.environ.get(TOKEN, ""),
        "prompt": sys.argv[1] if len(sys.argv) > 1 else "",
        "hint": os.environ.get("SSH_ASKPASS_PROMPT", ""),
    }
    try:
        with _connect(place) as connection, connection.makefile("rwb") as stream:
            stream.write(json.dumps(question).encode() + b"\n")
            stream.flush()
            answer = json.loads(stream.readline() or b"{}").get("answer")
    except (OSError, ValueError):
        return 1
    if not isinstance(answer, str):
        return 1
    sys.stdout.buffer.write(answer.encode() + b"\n")
    sys.stdout.buffer.flush()
    return 0


def _connect(place: str) -> socket.socket:
    host, colon, port = place.rpartition(":")
    if colon and port.isdigit() and "/" not in place:
        return socket.create_connection((host, int(port)))
    if sys.platform == "win32":
        raise OSError(place)
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.connect(place)
    return connection


if __name__ == "__main__":
    raise SystemExit(main())
