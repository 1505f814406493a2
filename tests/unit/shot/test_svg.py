"""The structure of SVG pictures: positions of their own, shapes instead of box characters."""

from __future__ import annotations

import re
from xml.etree import ElementTree

from hypothesis import given
from hypothesis import strategies as st

from tests.unit.shot.pictures import INK, SCRIPTS, grid, sampler
from tui.shot.cells import BASELINE, CELL_HEIGHT, CELL_WIDTH, Grid, Missing, Run
from tui.shot.svg import draw_svg

SPACE = "{http://www.w3.org/2000/svg}"


def texts(svg: str) -> list[ElementTree.Element]:
    return list(ElementTree.fromstring(svg).iter(f"{SPACE}text"))


def test_wide_characters_have_positions_of_their_own() -> None:
    found = [(one.text, one.get("x"), one.get("y")) for one in texts(draw_svg(grid("ab 中文c")).svg)]
    y = str(BASELINE)
    assert found == [("ab", "0", y), ("中", "30", y), ("文", "50", y), ("c", "70", y)]


def test_stretches_are_split_where_blanks_stand_together() -> None:
    found = [(one.text, one.get("x"), one.get("textLength")) for one in texts(draw_svg(grid("a b  cd   e")).svg)]
    assert found == [("a b", "0", "30"), ("cd", "50", "20"), ("e", "100", None)]


def test_boxes_and_blocks_are_shapes() -> None:
    root = ElementTree.fromstring(draw_svg(grid("│█⣿▒")).svg)
    assert list(root.iter(f"{SPACE}text")) == []
    places = [one.get("transform") for one in root.iter(f"{SPACE}path")]
    assert places == [f"translate({x * CELL_WIDTH} 0)" for x in range(4)]


def test_backgrounds_are_joined() -> None:
    page = Grid(
        8,
        (
            (
                Run("ab", INK),
                Run("cd", INK._replace(background="#dddddd")),
                Run("中", INK._replace(background="#dddddd", bold=True)),
            ),
        ),
    )
    rectangles = [one.attrib for one in ElementTree.fromstring(draw_svg(page).svg).iter(f"{SPACE}rect")][1:]
    assert rectangles == [{"x": "20", "y": "0", "width": "40", "height": str(CELL_HEIGHT), "fill": "#dddddd"}]


def test_lines_run_below_and_through_blanks_too() -> None:
    page = grid("a  中　b", ink=INK._replace(underline=True))
    rectangles = list(ElementTree.fromstring(draw_svg(page).svg).iter(f"{SPACE}rect"))[1:]
    assert sum(int(one.get("width", "0")) for one in rectangles) == 8 * CELL_WIDTH


def test_what_has_no_glyph_is_counted_and_named() -> None:
    drawing = draw_svg(grid("한국 한 🦄 中"))
    assert drawing.missing == Missing(4, ("한", "국", "🦄"))
    assert "한" not in drawing.svg
    left = draw_svg(grid("한국 한 🦄 中"), system_fonts=True)
    assert left.missing == drawing.missing
    assert "한" in left.svg


def test_missing_adds_up() -> None:
    assert Missing(2, ("한", "국")).plus(Missing(3, ("국", "🦄"))) == Missing(5, ("한", "국", "🦄"))


def test_a_title_is_text() -> None:
    assert ElementTree.fromstring(draw_svg(grid("a"), title="<b> & 中").svg).findtext(f"{SPACE}title") == "<b> & 中"


def test_everything_of_the_sampler_is_there() -> None:
    drawing = draw_svg(sampler())
    assert (drawing.width, drawing.height) == (440, 9 * CELL_HEIGHT)
    drawn = "".join(one.text or "" for one in texts(drawing.svg))
    for word in ("plain", "文", "粗", "链", "1.44", "< & > \"'"):
        assert word in drawn


def test_no_family_comes_from_the_network() -> None:
    svg = draw_svg(grid(*SCRIPTS.values())).svg
    assert "url(" not in svg
    assert "http" not in re.sub(r"http://www\.w3\.org/(2000/svg|1999/xlink)", "", svg)


@given(st.text(max_size=40))
def test_any_text_makes_well_formed_xml_inside_the_picture(text: str) -> None:
    drawing = draw_svg(grid(text or " ", width=20))
    for one in ElementTree.fromstring(drawing.svg).iter():
        assert 0 <= float(one.get("x", "0")) <= 200


def test_text_without_width_at_the_beginning_is_left_out() -> None:
    assert [one.text for one in texts(draw_svg(grid("\u200d\u0301中a")).svg)] == ["中", "a"]
