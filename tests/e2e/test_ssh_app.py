"""The whole app on a machine behind a real sshd: questions, chat, memory, losses, servers that move."""

from __future__ import annotations

import os
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from textual.widgets import Button, Input

from tests.support.app import screen_text, see
from tests.support.demo import hold_next_reply
from tests.support.far import Servers, a_box, app_on, asked, connected, host_of, pick_port, url_of, words_for
from tests.support.sshd import StartSshd, ssh_processes, sshd
from tests.support.waiting import StandingClock, until, until_pilot
from tui.app_options import AppOptions
from tui.config.paths import config_folder
from tui.model.question import QuestionKind
from tui.model.server import LinkPhase
from tui.screens.pick import PickScreen
from tui.screens.questions import ChangedKeyScreen

__all__ = ["sshd"]
# As in test_ssh_hosts: a socket of anyio's that a lost link leaves to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore:Exception ignored in. <socket:pytest.PytestUnraisableExceptionWarning")


@pytest.fixture
async def servers(tmp_path: Path) -> AsyncIterator[Servers]:
    async with AsyncExitStack() as stack:
        yield Servers(tmp_path, stack)


async def test_a_new_machine_its_password_a_chat_and_its_memory(
    sshd: StartSshd, servers: Servers, tmp_path: Path
) -> None:
    """The course's line, with the options behind the host."""
    port = await servers.start("internlm")
    box = await a_box(sshd, tmp_path, password="ge heim", trusted=False)
    line = (
        f"ssh -CNg -L 23333:127.0.0.1:{port} {os.environ.get('USER', '') or 'root'}@127.0.0.1 -p {box.port} "
        f"-F none -o UserKnownHostsFile={box.folder}/known_hosts -o IdentityAgent=none"
    )
    async with app_on(AppOptions(ssh=line)) as (app, pilot):
        question = await asked(app, pilot)
        assert question.question.kind is QuestionKind.HOST_KEY
        await see(pilot, "The authenticity of host")
        await see(pilot, question.question.fingerprint)
        await see(pilot, f"127.0.0.1:{box.port} asks")
        line_for = question.query_one("#compare", Input)
        line_for.value = "SHA256:somethingelse"
        await see(pilot, "Not the same.")
        assert question.query_one("#yes", Button).disabled
        line_for.value = f"256 {question.question.fingerprint} box (ED25519)"
        await see(pilot, "The same.")
        line_for.focus()
        await pilot.press("enter")
        await until_pilot(pilot, lambda: app.screen is not question)
        question = await asked(app, pilot)
        assert question.question.kind is QuestionKind.PASSWORD
        await see(pilot, "'s password:")
        await pilot.press(*"wrong", "enter")
        await until_pilot(pilot, lambda: app.screen is not question)
        question = await asked(app, pilot)
        await see(pilot, "That was not accepted.")
        question.query_one("#answer", Input).value = "ge heim"
        await pilot.pause()
        assert "ge heim" not in screen_text(app)
        await pilot.press("enter")
        await connected(app, pilot)
        await see(pilot, "NVIDIA Stub 0", 20)
        await see(pilot, "checkpoint", 20)
        app.chat.send("Compute (3+5)*2")
        await see(pilot, "16", 20)
        await see(pilot, "first token", 20)
        host = await host_of(app, pilot)
        session = app.chat.session
        assert session is not None
        kept = app.chat.workspace
        assert kept is not None
        assert kept.kept is not None
        info = await kept.kept.conversation(session.conversation_id)
        assert info is not None
        assert info.endpoint == f"ssh://{host.name}/127.0.0.1:{port}"
    assert not ssh_processes()
    store = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file() and "lmdeck" in str(path))
    assert b"ge heim" not in store


async def test_a_question_that_is_closed_and_asked_again(
    sshd: StartSshd, servers: Servers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = await servers.start()
    box = await a_box(sshd, tmp_path, password="x")
    async with app_on(AppOptions(ssh=url_of(box, port), ssh_options=words_for(box))) as (app, pilot):
        question = await asked(app, pilot)
        await pilot.press("escape")
        await until_pilot(pilot, lambda: app.screen is app.chat)
        await see(pilot, "was not answered", 20)
        host = await host_of(app, pilot)
        assert host.link.state.phase is LinkPhase.NEEDS_YOU
        app.chat.composer.put("a draft")
        clock = StandingClock()
        monkeypatch.setattr("tui.screens.questions.monotonic", clock)  # no time passes without a key
        host.link.retry()
        question = await asked(app, pilot)
        # Whoever was writing a message does not send it as a password.
        await pilot.press("a", "enter")
        assert app.screen is question
        assert question.query_one("#answer", Input).value == ""
        clock.goes = True
        await until_pilot(pilot, lambda: app.focused is question.query_one("#answer"), 10)
        await pilot.press("x", "enter")
        await connected(app, pilot)


async def test_a_changed_key_is_compared_and_replaced(sshd: StartSshd, servers: Servers, tmp_path: Path) -> None:
    port = await servers.start()
    box, other = await a_box(sshd, tmp_path), await sshd()
    stranger = other.host_key.with_suffix(".pub").read_text().split()[:2]
    (box.folder / "known_hosts").write_text(f"[127.0.0.1]:{box.port} {' '.join(stranger)}\n")
    async with app_on(AppOptions(ssh=url_of(box, port), ssh_options=words_for(box))) as (app, pilot):
        await until_pilot(pilot, lambda: isinstance(app.screen, ChangedKeyScreen), 20)
        await see(pilot, "shows another host key than before")
        await pilot.press("escape")
        await until_pilot(pilot, lambda: app.screen is app.chat)
        host = await host_of(app, pilot)
        assert not host.link.is_up
        host.link.retry()
        await until_pilot(pilot, lambda: isinstance(app.screen, ChangedKeyScreen), 20)
        changed = host.link.changed
        assert changed is not None
        await see(pilot, changed.offered)
        await see(pilot, changed.known[0])
        await until_pilot(pilot, lambda: app.focused is not None)
        app.screen.query_one("#replace", Button).press()
        await connected(app, pilot)


async def test_a_cut_reply_is_marked_and_continued(sshd: StartSshd, servers: Servers, tmp_path: Path) -> None:
    port = await servers.start()
    box = await a_box(sshd, tmp_path)
    async with app_on(AppOptions(ssh=url_of(box, port), ssh_options=words_for(box))) as (app, pilot):
        await connected(app, pilot)
        await hold_next_reply(f"http://127.0.0.1:{port}")
        app.chat.send("Tell me a long story about a fox")
        session = app.chat.session
        assert session is not None
        await until_pilot(pilot, lambda: len(session.messages) == 2 and len(session.messages[-1].text) > 20, 20)
        host = await host_of(app, pilot)
        assert host.link.pid is not None
        os.kill(host.link.pid, signal.SIGKILL)
        await see(pilot, "was lost in the middle of the", 20)
        assert not session.messages[-1].complete
        app.chat.action_resume()
        await until_pilot(pilot, lambda: session.messages[-1].complete and not session.busy, 30)
        await connected(app, pilot)


async def test_a_message_waits_while_the_link_comes_back(sshd: StartSshd, servers: Servers, tmp_path: Path) -> None:
    port = await servers.start()
    box = await a_box(sshd, tmp_path)
    async with app_on(AppOptions(ssh=url_of(box, port), ssh_options=words_for(box))) as (app, pilot):
        await connected(app, pilot)
        await box.stop()
        host = await host_of(app, pilot)
        await until_pilot(pilot, lambda: not host.link.is_up, 20)
        app.chat.send("Compute (3+5)*2")
        await pilot.pause()
        await box.start()
        await see(pilot, "16", 40)


async def test_a_server_that_comes_back_at_another_port_is_followed(
    sshd: StartSshd, servers: Servers, tmp_path: Path
) -> None:
    port = await servers.start("one")
    box = await a_box(sshd, tmp_path)
    async with app_on(AppOptions(ssh=url_of(box, port), ssh_options=words_for(box))) as (app, pilot):
        await connected(app, pilot)
        await servers.stop_last()
        other = await servers.start("two")
        app.chat.send("Compute (3+5)*2")
        await see(pilot, f"listens at port {other} now", 40)
        await connected(app, pilot)
        app.chat.send("Compute (4+5)*2")
        await see(pilot, "18", 40)
        link = app.chat.workspace.link if app.chat.workspace else None
        assert link is not None
        assert link.model == "two"


async def test_several_servers_are_offered(sshd: StartSshd, servers: Servers, tmp_path: Path) -> None:
    first, second = await servers.start("one"), await servers.start("two")
    box = await a_box(sshd, tmp_path)
    async with app_on(AppOptions(ssh=url_of(box), ssh_options=words_for(box))) as (app, pilot):
        await until_pilot(pilot, lambda: isinstance(app.screen, PickScreen), 20)
        await see(pilot, "Which server on")
        await see(pilot, str(first))
        await pick_port(app, pilot, second)
        await connected(app, pilot)
        link = app.chat.workspace.link if app.chat.workspace else None
        assert link is not None
        assert link.model == "two"


async def test_a_profile_and_a_second_workspace_on_the_same_connection(
    sshd: StartSshd, servers: Servers, tmp_path: Path
) -> None:
    port = await servers.start("one")
    box = await a_box(sshd, tmp_path)
    path = config_folder() / "config.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    options = ", ".join(f'"{word}"' for word in words_for(box))
    machine = url_of(box).removeprefix("ssh://")
    path.write_text(f'[profiles.far]\nssh = "{machine}"\nssh_server = "127.0.0.1:{port}"\nssh_options = [{options}]\n')
    async with app_on(AppOptions(profile="far")) as (app, pilot):
        await connected(app, pilot)
        host = await host_of(app, pilot)
        pid = host.link.pid
        second = await servers.start("two")
        app.chat.use(app.opener(AppOptions(ssh=url_of(box, second), ssh_options=words_for(box))))
        await until_pilot(
            pilot, lambda: app.chat.workspace is not None and app.chat.workspace.address.endswith(str(second)), 20
        )
        await connected(app, pilot)
        assert await host_of(app, pilot) is host
        assert host.link.pid == pid
        await see(pilot, "NVIDIA Stub 0", 20)
        assert box.logins() == 1


async def test_an_option_that_runs_a_program_is_asked_about(sshd: StartSshd, servers: Servers, tmp_path: Path) -> None:
    box = await a_box(sshd, tmp_path)
    mark = tmp_path / "ran"
    line = f"ssh {url_of(box).removeprefix('ssh://')} -o PermitLocalCommand=yes -o 'LocalCommand=touch {mark}'"
    async with app_on(AppOptions(ssh=line, ssh_options=words_for(box))) as (app, pilot):
        question = await asked(app, pilot)
        await see(pilot, "can run a program on this machine")
        await see(pilot, "LocalCommand=touch")
        question.query_one("#no", Button).press()
        await see(pilot, "Not connected: an option of this line", 20)
        assert not mark.exists()
    await until(lambda: not ssh_processes())
