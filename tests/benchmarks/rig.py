"""A pseudo-terminal and a fake server to measure whole clients: bytes, processor time, echo, lag, memory.

The server is a plain asyncio HTTP server in the benchmark's process; it speaks just enough of the protocol for a chat
client and writes tokens at a fixed rate. The terminal answers the queries a terminal answers.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import pty
import re
import signal
import struct
import termios
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic

COLUMNS, ROWS = 120, 40
TICKS = os.sysconf("SC_CLK_TCK")

PARAGRAPH = (
    "## Section {n}\n\nThe **fox** looked at the watermelon and thought about `kv cache` for a while; then it "
    "wrote this down.\n\n- first point, with some words behind it\n- second point, also *emphasised*\n"
    "  - nested point {n}\n\n"
    "从前有一只聪明的狐狸，它在夏天的早晨发现了一个又大又圆的西瓜。它想：如果把西瓜推下山坡，会发生什么呢？\n\n"
    "```python\ndef reverse(text: str) -> str:\n    return text[::-1]  # {n}\n```\n\n"
    "| input | output |\n| --- | --- |\n| `abc` | `cba` |\n| 狐狸 | 西瓜 |\n\n"
)


def tokens(count: int) -> list[str]:
    """``count`` pieces of realistic Markdown, four characters each, the last one the marker ``END{count}``."""
    text = ""
    number = 0
    while len(text) < count * 4:
        number += 1
        text += PARAGRAPH.replace("{n}", str(number))
    pieces = [text[at : at + 4] for at in range(0, count * 4, 4)]
    pieces[-1] = f"\n\nEND{count}"
    return pieces


@dataclass
class FakeServer:
    """Answers a prompt ``RATE COUNT`` with COUNT tokens at RATE a second (0: as fast as it can)."""

    url: str = ""
    first_byte: float = 0.0
    last_byte: float = 0.0
    done: asyncio.Event = field(default_factory=asyncio.Event)
    _server: asyncio.Server | None = None

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._connection, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = re.search(rb"content-length: (\d+)", head.lower())
                body = await reader.readexactly(int(length.group(1))) if length else b""
                path = head.split(b" ")[1]
                if path.startswith(b"/v1/chat/completions"):
                    await self._chat(writer, json.loads(body))
                elif path == b"/v1/models":
                    _answer(writer, b'{"object":"list","data":[{"id":"bench","object":"model","owned_by":"lmdeploy"}]}')
                else:
                    _answer(writer, b'{"detail":"Not Found"}', b"404 Not Found")
                await writer.drain()
        except (asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _chat(self, writer: asyncio.StreamWriter, body: dict[str, object]) -> None:
        prompt = str(body["messages"][-1]["content"])  # pyright: ignore
        rate, count = map(int, prompt.split()[:2])
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
        start = self.first_byte = monotonic()
        for number, piece in enumerate(tokens(count)):
            if rate and (wait := start + number / rate - monotonic()) > 0:
                await writer.drain()
                await asyncio.sleep(wait)
            delta = {"choices": [{"index": 0, "delta": {"role": "assistant", "content": piece}}]}
            _chunk(writer, b"data: " + json.dumps({"id": "c", "model": "bench", **delta}).encode() + b"\n\n")
            if not rate and number % 64 == 0:
                await writer.drain()
        end = {"choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": "stop"}]}
        usage = {"choices": [], "usage": {"prompt_tokens": 5, "completion_tokens": count, "total_tokens": count + 5}}
        for last in (end, usage):
            _chunk(writer, b"data: " + json.dumps({"id": "c", "model": "bench", **last}).encode() + b"\n\n")
        _chunk(writer, b"data: [DONE]\n\n")
        writer.write(b"0\r\n\r\n")
        await writer.drain()
        self.last_byte = monotonic()
        self.done.set()


def _answer(writer: asyncio.StreamWriter, body: bytes, status: bytes = b"200 OK") -> None:
    head = b"HTTP/1.1 %s\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % (status, len(body))
    writer.write(head + body)


def _chunk(writer: asyncio.StreamWriter, data: bytes) -> None:
    writer.write(b"%x\r\n%s\r\n" % (len(data), data))


class Client:
    """A program in a pseudo-terminal of 120×40, read as fast as it writes; bytes are counted and kept."""

    def __init__(self, command: list[str], env: dict[str, str] | None = None) -> None:
        self._command = command
        self._env = env or {}
        self.bytes = 0
        self.tail = b""
        self.started = 0.0
        self.pid = 0
        self._descriptor = -1
        self._waiters: list[tuple[bytes, asyncio.Future[float]]] = []

    async def start(self) -> None:
        environment = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor", **self._env}
        for name in ("SSH_CONNECTION", "TMUX", "STY", "NO_COLOR"):
            environment.pop(name, None)
        self.started = monotonic()
        self.pid, self._descriptor = pty.fork()
        if self.pid == 0:
            os.execvpe(self._command[0], self._command, environment)
        fcntl.ioctl(self._descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        asyncio.get_running_loop().add_reader(self._descriptor, self._read)

    def _read(self) -> None:
        try:
            data = os.read(self._descriptor, 1 << 16)
        except OSError:
            data = b""
        if not data:
            asyncio.get_running_loop().remove_reader(self._descriptor)
            return
        self.bytes += len(data)
        if b"\x1b[?2026$p" in data:
            self.send(b"\x1b[?2026;2$y")
        self.tail = (self.tail + data)[-20000:]
        for needle, future in list(self._waiters):
            if needle in self.tail and not future.done():
                future.set_result(monotonic())
                self._waiters.remove((needle, future))

    def send(self, data: bytes) -> None:
        os.write(self._descriptor, data)

    async def seen(self, needle: bytes, timeout: float = 60.0) -> float:
        """The moment at which ``needle`` is in what was written from now on."""
        self.tail = b""
        future: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        self._waiters.append((needle, future))
        return await asyncio.wait_for(future, timeout)

    async def quiet(self, seconds: float = 0.5) -> None:
        """Wait until nothing was written for so long."""
        while True:
            before = self.bytes
            await asyncio.sleep(seconds)
            if self.bytes == before:
                return

    def cpu(self) -> float:
        """Processor seconds of the client so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def rss(self) -> float:
        """Resident memory in MiB."""
        match = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{self.pid}/status").read_text())
        return int(match.group(1)) / 1024 if match else 0.0

    async def stop(self) -> None:
        asyncio.get_running_loop().remove_reader(self._descriptor)
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self._descriptor)
