"""What the pictures look like, pixel by pixel."""

from __future__ import annotations

import pytest

from tests.support.pixels import differences, pixel_hash, read_png
from tests.unit.shot.pictures import INK, SCRIPTS, grid, sampler
from tui.shot.cells import CELL_HEIGHT, CELL_WIDTH
from tui.shot.png import Stock, _resvg, to_png
from tui.shot.svg import draw_svg

GOLDEN = {
    1: "064b0045dab6cf1f5f293a1fb7c3ad29efde03e5d9fca71cd3a6e4aa453583bd",
    2: "a763430fcc673e253e4650dd1299cc47100e1395041732e46cc07b5ba1a37762",
}


@pytest.mark.parametrize("scale", [1, 2])
def test_the_bars_of_every_script_end_in_the_same_column(scale: int) -> None:
    page = grid(*[f"|{text}|" for text in SCRIPTS.values()])
    pixels = read_png(to_png(page, scale=scale))
    assert pixels.size == (6 * CELL_WIDTH * scale, len(SCRIPTS) * CELL_HEIGHT * scale)
    height, cell = CELL_HEIGHT * scale, CELL_WIDTH * scale
    for number, name in enumerate(SCRIPTS):
        dark = pixels.dark_columns(number * height, (number + 1) * height)
        assert [x for x in dark if x < cell] == [x - 5 * cell for x in dark if x >= 5 * cell], name
        assert [x for x in dark if x >= 5 * cell], name
        assert [x for x in dark if cell <= x < 3 * cell], f"{name}: something is drawn in the first two cells"
        assert [x for x in dark if 3 * cell <= x < 5 * cell], f"{name}: something is drawn in the last two cells"


@pytest.mark.parametrize("scale", [1, 2])
def test_tiles_look_like_the_whole_page_drawn_by_resvg(scale: int) -> None:
    page = sampler()
    ours, theirs = read_png(to_png(page, scale=scale)), read_png(_resvg(draw_svg(page).svg, scale))
    found = differences(ours, theirs)
    # Some letters reach a fraction of a pixel into the next cell: a tile ends there.
    assert max(found) <= 16
    assert sum(1 for one in found if one > 2) < len(found) / 1_000


@pytest.mark.parametrize("scale", GOLDEN)
def test_the_same_pixels_everywhere(scale: int) -> None:
    """Python's zlib is not the same everywhere, so it is the unpacked rows that count."""
    assert pixel_hash(to_png(sampler(), scale=scale)) == GOLDEN[scale]


def test_a_stock_of_glyphs_changes_nothing() -> None:
    stock = Stock(1)
    to_png(grid("other 文字 first"), scale=1, stock=stock)
    assert to_png(sampler(), scale=1, stock=stock) == to_png(sampler(), scale=1)


def test_what_goes_beyond_the_width_is_cut() -> None:
    assert to_png(grid("abcdef", width=4), scale=1) == to_png(grid("abcd", width=4), scale=1)
    assert to_png(grid("abc中", width=4), scale=1) == to_png(grid("abc", width=4), scale=1)


def test_a_frame_stands_for_what_has_no_glyph() -> None:
    pixels = read_png(to_png(grid("한"), scale=1))
    assert pixels.dark_columns(8, 16) == [1, 18]


def test_slanted_letters_stay_in_their_cells() -> None:
    pixels = read_png(to_png(grid(" ab ", ink=INK._replace(italic=True)), scale=2))
    dark = pixels.dark_columns(0, CELL_HEIGHT * 2)
    assert min(dark) >= 2 * CELL_WIDTH - 2
    assert max(dark) < 6 * CELL_WIDTH + 2


def test_system_fonts_draw_the_same_text() -> None:
    page = grid("|中文|", "|abcd|")
    ours, theirs = read_png(to_png(page, scale=1)), read_png(to_png(page, scale=1, system_fonts=True))
    assert max(differences(ours, theirs)) <= 2
