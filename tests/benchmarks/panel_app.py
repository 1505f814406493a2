"""The app with a memory panel whose every figure changes at every sample: python -m tests.benchmarks.panel_app."""

from __future__ import annotations

import asyncio
import random
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from time import monotonic

from tui.config.terminal import mend_environment

mend_environment()

from tests.support.fake_session import FakeGpu, FakeWorkspace  # noqa: E402
from tests.support.memory_recordings import load  # noqa: E402
from tests.unit.hosts.test_monitor import Found, findings  # noqa: E402
from tui.app import run_app  # noqa: E402
from tui.app_options import AppOptions  # noqa: E402
from tui.hosts.monitor import MemoryMonitor  # noqa: E402
from tui.model.gpu import GpuReading  # noqa: E402
from tui.model.server import ServerMetrics  # noqa: E402
from tui.screens.seam import Approver, Teller, Workspace  # noqa: E402

RECORDING = load("turbomind-1_8b-w4a16-ratio0.4-kvint4")
CARDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1


class BusyGpu(FakeGpu):
    """One reading a second; memory, load, temperature, power, cache and tokens are other ones each time."""

    def __init__(self, workspace: FakeWorkspace) -> None:
        super().__init__()
        self._workspace = workspace
        self._tokens = 0.0

    async def readings(self) -> AsyncIterator[GpuReading]:
        chance = random.Random(7)
        sample = RECORDING.ready_sample()
        while True:
            self._tokens += chance.uniform(50, 4000)
            self._workspace.link.measured(
                ServerMetrics(
                    monotonic(), chance.random(), chance.randrange(20), chance.randrange(9),
                    generation_tokens_total=self._tokens,
                )
            )  # fmt: skip
            change = chance.randrange(3 << 30)
            card = replace(
                sample, used=(sample.used or 0) + change, free=(sample.free or 0) - change,
                utilisation=chance.randrange(101), temperature=chance.randrange(30, 90), power=chance.uniform(60, 700),
            )  # fmt: skip
            cards = tuple(replace(card, index=index) for index in range(CARDS))
            yield GpuReading(time.time(), cards, "nvml")
            await asyncio.sleep(1)


def main() -> int:
    async def factory(_approve: Approver, _tell: Teller) -> Workspace:
        workspace = FakeWorkspace()
        found = replace(findings(RECORDING), identity="", cards=tuple(range(CARDS)))
        if found.command is not None and CARDS > 1:
            options = {**found.command.options, "tp": CARDS}
            facts = replace(found.facts, tp=CARDS) if found.facts is not None else None
            found = replace(found, facts=facts, command=replace(found.command, options=options))
        workspace.memory = MemoryMonitor(workspace.link, BusyGpu(workspace), Found(found))
        return workspace

    return run_app(AppOptions(language="en"), factory=factory)


if __name__ == "__main__":
    raise SystemExit(main())
