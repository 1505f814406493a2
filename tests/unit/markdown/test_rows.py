"""What holds for all rows of all documents: they fit, split no cluster, hold nothing harmful, lose nothing."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.markdown.documents import corpus, examples, random_pieces, streamed, whole
from tests.unit.markdown.test_any_split import FRAGMENTS
from tui.markdown.cells import extends, width
from tui.markdown.clean import clean
from tui.markdown.document import Document
from tui.markdown.ink import Page, Row
from tui.markdown.layout import Layout

HARMFUL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def check(rows: list[Row], page: Page) -> None:
    for row in rows:
        assert page.cells(row.text) <= page.width, row
        for text in (row.text, row.copy or "", row.lead_copy, row.joint or ""):
            assert not HARMFUL.search(text), row
        if row.joint is not None and len(row.text) > row.lead:
            assert not extends(row.text[row.lead]), row


@pytest.mark.parametrize("name", list(corpus()))
def test_rows_fit_and_are_harmless(name: str) -> None:
    document = Document(corpus()[name])
    document.finish()
    for cells in (2, 5, 11, 24, 40, 80, 200):
        for wide in (False, True):
            page = Page(cells, wide)
            check(Layout(document, page).rows, page)


def test_examples_fit() -> None:
    for text in examples():
        for cells in (7, 33):
            check(whole(text, cells), Page(cells))


@pytest.mark.parametrize("name", list(corpus()))
def test_addresses_are_harmless(name: str) -> None:
    for row in whole(corpus()[name]):
        for run in row.runs:
            if run.link is not None:
                assert not HARMFUL.search(run.link.address + run.link.text)


def letters(text: str) -> str:
    return "".join(re.findall(r"\w", text))


@settings(max_examples=100, deadline=None)
@given(st.text(st.sampled_from("abc DEF 中文，。（ 12 3-4.5%'’“”👍e\u0301\n"), max_size=200), st.integers(2, 50))
def test_plain_text_is_complete(text: str, cells: int) -> None:
    shown = "".join(row.text[row.lead :] for row in whole(text, cells))
    expected = re.sub(r"^\d{1,9}[.)](?=\s|$)", "", text)  # numbers of lists are decoration
    assert letters(shown) == letters(clean(expected)) or re.search(r"^ {0,3}\d|^ {4}|-", text, re.MULTILINE)


def fuzz(texts_seed: int, text: str) -> None:
    _, layout = streamed(random_pieces(text, texts_seed), 30)
    check(layout.rows, Page(30))


ANYTHING = st.text(
    st.characters(codec=None) | st.sampled_from("\x1b\x9b\x07\r\n\u202e\u200d\ufe0f*_`[]()<>#|$\\-> "), max_size=80
)


@settings(max_examples=1000, deadline=None)
@given(ANYTHING, st.integers(0, 1000))
def test_any_characters(text: str, seed: int) -> None:
    fuzz(seed, text)


@settings(max_examples=1000, deadline=None)
@given(st.lists(FRAGMENTS | ANYTHING, max_size=25), st.integers(0, 1000))
def test_any_fragments(fragments: list[str], seed: int) -> None:
    fuzz(seed, "".join(fragments))


@pytest.mark.slow
@pytest.mark.timeout(900)
@settings(max_examples=8000, deadline=None)
@given(st.lists(FRAGMENTS | ANYTHING, max_size=25), st.integers(0, 1000))
def test_any_fragments_for_long(fragments: list[str], seed: int) -> None:
    fuzz(seed, "".join(fragments))


def test_widths_agree_with_rich() -> None:
    from rich.cells import cell_len

    for text in corpus().values():
        line = clean(text).replace("\n", " ").replace("\t", " ")
        assert width(line) == cell_len(line)
