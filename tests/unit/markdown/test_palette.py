"""Style names become Rich styles of the theme; rows become strips of the full width."""

from __future__ import annotations

import pytest
from rich.cells import cell_len
from rich.style import Style
from textual.theme import BUILTIN_THEMES

from tests.unit.markdown.documents import corpus, whole
from tui.markdown.ink import Page
from tui.markdown.palette import Palette
from tui.markdown.strips import row_strip

BASE = Style.parse("#e0e0e0 on #121212")


@pytest.mark.parametrize("theme", ["textual-dark", "textual-light", "nord", "ansi-dark", "ansi-light"])
def test_every_style_in_every_theme(theme: str) -> None:
    base = Style.parse("default on default") if theme.startswith("ansi") else BASE
    palette = Palette(BUILTIN_THEMES[theme].to_color_system().generate(), base)
    for name in (
        "",
        "strong",
        "em",
        "code",
        "code-block syntax-string",
        "h1 strong",
        "address",
        "match",
        "match-current",
        "unknown",
    ):
        assert isinstance(palette.style(name), Style)
    assert palette.style("strong em").bold
    assert palette.style("strong em").italic
    assert palette.style("strong") is palette.style("strong")
    assert palette.over(palette.style("code"), "match") != palette.style("code")


def test_themes_may_name_colours() -> None:
    palette = Palette({"md-code": "#ff0000", "md-code-background": "#00ff00 50%", "md-link": "nonsense"}, BASE)
    style = palette.style("code")
    assert style.color is not None
    assert style.color.triplet == (255, 0, 0)
    assert style.bgcolor is not None
    assert style.bgcolor.triplet == (9, 136, 9)
    assert palette.style("link").color == BASE.color


@pytest.mark.parametrize("name", list(corpus()))
def test_strips_have_the_full_width(name: str) -> None:
    palette = Palette({}, BASE)
    page = Page(40)
    for row in whole(corpus()[name]):
        strip = row_strip(row, page, palette)
        assert strip.cell_length == 40
        assert cell_len(strip.text) == 40


def test_overlays() -> None:
    palette = Palette({"secondary": "#ffff00"}, BASE)
    (row,) = whole("alpha **beta** gamma")
    strip = row_strip(row, Page(40), palette, [(3, 8, "match"), (9, -1, Style(bold=True))])
    assert strip.text.rstrip() == "alpha beta gamma"
    marked = [
        segment.text
        for segment in strip
        if segment.style and segment.style.bgcolor and segment.style.bgcolor.triplet == (255, 255, 0)
    ]
    assert "".join(marked) == "ha be"
