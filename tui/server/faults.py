"""Why there is no answer: refused, no such name, no route, no time, TLS on the wrong side."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import re
import socket
import ssl
import sys
from collections.abc import Iterator
from typing import cast

from tui.model.problem import Problem
from tui.server.address import Address
from tui.server.environment import environment_proxy

# With a proxy in between, these are about the proxy.
_NETWORK_NAMES = {"ConnectTimeout", "ConnectError"}
_UNREACHABLE = {errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EHOSTDOWN, errno.ENETDOWN, errno.EADDRNOTAVAIL}
_PLAIN_INSTEAD_OF_TLS = (
    "WRONG_VERSION_NUMBER",
    "RECORD_LAYER_FAILURE",
    "UNKNOWN_PROTOCOL",
    "HTTP_REQUEST",
    "PACKET_LENGTH",
)


def causes(error: BaseException) -> Iterator[BaseException]:
    """The error and everything it was raised from, members of groups included, each once."""
    seen: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        current = waiting.pop()
        if current is None or id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        waiting += [current.__context__, current.__cause__]
        if isinstance(current, BaseExceptionGroup):
            waiting += list(cast("BaseExceptionGroup[BaseException]", current).exceptions)


async def connection_problem(error: BaseException, address: Address) -> Problem:
    """What an exception of the HTTP client means, told apart as far as a next step depends on it.

    A server that hangs up without a word is asked once, for at most 2 s, whether it speaks TLS."""
    chain = list(causes(error))
    names = {type(item).__name__ for item in chain}
    detail = _describe(chain)
    if "ProxyError" in names or (environment_proxy(address) and names & _NETWORK_NAMES):
        return Problem("server.proxy_failed", {"url": address.shown, "reason": str(error)[:200]}, detail)
    if "ConnectTimeout" in names:
        return Problem("server.connect_timeout", {"url": address.shown}, detail)
    if problem := _tls_problem(chain, address, detail) or _network_problem(chain, address, detail):
        return problem
    if names & {"RemoteProtocolError", "ReadError", "WriteError"}:
        if not address.is_tls and await speaks_tls(address):
            better = "https:" + address.base_url.partition(":")[2]
            return Problem("server.tls_needed", {"url": address.shown, "better": better}, detail)
        if "RemoteProtocolError" not in names or any(re.search("disconnected|closed", str(item)) for item in chain):
            return Problem("server.hung_up", {"url": address.shown}, detail)
        return Problem("server.not_http", {"url": address.shown}, detail)
    return Problem("server.connection_failed", {"url": address.shown, "reason": str(error)[:200]}, detail)


def _describe(chain: list[BaseException]) -> str:
    parts = [f"{type(item).__name__}: {item}" for item in chain if not isinstance(item, BaseExceptionGroup)]
    return "\n".join(dict.fromkeys(parts))[:2000]


def _tls_problem(chain: list[BaseException], address: Address, detail: str) -> Problem | None:
    failures = [item for item in chain if isinstance(item, ssl.SSLError)]
    for item in failures:
        if isinstance(item, ssl.SSLCertVerificationError):
            reason = item.verify_message or str(item)
            return Problem("server.tls_certificate", {"host": address.host, "reason": reason[:200]}, detail)
        if any(word in str(item) for word in _PLAIN_INSTEAD_OF_TLS):
            better = "http:" + address.base_url.partition(":")[2]
            return Problem("server.tls_unexpected", {"url": address.shown, "better": better}, detail)
    if failures:
        return Problem("server.tls_failed", {"url": address.shown, "reason": str(failures[0])[:200]}, detail)
    return None


def _network_problem(chain: list[BaseException], address: Address, detail: str) -> Problem | None:
    for item in chain:
        if isinstance(item, socket.gaierror):
            return Problem("server.name_not_found", {"host": address.host}, detail)
    for item in chain:
        if isinstance(item, ConnectionRefusedError):
            return Problem("server.refused", {"url": address.shown, "port": address.port}, detail)
        if isinstance(item, FileNotFoundError) and address.socket:
            return Problem("server.socket_missing", {"path": address.socket}, detail)
        if isinstance(item, OSError) and item.errno in _UNREACHABLE:
            return Problem("server.no_route", {"host": address.host}, detail)
        if isinstance(item, TimeoutError) and item.errno == errno.ETIMEDOUT:
            return Problem("server.connect_timeout", {"url": address.shown}, detail)
    return None


async def speaks_tls(address: Address) -> bool:
    """Whether a TLS handshake succeeds there; never raises."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        async with asyncio.timeout(2.0):
            if address.socket is None or sys.platform == "win32":
                opened = asyncio.open_connection(address.host, address.port, ssl=context)
            else:
                opened = asyncio.open_unix_connection(address.socket, ssl=context, server_hostname=address.host)
            _, writer = await opened
    except (OSError, TimeoutError, EOFError):
        return False
    writer.close()
    with contextlib.suppress(OSError, TimeoutError):
        async with asyncio.timeout(1.0):
            await writer.wait_closed()
    return True
