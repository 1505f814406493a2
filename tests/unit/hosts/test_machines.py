"""Machines that are open and those that could be: which are the same, what is listed. No ssh runs here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tui.config.profiles import Profile
from tui.hosts.machines import Machines
from tui.hosts.overview import all_machines, look_inside, read_places
from tui.hosts.ssh_config import SshHost
from tui.model.problem import Problem, ProblemError
from tui.model.question import Question
from tui.model.server import LinkPhase
from tui.ssh.forwards import Forward
from tui.ssh.target import Target
from tui.ssh.wire import Hello

BROKEN = ("-F", "/no/such/file")  # ssh says so and ends; nothing is contacted


async def nobody(_question: Question) -> str | None:
    return None


async def test_a_machine_is_opened_once():
    machines = Machines(nobody)
    news = machines.subscribe()
    try:
        one = await machines.open("ssh://root@box:5/8000", BROKEN)
        assert await machines.open("ssh://root@box:5/9000", BROKEN) is one
        assert await machines.open("ssh://root@box:5") is one  # only its name: the way is known
        other = await machines.open("ssh://root@box:5", (*BROKEN, "-4"))
        assert other is not one
        assert machines.hosts == (one, other)
        assert machines.find(Target("box", "root", 6)) is None
        assert news.drain()[-1] == (one, other)
        await machines.remove(one)
        await machines.remove(one)
        assert machines.hosts == (other,)
        assert one.link.state.phase is LinkPhase.IDLE
    finally:
        await machines.aclose()
    assert other.link.state.phase is LinkPhase.IDLE
    assert machines.hosts == ()


async def test_an_option_that_runs_a_program_needs_a_yes():
    answers = ["no", "yes"]
    asked: list[Question] = []

    async def ask(question: Question) -> str | None:
        asked.append(question)
        return answers.pop(0)

    machines = Machines(ask)
    line = "ssh box -o ProxyCommand='nc %h %p' -F /no/such/file"
    try:
        with pytest.raises(ProblemError) as caught:
            await machines.open(line)
        assert caught.value.problem.code == "ssh.dangerous_refused"
        assert machines.hosts == ()
        host = await machines.open(line)
        assert await machines.open(line) is host  # asked once
        assert len(asked) == 2
        with pytest.raises(ProblemError):
            await machines.open("ssh://")
    finally:
        await machines.aclose()


class FakeLink:
    def __init__(self, **answers: Any) -> None:
        self.answers = answers
        self.hello: Hello | None = Hello("nvml", "580", "3.11")
        self.forwards = (
            Forward("127.0.0.1", 23333, "/tmp/s"),
            Forward("127.0.0.1", 23333, local_port=8000, for_user=True),
        )
        from tui.model.server import LinkState

        self.state = LinkState(LinkPhase.HEALTHY, 1.0)

    async def order(self, do: str, within: float = 15.0, **_fields: Any) -> dict[str, Any]:
        if do not in self.answers:
            raise ProblemError(Problem("ssh.no_python"))
        return self.answers[do]


class FakeHost:
    def __init__(self, name: str, link: FakeLink) -> None:
        self.name, self.link = name, link


async def test_what_a_machine_says_of_itself():
    arguments = ["python", "lmdeploy", "serve", "api_server", "/m/x", "--server-port", "23333"]
    servers = {"servers": [{"pid": 5, "ports": [23333], "arguments": arguments}]}
    card = {"index": 0, "name": "A100", "total": 8, "free": 4, "used": 4}
    full = FakeHost("root@box", FakeLink(servers=servers, sample={"sample": {"gpus": [card], "source": "nvml"}}))
    inside = await look_inside(full)  # type: ignore[arg-type]
    assert inside.servers is not None
    assert inside.servers[0].name == "x"
    assert inside.reading is not None
    (entry,) = all_machines([full], [], [])  # type: ignore[list-item]
    line = entry.line(inside)
    assert line.cards is not None
    assert (line.cards[0].free, line.ports, line.link.phase) == (4, ((8000, 23333),), LinkPhase.HEALTHY)
    assert entry.line(None).servers is None
    mute = await look_inside(FakeHost("x", FakeLink()))  # type: ignore[arg-type]
    assert (mute.servers, mute.reading) == (None, None)
    odd = FakeHost("x", FakeLink(servers={}, sample={}))
    odd.link.hello = None
    inside = await look_inside(odd)  # type: ignore[arg-type]
    assert (inside.servers, inside.reading) == ((), None)


def test_every_machine_is_listed_once():
    host = FakeHost("root@box:5", FakeLink())
    profiles = [
        Profile("same", ssh="root@box:5"),
        Profile("far", ssh="root@far"),
        Profile("twice", ssh="root@far", ssh_server="127.0.0.1:1"),
        Profile("near", url="http://127.0.0.1:1"),
        Profile("wrong", ssh="root@box:99999"),
    ]
    configured = [SshHost("gpu", "10.0.0.5", "me", 22), SshHost("bare"), SshHost("root@far")]
    found = all_machines([host], profiles, configured)  # type: ignore[list-item]
    assert [(entry.name, entry.origin, entry.detail) for entry in found] == [
        ("root@box:5", "open", ""),
        ("root@far", "profile", "far"),
        ("gpu", "config", "me@10.0.0.5:22"),
        ("bare", "config", ""),
    ]
    assert found[1].opens == profiles[1]
    assert found[1].line(None).link.phase is LinkPhase.IDLE


def test_places_are_read_from_the_users_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".ssh").mkdir()
    (tmp_path / ".ssh" / "config").write_text("Host gpu\n  HostName 10.0.0.5\n")
    profiles, configured = read_places()
    assert profiles == ()
    assert [host.alias for host in configured] == ["gpu"]
