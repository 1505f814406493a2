"""The widget in an app: streaming, painting what changed, selection, links, search, themes, width."""

from __future__ import annotations

import random
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from textual.app import App, ComposeResult
from textual.containers import VerticalScroll
from textual.geometry import Offset, Region
from textual.selection import Selection

from tests.support.waiting import until_pilot
from tests.unit.markdown.documents import corpus, random_pieces, whole
from tui.markdown.ink import Page
from tui.markdown.view import MarkdownView

TEXT = (
    "# Title\n\nSome **bold** words with [a link](https://example.com/x) in them.\n\n```python\nx = 1\n```\n\n- item\n"
)


class Host(App[None]):
    CSS = "VerticalScroll { scrollbar-size: 0 0; }"

    def __init__(self, text: str = "") -> None:
        super().__init__()
        self.text = text
        self.clicked: list[str] = []
        self.hovered: list[str | None] = []

    def compose(self) -> ComposeResult:
        with VerticalScroll():
            yield MarkdownView(self.text, id="view")

    def on_markdown_view_link_clicked(self, message: MarkdownView.LinkClicked) -> None:
        assert message.control is message.view
        self.clicked.append(message.link.address)

    def on_markdown_view_link_hovered(self, message: MarkdownView.LinkHovered) -> None:
        assert message.control is message.view
        self.hovered.append(message.link.address if message.link else None)


@asynccontextmanager
async def hosted(text: str = "", size: tuple[int, int] = (60, 30)) -> AsyncGenerator[tuple[Host, Any, MarkdownView]]:
    app = Host(text)
    async with app.run_test(size=size) as pilot:
        await pilot.pause(0)
        yield app, pilot, app.query_one("#view", MarkdownView)


def drawn(view: MarkdownView) -> list[str]:
    return [view.render_line(y).text.rstrip() for y in range(view.size.height)]


async def test_streamed_rows_are_drawn() -> None:
    async with hosted() as (_, pilot, view):
        for piece in random_pieces(TEXT, 1):
            view.feed(piece)
            view.flush()
            await pilot.pause(0)
        assert not view.flush()
        view.finish(TEXT)
        expected = [row.text.rstrip() for row in whole(TEXT, 60)]
        await until_pilot(pilot, lambda: view.size.height == len(expected))
        assert drawn(view) == expected
        assert view.source == TEXT
        assert view.row_count(60) == len(view.rows) == len(expected)
        await until_pilot(pilot, lambda: view.codes()[0].code.painted)
        assert view.render_line(99).text.strip() == ""


async def test_much_text_at_once_is_rendered_in_steps() -> None:
    text = "\n\n".join(f"paragraph {index} of **many**" for index in range(300))
    async with hosted() as (_, pilot, view):
        view.feed(text)
        assert view.flush()
        assert view.reply.waiting
        assert 0 < len(view.source) < len(text) / 2
        await until_pilot(pilot, lambda: not view.reply.waiting)
        assert view.source == text
        view.feed("\n\n" + text)
        view.flush()
        view.finish()
        assert not view.reply.waiting
        assert len(view.rows) == 1199
        await until_pilot(pilot, lambda: view.size.height == 1199)


async def test_only_changed_rows_are_painted(monkeypatch: Any) -> None:
    async with hosted("first paragraph\n\nsecond") as (_, pilot, view):
        asked: list[tuple[tuple[Region, ...], bool]] = []

        def refresh(*regions: Region, layout: bool = False, **_: Any) -> MarkdownView:
            asked.append((regions, layout))
            return view

        await pilot.pause(0)
        monkeypatch.setattr(view, "refresh", refresh)
        view.feed(" words")
        view.flush()
        assert view.changed_from_row == 2
        assert asked == [((Region(0, 2, 60, 1),), False)]
        view.feed("\n\nthird\n\nfourth")
        view.flush()
        assert view.changed_from_row == 3
        assert asked[1:] == [((Region(0, 3, 60, 4),), True)]
        view.flush()
        assert view.changed_from_row is None
        assert len(asked) == 2


async def test_width_changes() -> None:
    async with hosted(corpus()["reply-zh"]) as (_, pilot, view):
        for width in (40, 80, 25):
            await pilot.resize_terminal(width, 40)
            expected = [row.text.rstrip() for row in whole(corpus()["reply-zh"], width)]
            await until_pilot(pilot, lambda: view.size.width == width and view.size.height == len(expected))  # noqa: B023
            assert drawn(view) == expected


async def test_theme_changes() -> None:
    async with hosted(TEXT) as (app, pilot, view):
        before = view.render_line(0)
        app.theme = "textual-light"
        await until_pilot(pilot, lambda: list(view.render_line(0)) != list(before))
        assert view.render_line(0).text == before.text


async def test_selection_with_the_mouse() -> None:
    async with hosted(TEXT) as (app, pilot, view):
        await pilot.mouse_down(view, offset=(5, 2))
        await pilot.hover(view, offset=(3, 5))
        await pilot.hover(view, offset=(4, 7))
        await pilot.mouse_up(view, offset=(4, 7))
        assert app.screen.get_selected_text() == "bold words with a link in them.\n\nx = 1\n\n- ite"
        assert app.clicked == []
        selection = app.screen.selections[view]
        assert view.selected_markdown(selection).startswith("Some **bold**")
        selected = [segment for segment in view.render_line(2) if segment.style and segment.style.bgcolor]
        assert len({str(segment.style.bgcolor) for segment in selected if segment.style}) > 1
        app.screen.clear_selection()
        await pilot.pause(0)
        assert view.text_selection is None


async def test_selecting_chinese() -> None:
    async with hosted("量化后的模型，推理更快") as (app, pilot, view):
        await pilot.mouse_down(view, offset=(4, 0))
        await pilot.hover(view, offset=(8, 0))
        await pilot.mouse_up(view, offset=(12, 0))
        text = app.screen.get_selected_text()
        assert text
        assert text in "量化后的模型，推理更快"
        assert text.startswith("后")
        assert view.get_selection(Selection(None, None)) == ("量化后的模型，推理更快", "\n")
        assert view.get_selection(Selection(Offset(1, 0), Offset(3, 0))) == ("化后", "\n")


async def test_links() -> None:
    async with hosted(TEXT) as (app, pilot, view):
        await pilot.hover(view, offset=(22, 2))
        await pilot.hover(view, offset=(0, 2))
        await until_pilot(pilot, lambda: app.hovered == ["https://example.com/x", None])
        await pilot.click(view, offset=(22, 2))
        await until_pilot(pilot, lambda: app.clicked == ["https://example.com/x"])
        await pilot.click(view, offset=(1, 2))
        assert app.clicked == ["https://example.com/x"]
        assert [link.text for link in view.links()] == ["a link"]
        view.on_leave()


async def test_search_marks() -> None:
    async with hosted("one two one\n\n" + "word " * 30 + "one") as (_, pilot, view):
        matches = view.find("ONE")
        assert len(matches) == 3
        plain = list(view.render_line(0))
        view.mark(matches, current=0)
        await pilot.pause(0)
        marked = list(view.render_line(0))
        assert len({str(segment.style and segment.style.bgcolor) for segment in marked}) == 3
        view.mark(())
        assert list(view.render_line(0)) == plain


async def test_the_mouse_at_random_while_streaming() -> None:
    chance = random.Random(7)
    async with hosted() as (app, pilot, view):
        text = "\n\n".join(corpus()[name] for name in ("reply-zh", "table-wide", "long-list"))
        for piece in random_pieces(text, 3):
            view.feed(piece)
            view.flush()
            if chance.random() < 0.3:
                place = (chance.randrange(60), chance.randrange(30))
                action = chance.choice((pilot.mouse_down, pilot.mouse_up, pilot.hover))
                await action(app.screen, offset=place)
        view.finish()
        await pilot.pause(0)
        assert app.screen.get_selected_text() is None or isinstance(app.screen.get_selected_text(), str)


async def test_strips_are_bounded() -> None:
    async with hosted("word\n\n" * 600) as (_, _pilot, view):
        for y in range(len(view.rows)):
            view.render_line(y)
        assert len(view._strips) <= 500  # pyright: ignore[reportPrivateUsage]


def test_before_mounting() -> None:
    view = MarkdownView("# a\n\nb", wide_ambiguous=True)
    assert view.row_count(40) == 3
    view.feed(" c")
    assert view.flush()
    view.finish()
    assert view.reply.row_count(Page(40, wide_ambiguous=True)) == 3
    assert view.reply.text() == "a\n\nb c"
