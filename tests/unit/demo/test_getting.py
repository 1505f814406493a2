"""The small client for the simulated card: what it understands, and that it begins anew after anything else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from tui.demo.getting import Getter

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: x\r\nTransfer-Encoding: chunked\r\n\r\n"
GOOD = HEAD + b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"


@asynccontextmanager
async def answering(*answers: bytes, close: bool = False) -> AsyncIterator[tuple[Getter, Callable[[], int]]]:
    """A server that gives these answers, one a request; ``close``: it closes after each of them."""
    left = list(answers)
    connections = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        try:
            while left:
                request = await reader.readuntil(b"\r\n\r\n")
                assert request.startswith(b"GET /x?count=1 HTTP/1.1\r\nHost: 127.0.0.1:")
                writer.write(left.pop(0))
                await writer.drain()
                if close:
                    break
        except asyncio.IncompleteReadError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    getter = Getter(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/x?count=1", timeout=5)
    try:
        yield getter, lambda: connections
    finally:
        await getter.aclose()
        server.close()
        await server.wait_closed()


async def test_one_connection_serves_many_questions():
    async with answering(GOOD, GOOD, GOOD) as (getter, connections):
        assert [await getter.get() for _ in range(3)] == [b"abcde"] * 3
        assert connections() == 1


async def test_a_connection_that_was_closed_meanwhile_is_opened_again():
    async with answering(GOOD, GOOD, close=True) as (getter, connections):
        assert await getter.get() == b"abcde"
        assert await getter.get() == b"abcde"
        assert connections() == 2


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 503 No\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc",
        b"SSH-2.0-OpenSSH\r\n\r\n",
        HEAD + b"zz\r\n",
    ],
)
async def test_another_answer_is_refused_and_the_next_question_begins_anew(answer: bytes):
    async with answering(answer, GOOD) as (getter, _connections):
        with pytest.raises(ValueError, match=r"."):
            await getter.get()
        assert await getter.get() == b"abcde"


async def test_half_an_answer_is_no_answer():
    async with answering(HEAD + b"9\r\nabc", close=True) as (getter, _connections):
        with pytest.raises(ConnectionError):
            await getter.get()


async def test_a_server_that_says_nothing_is_given_up():
    async with answering(b"", b"") as (getter, _connections):
        getter._timeout = 0.05
        with pytest.raises(TimeoutError):
            await getter.get()
