"""However a text is cut into pieces, it ends as the same rows as in one piece."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.markdown.documents import corpus, examples, random_pieces, streamed, whole
from tui.markdown import grow, paragraph
from tui.markdown.clean import clean
from tui.markdown.document import Document
from tui.markdown.ink import Page, Row
from tui.markdown.layout import Layout

SIZES = {"settling as it is": (400, 1200, 300), "settling everything": (0, 30, 15)}


@pytest.fixture(params=list(SIZES), ids=list(SIZES))
def settling(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    long, long_line, kept = SIZES[request.param]
    monkeypatch.setattr(grow, "LONG", long)
    monkeypatch.setattr(paragraph, "LONG_LINE", long_line)
    monkeypatch.setattr(paragraph, "KEPT", kept)


@pytest.mark.usefixtures("settling")
@pytest.mark.parametrize("name", list(corpus()))
def test_corpus(name: str) -> None:
    text = corpus()[name]
    expected = whole(text)
    for seed in range(3):
        document, layout = streamed(random_pieces(text, seed))
        assert layout.rows == expected
        assert document.source == clean(text)


@pytest.mark.usefixtures("settling")
def test_commonmark_examples() -> None:
    for index, text in enumerate(examples()):
        assert streamed(random_pieces(text, index))[1].rows == whole(text), text


@pytest.mark.usefixtures("settling")
def test_commonmark_examples_one_after_another() -> None:
    for index in range(0, len(examples()), 5):
        text = "\n".join(examples()[index : index + 5])
        assert streamed(random_pieces(text, index))[1].rows == whole(text), text


@pytest.mark.parametrize("name", list(corpus()))
def test_character_by_character(name: str) -> None:
    text = corpus()[name][:1200]
    assert streamed(list(text), 24)[1].rows == whole(text, 24)


FRAGMENTS = st.sampled_from(
    ["word ", "中文字", "，", "。", "**b** ", "*", "**", "_", "`c` ", "`", "\n", "\n\n", "- ", "1. ", "  ", "    ",
     "> ", "# ", "```\n", "```py\n", "| a | b |\n", "|---|---|\n", "|", "[x]", "[x]: http://e.com\n", "[l](u) ", "$x$ ",
     "$$\n", "\\(", "\\)", "\\[", "---\n", "===\n", "https://a.b/c ", "<b>", "&amp;", "\\", "~~", "[^1]",

     "[^1]: note\n", "- [ ] ", "👍🏽", "e\u0301", "\t", "\r\n", "\x1b", "\u200d", "\u2028", "x"]
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.lists(FRAGMENTS, max_size=60), st.integers(0, 1_000_000))
def test_generated(fragments: list[str], seed: int) -> None:
    text = "".join(fragments)
    assert streamed(random_pieces(text, seed))[1].rows == whole(text)


@settings(max_examples=100, deadline=None)
@given(st.lists(FRAGMENTS, max_size=60), st.integers(0, 1_000_000))
def test_generated_settling_everything(fragments: list[str], seed: int) -> None:
    text = "".join(fragments)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(grow, "LONG", 0)
        patch.setattr(paragraph, "LONG_LINE", 30)
        patch.setattr(paragraph, "KEPT", 15)
        assert streamed(random_pieces(text, seed))[1].rows == whole(text)


def unsettled(text: str) -> list[Row]:
    """The rows of ``text`` in one piece, parsed as a whole."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(grow, "LONG", len(text) + 1)
        patch.setattr(paragraph, "LONG_LINE", len(text) + 1)
        return whole(text)


@pytest.mark.usefixtures("settling")
@pytest.mark.parametrize("name", list(corpus()))
def test_settling_changes_nothing(name: str) -> None:
    text = corpus()[name]
    assert whole(text) == unsettled(text)


MARKERS = ("- ", "* ", "+ ", "1. ", "7. ", "12) ", "-   ", "> ", ">", "- - ", "- > ", "1. - ", "-\t", "-     ")
CONTENTS = (
    "word", "some **bold** words", "# head", "```", "~~~", "---", "___", "***", "===", "", "", "[x]: /u", "[x]:", "/u",
    "[x]", "| a | b |", "|---|---|", "$$", "    code", "-", "1.", "2. two", "- dash", "> q", "[ ] task", "[x] done",
    "[^1]: note", "\ttab", "<b>", "a\\",
)  # fmt: skip


@st.composite
def nests(draw: st.DrawFn) -> str:
    """Lists and quotes inside each other, mostly well formed."""
    lines: list[str] = []
    around: list[str] = []
    for step in draw(st.lists(st.sampled_from(("in", "out", "beside", "stay", "lazy", "blank")), max_size=22)):
        marker = ""
        if step == "in" and len(around) < 5:
            marker = draw(st.sampled_from(MARKERS))
        elif step == "out" and around:
            del around[draw(st.integers(0, len(around) - 1)) :]
        elif step == "beside" and around:
            marker = around.pop()
        before = "".join("> " if outer.startswith(">") else " " * len(outer) for outer in around)
        if marker:
            around.append(marker)
        if step == "lazy":
            before = " " * draw(st.integers(0, 5))
        lines.append("" if step == "blank" else before + marker + draw(st.sampled_from(CONTENTS)))
    return "\n".join(lines)


@settings(max_examples=200, deadline=None)
@given(nests(), st.sampled_from((0, 5, 20, 60)), st.integers(0, 1_000_000))
def test_nested_settling(text: str, long: int, seed: int) -> None:
    expected = unsettled(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(grow, "LONG", long)
        assert whole(text) == expected
        assert streamed(random_pieces(text, seed))[1].rows == expected


def test_finish_with_the_stored_text_wins() -> None:
    document = Document("some")
    document.flush()
    document.feed(" thing")
    document.finish("something *else*")
    assert document.source == "something *else*"
    assert document.finished
    document.finish("again")
    document.feed("more")
    assert not document.flush()
    assert document.source == "something *else*"


def test_finish_with_the_same_text_renders_nothing_again() -> None:
    document = Document("# a\n\nb\r")
    document.flush()
    block = document.blocks[0]
    document.finish("# a\n\nb\r")
    assert document.blocks[0] is block
    assert document.generation == 0


def test_what_is_settled_inside_the_only_item_is_not_parsed_again() -> None:
    document = Document("1. the only item\n")
    for index in range(100):
        document.feed(f"   - nested {index}\n     - deeper **{index}**\n")
        document.flush()
        assert len(document._text) < 500  # pyright: ignore[reportPrivateUsage]
    assert document.generation == 0


def test_a_long_paragraph_settles_around_its_marks() -> None:
    document = Document("".join(f"第{i}句话介绍**量化**之后的显存占用，包含`w4a16`这样的名字。" for i in range(400)))
    while document.waiting:
        document.flush(1500)
        assert len(document._text) < 2500  # pyright: ignore[reportPrivateUsage]


@pytest.mark.parametrize("limit", [1, 7, 100])
def test_a_limited_flush_gives_the_same(limit: int) -> None:
    text = corpus()["reply-zh"] + "\r\n👍🏽\r\n" + corpus()["nested-long"]
    document = Document(text)
    flushes = 0
    while document.waiting:
        document.flush(limit)
        flushes += 1
        assert len(document.source) <= limit * flushes
    assert flushes == -(-len(text) // limit)
    document.finish()
    assert Layout(document, Page(40)).rows == whole(text)


def test_an_unfinished_definition_is_not_kept() -> None:
    document = Document()
    for piece in ("[a]\n\n[a]: http", "://one.example", "/path\n"):
        document.feed(piece)
        document.flush()
    document.finish()
    assert (
        whole("[a]\n\n[a]: http://one.example/path\n")
        == streamed(["[a]\n\n[a]: http", "://one.example", "/path\n"])[1].rows
    )
