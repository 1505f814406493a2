"""Machines and the fleet as rows; ages and the connection chip as words."""

from __future__ import annotations

import pytest
from rich.cells import cell_len

from tui.i18n import set_language
from tui.model.gpu import GpuSample
from tui.model.machine import FleetLine, MachineLine, ServerThere
from tui.model.problem import Problem
from tui.model.server import LinkPhase, LinkState
from tui.widgets import words
from tui.widgets.machine_rows import columns_for, fleet_rows, machine_rows

GIB = 1 << 30
UP = LinkState(LinkPhase.HEALTHY, 100.0, None, 0.012)
NOW = 340.0


def texts(line: MachineLine, width: int = 78) -> list[str]:
    return [row.text for row in machine_rows([line], width, NOW)]


@pytest.mark.parametrize(
    ("seconds", "shown"), [(-1, "0 s"), (5.9, "5 s"), (60, "1 min"), (3599, "59 min"), (7300, "2 h"), (200_000, "2 d")]
)
def test_ages(seconds: float, shown: str):
    assert words.age(seconds) == shown


def test_the_chip_says_state_age_and_next_attempt():
    assert words.chip(None, NOW) == "starting …"
    assert words.chip(LinkState(LinkPhase.IDLE, 100.0), NOW) == "not connected"
    assert words.chip(UP, 101.0) == "⇄ 12 ms"
    assert words.chip(UP, NOW) == "⇄ 12 ms · 4 min"
    waiting = LinkState(LinkPhase.BACKOFF, 100.0, retry_at=NOW + 7)
    assert words.chip(waiting, NOW) == "not reachable, tries again in 7 s"
    assert words.chip(waiting, NOW + 8) == "not reachable, tries again · 4 min"
    assert words.chip(LinkState(LinkPhase.NEEDS_YOU, 100.0), NOW) == "needs you · 4 min"


def test_a_machine_that_is_only_known():
    assert texts(MachineLine("profile camp", "root@box:5", "profile", "camp")) == ["○ root@box:5   profile camp"]
    configured = MachineLine("config gpu", "gpu", "config", "root@10.0.0.5")
    assert texts(configured) == ["○ gpu   ~/.ssh/config · root@10.0.0.5"]
    assert texts(MachineLine("config gpu", "gpu", "config")) == ["○ gpu   ~/.ssh/config"]
    assert texts(MachineLine("open x", "x", "open"))[1] == "  Not connected. Enter connects."


def test_a_connected_machine_with_everything():
    card = GpuSample(0, "NVIDIA A100", 24 * GIB, 8 * GIB, 16 * GIB)
    line = MachineLine(
        "open root@box", "root@box", "open", "", UP,
        (ServerThere(23333, "/models/internlm", 7), ServerThere(23334, "", 8, listens=False)), (card, card),
        None, ((8000, 23333),),
    )  # fmt: skip
    rows = machine_rows([line], 78, NOW)
    assert [row.text.rstrip() for row in rows] == [
        "● root@box   ⇄ 12 ms · 4 min",
        "  23333  internlm",
        "  23334  ?  is loading its model",
        "  2 cards · NVIDIA A100 · 32.00 of 48.00 GiB free",
        "  ⇄ 127.0.0.1:8000 leads to its port 23333 (Enter closes it)",
    ]
    assert [row.key for row in rows] == [
        "machine open root@box", "server 23333 open root@box", "server 23334 open root@box", "",
        "port 23333 open root@box",
    ]  # fmt: skip


def test_what_a_machine_lacks_is_said():
    bare = MachineLine("open x", "x", "open", "", UP, (), None, Problem("gpu.library", {}, ""))
    assert any("No lmdeploy server runs there." in text for text in texts(bare))
    assert any("libnvidia-ml.so.1 was not found" in text for text in texts(bare))
    unknown = MachineLine("open x", "x", "open", "", UP, None, (GpuSample(0, "X", None, None, None),))
    assert texts(unknown)[1] == "  1 card · X"


@pytest.mark.parametrize("phase", list(LinkPhase))
def test_every_state_has_a_mark_and_a_sentence(phase: LinkPhase):
    rows = texts(MachineLine("open x", "root@x", "open", "", LinkState(phase, 100.0)))
    assert rows
    assert "link." not in "".join(rows)
    lost = LinkState(phase, 100.0, Problem("ssh.refused", {"host": "root@x", "port": "22"}))
    assert any("refuses connections" in text for text in texts(MachineLine("open x", "root@x", "open", "", lost)))


@pytest.mark.parametrize("language", ["en", "zh-CN"])
@pytest.mark.parametrize("width", [20, 40, 56, 78, 98, 118, 200])
def test_the_fleet_fits(width: int, language: str):
    set_language(language)
    lines = [
        FleetLine("a", "", 23333, "internlm2_5-1_8b-chat", UP, 0.113, 8 * GIB, 1, 0, 142.3, 12 * GIB),
        FleetLine("b", "root@很长的机器名字.example.org:48626", 23334, "/模型/很长的名字" * 4, UP),
        FleetLine("c", "root@x", 0, link=LinkState(LinkPhase.BACKOFF, 1.0, retry_at=NOW + 9)),
        FleetLine("d", "root@y", 1, "m", UP, 1.0, 8 * GIB, 1, None, 99_999.0, 0),
    ]
    rows = fleet_rows(lines, width, NOW)
    assert [row.key for row in rows] == ["", "a", "b", "c", "d"]
    assert all(cell_len(row.text) <= max(width, 24) for row in rows)
    assert sum(columns_for(width).values()) <= max(width, 24)


def test_the_fleet_says_what_it_knows_and_what_not():
    lines = [
        FleetLine("a", "box", 23333, "m", UP, 0.113, 8 * GIB, 1, 0, 142.3, 12 * GIB),
        FleetLine("b", "box", 23334, "", UP),
        FleetLine("c", "gone", 0, link=LinkState(LinkPhase.NEEDS_YOU, 100.0)),
    ]
    shown = [" ".join(row.text.split()) for row in fleet_rows(lines, 120, NOW)]
    assert shown == [
        "machine port model kv used of GiB run/wait tok/s free GiB",
        "box 23333 m 11.3 % 8.00 1/0 142 12.00",
        "box 23334 ? ? ? ? ? ?",
        "gone needs you · 4 min",
    ]
