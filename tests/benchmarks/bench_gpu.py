"""What a sample with its breakdown and a checkpoint's headers cost: python -m tests.benchmarks.bench_gpu.

The sample runs the real pynvml on the stub library (two cards), so a real driver's own time is not in it (measured on
an H200: 8 µs for memory, 11 µs for the process list, 2 µs for utilisation)."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.support.checkpoints import internlm
from tests.support.memory_recordings import load
from tests.support.nvml_stub import stub_library
from tui.gpu.breakdown import break_down
from tui.gpu.knowledge import Knowledge
from tui.gpu.source import LocalReader
from tui.lmdeploy.checkpoint import load_checkpoint
from tui.lmdeploy.log import LogReader
from tui.planner.planning import plan


def cpu(times: int, call: Callable[[], object]) -> float:
    """Milliseconds of CPU time a call, on average, of this process with its threads."""
    call()
    start = time.process_time()
    for _ in range(times):
        call()
    return (time.process_time() - start) / times * 1000


def sample_and_breakdown() -> Callable[[], object]:
    stub_library()
    os.environ["STUB_STATE"] = "ok"
    os.environ["STUB_PROCESSES"] = "77:6442450944,4194000:1073741824"
    os.environ["PATH"] = ""
    recording = load("turbomind-7b-w4a16-ratio0.4-kvint4")
    config, checkpoint = recording.model
    known = Knowledge(config, checkpoint, recording.read_log().facts, recording.command, frozenset({77}))
    reader = LocalReader("/nowhere")
    return lambda: break_down(reader.read(), known)


def main() -> None:
    print(f"sample of two cards with breakdown   {cpu(2000, sample_and_breakdown()):8.3f} ms CPU   (limit 1)")
    with tempfile.TemporaryDirectory() as folder:
        path = internlm(Path(folder) / "m", "internlm2_5-7b-chat", shards=8)
        tensors = load_checkpoint(path)[1].tensors
        start = time.perf_counter()
        for _ in range(200):
            load_checkpoint(path)
        took = (time.perf_counter() - start) / 200 * 1000
        print(f"headers of {tensors} tensors in 8 files   {took:8.3f} ms       (limit 5)")
    recording = load("turbomind-7b-bf16-ratio0.8")
    question = recording.question()
    print(f"a plan                               {cpu(500, lambda: plan(question)):8.3f} ms CPU")
    text = "".join(piece for _, piece in recording.log)
    print(f"a log of {len(text):,} characters         {cpu(50, lambda: LogReader().feed(text)):8.3f} ms CPU")


if __name__ == "__main__":
    main()
