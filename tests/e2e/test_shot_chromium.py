"""SVG pictures in another viewer than resvg, with other fonts than ours: headless Chromium."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.pixels import Pixels, differences, read_png
from tests.unit.shot.pictures import INK, SCRIPTS, grid
from tui.shot.cells import CELL_HEIGHT, CELL_WIDTH, Grid, Run
from tui.shot.png import to_png
from tui.shot.svg import Drawing, draw_svg

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
if CHROMIUM is None and os.environ.get("CI") != "true":
    pytest.skip("Chromium is not installed", allow_module_level=True)


def photographed(drawing: Drawing, folder: Path) -> Pixels:
    """What Chromium shows of a picture."""
    assert CHROMIUM is not None, "CI has to install chromium"
    source, target = folder / "page.svg", folder / "page.png"
    source.write_text(drawing.svg, "utf-8")
    command = [
        CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--disable-dev-shm-usage",
        "--host-resolver-rules=MAP * ~NOTFOUND", f"--user-data-dir={folder / 'profile'}",
        f"--window-size={drawing.width},{drawing.height}", f"--screenshot={target}", source.as_uri(),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=50, check=False)
    assert target.is_file(), done.stderr
    return read_png(target.read_bytes())


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Pixels:
    rows = [f"|{text}|" for text in SCRIPTS.values()]
    frame = ("┌────┐", "│中文│", "│ab  │", "└────┘", "██▒▒░░")
    return photographed(draw_svg(grid(*rows, *frame, width=60)), tmp_path_factory.mktemp("chromium"))


@pytest.mark.slow
def test_the_bars_of_every_script_end_in_the_same_column(shown: Pixels) -> None:
    for number, name in enumerate(SCRIPTS):
        dark = shown.dark_columns(number * CELL_HEIGHT, (number + 1) * CELL_HEIGHT)
        first = [x for x in dark if x < CELL_WIDTH]
        assert first, name
        # Another font's ④ may be wider than its cell; the bar stays where it is.
        assert {x + 5 * CELL_WIDTH for x in first} <= set(dark), name


@pytest.mark.slow
def test_frames_are_closed_and_blocks_fill_their_cells(shown: Pixels) -> None:
    top = len(SCRIPTS) * CELL_HEIGHT
    for column in (5, 5 * CELL_WIDTH + 5):
        line = [row[column] for row in shown.rows[top + 13 : top + 3 * CELL_HEIGHT + 12]]
        assert all(sum(colour) < 384 for colour in line), column
    for row in (top + 12, top + 3 * CELL_HEIGHT + 12):
        assert all(sum(shown.rows[row][x]) < 384 for x in range(6, 5 * CELL_WIDTH + 5))
    full = [row[: 2 * CELL_WIDTH] for row in shown.rows[top + 4 * CELL_HEIGHT : top + 5 * CELL_HEIGHT]]
    assert all(sum(colour) < 384 for row in full for colour in row)


@pytest.mark.slow
def test_colours_and_lines_are_the_same(tmp_path: Path) -> None:
    ink = INK._replace(foreground="#cc0000", background="#002040", underline=True)
    pixels = photographed(draw_svg(Grid(60, ((Run("    ", ink),), (Run("x", INK),)))), tmp_path)
    assert pixels.rows[2][5] == (0, 0x20, 0x40)
    assert pixels.rows[21][5] == (0xCC, 0, 0)
    assert pixels.rows[2][4 * CELL_WIDTH + 1] == (255, 255, 255)


@pytest.mark.slow
def test_outlines_need_no_font(tmp_path: Path) -> None:
    """What Chromium draws of the paths is what resvg draws of the letters."""
    page = grid("量化部署 lmdeploy 日本語 ①②", "粗体 bold", ink=INK._replace(bold=True), width=60)
    shown = photographed(draw_svg(page, outlines=True), tmp_path)
    found = differences(shown, read_png(to_png(page, scale=1)))
    assert sum(1 for one in found if one > 96) < len(found) / 200
