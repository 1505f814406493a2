"""The cards of a machine over ssh, on a scripted link: how often the agent samples, and what its lines become."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from time import monotonic
from typing import Any

from tests.support.waiting import until
from tui.hosts.remote_gpu import RemoteGpuSource, SamplePace, reading_from
from tui.model.broadcast import Broadcast, Subscription
from tui.model.gpu import GpuReading
from tui.model.problem import Problem, ProblemError
from tui.model.server import LinkPhase, LinkState
from tui.ssh.wire import Hello

GIB = 1 << 30
CARD = {"index": 0, "name": "A100", "total": 80 * GIB, "used": 8 * GIB, "free": 72 * GIB, "reserved": GIB}


class Link:
    """A link whose agent notes down what it is told."""

    def __init__(self, *, up: bool = True) -> None:
        self.samples: Broadcast[Any] = Broadcast(limit=16)
        self.hello: Hello | None = Hello("nvml", "580.1", "3.11")
        self.state = LinkState(LinkPhase.HEALTHY if up else LinkPhase.CONNECTING, monotonic())
        self.told: list[float | None] = []
        self.refuses = False
        self._news: Broadcast[LinkState] = Broadcast()

    @property
    def is_up(self) -> bool:
        return self.state.phase is LinkPhase.HEALTHY

    def subscribe(self) -> Subscription[LinkState]:
        return self._news.subscribe()

    def becomes(self, phase: LinkPhase, problem: Problem | None = None) -> None:
        self.state = LinkState(phase, monotonic(), problem)
        self._news.publish(self.state)

    async def order(self, do: str, within: float = 15.0, **fields: Any) -> dict[str, Any]:
        assert do == "interval"
        if self.refuses:
            raise ProblemError(Problem("ssh.no_python"))
        self.told.append(fields["seconds"])
        return {}


def sources(link: Link, count: int) -> list[RemoteGpuSource]:
    pace = SamplePace(link)  # type: ignore[arg-type]
    return [RemoteGpuSource(link, pace) for _ in range(count)]  # type: ignore[arg-type]


async def begun(source: RemoteGpuSource, link: Link) -> tuple[AsyncGenerator[GpuReading], Any]:
    """Readings that are being waited for, and the task that waits for the first."""
    import asyncio

    readings = source.readings()
    first = asyncio.create_task(anext(readings))
    await until(lambda: link.told, what="the agent was told")
    await asyncio.sleep(0)
    return readings, first


async def test_the_agent_samples_as_often_as_the_most_curious_reader_wants():
    link = Link()
    slow, fast = sources(link, 2)
    slow.set_interval(5.0)
    readings, first = await begun(slow, link)
    assert link.told == [5.0]
    fast.set_interval(0.01)  # no faster than ten times a second
    others, second = await begun(fast, link)
    await until(lambda: link.told[-1] == 0.1)
    fast.set_interval(None)
    await until(lambda: link.told[-1] == 5.0)
    link.samples.publish({"gpus": [CARD], "source": "nvml", "time": 5.0})
    assert (await first).samples[0].free == 72 * GIB
    assert (await second).driver == "580.1"
    await fast.aclose()
    await others.aclose()
    await readings.aclose()
    await until(lambda: link.told[-1] is None)
    await slow.aclose()


async def test_every_new_connection_is_told_and_a_loss_is_shown_once():
    link = Link(up=False)
    (source,) = sources(link, 1)
    import asyncio

    readings = source.readings()
    first = asyncio.create_task(anext(readings))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert link.told == []
    link.becomes(LinkPhase.HEALTHY)
    await until(lambda: link.told == [1.0])
    link.becomes(LinkPhase.LOST, Problem("ssh.peer_silent", {"host": "box"}))
    reading = await first
    assert reading.samples == ()
    assert reading.problem is not None
    assert reading.problem.code == "ssh.peer_silent"
    link.refuses = True
    link.becomes(LinkPhase.HEALTHY)  # an agent that obeys nothing samples anyway
    second = asyncio.create_task(anext(readings))
    await asyncio.sleep(0.01)
    link.samples.publish({"gpus": [CARD], "source": "nvml"})
    assert (await second).samples[0].total == 80 * GIB
    await readings.aclose()
    await source.aclose()


async def test_a_size_that_the_user_knows_replaces_the_drivers():
    link = Link()
    (source,) = sources(link, 1)
    source.set_total(24 * GIB)
    readings, first = await begun(source, link)
    link.samples.publish({"gpus": [CARD], "source": "nvml"})
    (card,) = (await first).samples
    assert (card.total, card.used, card.free, card.reserved) == (24 * GIB, 8 * GIB, 16 * GIB, None)
    await readings.aclose()


async def test_lines_of_nvidia_smi_are_gathered_into_readings():
    link = Link()
    link.hello = None
    (source,) = sources(link, 1)
    readings, first = await begun(source, link)
    line = "{index}, GPU-{index}, NVIDIA A100, 81920, 8192, 72704, 1024, 37, 45, 210.5"
    for index in (0, 1, 0, 1):
        link.samples.publish(line.format(index=index))
    link.samples.publish("no such line")
    cards = (await first).samples
    assert cards
    assert (await anext(readings)).source == "nvidia-smi"
    await readings.aclose()


async def test_a_slow_reader_loses_the_oldest():
    import asyncio

    link = Link()
    (source,) = sources(link, 1)
    readings, first = await begun(source, link)
    link.samples.publish({"gpus": [CARD], "source": "nvml", "time": 0.5})
    await first
    for number in range(1, 31):
        link.samples.publish({"gpus": [CARD], "source": "nvml", "time": float(number)})
        await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert (await anext(readings)).time > 20
    await readings.aclose()


def test_why_there_are_no_cards():
    for reasons, code in (
        (("nvml: library not found",), "gpu.library"),
        (("nvml: driver not loaded",), "gpu.driver"),
        (("something else",), "gpu.none"),
        ((), "gpu.none"),
    ):
        reading = reading_from({"gpus": []}, Hello("none", "", "", reasons=reasons))
        assert reading.problem is not None
        assert reading.problem.code == code


def test_processes_and_errors_of_a_card():
    entry = {**CARD, "processes": [[7, 5, True], [8, None, False]], "errors": {"power": "not supported"}}
    (card,) = reading_from({"gpus": [entry], "source": "nvml"}, Hello("nvml", "", "")).samples
    assert card.processes is not None
    assert [(one.pid, one.used) for one in card.processes] == [(7, 5), (8, None)]
    assert card.errors == {"power": "not supported"}
