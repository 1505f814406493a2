"""MCP servers for tests, written with the SDK: ``python -m tests.support.mcp_server KIND [PORT FILE]``."""

import asyncio
import os
import sys
import time
from typing import Any

NOTIFICATION = b'{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"x"}}\n'


def good() -> Any:
    from mcp.server.mcpserver import Context, Image, MCPServer
    from mcp.server.mcpserver.exceptions import ToolError

    server = MCPServer("test server")
    wire = os.dup(1)  # the SDK moves descriptor 1 out of the tools' way

    @server.tool()
    def area(width: float, height: float) -> float:
        """Compute the area of a rectangle."""
        return width * height

    @server.tool()
    def echo(text: str) -> str:
        """Say it again."""
        return text

    @server.tool()
    def fail(reason: str) -> str:
        """Fail."""
        raise ToolError(reason)

    @server.tool()
    def picture() -> Image:
        """Draw."""
        return Image(data=b"\x89PNG\r\n\x1a\n" + bytes(10), format="png")

    @server.tool()
    async def wait(seconds: float) -> str:
        """Take time."""
        await asyncio.sleep(seconds)
        return "waited"

    @server.tool()
    def block(seconds: float) -> str:
        """Hang."""
        time.sleep(seconds)
        return "blocked"

    @server.tool()
    def crash() -> str:
        """End the server."""
        print("about to crash", file=sys.stderr, flush=True)
        os._exit(3)

    @server.tool()
    def big(size: int) -> str:
        """A long text."""
        return "x" * size

    @server.tool()
    def environment(name: str) -> str:
        """A variable."""
        return os.environ.get(name, "-")

    @server.tool()
    async def learn(context: Context) -> str:
        """Learn another tool."""
        server.add_tool(lambda: "new", name="learned", description="New")
        await context.notify_tools_changed()
        return "learned"

    @server.tool()
    def flood() -> str:
        """Notify without end."""
        while True:
            os.write(wire, NOTIFICATION * 10)

    return server


def serve(arguments: list[str]) -> None:
    kind = arguments[0]
    if kind == "stdio":
        good().run("stdio")
    elif kind == "http":
        import socket

        import uvicorn

        listening = socket.socket()
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        print(listening.getsockname()[1], flush=True)
        app = good().streamable_http_app()
        uvicorn.Server(uvicorn.Config(app, log_level="error")).run(sockets=[listening])
    elif kind == "silent":
        sys.stdin.read()
        time.sleep(60)
    elif kind == "crash":
        print("no configuration found", file=sys.stderr, flush=True)
        sys.exit(2)
    elif kind == "garbage":
        while True:
            os.write(1, b"garbage, no JSON\n" * 100)
    elif kind == "endless":
        while True:
            os.write(1, b"x" * 65536)
    elif kind == "errors":
        import threading

        def shout() -> None:
            while True:
                os.write(2, b"error " * 10_000)

        threading.Thread(target=shout, daemon=True).start()
        good().run("stdio")


if __name__ == "__main__":
    serve(sys.argv[1:])
