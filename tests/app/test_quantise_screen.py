"""The quantise screen with the stand-in lmdeploy behind it: form, progress, questions, report, the server of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from textual.widgets import Input

from tests.support.app import running, screen_text, see, send
from tests.support.launch_screens import choose, opened, site
from tests.support.launching import AWQ, W4A16, Install, home, lmdeploy, machine, models, recording, slice_card
from tests.support.waiting import until_pilot
from tui.i18n import set_language
from tui.launch.machine import LocalMachine
from tui.launch.starting import spawned
from tui.launch.wish import ServeWish
from tui.model.problem import Problem, ProblemError
from tui.screens.confirm import ConfirmScreen
from tui.screens.launch import LaunchScreen
from tui.screens.logs import LogScreen
from tui.screens.quantise import QuantiseScreen
from tui.screens.servers import ServersScreen
from tui.screens.tell import TellScreen

__all__ = ["home", "lmdeploy", "machine", "models", "recording", "slice_card"]

MODEL = "internlm2_5-1_8b-chat"


@pytest.fixture
def result(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the stand-in leaves in the work folder."""
    monkeypatch.setenv("FAKE_RESULT", str(models / AWQ))
    monkeypatch.setenv("FAKE_PAUSE", "0.03")


@pytest.mark.usefixtures("result")
async def test_from_the_form_to_the_report_and_its_server(
    machine: LocalMachine, lmdeploy: Install, recording: Install, models: Path, tmp_path: Path
) -> None:
    lmdeploy()
    recording(W4A16)
    work_dir = tmp_path / "made" / AWQ
    work_dir.parent.mkdir()
    async with running(size=(120, 40)) as (app, pilot, _workspace):
        screen, answers = await opened(app, pilot, QuantiseScreen(site(machine, models)))
        await see(pilot, "Name a 16-bit model, or press F2.")
        await pilot.press("f2")
        await see(pilot, MODEL)
        assert AWQ not in screen_text(app), "it is quantised already"
        await send(pilot, "enter")
        await see(pilot, "4-bit")
        screen.query_one("#quantise-work-dir", Input).value = str(work_dir)
        screen.query_one("#form-samples").focus()
        await pilot.press("right")
        await see(pilot, "--calib-samples 64")
        await see(pilot, "3.52 → 1.44 GiB")
        await see(pilot, "tokens")
        await see(pilot, "GiB are free")
        screen.query_one("#form-hub").focus()
        await pilot.press("right")
        assert screen.form.wish.environment == {"HF_ENDPOINT": "https://hf-mirror.com"}
        await until_pilot(pilot, lambda: "is downloaded from the hub" not in screen_text(app))
        await pilot.press("f9", "f6")
        assert (
            app.clipboard.endswith("--calib-samples 64 --calib-dataset wikitext2 --trust-remote-code") or app.clipboard
        )
        await until_pilot(pilot, lambda: screen.state.progress is not None, timeout=30)
        await send(pilot, "f6")
        await see(pilot, "it goes on when this screen is left")
        await pilot.press("f4")
        await see(pilot, "weight packed.", timeout=30)
        await send(pilot, "escape")
        await see(pilot, "Quantised in", timeout=60)
        await see(pilot, "✓ calibrating")
        await see(pilot, "GiB on the card")
        await see(pilot, "more")
        await choose(pilot, screen, "start-it")
        await until_pilot(pilot, lambda: isinstance(app.screen, LaunchScreen) and not app.screen.state.checking)
        assert app.screen.form.wish.words == (str(work_dir), "--model-format", "awq")
        await see(pilot, "It fits.")
        await send(pilot, "f6")
        await until_pilot(pilot, lambda: answers, timeout=30)
        assert answers[0].url.startswith("http://127.0.0.1:")


@pytest.mark.usefixtures("result")
async def test_left_and_found_again(
    machine: LocalMachine, lmdeploy: Install, models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lmdeploy()
    place = site(machine, models)
    wish = ServeWish((str(models / MODEL), "--work-dir", str(tmp_path / AWQ), "--search-scale"))
    async with running(size=(120, 40)) as (app, pilot, _workspace):
        screen, _answers = await opened(app, pilot, QuantiseScreen(place, wish))
        await see(pilot, "yes, slower")
        await see(pilot, "GiB are free")
        await send(pilot, "f6")
        await until_pilot(pilot, lambda: screen.state.progress is not None, timeout=30)
        await send(pilot, "escape")
        servers = ServersScreen(place, every=0.1)
        app.push_screen(servers)
        await see(pilot, "quantisations")
        await choose(pilot, servers, f"spawned-{(await spawned(machine))[0].id}")
        await until_pilot(pilot, lambda: isinstance(app.screen, QuantiseScreen))
        await see(pilot, "✓ placing layers")
        await see(pilot, "Quantised in", timeout=60)
        await send(pilot, "escape", "escape")
        screen, _answers = await opened(app, pilot, QuantiseScreen(place, wish))
        await see(pilot, "quantisations on this machine")
        await see(pilot, "already holds something")
        await see(pilot, f"[Use {AWQ}-2]")
        await choose(pilot, screen, "overwrite")
        await until_pilot(pilot, lambda: isinstance(app.screen, ConfirmScreen))
        await send(pilot, "tab", "enter")
        await see(pilot, "GiB are free")
        screen.query_one("#quantise-more", Input).value = "--batch-size 2"
        await see(pilot, "already holds something")
        await choose(pilot, screen, "use-free")
        await see(pilot, "GiB are free")
        assert screen.form.wish.words[1:3] == ("--work-dir", f"{tmp_path / AWQ}-2")
        await choose(pilot, screen, f"known-{(await spawned(machine))[0].id}")
        await see(pilot, "Quantised in", timeout=30)


@pytest.mark.usefixtures("result")
async def test_its_question_is_asked_and_a_failure_becomes_a_card(
    machine: LocalMachine, lmdeploy: Install, models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lmdeploy()
    monkeypatch.setenv("FAKE_MODE", "ask")
    place = site(machine, models)
    wish = ServeWish((str(models / MODEL), "--work-dir", str(tmp_path / AWQ)))
    async with running(size=(120, 40)) as (app, pilot, _workspace):
        screen, _answers = await opened(app, pilot, QuantiseScreen(place, wish))
        await send(pilot, "f6")
        await until_pilot(pilot, lambda: isinstance(app.screen, ConfirmScreen), what="the question")
        await see(pilot, "custom code?")
        await send(pilot, "enter")  # No is the safe way out
        await until_pilot(pilot, lambda: not screen.running)
        monkeypatch.setenv("FAKE_MODE", "disk")
        await send(pilot, "f6")
        await see(pilot, "✗", timeout=30)
        await see(pilot, "No space left on device")
        await see(pilot, "[Open the log]")
        monkeypatch.setenv("FAKE_MODE", "ask")
        await send(pilot, "f6")
        await until_pilot(pilot, lambda: isinstance(app.screen, ConfirmScreen), what="the question")
        await send(pilot, "escape")
        await choose(pilot, screen, "answer-y")
        await see(pilot, "Quantised in", timeout=60)


async def test_what_cannot_be_quantised_is_refused(machine: LocalMachine, lmdeploy: Install, models: Path) -> None:
    lmdeploy("0.9.2")
    place = site(machine, models)
    async with running(size=(100, 30)) as (app, pilot, _workspace):
        screen, _answers = await opened(app, pilot, QuantiseScreen(place, ServeWish((str(models / AWQ),))))
        await see(pilot, "(awq).")  # one word: a long path wraps the rest anywhere
        await pilot.press("f9", "f4")
        await see(pilot, "No quantisation is shown whose log")
        await send(pilot, "f6")
        await see(pilot, "(awq).")  # one word: a long path wraps the rest anywhere
        screen.form.set_words((str(models / MODEL), "--calib-dataset", "gsm8k"))
        await see(pilot, "ptb")
        assert await spawned(machine) == ()


@pytest.mark.usefixtures("result")
async def test_a_cards_buttons_change_the_form_and_start_again(
    machine: LocalMachine, lmdeploy: Install, models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lmdeploy()
    place = site(machine, models)
    said = tmp_path / "said"
    monkeypatch.setenv("FAKE_MODE", str(said))
    words = (str(models / MODEL), "--work-dir", str(tmp_path / AWQ), "--calib-dataset", "c4", "--dtype", "float16")
    async with running(size=(120, 40)) as (app, pilot, _workspace):
        screen, _answers = await opened(app, pilot, QuantiseScreen(place, ServeWish(words)))
        await see(pilot, "GiB are free")
        assert screen.form.wish.words == words
        said.write_text("RuntimeError: Dataset scripts are no longer supported, but found c4.py\n")
        await send(pilot, "f6")
        await see(pilot, "[Calibrate with wikitext2]", timeout=30)
        await until_pilot(pilot, lambda: not screen.running)
        said.write_text("requests.exceptions.ConnectionError: Max retries exceeded\n")
        await choose(pilot, screen, "card-0-0")
        await see(pilot, "[Use the mirror hf-mirror.com]", timeout=30)
        assert screen.form.wish.words == (*words[:3], "--calib-dataset", "wikitext2", *words[5:])
        await until_pilot(pilot, lambda: not screen.running)
        said.write_text("ImportError: cannot import name 'AutoModel'\n")
        await choose(pilot, screen, "card-0-0")
        await see(pilot, "[Check lmdeploy's environment]", timeout=30)
        assert screen.form.wish.environment == {"HF_ENDPOINT": "https://hf-mirror.com"}
        await until_pilot(pilot, lambda: not screen.running)
        await choose(pilot, screen, "card-0-0")
        await until_pilot(pilot, lambda: isinstance(app.screen, TellScreen), timeout=30)
        await send(pilot, "escape")
        await until_pilot(pilot, lambda: app.screen is screen)
        said.write_text("SafetensorError: Error while deserializing header: MetadataIncompleteBuffer\n")
        await send(pilot, "f6")
        await see(pilot, "[Choose another model]", timeout=30)
        await until_pilot(pilot, lambda: not screen.running)
        await choose(pilot, screen, "card-0-0")
        await see(pilot, "Models on this machine")
        await send(pilot, "escape")
        await until_pilot(pilot, lambda: app.screen is screen)
        screen.form.set_hub({"LMDEPLOY_USE_MODELSCOPE": "True"})
        assert screen.form.wish.environment == {"LMDEPLOY_USE_MODELSCOPE": "True"}
        screen.query_one("#quantise-more", Input).value = '"open'
        assert "--dtype" not in screen.form.wish.words


@pytest.mark.usefixtures("result")
async def test_one_that_runs_is_stopped_and_a_lost_link_is_looked_through_again(
    machine: LocalMachine, lmdeploy: Install, models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lmdeploy()
    monkeypatch.setenv("FAKE_PAUSE", "0.05")
    place = site(machine, models)
    wish = ServeWish((str(models / MODEL), "--work-dir", str(tmp_path / AWQ)))
    set_language("zh-CN")
    try:
        async with running(size=(80, 24)) as (app, pilot, _workspace):
            set_language("zh-CN")
            screen, _answers = await opened(app, pilot, QuantiseScreen(place, wish))
            await until_pilot(pilot, lambda: screen.state.prepared is not None)
            await send(pilot, "f6")
            await until_pilot(pilot, lambda: screen.state.progress is not None, timeout=30)
            order, broken = machine.order, True

            async def refusing(do: str, limit: float = 15.0, **fields: Any) -> dict[str, Any]:
                if broken and do == "tail":
                    raise ProblemError(Problem("ssh.disconnected", {"host": "box"}))
                return await order(do, limit, **fields)

            monkeypatch.setattr(machine, "order", refusing)
            await until_pilot(pilot, lambda: screen.state.lost is not None)
            broken = False
            await choose(pilot, screen, "again")
            await until_pilot(pilot, lambda: screen.state.lost is None and screen.state.progress is not None)
            servers = ServersScreen(place, every=0.1)
            app.push_screen(servers)
            [entry] = await spawned(machine)
            await until_pilot(pilot, lambda: servers.view.chosen == f"spawned-{entry.id}")
            await send(pilot, "f4")
            await until_pilot(pilot, lambda: isinstance(app.screen, LogScreen))
            await send(pilot, "escape")
            await until_pilot(pilot, lambda: app.screen is servers)
            await send(pilot, "delete")
            await until_pilot(pilot, lambda: isinstance(app.screen, ConfirmScreen))
            await send(pilot, "tab", "enter")
            await until_pilot(pilot, lambda: servers.state.quantisations and not servers.state.quantisations[0].running)
            await send(pilot, "escape")
            await until_pilot(pilot, lambda: screen.state.cards, timeout=30)
    finally:
        set_language("en")
