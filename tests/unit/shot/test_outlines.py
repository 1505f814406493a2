"""Letters as shapes: pictures that need no font."""

from __future__ import annotations

import struct
from xml.etree import ElementTree

import pytest

from tests.support.pixels import differences, read_png
from tests.unit.shot.pictures import INK, SCRIPTS, grid, sampler
from tui.shot import outlines
from tui.shot.png import _resvg
from tui.shot.svg import draw_svg

SPACE = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize("scale", [1, 2])
def test_outlines_look_like_the_letters(scale: int) -> None:
    letters, shapes = (read_png(_resvg(draw_svg(sampler(), outlines=one).svg, scale)) for one in (False, True))
    found = differences(letters, shapes)
    assert max(found) <= 40
    assert sum(1 for one in found if one > 16) < len(found) / 1_000


def test_every_script_and_slant_is_drawn_without_text() -> None:
    rows = [text for name, text in SCRIPTS.items() if name not in ("hangul", "rare han")]
    for ink in (INK, INK._replace(italic=True, bold=True, underline=True)):
        page = grid(*rows, "a b", ink=ink)
        root = ElementTree.fromstring(draw_svg(page, outlines=True).svg)
        assert list(root.iter(f"{SPACE}text")) == []
        letters, shapes = (read_png(_resvg(draw_svg(page, outlines=one).svg, 1)) for one in (False, True))
        found = differences(letters, shapes)
        assert sum(1 for one in found if one > 60) < len(found) / 500


def test_glyphs_are_written_once_and_used_often() -> None:
    root = ElementTree.fromstring(draw_svg(grid("中中中 aa"), outlines=True).svg)
    assert [one.get("id") for one in root.iter(f"{SPACE}path")] == ["u61", "u4e2d"]
    assert len(list(root.iter(f"{SPACE}use"))) == 5


def test_what_the_font_lacks_is_a_frame_or_left_to_others() -> None:
    assert "<text" not in draw_svg(grid("한"), outlines=True).svg
    assert "한" in draw_svg(grid("한"), outlines=True, system_fonts=True).svg
    assert "<defs>" not in draw_svg(grid("한 "), outlines=True).svg
    assert outlines.outline("한") == outlines.outline(" ") == ""


def test_a_short_table_of_places_is_read_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small fonts store half of every offset in two bytes."""
    tables = {b"head": 0, b"loca": 100, b"glyf": 200}
    monkeypatch.setattr(outlines, "table_offset", lambda _data, name: tables[name])
    data = bytearray(300)
    struct.pack_into(">h", data, 50, 0)
    struct.pack_into(">HHH", data, 100, 0, 5, 9)
    assert outlines._place(bytes(data), 1) == (210, 218)
