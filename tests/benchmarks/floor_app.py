"""The smallest Textual chats, to compare with: ``python floor_app.py cached|stock URL``.

``cached`` draws every finished row once and repaints at 20 frames a second; ``stock`` uses Textual's Markdown widget.
Both read the stream with plain asyncio, so that no client library is measured.
"""

from __future__ import annotations

import asyncio
import json
import sys
from urllib.parse import urlsplit

from rich.segment import Segment
from rich.style import Style
from textual.app import App, ComposeResult
from textual.containers import VerticalScroll
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.widgets import Input, Markdown

STYLE = Style.parse("#d8dee6 on #12151a")


async def stream(url: str, prompt: str, feed) -> None:
    where = urlsplit(url)
    reader, writer = await asyncio.open_connection(where.hostname, where.port)
    body = json.dumps({"model": "bench", "stream": True, "messages": [{"role": "user", "content": prompt}]}).encode()
    writer.write(b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n" % len(body) + body)
    while line := await reader.readline():
        if line.startswith(b"data: {"):
            choices = json.loads(line[6:])["choices"]
            if choices and (text := choices[0]["delta"].get("content")):
                await feed(text)
        elif line.startswith(b"data: [DONE]"):
            break
    writer.close()


class Rows(ScrollView, can_focus=False):
    """Plain rows with cached strips."""

    def __init__(self) -> None:
        super().__init__()
        self.lines = [""]
        self.strips: dict[int, Strip] = {}

    def feed(self, text: str) -> None:
        first = len(self.lines) - 1
        width = max(20, self.size.width)
        for number, piece in enumerate(text.split("\n")):
            if number:
                self.lines.append("")
            self.lines[-1] += piece
            while len(self.lines[-1]) > width // 2:
                rest = self.lines[-1][width // 2 :]
                self.lines[-1] = self.lines[-1][: width // 2]
                self.lines.append(rest)
        for y in range(first, len(self.lines)):
            self.strips.pop(y, None)
        self.virtual_size = Size(width, len(self.lines))
        self.scroll_end(animate=False)

    def render_line(self, y: int) -> Strip:
        y += self.scroll_offset.y
        if y not in self.strips:
            text = self.lines[y] if y < len(self.lines) else ""
            self.strips[y] = Strip([Segment(text, STYLE)]).adjust_cell_length(self.size.width, STYLE)
        return self.strips[y]


class Floor(App[None]):
    CSS = "Input { dock: bottom; border: none; height: 1 } Rows { height: 1fr }"

    def __init__(self, kind: str, url: str) -> None:
        super().__init__()
        self.kind, self.url, self.buffer = kind, url, ""

    def compose(self) -> ComposeResult:
        if self.kind == "cached":
            yield Rows()
        else:
            yield VerticalScroll(Markdown())
        yield Input(placeholder="ready")

    def on_mount(self) -> None:
        self.query_one(Input).cursor_blink = self.kind == "stock"
        self.query_one(Input).focus()
        if self.kind == "cached":
            self.set_interval(1 / 20, self.flush)

    def flush(self) -> None:
        if self.buffer:
            self.query_one(Rows).feed(self.buffer)
            self.buffer = ""

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.input.clear()
        self.run_worker(self.answer(event.value))

    async def answer(self, prompt: str) -> None:
        if self.kind == "cached":

            async def feed(text: str) -> None:
                self.buffer += text

            await stream(self.url, prompt, feed)
            return
        markdown = self.query_one(Markdown)
        self.query_one(VerticalScroll).anchor()
        writer = Markdown.get_stream(markdown)
        await stream(self.url, prompt, writer.write)
        await writer.stop()


if __name__ == "__main__":
    Floor(sys.argv[1], sys.argv[2]).run()
