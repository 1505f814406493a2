"""What the frame writer sends brings a terminal to exactly the screen that a full repaint would show."""

from __future__ import annotations

import itertools

import pyte
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from textual._compositor import ChopsUpdate, InlineUpdate, LayoutUpdate
from textual.geometry import Region
from textual.strip import Strip

from tui.widgets.frames import FrameWriter, find_move

WIDTH, HEIGHT = 24, 10
CONSOLE = Console(force_terminal=True, color_system="truecolor", legacy_windows=False)
STYLES = [
    Style.parse("default on default"),
    Style.parse("#ff0000 on #101010"),
    Style.parse("bold #00ff00 on #101010"),
    Style.parse("underline #ffffff on #303030"),
    Style.parse("reverse #ffffff on #000000"),
]
ALPHABET = "abc xyz .:你好。，█─│🙂é①"


def row(*pieces: tuple[str, int]) -> Strip:
    strip = Strip([Segment(text, STYLES[style]) for text, style in pieces])
    return strip.adjust_cell_length(WIDTH, STYLES[1])


rows = st.lists(st.tuples(st.text(ALPHABET, max_size=8), st.integers(0, len(STYLES) - 1)), min_size=0, max_size=3).map(
    lambda pieces: row(*pieces)
)
screens = st.lists(rows, min_size=HEIGHT, max_size=HEIGHT)


def full(strips: list[Strip]) -> LayoutUpdate:
    return LayoutUpdate([[strip] for strip in strips], Region(0, 0, WIDTH, HEIGHT))


def partial(strips: list[Strip], first: int, last: int, x1: int, x2: int) -> ChopsUpdate:
    """Rows first…last, columns x1…x2, as the compositor would hand them over."""
    cuts = sorted({0, x1, x2, WIDTH})
    chops = [
        {
            a: (strip.crop(a, b) if first <= y <= last and a >= x1 and b <= x2 else None)
            for a, b in itertools.pairwise(cuts)
        }
        for y, strip in enumerate(strips)
    ]
    spans = [(y, x1, x2) for y in range(first, last + 1)]
    return ChopsUpdate(chops, spans, [cuts[1:] for _ in strips])  # pyright: ignore[reportArgumentType]


class Terminal:
    """pyte with the few things it needs to be fed."""

    def __init__(self) -> None:
        self.screen = pyte.Screen(WIDTH, HEIGHT)
        self.stream = pyte.Stream(self.screen)

    def feed(self, text: str | None) -> None:
        assert text is not None
        self.stream.feed(text)

    def cells(self) -> list[list[tuple[object, ...]]]:
        def seen(cell: pyte.screens.Char) -> tuple[object, ...]:
            # A blank without decoration shows its background only.
            plain = cell.data in {" ", ""} and not (cell.underscore or cell.reverse or cell.strikethrough)
            return (cell.data or " ", cell.bg) if plain else tuple(cell)

        return [[seen(self.screen.buffer[y][x]) for x in range(WIDTH)] for y in range(HEIGHT)]


def repainted(strips: list[Strip]) -> list[list[tuple[object, ...]]]:
    terminal = Terminal()
    for y, strip in enumerate(strips):
        terminal.feed(f"\x1b[{y + 1};1H{strip.render(CONSOLE)}")
    return terminal.cells()


@settings(max_examples=150, deadline=None)
@given(st.data(), screens)
def test_any_sequence_of_updates_shows_what_a_repaint_shows(data: st.DataObject, screen: list[Strip]) -> None:
    terminal, writer = Terminal(), FrameWriter(erase_to_end=data.draw(st.booleans()))
    terminal.feed(writer.encode(full(screen), CONSOLE, WIDTH, HEIGHT))
    for _ in range(data.draw(st.integers(1, 5))):
        kind = data.draw(st.sampled_from(["scroll", "rows", "columns", "full"]))
        if kind == "full":
            screen = data.draw(screens)
            update: LayoutUpdate | ChopsUpdate = full(screen)
        else:
            first = data.draw(st.integers(0, HEIGHT - 1))
            last = data.draw(st.integers(first, HEIGHT - 1))
            x1, x2 = (0, WIDTH) if kind != "columns" else (6, 18)
            wanted = data.draw(screens)
            if kind == "scroll":
                by = data.draw(st.integers(-4, 4))
                wanted = [screen[y + by] if first <= y + by <= last else wanted[y] for y in range(HEIGHT)]
            after = list(screen)
            for y in range(first, last + 1):
                after[y] = Strip.join([screen[y].crop(0, x1), wanted[y].crop(x1, x2), screen[y].crop(x2, WIDTH)])
            screen = after
            update = partial(screen, first, last, x1, x2)
        terminal.feed(writer.encode(update, CONSOLE, WIDTH, HEIGHT))
        assert terminal.cells() == repainted(screen)


@settings(max_examples=150, deadline=None)
@given(st.data(), screens, st.integers(0, 8))
def test_rows_written_past_the_compositor_show_what_a_repaint_shows(
    data: st.DataObject, screen: list[Strip], x: int
) -> None:
    terminal, writer = Terminal(), FrameWriter()
    blank = [Strip.blank(WIDTH) for _ in range(HEIGHT)]
    terminal.feed(writer.encode(full(blank), CONSOLE, WIDTH, HEIGHT))
    terminal.feed(writer.encode(full(screen), CONSOLE, WIDTH, HEIGHT))
    for _ in range(data.draw(st.integers(1, 4))):
        first = data.draw(st.integers(0, HEIGHT - 1))
        last = data.draw(st.integers(first, HEIGHT - 1))
        by = data.draw(st.integers(-3, 3))
        source = data.draw(screens)
        moved = [screen[y + by] if 0 <= y + by < HEIGHT else source[y] for y in range(HEIGHT)]
        strips = [moved[y].crop(x, WIDTH) for y in range(first, last + 1)]
        terminal.feed(writer.rows(x, first, strips, CONSOLE))
        screen = [
            Strip.join([screen[y].crop(0, x), strips[y - first]]) if first <= y <= last else screen[y]
            for y in range(HEIGHT)
        ]
        assert terminal.cells() == repainted(screen)


def test_rows_beside_something_unknown_are_refused() -> None:
    writer = FrameWriter()
    assert writer.rows(0, 0, [Strip.blank(WIDTH)], CONSOLE) is None
    writer.encode(full(typed("hello")), CONSOLE, WIDTH, HEIGHT)
    assert writer.rows(0, HEIGHT, [Strip.blank(WIDTH)], CONSOLE) is None
    assert writer.rows(0, 0, [typed("x")[0]], CONSOLE) == ""


def typed(text: str) -> list[Strip]:
    return [*(row((f"line {y} of the transcript", 1)) for y in range(HEIGHT - 1)), row((text, 2))]


def test_a_typed_character_costs_a_few_bytes() -> None:
    writer = FrameWriter()
    writer.encode(full(typed("hello")), CONSOLE, WIDTH, HEIGHT)
    out = writer.encode(full(typed("hello!")), CONSOLE, WIDTH, HEIGHT)
    assert out is not None
    assert "!" in out
    assert "hello" not in out
    assert len(out) < 60


def test_nothing_changed_writes_nothing() -> None:
    writer = FrameWriter()
    writer.encode(full(typed("你好")), CONSOLE, WIDTH, HEIGHT)
    assert writer.encode(full(typed("你好")), CONSOLE, WIDTH, HEIGHT) == ""


@pytest.mark.parametrize("by", [1, 3, -2])
def test_scrolled_rows_are_moved_not_written(by: int) -> None:
    writer, terminal = FrameWriter(), Terminal()
    text = [row((f"line {number} of the transcript", 1)) for number in range(40)]
    terminal.feed(writer.encode(full(text[10 : 10 + HEIGHT]), CONSOLE, WIDTH, HEIGHT))
    out = writer.encode(full(text[10 + by : 10 + by + HEIGHT]), CONSOLE, WIDTH, HEIGHT)
    assert out is not None
    assert out.count("line") == abs(by)
    terminal.feed(out)
    assert terminal.cells() == repainted(text[10 + by : 10 + by + HEIGHT])


def test_a_move_that_would_cost_more_is_not_made() -> None:
    """Beside a panel that stays, moving whole rows means writing the panel again."""
    before = [f"row {y}" for y in range(6)]
    assert find_move(before, {0: "row 1", 1: "row 2", 2: "new"}, [0, 1, 2]) is None
    assert find_move(before, {y: before[(y + 1) % 6] for y in range(6)}, range(6)) == (0, 5, 1)
    assert find_move([""] * 6, dict.fromkeys(range(6), ""), range(6)) is None


def test_after_a_resize_or_invalidation_everything_is_written() -> None:
    writer = FrameWriter()
    screen = typed("x")
    first = writer.encode(full(screen), CONSOLE, WIDTH, HEIGHT)
    writer.invalidate()
    assert writer.encode(full(screen), CONSOLE, WIDTH, HEIGHT) == first
    wider = writer.encode(LayoutUpdate([[strip] for strip in screen], Region(0, 0, WIDTH + 1, HEIGHT)), CONSOLE, 25, 10)
    assert wider is not None
    assert wider.count("transcript") == HEIGHT - 1


def test_an_update_of_another_kind_is_left_to_textual() -> None:
    writer = FrameWriter()
    assert writer.encode(InlineUpdate([]), CONSOLE, WIDTH, HEIGHT) is None
