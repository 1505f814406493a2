"""A grid of cells as SVG: every wide character and every stretch of narrow ones at a position of its own.

Viewers have other fonts than ours, and few honour ``textLength`` or lists of positions: whatever the font, nothing can
move by more than its own width. Boxes, blocks and braille are paths.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from xml.sax.saxutils import escape

from tui.shot.boxes import Shape
from tui.shot.cells import BASELINE, CELL_HEIGHT, CELL_WIDTH, FONT_SIZE, Cluster, Grid, Ink, Missing, placed
from tui.shot.font import EXTRA_FAMILY, FALLBACKS, FAMILY, extra_has_glyphs, has_glyphs
from tui.shot.outlines import UNITS, outline
from tui.shot.shapes import missing_shape, shape_of

_SLANT = "skewX(-10)"
_BOLDER = 0.55  # pixels of outline that make letters bold: there is one font file, and one width
# Full-width glyphs are two cells wide at this size.
_EXTRA_FONT = f' font-family="{EXTRA_FAMILY}" font-size="{2 * CELL_WIDTH}" font-weight="400"'
_WORDS = re.compile(r"[!-~]+(?: [!-~]+)*")


@dataclass(frozen=True, slots=True)
class Drawing:
    """An SVG, its size in pixels, and the characters that it could not draw."""

    svg: str
    width: int
    height: int
    missing: Missing


def draw_svg(grid: Grid, *, system_fonts: bool = False, outlines: bool = False, title: str = "") -> Drawing:
    """The picture. With ``system_fonts`` characters that the bundled font lacks are left to the viewer's fonts; with
    ``outlines`` the bundled font's glyphs are drawn as paths, so that no font at all is needed (and no text is left to
    select)."""
    width, height = grid.size
    rows = placed(grid)
    body: list[str] = []
    used: set[str] = set()
    for number, row in enumerate(rows):
        body += _backgrounds(row, number, grid.background)
        if outlines:
            body += _outlined(row, number, used, system_fonts=system_fonts)
        else:
            body += _row(row, number, system_fonts=system_fonts)
    if used:
        body.insert(0, "<defs>" + "".join(f'<path id="u{ord(one):x}" d="{outline(one)}"/>' for one in sorted(used)))
        body[0] += "</defs>"
    heading = f"<title>{escape(title)}</title>" if title else ""
    svg = (
        f'{_opening(width, height)}{heading}<rect width="{width}" height="{height}" fill="{grid.background}"/>\n'
        + "\n".join(body)
        + "\n</svg>\n"
    )
    return Drawing(svg, width, height, missing_in(rows))


def missing_in(rows: Iterable[Iterable[Cluster]]) -> Missing:
    """What the bundled font has no glyph for."""
    lost = [one.text for row in rows for one in row if not (one.text.isascii() or _is_known(one.text))]
    return Missing(len(lost), tuple(dict.fromkeys(lost)))


@lru_cache(8192)
def _is_known(text: str) -> bool:
    return has_glyphs(text) or shape_of(text) is not None or extra_has_glyphs(text)


def _opening(width: int, height: int) -> str:
    families = ", ".join(f"'{name}'" if " " in name else name for name in (FAMILY, *FALLBACKS))
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        f'font-family="{families}" font-size="{FONT_SIZE:.4f}" text-rendering="geometricPrecision">\n'
    )


def atlas_svg(pieces: Iterable[tuple[str, Ink, int, int, int]], width: int, height: int) -> str:
    """Single clusters (text, ink, cells, x, y) drawn where they are wanted, black on white: a stock of glyphs."""
    drawn = [_cluster(Cluster(text, 0, cells, ink), x, y, known=_is_known(text)) for text, ink, cells, x, y in pieces]
    return (
        f'{_opening(width, height)}<rect width="{width}" height="{height}" fill="#fff"/>' + "\n".join(drawn) + "</svg>"
    )


def _backgrounds(row: Iterable[Cluster], number: int, canvas: str) -> Iterator[str]:
    """Rectangles behind text whose background differs from the picture's."""
    start = end = 0
    colour = canvas
    for cluster in (*row, None):
        here = canvas if cluster is None else cluster.ink.background
        if here != colour:
            if colour != canvas:
                x, width = start * CELL_WIDTH, (end - start) * CELL_WIDTH
                yield (
                    f'<rect x="{x}" y="{number * CELL_HEIGHT}" width="{width}" height="{CELL_HEIGHT}" fill="{colour}"/>'
                )
            start, colour = end, here
        if cluster is not None:
            end = cluster.column + cluster.cells


def _row(row: list[Cluster], number: int, *, system_fonts: bool) -> Iterator[str]:
    """The text of a row: ASCII by stretches, everything else one by one."""
    y = number * CELL_HEIGHT
    place = 0
    while place < len(row):
        first = row[place]
        end = place + 1
        if first.text.isascii():
            while end < len(row) and row[end].text.isascii() and row[end].ink == first.ink:
                end += 1
            yield from _stretch(row[place:end], y)
        elif first.text.strip():
            known = system_fonts or _is_known(first.text)
            yield _cluster(first, first.column * CELL_WIDTH, y, known=known)
        elif first.ink.underline or first.ink.strike:
            yield _lines(first.ink, first.column * CELL_WIDTH, y, first.cells)
        place = end


def _outlined(row: list[Cluster], number: int, used: set[str], *, system_fonts: bool) -> Iterator[str]:
    """The text of a row as uses of glyphs; ``used`` collects their characters."""
    y = number * CELL_HEIGHT
    for one in row:
        x, ink = one.column * CELL_WIDTH, one.ink
        if one.text.strip() and shape_of(one.text) is None and has_glyphs(one.text):
            shown = [character for character in one.text if outline(character)]
            used.update(shown)
            yield "".join(
                _use(character, ink, x + (one.cells * CELL_WIDTH if place else 0), y)
                for place, character in enumerate(shown)  # marks are drawn back from the end of what they stand on
            )
        elif one.text.strip():
            yield _cluster(one._replace(ink=ink._replace(underline=False, strike=False)), x, y,
                           known=system_fonts or _is_known(one.text))  # fmt: skip
        if ink.underline or ink.strike:
            yield _lines(ink, x, y, one.cells)


def _use(character: str, ink: Ink, x: int, y: int) -> str:
    scale = FONT_SIZE / UNITS
    bold = f' stroke="{ink.foreground}" stroke-width="{_BOLDER / scale:.4g}"' if ink.bold else ""
    slant = f" {_SLANT}" if ink.italic else ""
    place = f"translate({x - bool(ink.italic)} {y + BASELINE}){slant} scale({scale:.6f})"
    return f'<use xlink:href="#u{ord(character):x}" transform="{place}" fill="{ink.foreground}"{bold}/>'


def _stretch(row: list[Cluster], y: int) -> Iterator[str]:
    """ASCII of one ink. Split where several blanks stand together: viewers make one of them."""
    ink, column = row[0].ink, row[0].column
    for found in _WORDS.finditer("".join(one.text for one in row)):
        x, cells = (column + found.start()) * CELL_WIDTH, found.end() - found.start()
        length = f' textLength="{cells * CELL_WIDTH}"' if cells > 1 else ""
        yield _text(found.group(), ink, x, y, length)
    if ink.underline or ink.strike:
        yield _lines(ink, column * CELL_WIDTH, y, len(row))


def _cluster(cluster: Cluster, x: int, y: int, *, known: bool) -> str:
    """One cluster at a position, with the lines below and through it."""
    ink = cluster.ink
    shape = shape_of(cluster.text) or (None if known else missing_shape(cluster.cells))
    font = "" if shape is not None or has_glyphs(cluster.text) or not extra_has_glyphs(cluster.text) else _EXTRA_FONT
    drawn = _shape(shape, ink.foreground, x, y) if shape is not None else _text(cluster.text, ink, x, y, font)
    return drawn + (_lines(ink, x, y, cluster.cells) if ink.underline or ink.strike else "")


def _text(text: str, ink: Ink, x: int, y: int, more: str = "") -> str:
    bold = f' stroke="{ink.foreground}" stroke-width="{_BOLDER}"' if ink.bold else ""
    # Leaning around the middle of the letters, so that they stay inside their cells.
    leaning = f'transform="translate({x - 1} {y + BASELINE}) {_SLANT}"'
    place = leaning if ink.italic else f'x="{x}" y="{y + BASELINE}"'
    return f'<text {place} fill="{ink.foreground}"{bold}{more}>{escape(text)}</text>'


def _shape(shape: Shape, colour: str, x: int, y: int) -> str:
    painted = f'fill="none" stroke="{colour}" stroke-width="{shape.stroke:g}"' if shape.stroke else f'fill="{colour}"'
    return f'<path transform="translate({x} {y})" {painted} d="{shape.path}"/>'


def _lines(ink: Ink, x: int, y: int, cells: int) -> str:
    ends = [place for wanted, place in ((ink.underline, BASELINE + 3), (ink.strike, BASELINE - 6)) if wanted]
    return "".join(
        f'<rect x="{x}" y="{y + place}" width="{cells * CELL_WIDTH}" height="1" fill="{ink.foreground}"/>'
        for place in ends
    )
