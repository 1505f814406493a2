"""A killed process loses at most the last second, and the conversation goes on."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from time import monotonic

import pytest

from tests.support import demo as demo_server
from tests.support.waiting import until
from tui.server.address import Address
from tui.server.endpoint import Endpoint
from tui.session import Session
from tui.store.store import Store
from tui.tools.arithmetic import arithmetic

start_demo = demo_server.start_demo

CHILD = """
import asyncio, json, sys, time
from pathlib import Path
from tui.model.events import TextDelta
from tui.server.address import Address
from tui.server.endpoint import Endpoint
from tui.session import Session
from tui.store.store import Store
from tui.tools.arithmetic import arithmetic

async def main():
    store = await Store.open(Path(sys.argv[2]))
    session = Session(Endpoint(Address.parse(sys.argv[1])), arithmetic(), store=store)
    events = session.subscribe()
    await session.submit("/demo tokens 4000")
    length = 0
    async for event in events:
        if isinstance(event, TextDelta):
            length += len(event.text)
            print(json.dumps([time.monotonic(), length]), flush=True)

asyncio.run(main())
"""


@pytest.mark.skipif(sys.platform == "win32", reason="monotonic clocks of two processes agree on POSIX")
async def test_kill_minus_nine_loses_at_most_a_second(start_demo, tmp_path: Path):
    server = await start_demo(speed=200)
    path = tmp_path / "store.sqlite"
    pipe = asyncio.subprocess.PIPE
    child = await asyncio.create_subprocess_exec(sys.executable, "-c", CHILD, server.url, str(path), stdout=pipe)
    begin = None
    shown: list[tuple[float, int]] = []
    async for line in child.stdout:
        shown.append(tuple(json.loads(line)))
        begin = begin or shown[0][0]
        if shown[-1][0] - begin > 2:
            break
    child.kill()
    killed = monotonic()
    await child.wait()

    store = await Store.open(path)
    (info,) = await store.conversations()
    kept = (await store.branch(info.id))[-1]
    assert not kept.complete
    assert len(kept.text) >= max((length for moment, length in shown if moment <= killed - 1), default=0) > 0

    endpoint = Endpoint(Address.parse(server.url))
    session = Session(endpoint, arithmetic(), store=store, conversation_id=info.id)
    await session.load()
    await session.resume()
    await until(lambda: len(session.messages[-1].text) > len(kept.text))
    await session.aclose()
    await endpoint.aclose()
    assert (await store.branch(info.id))[-1].text.startswith(kept.text)
    assert await store.verify(info.id) == []
    await store.close()
