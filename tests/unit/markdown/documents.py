"""The corpus, and rendering it whole or in pieces."""

from __future__ import annotations

import json
import random
from functools import cache
from pathlib import Path

from tui.markdown.document import Document
from tui.markdown.ink import Page, Row
from tui.markdown.layout import Layout

DATA = Path(__file__).parents[2] / "data" / "markdown"


@cache
def corpus() -> dict[str, str]:
    """Our awkward documents by name."""
    return {path.stem: json.loads(path.read_text()) for path in sorted((DATA / "corpus").glob("*.json"))}


@cache
def examples() -> list[str]:
    """CommonMark's examples."""
    return [example["markdown"] for example in json.loads((DATA / "commonmark.json").read_text())]


def whole(text: str, width: int = 40) -> list[Row]:
    """The rows of ``text`` given in one piece."""
    document = Document(text)
    document.finish()
    return Layout(document, Page(width)).rows


def texts(text: str, width: int = 40) -> list[str]:
    return [row.text.rstrip() for row in whole(text, width)]


def random_pieces(text: str, seed: int) -> list[str]:
    """``text`` cut at random: mostly small pieces, as tokens are."""
    chance = random.Random(seed)
    pieces: list[str] = []
    position = 0
    while position < len(text):
        size = chance.choice((1, 1, 2, 3, 5, 8, 13, 40))
        pieces.append(text[position : position + size])
        position += size
    return pieces


def streamed(pieces: list[str], width: int = 40) -> tuple[Document, Layout]:
    """Feed and flush piece by piece, checking on the way that ``changed`` rows are told truly; then finish."""
    document = Document()
    layout = Layout(document, Page(width))
    for piece in pieces:
        document.feed(piece)
        document.flush()
        check_update(layout)
    document.finish()
    check_update(layout)
    return document, layout


def check_update(layout: Layout) -> None:
    before = list(layout.rows)
    changed = layout.update()
    if changed is None:
        assert layout.rows == before
    else:
        assert layout.rows[:changed] == before[:changed]
        fresh = Layout(layout.document, layout.page)
        assert fresh.rows == layout.rows
