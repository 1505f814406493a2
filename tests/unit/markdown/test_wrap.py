"""The rules of breaking lines."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from tui.markdown.cells import cluster_ends, extends, is_simple, width
from tui.markdown.clean import clean
from tui.markdown.wrap import CLOSING, IDEOGRAPHS, OPENING, _Filler, _wrap_ascii, fold, wrap  # pyright: ignore[reportPrivateUsage]


def rows(text: str, limit: int) -> list[str]:
    return [text[start:end] for start, end in wrap(text, limit)]


@pytest.mark.parametrize(
    ("text", "limit", "expected"),
    [
        ("使用internlm2_5模型量化", 12, ["使用", "internlm2_5", "模型量化"]),
        ("显存占用降低，速度提高", 12, ["显存占用降", "低，速度提高"]),
        ("他说（测试）之后", 9, ["他说（测", "试）之后"]),
        ("共计3.14159个", 10, ["共计", "3.14159个"]),
        ("the quick brown fox", 10, ["the quick", "brown fox"]),
        ("don’t stop", 5, ["don’t", "stop"]),
        ("他说“你好”。然后", 7, ["他说“你", "好”。然", "后"]),
        ("好等等……好的", 6, ["好等", "等……好", "的"]),
        ("abc，def", 6, ["abc，", "def"]),
        ("值为(a+b)时", 9, ["值为(a+b)", "时"]),
        ("值(中文)后", 6, ["值(中", "文)后"]),
        ("abcdefghij", 4, ["abcd", "efgh", "ij"]),
        ("aa bb  cc", 5, ["aa bb", "cc"]),
        ("👍🏽👍🏽👍🏽", 4, ["👍🏽👍🏽", "👍🏽"]),
        ("e\u0301e\u0301e\u0301", 2, ["e\u0301e\u0301", "e\u0301"]),
        ("한국어 문장은", 7, ["한국어", "문장은"]),
        ("", 5, [""]),
    ],
)
def test_breaks(text: str, limit: int, expected: list[str]) -> None:
    assert rows(text, limit) == expected


TEXTS = st.text(
    st.sampled_from(
        "abcXYZ012 .,;:!?()[]{}%'’“”（）《》，。！？、…—·中文字符量化使用がっー한국👍🏽🇨🇳❤\ufe0f\u200de\u0301\u3000-_/"
    ),
    max_size=120,
)


@settings(max_examples=1500, deadline=None)
@given(TEXTS, st.integers(2, 60), st.booleans())
def test_rows_fit_and_hold_everything(text: str, limit: int, wide: bool) -> None:
    text = clean(text)
    spans = wrap(text, limit, wide)
    position = 0
    for start, end in spans:
        assert not text[position:start].strip(" ")
        assert width(text[start:end], wide) <= limit
        position = end
    assert not text[position:].strip(" ")
    ends = {0, *cluster_ends(text)}
    assert all(start in ends and end in ends for start, end in spans)


@settings(max_examples=1000, deadline=None)
@given(st.text(st.sampled_from("abc 12.5 ，。、）》」！（《「中文量化"), max_size=120), st.integers(24, 60))
def test_chinese_rules_where_there_is_room(text: str, limit: int) -> None:
    lines = rows(text, limit)
    for before, line in pairwise(lines):
        # Chains of marks longer than a row have to be cut somewhere.
        if len(re.findall(f"[{CLOSING}{OPENING}.]", before[-10:] + line[:10])) > 6:
            continue
        assert line[0] not in CLOSING, lines
        assert before[-1] not in OPENING, lines
        if before[-1].isascii() and line[0].isascii() and f"{before}{line}" in text:
            assert not (before[-1].isalnum() and line[0].isalnum()), lines


@settings(max_examples=1000, deadline=None)
@given(st.text(st.sampled_from("abcde  .,x-y_z/12()"), max_size=150), st.integers(2, 30))
def test_ascii_gives_what_the_general_rules_give(text: str, limit: int) -> None:
    if not text or text[0] == " " or re.search(r"[(\[{<] | [)\]},.;:!?%]+(?: |$)", text) or len(text) <= limit:
        return
    assert wrap(text, limit) == _wrap_ascii(text, limit)
    wide = f"{text} 中"  # goes through the general rules
    fitting = [span for span in wrap(wide, limit) if span[1] <= len(text)]
    general = _Filler(text, limit, wide_ambiguous=False)
    from tui.markdown.wrap import _ATOM  # pyright: ignore[reportPrivateUsage]

    for match in _ATOM.finditer(text):
        general.add(match.lastgroup or "word", match.start(), match.end())
    assert [text[a:b].rstrip(" ") for a, b in general.finish()] == [
        text[a:b].rstrip(" ") for a, b in _wrap_ascii(text, limit)
    ]
    assert fitting[:-1] == wrap(text, limit)[: len(fitting) - 1]


@settings(max_examples=500, deadline=None)
@given(TEXTS, st.integers(2, 30))
def test_code_is_folded_without_loss(text: str, limit: int) -> None:
    spans = fold(text, limit)
    assert "".join(text[start:end] for start, end in spans) == text
    assert all(width(text[start:end]) <= limit for start, end in spans)


def test_ideographs_are_two_cells_wide() -> None:
    pattern = re.compile(f"[{IDEOGRAPHS}]")
    assert {chr(code) for code in range(0x10000) if pattern.match(chr(code)) and cell_len(chr(code)) != 2} <= {"\u3164"}


def test_simple_characters_never_join_the_one_before() -> None:
    assert not [
        hex(code) for code in range(0x20, 0x2FFFF) if is_simple(chr(code)) and extends(chr(code)) and code != 0x3164
    ]


def test_every_character_finds_its_place() -> None:
    from tui.markdown.wrap import _ATOM  # pyright: ignore[reportPrivateUsage]

    text = "".join(chr(code) for code in range(0x20, 0x30000) if not 0xD800 <= code < 0xE000)
    assert "".join(match[0] for match in _ATOM.finditer(text)) == text


def test_ambiguous_characters_may_be_wide() -> None:
    assert width("“①±”") == 4
    assert width("“①±”", wide_ambiguous=True) == 8
    assert [end - start for start, end in wrap("①②③④", 4, wide_ambiguous=True)] == [2, 2]


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("👨‍👩‍👧", 1),
        ("🇨🇳🇺🇸", 2),
        ("🇨🇳🇺", 2),
        ("e\u0301x", 2),
        ("1\ufe0f\u20e3", 1),
        ("क्षि", 2),
        ("\u0301a", 2),
        ("🏴\U000e0067\U000e007f.", 2),
    ],
)
def test_clusters(text: str, count: int) -> None:
    assert len(cluster_ends(text)) == count
