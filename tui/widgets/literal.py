"""Foreign text becomes :class:`Content` here and nowhere else: never markup, no controls, no surprises in width.

A plain ``str`` given to a Textual widget is markup; text from models, servers, tools, logs and files always comes
through :func:`literal`.
"""

from __future__ import annotations

from textual.content import Content

from tui.markdown.clean import clean


def one_line(text: str, limit: int = 2_000) -> str:
    """Cleaned text on one line: runs of white space become one space; at most ``limit`` characters, then ``…``.

    Only the beginning of a huge text is looked at, so the cost does not grow with it."""
    head = " ".join(clean(text[: limit * 2]).split())
    return head if len(head) <= limit and len(text) <= limit * 2 else head[:limit] + "…"


def literal(text: str, style: str = "") -> Content:
    """Foreign text as it may be shown."""
    return Content.styled(clean(text), style) if style else Content(clean(text))
