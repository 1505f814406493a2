"""What the memory panel writes to the terminal at one sample a second: python -m tests.benchmarks.bench_panel.

120×40 in a pseudo-terminal. "busy": every figure on the panel is another one at every sample. "demo": the simulated
server, idle, after the histories are full. Limit: 2 KiB a second."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile

from tests.benchmarks.rig import Client

SECONDS = 15
LIMIT = 2048


async def measure(name: str, command: list[str], marker: bytes, settle: float = 4) -> float:
    with tempfile.TemporaryDirectory() as folder:
        places = {f"LMDECK_{kind}_DIR": folder for kind in ("DATA", "CONFIG", "STATE")}
        client = Client([sys.executable, *command], {"LC_ALL": "C.UTF-8", **places})
        await client.start()
        try:
            await client.seen(marker)
            await asyncio.sleep(settle)
            bytes_before, cpu_before = client.bytes, client.cpu()
            await asyncio.sleep(SECONDS)
            written, cpu = (client.bytes - bytes_before) / SECONDS, (client.cpu() - cpu_before) / SECONDS
        finally:
            await client.stop()
    print(f"{name:<28}{written:8.0f} bytes/s   (limit {LIMIT})   {cpu * 100:5.2f} % of a core")
    return written


async def main() -> None:
    os.environ.pop("NO_COLOR", None)
    await measure("busy, one card", ["-m", "tests.benchmarks.panel_app"], b"kv cache")
    await measure("busy, two cards", ["-m", "tests.benchmarks.panel_app", "2"], b"kv cache")
    await measure("demo, idle", ["-m", "tui", "demo"], b"kv cache", settle=40)


if __name__ == "__main__":
    asyncio.run(main())
