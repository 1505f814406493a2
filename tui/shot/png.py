"""A grid of cells as PNG. resvg draws every distinct glyph once, from the same SVG elements as in the SVG picture; the
rows are put together from those tiles.

Drawing a whole page by resvg takes 0.2 ms a Chinese character; a conversation of 200 turns would take a minute. Cells
lie on whole pixels, so a tile looks the same wherever it stands (a test compares both ways).
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from tui.model.problem import Problem, ProblemError
from tui.shot.cells import CELL_HEIGHT, CELL_WIDTH, Cluster, Grid, Ink, placed
from tui.shot.decode import SIGNATURE, first_channel
from tui.shot.font import FAMILY, extra_path, font_path
from tui.shot.svg import atlas_svg, draw_svg

_ATLAS_CELLS = 64
_LINE = CELL_HEIGHT + 8  # glyphs that leave their cell must not reach the next one
_BLACK, _WHITE = "#000000", "#ffffff"
_SHORT = 150  # rows
_LEVEL, _LEVEL_OF_LONG = 6, 2  # of compression: half the time, a third larger
_METRE = 3937  # pixels a metre at scale 1: 100 to the inch

Tile = list[bytes]
"""The pixel rows of one cluster, RGB."""


class Glyph(NamedTuple):
    """A cluster without its place and colours."""

    text: str
    cells: int
    look: Ink


def to_png(grid: Grid, *, scale: int = 2, system_fonts: bool = False, stock: Stock | None = None) -> bytes:
    """The picture as PNG, ``scale`` (1…4) times ``grid.size`` pixels large; the same pixels everywhere, and
    the same bytes wherever Python's zlib is the same.

    With ``system_fonts`` resvg draws the page by itself with whatever fonts this machine has, for glyphs that ours
    lacks; it takes longer. ``stock`` keeps glyphs from page to page. Blocks: call it in a thread.
    Raises ProblemError("shot.no_resvg") and ("shot.failed")."""
    if system_fonts:
        return _resvg(draw_svg(grid, system_fonts=True).svg, scale, system_fonts=True)
    stock = stock or Stock(scale)
    rows = placed(grid)
    stock.learn(rows)
    width, height = grid.size
    header = struct.pack(">IIBBBBB", width * scale, height * scale, 8, 2, 0, 0, 0)
    resolution = struct.pack(">IIB", _METRE * scale, _METRE * scale, 1)
    level = _LEVEL if len(rows) <= _SHORT else _LEVEL_OF_LONG
    pixels = b"".join(_compressed(_lines(grid, rows, stock), level))
    chunks = ((b"IHDR", header), (b"pHYs", resolution), (b"IDAT", pixels), (b"IEND", b""))
    return SIGNATURE + b"".join(_chunk(kind, data) for kind, data in chunks)


class Stock:
    """The glyphs drawn so far, at one scale."""

    def __init__(self, scale: int) -> None:
        self.scale = scale
        self._drawn: dict[Glyph, bytes] = {}  # how much of each pixel is covered, 0 (all) … 255 (nothing)
        self._tiles: dict[tuple[str, Ink], Tile] = {}
        self._blanks: dict[tuple[int, str], Tile] = {}
        self._tables: dict[tuple[str, str], tuple[bytes, bytes, bytes]] = {}

    def learn(self, rows: Iterable[Iterable[Cluster]]) -> None:
        """Draw what is new in some rows."""
        wanted = {
            (one.text, one.cells, one.ink) for row in rows for one in row if (one.text, one.ink) not in self._tiles
        }
        glyphs = {_glyph(text, cells, ink) for text, cells, ink in wanted if _is_drawn(text, ink)}
        new = sorted(glyphs - self._drawn.keys())
        for start in range(0, len(new), 1_000):
            self._draw(new[start : start + 1_000])
        for text, cells, ink in wanted:
            self._tiles[text, ink] = self._tile(text, cells, ink)

    def _draw(self, glyphs: Sequence[Glyph]) -> None:
        pieces: list[tuple[str, Ink, int, int, int]] = []
        column = row = 0
        for text, cells, look in glyphs:
            if column + cells > _ATLAS_CELLS:
                column, row = 0, row + _LINE
            pieces.append((text, look, cells, column * CELL_WIDTH, row))
            column += cells + 1
        svg = atlas_svg(pieces, _ATLAS_CELLS * CELL_WIDTH, row + _LINE)
        channel = first_channel(_resvg(svg, self.scale))
        for glyph, (_text, _look, cells, x, y) in zip(glyphs, pieces, strict=True):
            left, width = x * self.scale, cells * CELL_WIDTH * self.scale
            rows = channel[y * self.scale : (y + CELL_HEIGHT) * self.scale]
            self._drawn[glyph] = b"".join([line[left : left + width] for line in rows])

    def tile(self, cluster: Cluster) -> Tile:
        """A cluster of the learned rows, in its colours."""
        return self._tiles[cluster.text, cluster.ink]

    def _tile(self, text: str, cells: int, ink: Ink) -> Tile:
        if not _is_drawn(text, ink):
            return self.blank(cells, ink.background)
        covered = self._drawn[_glyph(text, cells, ink)]
        pixels = bytearray(3 * len(covered))
        for channel, table in enumerate(self._table(ink.foreground, ink.background)):
            pixels[channel::3] = covered.translate(table)
        stride = 3 * cells * CELL_WIDTH * self.scale
        return [bytes(pixels[at : at + stride]) for at in range(0, len(pixels), stride)]

    def _table(self, foreground: str, background: str) -> tuple[bytes, bytes, bytes]:
        """For each channel: coverage → its value between the two colours."""
        key = (foreground, background)
        if key not in self._tables:
            pairs = zip(_channels(foreground), _channels(background), strict=True)
            red, green, blue = (
                bytes([(front * (255 - cover) + back * cover + 127) // 255 for cover in range(256)])
                for front, back in pairs
            )
            self._tables[key] = (red, green, blue)
        return self._tables[key]

    def blank(self, cells: int, colour: str) -> Tile:
        """Cells without text."""
        key = (cells, colour)
        if key not in self._blanks:
            line = bytes(_channels(colour)) * (cells * CELL_WIDTH * self.scale)
            self._blanks[key] = [line] * (CELL_HEIGHT * self.scale)
        return self._blanks[key]


def _is_drawn(text: str, ink: Ink) -> bool:
    """Whether there is anything to be seen of a cluster."""
    return bool(text.strip()) or ink.underline or ink.strike


def _glyph(text: str, cells: int, ink: Ink) -> Glyph:
    return Glyph(text, cells, ink._replace(foreground=_BLACK, background=_WHITE))


def _lines(grid: Grid, rows: Iterable[Sequence[Cluster]], stock: Stock) -> Iterator[bytes]:
    """The pixel rows of the picture, from the top."""
    for row in rows:
        used = row[-1].column + row[-1].cells if row else 0
        tiles = [*map(stock.tile, row), stock.blank(grid.width - used, grid.background)]
        yield from map(b"".join, zip(*tiles, strict=True))


def _compressed(lines: Iterable[bytes], level: int) -> Iterator[bytes]:
    """PNG's filtered and compressed pixel rows. A row like the one above is written as no difference."""
    packer = zlib.compressobj(level)
    above = b""
    same = b""
    for line in lines:
        if line == above:
            same = same or b"\x02" + bytes(len(line))
            yield packer.compress(same)
        else:
            yield packer.compress(b"\x00" + line)
        above = line
    yield packer.flush()


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _channels(colour: str) -> tuple[int, int, int]:
    value = int(colour[1:], 16)
    return value >> 16, value >> 8 & 255, value & 255


def _resvg(svg: str, scale: int, *, system_fonts: bool = False) -> bytes:
    """What resvg makes of an SVG."""
    try:
        from resvg_py import svg_to_bytes
    except ImportError as error:
        raise ProblemError(Problem("shot.no_resvg", detail=str(error))) from error
    fonts = [font_path()] if extra_path() is None else [font_path(), extra_path()]
    try:
        return svg_to_bytes(
            svg_string=svg,
            zoom=scale,
            skip_system_fonts=not system_fonts,
            font_files=[str(path) for path in fonts],
            font_family=FAMILY,
            monospace_family=FAMILY,
        )
    except ValueError as error:
        raise ProblemError(Problem("shot.failed", {"reason": str(error)}, str(error))) from error
