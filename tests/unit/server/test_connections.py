"""Why there is no answer is told apart: refused, no name, no route, time, TLS on the wrong side, silence."""

from __future__ import annotations

import asyncio
import socket
import ssl
from pathlib import Path

import pytest

from tests.support.raw_server import Exchange, RawServer
from tests.unit.server.helpers import (
    CHAT,
    DONE,
    QUICK,
    chunk,
    collect,
    collect_until_problem,
    connected,
    request,
    text_of,
)
from tests.unit.server.test_errors import check
from tui.model.problem import Problem, ProblemError
from tui.server.address import Address
from tui.server.client import ServerClient
from tui.server.faults import connection_problem
from tui.server.transport import Timeouts

DATA = Path(__file__).parents[2] / "data" / "tls"


async def chat_problem(address: Address, timeouts: Timeouts = QUICK) -> Problem:
    client = ServerClient(address, timeouts=timeouts)
    try:
        return (await collect_until_problem(client))[1]
    finally:
        await client.aclose()


async def probe_problem(address: Address, timeouts: Timeouts = QUICK) -> Problem:
    client = ServerClient(address, timeouts=timeouts)
    try:
        with pytest.raises(ProblemError) as caught:
            await client.models()
        return caught.value.problem
    finally:
        await client.aclose()


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_nothing_listens(host: str) -> None:
    address = Address(f"http://{host}:{free_port()}")
    for ask in (chat_problem, probe_problem):
        check(await ask(address), "refused", url=address.base_url, port=address.port)


async def test_a_name_that_does_not_exist(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)  # no question leaves this machine
    for ask in (chat_problem, probe_problem):
        check(await ask(Address("http://no-such-host.invalid:1")), "name_not_found", host="no-such-host.invalid")


async def test_a_host_that_cannot_be_a_name() -> None:
    for ask in (chat_problem, probe_problem):
        check(await ask(Address.parse("\u0660.example:1")), "connection_failed")


async def test_a_socket_that_does_not_exist(tmp_path: Path) -> None:
    check(await chat_problem(Address("http://localhost", str(tmp_path / "none"))), "socket_missing")


async def test_a_socket_nobody_listens_at(tmp_path: Path) -> None:
    path = str(tmp_path / "s")
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(path)
    check(await chat_problem(Address("http://localhost", path)), "refused", url=path)


async def test_a_full_backlog_times_out() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        port = listener.getsockname()[1]
        fillers = []
        for _ in range(4):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", port))
            fillers.append(filler)
        try:
            problem = await chat_problem(Address(f"http://127.0.0.1:{port}"), Timeouts(connect=0.3, first=5))
        finally:
            for filler in fillers:
                filler.close()
    check(problem, "connect_timeout")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (OSError(113, "No route to host"), "no_route"),
        (OSError(101, "Network is unreachable"), "no_route"),
        (TimeoutError(110, "Connection timed out"), "connect_timeout"),
        (OSError("odd"), "connection_failed"),
        (ssl.SSLError(1, "[SSL] tlsv1 alert internal error"), "tls_failed"),
        (ExceptionGroup("several", [OSError(113, "x"), ConnectionRefusedError(111, "y")]), "refused"),
    ],
)
async def test_errors_of_the_system(error: Exception, code: str) -> None:
    """What cannot be provoked on loopback, through the same function."""
    try:
        raise RuntimeError("outer") from error
    except RuntimeError as outer:
        problem = await connection_problem(outer, Address("http://h:1"))
    check(problem, code)


async def test_a_server_that_hangs_up_without_a_word() -> None:
    async def silent(exchange: Exchange) -> None:
        await exchange.hang_up()

    async def rude(exchange: Exchange) -> None:
        await exchange.reset()

    for handler in (silent, rude):
        async with RawServer({"*": handler}) as server:
            for ask in (chat_problem, probe_problem):
                check(await ask(Address.parse(server.url)), "hung_up")


async def test_a_server_that_does_not_speak_http() -> None:
    async def ssh(exchange: Exchange) -> None:
        await exchange.send(b"SSH-2.0-OpenSSH_9.6\r\nInvalid SSH identification string.\r\n\r\n")

    async with RawServer({"*": ssh}) as server:
        for ask in (chat_problem, probe_problem):
            check(await ask(Address.parse(server.url)), "not_http")


async def test_a_question_without_an_answer() -> None:
    async def hang(exchange: Exchange) -> None:
        await exchange.until_closed()

    async with RawServer({"*": hang}) as server:
        problem = await probe_problem(Address.parse(server.url), Timeouts(quick=0.1))
    check(problem, "no_reply", seconds=0.1)


# --- TLS ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def certificate() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(DATA / "localhost.pem")
    return context


async def test_http_to_a_tls_port(certificate: ssl.SSLContext) -> None:
    async with RawServer(tls=certificate) as server:
        address = Address(f"http://127.0.0.1:{server.port}")
        for ask in (chat_problem, probe_problem):
            check(await ask(address), "tls_needed", better=f"https://127.0.0.1:{server.port}")


async def test_https_to_a_plain_port() -> None:
    async with RawServer() as server:
        address = Address(f"https://127.0.0.1:{server.port}")
        for ask in (chat_problem, probe_problem):
            check(await ask(address), "tls_unexpected", better=f"http://127.0.0.1:{server.port}")


async def test_a_certificate_nobody_vouches_for(certificate: ssl.SSLContext) -> None:
    async with RawServer(tls=certificate) as server:
        check(await chat_problem(Address.parse(server.url)), "tls_certificate", host="127.0.0.1")


async def test_a_certificate_the_user_vouches_for(certificate: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(DATA / "localhost.pem"))

    async def handler(exchange: Exchange) -> None:
        await exchange.stream(chunk({"content": "safe"}, "stop"), DONE)

    async with RawServer({CHAT: handler}, tls=certificate) as server, connected(server) as client:
        assert text_of(await collect(client)) == "safe"


# --- streams that break -------------------------------------------------------------------------------------------


async def test_a_connection_cut_in_the_middle_keeps_what_came() -> None:
    async def cut(exchange: Exchange) -> None:
        await exchange.stream(chunk({"content": "half"}), end=False)
        await exchange.hang_up()

    async def reset(exchange: Exchange) -> None:
        await exchange.stream(chunk({"content": "half"}), end=False)
        await asyncio.sleep(0.05)  # let the data be read: a reset throws away what is on the way
        await exchange.reset()

    async def without_mark(exchange: Exchange) -> None:
        await exchange.stream(chunk({"content": "half"}))

    for handler in (cut, reset, without_mark):
        async with RawServer({CHAT: handler}) as server, connected(server) as client:
            deltas, problem = await collect_until_problem(client)
        assert text_of(deltas) == "half"
        check(problem, "cut_off")


async def test_a_connection_cut_before_the_first_chunk() -> None:
    async def cut(exchange: Exchange) -> None:
        await exchange.stream(end=False)
        await exchange.hang_up()

    async with RawServer({CHAT: cut}) as server, connected(server) as client:
        deltas, problem = await collect_until_problem(client)
    assert deltas == []
    check(problem, "hung_up")


async def test_a_connection_cut_after_the_last_chunk_is_a_regular_end() -> None:
    async def cut(exchange: Exchange) -> None:
        await exchange.stream(chunk({"content": "all"}, "stop"), end=False)
        await exchange.hang_up()

    notices: list[Problem] = []
    async with RawServer({CHAT: cut}) as server, connected(server) as client:
        assert text_of(await collect(client, on_notice=notices.append)) == "all"
    assert [notice.code for notice in notices] == ["server.no_end_mark"]


async def test_silence_before_the_first_byte() -> None:
    async def headers_only(exchange: Exchange) -> None:
        await exchange.stream(end=False)
        await exchange.until_closed()

    async def nothing(exchange: Exchange) -> None:
        await exchange.until_closed()

    for handler in (headers_only, nothing):
        async with RawServer({CHAT: handler}) as server, connected(server, timeouts=Timeouts(first=0.2)) as client:
            deltas, problem = await collect_until_problem(client)
        assert deltas == []
        check(problem, "silent", seconds=0.2)


async def test_silence_in_the_middle() -> None:
    async def stall(exchange: Exchange) -> None:
        await exchange.stream(chunk({"content": "half"}), end=False)
        await exchange.until_closed()

    limits = Timeouts(first=5, between=0.1)
    async with RawServer({CHAT: stall}) as server, connected(server, timeouts=limits) as client:
        deltas, problem = await collect_until_problem(client)
    assert text_of(deltas) == "half"
    check(problem, "stalled", seconds=0.1)


async def test_silence_after_the_last_chunk_is_a_regular_end() -> None:
    async def stall(exchange: Exchange) -> None:
        await exchange.stream(chunk({"content": "all"}, "stop"), end=False)
        await exchange.until_closed()

    limits = Timeouts(first=5, between=0.1)
    async with RawServer({CHAT: stall}) as server, connected(server, timeouts=limits) as client:
        assert text_of(await collect(client)) == "all"


async def test_an_answer_that_does_not_stream_has_a_patience_of_its_own() -> None:
    async def nothing(exchange: Exchange) -> None:
        await exchange.until_closed()

    limits = Timeouts(first=60, between=60, whole=0.1)
    async with RawServer({CHAT: nothing}) as server, connected(server, timeouts=limits) as client:
        check((await collect_until_problem(client, request(stream=False)))[1], "silent", seconds=0.1)
