"""The memory monitor on recordings, on the simulated server and on servers that cannot be looked at."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from time import monotonic
from typing import Any

import pytest

from tests.support.fake_session import FakeGpu, FakeLink
from tests.support.memory_recordings import STARTS, Recording, load
from tests.support.waiting import until
from tui.demo.process import DemoServer
from tui.hosts.findings import Findings, NoFinder, Told
from tui.hosts.monitor import FAST_SECONDS, MemoryMonitor
from tui.hosts.run_keeper import RunKeeper
from tui.hosts.telling import told_from
from tui.hosts.watching import Watch, memory_monitor
from tui.lmdeploy.versions import Version
from tui.model.gpu import GpuReading, GpuSample
from tui.model.launch import LaunchStage
from tui.model.memory import MemoryBreakdown, Source
from tui.model.monitor import Attention
from tui.model.problem import Problem
from tui.model.server import LinkPhase, LinkState, ServerFacts, ServerMetrics
from tui.planner.calibration import OwnMeasurements
from tui.planner.cli import say
from tui.planner.runs import RunLog
from tui.server.address import Address
from tui.server.endpoint import Endpoint

pytest_plugins = ("tests.support.demo",)
GIB = 1 << 30
PARTS = ("weights", "kv_cache", "other", "other_processes", "driver_reserve", "free")


class Found:
    """A finder that finds what a test says."""

    def __init__(self, findings: Findings | None = None) -> None:
        self.findings = findings or Findings()
        self.looks = 0

    async def look(self) -> Findings:
        self.looks += 1
        return self.findings


class PacedGpu(FakeGpu):
    """A source that notes how often it shall sample."""

    def __init__(self, *readings: GpuReading) -> None:
        super().__init__()
        self.intervals: list[float | None] = []
        self._queue: asyncio.Queue[GpuReading] = asyncio.Queue()
        for reading in readings:
            self.send(reading)

    async def readings(self) -> AsyncIterator[GpuReading]:
        while True:
            yield await self._queue.get()

    def set_interval(self, seconds: float | None) -> None:
        self.intervals.append(seconds)

    def send(self, reading: GpuReading) -> None:
        self._queue.put_nowait(reading)


def findings(recording: Recording, until_second: float = 1e9, **changes: Any) -> Findings:
    """What can be known of a recorded server at a moment."""
    config, checkpoint = recording.model
    reader = recording.read_log(until_second)
    values: dict[str, Any] = {
        "kind": "process",
        "identity": recording.name,
        "model": recording.command.model,
        "config": config,
        "checkpoint": checkpoint,
        "facts": reader.facts,
        "stages": tuple(reader.stages),
        "command": recording.command,
        "pids": recording.server_pids,
        "version": Version(0, 18, 0),
        "started": 0.0,
    }
    return Findings(**{**values, **changes})


@pytest.fixture
def keeper(tmp_path) -> RunKeeper:
    return RunKeeper(RunLog(tmp_path / "runs.jsonl"), OwnMeasurements(tmp_path / "own.json"))


@pytest.fixture
async def watch(keeper) -> AsyncIterator[Any]:
    """Starts monitors that are closed with the test."""
    opened: list[MemoryMonitor] = []

    async def start(link: Any = None, source: Any = None, finder: Any = None, **options: Any) -> MemoryMonitor:
        monitor = MemoryMonitor(link or FakeLink(), source, finder, **{"keeper": keeper, **options})
        opened.append(monitor)
        await monitor.start()
        return monitor

    yield start
    for monitor in opened:
        await monitor.aclose()


def add_up(card: MemoryBreakdown) -> int:
    return sum(getattr(card, part).bytes or 0 for part in PARTS)


@pytest.mark.parametrize("name", STARTS)
async def test_a_recorded_server_is_split_as_it_was(name, watch, keeper):
    recording = load(name)
    gpu = PacedGpu(recording.reading(recording.ready_sample()))
    monitor = await watch(source=gpu, finder=Found(findings(recording)))
    await until(lambda: monitor.state.cards)
    card = monitor.state.cards[0].breakdown
    assert add_up(card) == card.total.bytes
    assert card.kv_cache.bytes == recording.read_log().facts.kv_region(recording.model[0])
    assert card.kv_cache.source is Source.SERVER_LOG
    assert card.weights.bytes == recording.model[1].total
    kept = monitor.snapshot()
    assert kept[0].witness is not None
    assert tuple(replace(one, witness=None) for one in kept) == (card,)
    runs = await until_runs(keeper)
    assert runs[0].kv_cache == card.kv_cache.bytes
    assert runs[0].total == recording.process_bytes
    assert runs[0].predicted_total is not None
    assert abs(runs[0].predicted_total - recording.process_bytes) < max(0.03 * recording.process_bytes, 0.35 * GIB)


async def until_runs(keeper: RunKeeper) -> Any:
    for _ in range(400):
        if runs := await keeper.runs():
            return runs
        await asyncio.sleep(0.01)
    raise AssertionError("no run was kept")


async def test_a_start_is_kept_once_and_teaches_once(watch, keeper):
    recording = load("turbomind-7b-bf16-ratio0.8")
    gpu = PacedGpu(recording.reading(recording.ready_sample()))
    monitor = await watch(source=gpu, finder=Found(findings(recording)))
    await until_runs(keeper)
    gpu.send(recording.reading(recording.ready_sample()))
    again = await watch(source=PacedGpu(recording.reading(recording.ready_sample())), finder=Found(findings(recording)))
    await until(lambda: again.state.cards and not again._keeping and again._kept)
    assert len(await keeper.runs()) == 1
    measured = await keeper.measurements()
    assert [entry.name for entry in measured] == [recording.name]
    assert abs(measured[0].before) < 0.2 * GIB
    assert monitor.explain("kv_cache") is not None
    assert await keeper.forget([recording.name]) is None
    assert await keeper.runs() == ()


async def test_a_start_is_followed_phase_by_phase(watch):
    """The samples of the recording one by one, with as much of the log as was written then."""
    recording = load("turbomind-1_8b-w4a16-ratio0.4-kvint4")
    link = FakeLink(link=LinkState(LinkPhase.CONNECTING, 0.0))
    gpu, finder = PacedGpu(), Found()
    monitor = await watch(link, gpu, finder)
    stages: list[LaunchStage] = []
    with monitor.watching(Attention.SHOWN):
        for entry in recording.samples[::4]:
            at = entry["t"]
            if at < 6 or at > 14:
                continue
            finder.findings = findings(recording, at)
            sample = recording.sample(entry["used"], entry["free"], entry["total"], entry["procs"])
            monitor._looked = float("-inf")
            before = monitor.state
            gpu.send(replace(recording.reading(sample), time=at))
            await until(lambda before=before: monitor.state is not before)
            assert monitor.state.starting is not None
            card = monitor.state.cards[0].breakdown
            assert add_up(card) == card.total.bytes
            if monitor.state.starting.stage not in stages:
                stages.append(monitor.state.starting.stage)
        assert FAST_SECONDS in gpu.intervals
        finder.findings = findings(recording)
        monitor._looked = float("-inf")
        link.become(link=LinkState(LinkPhase.HEALTHY, 0.0))
        gpu.send(replace(recording.reading(recording.ready_sample()), time=15.0))
        await until(lambda: monitor.state.starting is None)
        assert gpu.intervals[-1] == 1.0
    assert stages[-2:] == [LaunchStage.KV_CACHE, LaunchStage.WARM_UP] or LaunchStage.WEIGHTS in stages
    sizes = {phase.stage: phase.size for phase in monitor.state.timeline}
    assert (sizes[LaunchStage.KV_CACHE] or 0) > 7 * GIB


async def test_attention_sets_the_pace_and_nobody_looking_stops_it(watch):
    link, gpu = FakeLink(), PacedGpu()
    monitor = await watch(link, gpu)
    with monitor.watching(Attention.SHOWN):
        assert gpu.intervals[-1] == 1.0
        assert link.watchers == 1
        with monitor.watching(Attention.FOCUSED):
            assert gpu.intervals[-1] == FAST_SECONDS
            assert link.watchers == 1
        assert gpu.intervals[-1] == 1.0
    assert gpu.intervals[-1] is None
    assert link.watchers == 0
    monitor.snapshot()
    assert gpu.intervals[-1] == 1.0  # a turn wants one fresh figure
    gpu.send(GpuReading(1.0, (), "none"))
    await until(lambda: gpu.intervals[-1] is None)


async def test_rates_come_from_the_servers_counters(watch):
    link, gpu = FakeLink(), PacedGpu()
    monitor = await watch(link, gpu)
    now = monotonic()

    def metrics(seconds: float, tokens: float | None) -> ServerMetrics:
        return ServerMetrics(now - 5 + seconds, 0.25, 2, 1, generation_tokens_total=tokens)

    async def rate_after(*readings: ServerMetrics) -> float | None:
        for reading in readings:
            link.measured(reading)
        before = monitor.state
        await asyncio.sleep(0)
        gpu.send(GpuReading(1.0, (), "none"))
        await until(lambda: monitor.state is not before)
        return monitor.state.tokens_per_second

    assert await rate_after(metrics(0, 100)) is None
    assert await rate_after(metrics(2, 300)) == 100.0
    assert (monitor.state.running, monitor.state.waiting) == (2, 1)
    assert monitor.state.occupancy is not None
    assert monitor.state.occupancy.fraction == 0.25
    assert await rate_after(metrics(4, 10)) is None  # the server was started anew
    assert await rate_after(metrics(4.5, None)) is None


async def test_a_server_elsewhere_says_what_cannot_be_known_and_can_be_told(watch):
    link = FakeLink()
    monitor = await watch(link, finder=NoFinder())
    await until(lambda: monitor.state.problems)
    assert [problem.code for problem in monitor.state.problems] == ["memory.remote"]
    assert monitor.question() is None
    assert monitor.explain("weights") is None
    monitor.tell(told_from("lmdeploy serve api_server internlm2_5-7b-chat --cache-max-entry-count 0.4", "24GiB"))
    link.measured(ServerMetrics(monotonic(), 0.5))
    await until(lambda: monitor.state.cards)
    card = monitor.state.cards[0].breakdown
    assert add_up(card) == card.total.bytes == 24 * GIB
    assert card.kv_cache.source is Source.ESTIMATED
    assert card.kv_cache.margin > 0
    assert card.occupancy is not None
    assert card.occupancy.tokens == pytest.approx((card.occupancy.capacity_tokens or 0) / 2, abs=1)
    assert monitor.state.problems == ()
    for part in (*PARTS, "total", "occupancy", "no such part"):
        explanation = monitor.explain(part)
        assert explanation is not None
        assert "{" not in say(explanation.formula)
    monitor.tell(told_from("internlm2_5-20b-chat", "12GiB"))
    link.measured(ServerMetrics(monotonic(), 0.5))
    await until(lambda: [problem.code for problem in monitor.state.problems] == ["memory.impossible"])
    monitor.tell(None)


async def test_a_port_without_a_process_and_a_model_without_files_are_said(watch):
    sample = GpuSample(0, "NVIDIA A100", 24 * GIB, 10 * GIB, 14 * GIB)
    gpu = PacedGpu(GpuReading(1.0, (sample,), "nvml"))
    finder = Found()
    link = FakeLink(ServerFacts(models=("m",), metrics=False))
    monitor = await watch(link, gpu, finder, port=23333)
    await until(lambda: monitor.state.cards)
    assert [problem.code for problem in monitor.state.problems] == ["memory.no-process", "memory.no-metrics"]
    card = monitor.state.cards[0].breakdown
    assert card.weights.bytes is None
    assert card.other_includes_foreign
    finder.findings = Findings(kind="process", identity="1", model="own/model")
    monitor._looked = float("-inf")
    gpu.send(GpuReading(2.0, (sample,), "nvml"))
    await until(lambda: monitor.state.problems[0].code == "memory.model-unknown")
    assert monitor.found.baseline == {0: 10 * GIB}  # seen before the server was there
    assert monitor.explain("weights") is not None
    finder.findings = replace(finder.findings, problem=Problem("checkpoint.no-config", {"folder": "/x"}))
    monitor._looked = float("-inf")
    gpu.send(GpuReading(3.0, (sample,), "nvml", problem=Problem("gpu.none")))
    await until(lambda: monitor.state.problems[0].code == "gpu.none")
    assert monitor.state.problems[1].code == "checkpoint.no-config"


async def test_the_simulated_server_is_split_like_a_real_one(keeper):
    async with DemoServer(speed=0, first_token=0) as demo:
        endpoint = Endpoint(Address.parse(demo.url))
        watching = Watch((demo.gpu_url, demo.facts_url), interval=0.05)
        monitor = memory_monitor(endpoint, endpoint.address, watching)
        monitor.keeper = keeper
        read: list[GpuReading] = []
        monitor.on_reading = read.append
        states = monitor.subscribe()
        await endpoint.connect()
        await monitor.start()
        try:
            with monitor.watching(Attention.SHOWN):
                async for shown in states:
                    if shown.cards and shown.occupancy is not None and keeper._simulated:
                        break
        finally:
            states.close()
            await monitor.aclose()
            await endpoint.aclose()
    card = shown.cards[0].breakdown
    assert shown.simulated
    assert read
    assert add_up(card) == card.total.bytes
    assert card.weights.bytes == 1_542_787_072
    assert round((card.kv_cache.bytes or 0) / GIB, 2) == 8.14
    assert [phase.stage for phase in shown.timeline][:3] == [
        LaunchStage.CONTEXT,
        LaunchStage.WEIGHTS,
        LaunchStage.KV_CACHE,
    ]
    runs = await keeper.runs()
    assert [run.weight_format for run in runs] == ["awq"]
    assert await keeper.measurements() == ()  # a simulation teaches nothing


async def test_which_monitor_fits_which_address():
    link = FakeLink()
    local = memory_monitor(link, Address.parse("http://127.0.0.1:23333"))
    far = memory_monitor(link, Address.parse("http://10.0.0.1:23333"))
    assert local._source is not None
    assert far._source is None
    for monitor in (local, far):
        await monitor.aclose()


def test_told_facts_fill_only_gaps():
    told = told_from("internlm2_5-7b-chat", "24GiB")
    assert isinstance(told, Told)
    assert told.fill(Findings(kind="process", identity="1")).kind == "process"
