"""What streamed Markdown costs: CPU per piece by fifths of the stream, for texts whose cost likes to grow.

    python tests/benchmarks/bench_markdown.py [--stock]

Without options: parsing, wrapping and drawing of the changed rows, without an app (``bench_transcript.py`` has one).
``--stock`` streams into Textual's own Markdown widget in a headless 120×40 app, for comparison (slow: minutes).
Contract: at most 4 s for each 8,000-character case, cost per piece flat; a 200,000-character reply flat from 20k on.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Callable
from time import process_time

from tui.markdown.document import Document
from tui.markdown.ink import Page
from tui.markdown.layout import Layout
from tui.markdown.reply import Reply
from tui.markdown.wrap import wrap

WIDTH, HEIGHT = 120, 40


def lengthened(make: Callable[[int], str], size: int) -> str:
    text = ""
    index = 0
    while len(text) < size:
        text += make(index)
        index += 1
    return text[:size]


def list_text(size: int) -> str:
    return lengthened(lambda i: f"- item {i} with **bold** words and `code` in it\n", size)


def nested_list_text(size: int) -> str:
    return "1. the only item\n" + lengthened(lambda i: f"   - nested {i} with **bold** words\n", size - 17)


def deep_list_text(size: int) -> str:
    return "- one\n  1. two\n     - three\n" + lengthened(lambda i: f"       - level four {i} **bold**\n", size - 29)


def quoted_list_text(size: int) -> str:
    return "> said:\n>\n" + lengthened(lambda i: f"> - quoted {i} with **bold** words\n", size - 10)


def quote_in_item_text(size: int) -> str:
    return "1. he said:\n" + lengthened(lambda i: f"   > paragraph {i} with **bold** words\n   >\n", size - 12)


def table_text(size: int) -> str:
    return "| name | value | note |\n|---|--:|---|\n" + lengthened(
        lambda i: f"| row {i} | {i * 37} | some **words** about {i} |\n", size - 39
    )


def fence_text(size: int) -> str:
    return (
        "```python\n"
        + lengthened(lambda i: f"def function_{i}(x):\n    return x + {i}  # add\n\n", size - 14)
        + "\n```"
    )


def paragraph_text(size: int) -> str:
    return lengthened(lambda i: f"The {i}th sentence has **bold** and `code` words, like many others. ", size)


def chinese_text(size: int) -> str:
    return lengthened(lambda i: f"第{i}句话介绍**量化**之后的显存占用，包含`w4a16`这样的名字，以及标点。", size)


def mixed_text(size: int) -> str:
    def section(index: int) -> str:
        return (
            f"## Section {index}\n\nSome words about **quantisation** and [a link](https://example.com/{index}).\n\n"
            f"量化后的模型显存占用更低，第{index}段介绍`kv cache`的计算方法。\n\n"
            + "".join(f"{n}. step {n} of {index}\n   - detail with *emphasis*\n" for n in range(1, 7))
            + f"\n```python\ndef run_{index}(x):\n    return [x ** {index} for _ in range(10)]\n```\n\n"
            + "| a | b |\n|---|---|\n"
            + "".join(f"| {n} | value {n * index} |\n" for n in range(6))
            + "\n> A quote with a line\n> and another one.\n\n"
        )

    return lengthened(section, size)


CASES = {
    "list": list_text,
    "nested list": nested_list_text,
    "deep list": deep_list_text,
    "list in a quote": quoted_list_text,
    "quote in an item": quote_in_item_text,
    "table": table_text,
    "fence": fence_text,
    "paragraph": paragraph_text,
    "Chinese": chinese_text,
    "mixed": mixed_text,
}


def pieces_of(text: str, count: int) -> list[str]:
    size = -(-len(text) // count)
    return [text[start : start + size] for start in range(0, len(text), size)]


def report(name: str, times: list[float]) -> None:
    fifth = max(1, len(times) // 5)
    parts = [sum(times[start : start + fifth]) / fifth * 1000 for start in range(0, fifth * 5, fifth)]
    figures = "  ".join(f"{part:7.2f}" for part in parts)
    print(f"{name:<24} {figures}   ms per piece   worst {max(times) * 1000:7.1f} ms   total {sum(times):6.2f} s")


def stream(text: str, count: int) -> list[float]:
    """Into a reply, taking the strips of at most a screen of changed rows each time."""
    from rich.style import Style

    from tui.markdown.palette import Palette
    from tui.markdown.strips import row_strip

    page = Page(WIDTH)
    reply = Reply(page=page)
    palette = Palette({"text-accent": "#ffc473", "text-warning": "#ffc473"}, Style.parse("#e0e0e0 on #121212"))
    times: list[float] = []
    for piece in pieces_of(text, count):
        begin = process_time()
        reply.document.feed(piece)
        changed = reply.flush()
        if changed is not None:
            for row in reply.rows[max(changed, len(reply.rows) - HEIGHT) :]:
                row_strip(row, page, palette)
        times.append(process_time() - begin)
    begin = process_time()
    reply.finish()
    times[-1] += process_time() - begin
    return times


async def stream_into_stock(text: str, count: int) -> list[float]:
    """Into Textual's widget in a headless app, painted after every piece."""
    from textual.app import App, ComposeResult
    from textual.containers import VerticalScroll
    from textual.widgets import Markdown

    class Bench(App[None]):
        def compose(self) -> ComposeResult:
            with VerticalScroll():
                yield Markdown()

    app = Bench()
    times: list[float] = []
    async with app.run_test(size=(WIDTH, HEIGHT)) as pilot:
        app.query_one(VerticalScroll).anchor()
        for piece in pieces_of(text, count):
            begin = process_time()
            await app.query_one(Markdown).append(piece)
            painted = asyncio.Event()
            app.call_after_refresh(painted.set)
            await painted.wait()
            times.append(process_time() - begin)
        await pilot.pause(0)
    return times


def throughput() -> None:
    for name, text in (("English", paragraph_text(100_000)), ("Chinese", chinese_text(100_000))):
        whole = text.replace(". ", ".\n\n").replace("。", "。\n\n")
        begin = process_time()
        document = Document(whole)
        document.finish()
        parsed = process_time()
        Layout(document, Page(WIDTH))
        laid_out = process_time()
        Layout(document, Page(80))
        again = process_time()
        wrap(text, 80)
        wrapped = process_time()
        print(
            f"{name}, 100,000 characters: parse {(parsed - begin) * 1000:.0f} ms, "
            f"lay out {(laid_out - parsed) * 1000:.0f} ms, "
            f"other width {(again - laid_out) * 1000:.0f} ms, wrap one line {(wrapped - again) * 1000:.0f} ms"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--stock", action="store_true")
    options = parser.parse_args()
    stream(mixed_text(4000), 40)  # imports and tables
    print("8,000 characters in 200 pieces, by fifths")
    for name, make in CASES.items():
        report(name, stream(make(8000), 200))
    print("200,000 characters in 500 pieces")
    for name in ("mixed", "list", "nested list", "table", "fence", "paragraph", "Chinese"):
        report(name, stream(CASES[name](200_000), 500))
    throughput()
    if options.stock:
        print("Textual's Markdown on a screen, 8,000 characters in 200 pieces")
        for name, make in CASES.items():
            report(name, asyncio.run(stream_into_stock(make(8000), 200)))


if __name__ == "__main__":
    main()
