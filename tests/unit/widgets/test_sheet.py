"""A long column seen through a window: whatever is measured, added, removed or folded, the view stays where it was."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from tui.markdown.ink import Page
from tui.widgets.sheet import Place, Sheet

PAGE = Page(80)


@dataclass
class Block:
    """An item that is taller or shorter than it looks."""

    rows: int
    guess: int
    measured: list[Page] = field(default_factory=list)

    def height(self, page: Page) -> int:
        self.measured.append(page)
        return max(1, self.rows * 80 // page.width)

    def estimate(self, page: Page) -> int:
        return self.guess

    def line_of(self, page: Page, row: int) -> tuple[int, int]:
        return row * page.width // 80, 0

    def row_of(self, page: Page, line: tuple[int, int]) -> int:
        return min(line[0] * 80 // page.width, self.height(page) - 1)


blocks = st.builds(Block, st.integers(1, 30), st.integers(1, 30))


def shown(sheet: Sheet[Block]) -> list[tuple[int, int]]:
    return [(id(sheet.items[place.item]), place.row) for place in sheet.lines()]


def every_row(sheet: Sheet[Block]) -> list[tuple[int, int]]:
    return [(id(item), row) for item in sheet.items for row in range(item.height(PAGE))]


def made(items: list[Block], view: int) -> Sheet[Block]:
    sheet: Sheet[Block] = Sheet()
    sheet.resize(PAGE, view)
    sheet.replace(items)
    return sheet


@settings(max_examples=200, deadline=None)
@given(st.lists(blocks, min_size=1, max_size=30), st.integers(1, 20), st.lists(st.integers(-25, 25), max_size=20))
def test_scrolling_shows_the_rows_in_order_and_stops_at_both_ends(items: list[Block], view: int, steps: list[int]):
    sheet = made(items, view)
    every = every_row(sheet)
    place = 0
    for step in steps:
        sheet.scroll(step)
        place = min(max(0, place + step), max(0, len(every) - view))
        assert shown(sheet) == every[place : place + view]
        assert sheet.rows_below(1000) == max(0, len(every) - view - place)
    sheet.go_to_end()
    assert shown(sheet) == every[-view:]
    assert sheet.y + len(shown(sheet)) == sheet.total


@settings(max_examples=200, deadline=None)
@given(st.lists(blocks, min_size=1, max_size=30), st.integers(1, 20), st.integers(0, 2**32))
def test_what_happens_above_or_below_moves_nothing(items: list[Block], view: int, seed: int):
    dice = Random(seed)
    sheet = made(items, view)
    sheet.go_to_end()
    sheet.scroll(-dice.randrange(200))
    for _ in range(12):
        before = shown(sheet)
        top = sheet.top.item
        what = dice.choice(["append", "above", "remove", "fold", "measure", "jump"])
        if what == "append":
            sheet.insert(len(sheet.items), Block(dice.randint(1, 30), dice.randint(1, 30)))
        elif what == "above":
            sheet.insert(dice.randint(0, top), Block(dice.randint(1, 30), dice.randint(1, 30)))
        elif what == "remove" and top > 0:
            sheet.remove(dice.randrange(top))
        elif what == "fold" and top > 0:
            index = dice.randrange(top)
            sheet.items[index].rows = dice.randint(1, 30)
            sheet.changed(index)
        elif what == "measure":
            sheet.measure(dice.randrange(len(sheet.items)))
        elif what == "jump":
            sheet.jump(dice.randint(0, sheet.total))
            before = shown(sheet)
        sheet.settle()
        now = shown(sheet)
        start = now.index(before[0])
        assert now[start : start + len(before)] == before
        assert start == 0 or len(before) < view  # a view that was not full may show what is above as well
        assert sheet.y >= 0


@settings(max_examples=100, deadline=None)
@given(
    st.lists(blocks, min_size=1, max_size=20), st.integers(1, 20), st.integers(0, 300), st.sampled_from([40, 20, 10])
)
def test_another_width_keeps_what_stands_at_the_top(items: list[Block], view: int, down: int, width: int):
    sheet = made(items, view)
    sheet.scroll(down)
    top = sheet.top
    sheet.resize(Page(width), view)
    assert sheet.top.item == top.item
    sheet.resize(PAGE, view)
    assert sheet.top == top


def test_a_part_that_folds_under_the_top_stays_there():
    sheet = made([Block(50, 50), Block(50, 50), Block(50, 50)], 10)
    sheet.show(Place(1, 40))
    sheet.items[1].rows = 1
    sheet.changed(1)
    sheet.settle()
    assert sheet.top == Place(1, 0)


def test_only_what_is_in_view_is_measured():
    items = [Block(10, 3) for _ in range(10_000)]
    sheet = made(items, 40)
    sheet.go_to_end()
    sheet.lines()
    sheet.scroll(-100)
    sheet.lines()
    assert sum(bool(item.measured) for item in items) < 30
    sheet.jump(15_000)
    sheet.lines()
    assert sum(bool(item.measured) for item in items) < 50


def test_an_empty_sheet_can_be_asked_anything():
    sheet: Sheet[Block] = Sheet()
    sheet.resize(PAGE, 10)
    sheet.scroll(5)
    sheet.jump(3)
    sheet.settle()
    sheet.go_to_end()
    assert (sheet.lines(), sheet.total, sheet.y, sheet.rows_below(5)) == ([], 0, 0, 0)
