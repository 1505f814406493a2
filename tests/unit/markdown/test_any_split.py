"""However a text is cut into pieces, it ends as the same rows as in one piece."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.markdown.documents import corpus, examples, random_pieces, streamed, whole
from tui.markdown import grow, paragraph
from tui.markdown.clean import clean
from tui.markdown.document import Document

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
