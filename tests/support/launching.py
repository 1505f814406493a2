"""A machine to start things on: this one, with a pretended card, a stand-in lmdeploy and a home of its own."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support import checkpoints, fake_lmdeploy
from tui import agent_orders
from tui.launch.machine import LocalMachine
from tui.launch.watching import Pace
from tui.launch.wish import ServeWish

__all__ = [
    "AWQ",
    "FAST",
    "HOMEWORK",
    "W4A16",
    "Install",
    "fast",
    "home",
    "homework",
    "lmdeploy",
    "machine",
    "models",
    "recording",
    "slice_card",
]

FAST = Pace(log=0.02, cards=0.05, silence=60.0, settle=0.0)
Install = Callable[..., Path]
AWQ = "internlm2_5-1_8b-chat-w4a16-4bit"
"""The course's quantised checkpoint, one of ``models``."""
HOMEWORK = ("--model-format", "awq", "--quant-policy", "4", "--cache-max-entry-count", "0.4", "--tp", "1")
W4A16 = "turbomind-1_8b-w4a16-ratio0.4-kvint4"
"""The recording of what the homework's command did."""


def homework(models: Path, *more: str) -> ServeWish:
    """The homework's command on a free port."""
    port = str(fake_lmdeploy.free_port())
    return ServeWish((str(models / AWQ), *HOMEWORK, "--server-port", port, *more))


@pytest.fixture
def slice_card(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> fake_lmdeploy.Slice:
    """A virtual card of 24 GiB whose tool is in PATH; it is asked at every sample, for starts take no second here."""
    monkeypatch.setattr("tui.gpu.source._SLICE_PERIOD", 0.0)
    card = fake_lmdeploy.Slice(tmp_path / "card")
    monkeypatch.setenv("PATH", f"{card.folder}:{os.environ['PATH']}")
    monkeypatch.setenv("FAKE_HOLDERS", str(card.holders))
    return card


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home without anything in it; the login shell is a plain sh."""
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("SHELL", "/bin/sh")
    for name in ("VIRTUAL_ENV", "CONDA_PREFIX", "CUDA_VISIBLE_DEVICES", "HF_HOME", "HF_HUB_CACHE", "PYTHONPATH"):
        monkeypatch.delenv(name, raising=False)
    return folder


@pytest.fixture
def lmdeploy(tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Installs a stand-in of some release and puts it first in PATH."""

    def install(version: str = "0.18.0") -> Path:
        prefix = fake_lmdeploy.install(tmp_path / f"env-{version}", version)
        monkeypatch.setenv("PATH", f"{prefix}/bin:{os.environ['PATH']}")
        return prefix

    return install


@pytest.fixture
def recording(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Chooses what the stand-in replays."""

    def choose(name: str, mode: str = "", speed: float = 100.0) -> Path:
        folder = fake_lmdeploy.MEMORY / name
        monkeypatch.setenv("FAKE_LOG", str(folder))
        monkeypatch.setenv("FAKE_MODE", mode)
        monkeypatch.setenv("FAKE_SPEED", str(speed))
        return folder

    return choose


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The course's checkpoints, with exact headers and no data."""
    root = tmp_path_factory.mktemp("models")
    checkpoints.internlm(root / "internlm2_5-1_8b-chat", "internlm2_5-1_8b-chat")
    checkpoints.internlm(root / "internlm2_5-1_8b-chat-w4a16-4bit", "internlm2_5-1_8b-chat", quantised=True)
    checkpoints.internlm(root / "internlm2_5-7b-chat", "internlm2_5-7b-chat")
    return root


@pytest.fixture
async def machine(
    home: Path, slice_card: fake_lmdeploy.Slice, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[LocalMachine]:
    """This machine, without the servers of tests that run beside this one; what was started is gone afterwards."""
    mark = f"FAKE_HOLDERS={slice_card.holders}"
    seen = agent_orders.servers

    def own() -> list[dict[str, Any]]:
        return [entry for entry in seen() if mark in (agent_orders.read_text(f"/proc/{entry['pid']}/environ") or "")]

    monkeypatch.setattr(agent_orders, "servers", own)
    machine = LocalMachine()
    yield machine
    for entry in (await machine.order("spawned"))["spawned"]:
        await machine.order("stop", id=entry["id"], signal="KILL")
    await machine.aclose()


@pytest.fixture
def fast() -> Pace:
    return FAST
