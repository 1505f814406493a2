"""A scripted HTTP server on loopback that can misbehave in every way a real server, proxy or network can."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import ssl
import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

REASONS = {
    200: "OK",
    302: "Found",
    400: "Bad Request",
    401: "Unauthorized",
    404: "Not Found",
    500: "Internal Server Error",
}


@dataclass(frozen=True)
class Request:
    """One request as it arrived. Header names are lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Exchange:
    """The answering side of one request."""

    def __init__(self, request: Request, writer: asyncio.StreamWriter, reader: asyncio.StreamReader) -> None:
        self.request = request
        self._writer = writer
        self._reader = reader

    async def send(self, data: bytes) -> None:
        """Bytes as they are."""
        self._writer.write(data)
        await self._writer.drain()

    async def reply(
        self, body: Any = b"", status: int = 200, content_type: str = "application/json", **headers: str
    ) -> None:
        """A whole answer with its length; anything but bytes is sent as JSON."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        await self._head(status, content_type, {"Content-Length": str(len(data)), **headers})
        await self.send(data)

    async def stream(
        self, *pieces: Any, content_type: str = "text/event-stream; charset=utf-8", end: bool = True
    ) -> None:
        """A chunked answer; dicts become ``data:`` lines. Without ``end`` it stays open."""
        await self._head(200, content_type, {"Transfer-Encoding": "chunked"})
        for piece in pieces:
            await self.piece(piece)
        if end:
            await self.send(b"0\r\n\r\n")

    async def piece(self, piece: Any) -> None:
        data = piece if isinstance(piece, bytes) else b"data: " + json.dumps(piece).encode() + b"\n\n"
        await self.send(f"{len(data):x}\r\n".encode() + data + b"\r\n")

    async def hang_up(self) -> None:
        """Close without another byte."""
        self._writer.close()

    async def reset(self) -> None:
        """Close with a TCP reset."""
        sock = self._writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()

    async def until_closed(self) -> None:
        """Wait until the client closed its side."""
        with contextlib.suppress(ConnectionError):
            while await self._reader.read(65536):
                pass

    async def _head(self, status: int, content_type: str, headers: dict[str, str]) -> None:
        lines = [f"HTTP/1.1 {status} {REASONS.get(status, 'Status')}"]
        if content_type:
            lines.append(f"Content-Type: {content_type}")
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        await self.send(("\r\n".join(lines) + "\r\n\r\n").encode())


Handler = Callable[[Exchange], Awaitable[None]]


class RawServer:
    """``async with RawServer({"/v1/models": handler, …}) as server: … server.url``. Unknown paths get FastAPI's 404.

    A handler that is not a coroutine function is a value to send as JSON. ``requests`` holds what was asked."""

    def __init__(
        self, routes: dict[str, Any] | None = None, *, tls: ssl.SSLContext | None = None, unix: str | None = None
    ) -> None:
        self.routes = routes or {}
        self.requests: list[Request] = []
        self.closed = 0  # connections that ended
        self.connections = 0
        self._tls = tls
        self._unix = unix
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[Any]] = set()
        self.port = 0

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}"

    def asked(self, path: str) -> list[Request]:
        return [request for request in self.requests if request.path.partition("?")[0] == path]

    async def __aenter__(self) -> RawServer:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Listen; on the same port as before when it was stopped."""
        if self._unix:
            self._server = await asyncio.start_unix_server(self._serve, self._unix)
        else:
            self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, ssl=self._tls)
            self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Stop listening and drop all connections."""
        if self._server is None:
            return
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()
        self._server = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        try:
            while not writer.is_closing() and (request := await self._read_request(reader, writer)) is not None:
                self.requests.append(request)
                await self._answer(Exchange(request, writer, reader))
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            self.closed += 1
            self._tasks.discard(task)
            writer.close()
            with contextlib.suppress(ConnectionError, OSError, asyncio.CancelledError):
                await writer.wait_closed()

    async def _answer(self, exchange: Exchange) -> None:
        found = self.routes.get(exchange.request.path.partition("?")[0], self.routes.get("*"))
        if found is None:
            await exchange.reply({"detail": "Not Found"}, 404)
        elif callable(found):
            await found(exchange)
        else:
            await exchange.reply(found)

    @staticmethod
    async def _read_request(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Request | None:
        try:
            start = await reader.readexactly(1)
            if not start.isalpha():  # a TLS handshake, for example; answered as uvicorn does
                writer.write(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\nInvalid HTTP request received.")
                return None
            head = start + await reader.readuntil(b"\r\n\r\n")
        except (asyncio.IncompleteReadError, ConnectionError):
            return None
        first, *lines = head.decode("latin-1").rstrip().split("\r\n")
        headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        method, path, _ = first.split(" ", 2)
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        return Request(method, path, headers, body)
