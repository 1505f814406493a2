"""Telling reasoning from answer: the same whatever way the stream was cut."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tui.chat.stops import StopCutter
from tui.chat.thinking import Kind, Piece, ThinkingSplitter

FRAGMENTS = [
    "<think>",
    "</think>",
    "<thi",
    "nk>",
    "</",
    "```",
    "`",
    "~~~\n",
    "\n",
    " ",
    "a",
    "狐狸",
    "\n\n",
    "  ```py\n",
]
texts = st.lists(st.sampled_from(FRAGMENTS), max_size=14).map("".join)


def split(pieces: list[str], **options: str) -> list[Piece]:
    """The pieces, neighbours of a kind joined."""
    splitter = ThinkingSplitter(**options)
    out = [piece for text in pieces for piece in splitter.feed(text)] + splitter.finish()
    joined: list[Piece] = []
    for piece in out:
        if joined and joined[-1].kind is piece.kind is not Kind.TEXT_WAS_REASONING:
            joined[-1] = Piece(piece.kind, joined[-1].text + piece.text)
        else:
            joined.append(piece)
    return joined


def meaning(text: str, **options: str) -> tuple[str, str]:
    """What is reasoning and what is answer in the end."""
    reasoning = answer = ""
    for piece in split([text], **options):
        if piece.kind is Kind.TEXT:
            answer += piece.text
        elif piece.kind is Kind.REASONING:
            reasoning += piece.text
        else:
            reasoning, answer = reasoning + answer, ""
    return reasoning, answer


@pytest.mark.parametrize(
    ("text", "reasoning", "answer"),
    [
        ("plain", "", "plain"),
        ("<think>a\nb</think>\n\nc", "a\nb", "c"),
        ("\n <think>\na</think>c", "a", "c"),
        ("<think></think>c", "", "c"),
        ("<think>never closed", "never closed", ""),
        ("a\n</think>\n\nc", "a\n", "c"),
        ("</think>\nc", "", "c"),
        ("a <think>b</think> c", "a <think>b", "c"),
        ("use `</think>` here", "", "use `</think>` here"),
        ("```html\n</think>\n```\ndone", "", "```html\n</think>\n```\ndone"),
        ("```\nx\n```\n</think>c", "```\nx\n```\n", "c"),
        ("~~~\n```\n</think>\n~~~\n", "", "~~~\n```\n</think>\n~~~\n"),
        ("a</think>b</think>c", "a", "b</think>c"),
        ("<think>a</think>b<think>c", "a", "b<think>c"),
        ("<thin", "", "<thin"),
        ("</thi", "", "</thi"),
        ("a </thi", "", "a </thi"),
        ("<think>a </thi", "a </thi", ""),
        ("  \n", "", ""),
        ("<think> \n", "", ""),
    ],
)
def test_markers(text, reasoning, answer):
    assert meaning(text) == (reasoning, answer)


def test_an_answer_that_is_continued_has_no_markers():
    assert meaning("<think>a</think>b", continues="text") == ("", "<think>a</think>b")


def test_cut_reasoning_is_continued_up_to_its_close_tag():
    assert meaning("more</think>\nanswer", continues="reasoning") == ("more", "answer")


def test_continued_reasoning_that_the_server_separates():
    splitter = ThinkingSplitter("reasoning")
    assert splitter.server_reasons() == []
    assert splitter.feed("answer </think>") == [Piece(Kind.TEXT, "answer </think>")]


def test_beside_a_reasoning_parser_only_a_leftover_close_tag_is_dropped():
    splitter = ThinkingSplitter()
    assert splitter.server_reasons() == []
    assert splitter.feed("</think>\n\nanswer </think>") == [Piece(Kind.TEXT, "answer </think>")]


def test_text_that_was_held_comes_out_when_the_server_starts_to_reason():
    splitter = ThinkingSplitter()
    assert splitter.feed("a </th") == [Piece(Kind.TEXT, "a ")]
    assert splitter.server_reasons() == [Piece(Kind.TEXT, "</th")]


@given(texts, st.data())
@example("a</think>b", None)
def test_any_split_gives_the_same(text, data):
    if data is None:
        pieces = list(text)
    else:
        cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=6)))
        pieces = [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    for continues in ("", "text", "reasoning"):
        assert split(pieces, continues=continues) == split([text], continues=continues)


@given(texts)
def test_nothing_but_markers_and_blanks_is_lost(text):
    kept = "".join(piece.text for piece in split([text]))
    assert "".join(kept.split()) in {"".join(candidate.split()) for candidate in _without_markers(text)}


def _without_markers(text: str) -> set[str]:
    """The text without an open tag at its start and without one close tag, in all combinations."""
    bare = text.strip().removeprefix("<think>") if text.strip().startswith("<think>") else text
    found = {text, bare}
    for candidate in (text, bare):
        place = candidate.find("</think>")
        while place >= 0:
            found.add(candidate[:place] + candidate[place + len("</think>") :])
            place = candidate.find("</think>", place + 1)
    return found


# Stop strings.

STOPS = st.lists(st.text("abc", min_size=1, max_size=3), max_size=3).map(tuple)


def cut(pieces: list[str], stops: tuple[str, ...]) -> tuple[str, str]:
    cutter = StopCutter(stops)
    text = ""
    for piece in pieces:
        result = cutter.feed(piece)
        text += result.text
        if result.stop:
            return text, result.stop
    return text + cutter.finish(), ""


@given(st.text("abcd", max_size=12), STOPS, st.lists(st.integers(0, 12), max_size=5))
def test_stop_strings_do_not_depend_on_the_split(text, stops, cuts):
    places = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    pieces = [text[start:end] for start, end in pairwise(places)]
    assert cut(pieces, stops) == cut(list(text), stops) == cut([text], stops)


@given(st.text("abcd", max_size=12), STOPS)
def test_the_text_ends_before_the_first_complete_stop_string(text, stops):
    shown, stop = cut([text], stops)
    if stop:
        assert text.startswith(shown + stop)
    else:
        assert shown == text
        assert not any(candidate in text for candidate in stops)
