"""The transcript in a pseudo-terminal: what is written past the compositor, and the mouse on the scroll bar."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from random import Random

import pytest

from tests.support.pty_app import PtyApp, python

pytestmark = [pytest.mark.pty, pytest.mark.xdist_group("pty")]
PAGE_UP, PAGE_DOWN, TO_END, TO_START = "\x1b[5~", "\x1b[6~", "\x1b[1;5F", "\x1b[1;5H"
ALT_UP, ALT_DOWN, FOLD = "\x1b[1;3A", "\x1b[1;3B", "\x0f"
ESCAPE = "\x1b[27u"  # as a key report: what comes after it is no part of it, however fast it comes


@contextmanager
def app(*, plain: bool = False, columns: int = 80, rows: int = 24) -> Iterator[PtyApp]:
    env = {"LMDECK_PLAIN_FRAMES": "1"} if plain else {}
    arguments = python("-m", "tests.support.pty_main", "pieces")
    with PtyApp(arguments, columns=columns, rows=rows, env=env) as terminal:
        terminal.wait_for("demo-model")
        terminal.wait_for("opens the menu")
        terminal.settle()
        yield terminal


def cells(terminal: PtyApp) -> list[list[tuple[object, ...]]]:
    """Every cell as it looks: the character, its colours and attributes; of a blank only what shows."""
    found: list[list[tuple[object, ...]]] = []
    for y in range(terminal.rows):
        row: list[tuple[object, ...]] = []
        for x in range(terminal.columns):
            cell = terminal.screen.buffer[y][x]
            decorated = cell.underscore or cell.reverse or cell.strikethrough
            row.append((cell.data.strip(), cell.bg) if not cell.data.strip() and not decorated else tuple(cell))
        found.append(row)
    return found


def shown(terminal: PtyApp) -> list[str]:
    """The rows without the scroll bar, which moves when an estimate above the view is corrected."""
    return [row[: terminal.columns - 2].rstrip() for row in terminal.text.split("\n")]


def ask(terminal: PtyApp, number: int) -> None:
    terminal.send(f"question {number}\r")
    terminal.wait_for(f"end of answer {number}.")
    terminal.settle()


def actions(seed: int) -> list[str]:
    """Keys and wheel turns; the last of each list brings the view to the end again for the next question."""
    dice = Random(seed)
    wheel = [f"\x1b[<{button};{dice.randint(2, 70)};{dice.randint(4, 15)}M" for button in (64, 65)]
    choices = [PAGE_UP, PAGE_UP, PAGE_DOWN, ALT_UP, ALT_DOWN, FOLD, TO_START, *wheel, "word ", "\x7f" * 5]
    return [dice.choice(choices) for _ in range(12)]


@pytest.mark.parametrize("seed", range(3))
def test_what_is_painted_directly_is_what_a_repaint_shows(seed: int):
    """The same random actions, with rows written past the compositor and with all frames left to Textual."""
    columns, rows = ((80, 24), (120, 30), (64, 18))[seed]
    with app(columns=columns, rows=rows) as direct, app(plain=True, columns=columns, rows=rows) as plain:
        for number in range(1, 3):
            for terminal in (direct, plain):
                ask(terminal, number)
            for action in [*actions(seed * 10 + number), TO_END, ESCAPE]:
                for terminal in (direct, plain):
                    terminal.send(action)
                for terminal in (direct, plain):
                    terminal.settle()
                assert direct.text == plain.text, repr(action)
                assert cells(direct) == cells(plain), repr(action)
            for terminal in (direct, plain):
                terminal.send("\x15")  # what was typed goes
                terminal.wait_for("opens the menu")
        assert b"r\x1b[" in direct.raw  # a scroll region was used …
        assert len(direct.raw) < len(plain.raw) / 2  # … and far less was written


def test_the_scroll_bar_is_dragged():
    with app() as terminal:
        for number in range(1, 5):
            ask(terminal, number)
        terminal.settle()
        assert "question 1" not in terminal.text
        bar = [y for y in range(1, 20) if terminal.screen.buffer[y][79].bg != terminal.screen.buffer[2][79].bg]
        assert bar, "there is no thumb"
        start = bar[-1] + 1
        terminal.send(f"\x1b[<0;80;{start}M")
        for y in range(start - 1, 1, -1):
            terminal.send(f"\x1b[<32;80;{y}M")
            terminal.read(0.02)
        terminal.send("\x1b[<0;80;2m")
        terminal.wait_for("question 1")
        terminal.wait_for("↓ to the end")
        terminal.settle()
        place = shown(terminal)
        terminal.send("\x1b[<0;80;2M\x1b[<0;80;2m")  # a click on the thumb moves nothing
        terminal.settle()
        assert shown(terminal) == place
        terminal.send(TO_END)
        terminal.wait_for("end of answer 4.")
        terminal.wait_gone("to the end")


def test_text_that_streams_while_the_user_reads_above_moves_nothing():
    with app() as terminal:
        ask(terminal, 1)
        terminal.send(TO_START)
        terminal.wait_for("question 1")
        terminal.send("gated question 2\r")  # sending goes to the end …
        terminal.wait_for("Answer 2")
        terminal.send(TO_START)  # … and the user goes away from it
        terminal.wait_for("▌ question 1")
        terminal.settle()
        terminal.signal(signal.SIGUSR1)  # a third more of it comes
        terminal.wait_for("new – To the end")
        terminal.settle()
        assert "Esc Stop" in terminal.text
        above = shown(terminal)[1:12]
        terminal.signal(signal.SIGUSR1)  # and the rest
        terminal.wait_for("Enter Send")
        terminal.settle()
        assert shown(terminal)[1:12] == above
        terminal.send(TO_END)
        terminal.wait_for("end of answer 2.")


@pytest.mark.parametrize("kitty", ["0", "1"])
def test_alt_with_arrows_walks_and_alt_delete_deletes(kitty: str):
    """The bytes that terminals send for them, with the kitty keyboard mode and without it."""
    env = {"TEXTUAL_DISABLE_KITTY_KEY": kitty, "COLORTERM": "truecolor"}
    with PtyApp(python("-m", "tests.support.pty_main", "echo"), env=env) as terminal:
        terminal.wait_for("opens the menu")
        for word in ("first", "second"):
            terminal.send(f"{word}\r")
            terminal.wait_for(f"'{word}'")
        terminal.settle()
        terminal.send(ALT_UP)
        terminal.settle()
        terminal.send(ALT_UP)
        terminal.wait(lambda: selected(terminal), "a selected row")
        assert any("second" in row for row in selected(terminal))
        assert "› Message" in terminal.text, "the arrows went to the composer"
        terminal.send("\x1b[3;3~")
        terminal.wait_for("Deleted.")
        assert "▌ second" not in terminal.text
        assert "▌ first" in terminal.text


def selected(terminal: PtyApp) -> list[str]:
    """The rows of the message that is marked, which have another background, too."""
    rows = terminal.text.split("\n")
    marked = [y for y in range(1, terminal.rows) if rows[y].startswith("▎")]
    backgrounds = {terminal.screen.buffer[y][40].bg for y in marked}
    assert terminal.screen.buffer[1][40].bg not in backgrounds
    return [rows[y] for y in marked]
