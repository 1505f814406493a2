"""Bytes in any split give the same lines; whatever servers and proxies put on a line is understood."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tui.server.sse import DONE, LineDecoder, payload_of
from tui.server.text import SurrogateJoiner, is_clean, repair

Cuts = st.lists(st.integers(0, 400), max_size=12)


def split(data: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({min(cut, len(data)) for cut in cuts} | {0, len(data)})
    return [data[start:end] for start, end in zip(places, [*places[1:], len(data)], strict=True)]


def lines_of(pieces: list[bytes], limit: int = 1000) -> tuple[list[str], int, bool]:
    decoder = LineDecoder(limit)
    lines = [line for piece in pieces for line in decoder.feed(piece)]
    lines += decoder.finish()
    return lines, decoder.replaced, decoder.overflow


STREAM = st.lists(
    st.one_of(
        st.sampled_from(
            [b"\n", b"\r\n", b"\n\n", b"\r", b": comment\n", "data: 狐狸和西瓜 😀\n".encode(), b"data:[DONE]\n"]
        ),
        st.text(max_size=12).map(str.encode),
        st.binary(max_size=8),
    ),
    max_size=20,
).map(b"".join)


@given(STREAM, Cuts)
@example("狐\n".encode(), [1, 2])
@example(b"a\r\nb", [2])
def test_any_split_gives_the_lines_of_one_piece(data: bytes, cuts: list[int]) -> None:
    assert lines_of(split(data, cuts)) == lines_of([data])


@given(STREAM, Cuts, st.integers(1, 20))
def test_any_split_meets_the_limit_at_the_same_line(data: bytes, cuts: list[int], limit: int) -> None:
    lines, replaced, overflow = lines_of([data], limit)
    assert lines_of(split(data, cuts), limit) == (lines, replaced, overflow)
    assert overflow == any(len(line) > limit for line in data.split(b"\n"))


@given(st.binary(max_size=60))
def test_byte_by_byte(data: bytes) -> None:
    assert lines_of([bytes([byte]) for byte in data]) == lines_of([data])


def test_blank_lines_and_line_ends() -> None:
    assert lines_of([b"a\r\n\r\n\r\nb\n \nc\rd"])[0] == ["a", "b", "c", "d"]


def test_bytes_that_are_not_utf8_are_replaced_and_counted() -> None:
    lines, replaced, _ = lines_of([b"good\n\xff\xfe bad \xe7\x8b\nalso \xe7\x8b\x90\n"])
    assert lines == ["good", "\ufffd\ufffd bad \ufffd", "also 狐"]
    assert replaced == 1


def test_memory_stays_bounded_by_the_limit() -> None:
    decoder = LineDecoder(1000)
    assert decoder.feed(b"first\n" + b"x" * 600) == ["first"]
    assert decoder.feed(b"x" * 600) == []
    assert decoder.overflow
    assert decoder.feed(b"x" * 600 + b"\nlate\n") == []
    assert decoder.finish() == []


def test_a_long_line_in_many_pieces_is_put_together() -> None:
    decoder = LineDecoder()
    for _ in range(160):
        assert decoder.feed(b"x" * 65536) == []
    assert [len(line) for line in decoder.feed(b"\n")] == [160 * 65536]


@pytest.mark.parametrize(
    ("line", "payload"),
    [
        ('data: {"a":1}', '{"a":1}'),
        ('data:{"a":1}', '{"a":1}'),
        ('data:   {"a":1}  ', '{"a":1}'),
        ("data: [DONE]", DONE),
        ("data:", None),
        (": keep-alive", None),
        ("event: message", None),
        ("id: 5", None),
        ("retry: 100", None),
        ('{"error_code": 10402}', '{"error_code": 10402}'),
        ("Internal Server Error", "Internal Server Error"),
    ],
)
def test_payloads(line: str, payload: str | None) -> None:
    assert payload_of(line) == payload


SURROGATES = st.text(st.characters(codec=None), max_size=20) | st.text(
    st.sampled_from(["\ud83d", "\ude00", "a", "狐", "😀"]), max_size=12
)


@given(SURROGATES, Cuts)
@example("a\ud83d\ude00", [2])
def test_surrogates_in_any_split_give_the_same_text(text: str, cuts: list[int]) -> None:
    joiner = SurrogateJoiner()
    places = sorted({min(cut, len(text)) for cut in cuts} | {0, len(text)})
    pieces = [text[start:end] for start, end in zip(places, [*places[1:], len(text)], strict=True)]
    joined = "".join(joiner.feed(piece) for piece in pieces) + joiner.finish()
    assert joined == repair(text)
    assert is_clean(joined)


def test_pairs_are_joined_and_halves_replaced() -> None:
    assert repair("a\ud83d\ude00b\ud83dc\ude00") == "a😀b\ufffdc\ufffd"
    assert repair("狐狸") == "狐狸"
