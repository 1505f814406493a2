"""A view of rows on its own: what stands in its last column."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import App, ComposeResult

from tests.support.app import rows
from tests.support.waiting import until_pilot
from tui.config.themes import shipped_folder
from tui.screens.app_settings import DEFAULT_THEME
from tui.widgets.cell_rows import Row
from tui.widgets.row_view import RowView
from tui.widgets.theming import read_theme

HEIGHT = 6


class Numbers(RowView):
    """Rows as wide as there is room, each with a stroke at its end."""

    count = 2

    def make_rows(self, width: int) -> Sequence[Row]:
        return [Row(((f"{number:<{width - 1}}|", ""),), f"row-{number}") for number in range(self.count)]


class Alone(App[None]):
    AUTO_FOCUS = ""

    def __init__(self) -> None:
        super().__init__()
        self.register_theme(read_theme(shipped_folder() / f"{DEFAULT_THEME}.toml"))
        self.theme = DEFAULT_THEME

    def compose(self) -> ComposeResult:
        yield Numbers()


async def test_the_last_column_is_seen_beside_the_scroll_bar() -> None:
    app = Alone()
    async with app.run_test(size=(20, HEIGHT)) as pilot:
        view = app.query_one(Numbers)
        await until_pilot(pilot, lambda: rows(app)[1].endswith("|"), what="two rows")
        assert not view.show_vertical_scrollbar
        view.count = 3 * HEIGHT
        view.rebuild()
        await until_pilot(pilot, lambda: view.show_vertical_scrollbar, what="the bar")
        await pilot.pause()
        shown = rows(app)
        assert len(shown) == HEIGHT
        assert all(row[18] == "|" for row in shown), shown
        view.scroll_end(animate=False)
        await until_pilot(pilot, lambda: rows(app)[-1].startswith(str(3 * HEIGHT - 1)))
        assert all(row[18] == "|" for row in rows(app))


async def test_the_key_of_the_row_with_the_cursor() -> None:
    app = Alone()
    async with app.run_test(size=(20, HEIGHT)) as pilot:
        view = app.query_one(Numbers)
        assert view.chosen == ""
        view.focus()
        await until_pilot(pilot, lambda: view.chosen == "row-0")
        await pilot.press("down")
        assert view.chosen == "row-1"
        view.count = 0
        view.rebuild()
        assert view.chosen == ""
