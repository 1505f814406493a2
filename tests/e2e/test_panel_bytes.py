"""What the memory panel writes to a real terminal while everything on it changes once a second."""

from __future__ import annotations

import sys
from time import monotonic

import pytest

if sys.platform == "win32":
    pytest.skip("needs a pseudo-terminal", allow_module_level=True)

from tests.support.pty_app import PtyApp, python

pytestmark = [pytest.mark.pty, pytest.mark.slow]
SECONDS = 5
LIMIT = 2048  # bytes a second


def test_the_panel_writes_little(tmp_path):
    places = {f"LMDECK_{kind}_DIR": str(tmp_path) for kind in ("DATA", "CONFIG", "STATE")}
    command = python("-m", "tests.benchmarks.panel_app")
    with PtyApp(command, columns=120, rows=40, env={**places, "COLORTERM": "truecolor"}) as app:
        app.wait_for("server log")
        app.wait_for("tok/s")
        before, start = len(app.raw), monotonic()
        seen: set[str] = set()

        def enough() -> bool:
            seen.add(next((line for line in app.text.splitlines() if "% busy" in line), ""))
            return monotonic() - start >= SECONDS and len(seen) >= 3

        app.wait(enough, "five seconds of samples, and figures that change")
        written = (len(app.raw) - before) / (monotonic() - start)
        assert written < LIMIT
