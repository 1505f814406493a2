"""The gate for foreign text."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tui.markdown.clean import Cleaner, clean, clean_line

HARMFUL = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff\u200b\ufeff\u2060]"
)
AWKWARD = st.text(
    st.sampled_from(
        "ab 中\n\r\t\x00\x1b\x7f\x85\x9b\u2028\u202e\u2066\u200b\u200c\u200d\ufe0f\ufeff\u0301👨👩❤🏴"
        "\U000e0067\U000e007fक्ष\ud83d\ude00\u00ad"
    ),
    max_size=60,
)


@pytest.mark.parametrize(
    ("dirty", "cleaned"),
    [
        ("\x1b[31mred", "␛[31mred"),
        ("\x07\x08\x00\x7f", "␇␈␀␡"),
        ("\x9b31m", "⟦9B⟧31m"),
        ("a\r\nb\rc\u2028d\u2029e\x85f\x0bg\x0ch", "a\nb\nc\nd\ne\nf\ng\nh"),
        ("\u202eevil\u202c", "⟦RLO⟧evil⟦PDF⟧"),
        ("\u2066x\u2069", "⟦LRI⟧x⟦PDI⟧"),
        ("zero\u200bwidth\ufeff", "zerowidth"),
        ("👨\u200d👩\u200d👧", "👨\u200d👩\u200d👧"),
        ("a\u200db", "ab"),
        ("❤\ufe0f", "❤\ufe0f"),
        ("a\ufe0f\ufe0f\ufe0f", "a\ufe0f"),
        ("\ufe0fa", "a"),
        ("क्\u200dष", "क्\u200dष"),
        ("e\u0301", "e\u0301"),
        ("Z" + "\u0300" * 30, "Z" + "\u0300" * 4),
        ("\ud83d\ude00", "😀"),
        ("\ud83d", "\ufffd"),
        ("\ude00x", "\ufffdx"),
        ("x\U000e0041", "x"),
        ("tab\tstays\n", "tab\tstays\n"),
        ("soft\u00adhyphen", "softhyphen"),
    ],
)
def test_cleaned(dirty: str, cleaned: str) -> None:
    assert clean(dirty) == cleaned


@settings(max_examples=1000, deadline=None)
@given(AWKWARD)
def test_clean_is_clean_and_idempotent(text: str) -> None:
    once = clean(text)
    assert not HARMFUL.search(once)
    assert clean(once) == once
    assert "\n" not in clean_line(text)


@settings(max_examples=1000, deadline=None)
@given(st.text(st.characters(codec=None)))
def test_any_text_is_clean(text: str) -> None:
    assert not HARMFUL.search(clean(text))


@settings(max_examples=2000, deadline=None)
@given(st.lists(AWKWARD))
def test_pieces_give_what_one_piece_gives(pieces: list[str]) -> None:
    cleaner = Cleaner()
    assert "".join(map(cleaner.push, pieces)) + cleaner.close() == clean("".join(pieces))
