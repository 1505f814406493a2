"""Long pictures: what stands above and below, blocks that belong together, and pages that break between them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tui.shot.cells import CELL_HEIGHT, Run

Rows = Sequence[tuple[Run, ...]]

LONGEST = 16_000
"""Pixels that a page is high at most. Browsers and many sites show nothing above 16,384."""


def rows_of_page(scale: int) -> int:
    """How many rows a page has at most."""
    return LONGEST // (CELL_HEIGHT * scale)


def paginate(head: Rows, blocks: Iterable[Rows], foot: Rows, most: int) -> list[list[tuple[Run, ...]]]:
    """Pages of at most ``most`` rows: the head on the first, the foot on every one. A block is broken only when it is
    longer than a page; no block at all still makes a page."""
    room = max(most - len(foot), 1)
    pages: list[list[tuple[Run, ...]]] = []
    page = list(head)
    for block in blocks:
        rest = list(block)
        if page and len(page) + len(rest) > room and len(page) > len(head) * (not pages):
            pages.append(page)
            page = []
        while len(page) + len(rest) > room:
            taken = max(room - len(page), 0)
            pages.append(page + rest[:taken])
            page, rest = [], rest[taken:]
        page += rest
    pages.append(page)
    return [[*rows, *foot] for rows in pages]
