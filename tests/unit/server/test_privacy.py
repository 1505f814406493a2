"""Requests carry what the user set and nothing else, whatever the environment says."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.raw_server import Exchange, RawServer
from tests.unit.server.helpers import ADD, CHAT, DONE, MODELS, QUICK, chunk, collect, connected, request, text_of
from tui.model.problem import ProblemError
from tui.server.address import Address
from tui.server.client import ServerClient
from tui.server.environment import environment_proxy
from tui.server.transport import warm_up

EVERYTHING = {"host", "connection", "accept", "accept-encoding", "user-agent", "content-type", "content-length"}


async def hello(exchange: Exchange) -> None:
    await exchange.stream(chunk({"content": "hello"}, "stop"), DONE)


ROUTES = {CHAT: hello, "/v1/models": MODELS, "/v1/encode": {"length": 3}}


@pytest.fixture
def hostile_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Keys, organisations, headers, base URLs, proxies and a .netrc, all of which must be ignored."""
    dead = "http://127.0.0.1:9"
    for name, value in {
        "OPENAI_API_KEY": "sk-leak",
        "OPENAI_ADMIN_KEY": "sk-leak",
        "OPENAI_ORG_ID": "org-leak",
        "OPENAI_PROJECT_ID": "proj-leak",
        "OPENAI_BASE_URL": f"{dead}/leak",
        "OPENAI_CUSTOM_HEADERS": "X-Leak: leak\nAuthorization: Bearer leak",
        "HTTP_PROXY": dead,
        "http_proxy": dead,
        "HTTPS_PROXY": dead,
        "ALL_PROXY": dead,
        "all_proxy": dead,
        "NETRC": str(tmp_path / "netrc"),
        "HOME": str(tmp_path),
    }.items():
        monkeypatch.setenv(name, value)
    for name in ("netrc", ".netrc"):
        (tmp_path / name).write_text("machine 127.0.0.1 login leak password leak\n")


@pytest.mark.usefixtures("hostile_environment")
@pytest.mark.parametrize("key", [None, "", " ", "sk-mine", " sk-mine\n"])
async def test_nothing_leaks_and_requests_go_direct(key: str | None) -> None:
    async with RawServer(ROUTES) as server, connected(server, key) as client:
        assert text_of(await collect(client, request(tools=(ADD,)))) == "hello"
        await client.probe()
        assert await client.count_tokens(request(), "encode") == 3
        assert len(server.requests) > 8
        for asked in server.requests:
            assert set(asked.headers) - {"authorization"} <= EVERYTHING
            assert asked.headers.get("authorization") == ("Bearer sk-mine" if key and key.strip() else None)
            assert "leak" not in repr(asked.headers)
            assert b"leak" not in asked.body
            assert asked.headers["accept-encoding"] == "identity"
            assert asked.headers["user-agent"].startswith("lmdeck/")


@pytest.mark.usefixtures("hostile_environment")
async def test_a_unix_socket_goes_direct_too(tmp_path: Path) -> None:
    path = str(tmp_path / "s")
    async with RawServer(ROUTES, unix=path) as server:
        client = ServerClient(Address("http://localhost", path), timeouts=QUICK)
        assert text_of(await collect(client)) == "hello"
        assert await client.models() == ("tiny-chat",)
        assert server.requests[0].headers["host"] == "localhost"
        await client.aclose()


@pytest.mark.usefixtures("hostile_environment")
async def test_servers_elsewhere_are_reached_through_the_proxy_of_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with RawServer({"*": MODELS}) as proxy:
        for name in ("HTTP_PROXY", "http_proxy"):
            monkeypatch.setenv(name, proxy.url)
        client = ServerClient(Address("http://gpu-box.example:23333"), "sk-mine", timeouts=QUICK)
        assert await client.models() == ("tiny-chat",)
        assert proxy.requests[0].path == "http://gpu-box.example:23333/v1/models"
        assert proxy.requests[0].headers["authorization"] == "Bearer sk-mine"
        await client.aclose()


async def test_a_proxy_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    client = ServerClient(Address("http://gpu-box.example:23333"), timeouts=QUICK)
    with pytest.raises(ProblemError) as caught:
        await client.models()
    assert caught.value.problem.code == "server.proxy_failed"
    await client.aclose()


@pytest.mark.parametrize(
    ("address", "environment", "proxy"),
    [
        ("http://h:1", {}, None),
        ("http://h:1", {"http_proxy": "http://p:2"}, "http://p:2"),
        ("http://h:1", {"http_proxy": "p:2"}, "http://p:2"),
        ("http://h:1", {"https_proxy": "http://p:2"}, None),
        ("https://h:1", {"https_proxy": "http://p:2"}, "http://p:2"),
        ("https://h:1", {"all_proxy": "http://p:2"}, "http://p:2"),
        ("http://h:1", {"http_proxy": "http://p:2", "no_proxy": "h"}, None),
        ("http://a.h:1", {"http_proxy": "http://p:2", "no_proxy": ".h"}, None),
        ("http://127.0.0.1:1", {"http_proxy": "http://p:2"}, None),
        ("http://localhost:1", {"http_proxy": "http://p:2"}, None),
        ("http://[::1]:1", {"http_proxy": "http://p:2"}, None),
    ],
)
def test_which_proxy(
    address: str, environment: dict[str, str], proxy: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert environment_proxy(Address(address)) == proxy


async def test_redirects_are_not_followed_so_keys_stay_here() -> None:
    async with RawServer({"*": MODELS}) as elsewhere:

        async def away(exchange: Exchange) -> None:
            await exchange.reply(b"", 307, "", Location=f"{elsewhere.url}/v1/models")

        async with RawServer({"*": away}) as server, connected(server, "sk-mine") as client:
            with pytest.raises(ProblemError) as caught:
                await client.models()
            assert caught.value.problem.code == "server.redirect"
            with pytest.raises(ProblemError):
                await collect(client)
        assert elsewhere.requests == []


def test_heavy_libraries_are_not_imported_before_they_are_needed() -> None:
    script = (
        "import sys; import tui.server.client, tui.server.endpoint, tui.server.address;"
        "heavy = ('openai', 'httpx2', 'pydantic', 'prometheus_client', 'textual');"
        "print([name for name in heavy if name in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def test_the_sdk_does_not_log_to_our_terminal() -> None:
    """With OPENAI_LOG set it would print every request over the screen."""
    script = (
        "import asyncio, logging; from tui.server.transport import warm_up; asyncio.run(warm_up());"
        "print(len(logging.getLogger().handlers)); logging.getLogger('openai').debug('SECRET')"
    )
    result = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, env={"OPENAI_LOG": "debug"}
    )
    assert result.stdout.strip() == "0"
    assert "SECRET" not in result.stderr


async def test_warming_up_sends_nothing_and_never_fails() -> None:
    await warm_up()
    async with RawServer() as server, connected(server) as client:
        await client.warm_up()
        await client.warm_up()
        assert server.requests == []
    await ServerClient(Address("http://\u0660:1")).warm_up()
