"""GET over one kept connection to the simulated server. A full HTTP client takes 2 ms of CPU for each of the readings
that come every second; lmdeck is to be silent while nothing happens."""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit

_MOST = 1 << 20  # bytes of an answer


class Getter:
    """Asks one server, whose answers are chunked as the simulated one's are."""

    def __init__(self, url: str, timeout: float = 5.0) -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "127.0.0.1", parts.port or 80
        self._timeout = timeout
        self._request = f"GET {parts.path}?{parts.query} HTTP/1.1\r\nHost: {parts.netloc}\r\n\r\n".encode()
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def get(self) -> bytes:
        """The body of a 200 answer. Raises OSError where nobody answers in time, ValueError for any other answer."""
        reused = self._streams is not None
        try:
            return await self._ask()
        except ConnectionError:
            if not reused:
                raise
            return await self._ask()  # the server had closed a connection that it no longer wanted

    async def _ask(self) -> bytes:
        try:
            async with asyncio.timeout(self._timeout):  # TimeoutError is an OSError
                status, body = await self._exchange()
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
            await self.aclose()
            raise ConnectionError(str(error)) from error
        except BaseException:
            await self.aclose()  # half an answer may stand in it
            raise
        if status != 200:
            raise ValueError(f"status {status}")
        return body

    async def _exchange(self) -> tuple[int, bytes]:
        if self._streams is None:
            self._streams = await asyncio.open_connection(self._host, self._port, limit=_MOST)
        reader, writer = self._streams
        writer.write(self._request)
        status = _status(await reader.readuntil(b"\r\n\r\n"))
        return status, await _chunks(reader)

    async def aclose(self) -> None:
        """Close the connection; the next question opens another one."""
        streams, self._streams = self._streams, None
        if streams is not None:
            streams[1].close()


def _status(head: bytes) -> int:
    """Raises ValueError for an answer that is not chunked HTTP."""
    if not head.startswith(b"HTTP/1.1 ") or b"transfer-encoding: chunked" not in head.lower():
        raise ValueError(f"not the answer of a simulated server: {head[:80]!r}")
    return int(head.split()[1])


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    body = b""
    while (size := int(await reader.readline(), 16)) and len(body) + size <= _MOST:
        body += await reader.readexactly(size)
        await reader.readexactly(2)
    await reader.readexactly(2)
    return body
