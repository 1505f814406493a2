"""Copying gives the text as it was before wrapping; searching finds across the breaks of wrapping."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.markdown.documents import corpus, whole
from tui.markdown.copying import selected_text
from tui.markdown.ink import Page
from tui.markdown.reply import Reply
from tui.markdown.search import Stretch, find


def copied(text: str, width: int) -> str:
    return selected_text(whole(text, width), (0, 0), None)


@pytest.mark.parametrize("width", [9, 20, 200])
@pytest.mark.parametrize(
    ("text", "copy"),
    [
        ("The quick brown fox jumps over the lazy dog.", None),
        ("量化后的模型在推理时需要反量化，因此计算量不变。", None),
        ("- one item\n- another item\n  - nested item", None),
        ("1. one\n2. two", None),
        ("> quoted words are here\n>\n> > twice quoted words", None),
        ("- [ ] open task\n- [x] done task", None),
        ("first para\n\nsecond para", None),
        ("a **bold** word", "a bold word"),
        ("```python\nx = 'long line of code here'\n\ny = 2\n```", "x = 'long line of code here'\n\ny = 2"),
        ("| a | b |\n|---|---|\n| 1 | 2 \\| 3 |", "| a | b |\n| --- | --- |\n| 1 | 2 \\| 3 |"),
        ("a\n\n---\n\nb", None),
    ],
)
def test_round_trips(text: str, copy: str | None, width: int) -> None:
    if "|" in text and width < 20:
        return  # records
    assert copied(text, width) == (text if copy is None else copy)


WORDS = st.lists(
    st.sampled_from(["word", "longerword", "中文字符", "，", "x", "3.14", "https://a.b/c", "👍🏽"]),
    min_size=1,
    max_size=40,
)


@settings(max_examples=200, deadline=None)
@given(st.lists(WORDS, min_size=1, max_size=4), st.integers(8, 60))
def test_plain_paragraphs_round_trip(paragraphs: list[list[str]], width: int) -> None:
    text = "\n\n".join(" ".join(words) for words in paragraphs)
    assert copied(text, width) == text


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(sorted(corpus())), st.integers(4, 60), st.data())
def test_any_selection_of_any_document(name: str, width: int, data: st.DataObject) -> None:
    rows = whole(corpus()[name], width)
    if not rows:
        assert selected_text(rows, (0, 0), None) == ""
        return
    places = st.tuples(st.integers(0, len(rows)), st.integers(0, width))
    first, second = sorted((data.draw(places), data.draw(places)))
    text = selected_text(rows, first, second)
    if (
        first[0] == second[0]
        and first[0] < len(rows)
        and rows[first[0]].copy is None
        and first[1] >= rows[first[0]].lead > 0
    ):
        assert text == rows[first[0]].text[first[1] : second[1]]


def test_parts_of_rows() -> None:
    rows = whole("- alpha beta\n- gamma", 40)
    assert selected_text(rows, (0, 2), (0, 7)) == "alpha"
    assert selected_text(rows, (0, 0), (0, 7)) == "alpha"
    assert selected_text(rows, (0, 0), (0, 12)) == "- alpha beta"
    assert selected_text(rows, (0, 8), (1, 4)) == "beta\n- ga"
    assert selected_text(rows, (0, 8), (1, 0)) == "beta\n"
    assert selected_text(rows, (5, 0), None) == ""
    table = whole("| a | b |\n|---|---|\n| 1 | 2 |", 40)
    assert selected_text(table, (2, 0), (2, 1)) == "1"
    assert selected_text(table, (0, 1), (2, 0)) == "| a | b |\n| --- | --- |\n"


def test_the_original_markdown() -> None:
    reply = Reply("# Title\n\nSome **bold**\n\n- a\n- b\n\nend", Page(40))
    assert reply.markdown((0, 0), (0, 3)) == "# Title"
    assert reply.markdown((2, 1), (4, 1)) == "Some **bold**\n\n- a\n- b"
    assert reply.markdown() == "# Title\n\nSome **bold**\n\n- a\n- b\n\nend"
    reply.finish()
    assert reply.markdown((7, 0)) == "end"
    assert Reply("", Page(40)).markdown() == ""


def test_find() -> None:
    rows = whole("The quick brown fox. THE END\n\n- the item", 40)
    assert find(rows, "the") == [(Stretch(0, 0, 3),), (Stretch(0, 21, 24),), (Stretch(2, 2, 5),)]
    assert find(rows, "the", match_case=True) == [(Stretch(2, 2, 5),)]
    assert find(rows, "") == []
    assert find(rows, "• the") == []
    assert find(rows, "END\n") == []


def test_find_across_wrapping() -> None:
    rows = whole("量化后的模型在推理时", 8)
    assert [row.text for row in rows] == ["量化后的", "模型在推", "理时"]
    assert find(rows, "的模型在推理") == [(Stretch(0, 3, 4), Stretch(1, 0, 4), Stretch(2, 0, 1))]
    rows = whole("- alpha beta gamma", 12)
    assert find(rows, "beta gamma") == [(Stretch(0, 8, 12), Stretch(1, 2, 7))]


def test_links_and_code() -> None:
    reply = Reply(
        "[a](https://a.b) https://c.d/\n\n1. x\n\n   ```py\n   y = 1\n   z\n   ```\n\n```\nq\n```\n", Page(40)
    )
    assert [link.address for link in reply.links()] == ["https://a.b", "https://c.d/"]
    link = reply.link_at(0, 0)
    assert link is not None
    assert link.address == "https://a.b"
    assert reply.link_at(0, 1) is None
    assert reply.link_at(0, 39) is None
    assert reply.link_at(99, 0) is None
    codes = reply.codes()
    assert [(place.code.language, place.code.code) for place in codes] == [("py", "y = 1\nz"), ("", "q")]
    assert [[row.text for row in reply.rows[place.first : place.end]] for place in codes] == [
        ["    py", "    y = 1", "    z"],
        [" q"],
    ]


def test_two_pages_are_kept() -> None:
    reply = Reply("word " * 30, Page(40))
    assert reply.row_count(Page(40)) == 4
    assert reply.row_count(Page(20)) == 8
    assert reply.row_count(Page(10)) == 15
    assert len(reply.rows) == 4
