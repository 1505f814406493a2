"""What is in a picture, and ``lmdeck shot`` on a real store."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from rich.color import Color
from rich.segment import Segment
from rich.style import Style

from tests.support.pixels import read_png
from tests.support.shots import ANSWER, WHEN, card, document, record, turn_messages
from tui.i18n import set_language
from tui.model.memory import Source
from tui.model.message import Message, TextPart
from tui.model.monitor import CardState, MemoryState
from tui.model.problem import ProblemError
from tui.model.server import ServerFacts
from tui.screens.shot_colours import Colours, find_theme, hex_colour, ink_of, runs_of, themes
from tui.screens.shot_command import shot_command
from tui.screens.shot_content import chosen_turns, content_of, kept_content, live_content, user_at_host
from tui.screens.shot_facts import ShotFacts, facts_of, footer_items
from tui.screens.shot_picture import ShotContent, ShotLook, compose
from tui.screens.shot_rows import turns_of
from tui.screens.shot_words import missing_text
from tui.shot.cells import CELL_HEIGHT, Grid, Ink, Missing, Run
from tui.store.store import Store


@pytest.fixture(autouse=True)
def _english() -> Iterator[None]:
    set_language("en")
    yield
    set_language("en")


def text_of(grid: Grid) -> str:
    return "\n".join("".join(run.text for run in row) for row in grid.rows)


def picture(look: ShotLook | None = None, turns: str = "all", count: int = 2) -> str:
    return "\n".join(
        text_of(grid) for grid in compose(kept_content(document(count), turns, who="me@box"), look or ShotLook())
    )


# what is in it


def test_a_picture_has_memory_turns_evidence_and_footer() -> None:
    text = picture()
    for piece in (
        "Quantising 量化", "question 1 问题", "⚙ add", '"a": 3', "→ 8", "The result is 16.", "权重", "def add(",
        "█ weights", "1.44  checkpoint", "8.14  server log", "1.91  the rest", "11 % · 37k of 333k tokens",
        "nvidia-smi", "2026/11/22 13:00:01, NVIDIA A100, 11769 MiB, 24576 MiB, 37 %",
        'POST /v1/chat/completions HTTP/1.1" 200 OK', "chat-4bit", "weights awq, 4 bit",
        "kv cache int4 (quant policy 4)", "cache ratio 0.4", "session length 8192", "lmdeploy 0.18.0", "TurboMind",
        "NVIDIA A100 24.00 GiB", "2026-11-22 13:00 UTC", "me@box", "lmdeck ", "↑107 ↓15",
    ):  # fmt: skip
        assert piece in text, piece
    assert "thought 0.8 s" in text
    assert "First the sum" not in text
    assert "First the sum" in picture(ShotLook(thoughts=True))


def test_parts_can_be_left_out() -> None:
    text = picture(ShotLook(panel=False, footer=False, details=False), "2")
    assert "question 2" in text
    for piece in ("weights", "question 1", "lmdeck ", "TurboMind"):
        assert piece not in text, piece
    assert '"a"' not in picture(ShotLook(details=False))


def test_a_wide_picture_has_the_panel_beside_the_turns_a_narrow_one_above() -> None:
    (wide,), (narrow,) = (compose(kept_content(document(1)), ShotLook(width=width)) for width in (120, 80))
    beside = next(row for row in text_of(wide).split("\n") if "question 1" in row)
    assert "│ GPU 0" in beside
    rows = text_of(narrow).split("\n")
    above = next(number for number, row in enumerate(rows) if "GPU 0" in row)
    assert above < next(number for number, row in enumerate(rows) if "question 1" in row)
    for grid in (wide, narrow):
        assert all(
            sum(1 for _ in row) == 0 or len(text_of(replace(grid, rows=(row,)))) <= grid.width for row in grid.rows
        )


def test_a_long_conversation_is_split_between_turns_and_numbered() -> None:
    pages = compose(kept_content(document(40)), ShotLook())
    assert len(pages) > 1
    text = text_of(pages[1])
    assert "page 2 of " in text
    assert "lmdeck " in text
    first = next(row for row in text.split("\n") if row.strip())
    assert "question" in first
    assert all(grid.size[1] * 2 <= 16_000 for grid in pages)
    questions = "\n".join(text_of(grid) for grid in pages)
    assert all(f"question {number} 问题" in questions for number in range(1, 41))


def test_code_has_its_colours_and_every_theme_draws() -> None:
    content = kept_content(document(1))
    for name in ("lmdeck-light", "lmdeck-dark", "ansi", "textual-light", "nord", "high-contrast-dark"):
        (grid,) = compose(content, ShotLook(theme=name))
        inks = {run.ink for row in grid.rows for run in row}
        assert len({ink.foreground for ink in inks}) >= 5, name
        assert all(len(colour) == 7 and int(colour[1:], 16) >= 0 for ink in inks for colour in ink[:2])
    with pytest.raises(ProblemError) as caught:
        compose(content, ShotLook(theme="nope"))
    assert caught.value.problem.code == "shot.bad_theme"


def test_chinese_pictures_are_chinese() -> None:
    set_language("zh-CN")
    assert "检查点" in picture()


def test_the_same_picture_is_the_same_cells() -> None:
    content = kept_content(document(2), who="me@box")
    assert compose(content, ShotLook()) == compose(content, ShotLook())


def test_live_memory_is_shown_with_its_witness() -> None:
    content = kept_content(document(1), who="me@box")
    live = replace(card(), free=replace(card().free, bytes=7 * 2**30))
    state = MemoryState(cards=(CardState(live, 37, 45, 210.0),), source="nvml", running=1, waiting=0)
    shown = live_content(content, state, (live,), record(1), None, "")
    text = text_of(compose(shown, ShotLook())[0])
    assert "7.00" in text
    assert "37 % busy" in text
    assert "nvidia-smi" in text


def test_without_figures_there_is_no_panel() -> None:
    bare = replace(document(1), turns=())
    text = text_of(compose(kept_content(bare), ShotLook())[0])
    assert "weights" not in text
    assert "question 1" in text


def test_nothing_but_text_is_needed() -> None:
    content = ShotContent([Message("u", "user", (TextPart("hello"),), None, WHEN)])
    (grid,) = compose(content, ShotLook(footer=False))
    assert [row for row in text_of(grid).split("\n") if row.strip()] == [" ▌ hello"]


# choosing


def test_turns_by_number() -> None:
    assert chosen_turns("all", 5) == range(5)
    assert chosen_turns("", 5) == range(5)
    assert chosen_turns("last", 5) == range(4, 5)
    assert chosen_turns("2", 5) == range(1, 2)
    assert chosen_turns("2-4", 5) == range(1, 4)
    assert chosen_turns(" 2 – 4 ", 5) == range(1, 4)
    for wrong in ("0", "6", "4-2", "x", "1-9", "last ones"):
        with pytest.raises(ProblemError) as caught:
            chosen_turns(wrong, 5)
        assert caught.value.problem.code == "shot.bad_turns"


def test_turns_begin_with_the_user() -> None:
    system = Message("s", "system", (TextPart("be nice"),), None, WHEN)
    stray = Message("a", "assistant", (TextPart("hi"),), None, WHEN)
    turns = turns_of([system, stray, *turn_messages(1, "a"), *turn_messages(2, "b", tools=True)])
    assert [len(turn) for turn in turns] == [1, 2, 4]


def test_an_empty_conversation_is_refused() -> None:
    with pytest.raises(ProblemError) as caught:
        kept_content(replace(document(1), messages=()))
    assert caught.value.problem.code == "shot.nothing"


def test_memory_comes_from_the_newest_turn_that_has_it() -> None:
    records = {"t1": record(1), "t2": record(2, cards=())}
    messages = [*turn_messages(1, "a"), *turn_messages(2, "b")]
    assert content_of("", messages, records, {}).cards == (card(),)
    assert content_of("", messages[2:], records, {}).cards == ()
    assert content_of("", messages, {}, {}).facts.model == ""


# the footer


def test_the_footer_says_only_what_is_known() -> None:
    assert [one for one in footer_items(ShotFacts()) if not one.startswith("lmdeck")] == []
    facts = facts_of(None, (), ServerFacts(engine="pytorch", version_band=("0.9", "0.11"), simulated=True), "m")
    words = list(footer_items(replace(facts, date=None)))
    assert words[:-1] == ["simulated server", "m", "lmdeploy 0.9–0.11", "PyTorch"]
    same = facts_of(None, (), ServerFacts(engine="turbomind", version_band=("0.18", "0.18")))
    assert "lmdeploy 0.18" in list(footer_items(same))


def test_odd_settings_are_named_too() -> None:
    facts = ShotFacts(weight_format="bf16", quant_policy=7, told=True, gpu="X", engine="vllm\x1b[0m")
    words = list(footer_items(facts))
    assert words[:3] == ["weights bf16", "kv cache ? (quant policy 7)", "as the user says"]
    assert "\x1b" not in "".join(words)


def test_a_card_of_unknown_size_has_its_name_only() -> None:
    unknown = replace(card(witness=False), total=replace(card().total, bytes=None, source=Source.UNKNOWN))
    assert facts_of(None, (unknown,)).gpu == "NVIDIA A100"


def test_who_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.node", lambda: "box.example.org")
    monkeypatch.setattr("getpass.getuser", lambda: "me")
    assert user_at_host() == "me@box"

    def nobody() -> str:
        raise OSError

    monkeypatch.setattr("getpass.getuser", nobody)
    assert user_at_host() == "box"


# colours


def test_styles_become_ink() -> None:
    canvas = Ink("#111111", "#eeeeee")
    assert ink_of(None, canvas) == canvas
    assert ink_of(Style(reverse=True), canvas)[:2] == ("#eeeeee", "#111111")
    assert ink_of(Style(color="#ff0000", bold=True, underline=True), canvas) == Ink(
        "#ff0000", "#eeeeee", True, underline=True
    )
    assert ink_of(Style(dim=True), canvas).foreground == "#696969"
    assert hex_colour(Color.parse("default"), "#123456") == "#123456"
    strip = [Segment("a", Style(italic=True)), Segment("\x1b[2J", None, [(1, 2)]), Segment(""), Segment("b")]  # type: ignore[list-item]
    assert runs_of(strip, canvas) == (Run("a", canvas._replace(italic=True)), Run("b", canvas))


def test_a_theme_file_that_is_none_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "themes").mkdir()
    (tmp_path / "themes" / "bad.toml").write_text("= nonsense")
    (tmp_path / "themes" / "mine.toml").write_text(
        'name = "mine"\nprimary = "#ff0000"\n[variables]\nvram-kv = "nonsense"\nvram-free = "#ffffff 50%"\n'
        'vram-other = "ansi_red"\nvram-weights = "#ff000080"\n'
    )
    monkeypatch.setenv("LMDECK_CONFIG_DIR", str(tmp_path))
    assert "mine" in themes()
    assert "bad" not in themes()
    colours = Colours(find_theme("mine"))
    assert colours.panel("kv").foreground == colours.canvas.foreground
    assert colours.panel("nothing known").foreground == colours.canvas.foreground
    assert colours.panel("other").foreground.startswith("#")
    assert colours.panel("weights").foreground not in ("#ff0000", colours.canvas.foreground)


def test_what_is_missing_is_said_in_words() -> None:
    assert missing_text(Missing(), system_fonts=False) == ""
    said = missing_text(Missing(1, ("한",)), system_fonts=False)
    assert said.startswith("1 character has no glyph")
    assert said.endswith("pip install 'lmdeck[cjk]'")
    assert "lmdeck[cjk]" not in missing_text(Missing(1, ("🦄",)), system_fonts=False)
    assert "🦄 한" in missing_text(Missing(3, ("🦄", "한")), system_fonts=True)
    assert missing_text(Missing(99, tuple("abcdefghijklmnop")), system_fonts=False).endswith("…")


# the command


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A file with a conversation of two turns."""
    import asyncio

    path = tmp_path / "conversations.sqlite3"

    async def fill() -> None:
        kept = await Store.open(path)
        info = await kept.create_conversation(title="Quantising 量化", model="chat-4bit", endpoint="http://h:1")
        tip = ""
        for number in (1, 2):
            for message in turn_messages(number, f"question {number} 한", ANSWER, tools=number == 1):
                await kept.put_message(info.id, message)
                tip = message.id
            await kept.put_turn(replace(record(number), conversation_id=info.id))
        await kept.set_tip(info.id, tip)
        await kept.close()

    asyncio.run(fill())
    return path


def shot(*words: str) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    code = shot_command(words, out, err)
    return code, out.getvalue(), err.getvalue()


def test_a_png_and_an_svg_of_the_last_conversation(store: Path, tmp_path: Path) -> None:
    png, svg = tmp_path / "x.png", tmp_path / "x.svg"
    code, out, err = shot("last", "--store", str(store), "--out", str(png), "--width", "100", "--scale", "1")
    assert code == 0
    assert out == f"Written: {png}\n"
    assert err.startswith("2 characters have no glyph")
    width, height = read_png(png.read_bytes()).size
    assert (width, height % CELL_HEIGHT) == (1000, 0)
    code, *_said = shot(
        "Quantising 量化", "--store", str(store), "--out", str(svg), "--lang", "zh-CN", "--turns", "2", "--no-panel",
        "--no-details", "--thoughts", "--hide-user", "--theme", "lmdeck-dark", "--no-footer",
    )  # fmt: skip
    assert code == 0
    shapes = tmp_path / "shapes.svg"
    assert shot("--store", str(store), "--out", str(shapes), "--outlines")[0] == 0
    assert "<text" not in shapes.read_text("utf-8")
    text = svg.read_text("utf-8")
    assert "question 2" in text
    assert "question 1" not in text


def test_no_figures_are_said(store: Path, tmp_path: Path) -> None:
    import sqlite3
    from contextlib import closing

    with closing(sqlite3.connect(store)) as connection, connection:
        connection.execute("DELETE FROM turns")
    code, _out, err = shot("--store", str(store), "--out", str(tmp_path / "x.svg"))
    assert code == 0
    assert "No memory figures were kept" in err


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--out", "x.gif"], 2, "must end in .png or .svg"),
        (["nope", "--out", "x.png"], 2, "nope"),
        (["--out", "x.png", "--turns", "7"], 2, "has 2"),
        (["--out", "x.png", "--theme", "nope"], 2, "no theme called"),
        (["--out", "/nowhere/x.png"], 1, "/nowhere/x.png"),
    ],
)
def test_what_is_wrong_is_said(store: Path, words: list[str], code: int, said: str) -> None:
    found, _out, err = shot(*words, "--store", str(store))
    assert found == code
    assert said in err


def test_a_wrong_width_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        shot("--out", "x.png", "--width", "30")
    assert caught.value.code == 2
    assert "cells" in capsys.readouterr().err


def test_the_command_is_lmdecks(store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from tui.cli import main

    assert main(["shot", "--store", str(store), "--out", str(tmp_path / "y.svg"), "--scale", "1"]) == 0
    assert "y.svg" in capsys.readouterr().out
    assert sys.exc_info()[0] is None
