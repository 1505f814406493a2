"""A simulated remote machine behind a real sshd: chat, GPUs, servers, programs."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.support.checkpoints import internlm
from tests.support.demo import StartDemo, hold_next_reply, start_demo
from tests.support.local_host import LocalHost
from tests.support.nvml_stub import stub_library
from tests.support.ports import free_port
from tests.support.sentences import sentence_of
from tests.support.ssh_links import QUICK, StartSshd, User, sshd
from tests.support.sshd import USER, Box, key_pair
from tests.support.waiting import until
from tui.config.profiles import Profile
from tui.hosts.findings import LocalFinder
from tui.hosts.host import Host, Program
from tui.hosts.remote import RemoteHost, open_remote, target_of
from tui.hosts.remote_finder import RemoteFinder
from tui.model.events import TurnFailed
from tui.model.problem import ProblemError
from tui.model.request import Sampling
from tui.model.server import LinkPhase
from tui.session import Session
from tui.ssh.target import Target
from tui.tools.arithmetic import arithmetic

__all__ = ["sshd", "start_demo"]
# anyio 4.16 forgets the socket of a unix connection that is cancelled while it waits to be accepted (connect_unix),
# which is what a link lost in mid-request does; the garbage collector closes it.
pytestmark = pytest.mark.filterwarnings("ignore:Exception ignored in. <socket:pytest.PytestUnraisableExceptionWarning")
GIB = 1 << 30
OpenHost = Callable[..., Awaitable[RemoteHost]]


def finder_on(host: Host, port: int) -> RemoteFinder | LocalFinder:
    """What finds out about a server on this machine, or on the other end of the link."""
    return RemoteFinder(host.link.order, port) if isinstance(host, RemoteHost) else LocalFinder(port)


@pytest.fixture
async def open_host(sshd: StartSshd, tmp_path: Path) -> AsyncIterator[OpenHost]:
    """A host on a box with two stub cards, connected; ``host.box`` is its sshd."""
    async with AsyncExitStack() as stack:

        async def start(port: int = 23333, **options: object) -> RemoteHost:
            shell = tmp_path / "shell"
            library = stub_library().parent
            shell.write_text(
                f"#!/bin/sh\nLD_LIBRARY_PATH={library} STUB_STATE=ok; export LD_LIBRARY_PATH STUB_STATE\n"
                'exec /bin/sh "$@"\n'
            )
            shell.chmod(0o755)
            key = key_pair("plain")
            box = await sshd(keys=(key,), shell=str(shell), **options)
            target = box.target("-i", str(key), "-o", "IdentitiesOnly=yes", server_port=port)
            host = RemoteHost(target, User(), timing=QUICK)
            host.box = box  # type: ignore[attr-defined]
            stack.push_async_callback(host.aclose)
            await host.link.up()
            return host

        yield start


def box_of(host: RemoteHost) -> Box:
    return host.box  # type: ignore[attr-defined,no-any-return]


def port_of(url: str) -> int:
    return int(url.rpartition(":")[2])


async def test_chat_through_the_tunnel(open_host: OpenHost, start_demo: StartDemo) -> None:
    demo = await start_demo()
    host = await open_host(port_of(demo.url))
    endpoint = await host.endpoint()
    try:
        assert await endpoint.ready(60)
        assert endpoint.link.phase in (LinkPhase.HEALTHY, LinkPhase.PROBING)
        assert endpoint.address.shown == f"ssh://{USER}@127.0.0.1:{box_of(host).port}/127.0.0.1:{port_of(demo.url)}"
        session = Session(endpoint, arithmetic(), sampling=Sampling(temperature=0.0))
        await session.submit("Compute (3+5)*2")
        await until(lambda: not session.busy)
        assert "16" in session.messages[-1].text
        await session.aclose()
        await until(lambda: endpoint.link.phase is LinkPhase.HEALTHY)
    finally:
        await endpoint.aclose()


async def test_a_reply_cut_by_a_lost_link_is_kept_and_continued(open_host: OpenHost, start_demo: StartDemo) -> None:
    demo = await start_demo()
    host = await open_host(port_of(demo.url))
    endpoint = await host.endpoint()
    session = Session(endpoint, arithmetic())
    events = session.subscribe()
    try:
        assert await endpoint.ready(60)
        await hold_next_reply(demo.url)
        await session.submit("Tell me a long story about a fox")
        await until(lambda: len(session.messages) == 2 and len(session.messages[-1].text) > 20)
        pid = host.link.pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        await until(lambda: not session.busy)
        failed = [event for event in events.drain() if isinstance(event, TurnFailed)]
        assert failed[0].problem.code == "ssh.reply_cut"
        sentence_of(failed[0].problem)
        kept = session.messages[-1].text
        assert len(kept) > 20
        assert not session.messages[-1].complete
        # Asked for at once: the request waits while the link comes back.
        await session.resume()
        await until(lambda: not session.busy, 30)
        assert session.messages[-1].complete
        await until(lambda: endpoint.link.phase is LinkPhase.HEALTHY)
    finally:
        await session.aclose()
        await endpoint.aclose()


async def test_a_request_waits_for_the_link(open_host: OpenHost, start_demo: StartDemo) -> None:
    demo = await start_demo()
    host = await open_host(port_of(demo.url))
    endpoint = await host.endpoint()
    session = Session(endpoint, arithmetic())
    try:
        assert await endpoint.ready(60)
        await until(lambda: endpoint.link.phase is LinkPhase.HEALTHY)
        await box_of(host).stop()
        await until(lambda: endpoint.link.phase is LinkPhase.BACKOFF)
        assert endpoint.link.problem is not None
        sentence_of(endpoint.link.problem)
        await session.submit("hello")
        await box_of(host).start()
        await until(lambda: not session.busy, 30)
        assert session.messages[-1].role == "assistant"
        assert session.messages[-1].complete
    finally:
        await session.aclose()
        await endpoint.aclose()


async def test_a_server_that_is_killed_and_comes_back(open_host: OpenHost, start_demo: StartDemo) -> None:
    demo = await start_demo()
    port = port_of(demo.url)
    host = await open_host(port)
    endpoint = await host.endpoint()
    try:
        assert await endpoint.ready(60)
        assert demo.pid is not None
        await demo.stop()
        endpoint.retry()
        await until(lambda: endpoint.link.problem is not None and endpoint.link.problem.code == "ssh.not_listening")
        assert endpoint.link.problem is not None
        assert str(port) in sentence_of(endpoint.link.problem)
        assert host.link.is_up  # the tunnel is fine
        await start_demo(port=port)
        await until(lambda: endpoint.link.phase is LinkPhase.HEALTHY, 20)
    finally:
        await endpoint.aclose()


async def test_a_machine_that_forbids_tunnels(open_host: OpenHost, start_demo: StartDemo) -> None:
    demo = await start_demo()
    host = await open_host(port_of(demo.url), options=("AllowTcpForwarding no",))
    endpoint = await host.endpoint()
    try:
        assert not await endpoint.ready(60)
        assert endpoint.link.problem is not None
        assert endpoint.link.problem.code == "ssh.forwarding_prohibited"
        sentence_of(endpoint.link.problem)
    finally:
        await endpoint.aclose()


async def test_several_servers_share_the_connection(open_host: OpenHost, start_demo: StartDemo) -> None:
    one, two = await start_demo(model=["one"]), await start_demo(model=["two"])
    host = await open_host()
    endpoints = [await host.endpoint(server=("127.0.0.1", port_of(demo.url))) for demo in (one, two)]
    try:
        assert all(await asyncio.gather(*(endpoint.ready(60) for endpoint in endpoints)))
        assert [endpoint.model for endpoint in endpoints] == ["one", "two"]
        assert box_of(host).logins() == 1
    finally:
        for endpoint in endpoints:
            await endpoint.aclose()


async def test_an_endpoint_is_led_to_another_server(open_host: OpenHost, start_demo: StartDemo) -> None:
    one, two = await start_demo(model=["one"]), await start_demo(model=["two"])
    host = await open_host(port_of(one.url))
    endpoint = await host.endpoint()
    session = Session(endpoint, arithmetic())
    try:
        assert await endpoint.ready(60)
        before = endpoint.forward
        await endpoint.lead_to("127.0.0.1", before.port)
        assert endpoint.forward is before
        with endpoint.watch_metrics(0.1):
            await endpoint.lead_to("127.0.0.1", port_of(two.url))
            assert await endpoint.ready(60)
            await until(lambda: endpoint.model == "two")
            await until(lambda: endpoint.metrics is not None)
        assert endpoint.address.reference == f"ssh://{host.name}/127.0.0.1:{port_of(two.url)}"
        await session.submit("Compute (3+5)*2")
        await until(lambda: not session.busy)
        assert "16" in session.messages[-1].text
        await until(lambda: endpoint.link.phase is LinkPhase.HEALTHY)
    finally:
        await session.aclose()
        await endpoint.aclose()


async def test_a_port_for_the_user_is_not_the_tunnels_own(open_host: OpenHost, start_demo: StartDemo) -> None:
    demo = await start_demo()
    port, here = port_of(demo.url), free_port()
    host = await open_host(port)
    forward = await host.open_port(port, here)
    assert await host.open_port(port, here) is forward
    endpoint = await host.endpoint()
    try:
        assert endpoint.forward != forward
        assert await endpoint.ready(60)
        await host.close_port(port)
        endpoint.retry()
        assert await endpoint.ready(60)
        assert endpoint.forward in host.link.forwards
        assert forward not in host.link.forwards
    finally:
        await endpoint.aclose()


async def test_a_request_does_not_wait_for_what_only_the_user_can_mend(sshd: StartSshd) -> None:
    box = await sshd(password="x")
    host = await open_remote(box.target(), User(password=None), timing=QUICK)
    endpoint = await host.endpoint()
    try:
        assert not await endpoint.ready(60)
        assert endpoint.link.phase is LinkPhase.NEEDS_YOU
        await host.link.disconnect()
        with pytest.raises(ProblemError):
            await host.link.returning(60)
        await until(lambda: endpoint.link.phase is LinkPhase.IDLE)
    finally:
        await endpoint.aclose()
        await host.aclose()


async def test_the_states_of_the_link_are_the_endpoints(sshd: StartSshd, start_demo: StartDemo) -> None:
    demo = await start_demo()
    box = await sshd(password="x")
    user = User(password="x")
    user.waits = asyncio.Event()
    host = await open_remote(box.target(server_port=port_of(demo.url)), user, timing=QUICK)
    endpoint = await host.endpoint()
    try:
        ready = asyncio.create_task(endpoint.ready(60))
        await until(lambda: endpoint.link.phase is LinkPhase.AUTH)
        assert endpoint.status().code == "link.auth"
        sentence_of(endpoint.status())
        user.waits.set()
        assert await ready
        assert endpoint.facts.models
    finally:
        await endpoint.aclose()
        await host.aclose()


async def test_the_cards_over_there(open_host: OpenHost) -> None:
    host = await open_host()
    readings = host.gpus.readings()
    reading = await anext(readings)
    assert reading.source == "nvml"
    assert reading.driver == "580.159.04"
    card = reading.samples[0]
    assert (card.name, card.total, card.reserved, card.free) == ("NVIDIA Stub 0", 24 * GIB, GIB // 2, 16 * GIB)
    assert card.processes is not None
    host.gpus.set_interval(0.1)
    box_of(host).signal_sessions(signal.SIGKILL)
    lost = next_without = None
    async for lost in readings:
        if not lost.samples:
            next_without = lost.problem
            break
    assert next_without is not None
    async for lost in readings:  # sampled again on the new connection, without being asked
        if lost.samples:
            break
    await readings.aclose()  # type: ignore[attr-defined]


@pytest.fixture(params=["local", "remote"])
async def any_host(request: pytest.FixtureRequest, open_host: OpenHost) -> AsyncIterator[Host]:
    if request.param == "local":
        host = LocalHost()
        yield host
        await host.aclose()
    else:
        yield await open_host()


async def test_programs(any_host: Host, tmp_path: Path) -> None:
    done = await any_host.run(
        Program(("sh", "-c", 'cat; echo "$X $PWD" >&2; exit 3'), str(tmp_path), {"X": "x y"}), text="in 中文"
    )
    assert (done.code, done.out, done.err) == (3, "in 中文", f"x y {tmp_path}\n")
    late = await any_host.run(Program(("sleep", "30")), limit=0.2)
    assert late.code is None
    with pytest.raises(ProblemError) as caught:
        await any_host.run(Program(("no-such-program",)))
    assert "no-such-program" in sentence_of(caught.value.problem)


async def test_files(any_host: Host, tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"one\n\xff\xe4\xb8\xad\n")
    assert await any_host.read(str(path)) == b"one\n\xff\xe4\xb8\xad\n"
    assert await any_host.read(str(path), 3) == b"one"
    piece = await any_host.tail(str(path), 0)
    assert piece.text == "one\n�中\n"
    path.write_bytes(path.read_bytes() + b"more\n")
    assert (await any_host.tail(str(path), piece.offset)).text == "more\n"
    with pytest.raises(ProblemError):
        await any_host.read(str(tmp_path / "missing"))


async def test_spawned_programs_are_listed_and_removable(
    any_host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    script = "trap 'echo bye; exit 0' TERM; echo started; while :; do sleep 0.05; done"
    spawned = await any_host.spawn(Program(("sh", "-c", script)))
    await until_async(any_host, lambda text: "started" in text, spawned.log)
    (listed,) = await any_host.spawned()
    assert (listed.id, listed.pid, listed.running) == (spawned.id, spawned.pid, True)
    assert listed.arguments == ("sh", "-c", script)
    with pytest.raises(ProblemError, match="agent_refused"):
        await any_host.forget(spawned.id)
    if isinstance(any_host, RemoteHost):  # it outlives the connection
        await any_host.link.disconnect()
        any_host.link.connect()
        await any_host.link.up()
        assert (await any_host.spawned())[0].running
    await any_host.stop(spawned.id)
    await until_async(any_host, lambda text: "bye" in text, spawned.log)
    while (await any_host.spawned())[0].running:
        await asyncio.sleep(0.01)
    await any_host.stop(spawned.id, "KILL")  # nothing happens
    await any_host.forget(spawned.id)
    assert await any_host.spawned() == ()
    assert not Path(spawned.log).parent.exists()
    with pytest.raises(ProblemError, match="agent_refused"):
        await any_host.forget("../..")


async def until_async(host: Host, check: Callable[[str], bool], log: str) -> None:
    async with asyncio.timeout(100):
        while not check((await host.tail(log, 0)).text):
            await asyncio.sleep(0.01)


SERVER = """
import socket, sys, time
server = socket.create_server(("127.0.0.1", int(sys.argv[sys.argv.index("--server-port") + 1])))
print("listening", flush=True)
time.sleep(600)
"""


async def test_servers_and_what_belongs_to_them(any_host: Host, tmp_path: Path) -> None:
    model = internlm(tmp_path / "model", "internlm2_5-1_8b-chat")
    script = tmp_path / "lmdeploy"
    script.write_text(SERVER)
    port = free_port()
    log = (tmp_path / "server.log").open("w+")
    command = [sys.executable, str(script), "serve", "api_server", "./model", "--server-port", str(port)]
    with subprocess.Popen(command, cwd=tmp_path, stdout=log, stderr=log) as process:
        try:
            async with asyncio.timeout(100):
                while not await any_host.listening(port):
                    await asyncio.sleep(0.01)
            found = next(server for server in await any_host.servers() if server.pid == process.pid)
            assert found.ports == (port,)
            assert found.command.count("server_port", 0) == port
            files = await any_host.inspect(found)
            assert os.path.normpath(files.folder) == str(tmp_path / "model")
            assert files.log == str(tmp_path / "server.log")
            assert files.started is not None
            assert process.pid in {entry.pid for entry in await any_host.processes()}
            finder = finder_on(any_host, port)
            findings = await finder.look()
            assert findings.kind == "process"
            assert findings.checkpoint is not None
            assert findings.checkpoint.total > 0
            assert model.exists()
            assert (await finder_on(any_host, free_port()).look()).kind == "none"
        finally:
            process.kill()
            log.close()


async def test_a_pasted_line_that_would_run_a_program_is_asked_about(sshd: StartSshd) -> None:
    box = await sshd(password="x")
    mark = box.folder / "ran"
    line = (
        f"ssh -p {box.port} {USER}@127.0.0.1 -F none -o UserKnownHostsFile={box.folder}/known_hosts "
        f"-o PermitLocalCommand=yes -o 'LocalCommand=touch {mark}'"
    )
    user = User(confirm="no", password="x")
    with pytest.raises(ProblemError) as caught:
        await open_remote(line, user)
    assert caught.value.problem.code == "ssh.dangerous_refused"
    sentence_of(caught.value.problem)
    assert f"touch {mark}" in user.asked[0].prompt
    host = await open_remote(line, User(confirm="yes", password="x"), timing=QUICK)
    await host.link.up()
    await host.aclose()
    assert mark.exists()


def test_profiles_say_where_to_go() -> None:
    profile = Profile(
        "p",
        ssh="root@box:48626",
        ssh_options=("-i", "key", "-J", "a"),
        ssh_server="127.0.0.1:8000",
        new_host_each_time=True,
    )
    assert target_of(profile) == Target(
        "box", "root", 48626, ("-i", "key", "-J", "a"), "127.0.0.1", 8000, new_host_each_time=True
    )
    assert target_of(Profile("p", ssh="alias")).url == "ssh://alias/127.0.0.1:23333"
