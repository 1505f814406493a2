"""The memory panel in the app: wide and narrow, explanations by keyboard and mouse, both languages."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from time import monotonic
from typing import Any

import pytest

from tests.support.app import running, screen_text, see
from tests.support.fake_session import FakeGpu, FakeLink, FakeWorkspace
from tests.support.memory_recordings import load
from tests.support.memory_states import GIB
from tests.support.waiting import until_pilot
from tests.unit.hosts.test_monitor import Found, findings
from tui.hosts.monitor import MemoryMonitor
from tui.hosts.run_keeper import RunKeeper
from tui.i18n import set_language
from tui.model.gpu import GpuReading, GpuSample
from tui.model.problem import Problem
from tui.model.server import ServerMetrics
from tui.planner.calibration import OwnMeasurements
from tui.planner.runs import RunLog
from tui.widgets.memory_panel import MemoryLine, MemoryPanel

WIDE, NARROW = (120, 36), (80, 24)


@pytest.fixture(autouse=True)
def _english() -> Iterator[None]:
    set_language("en")
    yield
    set_language("en")


@pytest.fixture
def keeper(tmp_path) -> RunKeeper:
    return RunKeeper(RunLog(tmp_path / "runs.jsonl"), OwnMeasurements(tmp_path / "own.json"))


def homework(keeper: RunKeeper) -> FakeWorkspace:
    """A workspace on the recorded server of the course's homework."""
    recording = load("turbomind-1_8b-w4a16-ratio0.4-kvint4")
    workspace = FakeWorkspace()
    gpu = FakeGpu(recording.reading(recording.ready_sample()))
    workspace.memory = MemoryMonitor(workspace.link, gpu, Found(findings(recording)), keeper=keeper)
    return workspace


def panel(app: Any) -> MemoryPanel:
    return app.chat.query_one(MemoryPanel)


async def test_a_wide_screen_has_the_panel_beside_the_chat(keeper):
    async with running(homework(keeper), size=WIDE) as (app, pilot, _workspace):
        await see(pilot, "█ weights")
        await see(pilot, "▒ kv cache")
        text = screen_text(app)
        for piece in ("1.44  checkpoint", "8.14  server log", "1.91  the rest", "start of the server"):
            assert piece in text
        assert not app.chat.query_one(MemoryLine).display
        assert app.focused is app.chat.composer


async def test_a_narrow_screen_has_one_line(keeper):
    async with running(homework(keeper), size=NARROW) as (app, pilot, _workspace):
        await see(pilot, "w 1.44 kv 8.14 other 1.91")
        assert not panel(app).is_on_screen if hasattr(panel(app), "is_on_screen") else True
        await pilot.click("#gpu-line")
        await see(pilot, "Where the memory went")
        await see(pilot, "█ weights")
        await pilot.press("down", "enter")
        await see(pilot, "Why it differs")
        await pilot.press("escape")
        await pilot.press("escape")
        await until_pilot(pilot, lambda: "Where the memory went" not in screen_text(app))


async def test_any_figure_opens_its_explanation_by_keyboard(keeper):
    async with running(homework(keeper), size=WIDE) as (app, pilot, _workspace):
        await see(pilot, "█ weights")
        await pilot.press("ctrl+t")
        await until_pilot(pilot, lambda: app.focused is panel(app))
        place = next(number for number, row in enumerate(panel(app).rows) if row.key == "kv_cache")
        while panel(app).cursor != place:
            before = panel(app).cursor
            await pilot.press("down")
            assert panel(app).cursor > before
        await pilot.press("enter")
        await see(pilot, "GPU 0: kv cache")
        await see(pilot, "0.4 × 20.34 GiB free after loading = 8.14 GiB")
        await see(pilot, "The course's rule of thumb:")
        await pilot.press("escape")
        await pilot.press("escape")
        await until_pilot(pilot, lambda: app.focused is app.chat.composer)


def in_a_container(keeper: RunKeeper, **known: Any) -> FakeWorkspace:
    """The same server, seen from inside a container: the driver lists no process."""
    recording = load("turbomind-1_8b-w4a16-ratio0.4-kvint4")
    workspace = FakeWorkspace()
    reading = recording.reading(replace(recording.ready_sample(), processes=()))
    found = Found(findings(recording, **known))
    workspace.memory = MemoryMonitor(workspace.link, FakeGpu(reading), found, keeper=keeper)
    return workspace


async def test_hidden_process_ids_are_said_and_the_parts_still_add_up(keeper):
    async with running(in_a_container(keeper), size=WIDE) as (app, pilot, workspace):
        await see(pilot, "░ other + others")
        text = screen_text(app)
        assert "x others" not in text, "nothing is claimed of strangers"
        assert "1.44  checkpoint" in text
        assert "8.14  server log" in text
        card = workspace.memory.state.cards[0].breakdown
        shown = (card.weights, card.kv_cache, card.other, card.other_processes, card.driver_reserve, card.free)
        assert sum(figure.bytes or 0 for figure in shown) == card.total.bytes
        place = next(number for number, row in enumerate(panel(app).rows) if row.key == "other")
        await pilot.click(MemoryPanel, offset=(4, place))
        await see(pilot, "Process ids are hidden here")


async def test_hidden_process_ids_of_a_server_that_lmdeck_started(keeper):
    """What was used before the start is known then, so others can be told from the server."""
    recording = load("turbomind-1_8b-w4a16-ratio0.4-kvint4")
    before = {0: recording.meta["mem_base"][0] - (recording.ready_sample().reserved or 0)}
    async with running(in_a_container(keeper, baseline=before), size=WIDE) as (app, pilot, _workspace):
        await see(pilot, "░ other ")
        assert "other + others" not in screen_text(app)
        assert "1.9" in next(row for row in screen_text(app).splitlines() if "░ other" in row)


async def test_hidden_process_ids_in_one_line(keeper):
    async with running(in_a_container(keeper), size=NARROW) as (_app, pilot, _workspace):
        await see(pilot, "w 1.44 kv 8.14")
        await pilot.click("#gpu-line")
        await see(pilot, "░ other + others")


async def test_any_figure_opens_its_explanation_by_mouse(keeper):
    async with running(homework(keeper), size=WIDE) as (app, pilot, _workspace):
        await see(pilot, "░ other")
        place = next(number for number, row in enumerate(panel(app).rows) if row.key == "other")
        await pilot.click(MemoryPanel, offset=(4, place))
        await see(pilot, "GPU 0: other")
        await see(pilot, "held by the server")
        await pilot.press("escape")
        await pilot.click(MemoryPanel, offset=(4, 0))
        await see(pilot, "GPU 0: total")


async def test_the_panel_can_be_hidden_and_the_line_takes_its_place(keeper):
    async with running(homework(keeper), size=WIDE) as (app, pilot, _workspace):
        await see(pilot, "█ weights")
        await pilot.press("ctrl+t")
        await until_pilot(pilot, lambda: app.focused is panel(app))
        await pilot.press("ctrl+t")
        await see(pilot, "w 1.44 kv 8.14 other 1.91")
        assert "█ weights" not in screen_text(app)
        await pilot.press("ctrl+t")
        await see(pilot, "█ weights")


async def test_the_panel_follows_the_language_and_the_size(keeper):
    async with running(homework(keeper), size=WIDE) as (app, pilot, _workspace):
        await see(pilot, "█ weights")
        await app.run_action("app.switch_language")
        await see(pilot, "权重")
        await pilot.resize_terminal(*NARROW)
        await see(pilot, "GPU 128.81/140.40 GiB")
        await pilot.resize_terminal(*WIDE)
        await see(pilot, "权重")


async def test_the_cards_are_watched_closely_while_the_panel_has_the_focus(keeper):
    workspace = homework(keeper)
    async with running(workspace, size=WIDE) as (app, pilot, _workspace):
        await see(pilot, "█ weights")
        assert workspace.link.watchers == 1
        intervals: list[float | None] = []
        assert workspace.memory is not None
        assert workspace.memory._source is not None
        workspace.memory._source.set_interval = intervals.append
        await pilot.press("ctrl+t")
        await until_pilot(pilot, lambda: 0.25 in intervals)
        await pilot.press("escape")
        await until_pilot(pilot, lambda: intervals[-1] == 1.0)
        await pilot.press("f5")
        await see(pilot, "Planner")
        await pilot.press("escape")
        await until_pilot(pilot, lambda: app.screen is app.chat)


async def test_a_machine_without_cards_says_why():
    workspace = FakeWorkspace(gpu=FakeGpu(GpuReading(0.0, (), "none", problem=Problem("gpu.library"))))
    async with running(workspace, size=NARROW) as (_app, pilot, _workspace):
        await see(pilot, "GPU: NVIDIA's library libnvidia-ml.so.1 was not found")


async def test_several_cards_are_said_on_the_line():
    card = GpuSample(
        0, "NVIDIA A100", 24 * GIB, int(11.49 * GIB), 12 * GIB, utilisation=37, temperature=45, power=210.0
    )
    workspace = FakeWorkspace(gpu=FakeGpu(GpuReading(0.0, (card,), "simulated")))
    async with running(workspace, size=NARROW) as (_app, pilot, _workspace):
        await see(pilot, "GPU 11.49/24.00 GiB")
        await see(pilot, "simulated")


async def test_a_server_elsewhere_can_be_described(keeper):
    workspace = FakeWorkspace()
    link: FakeLink = workspace.link
    workspace.memory = MemoryMonitor(link, keeper=keeper)
    async with running(workspace, size=WIDE) as (app, pilot, _workspace):
        await see(pilot, "cannot be seen over HTTP")
        place = next(number for number, row in enumerate(panel(app).rows) if row.key == "tell")
        await pilot.click(MemoryPanel, offset=(4, place))
        await see(pilot, "Name the model and the card")
        await until_pilot(pilot, lambda: app.focused is not None and app.focused.id == "model")
        await pilot.press(*"nonsense", "enter")
        await see(pilot, "neither a model folder nor a model lmdeck knows")
        app.focused.value = "lmdeploy serve api_server internlm2_5-7b-chat --cache-max-entry-count 0.4"
        app.screen.query_one("#card").value = "24GiB"
        await pilot.press("enter")
        link.measured(ServerMetrics(monotonic(), 0.5))
        await see(pilot, "█ weights")
        await see(pilot, "estimated")
        assert "14.41" in screen_text(app)


async def test_without_a_server_there_is_nothing_to_show():
    async with running(FakeWorkspace(), size=WIDE) as (_app, pilot, _workspace):
        await pilot.press("ctrl+t")
        await see(pilot, "There is no server whose memory could be shown yet.")
        await _app.run_action("screen.tell_memory")
        await see(pilot, "There is no server whose memory could be shown yet.")
