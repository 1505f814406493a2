"""The planner screen: the form, the plan, another plan beside it, runs; keyboard, mouse, both languages."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.app.test_memory_panel import homework
from tests.support.app import running, screen_text, see
from tests.support.fake_session import FakeWorkspace
from tests.support.waiting import until_pilot
from tui.hosts.run_keeper import RunKeeper
from tui.i18n import set_language
from tui.model.plan import Run
from tui.planner.calibration import OwnMeasurements
from tui.planner.runs import RunLog
from tui.screens.planner import PlannerScreen
from tui.screens.planner_form import PlannerForm
from tui.widgets.row_view import RowView

GIB = 1 << 30


@pytest.fixture(autouse=True)
def _own_data(tmp_path, monkeypatch) -> Iterator[None]:
    monkeypatch.setenv("LMDECK_DATA_DIR", str(tmp_path))
    set_language("en")
    yield
    set_language("en")


@pytest.fixture
def keeper(tmp_path) -> RunKeeper:
    return RunKeeper(RunLog(tmp_path / "runs.jsonl"), OwnMeasurements(tmp_path / "own.json"))


def planner(app: Any) -> PlannerScreen:
    assert isinstance(app.screen, PlannerScreen)
    return app.screen


async def opened(pilot: Any) -> PlannerScreen:
    await pilot.press("f5")
    await until_pilot(pilot, lambda: isinstance(pilot.app.screen, PlannerScreen))
    screen = planner(pilot.app)
    await until_pilot(pilot, lambda: screen.answer is not None and screen.answer.plan is not None)
    return screen


async def test_the_courses_example_is_planned_at_once_even_without_a_server():
    async with running(FakeWorkspace(), size=(80, 24)) as (app, pilot, _workspace):
        await opened(pilot)
        await see(pilot, "internlm2_5-7b-chat · bf16")
        await see(pilot, "█ weights    14.41  checkpoint")
        await see(pilot, "It fits.")
        assert app.focused.name == "ratio"
        await pilot.press("escape")
        await until_pilot(pilot, lambda: app.screen is app.chat)


async def test_sliders_and_choices_change_the_plan_by_keyboard():
    async with running(FakeWorkspace(), size=(120, 36)) as (_app, pilot, _workspace):
        screen = await opened(pilot)
        before = screen.answer.plan.kv_cache
        await pilot.press("left")
        assert screen.form.wish.ratio == 0.79
        assert screen.answer.plan.kv_cache < before
        await pilot.press("home")
        assert screen.form.wish.ratio == 0.01
        await pilot.press("end")
        assert screen.form.wish.ratio == 0.99
        await see(pilot, "It does not fit.")
        screen.query_one("#form-weights").focus()
        await pilot.press("right")
        await see(pilot, "internlm2_5-7b-chat · awq")
        await see(pilot, "lmdeploy lite auto_awq")
        screen.query_one("#form-engine").focus()
        await pilot.press("right")
        screen.query_one("#form-policy").focus()
        await pilot.press("end")
        assert (screen.form.wish.engine, screen.form.wish.policy) == ("pytorch", 42)
        screen.query_one("#form-engine").focus()
        await pilot.press("left")
        assert (screen.form.wish.engine, screen.form.wish.policy) == ("turbomind", 0)
        await see(pilot, "--cache-max-entry-count 0.99")


async def test_sliders_and_choices_change_the_plan_by_mouse():
    async with running(FakeWorkspace(), size=(120, 36)) as (_app, pilot, _workspace):
        screen = await opened(pilot)
        ratio = screen.query_one("#form-ratio")
        await pilot.click("#form-ratio", offset=(15, 0))
        assert screen.form.wish.ratio == 0.01
        await pilot.mouse_down("#form-ratio", offset=(15, 0))
        await pilot.hover("#form-ratio", offset=(ratio.size.width - 10, 0))
        await pilot.mouse_up("#form-ratio", offset=(ratio.size.width - 10, 0))
        assert screen.form.wish.ratio > 0.9
        await pilot.click("#form-tp", offset=(15 + 5, 0))
        assert screen.form.wish.tp == 2
        await pilot.click("#form-policy", offset=(15 + 9, 0))
        assert screen.form.wish.policy == 8


async def test_texts_are_read_as_they_are_typed_and_mistakes_are_said():
    async with running(FakeWorkspace(), size=(120, 36)) as (_app, pilot, _workspace):
        screen = await opened(pilot)
        screen.query_one("#form-card").value = "16GiB"
        await see(pilot, "It does not fit.")
        screen.query_one("#form-card").value = "lots"
        await see(pilot, "lots is not a memory size.")
        screen.query_one("#form-card").value = "80GiB"
        await see(pilot, "It fits.")
        screen.query_one("#form-model").value = "no-such-model"
        await see(pilot, "neither a model folder nor a model")
        screen.query_one("#form-model").value = ""
        await see(pilot, "No model is named.")
        screen.query_one("#form-leave").value = "79GiB"
        screen.query_one("#form-model").value = "internlm2_5-1_8b-chat"
        await see(pilot, "no ratio leaves 79GiB")


async def test_models_are_chosen_from_a_list(tmp_path, monkeypatch):
    async with running(FakeWorkspace(), size=(80, 24)) as (_app, pilot, _workspace):
        screen = await opened(pilot)
        await pilot.press("f2")
        await see(pilot, "internlm2_5-20b-chat-w4a16-4bit")
        await pilot.press("home", "enter")
        await until_pilot(pilot, lambda: planner(pilot.app) is screen)
        await until_pilot(pilot, lambda: screen.form.wish.model == "internlm2_5-1_8b-chat")
        await see(pilot, "internlm2_5-1_8b-chat · bf16")


@pytest.mark.parametrize("size", [(80, 24), (160, 44)])
async def test_two_plans_are_compared(size):
    async with running(FakeWorkspace(), size=size) as (app, pilot, _workspace):
        screen = await opened(pilot)
        await pilot.press("f4")
        await see(pilot, "Kept.")
        screen.query_one("#form-weights").focus()
        await pilot.press("right")
        await see(pilot, "kept and this plan")
        line = next(text for text in screen_text(app).splitlines() if "−9.62" in text)
        assert "14.41" in line
        assert "4.79" in line
        assert screen.query_one("#pinned").display is (size[0] >= 130)
        await pilot.press("f4")
        await until_pilot(pilot, lambda: "kept and this plan" not in screen_text(app))


async def test_figures_open_their_formula_and_the_advice_can_be_taken():
    async with running(FakeWorkspace(), size=(120, 36)) as (_app, pilot, _workspace):
        screen = await opened(pilot)
        view = screen.query_one("#plan", RowView)

        async def choose(key: str) -> None:
            place = next(number for number, row in enumerate(view.rows) if row.key == key)
            await pilot.click("#plan", offset=(4, place))

        await choose("kv_cache")
        await see(pilot, "0.8 × 8.28 GiB free after loading = 6.63 GiB")
        await pilot.press("escape")
        await choose("tokens")
        await see(pilot, "blocks of 64 tokens")
        await pilot.press("escape")
        largest = screen.answer.largest
        await choose("largest")
        await until_pilot(pilot, lambda: screen.form.wish.ratio == largest)


async def test_the_command_is_copied():
    async with running(FakeWorkspace(), size=(120, 36)) as (app, pilot, _workspace):
        await opened(pilot)
        await pilot.press("f9")
        await see(pilot, "Sent to the terminal's clipboard")
        assert app.clipboard.startswith("lmdeploy serve api_server internlm2_5-7b-chat --backend turbomind")
        app.copy_to_clipboard("")
        app.screen._launch = None  # a planner of its own
        await pilot.press("f6")
        assert app.clipboard.startswith("lmdeploy serve api_server internlm2_5-7b-chat --backend turbomind")


async def test_a_launcher_gets_the_command():
    async with running(FakeWorkspace(), size=(120, 36)) as (app, pilot, _workspace):
        started: list[tuple[str, ...]] = []
        app.chat.launch_plan = lambda words: started.append(tuple(words))
        await opened(pilot)
        await pilot.press("f6")
        await until_pilot(pilot, lambda: started)
        assert started[0][:3] == ("lmdeploy", "serve", "api_server")
        await until_pilot(pilot, lambda: app.screen is app.chat)


async def test_a_running_server_is_predicted_and_measured(keeper):
    async with running(homework(keeper), size=(120, 50)) as (app, pilot, _workspace):
        await see(pilot, "█ weights")
        screen = await opened(pilot)
        assert screen.form.wish.policy == 4
        assert screen.form.wish.ratio == 0.4
        await see(pilot, "the server that runs: predicted and measured")
        measured = next(text for text in screen_text(app).splitlines() if "│ kv cache" in text and "8.14" in text)
        assert measured
        screen.query_one("#form-policy").focus()
        await pilot.press("home")
        assert screen.form.wish.policy == 0
        await pilot.press("f3")
        await until_pilot(pilot, lambda: screen.form.wish.policy == 4)


async def test_without_a_server_nothing_can_be_taken_from_it():
    async with running(FakeWorkspace(), size=(120, 36)) as (_app, pilot, _workspace):
        await opened(pilot)
        await pilot.press("f3")
        await see(pilot, "Nothing is known of a running server")


def ladder() -> list[Run]:
    """The course's ladder as runs."""
    sizes = [
        ("bf16", 0.8, 0, 14.41, 6.91, 23.42),
        ("bf16", 0.4, 0, 14.41, 3.45, 19.98),
        ("awq", 0.4, 4, 4.79, 6.75, 14.77),
    ]
    return [
        Run(
            id=f"run{number}", started=float(number), model="internlm2_5-7b-chat", engine="turbomind", gpu_name="A100",
            flags=(), ratio=ratio, quant_policy=policy, weight_format=kind, weights=int(weights * GIB),
            kv_cache=int(kv * GIB), total=int(total * GIB), tokens=50_000,
        )
        for number, (kind, ratio, policy, weights, kv, total) in enumerate(sizes)
    ]  # fmt: skip


async def test_runs_form_a_table_with_differences(keeper, tmp_path):
    log = RunLog(tmp_path / "runs.jsonl")
    for run in ladder():
        log.add(run)
    async with running(FakeWorkspace(), size=(120, 36)) as (app, pilot, _workspace):
        await opened(pilot)
        await pilot.press("f5")
        await see(pilot, "▸ internlm2_5-7b-chat bf16")
        assert "−3.44" in screen_text(app)
        assert "−8.65" in screen_text(app)
        await pilot.press("down", "enter")
        await see(pilot, "Changes are counted from this run.")
        await see(pilot, "+3.44")
        await pilot.press("f9")
        assert app.clipboard.startswith("| model |")
        assert app.clipboard.count("\n") == 5
        await pilot.press("delete")
        await until_pilot(pilot, lambda: len(log.read()[0]) == 2)
        await pilot.press("f5")
        await see(pilot, "It fits.")
        assert app.focused.name == "ratio"


async def test_no_runs_yet():
    async with running(FakeWorkspace(), size=(80, 24)) as (_app, pilot, _workspace):
        await opened(pilot)
        await pilot.click("#planner-pages", offset=(24, 0))
        await see(pilot, "No start was seen yet.")
        await pilot.press("f9")
        await see(pilot, "There is nothing to copy.")


async def test_the_planner_speaks_chinese():
    async with running(FakeWorkspace(), size=(80, 24)) as (app, pilot, _workspace):
        screen = await opened(pilot)
        await app.run_action("app.switch_language")
        await see(pilot, "权重")
        assert isinstance(screen.form, PlannerForm)
