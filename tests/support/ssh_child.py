"""A little lmdeck that a test may kill: opens a link and a forward, prints their facts, waits for ever."""

from __future__ import annotations

import asyncio
import json
import sys

from tui.hosts.remote import open_remote
from tui.model.question import Question


async def main() -> None:
    async def no_questions(_question: Question) -> str | None:
        return None

    host = await open_remote(sys.argv[1], no_questions, options=sys.argv[2:])
    await host.link.up()
    forward = await host.link.add_forward("127.0.0.1", host.target.server_port)
    print(json.dumps({"ssh": host.link.pid, "socket": forward.socket}), flush=True)
    await asyncio.Event().wait()


asyncio.run(main())
