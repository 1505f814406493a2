"""From a part's text to rows: plain text as it stands, and Textual's ``Content`` with its colours by name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from textual.content import Content

from tui.markdown.clean import clean
from tui.markdown.elements import wrapped_rows
from tui.markdown.ink import Margin, Page, Row, Run

INDENT = Margin((), (Run("  "),))
USER = Margin((Run("▌ ", "user-bar"),), (Run("▌ ", "user-bar"),))

# What a Content's style strings are called in a palette.
_NAMES = {
    "bold": "strong",
    "italic": "em",
    "dim": "muted",
    "$text-muted": "muted",
    "$text-accent": "accent",
    "$text-primary": "link",
    "$text-success": "good",
    "$text-warning": "warning",
    "$text-error": "bad",
}
TAB = 4


def plain_rows(text: str, page: Page, margin: Margin = INDENT, style: str = "") -> list[Row]:
    """Foreign text as it stands, every line wrapped beside ``margin``."""
    rows: list[Row] = []
    for line in clean(text).split("\n"):
        shown = line.expandtabs(TAB)
        rows.extend(wrapped_rows((Run(shown, style),) if shown else (), margin, page))
        margin = margin.after_first() if margin is not INDENT else INDENT
    return rows


def content_rows(content: Content, page: Page, margin: Margin = INDENT) -> list[Row]:
    """A ``Content``, every line wrapped beside ``margin``; styles without a name in the palette are left out."""
    rows: list[Row] = []
    for runs in _lines(content):
        rows.extend(wrapped_rows(runs, margin, page))
    return rows


def _lines(content: Content) -> Iterator[Sequence[Run]]:
    text = content.plain
    cuts = sorted({0, len(text), *(edge for span in content.spans for edge in (span.start, span.end))})
    line: list[Run] = []
    for start, end in pairwise(cuts):
        styles = [str(span.style) for span in content.spans if span.start <= start and span.end >= end]
        name = " ".join(_NAMES[word] for style in styles for word in style.split() if word in _NAMES)
        first, *others = text[start:end].split("\n")
        if first:
            line.append(Run(first, name))
        for other in others:
            yield line
            line = [Run(other, name)] if other else []
    yield line


def estimated_rows(text: str, width: int) -> int:
    """About how many rows a text takes, from its length alone."""
    if width <= 0:
        return 1
    lines = text.count("\n") + 1
    return max(1, lines, len(text) * 5 // (4 * width) + lines // 2)
