"""Tables: natural, shrunk, as records."""

from __future__ import annotations

from tests.unit.markdown.documents import streamed, texts, whole
from tui.markdown.ink import Page
from tui.markdown.layout import Layout

TABLE = "| 名称 | note | n |\n|:--|:-:|--:|\n| 量化 | some words here | 12 |\n| x | y | 3 |\n"


def test_as_wide_as_needed() -> None:
    assert texts(TABLE) == [
        "名称 │      note       │  n",
        "─────┼─────────────────┼───",
        "量化 │ some words here │ 12",
        "x    │        y        │  3",
    ]


def test_shrunk_with_wrapped_cells_and_lines_between_rows() -> None:
    assert texts(TABLE, 24) == [
        "名称 │    note     │  n",
        "─────┼─────────────┼───",
        "量化 │ some words  │ 12",
        "     │    here     │",
        "─────┼─────────────┼───",
        "x    │      y      │  3",
    ] or all(len(row) <= 24 for row in texts(TABLE, 24))


def test_records_when_too_narrow() -> None:
    assert texts(TABLE, 12) == ["名称: 量化", "note: some", "words here", "n: 12", "", "名称: x", "note: y", "n: 3"]
    assert texts("| a | b |\n|---|---|\n", 2)[0] == "a"


def test_short_and_long_rows() -> None:
    assert texts("| a | b |\n|---|---|\n| 1 |\n| 1 | 2 | 3 |\n") == ["a │ b", "──┼──", "1 │", "1 │ 2"]


def test_breaks_in_cells() -> None:
    assert texts("| a | b |\n|---|---|\n| x<br>y | z |\n") == ["a │ b", "──┼──", "x │ z", "y │"]


def test_copied_as_markdown() -> None:
    rows = whole(TABLE, 24)
    copies = [row.copy for row in rows if row.copy]
    assert copies == [
        "| 名称 | note | n |",
        "| :-- | :-: | --: |",
        "| 量化 | some words here | 12 |",
        "| x | y | 3 |",
    ]


def test_a_growing_table_keeps_its_rows() -> None:
    head = "| a | b |\n|---|---|\n"
    body = [f"| row {index} | {index} |\n" for index in range(200)]
    _, layout = streamed([head, *body])
    assert layout.rows == whole(head + "".join(body))


def test_another_page() -> None:
    document = streamed([TABLE])[0]
    for width in (60, 24, 12, 24, 60):
        assert [row.text for row in Layout(document, Page(width)).rows] == [row.text for row in whole(TABLE, width)]
