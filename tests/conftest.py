"""Fixtures for all tests: private folders, English, no proxy or key from the developer's environment."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

os.environ["TEXTUAL_ANIMATIONS"] = "none"  # read once, when textual is imported


@pytest.fixture(autouse=True)
def private_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every test has folders of its own, speaks English, and inherits no server settings."""
    from tui.i18n import set_language

    for name in ("data", "config", "state"):
        monkeypatch.setenv(f"LMDECK_{name.upper()}_DIR", str(tmp_path / f"lmdeck-{name}"))
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    monkeypatch.setenv("COLORTERM", "truecolor")
    set_language("en")
    yield
    set_language("en")


class Memory:
    """Apps freeze what there is when their first frame is shown: in a process of many apps, those that are over too."""

    step = 300 << 20
    limit = step

    @classmethod
    def clear(cls) -> None:
        """Let the garbage go when the process has grown by ``step`` bytes."""
        if cls.used() > cls.limit:
            gc.unfreeze()
            gc.collect()
            gc.freeze()
            cls.limit = cls.used() + cls.step

    @staticmethod
    def used() -> int:
        """Bytes in memory; 0 where /proc does not tell."""
        try:
            return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        except OSError:
            return 0


@pytest.fixture(autouse=True)
def small_process() -> Iterator[None]:
    yield
    Memory.clear()
