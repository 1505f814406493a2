"""What a page is made of, before it is Markdown or HTML: plain values, every text in them may be foreign."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tui.export.document import Document


@dataclass(frozen=True, slots=True)
class Heading:
    text: str


@dataclass(frozen=True, slots=True)
class Paragraph:
    text: str


@dataclass(frozen=True, slots=True)
class Check:
    """A requirement: met or not, what, and why."""

    met: bool
    label: str
    reason: str


@dataclass(frozen=True, slots=True)
class Checks:
    items: tuple[Check, ...]


@dataclass(frozen=True, slots=True)
class Table:
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Preformatted:
    text: str


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture that was made: PNG or SVG."""

    name: str
    media_type: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Talk:
    """A conversation."""

    document: Document


Block = Heading | Paragraph | Checks | Table | Preformatted | Picture | Talk


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a page that is written again as a whole. ``name`` holds letters, digits, dots and dashes."""

    name: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Page:
    title: str
    sections: tuple[Section, ...]


def has_content(blocks: Sequence[Block]) -> bool:
    """Whether there is more than a heading."""
    return any(not isinstance(block, Heading) for block in blocks)
