"""The other end of ``lmdeck-askpass``: a private socket where ssh's questions arrive, with a token for each login."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
import shlex
import shutil
import sys
from pathlib import Path
from typing import Any, cast

from tui.ssh import askpass
from tui.ssh.folder import SocketFolder
from tui.ssh.questions import LoginQuestions

PROGRAM = "lmdeck-askpass"
_LONGEST = 64 * 1024


class AskingServer:
    """Listens as long as there are logins. ``environment`` gives ssh what the helper needs."""

    def __init__(self, folder: SocketFolder) -> None:
        self._folder = folder
        self._logins: dict[str, LoginQuestions] = {}
        self._server: asyncio.Server | None = None
        self._place = ""
        self._program = ""
        self._tasks: set[asyncio.Task[Any]] = set()

    async def start(self) -> None:
        """Open the socket. Raises OSError."""
        if self._server is not None:
            return
        if sys.platform == "win32":
            self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=_LONGEST)
            self._place = f"127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        else:
            path = self._folder.socket("q")
            self._server = await asyncio.start_unix_server(self._serve, path, limit=_LONGEST)
            path.chmod(0o600)
            self._place = str(path)
        self._program = await asyncio.to_thread(find_program, self._folder.path)

    def begin(self, questions: LoginQuestions) -> tuple[str, dict[str, str]]:
        """Admit one login's questions; returns its token and the variables for ssh."""
        token = secrets.token_urlsafe(24)
        self._logins[token] = questions
        return token, {
            "SSH_ASKPASS": self._program,
            "SSH_ASKPASS_REQUIRE": "force",
            "DISPLAY": os.environ.get("DISPLAY") or ":0",  # OpenSSH before 8.4 asks without a terminal only with one
            askpass.SOCKET: self._place,
            askpass.TOKEN: token,
        }

    def end(self, token: str) -> None:
        """The login is over, one way or the other: its token is worth nothing any more."""
        self._logins.pop(token, None)

    async def aclose(self) -> None:
        if self._server is None:
            return
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()
        self._server = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = cast("asyncio.Task[Any]", asyncio.current_task())
        self._tasks.add(task)
        try:
            answer = await self._answer(reader)
            if answer is not None:
                writer.write(json.dumps({"answer": answer}).encode() + b"\n")
                await writer.drain()
        except (OSError, ValueError, asyncio.CancelledError):
            pass  # the helper sees the end of the stream and reports failure to ssh
        finally:
            self._tasks.discard(task)
            writer.close()
            with contextlib.suppress(OSError, asyncio.CancelledError):
                await writer.wait_closed()

    async def _answer(self, reader: asyncio.StreamReader) -> str | None:
        message: object = json.loads(await reader.readline())
        if not isinstance(message, dict):
            return None
        fields = cast("dict[str, Any]", message)
        questions = self._logins.get(str(fields.get("token")))
        if questions is None:
            return None
        asking = asyncio.create_task(questions.answer(str(fields.get("prompt")), str(fields.get("hint"))))
        gone = asyncio.create_task(reader.read())  # ssh kills the helper when it no longer wants an answer
        try:
            await asyncio.wait({asking, gone}, return_when=asyncio.FIRST_COMPLETED)
            return asking.result() if asking.done() else None
        finally:
            asking.cancel()
            gone.cancel()
            await asyncio.gather(asking, gone, return_exceptions=True)


def find_program(folder: Path) -> str:
    """The helper's path: the installed script, else a small one of ours in ``folder`` (ssh wants one executable file,
    not a command line). Blocks for a moment."""
    beside = shutil.which(PROGRAM, path=str(Path(sys.executable).parent))
    if found := beside or shutil.which(PROGRAM):
        return found
    script = folder / PROGRAM
    script.write_text(
        f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -I {shlex.quote(os.path.abspath(askpass.__file__))} "$@"\n',
        encoding="utf-8",
    )
    script.chmod(0o700)
    return str(script)
