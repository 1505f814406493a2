"""The real pynvml, and the agent's own NVML, on a stub library through every failure state."""

from __future__ import annotations

import os
import sys
import types
from pathlib import Path

import pytest

from tests.support.nvml_stub import nvml_state, stub_library
from tui.agent import Nvml, NvmlError
from tui.gpu import nvml
from tui.gpu.nvml import NvmlCards
from tui.gpu.source import LocalReader
from tui.i18n.problems import explain
from tui.model.gpu import GpuReading
from tui.model.problem import ProblemError

__all__ = ["nvml_state"]
GIB = 1 << 30


def read(total: int | None = None, slice_file: str = "/nowhere") -> GpuReading:
    reader = LocalReader(slice_file, total)
    try:
        return reader.read()
    finally:
        reader.close()


def test_a_healthy_card(nvml_state: pytest.MonkeyPatch) -> None:
    nvml_state.setenv("STUB_PROCESSES", f"{os.getpid()}:{5 * GIB},4194000:{2 * GIB}")
    reading = read()
    card = reading.samples[0]
    assert (reading.source, reading.driver, reading.problem) == ("nvml", "580.159.04", None)
    assert (card.name, card.uuid) == ("NVIDIA Stub 0", "GPU-0")
    assert (card.total, card.reserved, card.free, card.used) == (24 * GIB, GIB // 2, 16 * GIB, 15 * GIB // 2)
    assert (card.utilisation, card.temperature, card.power) == (37, 45, 210.5)
    assert card.processes is not None
    assert [(entry.pid, entry.used, entry.visible) for entry in card.processes] == [
        (os.getpid(), 5 * GIB, True),
        (4194000, 2 * GIB, False),
    ]
    assert reading.samples[1].processes == ()
    assert card.errors == {}


@pytest.mark.parametrize(
    ("state", "code"),
    [("driver", "gpu.driver"), ("mismatch", "gpu.mismatch"), ("init-permission", "gpu.permission")],
)
def test_the_library_cannot_be_opened(nvml_state: pytest.MonkeyPatch, state: str, code: str) -> None:
    nvml_state.setenv("STUB_STATE", state)
    reading = read()
    assert reading.samples == ()
    assert reading.source == "none"
    assert reading.problem is not None
    assert reading.problem.code == code
    assert explain(reading.problem).step


def test_no_library(nvml_state: pytest.MonkeyPatch) -> None:
    import pynvml

    def missing(name: str) -> object:
        raise OSError(name)

    nvml_state.setattr(pynvml, "CDLL", missing)
    reading = read()
    assert reading.problem is not None
    assert reading.problem.code == "gpu.library"


def test_without_a_state_the_stub_is_no_library(nvml_state: pytest.MonkeyPatch) -> None:
    nvml_state.delenv("STUB_STATE")
    reading = read()
    assert reading.problem is not None
    assert reading.problem.code == "gpu.library"


def test_a_library_that_fails_in_an_unknown_way(nvml_state: pytest.MonkeyPatch) -> None:
    nvml_state.setenv("STUB_STATE", "strange")
    reading = read()
    assert reading.problem is not None
    assert reading.problem.code == "gpu.failed"


@pytest.mark.parametrize(
    ("state", "figure", "blank"),
    [
        ("mig", "utilisation", "utilisation"),
        ("no-processes", "processes", "processes"),
        ("unified", "memory", "used"),
    ],
)
def test_one_missing_call_blanks_one_figure(
    nvml_state: pytest.MonkeyPatch, state: str, figure: str, blank: str
) -> None:
    nvml_state.setenv("STUB_STATE", state)
    card = read().samples[0]
    assert list(card.errors) == [figure]
    assert getattr(card, blank) is None
    assert card.temperature == 45


@pytest.mark.parametrize("state", ["permission", "lost"])
def test_one_failing_card_leaves_the_others(nvml_state: pytest.MonkeyPatch, state: str) -> None:
    nvml_state.setenv("STUB_STATE", state)
    healthy, failing = read().samples
    assert healthy.errors == {}
    assert healthy.used == 15 * GIB // 2
    assert failing.total is None
    assert failing.errors


def test_memory_version_one(nvml_state: pytest.MonkeyPatch) -> None:
    nvml_state.setenv("STUB_STATE", "no-v2")
    card = read().samples[0]
    assert (card.total, card.free, card.used, card.reserved) == (24 * GIB, 16 * GIB, 8 * GIB, None)
    assert card.errors == {}


def test_foreign_and_unknown_processes(nvml_state: pytest.MonkeyPatch) -> None:
    card = read().samples[0]
    assert card.processes is not None
    assert not card.processes[0].visible
    nvml_state.setenv("STUB_STATE", "windows")
    card = read().samples[0]
    assert card.processes is not None
    assert card.processes[0].used is None


def test_a_wrong_module_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", types.ModuleType("pynvml"))
    with pytest.raises(ProblemError) as caught:
        NvmlCards().open()
    assert caught.value.problem.code == "gpu.wrong-module"
    assert "pip uninstall" in explain(caught.value.problem).step


def test_no_module(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", None)
    with pytest.raises(ProblemError) as caught:
        NvmlCards().open()
    assert caught.value.problem.code == "gpu.no-module"


def test_user_set_total(nvml_state: pytest.MonkeyPatch) -> None:
    card = read(total=10 * GIB).samples[0]
    assert (card.total, card.used, card.free, card.reserved) == (
        10 * GIB,
        15 * GIB // 2,
        10 * GIB - 15 * GIB // 2,
        None,
    )


SLICE = "VGPU-SMI 1.7.13  Driver 535\n| 0  A100  13578MiB / 24566MiB   0% / 30% |\n"


def slice_tool(tmp_path: Path, text: str = SLICE) -> str:
    tool = tmp_path / "studio-smi"
    (tmp_path / "text").write_text(text)
    tool.write_text(f"/bin/cat {tmp_path}/text\n")
    return str(tool)


def test_a_slice_comes_before_nvml(nvml_state: pytest.MonkeyPatch, tmp_path: Path) -> None:
    nvml_state.setenv("PATH", "/bin:/usr/bin")
    reading = read(slice_file=slice_tool(tmp_path))
    card = reading.samples[0]
    assert reading.source == "vgpu-smi"
    assert reading.raw == "| 0  A100  13578MiB / 24566MiB   0% / 30% |"
    assert (card.total, card.used) == (24566 << 20, 13578 << 20)
    assert card.free == (24566 - 13578) << 20
    assert (card.temperature, card.utilisation) == (45, 37)
    assert card.processes is None


def test_a_slice_without_a_driver(nvml_state: pytest.MonkeyPatch, tmp_path: Path) -> None:
    nvml_state.setenv("STUB_STATE", "driver")
    nvml_state.setenv("PATH", "/bin:/usr/bin")
    reading = read(slice_file=slice_tool(tmp_path))
    assert reading.samples[0].total == 24566 << 20
    assert reading.samples[0].temperature is None
    assert reading.problem is None


def test_a_slice_tool_nobody_understands(nvml_state: pytest.MonkeyPatch, tmp_path: Path) -> None:
    nvml_state.setenv("PATH", "/bin:/usr/bin")
    reading = read(slice_file=slice_tool(tmp_path, "hello\n"))
    assert reading.problem is not None
    assert reading.problem.code == "gpu.slice"
    assert reading.source == "nvml"


def test_nvidia_smi_is_the_fallback(nvml_state: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = tmp_path / "nvidia-smi"
    line = "0, NVIDIA A100, GPU-1, 81920, 1024, 80000, 896, [N/A], 40, 61.5"
    program.write_text(f"#!/bin/sh\necho noise\necho '{line}'\nexec /bin/sleep 60\n")
    program.chmod(0o755)
    nvml_state.setenv("STUB_STATE", "driver")
    nvml_state.setenv("PATH", str(tmp_path))
    reading = read()
    card = reading.samples[0]
    assert reading.source == "nvidia-smi"
    assert (card.total, card.used, card.reserved, card.power) == (81920 << 20, 1024 << 20, 896 << 20, 61.5)
    assert card.utilisation is None
    assert card.errors == {"utilisation": "N/A"}


def test_an_nvidia_smi_that_fails(nvml_state: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = tmp_path / "nvidia-smi"
    program.write_text("#!/bin/sh\necho failed\n")
    program.chmod(0o755)
    nvml_state.setenv("STUB_STATE", "mismatch")
    nvml_state.setenv("PATH", str(tmp_path))
    reading = read()
    assert reading.samples == ()
    assert reading.problem is not None
    assert reading.problem.code == "gpu.mismatch"


@pytest.mark.parametrize("state", ["driver", "mismatch", "init-permission"])
def test_the_agent_says_why(nvml_state: pytest.MonkeyPatch, state: str) -> None:
    nvml_state.setenv("STUB_STATE", state)
    with pytest.raises(NvmlError):
        Nvml(str(stub_library()))


def test_the_agent_without_a_library() -> None:
    with pytest.raises(NvmlError, match="library not found"):
        Nvml("libno-such-thing.so.1")


@pytest.mark.parametrize("state", ["ok", "lost", "permission", "unified", "no-v2", "no-processes", "windows", "mig"])
def test_the_agent_agrees_with_pynvml(nvml_state: pytest.MonkeyPatch, state: str) -> None:
    nvml_state.setenv("STUB_STATE", state)
    cards = Nvml(str(stub_library())).cards()
    for card, sample in zip(cards, read().samples, strict=True):
        for figure in ("index", "name", "uuid", "total", "used", "free", "reserved", "utilisation", "power"):
            assert card[figure] == getattr(sample, figure), figure
        assert set(card["errors"]) == set(sample.errors)
        listed = None if sample.processes is None else [[p.pid, p.used, p.visible] for p in sample.processes]
        assert card["processes"] == listed


def test_processes_are_listed_again_when_the_memory_changed_or_after_a_while(nvml_state: pytest.MonkeyPatch) -> None:
    cards = NvmlCards()
    cards.open()

    def listed() -> list[int]:
        return [entry.pid for entry in cards.sample()[0].processes or ()]

    try:
        nvml_state.setenv("STUB_PROCESSES", f"11:{GIB}")
        assert listed() == [11]
        nvml_state.setenv("STUB_PROCESSES", f"12:{GIB}")
        assert listed() == [11], "the memory is the same: nobody came or went"
        nvml_state.setenv("STUB_STATE", "no-v2")  # that driver counts its reserve as used
        assert listed() == [12]
        nvml_state.setenv("STUB_PROCESSES", f"13:{GIB}")
        nvml_state.setattr(nvml, "_LISTED_SECONDS", 0.0)
        assert listed() == [13]
    finally:
        cards.close()
