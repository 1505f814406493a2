"""Time to the first frame of ``lmdeck URL`` against a bare Textual app with a TextArea, in a pseudo-terminal.

``python -m tests.benchmarks.bench_start [RUNS]`` prints both and the ratio; the aim is at most 1.5. On a busy
machine the best runs say more than the medians.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
from pathlib import Path
from time import perf_counter

from tests.support.pty_app import PtyApp, python

BARE = """
from textual.app import App
from textual.widgets import TextArea

class Bare(App):
    def compose(self):
        yield TextArea("bare app is here")

Bare().run()
"""


def first_frame(arguments: list[str], marker: bytes, env: dict[str, str]) -> tuple[float, float]:
    """Seconds from the start of the process until ``marker`` was painted, and the processor's seconds in it."""
    start = perf_counter()
    with PtyApp(arguments, columns=120, rows=40, env=env, emulate=False) as app:
        app.wait(lambda: marker in app.raw, "the first frame", 30)
        seconds = perf_counter() - start
        fields = Path(f"/proc/{app.pid}/stat").read_text().rpartition(")")[2].split()
        return seconds, (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def figures(runs: list[tuple[float, float]]) -> list[float]:
    """Best and median time, median processor time."""
    times = [run[0] for run in runs]
    return [min(times), statistics.median(times), statistics.median(run[1] for run in runs)]


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 9
    bare: list[tuple[float, float]] = []
    ours: list[tuple[float, float]] = []
    with tempfile.TemporaryDirectory() as folder:
        env = {f"LMDECK_{name}_DIR": os.path.join(folder, name) for name in ("DATA", "CONFIG", "STATE")}
        # As after `pip install .`: what is installed has its bytecode, and a checkout may write it.
        env |= {"LC_ALL": "C.UTF-8", "COLORTERM": "truecolor", "PYTHONDONTWRITEBYTECODE": ""}
        for run in range(runs + 1):
            if run == 1:  # the first pair warmed the file cache
                bare.clear()
                ours.clear()
            bare.append(first_frame(python("-c", BARE), b"app is here", env))
            ours.append(first_frame(python("-m", "tui", "http://127.0.0.1:9"), b"opens the menu", env))
    print(f"milliseconds to the first frame, {runs} runs        best   median   processor")
    one, other = figures(bare), figures(ours)
    for name, row in (("bare Textual app with a TextArea", one), ("lmdeck URL", other)):
        print(f"{name:<46}" + "".join(f"{value * 1000:6.0f}   " for value in row))
    print(f"{'ratio (aim: at most 1.5)':<46}" + "".join(f"{b / a:6.2f}   " for a, b in zip(one, other, strict=True)))


if __name__ == "__main__":
    main()
