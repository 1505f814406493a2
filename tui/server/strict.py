"""The last station before the wire: whatever a library added, only what the user set goes out."""

from __future__ import annotations

import httpx2

from tui import __version__

# Of a request's own headers only these pass. Organisation, project, telemetry, .netrc and custom headers do not.
_ALLOWED = frozenset(
    (b"host", b"accept", b"content-type", b"content-length", b"transfer-encoding", b"connection", b"anthropic-version")
)


class StrictTransport(httpx2.AsyncBaseTransport):
    """Sends requests through ``inner`` with the allowed headers and the user's key, if there is one."""

    def __init__(self, inner: httpx2.AsyncBaseTransport, api_key: str | None) -> None:
        self._inner = inner
        # Identity: a compressing proxy would hold small chunks of a stream back.
        self._own = [(b"User-Agent", f"lmdeck/{__version__}".encode()), (b"Accept-Encoding", b"identity")]
        if api_key:
            self._own.append((b"Authorization", f"Bearer {api_key}".encode()))

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        kept = [(name, value) for name, value in request.headers.raw if name.lower() in _ALLOWED]
        stripped = httpx2.Request(
            request.method, request.url, headers=kept + self._own, stream=request.stream, extensions=request.extensions
        )
        return await self._inner.handle_async_request(stripped)

    async def aclose(self) -> None:
        await self._inner.aclose()
