"""The nodes of a proxy, with the simulated proxy behind the app."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.app.test_real_server import connected, say
from tests.support.app import running, screen_text, see
from tests.support.demo import StartDemo, start_demo  # noqa: F401 (a fixture)
from tests.support.raw_server import Exchange, RawServer
from tests.support.waiting import until_pilot
from tui.app_options import AppOptions
from tui.model.problem import Problem, ProblemError
from tui.screens.confirm import ConfirmScreen
from tui.screens.nodes import NodesScreen
from tui.server.address import Address
from tui.server.client import ServerClient
from tui.server.proxy import Proxy


async def test_nodes_are_shown_asked_and_removed(start_demo: StartDemo, tmp_path: Path) -> None:  # noqa: F811
    proxy = await start_demo(proxy=True, nodes=2)
    async with connected(AppOptions(url=proxy.url, store=tmp_path / "c.sqlite")) as (app, pilot):
        await see(pilot, "lmdeck-demo", 30)
        await until_pilot(pilot, lambda: app.chat.workspace.link.facts.is_proxy, 30)
        await say(app, pilot, "Count to 3")
        await say(app, pilot, "/demo proxy-error")
        await pilot.press("/", *"nodes", "enter")
        await until_pilot(pilot, lambda: isinstance(app.screen, NodesScreen) and app.screen.state.nodes)
        screen = app.screen
        await see(pilot, "0 unfinished")
        await see(pilot, "The server behind the proxy does not answer")
        first = screen.state.nodes[0].url
        assert any(node.latency is not None for node in screen.state.nodes)
        await pilot.press("enter")
        await see(pilot, "answers after")
        await pilot.press("delete")
        await until_pilot(pilot, lambda: isinstance(app.screen, ConfirmScreen))
        await pilot.press("tab", "enter")
        await see(pilot, "Deleted successfully")
        await until_pilot(pilot, lambda: len(screen.state.nodes) == 1)
        assert screen.state.nodes[0].url != first
        await pilot.press("escape")
        await until_pilot(pilot, lambda: app.screen is app.chat)


async def test_a_server_that_is_no_proxy_has_no_nodes() -> None:
    async with running() as (app, pilot, _workspace):
        await app.run_action("app.nodes")
        await see(pilot, "This server is no lmdeploy proxy")


class Talk:
    """A proxy that says what the test says."""

    def __init__(self, *answers: str | Problem) -> None:
        self.answers = list(answers)

    def _next(self) -> str:
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Problem):
            raise ProblemError(answer)
        return answer

    async def status(self) -> str:
        return self._next()

    async def remove(self, url: str) -> str:
        raise ProblemError(Problem("server.refused", {"url": url}))

    async def ask(self, url: str, within: float) -> float:
        raise ProblemError(Problem("server.refused", {"url": url}))


NODE = (
    '{"http://10.0.0.7:23333": {"role": 2, "models": ["m\\u001b[31m"], "unfinished": 3, "latency": [], "speed": null}}'
)


@pytest.mark.parametrize(
    ("answers", "shown"),
    [
        (("{}",), "No node is registered"),
        (("<html>",), "list of nodes could not be read"),
        (('{"error_code": 10401, "text": "gone"}',), "has no node that can answer (gone)"),
        ((Problem("server.refused", {"url": "http://x"}), NODE), "3 unfinished"),
    ],
)
async def test_what_a_proxy_may_say(answers: tuple[Any, ...], shown: str) -> None:
    async with running(size=(80, 24)) as (app, pilot, _workspace):
        app.push_screen(NodesScreen(Talk(*answers), "127.0.0.1:8000", every=0.02))
        await see(pilot, shown)


async def test_a_dead_node_is_named() -> None:
    async with running(size=(100, 30)) as (app, pilot, _workspace):
        screen = NodesScreen(Talk(NODE), "127.0.0.1:8000", every=30)
        app.push_screen(screen)
        await see(pilot, "prefill")
        assert "\x1b" not in screen_text(app)
        await pilot.press("enter")
        await see(pilot, "✗ http://10.0.0.7:23333")
        await see(pilot, "http://10.0.0.7:23333")
        await pilot.press("delete", "tab", "enter")
        await until_pilot(pilot, lambda: app.screen is screen)
        assert "Nothing listens at http://10.0.0.7:23333" in str(screen._said.render())
        await pilot.press("escape")


async def test_the_proxys_routes() -> None:
    async def refuse(exchange: Exchange) -> None:
        await exchange.reply({"message": "no"}, 500)

    async with RawServer({"/nodes/status": refuse, "/health": refuse}) as server:
        client = ServerClient(Address.parse(server.url))
        try:
            with pytest.raises(ProblemError):
                await Proxy(client).status()
            with pytest.raises(ProblemError):
                await Proxy(client).ask(server.url, 5.0)
        finally:
            await client.aclose()
