"""The recorded starts of real servers (tests/data/memory): log, NVML samples, command line, memory when ready."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tui.lmdeploy.known_models import find_model
from tui.lmdeploy.log import LogReader
from tui.lmdeploy.options import ServerCommand, find_server, parse_options
from tui.model.checkpoint import Checkpoint, ModelConfig
from tui.model.gpu import GpuProcess, GpuReading, GpuSample
from tui.model.plan import PlanInput

FOLDER = Path(__file__).parent.parent / "data" / "memory"
GPU = "NVIDIA H200"
RESERVE = 644_939_776
STARTS = tuple(sorted(path.name for path in FOLDER.glob("*ratio*")))
_STAMP = re.compile(r" *(\d+\.\d+) (.*)", re.DOTALL)


@dataclass(frozen=True)
class Recording:
    name: str
    meta: dict[str, Any]
    samples: list[dict[str, Any]]
    log: list[tuple[float, str]]

    @property
    def command(self) -> ServerCommand:
        return parse_options(find_server(self.meta["cmd"]) or ())

    @property
    def model(self) -> tuple[ModelConfig, Checkpoint]:
        found = find_model(self.command.model)
        assert found is not None
        return found

    @property
    def free_before(self) -> int:
        return int(self.meta["mem_base"][1])

    @property
    def strangers(self) -> set[int]:
        return {int(pid) for pid in self.meta["mem_base"][3]}

    @property
    def server_pids(self) -> frozenset[int]:
        return frozenset(int(pid) for pid in self.meta["mem_ready"][3] if int(pid) not in self.strangers)

    @property
    def process_bytes(self) -> int:
        return sum(used for pid, used in self.meta["mem_ready"][3].items() if int(pid) not in self.strangers)

    def read_log(self, until: float = 1e9) -> LogReader:
        reader = LogReader()
        for at, text in self.log:
            if at <= until:
                reader.feed(text, at)
        return reader

    def ready_sample(self, version: int = 2) -> GpuSample:
        used, free, total, processes = self.meta["mem_ready"]
        return self.sample(used, free, total, processes, version)

    def sample(self, used: int, free: int, total: int, processes: dict[str, int], version: int = 2) -> GpuSample:
        listed = tuple(GpuProcess(int(pid), size) for pid, size in processes.items())
        if version == 1:
            return GpuSample(0, GPU, total, used, free, None, processes=listed)
        return GpuSample(0, GPU, total, used - RESERVE, free, RESERVE, processes=listed)

    def reading(self, sample: GpuSample) -> GpuReading:
        return GpuReading(1.0, (sample,), "nvml")

    def question(self) -> PlanInput:
        config, checkpoint = self.model
        command = self.command
        return PlanInput(
            config,
            checkpoint,
            total=self.free_before,
            free=self.free_before,
            gpu_name=GPU,
            engine=command.text("backend"),
            ratio=command.ratio,
            quant_policy=command.policy,
        )


def load(name: str) -> Recording:
    folder = FOLDER / name
    lines = (folder / "server.log").read_bytes().decode("utf-8").split("\n")
    log: list[tuple[float, str]] = []
    for line in lines:
        match = _STAMP.fullmatch(line)
        if match:
            log.append((float(match[1]), match[2] + "\n"))
        elif log:
            log[-1] = (log[-1][0], log[-1][1] + line + "\n")
    samples = [json.loads(line) for line in (folder / "nvml.jsonl").read_text("utf-8").splitlines()]
    return Recording(name, json.loads((folder / "meta.json").read_text("utf-8")), samples, log)
