"""Which of a machine's servers is meant: every case, on a scripted agent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from tests.support.sentences import sentence_of
from tui.hosts.serving import Aimer, servers_there
from tui.model.machine import ServerThere
from tui.model.problem import Problem, ProblemError
from tui.ssh.forwards import Forward


class Agent:
    """Answers ``servers`` and ``port``. ``listening`` are ports without a process that can be seen."""

    def __init__(self, *ports: int, loading: tuple[int, ...] = (), listening: tuple[int, ...] = ()) -> None:
        self.ports, self.loading, self.listening = ports, loading, listening
        self.problem: Problem | None = None
        self.model = "/m/tiny"

    async def __call__(self, do: str, within: float = 15.0, **fields: Any) -> dict[str, Any]:
        if self.problem is not None:
            raise ProblemError(self.problem)
        if do == "port":
            return {"sockets": ["1"] if fields["port"] in self.listening else []}
        words = ["python", "/bin/lmdeploy", "serve", "api_server", self.model, "--server-port"]
        found = [{"pid": port, "ports": [port], "arguments": [*words, str(port)]} for port in self.ports]
        found += [{"pid": port, "ports": [], "arguments": [*words, str(port)]} for port in self.loading]
        return {"servers": found}


class End:
    """An endpoint that only remembers where it was led."""

    def __init__(self, port: int, host: str = "127.0.0.1") -> None:
        self.forward = Forward(host, port)

    async def lead_to(self, host: str, port: int) -> None:
        self.forward = Forward(host, port)


class Chooser:
    """A user who takes the server at a port, or none."""

    def __init__(self, port: int | None = None) -> None:
        self.port = port
        self.asked: list[tuple[int, ...]] = []

    async def __call__(self, _host: str, servers: Sequence[ServerThere]) -> ServerThere | None:
        self.asked.append(tuple(server.port for server in servers))
        return next((server for server in servers if server.port == self.port), None)


async def aimed(agent: Agent, start: int = 23333, choose: Chooser | None = None, **options: Any) -> int:
    end = End(start)
    await Aimer(agent, "root@box", choose=choose, **options)(end)  # type: ignore[arg-type]
    return end.forward.port


async def test_the_servers_that_a_machine_lists():
    found = await servers_there(Agent(23334, loading=(23333,)))
    assert [(one.port, one.name, one.listens) for one in found] == [(23333, "tiny", False), (23334, "tiny", True)]


@pytest.mark.parametrize("named", [True, False])
async def test_the_server_at_the_port_that_was_said(named: bool):
    assert await aimed(Agent(23333), named=named) == 23333
    assert await aimed(Agent(), named=named) == 23333
    assert await aimed(Agent(loading=(23334,)), named=named) == 23333


async def test_the_only_server_there_is():
    assert await aimed(Agent(8000)) == 8000
    assert await aimed(Agent(8000), choose=Chooser()) == 8000


async def test_a_named_port_wins_over_others():
    chooser = Chooser(8000)
    assert await aimed(Agent(23333, 8000), choose=chooser, named=True) == 23333
    assert chooser.asked == []
    assert await aimed(Agent(23333, 8000), choose=chooser) == 8000
    assert chooser.asked == [(8000, 23333)]


async def test_a_port_whose_process_cannot_be_seen_is_an_offer():
    chooser = Chooser(23333)
    assert await aimed(Agent(8000, listening=(23333,)), choose=chooser) == 23333
    assert chooser.asked == [(23333, 8000)]
    assert await aimed(Agent(8000, listening=(23333,)), named=True) == 23333


async def test_without_anybody_to_ask_nothing_is_guessed():
    with pytest.raises(ProblemError) as caught:
        await aimed(Agent(8000, 8001))
    assert caught.value.problem.code == "ssh.several_servers"
    assert "8000, 8001" in sentence_of(caught.value.problem)
    with pytest.raises(ProblemError) as caught:
        await aimed(Agent(8000), named=True)
    assert caught.value.problem.code == "ssh.listens_elsewhere"
    assert "23333" in sentence_of(caught.value.problem)


async def test_a_server_that_comes_back_at_another_port_is_followed_and_said():
    told: list[Problem] = []
    agent, end = Agent(23333), End(23333)
    aimer = Aimer(agent, "root@box", choose=Chooser(), moved=told.append)
    await aimer(end)  # type: ignore[arg-type]
    agent.ports = (8000,)
    await aimer(end)  # type: ignore[arg-type]
    assert end.forward.port == 8000
    assert told == []  # 23333 was nobody's word
    agent.ports = (8001,)
    await aimer(end)  # type: ignore[arg-type]
    assert end.forward.port == 8001
    agent.model = "/m/other"  # another model at another port is another server
    agent.ports = (8002,)
    await aimer(end)  # type: ignore[arg-type]
    assert end.forward.port == 8001
    assert [problem.code for problem in told] == ["ssh.server_moved"]
    assert "8001" in sentence_of(told[0])


async def test_a_choice_that_was_refused_is_not_offered_again():
    chooser = Chooser(None)
    agent, end = Agent(8000, 8001), End(23333)
    aimer = Aimer(agent, "root@box", choose=chooser)
    for _ in range(3):
        await aimer(end)  # type: ignore[arg-type]
    assert end.forward.port == 23333
    assert len(chooser.asked) == 1
    agent.ports = (8000, 8001, 8002)
    chooser.port = 8002
    await aimer(end)  # type: ignore[arg-type]
    assert end.forward.port == 8002


async def test_what_cannot_be_looked_into_is_taken_as_said():
    agent = Agent(8000)
    agent.problem = Problem("ssh.no_python")
    assert await aimed(agent) == 23333
    end = End(23333, "10.0.0.7")
    await Aimer(Agent(8000), "root@box")(end)  # type: ignore[arg-type]
    assert end.forward == Forward("10.0.0.7", 23333)
