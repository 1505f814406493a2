"""Pages and files."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.pixels import read_png
from tests.unit.shot.pictures import INK, grid
from tui.i18n.problems import explain
from tui.model.problem import ProblemError
from tui.shot import png
from tui.shot.cells import CELL_HEIGHT, Missing, Run
from tui.shot.pages import LONGEST, paginate, rows_of_page
from tui.shot.saving import free_stem, page, page_path, save


def rows(name: str, count: int) -> list[tuple[Run, ...]]:
    return [(Run(f"{name}{number}", INK),) for number in range(count)]


@given(st.integers(0, 4), st.lists(st.integers(0, 12), max_size=12), st.integers(0, 3), st.integers(8, 20))
def test_no_row_is_lost_and_no_page_too_long(head: int, sizes: list[int], foot: int, most: int) -> None:
    blocks = [rows(f"b{number}.", size) for number, size in enumerate(sizes)]
    pages = paginate(rows("h", head), blocks, rows("f", foot), most)
    assert all(len(one) <= most for one in pages)
    inner = [one[: len(one) - foot] for one in pages]
    assert [row for one in inner for row in one] == rows("h", head) + [row for block in blocks for row in block]
    assert all(one[len(one) - foot :] == rows("f", foot) for one in pages)


def test_pages_break_between_blocks() -> None:
    blocks = [rows("a", 4), rows("b", 4), rows("c", 4)]
    pages = paginate(rows("h", 1), blocks, rows("f", 1), 10)
    assert [len(one) for one in pages] == [10, 5]
    assert pages[1][0][0].text == "c0"


def test_a_block_longer_than_a_page_is_broken() -> None:
    pages = paginate(rows("h", 2), [rows("a", 20)], [], 8)
    assert [len(one) for one in pages] == [8, 8, 6]


def test_a_page_fits_what_viewers_show() -> None:
    assert rows_of_page(2) * CELL_HEIGHT * 2 <= LONGEST < 16_384
    assert rows_of_page(1) == 666


def test_pages_are_numbered_files(tmp_path: Path) -> None:
    written = save([grid("one 한"), grid("two 🦄 한")], tmp_path / "x.png", scale=1)
    assert written.paths == (tmp_path / "x.png", tmp_path / "x-2.png")
    assert written.missing == Missing(3, ("한", "🦄"))
    assert read_png(written.paths[1].read_bytes()).size == (90, 24)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["x-2.png", "x.png"]


def test_an_svg_by_its_ending(tmp_path: Path) -> None:
    (path,) = save([grid("中")], tmp_path / "x.SVG", title="T").paths
    assert path.read_text("utf-8").startswith("<svg")
    assert "<title>T</title>" in path.read_text("utf-8")


def test_what_cannot_be_written_is_said(tmp_path: Path) -> None:
    with pytest.raises(ProblemError) as caught:
        save([grid("a")], tmp_path / "x.gif")
    assert caught.value.problem.code == "shot.bad_suffix"
    with pytest.raises(ProblemError) as caught:
        save([grid("a")], tmp_path / "nowhere" / "x.svg")
    assert caught.value.problem.code == "shot.not_written"
    (tmp_path / "taken.svg").mkdir()
    with pytest.raises(ProblemError) as caught:
        save([grid("a")], tmp_path / "taken.svg")
    assert [path.name for path in tmp_path.iterdir()] == ["taken.svg"]
    assert "taken.svg" in explain(caught.value.problem).sentence


def test_names_that_are_free(tmp_path: Path) -> None:
    assert free_stem(tmp_path, "Weights 1.5 / 权重!").name == "Weights-1.5-权重"
    assert free_stem(tmp_path, "///").name == "picture"
    (tmp_path / "a.svg").touch()
    (tmp_path / "a_2.png").touch()
    assert free_stem(tmp_path, "a").name == "a_3"
    assert page(tmp_path / "v1.5", ".png").name == "v1.5.png"
    assert page_path(tmp_path / "a.png", 0).name == "a.png"


def test_without_resvg_png_is_refused_and_svg_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "resvg_py", None)
    with pytest.raises(ProblemError) as caught:
        save([grid("a")], tmp_path / "x.png")
    assert caught.value.problem.code == "shot.no_resvg"
    assert save([grid("a")], tmp_path / "x.svg").paths


def test_what_resvg_refuses_is_a_problem() -> None:
    with pytest.raises(ProblemError) as caught:
        png._resvg("<svg", 1)
    assert caught.value.problem.code == "shot.failed"
