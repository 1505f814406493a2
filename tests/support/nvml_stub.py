"""Compiles tests/support/nvml_stub.c once and puts it in the place of libnvidia-ml.so.1 for this process."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

import pytest

SOURCE = Path(__file__).with_name("nvml_stub.c")


@cache
def stub_library() -> Path:
    """The compiled stub; skips the test on a machine without a C compiler (CI must have one)."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        assert os.environ.get("CI") != "true", "CI needs a C compiler"
        pytest.skip("no C compiler")
    folder = Path(tempfile.mkdtemp(prefix="lmdeck-nvml-"))
    target = folder / "libnvidia-ml.so.1"
    soname = "-Wl,-soname,libnvidia-ml.so.1"
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", soname, "-o", target, SOURCE], check=True)
    ctypes.CDLL(str(target), mode=ctypes.RTLD_GLOBAL)  # by its soname it now answers for the real library
    return target


@pytest.fixture
def nvml_state(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """The real pynvml on the stub; set STUB_STATE and STUB_PROCESSES with the returned monkeypatch."""
    import pynvml

    stub_library()
    monkeypatch.setattr(pynvml, "nvmlLib", None)
    monkeypatch.setattr(pynvml, "_nvmlGetFunctionPointer_cache", {})
    monkeypatch.delenv("STUB_PROCESSES", raising=False)
    monkeypatch.setenv("STUB_STATE", "ok")
    monkeypatch.setenv("PATH", "")
    return monkeypatch
