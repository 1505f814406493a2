"""The process that talks to one MCP server with the SDK: ``python -m tui.tools.mcp_host``.

Its first request (``{"do": "connect", …}``) says how the server is reached; the answer lists the tools. Then come
``{"do": "call", …}`` and ``{"do": "list"}``. When standard input ends, the server is ended and so is the process. The
SDK's own work – and its import – is thus never done in the app's process.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any, BinaryIO, cast
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from mcp import Client

Json = dict[str, Any]

FLOODED = 77
"""Exit code after a flood of messages."""

_MESSAGES_PER_SECOND = 2_000
_MOST_MEMORY = 1024**3  # bytes: a line that never ends grows in here
_RELIST_PAUSE = 1.0
_LAST_WORDS = 0.1
_LISTEN_PAUSES = (1, 5, 30, 60, 300)  # seconds before a stream that broke is opened again
_LOCAL = ("localhost", "127.0.0.1", "::1")
_LARGEST_EVENT = 32 * 1024 * 1024


class Host:
    """One connection and its requests."""

    def __init__(self, out: BinaryIO) -> None:
        self._out = out
        self._messages = 0
        self._changed = asyncio.Event()
        self._client: Client | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def send(self, message: Json) -> None:
        self._out.write(json.dumps(message).encode() + b"\n")
        self._out.flush()

    def count(self, _record: object = None) -> bool:
        """A message came, good or bad. Used as a filter of the SDK's log, too: it keeps nothing of it."""
        self._messages += 1
        return self._messages <= 20

    async def run(self, requests: asyncio.StreamReader) -> None:
        """Serve until the requests end."""
        first = json.loads(await requests.readline() or "{}")
        if not first:
            return
        async with AsyncExitStack() as stack:
            try:
                self._client = await stack.enter_async_context(_client(first, self._note))
                tools = await self._tools()
            except Exception as error:  # noqa: BLE001 (whatever the SDK raises is the answer)
                self.send({"id": first["id"], "error": reason_of(error)})
                return
            info = self._client.server_info
            self.send({"id": first["id"], "tools": tools, "server": info.name if info else ""})
            background = [asyncio.create_task(self._watch()), asyncio.create_task(self._listen())]
            while line := await requests.readline():
                task = asyncio.create_task(self._answer(json.loads(line)))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
            for task in (*background, *self._tasks):
                task.cancel()
            await asyncio.gather(*background, *self._tasks, return_exceptions=True)

    async def _note(self, message: object) -> None:
        from mcp_types import ToolListChangedNotification

        self.count()
        if isinstance(getattr(message, "root", message), ToolListChangedNotification):
            self._changed.set()

    async def _answer(self, request: Json) -> None:
        assert self._client is not None  # noqa: S101 (requests are read after the connection)
        try:
            if request["do"] == "list":
                answer: Json = {"tools": await self._tools()}
            else:
                answer = _result(await self._client.call_tool(request["name"], request["arguments"]))
        except Exception as error:  # noqa: BLE001 (whatever the SDK raises is the answer)
            answer = {"error": reason_of(error)}
            if _is_closed(error):
                # The server is gone, and so is this process when everybody who waits has been answered.
                asyncio.get_running_loop().call_later(_LAST_WORDS, os._exit, 0)
        self.send({"id": request["id"], **answer})

    async def _tools(self) -> list[Json]:
        assert self._client is not None  # noqa: S101 (set before it is asked)
        found: list[Json] = []
        cursor: str | None = None
        for _page in range(100):
            page = await self._client.list_tools(cursor=cursor, cache_mode="refresh")
            found += [
                {
                    "name": tool.name,
                    "description": tool.description or tool.title or "",
                    "parameters": tool.input_schema,
                }
                for tool in page.tools
            ]
            cursor = page.next_cursor
            if cursor is None:
                break
        return found

    async def _listen(self) -> None:
        """Newer servers tell of other tools only on a stream of their own; older ones do not have it."""
        from mcp.client.subscriptions import ListenNotSupportedError

        assert self._client is not None  # noqa: S101 (set before this starts)
        for pause in _LISTEN_PAUSES:
            try:
                async with self._client.listen(tools_list_changed=True) as events:
                    async for _event in events:
                        self._changed.set()
            except ListenNotSupportedError:
                return
            except Exception as error:  # noqa: BLE001 (without that stream everything else still works)
                print(reason_of(error), file=sys.stderr)  # noqa: T201 (goes to the server's log)
            await asyncio.sleep(pause)
            self._changed.set()

    async def _watch(self) -> None:
        """Once a second: end a flood, and tell of other tools."""
        while True:
            self._messages = 0
            await asyncio.sleep(_RELIST_PAUSE)
            if self._messages > _MESSAGES_PER_SECOND or _memory() > _MOST_MEMORY:
                os._exit(FLOODED)
            if self._changed.is_set():
                self._changed.clear()
                try:
                    self.send({"tools": await self._tools()})
                except Exception as error:  # noqa: BLE001 (the next change may work)
                    print(reason_of(error), file=sys.stderr)  # noqa: T201 (goes to the server's log)


@asynccontextmanager
async def _client(how: Json, note: Any) -> AsyncGenerator[Client]:
    from mcp import Client, StdioServerParameters, stdio_client
    from mcp.client.streamable_http import streamable_http_client
    from mcp_types import Implementation

    info = Implementation(name="lmdeck", version=str(how.get("version") or "0"))
    async with AsyncExitStack() as stack:
        if url := how.get("url"):
            http = await stack.enter_async_context(_http(str(url), how["headers"], float(how["timeout"])))
            transport = streamable_http_client(str(url), http_client=http, max_sse_event_size=_LARGEST_EVENT)
        else:
            program, *words = how["command"]
            environment = {**os.environ, **how["env"]}
            parameters = StdioServerParameters(command=program, args=words, env=environment, cwd=how["folder"] or None)
            transport = stdio_client(parameters, errlog=sys.stderr)
        client = Client(cast("Any", transport), client_info=info, message_handler=note)
        yield await stack.enter_async_context(client)


def _http(url: str, headers: dict[str, str], timeout: float) -> Any:
    import httpx2

    # Servers on this machine are not asked for through the environment's proxy.
    outside = urlsplit(url).hostname not in _LOCAL
    return httpx2.AsyncClient(headers=headers, timeout=httpx2.Timeout(30, read=timeout + 5), trust_env=outside)


def _result(result: Any) -> Json:
    """A call's result as text for the model and pictures for the user."""
    texts: list[str] = []
    images: list[Json] = []
    for item in result.content:
        if item.type == "text":
            texts.append(item.text)
        elif item.type == "image":
            images.append({"media_type": item.mime_type, "data": item.data})
        elif item.type == "audio":
            texts.append(f"[audio: {item.mime_type}]")
        elif item.type == "resource":
            texts.append(getattr(item.resource, "text", None) or f"[resource: {item.resource.uri}]")
        else:
            texts.append(f"[resource: {item.uri}]")
    if not texts and not images and result.structured_content is not None:
        texts.append(json.dumps(result.structured_content, ensure_ascii=False))
    return {"text": "\n".join(texts), "images": images, "is_error": bool(result.is_error)}


def _is_closed(error: Exception) -> bool:
    from mcp import MCPError
    from mcp_types import CONNECTION_CLOSED

    return isinstance(error, MCPError) and error.code == CONNECTION_CLOSED


def reason_of(error: BaseException) -> str:
    """The innermost cause, in one line."""
    inner: Any = error
    while isinstance(inner, BaseExceptionGroup):
        inner = cast("Any", inner).exceptions[0]
    text = " ".join(str(inner).split())
    kind = type(inner).__name__
    return (f"{kind}: {text}" if text else kind)[:500]


def _memory() -> int:
    """Bytes of memory in use at most so far; 0 where the system does not tell."""
    if sys.platform == "win32":
        return 0
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


async def _main() -> None:
    out = os.fdopen(os.dup(1), "wb")
    # Whatever prints must not get between our lines.
    os.dup2(2, 1)
    host = Host(out)
    logging.getLogger("mcp").addFilter(host.count)
    for name in ("mcp.client.stdio", "mcp.client.streamable_http"):
        logging.getLogger(name).addFilter(host.count)
    requests = asyncio.StreamReader(limit=64 * 1024 * 1024)
    loop = asyncio.get_running_loop()
    transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(requests), sys.stdin)
    try:
        await host.run(requests)
    finally:
        transport.close()


if __name__ == "__main__":
    asyncio.run(_main())
